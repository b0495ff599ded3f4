// Rings around single points (hover, focus, neighbours), drawn last. One quad a ring.

struct Ring {
    position: vec3<f32>,
    // Clear space between the disc and the ring.
    gap_px: f32,
    colour: u32,
    width_px: f32,
    spare_a: u32,
    spare_b: u32,
}

@group(0) @binding(1) var<storage, read> rings: array<Ring>;

struct Quad {
    @builtin(position) position: vec4<f32>,
    @location(0) offset_px: vec2<f32>,
    // Middle radius and half width of the band.
    @location(1) @interpolate(flat) band_px: vec2<f32>,
    @location(2) @interpolate(flat) colour: u32,
    @location(3) @interpolate(flat) opacity: f32,
}

@vertex
fn place(@builtin(vertex_index) index: u32) -> Quad {
    let ring = rings[index / 6u];
    let p = view_from_world(ring.position);
    let reach = max(frame.eye_distance - p.z, 0.01);
    let disc = drawn_radius_px(frame.eye_distance / reach);
    let half_width = 0.5 * ring.width_px;
    let middle = disc + ring.gap_px + half_width;
    let corner = array(
        vec2(-1.0, -1.0), vec2(1.0, -1.0), vec2(-1.0, 1.0),
        vec2(-1.0, 1.0), vec2(1.0, -1.0), vec2(1.0, 1.0),
    )[index % 6u];
    let offset = corner * (middle + half_width + 1.0);
    let ndc = (pixel_from_view(p) + offset) / frame.size_px * 2.0 - 1.0;
    let opacity = select(0.5, 1.0, is_in_front(p));
    return Quad(
        vec4(ndc.x, -ndc.y, 0.0, 1.0), offset, vec2(middle, half_width), ring.colour, opacity,
    );
}

@fragment
fn paint(in: Quad) -> @location(0) vec4<f32> {
    let off_band = abs(length(in.offset_px) - in.band_px.x) - in.band_px.y;
    let rgba = unpack4x8unorm(in.colour);
    let alpha = rgba.a * in.opacity * clamp(0.5 - off_band, 0.0, 1.0);
    return vec4(rgba.rgb * alpha, alpha);
}
