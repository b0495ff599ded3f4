// One fragment a pixel: on either side of the sphere's near surface the points and arcs, in the order
// in which light meets them: background, far surface, far arcs, far points, near surface, near arcs,
// near points. The two surfaces come from `surface.wgsl`.

// Variants of the pipeline leave out what the scene does not have.
override HAS_ARCS: bool = true;

@group(0) @binding(1) var<storage, read> keys: array<u32>;
@group(0) @binding(2) var<storage, read> marks: array<vec2<u32>>;
@group(0) @binding(3) var front_arcs: texture_2d<f32>;
@group(0) @binding(4) var back_arcs: texture_2d<f32>;
@group(0) @binding(5) var near_surface: texture_2d<f32>;
@group(0) @binding(6) var far_surface: texture_2d<f32>;

// From this radius on a disc carries a thin outline that sets it off from its neighbours.
const OUTLINE_FROM_PX: f32 = 2.0;

@vertex
fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    return cover_corner(index);
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
    let points = points_at(at, pixel);
    var colour = vec4(frame.background.rgb * frame.background.a, frame.background.a);
    colour = over(textureLoad(far_surface, at, 0), colour);
    if HAS_ARCS {
        colour = over(textureLoad(back_arcs, at, 0) * frame.back_opacity, colour);
    }
    colour = over(points.far, colour);
    colour = over(textureLoad(near_surface, at, 0), colour);
    if HAS_ARCS {
        colour = over(textureLoad(front_arcs, at, 0), colour);
    }
    return over(points.near, colour);
}
