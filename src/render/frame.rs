//! Style of the picture, and the uniform block that every pass reads.

use super::{View, colour::Rgba8, view::EYE_DISTANCE};

/// Theme colours, gamma-encoded with straight opacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SphereColours {
    /// Behind the sphere; may be transparent.
    pub background: Rgba8,
    /// The translucent surface; its opacity is that at the rim.
    pub surface: Rgba8,
    /// The silhouette and the glow inside it.
    pub rim: Rgba8,
    /// Meridians, parallels and equator.
    pub graticule: Rgba8,
    /// The outline that sets discs off from each other.
    pub halo: Rgba8,
}

impl SphereColours {
    /// For files made without a window: as the dark theme.
    pub const DARK: Self = Self {
        background: [0x14, 0x17, 0x1c, 255],
        surface: [0x25, 0x2d, 0x39, 190],
        rim: [0x8f, 0xa3, 0xbd, 205],
        graticule: [0x8f, 0xa3, 0xbd, 110],
        halo: [0x14, 0x17, 0x1c, 215],
    };
    /// For files made without a window: as the light theme.
    pub const LIGHT: Self = Self {
        background: [0xfb, 0xfc, 0xfd, 255],
        surface: [0xe4, 0xea, 0xf2, 190],
        rim: [0x5b, 0x6b, 0x80, 205],
        graticule: [0x5b, 0x6b, 0x80, 115],
        halo: [0xff, 0xff, 0xff, 230],
    };
}

/// What happens to what lies behind the near surface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FarSide {
    /// Not drawn, not picked.
    Hidden,
    /// Seen through the surface, with this opacity from 0 to 1.
    Faint(f32),
}

/// How the scene is drawn. Sizes are in points; `pixels_per_point` makes pixels of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SphereStyle {
    /// Theme colours.
    pub colours: SphereColours,
    /// Diameter of a disc in the plane through the centre, at zoom 1; it grows with the square
    /// root of the zoom. See [`suggested_point_size_pt`].
    pub point_size_pt: f32,
    /// Scale of the display.
    pub pixels_per_point: f32,
    /// What lies behind the near surface.
    pub far_side: FarSide,
    /// How much contrast is lost towards the rim and the far side, 0 to 1.
    pub depth_cue: f32,
    /// Angle between graticule lines in degrees, or none.
    pub graticule_step_deg: Option<f32>,
    /// Opacity of the surface field where it is highest, 0 to 1.
    pub field_opacity: f32,
    /// Opacity of dimmed points, 0 to 1.
    pub dimmed_opacity: f32,
    /// Width of arcs in points.
    pub arc_width_pt: f32,
}

impl SphereStyle {
    /// The default look with these colours, for `point_count` points.
    pub fn new(colours: SphereColours, point_count: usize) -> Self {
        Self {
            colours,
            point_size_pt: suggested_point_size_pt(point_count),
            pixels_per_point: 1.0,
            far_side: FarSide::Faint(0.6),
            depth_cue: 0.8,
            graticule_step_deg: Some(30.0),
            field_opacity: 0.8,
            dimmed_opacity: 0.22,
            arc_width_pt: 1.5,
        }
    }
}

/// A diameter at which `point_count` discs are told apart on a sphere of some 700 points: 9 up to a
/// thousand, 4 at 20,000, 2.6 at 100,000, never below 1.5.
pub fn suggested_point_size_pt(point_count: usize) -> f32 {
    (9.0 * (1000.0 / point_count.max(1) as f32).powf(0.27)).clamp(1.5, 9.0)
}

