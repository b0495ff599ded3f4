//! The WGSL sources, complete as they are compiled.

/// Every shader as `(file name, source as compiled)`; all of the sphere's carry
/// `frame.wgsl` in front. `tests/shaders.rs` validates each and checks that no file is left out.
pub const SHADERS: &[(&str, &str)] = &[
    ("frame.wgsl", include_str!("../../shaders/frame.wgsl")),
    ("splat.wgsl", SPLAT),
    ("arcs.wgsl", ARCS),
    ("composite.wgsl", COMPOSITE),
    ("rings.wgsl", RINGS),
    ("relief.wgsl", RELIEF),
    ("meshes.wgsl", MESHES),
];

macro_rules! with_frame {
    ($file:literal) => {
        concat!(
            include_str!("../../shaders/frame.wgsl"),
            "\n",
            include_str!(concat!("../../shaders/", $file))
        )
    };
}

pub(super) const MESHES: &str = include_str!("../../shaders/meshes.wgsl");
pub(super) const RELIEF: &str = include_str!("../../shaders/relief.wgsl");
pub(super) const SPLAT: &str = with_frame!("splat.wgsl");
pub(super) const ARCS: &str = with_frame!("arcs.wgsl");
pub(super) const COMPOSITE: &str = with_frame!("composite.wgsl");
pub(super) const RINGS: &str = with_frame!("rings.wgsl");
