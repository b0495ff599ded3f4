//! The potential on sphere and circle, and slices of weight space.

use egui::accesskit::Role;
use egui_kittest::kittest::NodeT as _;

use super::*;
use crate::ui::{Command, LandscapeCommand, Pane, Shading};

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

/// Cuts a small slice and waits until it is filled.
fn filled(window: &mut Window) {
    small(window);
    window.run_command("landscape: cut a slice");
    wait(window, "the slice", |app| {
        app.landscape
            .picture()
            .is_some_and(|picture| picture.slice.is_whole())
            && !app.landscape.view().is_running
    });
}

#[test]
fn pointing_at_a_cell_shows_its_features_and_marks_the_plane() {
    let mut window = Window::open(&[]);
    filled(&mut window);
    let own = window.app().snapshot().unwrap().prepared.sphere.clone();
    let serial = window.serial();
    let picture = window.app().landscape.picture().unwrap();
    let (edge, middle) = (
        picture.pointed(0).unwrap(),
        picture.pointed(picture.slice.grid.middle()).unwrap(),
    );
    assert_ne!(edge.measured, middle.measured);
    dispatch(
        &mut window,
        Command::Landscape(LandscapeCommand::Point(Some(edge))),
    );
    assert_eq!(window.app().landscape.view().pointed, Some(edge));
    wait(&mut window, "the features of the cell", |app| {
        app.landscape.peek().is_some()
    });
    let seen = window.app().seen().unwrap();
    assert_eq!(
        seen.title().split(" · ").next(),
        Some("landscape at −1.000, −1.000 around bundled healthy"),
        "no steps, where there is no run, and true minus signs"
    );
    assert_eq!(seen.prepared.sphere.len(), own.len(), "the same images");
    assert_ne!(seen.prepared.sphere, own, "other features");
    assert_eq!(window.serial(), serial, "what is shown itself stays");
    window.harness.run_steps(3);
    let named = window.harness.query_all_by_label_contains("landscape at");
    assert!(
        named.count() >= 2,
        "sphere and circle say whose features they show"
    );
    // The middle is the encoder: its own features, at their own places.
    dispatch(
        &mut window,
        Command::Landscape(LandscapeCommand::Point(Some(middle))),
    );
    wait(&mut window, "the features of the middle", |app| {
        app.landscape.view().peeked == Some([0.0; 2])
    });
    let numbers = |snapshot: &crate::ui::Snapshot| snapshot.analysis.numbers.uniformity.value;
    let app = window.app();
    assert_eq!(
        numbers(app.seen().unwrap()),
        numbers(app.snapshot().unwrap())
    );
    // Pointing at nothing gives the views back at once.
    dispatch(
        &mut window,
        Command::Landscape(LandscapeCommand::Point(None)),
    );
    assert!(window.app().landscape.peek().is_none());
    assert_eq!(window.app().seen().unwrap().serial, serial);
    // Unlinked, a cell is marked on the plane and nothing is computed.
    window.harness.state_mut().views.landscape.is_linked = false;
    dispatch(
        &mut window,
        Command::Landscape(LandscapeCommand::Point(Some(edge))),
    );
    std::thread::sleep(Duration::from_millis(300));
    window.harness.run_steps(5);
    assert!(window.app().landscape.peek().is_none());
    assert_eq!(window.app().landscape.view().pointed, Some(edge));
}

#[test]
fn the_keyboard_points_at_cells_and_leaving_the_view_lets_go() {
    let mut window = Window::open(&[]);
    filled(&mut window);
    let map = window
        .harness
        .get_by_label_contains("Map of 1 L_align + 1 L_uniform");
    map.focus();
    window.harness.run_steps(3);
    let at = window.app().landscape.view().pointed.expect("a cell");
    assert_eq!(at.at, [0.0; 2], "the middle first");
    window.press(egui::Modifiers::NONE, egui::Key::ArrowRight);
    window.harness.run_steps(3);
    let at = window.app().landscape.view().pointed.expect("a cell");
    assert_eq!(at.at, [0.5, 0.0]);
    window.run_command("correlation");
    window.harness.run_steps(3);
    assert!(window.app().landscape.view().pointed.is_none());
}