/// The uniform block `Frame` of `frame.wgsl`, field by field.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
pub(super) struct FrameUniform {
    view_from_world: [[f32; 4]; 3],
    background: [f32; 4],
    surface: [f32; 4],
    rim: [f32; 4],
    graticule: [f32; 4],
    halo: [f32; 4],
    centre_px: [f32; 2],
    size_px: [f32; 2],
    focal_px: f32,
    eye_distance: f32,
    pixels_per_point: f32,
    point_radius_px: f32,
    pub point_count: u32,
    pub id_bits: u32,
    back_opacity: f32,
    depth_cue: f32,
    field_opacity: f32,
    graticule_step_rad: f32,
    dimmed_opacity: f32,
    selected_scale: f32,
    arc_half_width_px: f32,
    pub arc_segments: u32,
    pub position_offset: u32,
    pub splat_row: u32,
}

/// How much larger selected points are.
const SELECTED_SCALE: f32 = 1.3;

fn unit(rgba: Rgba8) -> [f32; 4] {
    rgba.map(|byte| f32::from(byte) / 255.0)
}

/// `value` in [0, 1]; not a number counts as 0.
fn part(value: f32) -> f32 {
    if value.is_nan() {
        0.0
    } else {
        value.clamp(0.0, 1.0)
    }
}

impl FrameUniform {
    /// The block for one picture; counts and offsets of the points are filled in by the caller.
    pub fn new(view: &View, zoom: f32, style: &SphereStyle, has_field: bool) -> Self {
        let scale = if style.pixels_per_point.is_finite() {
            style.pixels_per_point.clamp(0.1, 16.0)
        } else {
            1.0
        };
        let colours = &style.colours;
        let rotation = view.view_from_world;
        let step_deg = style.graticule_step_deg.unwrap_or(0.0);
        Self {
            view_from_world: [rotation.x_axis, rotation.y_axis, rotation.z_axis]
                .map(|column| column.extend(0.0).to_array()),
            background: unit(colours.background),
            surface: unit(colours.surface),
            rim: unit(colours.rim),
            graticule: unit(colours.graticule),
            halo: unit(colours.halo),
            centre_px: view.centre_px.to_array(),
            size_px: view.size_px.map(|side| side as f32),
            focal_px: view.focal_px,
            eye_distance: EYE_DISTANCE,
            pixels_per_point: scale,
            point_radius_px: 0.5 * style.point_size_pt.max(0.1) * scale * zoom.sqrt(),
            point_count: 0,
            id_bits: 1,
            back_opacity: match style.far_side {
                FarSide::Hidden => 0.0,
                FarSide::Faint(opacity) => part(opacity),
            },
            depth_cue: part(style.depth_cue),
            field_opacity: if has_field {
                part(style.field_opacity)
            } else {
                0.0
            },
            // Finer than a degree would be a grey surface.
            graticule_step_rad: if step_deg >= 1.0 {
                step_deg.to_radians()
            } else {
                0.0
            },
            dimmed_opacity: part(style.dimmed_opacity),
            selected_scale: SELECTED_SCALE,
            arc_half_width_px: 0.5 * style.arc_width_pt.max(0.5) * scale,
            arc_segments: 1,
            position_offset: 0,
            splat_row: 64,
        }
    }
}

impl FrameUniform {
    /// Pixels per point, within sane bounds.
    pub fn pixels_per_point(&self) -> f32 {
        self.pixels_per_point
    }

    /// The background, premultiplied, as the picture is cleared to.
    pub fn clear_colour(&self) -> wgpu::Color {
        let [red, green, blue, opacity] = self.background.map(f64::from);
        wgpu::Color {
            r: red * opacity,
            g: green * opacity,
            b: blue * opacity,
            a: opacity,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discs_shrink_with_their_number() {
        let sizes = [0, 1, 1000, 20_000, 100_000, 1_000_000].map(suggested_point_size_pt);
        assert!(sizes.is_sorted_by(|first, second| first >= second));
        assert_eq!((sizes[0], sizes[5]), (9.0, 1.5));
    }

    #[test]
    fn the_uniform_block_has_the_size_of_the_shader_s() {
        // Eight vec4, two vec2, sixteen scalars: no padding under the uniform layout rules.
        assert_eq!(size_of::<FrameUniform>(), 8 * 16 + 2 * 8 + 16 * 4);
    }
}
