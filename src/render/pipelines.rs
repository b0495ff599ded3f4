//! Pipelines and the layouts of what they bind.

use super::{RenderError, shaders};

/// Format of the picture: gamma-encoded bytes, as egui and PNG want them.
pub(super) const PICTURE_FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;

/// Runs `make` and turns what wgpu objects to into an error. Without the scopes such an objection
/// would reach the device's own handler, which may end the program.
pub(super) fn guarded<T>(
    device: &wgpu::Device,
    what: &'static str,
    make: impl FnOnce() -> T,
) -> Result<T, RenderError> {
    let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
    let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
    let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let made = make();
    let errors = [
        pollster::block_on(validation.pop()),
        pollster::block_on(internal.pop()),
        pollster::block_on(memory.pop()),
    ];
    match errors.into_iter().flatten().next() {
        None => Ok(made),
        Some(error) => Err(RenderError::Refused {
            what,
            reason: error.to_string(),
        }),
    }
}

/// All pipelines of the room.
pub(super) struct Pipelines {
    pub splat: wgpu::ComputePipeline,
    pub arcs: wgpu::RenderPipeline,
    pub rings: wgpu::RenderPipeline,
    /// Indexed by [`composite_variant`].
    composites: [wgpu::RenderPipeline; 4],
    pub splat_layout: wgpu::BindGroupLayout,
    pub composite_layout: wgpu::BindGroupLayout,
    /// The frame and one list of shapes.
    pub shapes_layout: wgpu::BindGroupLayout,
    pub sampler: wgpu::Sampler,
}

fn composite_variant(has_arcs: bool, has_field: bool) -> usize {
    usize::from(has_arcs) + 2 * usize::from(has_field)
}

impl Pipelines {
    /// Compiles everything.
    pub fn new(device: &wgpu::Device) -> Result<Self, RenderError> {
        guarded(device, "the pipelines of the sphere", || {
            Self::build(device)
        })
    }

    /// The compositor that draws exactly what the scene has.
    pub fn composite(&self, has_arcs: bool, has_field: bool) -> &wgpu::RenderPipeline {
        &self.composites[composite_variant(has_arcs, has_field)]
    }

    fn build(device: &wgpu::Device) -> Self {
        let splat_layout = splat_layout(device);
        let composite_layout = composite_layout(device);
        let shapes_layout = layout(
            device,
            "sphere shapes",
            wgpu::ShaderStages::VERTEX,
            &[READ_ONLY],
        );
        let arcs = RenderPart {
            label: "sphere arcs",
            source: shaders::ARCS,
            entries: ["ribbon", "paint"],
            target_count: 2,
            is_blended: true,
            constants: &[],
        };
        let rings = RenderPart {
            label: "sphere rings",
            source: shaders::RINGS,
            entries: ["place", "paint"],
            target_count: 1,
            is_blended: true,
            constants: &[],
        };
        let composite = |has_arcs: bool, has_field: bool| {
            RenderPart {
                label: "sphere composite",
                source: shaders::COMPOSITE,
                entries: ["cover", "composite"],
                target_count: 1,
                is_blended: false,
                constants: &[
                    ("HAS_ARCS", f64::from(u8::from(has_arcs))),
                    ("HAS_DENSITY", f64::from(u8::from(has_field))),
                ],
            }
            .pipeline(device, &composite_layout)
        };
        Self {
            splat: splat_pipeline(device, &splat_layout),
            arcs: arcs.pipeline(device, &shapes_layout),
            rings: rings.pipeline(device, &shapes_layout),
            composites: std::array::from_fn(|variant| {
                composite(variant & 1 == 1, variant & 2 == 2)
            }),
            sampler: device.create_sampler(&wgpu::SamplerDescriptor {
                label: Some("sphere field"),
                address_mode_u: wgpu::AddressMode::Repeat,
                mag_filter: wgpu::FilterMode::Linear,
                min_filter: wgpu::FilterMode::Linear,
                ..Default::default()
            }),
            splat_layout,
            composite_layout,
            shapes_layout,
        }
    }
}

const UNIFORM: wgpu::BindingType = buffer_type(wgpu::BufferBindingType::Uniform);
const READ_ONLY: wgpu::BindingType =
    buffer_type(wgpu::BufferBindingType::Storage { read_only: true });
