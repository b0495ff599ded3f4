//! The window's own triangles: the picture is egui's, whoever draws it.

use super::*;
use crate::app::painting::SoftwarePainting;

#[test]
fn the_window_looks_the_same_whoever_draws_it() {
    let mut window = Window::open(&[]);
    let ctx = window.harness.ctx.clone();
    let is_ours = ctx.with_plugin(|painting: &mut SoftwarePainting| painting.is_on);
    if is_ours != Some(true) {
        println!("skipped: the adapter is not software");
        return;
    }
    // Text, plots, pictures, and a dialog over them.
    window.press(Modifiers::COMMAND, Key::P);
    window.harness.run_steps(4);
    let own = window.harness.render().expect("a picture");
    ctx.with_plugin(|painting: &mut SoftwarePainting| painting.is_on = false);
    window.harness.run_steps(2);
    let egui_s = window.harness.render().expect("a picture");
    assert_eq!(own.dimensions(), egui_s.dimensions());
    let mut worst = 0;
    let mut different = 0;
    for (a, b) in own.pixels().zip(egui_s.pixels()) {
        let apart = a.0.iter().zip(b.0).map(|(a, b)| a.abs_diff(b)).max();
        worst = worst.max(apart.unwrap_or(0));
        different += usize::from(apart.unwrap_or(0) > 8);
    }
    println!("worst difference {worst}, {different} pixels by more than 8");
    // Filters that round differently at a glyph's edge, a caret that blinks; no shape is missing.
    let pixels = (own.width() * own.height()) as usize;
    assert!(different < pixels / 200, "{different} of {pixels} pixels");
}
