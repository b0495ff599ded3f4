// One invocation a point: project it and write its key into every pixel whose centre its disc
// covers. The largest key wins, so keys order by rank (front before back, selected before plain
// before dimmed), then depth, then index: the picture does not depend on the order of execution.

const FLAG_SELECTED: u32 = 1u;
const FLAG_DIMMED: u32 = 2u;
const FLAG_HIDDEN: u32 = 4u;
// The sphere has radius 1; unit vectors miss it by rounding only.
const FARTHEST: f32 = 1.01;

@group(0) @binding(1) var<storage, read> positions: array<f32>;
@group(0) @binding(2) var<storage, read> colours: array<u32>;
@group(0) @binding(3) var<storage, read> flags: array<u32>;
// One key a pixel, and behind the last pixel the number of points that cannot be drawn.
@group(0) @binding(4) var<storage, read_write> keys: array<atomic<u32>>;
@group(0) @binding(5) var<storage, read_write> marks: array<vec2<u32>>;

// Compares bits, because compilers may assume that NaN does not happen.
fn is_finite(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7f800000u) != 0x7f800000u;
}

// Loses contrast towards the rim, and more on the far side: the depth cue.
fn shaded_colour(colour: u32, p: vec3<f32>, in_front: bool) -> vec3<f32> {
    let slant = 1.0 - clamp(abs(p.z), 0.0, 1.0);
    let fade = select(1.0 - 0.4 * slant, slant * slant, in_front);
    return mix(unpack4x8unorm(colour).rgb, frame.background.rgb, 0.55 * frame.depth_cue * fade);
}

fn rank_of(in_front: bool, flag: u32) -> u32 {
    var rank = 2u;
    if (flag & FLAG_SELECTED) != 0u {
        rank = 3u;
    } else if (flag & FLAG_DIMMED) != 0u {
        rank = 1u;
    }
    return select(rank, rank + 3u, in_front);
}

@compute @workgroup_size(64)
fn splat(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let id = invocation.y * frame.splat_row + invocation.x;
    if id >= frame.point_count {
        return;
    }
    // One byte a point, four to a word.
    let flag = (flags[id / 4u] >> (8u * (id % 4u))) & 0xffu;
    if (flag & FLAG_HIDDEN) != 0u {
        return;
    }
    let first = frame.position_offset + 3u * id;
    let world = vec3(positions[first], positions[first + 1u], positions[first + 2u]);
    let is_drawable = is_finite(world.x) && is_finite(world.y) && is_finite(world.z)
        && dot(world, world) <= FARTHEST * FARTHEST;
    if !is_drawable {
        atomicAdd(&keys[u32(frame.size_px.x) * u32(frame.size_px.y)], 1u);
        return;
    }
    let p = view_from_world(world);
    let in_front = is_in_front(p);
    if !in_front && frame.back_opacity <= 0.0 {
        return;
    }
    let pixel = pixel_from_view(p);
    let scale = select(1.0, frame.selected_scale, (flag & FLAG_SELECTED) != 0u)
        * frame.eye_distance / (frame.eye_distance - p.z);
    let radius = drawn_radius_px(scale);
    let low = max(ceil(pixel - radius - 0.5), vec2(0.0));
    let high = min(floor(pixel + radius - 0.5), frame.size_px - 1.0);
    if any(low > high) {
        return;
    }
    let depth_bits = 32u - RANK_BITS - frame.id_bits;
    let depth = u32(clamp(0.5 + 0.5 * p.z, 0.0, 1.0) * f32((1u << depth_bits) - 1u));
    let key = (rank_of(in_front, flag) << (32u - RANK_BITS)) | (depth << frame.id_bits) | id;
    let width = u32(frame.size_px.x);
    var is_seen = false;
    for (var y = u32(low.y); y <= u32(high.y); y++) {
        for (var x = u32(low.x); x <= u32(high.x); x++) {
            let offset = vec2(f32(x), f32(y)) + 0.5 - pixel;
            let at = y * width + x;
            // A look before the write spares most of the contention in crowded places.
            if dot(offset, offset) <= radius * radius && atomicLoad(&keys[at]) < key {
                atomicMax(&keys[at], key);
                is_seen = true;
            }
        }
    }
    if is_seen {
        marks[id] = pack_mark(pixel, scale, shaded_colour(colours[id], p, in_front));
    }
}
