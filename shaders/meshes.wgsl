// Triangles in points of the screen, each corner with a tint and a place in one picture: what a
// window library makes of its widgets. No branch: software drivers run both sides of one.

struct Screen {
    size_pt: vec2<f32>,
    padding: vec2<f32>,
}

@group(0) @binding(0) var<uniform> screen: Screen;
@group(1) @binding(0) var picture: texture_2d<f32>;
@group(1) @binding(1) var picture_sampler: sampler;

struct Corner {
    @builtin(position) position: vec4<f32>,
    @location(0) place: vec2<f32>,
    @location(1) tint: vec4<f32>,
}

@vertex
fn lay(
    @location(0) position_pt: vec2<f32>,
    @location(1) place: vec2<f32>,
    @location(2) tint: vec4<f32>,
) -> Corner {
    let ndc = position_pt / screen.size_pt * 2.0 - 1.0;
    return Corner(vec4(ndc.x, -ndc.y, 0.0, 1.0), place, tint);
}

@fragment
fn paint(in: Corner) -> @location(0) vec4<f32> {
    return in.tint * textureSample(picture, picture_sampler, in.place);
}

// Where the place holds white in all corners: nothing is to be looked up.
@fragment
fn fill(in: Corner) -> @location(0) vec4<f32> {
    return in.tint;
}
