//! The circle, the plane and the sphere, by pointer and without one.

use super::*;
use crate::ui::Command;

/// Gives the view whose label contains `words` the keyboard's focus, as Tab does.
fn focus(window: &mut Window, words: &str) {
    window.harness.get_by_label_contains(words).focus();
    window.harness.run_steps(2);
}

fn angle(window: &Window) -> Option<f32> {
    let app = window.app();
    let row = app.selection().single()? as usize;
    Some(app.snapshot()?.prepared.angular.angles_rad[row])
}

#[test]
fn arrow_keys_walk_around_the_circle_and_move_it() {
    let mut window = Window::open(&[]);
    focus(&mut window, "Circle of");
    window.press(Modifiers::NONE, Key::ArrowRight);
    let first = angle(&window).expect("a point is selected");
    window.press(Modifiers::NONE, Key::ArrowRight);
    let second = angle(&window).expect("the next is selected");
    assert!(second >= first, "{first} then {second}");
    window.press(Modifiers::NONE, Key::ArrowLeft);
    assert_eq!(angle(&window), Some(first));

    let circle = |window: &Window| window.app().views.circle.clone();
    window.press(Modifiers::SHIFT, Key::ArrowUp);
    let moved = circle(&window);
    assert!(moved.offset[1] < 0.0 && moved.offset[0] == 0.0, "{moved:?}");
    assert_eq!(angle(&window), Some(first), "moving selects nothing");
    window.press(Modifiers::NONE, Key::Plus);
    assert!(circle(&window).zoom > 1.0);
    window.press(Modifiers::NONE, Key::Minus);
    assert!((circle(&window).zoom - 1.0).abs() < 1e-3);
}

#[test]
fn the_circle_is_dragged_magnified_and_clicked() {
    let mut window = Window::open(&[]);
    let rect = window.harness.get_by_label_contains("Circle of").rect();
    let middle = rect.center();
    window.button(middle, true);
    window.harness.hover_at(middle + egui::vec2(24.0, 0.0));
    window.step();
    window.button(middle + egui::vec2(24.0, 0.0), false);
    assert!(window.app().views.circle.offset[0] > 0.0);
    assert!(
        window.app().selection().is_empty(),
        "a drag selects nothing"
    );

    window.harness.hover_at(middle);
    window.harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: egui::vec2(0.0, 120.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    });
    window.harness.run_steps(10);
    assert!(window.app().views.circle.zoom > 1.1);

    // A point of the circle where the panel draws it: radius 0.6 of half the side, magnified.
    window.harness.state_mut().views.circle = crate::ui::CircleView::default();
    window.harness.run_steps(2);
    let rect = window.harness.get_by_label_contains("Circle of").rect();
    let [x, y] = window.app().snapshot().unwrap().prepared.circle[0];
    let radius = rect.height() * 0.5 * 0.6;
    let place = rect.center() + egui::vec2(x, -y) * radius;
    window.harness.hover_at(place);
    window.harness.run_steps(2);
    window.button(place, true);
    window.button(place, false);
    window.harness.run_steps(2);
    let row = window.app().selection().single().expect("one is selected");
    let [found_x, found_y] = window.app().snapshot().unwrap().prepared.circle[row as usize];
    // The nearest within reach: eight points of the screen.
    assert!((found_x - x).hypot(found_y - y) * radius < 8.0);
}

#[test]
fn the_plane_tells_and_copies_an_encoder_by_keyboard_and_pointer() {
    let mut window = Window::open(&[]);
    focus(&mut window, "Plot of 1 encoders");
    window.press(Modifiers::NONE, Key::ArrowRight);
    let told = window.harness.query_by_label_contains("Enter copies this");
    assert!(told.is_some(), "what is walked to is told");
    window.press(Modifiers::NONE, Key::Enter);
    assert!(window.log_contains("Copied "), "{:?}", window.app().log());

    let rect = window
        .harness
        .get_by_label_contains("Plot of 1 encoders")
        .rect();
    let ctx = window.harness.ctx.clone();
    window.harness.state_mut().dispatch(&ctx, Command::ClearLog);
    assert!(!window.log_contains("Copied "));
    // The point lies somewhere in the plot: the pointer looks for it in steps below its reach.
    let mut found = None;
    'search: for row in 0..(rect.height() / 12.0) as usize {
        for column in 0..(rect.width() / 12.0) as usize {
            let at = rect.min + egui::vec2(column as f32, row as f32) * 12.0;
            window.harness.hover_at(at);
            window.step();
            let tip = window.harness.query_by_label_contains("Click copies this");
            if tip.is_some() {
                found = Some(at);
                break 'search;
            }
        }
    }
    let at = found.expect("hovering the point tells it");
    window.button(at, true);
    window.button(at, false);
    window.harness.run_steps(2);
    assert!(window.log_contains("Copied "));
}

#[test]
fn the_sphere_is_selected_from_and_moved_without_a_pointer() {
    let mut window = Window::open(&[]);
    if !window.app().canvas.is_connected() {
        eprintln!("skipped: nothing can be drawn on this machine");
        return;
    }
    let centre = window
        .harness
        .get_by_label_contains("Sphere with")
        .rect()
        .center();
    focus(&mut window, "Sphere with");
    window.press(Modifiers::NONE, Key::Enter);
    let row = window.app().selection().single().expect("the middle one");
    let place = |window: &Window, row: u32| {
        let snapshot = window.app().snapshot().unwrap();
        let point = snapshot.prepared.sphere[row as usize];
        window.app().canvas.screen_position(point)
    };
    let nearest = place(&window, row).unwrap().distance(centre);
    let count = window.app().snapshot().unwrap().len() as u32;
    let others = (0..count).filter_map(|other| place(&window, other));
    // A click of the keyboard moves nothing, so the distances are those it chose by.
    assert!(
        others
            .map(|at| at.distance(centre))
            .all(|far| far >= nearest)
    );
    window.press(Modifiers::NONE, Key::PageDown);
    assert_eq!(window.app().selection().single(), Some((row + 1) % count));
    window.press(Modifiers::NONE, Key::PageUp);
    assert_eq!(window.app().selection().single(), Some(row));
    let before = place(&window, row).unwrap();
    window.press(Modifiers::SHIFT, Key::ArrowRight);
    window.harness.run_steps(5);
    let after = place(&window, row).unwrap();
    assert!(
        after.x > before.x && (after.y - before.y).abs() < 1.0,
        "{before:?} {after:?}"
    );
}

#[test]
fn ctrl_f_looks_for_points_by_name() {
    let mut window = Window::open(&[]);
    window.press(Modifiers::COMMAND, Key::F);
    window.harness.run_steps(2);
    window.write("circle");
    window.harness.run_steps(2);
    let app = window.app();
    assert_eq!(app.views.table.filter, "circle");
    let snapshot = app.snapshot().unwrap();
    let rows = &app.views.table.order.rows;
    assert!(rows.len() < snapshot.len(), "{} rows", rows.len());
}
