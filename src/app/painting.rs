//! The window's triangles by a pipeline of our own where a processor rasterises.
//!
//! There egui's shader takes most of a frame (see [`crate::render::MeshPainter`]). Once a frame is
//! laid out and before the backend has it, its shapes are made triangles here and handed on as one
//! callback that draws them; textures stay egui's own.

use std::{ops::Range, sync::Arc};

use egui::{
    ClippedPrimitive, Context, FullOutput, Mesh, PaintCallbackInfo, Plugin, Rect, Shape,
    epaint::{ClippedShape, Primitive, Vertex, WHITE_UV},
    mutex::RwLock,
};
use egui_wgpu::{CallbackTrait, ScreenDescriptor, wgpu};

use crate::render::{MESH_VERTEX_BYTES, MeshDraw, MeshFill, MeshList, MeshPainter};

/// Paints the window cheaply; made only where that helps.
pub(super) struct SoftwarePainting {
    device: wgpu::Device,
    queue: wgpu::Queue,
    egui: Arc<RwLock<egui_wgpu::Renderer>>,
    painter: Arc<MeshPainter>,
    /// Off, frames go to egui as they are.
    pub is_on: bool,
}

/// One frame on its way to the screen.
struct Frame {
    painter: Arc<MeshPainter>,
    list: MeshList,
}

impl SoftwarePainting {
    /// Takes over on software adapters whose target keeps gamma-encoded bytes.
    pub fn install(ctx: &Context, state: &egui_wgpu::RenderState) {
        let is_software = state.adapter.get_info().device_type == wgpu::DeviceType::Cpu;
        if !is_software || state.target_format.is_srgb() {
            return;
        }
        match MeshPainter::new(&state.device, state.target_format) {
            Ok(painter) => ctx.add_plugin(Self {
                device: state.device.clone(),
                queue: state.queue.clone(),
                egui: Arc::clone(&state.renderer),
                painter: Arc::new(painter),
                is_on: true,
            }),
            Err(error) => log::warn!("the window draws slower than it could: {error}"),
        }
    }

    /// The triangles of a frame as draws; `None` when a texture is not there.
    fn list(&self, primitives: &[ClippedPrimitive], pixels_per_point: f32) -> MeshList {
        let egui = self.egui.read();
        let mut list = MeshList::default();
        for ClippedPrimitive {
            clip_rect,
            primitive,
        } in primitives
        {
            let Primitive::Mesh(mesh) = primitive else {
                continue;
            };
            let Some(texture) = egui.texture(&mesh.texture_id) else {
                log::debug!("no texture {:?}", mesh.texture_id);
                continue;
            };
            let base = list.vertices.len() / MESH_VERTEX_BYTES;
            let first = list.indices.len() as u32;
            list.vertices
                .extend_from_slice(bytemuck::cast_slice(&mesh.vertices));
            list.indices.extend_from_slice(&mesh.indices);
            let Rect { min, max } = *clip_rect;
            let clip_px = [min.x, min.y, max.x, max.y].map(|side| side * pixels_per_point);
            list.draws
                .extend(fills(mesh).into_iter().map(|(fill, indices)| MeshDraw {
                    fill,
                    clip_px,
                    indices: first + indices.start..first + indices.end,
                    base_vertex: base as i32,
                    texture: texture.bind_group.clone(),
                }));
        }
        list
    }
}

/// From this area on, in square points, a triangle without texture is drawn by itself: a change of
/// pipeline costs about as much as the look-ups of so many pixels.
const LARGE: f32 = 2000.0;

/// The indices of a mesh in runs that are filled alike. Backgrounds, which are most of a window's
/// pixels, need no texture, and mostly no blending.
fn fills(mesh: &Mesh) -> Vec<(MeshFill, Range<u32>)> {
    let is_of_atlas = mesh.texture_id == egui::TextureId::default();
    let mut runs: Vec<(MeshFill, Range<u32>)> = Vec::new();
    for (index, corners) in mesh.indices.as_chunks::<3>().0.iter().enumerate() {
        let corners = corners.map(|corner| mesh.vertices[corner as usize]);
        let fill = if is_of_atlas {
            fill_of(&corners)
        } else {
            MeshFill::Textured
        };
        let (start, end) = (3 * index as u32, 3 * index as u32 + 3);
        match runs.last_mut() {
            Some((last, run)) if *last == fill => run.end = end,
            _ => runs.push((fill, start..end)),
        }
    }
    runs
}

