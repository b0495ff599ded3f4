//! What is computed: kinds, normalisation, cancel.

use egui::accesskit::Role;

use super::*;
use crate::{data::Normalisation, features::FeatureKind};

#[test]
fn dense_features_have_cells() {
    let mut window = Window::open(&[]);
    window.run_command("features: dense");
    let snapshot = window.app().snapshot().unwrap();
    assert_eq!(snapshot.request().kind, FeatureKind::Dense);
    assert!(snapshot.cell(0).is_some());
    assert!(snapshot.len() > snapshot.analysis.images.len());
    assert!(window.log_contains("kind=dense"));
    // Both are points of the plane now.
    assert_eq!(window.app().session.history.len(), 2);
}

#[test]
fn projected_features_without_a_head_are_refused_in_words() {
    let mut window = Window::open(&[]);
    // The bundled encoder has a head for whole images alone.
    let before = window.app().request().kind;
    window.run_command("features: projected-dense");
    assert!(window.log_contains("has no"));
    assert_eq!(window.app().request().kind, before);
}

#[test]
fn normalisation_is_chosen_and_used() {
    let mut window = Window::open(&[]);
    let before = window.serial();
    window
        .harness
        .get_by_role_and_label(Role::ComboBox, "Normalisation")
        .scroll_to_me();
    window.harness.run_steps(12);
    window
        .harness
        .get_by_role_and_label(Role::ComboBox, "Normalisation")
        .click();
    window.harness.run_steps(3);
    let name = Normalisation::HALF.name();
    window
        .harness
        .get_all_by_label(name)
        .last()
        .expect("it is listed")
        .click_accesskit();
    window.harness.run_steps(3);
    window.settle();
    assert_eq!(
        window.app().request().normalisation,
        Some(Normalisation::HALF)
    );
    assert!(window.serial() > before);
    let used = window
        .app()
        .snapshot()
        .unwrap()
        .analysis
        .features
        .provenance
        .preprocess
        .normalisation;
    assert_eq!(used, Normalisation::HALF);
}

#[test]
fn a_typed_number_is_used_when_the_edit_is_done() {
    let mut window = Window::open(&[]);
    window.harness.get_by_label("Temperature t").scroll_to_me();
    window.harness.run_steps(12);
    window.harness.get_by_label("Temperature t").click();
    window.harness.run_steps(2);
    window.press(Modifiers::COMMAND, Key::A);
    window.write("3");
    assert_eq!(window.app().request().t, 2.0, "not before Enter");
    window.press(Modifiers::NONE, Key::Enter);
    window.settle();
    assert_eq!(window.app().request().t, 3.0);
    let symbol = &window
        .app()
        .snapshot()
        .unwrap()
        .analysis
        .numbers
        .uniformity
        .symbol;
    assert!(symbol.contains('3'), "{symbol}");
}

#[test]
fn cancelling_keeps_what_is_shown() {
    let mut window = Window::open(&[]);
    let serial = window.serial();
    window
        .harness
        .key_press_modifiers(Modifiers::COMMAND, Key::R);
    window.harness.run_steps(1);
    let ctx = window.harness.ctx.clone();
    window
        .harness
        .state_mut()
        .dispatch(&ctx, crate::ui::Command::Cancel);
    window.settle();
    let app = window.app();
    assert_eq!(app.request(), app.snapshot().unwrap().request());
    // The demo may have been quicker than the cancel; then the new picture is right too.
    assert!(window.log_contains("Cancelled") || window.serial() > serial);
}

#[test]
fn local_density_is_computed_on_demand() {
    let mut window = Window::open(&[]);
    assert!(window.app().density.is_none());
    window.run_command("colour by: local density");
    let began = Instant::now();
    while window.app().density.is_none() && began.elapsed() < PATIENCE {
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    let density = window.app().density.as_ref().expect("it is computed");
    assert_eq!(density.values.len(), window.app().snapshot().unwrap().len());
    assert!(
        density
            .values
            .iter()
            .all(|value| value.is_finite() && *value <= 0.0)
    );
}
