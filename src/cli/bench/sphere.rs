//! Pictures of the sphere.

use std::sync::Arc;

use glam::Vec2;

use super::{Prepared, Setting};
use crate::render::{
    Camera, PointSource, SphereColours, SphereRenderer, SphereScene, SphereStyle, colour,
    sample_cloud,
};

/// Width and height of the picture in pixels.
const SIZE_PX: [u32; 2] = [1000, 1000];
/// Pictures drawn in one run.
const FRAMES: u32 = 20;

/// A sphere of `count` points, turned a little for every picture; each picture is waited for.
pub fn frames(setting: &Setting, count: usize) -> anyhow::Result<Prepared> {
    let gpu = setting.compute.drawing()?;
    let (positions, classes) = sample_cloud(count, 1);
    let colours = classes.into_iter().map(colour::class_colour).collect();
    let scene = SphereScene::new(PointSource::Host(Arc::new(positions)), Arc::new(colours));
    let style = SphereStyle::new(SphereColours::DARK, count);
    let mut renderer = SphereRenderer::new(&gpu.device, &gpu.queue)?;
    let mut camera = Camera::default();
    let run = move || {
        for _ in 0..FRAMES {
            camera.orbit(Vec2::new(9.0, 0.5), SIZE_PX);
            renderer.draw(&scene, &camera, SIZE_PX, &style)?;
            renderer.wait()?;
        }
        Ok(f64::from(FRAMES))
    };
    Ok(Prepared {
        run: Box::new(run),
        items: u64::from(FRAMES),
        unit: "frames",
    })
}
