//! Textured triangles of a window, drawn cheaply where the processor rasterises.
//!
//! egui's own fragment shader holds a software filter and three wrap modes behind branches. Mesa's
//! software driver runs both sides of every branch, which makes a filled pixel seven times as dear
//! as it need be (llvmpipe of Mesa 22.3, two cores, a window of 1472 × 920: 37 ms a layer, and 5 ms
//! by `meshes.wgsl`).

use std::{ops::Range, sync::Mutex};

use super::{
    RenderError,
    pipelines::{guarded, shader},
    shaders,
};

/// Bytes of a corner: position in points, place in the texture, and a premultiplied tint of four
/// bytes.
pub const MESH_VERTEX_BYTES: usize = 20;

/// How triangles are filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeshFill {
    /// Texture times tint, over what is there.
    Textured,
    /// The tint, over what is there.
    Tinted,
    /// The tint, in the place of what is there: for tints that let nothing through.
    Opaque,
}

/// Triangles that share a texture and a clip.
pub struct MeshDraw {
    /// What their pixels are.
    pub fill: MeshFill,
    /// Left, top, right, bottom in pixels; what is outside is not drawn.
    pub clip_px: [f32; 4],
    /// Which of the list's indices.
    pub indices: Range<u32>,
    /// Added to each index.
    pub base_vertex: i32,
    /// Texture, sampler and 16 bytes of flags, as egui binds them.
    pub texture: wgpu::BindGroup,
}

/// All triangles of a frame, in the order in which they cover each other.
#[derive(Default)]
pub struct MeshList {
    /// Corners of [`MESH_VERTEX_BYTES`] each.
    pub vertices: Vec<u8>,
    /// Three a triangle.
    pub indices: Vec<u32>,
    /// What is drawn of them.
    pub draws: Vec<MeshDraw>,
}

/// Draws [`MeshList`]s into a target of one format.
pub struct MeshPainter {
    /// In the order of [`MeshFill`].
    pipelines: [wgpu::RenderPipeline; 3],
    screen: wgpu::Buffer,
    group: wgpu::BindGroup,
    buffers: Mutex<[wgpu::Buffer; 2]>,
}

const USAGES: [wgpu::BufferUsages; 2] = [wgpu::BufferUsages::VERTEX, wgpu::BufferUsages::INDEX];

impl MeshPainter {
    /// Compiles the pipeline for targets of a gamma-encoded format.
    ///
    /// # Errors
    /// [`RenderError::Refused`] when the device does not take it.
    pub fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Result<Self, RenderError> {
        guarded(device, "the pipeline of the window", || {
            let screen = device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("meshes screen"),
                size: 16,
                usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            });
            let layouts = [screen_layout(device), texture_layout(device)];
            let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: Some("meshes screen"),
                layout: &layouts[0],
                entries: &[wgpu::BindGroupEntry {
                    binding: 0,
                    resource: screen.as_entire_binding(),
                }],
            });
            let fills = [MeshFill::Textured, MeshFill::Tinted, MeshFill::Opaque];
            Self {
                pipelines: fills.map(|fill| pipeline(device, &layouts, format, fill)),
                screen,
                group,
                buffers: Mutex::new(USAGES.map(|usage| buffer(device, usage, 1 << 16))),
            }
        })
    }

    /// Brings the corners of `list` to the device, for a screen of `size_pt`.
    pub fn upload(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        list: &MeshList,
        size_pt: [f32; 2],
    ) {
        let screen = [size_pt[0], size_pt[1], 0.0, 0.0];
        queue.write_buffer(&self.screen, 0, bytemuck::cast_slice(&screen));
        let contents = [
            list.vertices.as_slice(),
            bytemuck::cast_slice(&list.indices),
        ];
        let mut buffers = self.lock();
        for ((own, content), usage) in buffers.iter_mut().zip(contents).zip(USAGES) {
            if own.size() < content.len() as u64 {
                *own = buffer(device, usage, 2 * content.len() as u64);
            }
            if !content.is_empty() {
                queue.write_buffer(own, 0, content);
            }
        }
    }

    /// Draws the list that was brought last into a target of `size_px`.
    pub fn paint(&self, pass: &mut wgpu::RenderPass<'_>, list: &MeshList, size_px: [u32; 2]) {
        if list.draws.is_empty() {
            return;
        }
        pass.set_viewport(0.0, 0.0, size_px[0] as f32, size_px[1] as f32, 0.0, 1.0);
        pass.set_bind_group(0, &self.group, &[]);
        let mut fill = None;
        let buffers = self.lock();
        pass.set_vertex_buffer(0, buffers[0].slice(..));
        pass.set_index_buffer(buffers[1].slice(..), wgpu::IndexFormat::Uint32);
        for draw in &list.draws {
            let Some([x, y, width, height]) = scissor(draw.clip_px, size_px) else {
                continue;
            };
            if fill.replace(draw.fill) != Some(draw.fill) {
                pass.set_pipeline(&self.pipelines[draw.fill as usize]);
            }
            pass.set_scissor_rect(x, y, width, height);
            pass.set_bind_group(1, &draw.texture, &[]);
            pass.draw_indexed(draw.indices.clone(), draw.base_vertex, 0..1);
        }
    }

    /// Buffers are replaced whole, so that a panic in between leaves them sound.
    fn lock(&self) -> std::sync::MutexGuard<'_, [wgpu::Buffer; 2]> {
        self.buffers
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The clip in whole pixels of a target, rounded as egui rounds it; `None` when nothing is inside.
fn scissor(clip_px: [f32; 4], size_px: [u32; 2]) -> Option<[u32; 4]> {
    let [width, height] = size_px.map(|side| side as f32);
    let [left, top, right, bottom] = clip_px.map(f32::round);
    let [left, right] = [left, right].map(|x| x.clamp(0.0, width) as u32);
    let [top, bottom] = [top, bottom].map(|y| y.clamp(0.0, height) as u32);
    (left < right && top < bottom).then(|| [left, top, right - left, bottom - top])
}

