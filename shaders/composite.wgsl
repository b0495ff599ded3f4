// One fragment a pixel: the sphere by exact ray intersection, and on either side of its near
// surface the points and arcs, in the order in which light meets them:
// background, far surface, far arcs, far points, near surface, near arcs, near points.
// Every edge is antialiased from its distance in pixels; no multisampling is involved.

// Variants of the pipeline leave out what the scene does not have.
override HAS_ARCS: bool = true;
override HAS_DENSITY: bool = true;

@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read> marks: array<vec2<u32>>;
@group(0) @binding(3) var front_arcs: texture_2d<f32>;
@group(0) @binding(4) var back_arcs: texture_2d<f32>;
@group(0) @binding(5) var density: texture_2d<f32>;
@group(0) @binding(6) var ramp: texture_2d<f32>;
@group(0) @binding(7) var smooth_sampler: sampler;
// A surface that has sunk below the unit sphere, or a single clear texel.
@group(0) @binding(8) var relief: texture_2d<f32>;

const PI: f32 = 3.14159265;
// From this radius on a disc carries a thin outline that sets it off from its neighbours.
const OUTLINE_FROM_PX: f32 = 2.0;

// Sides of the polygon around the sphere; pixels outside it keep the background.
const SIDES: u32 = 24u;

// A fan of triangles (three vertices a side) around the silhouette and a margin for what sticks
// out over it: discs, and points off the sphere by as much as the splat pass lets through.
@vertex
fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    let largest = drawn_radius_px(2.0 * frame.selected_scale);
    let reach = frame.focal_px * inverseSqrt(frame.eye_distance * frame.eye_distance - 1.0);
    let circumscribed = (1.011 * reach + largest + 2.0) / cos(PI / f32(SIDES));
    let turn = 2.0 * PI * f32(index / 3u + index % 3u) / f32(SIDES);
    let radius = select(circumscribed, 0.0, index % 3u == 2u);
    let pixel = frame.centre_px + radius * vec2(cos(turn), sin(turn));
    let ndc = pixel / frame.size_px * 2.0 - 1.0;
    return vec4(ndc.x, -ndc.y, 0.0, 1.0);
}

// Premultiplied `top` over premultiplied `under`.
fn over(top: vec4<f32>, under: vec4<f32>) -> vec4<f32> {
    return top + under * (1.0 - top.a);
}

fn premultiplied(colour: vec3<f32>, alpha: f32) -> vec4<f32> {
    return vec4(colour * alpha, alpha);
}

// Pixels that the level `angle` changes over, given its gradient in view space at the hit `p`.
// From |p| = 1 along the ray: dp = t (I - dir p^T / (p . dir)) d(dir), so the change of a field
// with gradient n is t d(dir) . (n - p (n . dir) / (p . dir)), and d(dir) is 1 / focal a pixel.
fn slope_per_px(n: vec3<f32>, p: vec3<f32>, dir: vec3<f32>, t: f32) -> f32 {
    let g = n - p * (dot(n, dir) / dot(p, dir));
    return max(length(g.xy) * t / frame.focal_px, 1e-9);
}

// Coverage by a line of `width_px` where the field is a multiple of the step. Lines that crowd
// (at the poles and the rim) fade before they merge.
fn line_coverage(angle: f32, slope: f32, width_px: f32) -> f32 {
    let step = max(frame.graticule_step, 1e-3);
    let distance_px = abs(angle - round(angle / step) * step) / slope;
    let spacing_px = step / slope;
    return clamp(0.5 + 0.5 * width_px - distance_px, 0.0, 1.0) * smoothstep(4.0, 14.0, spacing_px);
}

struct Surface {
    // Longitude and latitude in radians.
    longitude: f32,
    latitude: f32,
    graticule: f32,
}

fn surface_at(p: vec3<f32>, dir: vec3<f32>, t: f32) -> Surface {
    let w = world_from_view(p);
    let longitude = atan2(w.y, w.x);
    let latitude = asin(clamp(w.z, -1.0, 1.0));
    // Drawn in any case and left out by a factor: where a branch hangs on a uniform, Mesa's software
    // driver compiles the shader anew for every frame.
    let rho2 = max(w.x * w.x + w.y * w.y, 1e-8);
    let east = (frame.view_from_world_y.xyz * w.x - frame.view_from_world_x.xyz * w.y) / rho2;
    let north = frame.view_from_world_z.xyz / sqrt(rho2);
    let width = frame.pixels_per_point;
    let north_slope = slope_per_px(north, p, dir, t);
    let lines = max(
        line_coverage(longitude, slope_per_px(east, p, dir, t), width),
        line_coverage(latitude, north_slope, width),
    );
    // The equator carries more weight, so that the eye keeps its bearings.
    let equator = clamp(0.5 + 0.75 * width - abs(latitude) / north_slope, 0.0, 1.0);
    let coverage = select(0.0, max(0.62 * lines, equator), frame.graticule_step > 0.0);
    return Surface(longitude, latitude, coverage);
}

struct Points {
    // Premultiplied: what lies in front of the near surface, and what lies behind it.
    near: vec4<f32>,
    far: vec4<f32>,
}

