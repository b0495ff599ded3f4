//! Frames per second of the sphere.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use glam::{Vec2, Vec3};
use rand::{RngExt as _, SeedableRng as _};

use super::{
    Camera, HeadlessGpu, PointSource, RenderError, SphereColours, SphereRenderer, SphereScene,
    SphereStyle, colour,
};

/// What was measured.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SphereBench {
    /// Number of points on the sphere.
    pub points: usize,
    /// Width and height of the picture in pixels.
    pub size_px: [u32; 2],
    /// Pictures drawn, each after another turn of the sphere.
    pub frames: usize,
    /// Pictures a second over all of them, each waited for.
    pub frames_per_s: f64,
    /// Median time of one picture in milliseconds.
    pub median_ms: f64,
    /// Adapter that drew.
    pub adapter: String,
}

/// `count` points of ten soft clusters on the sphere, with the cluster of each; seeded.
pub fn sample_cloud(count: usize, seed: u64) -> (Vec<[f32; 3]>, Vec<u32>) {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    let mut normal = move || {
        // Sum of twelve uniform numbers: variance 1, and normal enough for a cloud.
        (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0
    };
    let mut direction = move || Vec3::new(normal(), normal(), normal());
    let centres: Vec<Vec3> = (0..10).map(|_| direction().normalize_or(Vec3::X)).collect();
    (0..count)
        .map(|index| {
            let class = index % centres.len();
            let point = (centres[class] + 0.28 * direction()).normalize_or(Vec3::X);
            (point.to_array(), class as u32)
        })
        .unzip()
}

/// Turns a sphere of `points` points for `frames` pictures of this size and times them; the first,
/// on which drivers compile, does not count. Every picture is drawn anew and waited for.
///
/// # Errors
/// As [`SphereRenderer::draw`].
pub fn bench_sphere(
    gpu: &HeadlessGpu,
    points: usize,
    size_px: [u32; 2],
    frames: usize,
) -> Result<SphereBench, RenderError> {
    let (positions, classes) = sample_cloud(points, 1);
    let colours = classes.into_iter().map(colour::class_colour).collect();
    let scene = SphereScene::new(PointSource::Host(Arc::new(positions)), Arc::new(colours));
    let style = SphereStyle::new(SphereColours::DARK, points);
    let mut renderer = SphereRenderer::new(&gpu.device, &gpu.queue)?;
    let mut camera = Camera::default();
    renderer.draw(&scene, &camera, size_px, &style)?;
    renderer.wait()?;
    let mut times = Vec::with_capacity(frames);
    for _ in 0..frames {
        let start = Instant::now();
        camera.orbit(Vec2::new(9.0, 0.5), size_px);
        renderer.draw(&scene, &camera, size_px, &style)?;
        renderer.wait()?;
        times.push(start.elapsed());
    }
    let total: Duration = times.iter().sum();
    times.sort_unstable();
    let median = times.get(frames / 2).copied().unwrap_or_default();
    Ok(SphereBench {
        points,
        size_px: renderer.size_px(),
        frames,
        frames_per_s: frames as f64 / total.as_secs_f64().max(1e-9),
        median_ms: median.as_secs_f64() * 1e3,
        adapter: gpu.adapter_name(),
    })
}
