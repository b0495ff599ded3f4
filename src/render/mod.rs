//! Drawing the sphere: pipelines, offscreen targets, camera, picking and selection.
//!
//! The only room with wgpu pipelines. It knows neither egui nor tensors: points come as a slice or
//! as a leased GPU buffer, colours come as arguments, and the picture is a texture that a window
//! shows or a file stores. The window and `spherescope render` share every line of it.
//!
//! How a picture comes about (no multisampling, no depth buffer, no vertex buffer):
//!
//! 1. `splat.wgsl`, compute, one invocation a point: project the point, and let the pixels its
//!    disc covers keep the foremost point's key (`atomicMax` of rank, depth and index). On software
//!    Vulkan this is twice (100,000 points) to seven times (a million) as fast as instanced quads,
//!    whose set-up runs on one thread, and the buffer of keys is at once the exact answer to
//!    "which point is at this pixel".
//! 2. `arcs.wgsl`: geodesic arcs as ribbons, near and far side into two targets.
//! 3. `composite.wgsl`: the sphere by exact ray intersection, with graticule, density shading,
//!    points and arcs in the order in which light meets them, every edge antialiased analytically.
//! 4. `rings.wgsl`: hover and focus rings.
//!
//! `relief.wgsl` draws surfaces of heights, with the same camera; and the sphere's own surface where
//! it sinks with a field, which the compositor then lays in the place of the smooth one.
//! `meshes.wgsl` draws the window's own triangles where a processor rasterises.
//!
//! Uses only `wgpu` and `glam` (and `image` for PNG), and no other room.

mod bench;
mod camera;
pub mod colour;
mod error;
mod frame;
mod headless;
mod ids;
mod meshes;
mod pipelines;
mod positions;
mod readback;
mod relief;
mod renderer;
mod scene;
mod select;
mod shaders;
mod sphere_relief;
mod targets;
mod uploads;
mod view;

#[cfg(test)]
mod tests;

pub use bench::{SphereBench, bench_sphere, sample_cloud};
pub use camera::Camera;
pub use error::RenderError;
pub use frame::{FarSide, SphereColours, SphereStyle, suggested_point_size_pt};
pub use headless::{HeadlessGpu, render_sphere};
pub use ids::{Pick, Side};
pub use meshes::{MESH_VERTEX_BYTES, MeshDraw, MeshFill, MeshList, MeshPainter};
pub use readback::Picture;
pub use relief::{ReliefRenderer, ReliefScene};
pub use renderer::SphereRenderer;
pub use scene::{
    GeodesicArc, LeasedPoints, PointFlags, PointRing, PointSource, SphereScene, SurfaceField,
};
pub use select::{Region, select};
pub use shaders::SHADERS;
pub use sphere_relief::SphereRelief;
pub use view::{Projected, View};