fn fill_of(corners: &[Vertex; 3]) -> MeshFill {
    let [a, b, c] = corners.map(|corner| corner.pos);
    let (u, v) = (b - a, c - a);
    let is_large = (u.x * v.y - u.y * v.x).abs() > 2.0 * LARGE;
    if !is_large || corners.iter().any(|corner| corner.uv != WHITE_UV) {
        MeshFill::Textured
    } else if corners.iter().all(|corner| corner.color.a() == 255) {
        MeshFill::Opaque
    } else {
        MeshFill::Tinted
    }
}

/// Whether another callback draws in this frame: then egui keeps it.
fn has_callback(shape: &Shape) -> bool {
    match shape {
        Shape::Callback(_) => true,
        Shape::Vec(shapes) => shapes.iter().any(has_callback),
        _ => false,
    }
}

impl Plugin for SoftwarePainting {
    fn debug_name(&self) -> &'static str {
        "software painting"
    }

    fn output_hook(&mut self, ctx: &Context, output: &mut FullOutput) {
        let is_ours = !(output.shapes.iter()).any(|clipped| has_callback(&clipped.shape));
        if !self.is_on || !is_ours || output.shapes.is_empty() {
            return;
        }
        // Now rather than when egui would: the bind groups taken below are then this frame's.
        let mut egui = self.egui.write();
        for (id, deltas) in output.textures_delta.set.drain() {
            for delta in deltas {
                egui.update_texture(&self.device, &self.queue, id, &delta);
            }
        }
        drop(egui);
        let shapes = std::mem::take(&mut output.shapes);
        let primitives = ctx.tessellate(shapes, output.pixels_per_point);
        let frame = Frame {
            painter: Arc::clone(&self.painter),
            list: self.list(&primitives, output.pixels_per_point),
        };
        let callback = egui_wgpu::Callback::new_paint_callback(ctx.viewport_rect(), frame);
        output.shapes = vec![ClippedShape {
            clip_rect: Rect::EVERYTHING,
            shape: Shape::Callback(callback),
            transform_after_tessellation: egui::emath::TSTransform::IDENTITY,
        }];
    }
}

impl CallbackTrait for Frame {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _: &mut wgpu::CommandEncoder,
        _: &mut egui_wgpu::CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let size_pt = screen
            .size_in_pixels
            .map(|side| side as f32 / screen.pixels_per_point);
        self.painter.upload(device, queue, &self.list, size_pt);
        Vec::new()
    }

    fn paint(
        &self,
        info: PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        _: &egui_wgpu::CallbackResources,
    ) {
        self.painter.paint(pass, &self.list, info.screen_size_px);
    }
}

#[cfg(test)]
mod tests {
    use egui::{Color32, pos2};

    use super::*;

    #[test]
    fn large_plain_triangles_are_apart_and_in_their_order() {
        let mut mesh = Mesh::default();
        let rect = |side: f32| Rect::from_min_max(pos2(0.0, 0.0), pos2(side, side));
        let tints = [Color32::WHITE, Color32::TRANSPARENT];
        mesh.add_colored_rect(rect(10.0), tints[0]);
        mesh.add_colored_rect(rect(100.0), tints[0]);
        mesh.add_colored_rect(rect(100.0), tints[1]);
        mesh.add_rect_with_uv(rect(100.0), rect(1.0), tints[0]);
        let runs = [
            MeshFill::Textured,
            MeshFill::Opaque,
            MeshFill::Tinted,
            MeshFill::Textured,
        ];
        let ranges = [0..6, 6..12, 12..18, 18..24];
        let expected: Vec<_> = runs.into_iter().zip(ranges).collect();
        assert_eq!(fills(&mesh), expected);
        // Of another texture the same place may hold anything.
        mesh.texture_id = egui::TextureId::User(1);
        assert_eq!(fills(&mesh), [(MeshFill::Textured, 0..24)]);
    }
}
