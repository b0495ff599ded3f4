//! The potential on sphere and circle, and slices of weight space.

use egui::accesskit::Role;

use super::*;
use crate::ui::{Command, LandscapeCommand, Shading};

/// Steps until `is_done`, or fails.
fn wait(window: &mut Window, what: &str, is_done: impl Fn(&App) -> bool) {
    let began = Instant::now();
    while !is_done(window.app()) {
        assert!(began.elapsed() < PATIENCE, "{what} takes too long");
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    window.harness.run_steps(3);
}

fn dispatch(window: &mut Window, command: Command) {
    let ctx = window.harness.ctx.clone();
    window.harness.state_mut().dispatch(&ctx, command);
    window.harness.run_steps(2);
}

#[test]
fn the_potential_follows_its_temperature() {
    let mut window = Window::open(&[]);
    assert!(
        window.app().potential_field().is_none(),
        "nobody looks at it yet"
    );
    window.run_command("shade the sphere by: potential");
    wait(&mut window, "the potential", |app| {
        app.potential_field().is_some()
    });
    let field = window.app().potential_field().unwrap().clone();
    let points = window.app().snapshot().unwrap().len();
    // At the temperature of the measured uniformity until it is moved.
    assert_eq!((field.t, field.points), (2.0, points));
    assert!(!field.sphere.extrema.is_empty());
    window.harness.get_by_label_contains("potential log mean");
    dispatch(&mut window, Command::PotentialT(Some(8.0)));
    wait(&mut window, "the potential", |app| {
        app.potential_field().is_some_and(|field| field.t == 8.0)
    });
    let sharper = window.app().potential_field().unwrap();
    assert!(sharper.sphere.range[0] < field.sphere.range[0]);
    // The slider is there for the keyboard too.
    window
        .harness
        .get_by_role_and_label(Role::Slider, "Temperature t of the potential");
}

#[test]
fn the_potential_is_drawn_around_the_circle() {
    let mut window = Window::open(&[]);
    window.run_command("potential around the circle");
    assert!(window.app().views.potential.has_ring);
    assert_eq!(window.app().views.sphere.shading, Shading::Density);
    wait(&mut window, "the potential", |app| {
        app.potential_field().is_some()
    });
    window.harness.run_steps(3);
    window.harness.get_by_label_contains("at t = 2.00 of");
}

/// A slice small enough for a test.
fn small(window: &mut Window) {
    let settings = &mut window.harness.state_mut().views.landscape.settings;
    (settings.side, settings.images) = (5, 32);
}

#[test]
fn a_slice_fills_shows_its_numbers_and_is_looked_into() {
    let mut window = Window::open(&[]);
    small(&mut window);
    window.run_command("landscape: cut a slice");
    wait(&mut window, "the slice", |app| {
        app.landscape
            .picture()
            .is_some_and(|picture| picture.slice.is_whole())
            && !app.landscape.view().is_running
    });
    let slice = window.app().landscape.picture().unwrap().slice.clone();
    assert_eq!(slice.cells.len(), 25);
    assert_eq!(slice.origin, slice.cells[slice.grid.middle()]);
    window
        .harness
        .get_by_label_contains("25 of 25 points measured on a 5");
    // Closer: another part of the same plane.
    dispatch(
        &mut window,
        Command::Landscape(LandscapeCommand::Zoom([0.5, 0.0], 0.25)),
    );
    wait(&mut window, "the part", |app| {
        let picture = app.landscape.picture();
        picture.is_some_and(|p| p.slice.grid.half_width == 0.25 && p.slice.is_whole())
            && !app.landscape.view().is_running
    });
    let part = window.app().landscape.picture().unwrap().slice.clone();
    assert_eq!(part.grid.centre, [0.5, 0.0]);
    assert_eq!(
        part.origin, slice.origin,
        "the encoder is still the encoder"
    );
    // The features of a place of the plane go to the sphere, under a name of their own.
    let before = window.serial();
    dispatch(
        &mut window,
        Command::Landscape(LandscapeCommand::ShowAt([0.5, 0.0])),
    );
    wait(&mut window, "the features", |app| {
        app.snapshot().is_some_and(|shown| shown.serial != before)
    });
    let title = window.app().snapshot().unwrap().title();
    assert!(title.contains("landscape at 0.500, 0.000"), "{title}");
}

#[test]
fn a_slice_is_stopped_and_goes_on() {
    let mut window = Window::open(&[]);
    {
        let settings = &mut window.harness.state_mut().views.landscape.settings;
        (settings.side, settings.images) = (33, 128);
    }
    window.run_command("landscape: cut a slice");
    wait(&mut window, "the first points", |app| {
        app.landscape
            .picture()
            .is_some_and(|picture| picture.slice.done > 2)
    });
    dispatch(&mut window, Command::Landscape(LandscapeCommand::Stop));
    wait(&mut window, "the stop", |app| {
        !app.landscape.view().is_running
    });
    let done = window.app().landscape.picture().unwrap().slice.done;
    assert!(done < 33 * 33, "stopped before its end");
    dispatch(&mut window, Command::Landscape(LandscapeCommand::Resume));
    wait(&mut window, "the rest", |app| {
        app.landscape
            .picture()
            .is_some_and(|picture| picture.slice.done > done)
    });
    dispatch(&mut window, Command::Landscape(LandscapeCommand::Stop));
}

#[test]
fn a_slice_that_cannot_be_cut_says_why() {
    let mut window = Window::open(&[]);
    small(&mut window);
    window
        .harness
        .state_mut()
        .views
        .landscape
        .settings
        .directions = crate::landscape::Directions::Trajectory;
    window.run_command("landscape: cut a slice");
    wait(&mut window, "the refusal", |app| {
        app.landscape.view().failure.is_some()
    });
    assert!(window.log_contains("at least 3 kept snapshots"));
}

#[test]
fn going_on_never_mixes_two_planes() {
    let mut window = Window::open(&[]);
    {
        let settings = &mut window.harness.state_mut().views.landscape.settings;
        (settings.side, settings.images) = (33, 128);
    }
    window.run_command("landscape: cut a slice");
    wait(&mut window, "the first points", |app| {
        app.landscape
            .picture()
            .is_some_and(|picture| picture.slice.done > 2)
    });
    dispatch(&mut window, Command::Landscape(LandscapeCommand::Stop));
    wait(&mut window, "the stop", |app| {
        !app.landscape.view().is_running
    });
    let done = window.app().landscape.picture().unwrap().slice.done;
    // Another plane, which cannot be cut: the picture of the first still stands.
    let views = &mut window.harness.state_mut().views;
    views.landscape.settings.directions = crate::landscape::Directions::Trajectory;
    window.run_command("landscape: cut a slice");
    wait(&mut window, "the refusal", |app| {
        app.landscape.view().failure.is_some()
    });
    dispatch(&mut window, Command::Landscape(LandscapeCommand::Resume));
    wait(&mut window, "the refusal again", |app| {
        app.landscape.view().failure.is_some()
    });
    let slice = &window.app().landscape.picture().unwrap().slice;
    assert_eq!(slice.done, done, "the first plane's picture is as it was");
}
