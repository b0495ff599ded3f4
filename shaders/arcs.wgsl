// Geodesic arcs as ribbons of constant width on the screen, one strip of quads an arc, subdivided
// here. Two targets: what lies on the near side and what lies on the far side of the surface, so
// that the compositor can put each where it belongs.

struct Arc {
    start: vec3<f32>,
    colour: u32,
    end: vec3<f32>,
    spare: u32,
}

@group(0) @binding(1) var<storage, read> arcs: array<Arc>;

struct Ribbon {
    @builtin(position) position: vec4<f32>,
    // Signed distance from the middle of the ribbon.
    @location(0) offset_px: f32,
    // View-space depth on the sphere, which tells the side.
    @location(1) depth: f32,
    @location(2) @interpolate(flat) colour: u32,
}

// Point and derivative along the great circle from `start`, for opposite ends along any one.
fn along(arc: Arc, fraction: f32) -> array<vec3<f32>, 2> {
    let start = normalize(arc.start);
    let end = normalize(arc.end);
    var aside = end - start * dot(start, end);
    let angle = atan2(length(aside), dot(start, end));
    if length(aside) < 1e-6 {
        aside = cross(start, select(vec3(1.0, 0.0, 0.0), vec3(0.0, 0.0, 1.0), abs(start.x) > 0.7));
    }
    aside = normalize(aside);
    let turn = angle * fraction;
    return array(start * cos(turn) + aside * sin(turn), aside * cos(turn) - start * sin(turn));
}

@vertex
fn ribbon(@builtin(vertex_index) index: u32) -> Ribbon {
    let arc = arcs[index / (6u * frame.arc_segments)];
    let segment = (index / 6u) % frame.arc_segments;
    // Two triangles a quad, corners 0 1 2 and 2 1 3; the low bit is the side, the high bit the end.
    let corner = array(0u, 1u, 2u, 2u, 1u, 3u)[index % 6u];
    let ahead = corner >> 1u;
    let side = f32(corner & 1u) * 2.0 - 1.0;
    let here = along(arc, f32(segment + ahead) / f32(frame.arc_segments));
    let p = view_from_world(here[0]);
    let dp = view_from_world(here[1]);
    let reach = frame.eye_distance - p.z;
    // Direction on the screen: derivative of p.xy / reach.
    let travel = vec2(dp.x * reach + p.x * dp.z, -(dp.y * reach + p.y * dp.z));
    let heading = travel / max(length(travel), 1e-9);
    let half_px = frame.arc_half_width_px + 1.0;
    let pixel = pixel_from_view(p) + vec2(-heading.y, heading.x) * side * half_px;
    let ndc = pixel / frame.size_px * 2.0 - 1.0;
    return Ribbon(vec4(ndc.x, -ndc.y, 0.0, 1.0), side * half_px, p.z, arc.colour);
}

struct Sides {
    @location(0) front: vec4<f32>,
    @location(1) back: vec4<f32>,
}

@fragment
fn paint(in: Ribbon) -> Sides {
    let rgba = unpack4x8unorm(in.colour);
    let cover = clamp(frame.arc_half_width_px + 0.5 - abs(in.offset_px), 0.0, 1.0);
    let colour = vec4(rgba.rgb, 1.0) * rgba.a * cover;
    let above_horizon = in.depth - 1.0 / frame.eye_distance;
    let front = clamp(0.5 + 40.0 * above_horizon, 0.0, 1.0);
    return Sides(colour * front, colour * (1.0 - front));
}