#[test]
fn the_status_bar_tells_of_a_slice_and_stops_it() {
    let mut window = Window::open(&[]);
    {
        let settings = &mut window.harness.state_mut().views.landscape.settings;
        (settings.side, settings.images) = (33, 128);
    }
    window.run_command("landscape: cut a slice");
    wait(&mut window, "the progress", |app| {
        let running = app.running.as_ref();
        running.is_some_and(|running| running.total == Some(33 * 33) && running.done > 1)
    });
    window.harness.run_steps(2);
    let told = window.harness.query_all_by_label("Filling the landscape");
    assert!(told.count() >= 2, "the pane and the status bar both tell");
    window.run_command("cancel the work under way");
    wait(&mut window, "the stop", |app| {
        !app.landscape.view().is_running
    });
    window.harness.run_steps(2);
    assert!(window.app().running.is_none(), "the bar is clear again");
    assert!(!window.app().landscape.picture().unwrap().slice.is_whole());
}

#[test]
fn the_potential_is_a_relief_when_asked() {
    let mut window = Window::open(&[]);
    window.run_command("shade the sphere by: potential");
    wait(&mut window, "the potential", |app| {
        app.potential_field().is_some()
    });
    window.run_command("potential as a relief");
    assert!(window.app().views.potential.has_relief);
    window.harness.run_steps(3);
    window
        .harness
        .get_by_label_contains("potential as relief, 0.35");
    window.harness.get_by_label("relief").click();
    window.harness.run_steps(3);
    assert!(!window.app().views.potential.has_relief);
}

#[test]
fn a_followed_slice_is_cut_anew_around_a_runs_newest_weights() {
    let mut window = Window::open(&[]);
    small(&mut window);
    let mut config = crate::training::RunConfig {
        name: "followed".to_owned(),
        steps: 1_000_000,
        batch: 8,
        snapshot_every: 2,
        ..crate::training::RunConfig::default()
    };
    config.probe.images = 16;
    config.probe.every = 2;
    if let crate::analysis::ImagesSource::Builtin(images) = &mut config.images {
        images.count = 64;
    }
    dispatch(
        &mut window,
        Command::Train(crate::ui::TrainCommand::Start(Box::new(config))),
    );
    wait(&mut window, "a snapshot of the run", |app| {
        !app.landscape.view().snapshots.is_empty()
    });
    // Nothing was cut yet: following begins with a first slice.
    window.harness.state_mut().views.landscape.is_following = true;
    wait(&mut window, "the first slice", |app| {
        app.landscape
            .picture()
            .is_some_and(|picture| picture.slice.is_whole())
    });
    let slice = &window.app().landscape.picture().unwrap().slice;
    // The run's own loss is a surface too: alignment and uniformity, as it trains.
    assert!(
        slice
            .quantities
            .contains(&crate::landscape::Quantity::Objective)
    );
    let origin = slice.origin.unwrap();
    let step = |app: &App| app.training.view().map_or(0, |run| run.state.step);
    let before = step(window.app());
    wait(&mut window, "a slice around later weights", |app| {
        app.landscape
            .picture()
            .is_some_and(|picture| picture.slice.origin.is_some_and(|new| new != origin))
    });
    // The run went on meanwhile.
    wait(&mut window, "later steps", |app| step(app) > before);
    // A plane that stays where it was cut shows the run's way going on.
    let landscape = &mut window.harness.state_mut().views.landscape;
    landscape.is_following = false;
    landscape.settings.directions = crate::landscape::Directions::Trajectory;
    window.run_command("landscape: cut a slice");
    let way = |app: &App| {
        let slice = app.landscape.picture().map(|picture| &picture.slice)?;
        let ends = [slice.marks.first()?.step, slice.marks.last()?.step];
        slice.is_whole().then_some((slice.origin?, ends))
    };
    wait(&mut window, "the slice along the run", |app| {
        way(app).is_some()
    });
    let (origin, [first, last]) = way(window.app()).unwrap();
    let name = &window.app().landscape.picture().unwrap().slice.origin_name;
    assert!(name.starts_with("step "), "{name}");
    wait(&mut window, "later snapshots on it", |app| {
        way(app).is_some_and(|(same, ends)| same == origin && ends[0] == first && ends[1] > last)
    });
    window.run_command("landscape: stop");
    assert!(!window.app().views.landscape.is_following);
}