// The part of the pixel that the disc of `key` covers, premultiplied.
fn disc(key: u32, pixel: vec2<f32>) -> vec4<f32> {
    let mark = marks[key & ((1u << frame.id_bits) - 1u)];
    let rank = key >> (32u - RANK_BITS);
    let packed = unpack4x8unorm(mark.y);
    let scale = mark_scale(packed.a);
    let radius = drawn_radius_px(scale);
    let outside_px = length(pixel - mark_pixel(mark)) - radius;
    let shrink = min(frame.point_radius_px * scale / radius, 1.0);
    var alpha = shrink * shrink * clamp(0.5 - outside_px, 0.0, 1.0);
    alpha *= select(1.0, frame.dimmed_opacity, rank == 1u || rank == FIRST_FRONT_RANK);
    alpha *= select(frame.back_opacity, 1.0, rank >= FIRST_FRONT_RANK);
    let outline = clamp(outside_px + 1.3, 0.0, 1.0) * frame.halo.a
        * clamp(radius - OUTLINE_FROM_PX, 0.0, 1.0);
    return premultiplied(mix(packed.rgb, frame.halo.rgb, outline), alpha);
}

// The disc that owns this pixel's centre, and the foremost and the hindmost of those that own the
// four neighbours' centres: all that can cover a part of the pixel, but where three or more discs
// meet in it. (Four neighbours cost a third more in software and look the same.)
fn points_at(at: vec2<i32>, pixel: vec2<f32>) -> Points {
    let limit = vec2<i32>(frame.size_px) - 1;
    let width = limit.x + 1;
    let row = at.y * width;
    let centre = keys[row + at.x];
    let left = keys[row + max(at.x - 1, 0)];
    let right = keys[row + min(at.x + 1, limit.x)];
    let up = keys[max(at.y - 1, 0) * width + at.x];
    let down = keys[min(at.y + 1, limit.y) * width + at.x];
    let foremost = max(max(left, right), max(up, down));
    let hindmost = min(min(left, right), min(up, down));

    let first_front = FIRST_FRONT_RANK << (32u - RANK_BITS);
    var points = Points(vec4(0.0), vec4(0.0));
    if hindmost != 0u && hindmost < centre {
        let part = disc(hindmost, pixel);
        if hindmost < first_front {
            points.far = part;
        } else {
            points.near = part;
        }
    }
    if centre != 0u {
        let part = disc(centre, pixel);
        if centre < first_front {
            points.far = over(part, points.far);
        } else {
            points.near = over(part, points.near);
        }
    }
    if foremost != centre && foremost != 0u {
        let part = disc(foremost, pixel);
        // Behind the owner of the centre it only fills what the owner leaves.
        if foremost < first_front {
            points.far = select(over(points.far, part), over(part, points.far), foremost > centre);
        } else {
            points.near =
                select(over(points.near, part), over(part, points.near), foremost > centre);
        }
    }
    return points;
}

@fragment
fn composite(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let pixel = position.xy;
    let at = vec2<i32>(pixel);
    let d = frame.eye_distance;
    var u = (pixel - frame.centre_px) / frame.focal_px;
    let rim_slope = inverseSqrt(d * d - 1.0);
    // Positive inside the silhouette.
    let inside_px = (rim_slope - length(u)) * frame.focal_px;
    let cover = clamp(0.5 + inside_px, 0.0, 1.0);
    // Pixels that straddle the rim use the hit just inside it.
    u *= min(1.0, rim_slope * 0.99999 / max(length(u), 1e-6));
    let dir = vec3(u.x, -u.y, -1.0);
    let u2 = dot(u, u);
    let root = sqrt(max(1.0 - u2 * (d * d - 1.0), 0.0));
    let t_near = (d - root) / (1.0 + u2);
    let t_far = (d + root) / (1.0 + u2);
    let p_near = vec3(0.0, 0.0, d) + dir * t_near;
    let p_far = vec3(0.0, 0.0, d) + dir * t_far;
    let facing = clamp(-dot(p_near, dir) / length(dir), 0.0, 1.0);

    let points = points_at(at, pixel);
    var colour = vec4(frame.background.rgb * frame.background.a, frame.background.a);

    // Far side.
    let far = surface_at(p_far, dir, t_far);
    let line = frame.graticule;
    let far_line = cover * line.a * far.graticule * frame.back_opacity * 0.5;
    colour = over(premultiplied(line.rgb, far_line), colour);
    if HAS_ARCS {
        colour = over(textureLoad(back_arcs, at, 0) * frame.back_opacity, colour);
    }
    colour = over(points.far, colour);
    colour = over(textureLoad(relief, at, 0), colour);

    // Near surface: thin in the middle, denser where the ray crosses it at a slant.
    let near = surface_at(p_near, dir, t_near);
    let slant = 1.0 - facing;
    let film = frame.surface.a * (0.55 + 0.45 * slant * slant);
    colour = over(premultiplied(frame.surface.rgb, cover * film), colour);
    if HAS_DENSITY {
        let place = vec2(near.longitude / (2.0 * PI) + 0.5, 0.5 - near.latitude / PI);
        let value = textureSampleLevel(density, smooth_sampler, place, 0.0).r;
        // From the middle of the first texel to the middle of the last.
        let colours = f32(textureDimensions(ramp).x);
        let entry = (0.5 + value * (colours - 1.0)) / colours;
        let tint = textureSampleLevel(ramp, smooth_sampler, vec2(entry, 0.5), 0.0);
        let shade = cover * tint.a * frame.density_opacity * smoothstep(0.02, 0.6, value);
        colour = over(premultiplied(tint.rgb, shade), colour);
    }
    colour = over(premultiplied(line.rgb, cover * line.a * near.graticule), colour);
    let glow = frame.rim.a * 0.35 * slant * slant * slant * slant;
    let edge = frame.rim.a * clamp(0.5 + 0.6 * frame.pixels_per_point - abs(inside_px - 0.5), 0.0, 1.0);
    colour = over(premultiplied(frame.rim.rgb, max(cover * glow, edge)), colour);
    if HAS_ARCS {
        colour = over(textureLoad(front_arcs, at, 0), colour);
    }
    return over(points.near, colour);
}
