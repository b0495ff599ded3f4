// What every pass of one picture shares. Prepended to each of the other shaders.
//
// Frames: `world` holds the unit sphere at the origin; `view` has the same origin, x right, y up,
// z towards the eye, which stands at (0, 0, eye_distance). The image is shifted and scaled in its
// plane (pan, zoom), so the silhouette stays an exact circle.

struct Frame {
    // Columns of the rotation view_from_world.
    view_from_world_x: vec4<f32>,
    view_from_world_y: vec4<f32>,
    view_from_world_z: vec4<f32>,
    // Colours, gamma-encoded, straight alpha.
    background: vec4<f32>,
    surface: vec4<f32>,
    rim: vec4<f32>,
    graticule: vec4<f32>,
    halo: vec4<f32>,
    // Pixel where the centre of the sphere falls, and the size of the picture.
    centre_px: vec2<f32>,
    size_px: vec2<f32>,
    // Pixels per unit of tangent of the viewing angle.
    focal_px: f32,
    eye_distance: f32,
    pixels_per_point: f32,
    point_radius_px: f32,
    point_count: u32,
    // Low bits of a key that hold the point's index.
    id_bits: u32,
    // 0 hides what lies on the far side, 1 shows it as if the surface were glass.
    back_opacity: f32,
    // How much the rim and the far side lose contrast, 0 to 1.
    depth_cue: f32,
    // 0 no density shading, 1 opaque where density is highest.
    density_opacity: f32,
    // Angle between neighbouring graticule lines in radians; 0 draws none.
    graticule_step: f32,
    // Opacity of the points that are dimmed by a selection.
    dimmed_opacity: f32,
    // Radius factor of selected points.
    selected_scale: f32,
    arc_half_width_px: f32,
    arc_segments: u32,
    // First float of the positions in their buffer.
    position_offset: u32,
    // Invocations in one row of the splat pass.
    splat_row: u32,
}

@group(0) @binding(0) var<uniform> frame: Frame;

fn view_from_world(p: vec3<f32>) -> vec3<f32> {
    return frame.view_from_world_x.xyz * p.x
        + frame.view_from_world_y.xyz * p.y
        + frame.view_from_world_z.xyz * p.z;
}

fn world_from_view(p: vec3<f32>) -> vec3<f32> {
    return vec3(
        dot(frame.view_from_world_x.xyz, p),
        dot(frame.view_from_world_y.xyz, p),
        dot(frame.view_from_world_z.xyz, p),
    );
}

fn pixel_from_view(p: vec3<f32>) -> vec2<f32> {
    return frame.centre_px + vec2(p.x, -p.y) * (frame.focal_px / (frame.eye_distance - p.z));
}

// A point is in front when the surface does not lie between it and the eye. What is inside the
// sphere, such as the zero vector, lies behind its near surface.
fn is_in_front(p: vec3<f32>) -> bool {
    let squared = dot(p, p);
    return squared > 0.98 && p.z * frame.eye_distance > squared;
}

// The rank of a point stands in the highest bits of its key: 1 dimmed, 2 plain, 3 selected on the
// far side, 4 to 6 the same in front.
const RANK_BITS: u32 = 3u;
const FIRST_FRONT_RANK: u32 = 4u;

// Smaller discs could fall between pixel centres and vanish; they are drawn at this radius with
// less opacity instead (half the diagonal of a pixel).
const SMALLEST_RADIUS_PX: f32 = 0.7072;
const LARGEST_RADIUS_PX: f32 = 64.0;

fn drawn_radius_px(scale: f32) -> f32 {
    return clamp(frame.point_radius_px * scale, SMALLEST_RADIUS_PX, LARGEST_RADIUS_PX);
}

// A mark is what the compositor needs of a point, in eight bytes: the position in 1/65535 of the
// picture and its margin, and the colour with the radius factor (0.5 to 2.5) in the last byte.
fn pack_mark(pixel: vec2<f32>, scale: f32, colour: vec3<f32>) -> vec2<u32> {
    let place = (pixel + LARGEST_RADIUS_PX) / (frame.size_px + 2.0 * LARGEST_RADIUS_PX);
    return vec2(pack2x16unorm(place), pack4x8unorm(vec4(colour, 0.5 * (scale - 0.5))));
}

fn mark_pixel(mark: vec2<u32>) -> vec2<f32> {
    let place = unpack2x16unorm(mark.x);
    return place * (frame.size_px + 2.0 * LARGEST_RADIUS_PX) - LARGEST_RADIUS_PX;
}

fn mark_scale(last_byte: f32) -> f32 {
    return 0.5 + 2.0 * last_byte;
}
