// A surface of heights as lit triangles. Corners are made on the processor, where the heights are,
// and pulled from a buffer: position, and colour packed with red lowest.

struct Relief {
    clip_from_world: mat4x4<f32>,
}

@group(0) @binding(0) var<uniform> relief: Relief;
@group(0) @binding(1) var<storage, read> corners: array<vec4<u32>>;

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) colour: vec4<f32>,
}

@vertex
fn lift(@builtin(vertex_index) index: u32) -> Corner {
    let corner = corners[index];
    let world = bitcast<vec3<f32>>(corner.xyz);
    return Corner(relief.clip_from_world * vec4(world, 1.0), unpack4x8unorm(corner.w));
}

@fragment
fn paint(in: Corner) -> @location(0) vec4<f32> {
    return vec4(in.colour.rgb, 1.0);
}
