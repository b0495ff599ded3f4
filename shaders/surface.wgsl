// The sphere itself, by exact ray intersection: what lies on its near side and what on its far side,
// in two layers that the compositor puts points and arcs between. Drawn anew only when the view or
// the field changes, and not where points alone move.
// Every edge is antialiased from its distance in pixels; no multisampling is involved.

// Variants of the pipeline leave out what the scene does not have.
override HAS_DENSITY: bool = true;

@group(0) @binding(1) var density: texture_2d<f32>;
@group(0) @binding(2) var ramp: texture_2d<f32>;
@group(0) @binding(3) var smooth_sampler: sampler;

@vertex
fn cover(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    return cover_corner(index);
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

struct Layers {
    // Premultiplied.
    @location(0) near: vec4<f32>,
    @location(1) far: vec4<f32>,
}

@fragment
fn shade(@builtin(position) position: vec4<f32>) -> Layers {
    let pixel = position.xy;
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

    let far = surface_at(p_far, dir, t_far);
    let line = frame.graticule;
    let far_line = cover * line.a * far.graticule * frame.back_opacity * 0.5;

    // Near surface: thin in the middle, denser where the ray crosses it at a slant.
    let near = surface_at(p_near, dir, t_near);
    let slant = 1.0 - facing;
    let film = frame.surface.a * (0.55 + 0.45 * slant * slant);
    var colour = premultiplied(frame.surface.rgb, cover * film);
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
    return Layers(colour, premultiplied(line.rgb, far_line));
}
