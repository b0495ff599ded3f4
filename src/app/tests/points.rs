//! Selecting, turning, neighbours, legend.

use egui::accesskit::Role;

use super::*;
use crate::ui::{Combine, Command};

/// A point on the near side and its place on the screen.
fn visible_point(window: &Window) -> Option<(u32, egui::Pos2)> {
    let app = window.app();
    let snapshot = app.snapshot()?;
    let is_middle = |at: &egui::Pos2| at.x > 600.0 && at.x < 1000.0;
    (0..snapshot.len() as u32)
        .filter_map(|row| {
            let place = app
                .canvas
                .screen_position(snapshot.prepared.sphere[row as usize])?;
            Some((row, place))
        })
        .find(|(_, place)| is_middle(place))
}

#[test]
fn a_click_on_the_sphere_selects_the_point_drawn_there() {
    let mut window = Window::open(&[]);
    if !window.app().canvas.is_connected() {
        eprintln!("skipped: nothing can be drawn on this machine");
        return;
    }
    let (_, place) = visible_point(&window).expect("some point is in front");
    window.harness.hover_at(place);
    window.harness.run_steps(3);
    window.button(place, true);
    window.button(place, false);
    // The map of points is read back from the device without waiting.
    for _ in 0..200 {
        window.step();
        if !window.app().selection().is_empty() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let row = window
        .app()
        .selection()
        .single()
        .expect("one point is selected");
    let snapshot = window.app().snapshot().unwrap();
    let shown = window
        .app()
        .canvas
        .screen_position(snapshot.prepared.sphere[row as usize]);
    // Discs of a thousand points are nine wide and overlap: the foremost within reach is right.
    assert!(shown.unwrap().distance(place) < 15.0);
    assert!(window.log_contains("selected: image="));
}

#[test]
fn a_drag_turns_the_sphere() {
    let mut window = Window::open(&[]);
    let before = window.app().canvas.angles_rad();
    let rect = window.harness.get_by_label_contains("Sphere with").rect();
    window.button(rect.center(), true);
    window
        .harness
        .hover_at(rect.center() + egui::vec2(80.0, 30.0));
    window.step();
    window.button(rect.center() + egui::vec2(80.0, 30.0), false);
    assert_ne!(window.app().canvas.angles_rad(), before);
    assert!(
        window.app().selection().is_empty(),
        "a drag selects nothing"
    );
}

#[test]
fn shift_drag_selects_an_area_and_undo_takes_it_back() {
    let mut window = Window::open(&[]);
    let rect = window.harness.get_by_label_contains("Sphere with").rect();
    window.run_command("select with: box");
    let reach = egui::Vec2::splat(0.4 * rect.size().min_elem());
    let [from, to] = [rect.center() - reach, rect.center() + reach];
    window
        .harness
        .event(egui::Event::ModifiersChanged(Modifiers::SHIFT));
    window.button(from, true);
    for place in [rect.center(), to] {
        window.harness.hover_at(place);
        window.step();
    }
    window.button(to, false);
    window
        .harness
        .event(egui::Event::ModifiersChanged(Modifiers::NONE));
    window.harness.run_steps(3);
    let selected = window.app().selection().len();
    assert!(selected > 1, "{selected}");
    window.press(Modifiers::COMMAND, Key::Z);
    assert!(window.app().selection().is_empty());
    window.press(Modifiers::COMMAND | Modifiers::SHIFT, Key::Z);
    assert_eq!(window.app().selection().len(), selected);
    window.press(Modifiers::NONE, Key::Escape);
    window.press(Modifiers::NONE, Key::Escape);
    assert!(window.app().selection().is_empty());
}

#[test]
fn the_neighbours_of_a_selected_point_are_listed() {
    let mut window = Window::open(&[]);
    window.run_command("view: points");
    window
        .harness
        .get_all_by_role(Role::Row)
        .next()
        .expect("rows are shown")
        .click();
    let began = Instant::now();
    while window.app().neighbours.is_none() && began.elapsed() < PATIENCE {
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    let row = window
        .app()
        .selection()
        .single()
        .expect("a row is selected");
    let neighbours = window.app().neighbours.clone().expect("they are found");
    assert_eq!(neighbours.of, row);
    assert!(neighbours.list.iter().all(|(other, _)| *other != row));
    assert!(neighbours.list.is_sorted_by(|a, b| a.1 >= b.1));
    window.harness.run_steps(2);
    window.harness.get_by_label_contains("Nearest to");
}

#[test]
fn sorting_and_filtering_order_the_rows() {
    let mut window = Window::open(&[]);
    window.run_command("view: points");
    window.harness.get_by_label("Sort by ‖z‖").click();
    window.harness.run_steps(3);
    let app = window.app();
    let snapshot = app.snapshot().unwrap();
    let rows = &app.views.table.order.rows;
    assert_eq!(rows.len(), snapshot.len());
    assert!(rows.is_sorted_by(|a, b| snapshot.norm(*a) >= snapshot.norm(*b)));
}

#[test]
fn a_class_is_left_out_and_shown_alone() {
    let mut window = Window::open(&[]);
    let all = window.app().snapshot().unwrap().len();
    let ctx = window.harness.ctx.clone();
    window
        .harness
        .state_mut()
        .dispatch(&ctx, Command::ToggleClass(0));
    window.harness.run_steps(2);
    assert!(window.app().marks.shown < all);
    window.harness.state_mut().dispatch(&ctx, Command::Solo(0));
    window.harness.run_steps(2);
    let alone = window.app().marks.shown;
    assert!(alone > 0 && alone < all);
    window.harness.state_mut().dispatch(&ctx, Command::Solo(0));
    window.harness.run_steps(2);
    assert_eq!(window.app().marks.shown, all);
}

#[test]
fn arcs_and_density_are_drawn_on_demand() {
    let mut window = Window::open(&[]);
    for words in [
        "show pairs as arcs",
        "shade the sphere by density",
        "colour by: image",
        "colour by: norm",
    ] {
        window.run_command(words);
    }
    let sphere = &window.app().views.sphere;
    assert!(sphere.has_arcs && sphere.has_density);
    assert!(
        window
            .harness
            .query_all_by_label_contains("arcs of")
            .next()
            .is_some()
    );
}

#[test]
fn rows_that_do_not_exist_are_not_selected() {
    let mut window = Window::open(&[]);
    let ctx = window.harness.ctx.clone();
    let app = window.harness.state_mut();
    app.dispatch(&ctx, Command::Select(vec![u32::MAX, 0], Combine::Replace));
    assert_eq!(app.selection().single(), Some(0));
    window.harness.run_steps(2);
}