fn buffer(device: &wgpu::Device, usage: wgpu::BufferUsages, size: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("meshes"),
        size: size.next_multiple_of(wgpu::COPY_BUFFER_ALIGNMENT),
        usage: usage | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

fn screen_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("meshes screen"),
        entries: &[wgpu::BindGroupLayoutEntry {
            binding: 0,
            visibility: wgpu::ShaderStages::VERTEX,
            ty: uniform(16),
            count: None,
        }],
    })
}

/// The same as egui's, entry for entry, so that its bind groups serve here.
fn texture_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let types = [
        wgpu::BindingType::Texture {
            multisampled: false,
            sample_type: wgpu::TextureSampleType::Float { filterable: true },
            view_dimension: wgpu::TextureViewDimension::D2,
        },
        wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering),
        uniform(16),
    ];
    let entries: Vec<_> = (0..)
        .zip(types)
        .map(|(binding, ty)| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::FRAGMENT,
            ty,
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("meshes texture"),
        entries: &entries,
    })
}

fn uniform(bytes: u64) -> wgpu::BindingType {
    wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Uniform,
        has_dynamic_offset: false,
        min_binding_size: std::num::NonZeroU64::new(bytes),
    }
}

/// Blends as egui does: premultiplied over what is there, and the target's opacity kept.
fn pipeline(
    device: &wgpu::Device,
    layouts: &[wgpu::BindGroupLayout; 2],
    format: wgpu::TextureFormat,
    fill: MeshFill,
) -> wgpu::RenderPipeline {
    let module = shader(device, "meshes.wgsl", shaders::MESHES);
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some("meshes"),
        bind_group_layouts: &[Some(&layouts[0]), Some(&layouts[1])],
        immediate_size: 0,
    });
    let blend = |src_factor, dst_factor| wgpu::BlendComponent {
        src_factor,
        dst_factor,
        operation: wgpu::BlendOperation::Add,
    };
    device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
        label: Some("meshes"),
        layout: Some(&layout),
        vertex: wgpu::VertexState {
            module: &module,
            entry_point: Some("lay"),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            buffers: &[Some(wgpu::VertexBufferLayout {
                array_stride: MESH_VERTEX_BYTES as u64,
                step_mode: wgpu::VertexStepMode::Vertex,
                attributes: &wgpu::vertex_attr_array![
                    0 => Float32x2, 1 => Float32x2, 2 => Unorm8x4
                ],
            })],
        },
        primitive: wgpu::PrimitiveState::default(),
        depth_stencil: None,
        multisample: wgpu::MultisampleState::default(),
        fragment: Some(wgpu::FragmentState {
            module: &module,
            entry_point: Some(match fill {
                MeshFill::Textured => "paint",
                MeshFill::Tinted | MeshFill::Opaque => "fill",
            }),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            targets: &[Some(wgpu::ColorTargetState {
                format,
                blend: (fill != MeshFill::Opaque).then_some(wgpu::BlendState {
                    color: blend(wgpu::BlendFactor::One, wgpu::BlendFactor::OneMinusSrcAlpha),
                    alpha: blend(wgpu::BlendFactor::OneMinusDstAlpha, wgpu::BlendFactor::One),
                }),
                write_mask: wgpu::ColorWrites::ALL,
            })],
        }),
        multiview_mask: None,
        cache: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_stays_within_its_target() {
        assert_eq!(
            scissor([-5.0, 1.4, 7.6, 900.0], [6, 10]),
            Some([0, 1, 6, 9])
        );
        assert_eq!(scissor([2.0, 2.0, 2.3, 5.0], [6, 10]), None);
        assert_eq!(
            scissor([f32::NEG_INFINITY, 0.0, f32::INFINITY, 1.0], [6, 10]),
            Some([0, 0, 6, 1])
        );
    }
}