const READ_WRITE: wgpu::BindingType =
    buffer_type(wgpu::BufferBindingType::Storage { read_only: false });
const TEXTURE: wgpu::BindingType = wgpu::BindingType::Texture {
    sample_type: wgpu::TextureSampleType::Float { filterable: true },
    view_dimension: wgpu::TextureViewDimension::D2,
    multisampled: false,
};
const SAMPLER: wgpu::BindingType = wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering);

const fn buffer_type(ty: wgpu::BufferBindingType) -> wgpu::BindingType {
    wgpu::BindingType::Buffer {
        ty,
        has_dynamic_offset: false,
        min_binding_size: None,
    }
}

/// The frame at binding 0 for all stages, and at 1, 2 … these types for `stage`.
fn layout(
    device: &wgpu::Device,
    label: &str,
    stage: wgpu::ShaderStages,
    types: &[wgpu::BindingType],
) -> wgpu::BindGroupLayout {
    let all = wgpu::ShaderStages::VERTEX_FRAGMENT | wgpu::ShaderStages::COMPUTE;
    let frame = [(all, UNIFORM)];
    let others = types.iter().map(|&ty| (stage, ty));
    let entries: Vec<_> = (0..)
        .zip(frame.into_iter().chain(others))
        .map(|(binding, (visibility, ty))| wgpu::BindGroupLayoutEntry {
            binding,
            visibility,
            ty,
            count: None,
        })
        .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(label),
        entries: &entries,
    })
}

/// Frame, positions, colours, flags, keys, marks.
fn splat_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    layout(
        device,
        "sphere splat",
        wgpu::ShaderStages::COMPUTE,
        &[READ_ONLY, READ_ONLY, READ_ONLY, READ_WRITE, READ_WRITE],
    )
}

/// Frame, keys, marks, arcs in front, arcs behind, field, ramp, sampler, relief.
fn composite_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    layout(
        device,
        "sphere composite",
        wgpu::ShaderStages::FRAGMENT,
        &[
            READ_ONLY, READ_ONLY, TEXTURE, TEXTURE, TEXTURE, TEXTURE, SAMPLER, TEXTURE,
        ],
    )
}

pub(super) fn shader(
    device: &wgpu::Device,
    label: &str,
    source: &'static str,
) -> wgpu::ShaderModule {
    device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(label),
        source: wgpu::ShaderSource::Wgsl(source.into()),
    })
}

fn pipeline_layout(device: &wgpu::Device, group: &wgpu::BindGroupLayout) -> wgpu::PipelineLayout {
    device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: None,
        bind_group_layouts: &[Some(group)],
        immediate_size: 0,
    })
}

fn splat_pipeline(device: &wgpu::Device, group: &wgpu::BindGroupLayout) -> wgpu::ComputePipeline {
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some("sphere splat"),
        layout: Some(&pipeline_layout(device, group)),
        module: &shader(device, "splat.wgsl", shaders::SPLAT),
        entry_point: Some("splat"),
        compilation_options: wgpu::PipelineCompilationOptions::default(),
        cache: None,
    })
}

/// What sets one render pipeline apart from the others.
struct RenderPart<'a> {
    label: &'a str,
    source: &'static str,
    /// Entry points of the vertex and the fragment stage.
    entries: [&'a str; 2],
    target_count: usize,
    /// Whether fragments go over what is there (premultiplied) or replace it.
    is_blended: bool,
    constants: &'a [(&'a str, f64)],
}

impl RenderPart<'_> {
    fn pipeline(
        &self,
        device: &wgpu::Device,
        group: &wgpu::BindGroupLayout,
    ) -> wgpu::RenderPipeline {
        let module = shader(device, self.label, self.source);
        let target = wgpu::ColorTargetState {
            format: PICTURE_FORMAT,
            blend: self
                .is_blended
                .then_some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
            write_mask: wgpu::ColorWrites::ALL,
        };
        let compilation_options = wgpu::PipelineCompilationOptions {
            constants: self.constants,
            ..Default::default()
        };
        device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some(self.label),
            layout: Some(&pipeline_layout(device, group)),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some(self.entries[0]),
                compilation_options: compilation_options.clone(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some(self.entries[1]),
                compilation_options,
                targets: &vec![Some(target); self.target_count],
            }),
            multiview_mask: None,
            cache: None,
        })
    }
}