/// What the window says of an image role whose name begins so.
fn named<'a>(window: &'a Window, words: &'a str) -> Vec<String> {
    let nodes = window.harness.query_all_by_label_contains(words);
    nodes
        .map(|node| node.accesskit_node())
        // A label's text is its value.
        .filter_map(|node| node.label().or_else(|| node.value()))
        .collect()
}

#[test]
fn a_small_plane_marks_the_place_where_the_large_one_is_out_of_sight() {
    let mut window = Window::open(&[]);
    filled(&mut window);
    window.harness.run_steps(3);
    // In the first layout plane and landscape are tabs of one tile.
    let small = |window: &Window| named(window, "Small align–uniform plane of the slice");
    assert_eq!(small(&window).len(), 1);
    assert!(!small(&window)[0].contains("pointed"));
    let edge = window
        .app()
        .landscape
        .picture()
        .unwrap()
        .pointed(0)
        .unwrap();
    dispatch(
        &mut window,
        Command::Landscape(LandscapeCommand::Point(Some(edge))),
    );
    let [alignment, uniformity] = edge.measured;
    let told = format!("the pointed place at {alignment:.4}, {uniformity:.4}").replace('-', "−");
    assert!(small(&window)[0].contains(&told), "{:?}", small(&window));
    // Alone in the window it has the sphere beside it as well, and the features go there.
    dispatch(&mut window, Command::Enlarge(Pane::Landscape));
    window.harness.run_steps(3);
    assert_eq!(small(&window).len(), 1);
    if window.app().canvas.is_connected() {
        assert_eq!(named(&window, "Sphere beside with 512 points").len(), 1);
    }
    dispatch(
        &mut window,
        Command::Landscape(LandscapeCommand::Point(Some(edge))),
    );
    wait(&mut window, "the features of the place", |app| {
        app.landscape.peek().is_some()
    });
    assert!(!named(&window, "features of the landscape at −1.000").is_empty());
    // Both can be switched off, and are not drawn over the net, which lies in that plane itself.
    window.harness.state_mut().views.landscape.picture = crate::ui::SlicePicture::Exchange;
    window.harness.run_steps(3);
    assert!(small(&window).is_empty());
    window.harness.state_mut().views.landscape.picture = crate::ui::SlicePicture::Map;
    window.harness.state_mut().views.landscape.has_linked_views = false;
    window.harness.run_steps(3);
    assert!(small(&window).is_empty());
    assert!(named(&window, "Sphere beside").is_empty());
}

#[test]
fn the_time_of_the_first_picture_is_told() {
    let mut window = Window::open(&[]);
    filled(&mut window);
    let pace = window.app().landscape.view().pace;
    assert_eq!(pace.first_points, 9);
    assert!(pace.first_s.unwrap() <= pace.whole_s.unwrap());
    assert!(window.log_contains("first picture (9 points) after"));
    assert!(window.log_contains(", whole after"));
}

#[test]
fn a_loss_without_a_surface_says_why_in_the_view() {
    let mut window = Window::open(&[]);
    small(&mut window);
    let mut config = crate::training::RunConfig {
        name: "momentum".to_owned(),
        objective: crate::training::Objective::MomentumContrast(
            crate::objectives::MomentumContrast {
                queue: 16,
                ..crate::objectives::MomentumContrast::default()
            },
        ),
        steps: 4,
        batch: 8,
        snapshot_every: 2,
        ..crate::training::RunConfig::default()
    };
    config.probe.images = 16;
    config.probe.every = 2;
    if let crate::analysis::ImagesSource::Builtin(images) = &mut config.images {
        images.count = 64;
    }
    dispatch(
        &mut window,
        Command::Train(crate::ui::TrainCommand::Start(Box::new(config))),
    );
    wait(&mut window, "a snapshot of the run", |app| {
        !app.landscape.view().snapshots.is_empty()
    });
    filled(&mut window);
    window.harness.run_steps(3);
    assert!(!named(&window, "is not drawn: it compares with a queue").is_empty());
}
