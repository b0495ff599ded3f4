//! Many points: the window's own work stays within a frame.

use std::sync::Arc;

use super::*;
use crate::{
    app::receive::IsWhole,
    progress::Progress,
    ui::{Prepared, Snapshot},
};

/// Points of the large picture.
const POINTS: usize = 100_000;
/// Own work of a frame in which nothing changed. Sixty frames a second leave 17 ms; two shared
/// cores under test get four times that, and a loop over all points in a panel takes longer.
const BUDGET: Duration = Duration::from_millis(70);

/// The demo's points over and over, turned a little each time.
fn many(snapshot: &Snapshot) -> Snapshot {
    let mut analysis = (*snapshot.analysis).clone();
    let count = snapshot.len();
    let times = POINTS.div_ceil(count);
    let repeat = |values: &[f32]| -> Vec<f32> {
        values
            .iter()
            .copied()
            .cycle()
            .take(values.len() * times)
            .collect()
    };
    let mut features = (*analysis.features).clone();
    features.values = Arc::new(repeat(&features.values));
    features.images = features
        .images
        .iter()
        .copied()
        .cycle()
        .take(count * times)
        .collect();
    features.labels = features
        .labels
        .map(|labels| labels.iter().copied().cycle().take(count * times).collect());
    analysis.features = Arc::new(features);
    analysis.unit = Arc::new(repeat(&analysis.unit));
    analysis.norms = Arc::new(repeat(&analysis.norms));
    let mut sphere = (*analysis.sphere).clone();
    sphere.coords = (0..count * times)
        .map(|row| {
            let turn = glam::Mat3::from_rotation_z((row / count) as f32 * 0.01);
            (turn * glam::Vec3::from_array(sphere.coords[row % count])).to_array()
        })
        .collect();
    sphere.kept_norm = repeat(&sphere.kept_norm);
    analysis.sphere = Arc::new(sphere);
    let mut circle = (*analysis.circle).clone();
    circle.coords = circle
        .coords
        .iter()
        .copied()
        .cycle()
        .take(count * times)
        .collect();
    circle.kept_norm = repeat(&circle.kept_norm);
    analysis.circle = Arc::new(circle);
    analysis.sphere_lease = None;
    let prepared = Prepared::new(&analysis, &Progress::none()).expect("nobody cancels");
    Snapshot {
        analysis: Arc::new(analysis),
        prepared: Arc::new(prepared),
        serial: snapshot.serial + 1000,
    }
}

#[test]
fn a_hundred_thousand_points_leave_the_window_quick() {
    let mut window = Window::open(&[]);
    let large = many(window.app().snapshot().unwrap());
    let ctx = window.harness.ctx.clone();
    window.harness.state_mut().show(&ctx, large, IsWhole(true));
    window.harness.run_steps(6);
    let mut times: Vec<Duration> = (0..11)
        .map(|_| {
            window.step();
            window.app().frame_time()
        })
        .collect();
    times.sort_unstable();
    let median = times[times.len() / 2];
    println!(
        "{} points: {median:?} a frame",
        window.app().snapshot().unwrap().len()
    );
    assert!(median < BUDGET, "{median:?}");
}
