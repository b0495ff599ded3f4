//! The dense inspector: clicking, keys, modes, and one selection with the sphere.

use super::*;
use crate::{
    analysis::{ImagesSource, Request, demo_request},
    app::Session,
    data::{BuiltinConfig, BuiltinKind},
    features::{FeatureKind, MatchingRule},
    ui::{Combine, Command, InspectMode, Pane},
};

impl Window {
    /// Opens dense features of a few scenes of many objects with the inspector in front.
    fn inspecting() -> Self {
        let request = Request {
            kind: FeatureKind::Dense,
            images: ImagesSource::Builtin(BuiltinConfig {
                kind: BuiltinKind::MultiObject,
                count: 10,
                side: 64,
                seed: 0,
            }),
            ..demo_request()
        };
        let mut window = Self::open_with(&[], |path| {
            let session = Session {
                request: Some(request),
                ..Session::default()
            };
            session.write(path).expect("a session is written");
        });
        window.settle();
        window.run_command("view: dense inspector");
        window.wait_for_inspector();
        window
    }

    fn wait_for_inspector(&mut self) {
        let began = Instant::now();
        self.harness.run_steps(3);
        while self.app().inspector.is_waiting() || self.app().is_busy() {
            assert!(began.elapsed() < PATIENCE, "the inspector takes too long");
            self.step();
            std::thread::sleep(Duration::from_millis(5));
        }
        self.harness.run_steps(3);
    }

    fn picture(&self, number: usize) -> egui::Rect {
        let label = format!("Picture {number}:");
        self.harness.get_by_label_contains(&label).rect()
    }

    /// Clicks the middle of a location of a picture.
    fn click_cell(&mut self, number: usize, [row, column]: [usize; 2]) {
        let label = format!("Picture {number}:");
        self.harness.get_by_label_contains(&label).scroll_to_me();
        self.harness.run_steps(8);
        let rect = self.picture(number);
        let subject = self.app().inspector.state.subject.clone().expect("a map");
        let grid = subject.sides[number - 1].grid;
        let share = |at: usize, count: usize| (at as f32 + 0.5) / count as f32;
        let place =
            rect.min + rect.size() * egui::vec2(share(column, grid[1]), share(row, grid[0]));
        self.harness.hover_at(place);
        self.step();
        self.button(place, true);
        self.button(place, false);
        self.wait_for_inspector();
    }

    /// Image and cell of the one selected point.
    fn selected(&self) -> Option<(u32, [u16; 2])> {
        let row = self.app().selection().single()?;
        let snapshot = self.app().snapshot()?;
        let image = snapshot.analysis.features.images[row as usize];
        Some((image, snapshot.cell(row)?))
    }

    fn choose_label(&mut self, label: &str) {
        self.harness.get_by_label(label).scroll_to_me();
        self.harness.run_steps(8);
        self.harness.get_by_label(label).click();
        self.wait_for_inspector();
    }
}

#[test]
fn a_click_chooses_a_location_and_selects_its_point() {
    let mut window = Window::inspecting();
    window.click_cell(1, [2, 5]);
    assert_eq!(window.selected(), Some((0, [2, 5])));
    let app = window.app();
    let state = &app.inspector.state;
    let analysis = &app.snapshot().unwrap().analysis;
    let answer = state.current_answer().expect("it is answered");
    let dim = analysis.features.dim;
    let row = app.selection().single().unwrap() as usize;
    let cosine = |a: usize, b: usize| -> f64 {
        let [a, b] = [a, b].map(|row| &analysis.unit[row * dim..(row + 1) * dim]);
        a.iter()
            .zip(b)
            .map(|(x, y)| f64::from(*x) * f64::from(*y))
            .sum()
    };
    for (cell, found) in answer.maps[0].iter().enumerate() {
        // f32 sums of 64 products of unit rows.
        assert!((f64::from(*found) - cosine(row, cell)).abs() < 1e-6);
    }
    let best = (0..analysis.features.len())
        .filter(|other| *other != row)
        .map(|other| cosine(row, other))
        .fold(f64::MIN, f64::max);
    assert!((f64::from(answer.nearest[0].cosine) - best).abs() < 1e-6);
    assert!(state.crops.iter().all(Option::is_some));
    assert_eq!(state.crops.len(), answer.nearest.len());
    window.harness.get_by_label_contains("Nearest 1: ");
    // Sphere and circle mark the same point.
    assert!(window.app().marks.states[row] == crate::ui::marks::MarkState::Selected);
}

#[test]
fn arrow_keys_move_and_stop_at_the_border() {
    let mut window = Window::inspecting();
    window.click_cell(1, [1, 6]);
    window.press(Modifiers::NONE, Key::ArrowRight);
    window.wait_for_inspector();
    assert_eq!(window.selected(), Some((0, [1, 7])));
    window.press(Modifiers::NONE, Key::ArrowRight);
    for _ in 0..3 {
        window.press(Modifiers::NONE, Key::ArrowUp);
    }
    window.wait_for_inspector();
    assert_eq!(window.selected(), Some((0, [0, 7])));
    window.press(Modifiers::NONE, Key::ArrowDown);
    window.press(Modifiers::NONE, Key::ArrowLeft);
    window.wait_for_inspector();
    assert_eq!(window.selected(), Some((0, [1, 6])));
    let answer = window.app().inspector.state.current_answer().unwrap();
    assert_eq!(answer.question.cell, 8 + 6);
}

#[test]
fn a_point_chosen_elsewhere_shows_its_image_and_location() {
    let mut window = Window::inspecting();
    let ctx = window.harness.ctx.clone();
    let row = 7 * 64 + 3 * 8 + 4;
    let app = window.harness.state_mut();
    app.dispatch(&ctx, Command::Select(vec![row], Combine::Replace));
    window.wait_for_inspector();
    let state = &window.app().inspector.state;
    assert_eq!(state.image, 7);
    assert_eq!(state.asked(), Some((0, 3 * 8 + 4)));
    assert_eq!(state.subject.as_ref().unwrap().sides[0].image, 7);
    // And back through a neighbour's crop.
    let near = state.current_answer().unwrap().nearest[2].row;
    window.choose_label_containing("Nearest 3: ");
    assert_eq!(window.app().selection().single(), Some(near));
    // Undo returns to the point before.
    window.press(Modifiers::COMMAND, Key::Z);
    window.wait_for_inspector();
    assert_eq!(window.app().inspector.state.image, 7);
}

impl Window {
    fn choose_label_containing(&mut self, label: &str) {
        self.harness.get_by_label_contains(label).scroll_to_me();
        self.harness.run_steps(8);
        self.harness.get_by_label_contains(label).click();
        self.wait_for_inspector();
    }
}

#[test]
fn every_mode_is_drawn() {
    let mut window = Window::inspecting();
    window.click_cell(1, [4, 4]);
    for mode in InspectMode::ALL {
        window.run_command(&format!("inspector shows: {}", mode.name()));
        let began = Instant::now();
        let is_there = |window: &Window| {
            let state = &window.app().inspector.state;
            match mode {
                InspectMode::Pca => state.colours.is_some(),
                InspectMode::Density => state.density.is_some(),
                _ => true,
            }
        };
        while !is_there(&window) {
            assert!(began.elapsed() < PATIENCE, "{mode:?}");
            window.step();
            std::thread::sleep(Duration::from_millis(5));
        }
        window.wait_for_inspector();
        assert_eq!(window.app().views.inspector.mode, mode);
        window.picture(1);
    }
    let state = &window.app().inspector.state;
    let side = &state.subject.as_ref().unwrap().sides[0];
    // The built-in scenes have masks.
    assert!(side.classes.as_ref().unwrap().iter().all(Option::is_some));
    let density = &state.density.as_ref().unwrap()[0];
    assert!(
        density
            .iter()
            .all(|value| value.is_finite() && *value <= 0.0)
    );
    window.run_command("inspector shows: pca");
    window.choose_label("foreground cut");
    assert!(window.app().views.inspector.has_cut);
    window.harness.get_by_label("Cut along axis 1");
}

#[test]
fn two_views_stand_beside_each_other_with_correspondences() {
    let mut window = Window::inspecting();
    window.choose_label("two views");
    let subject = window.app().inspector.state.subject.clone().unwrap();
    assert_eq!(subject.sides.len(), 2);
    let alignment = window.app().snapshot().unwrap().analysis.request.matching;
    assert_eq!(alignment, MatchingRule::Geometric);
    let argmax = subject
        .correspondence(MatchingRule::BackboneArgmax)
        .unwrap();
    assert!(argmax.matches.is_ok());
    window.click_cell(2, [3, 3]);
    let state = &window.app().inspector.state;
    assert_eq!(state.asked(), Some((1, 27)));
    let chosen = state.chosen.unwrap();
    let expected = subject.sides[1].geometry.cell_centre(3, 3, [8, 8]);
    assert_eq!(chosen.place, expected);
    // The selected point is the location of the whole image that shows this place.
    let (image, cell) = window.selected().expect("the whole image shows it");
    let size = 64.0 / 8.0;
    assert_eq!(image, 0);
    assert_eq!(
        cell,
        [(expected[1] / size) as u16, (expected[0] / size) as u16]
    );
    window.harness.get_by_label("Rule of the lines");
    window.choose_label("all lines");
    window.choose_label("two images");
    let subject = window.app().inspector.state.subject.clone().unwrap();
    assert_eq!(subject.sides.len(), 2);
    assert_ne!(subject.sides[0].image, subject.sides[1].image);
    assert!(
        subject
            .correspondence(MatchingRule::Geometric)
            .unwrap()
            .matches
            .is_err()
    );
    // A location of the image beside is a point of the set, and does not turn the pictures.
    window.click_cell(2, [0, 0]);
    let (image, cell) = window.selected().unwrap();
    assert_eq!((image, cell), (subject.sides[1].image, [0, 0]));
    assert_eq!(window.app().inspector.state.image, subject.sides[0].image);
}

#[test]
fn a_picture_at_its_own_size_has_a_finer_map() {
    let mut window = Window::inspecting();
    window.click_cell(1, [5, 2]);
    window.choose_label("own size");
    let state = &window.app().inspector.state;
    let side = &state.subject.as_ref().unwrap().sides[0];
    // 64 px at a location every 4.
    assert_eq!(side.grid, [16, 16]);
    assert!(side.how.contains("own size"), "{}", side.how);
    // The same place is still chosen: the middle of row 5, column 2 of 8×8.
    assert_eq!(state.asked(), Some((0, 11 * 16 + 5)));
    assert_eq!(window.selected(), Some((0, [5, 2])));
}

#[test]
fn features_without_locations_offer_those_that_have_them() {
    let mut window = Window::open(&[]);
    let folder = window.image_folder();
    window.open_path(&folder);
    window.run_command("view: dense inspector");
    window.harness.get_by_label_contains("have no locations");
    window
        .harness
        .get_by_label("Analyse dense features")
        .click();
    window.settle();
    assert_eq!(window.app().request().kind, FeatureKind::Dense);
    window.wait_for_inspector();
    window.picture(1);
}

#[test]
fn nothing_is_made_while_the_view_is_behind_another() {
    let mut window = Window::inspecting();
    window.run_command("view: sphere");
    let ctx = window.harness.ctx.clone();
    let app = window.harness.state_mut();
    app.dispatch(&ctx, Command::Select(vec![5 * 64], Combine::Replace));
    window.harness.run_steps(5);
    assert_eq!(window.app().inspector.state.image, 0);
    let app = window.harness.state_mut();
    app.dispatch(&ctx, Command::Show(Pane::Inspector));
    window.wait_for_inspector();
    assert_eq!(window.app().inspector.state.image, 5);
}

/// Rows of the first axis' score, and the basis that is shown.
fn shown_basis(window: &Window) -> std::sync::Arc<crate::dense::Basis> {
    let colours = window.app().inspector.state.colours.clone();
    colours.expect("colours are shown").basis.clone()
}

impl Window {
    fn wait_for_colours(&mut self) {
        let began = Instant::now();
        while self.app().inspector.state.colours.is_none() {
            assert!(began.elapsed() < PATIENCE, "the colours take too long");
            self.step();
            std::thread::sleep(Duration::from_millis(5));
        }
        self.wait_for_inspector();
    }
}

#[test]
fn a_foreground_cut_fits_the_axes_again_and_says_to_what() {
    let mut window = Window::inspecting();
    window.run_command("inspector shows: pca");
    window.wait_for_colours();
    let joint = shown_basis(&window);
    assert!(joint.foreground.is_none());
    window.choose_label("foreground cut");
    let view = window.app().views.inspector.clone();
    let basis = shown_basis(&window);
    let own = basis.foreground.as_ref().expect("axes of the foreground");
    assert_eq!(Some(own.cut), view.foreground());
    assert_eq!(basis.joint(), *joint, "the cut's own axis stays");
    let analysis = window.app().snapshot().unwrap().analysis.clone();
    let scores = joint.scores(&analysis.unit).unwrap();
    let count = scores.iter().filter(|score| score[0] >= view.cut).count();
    let total = analysis.features.len();
    assert!(count > 0 && count < total);
    let words = format!("the foreground, {count} of {total} locations");
    assert!(basis.line(true).contains(&words), "{}", basis.line(true));
    window.harness.get_by_label_contains(&words);
    // What is cut off is bare, what is left is coloured by its own axes.
    let colours = window.app().inspector.state.colours.clone().unwrap();
    let side = colours.of_side(0, view.foreground());
    for (cell, colour) in side.iter().enumerate() {
        assert_eq!(colour.is_some(), scores[cell][0] >= view.cut);
        let own_scores = own.basis.scores(&analysis.unit).unwrap();
        if let Some(colour) = colour {
            assert_eq!(*colour, own.basis.colour(&own_scores[cell]));
        }
    }
    // Kept, nothing is fitted again: neither for another cut nor for another image.
    window.choose_label("keep these axes");
    window.harness.state_mut().views.inspector.cut = joint.ends[0][0];
    window.run_command("inspect the next image");
    window.wait_for_colours();
    assert_eq!(*shown_basis(&window), *basis);
    window.choose_label("keep these axes");
    let again = shown_basis(&window);
    let cut = again.foreground.as_ref().expect("a foreground").cut;
    // The slider rounds to three digits.
    assert!((cut.score - joint.ends[0][0]).abs() < 1e-3);
    // A cut at the highest score leaves that location alone: refused in words, the picture stays.
    window.harness.state_mut().views.inspector.cut = 9.0;
    window.wait_for_inspector();
    window
        .harness
        .get_by_label_contains(&format!("the cut leaves 1 of {total} locations"));
    assert_eq!(*shown_basis(&window), *again);
}

#[test]
fn kept_axes_colour_another_checkpoint_of_the_same_dimension() {
    let mut window = Window::inspecting();
    window.run_command("inspector shows: pca");
    window.wait_for_colours();
    window.choose_label("keep these axes");
    let first = shown_basis(&window);
    let before = window.app().inspector.state.colours.clone().unwrap();
    let ctx = window.harness.ctx.clone();
    let app = window.harness.state_mut();
    app.dispatch(&ctx, Command::OpenBundled("uniform-only"));
    app.dispatch(
        &ctx,
        Command::Edit(crate::ui::RequestEdit::Kind(FeatureKind::Dense)),
    );
    window.settle();
    window.wait_for_colours();
    let encoder = &window.app().snapshot().unwrap().analysis.request.encoder;
    assert!(encoder.title().contains("uniform-only"));
    assert_eq!(*shown_basis(&window), *first);
    let after = window.app().inspector.state.colours.clone().unwrap();
    assert_ne!(before.sides, after.sides, "other weights, other scores");
}

#[test]
fn frames_of_a_run_are_coloured_by_the_axes_of_the_first() {
    use crate::{training::RunConfig, ui::TrainCommand};

    let mut window = Window::inspecting();
    window.run_command("inspector shows: pca");
    window.wait_for_colours();
    let mut config = RunConfig {
        name: "small".to_owned(),
        steps: 1_000_000,
        batch: 8,
        ..RunConfig::default()
    };
    config.probe.images = 8;
    config.probe.kind = FeatureKind::Dense;
    config.probe.every = 2;
    let ctx = window.harness.ctx.clone();
    let app = window.harness.state_mut();
    app.dispatch(&ctx, Command::Train(TrainCommand::Start(Box::new(config))));
    let began = Instant::now();
    let mut scores: Vec<std::sync::Arc<crate::dense::Colours>> = Vec::new();
    while scores.len() < 2 {
        assert!(began.elapsed() < PATIENCE, "two frames of a run");
        window.step();
        std::thread::sleep(Duration::from_millis(5));
        let app = window.app();
        if !app.snapshot().is_some_and(crate::ui::Snapshot::is_of_run) {
            continue;
        }
        let Some(colours) = app.inspector.state.colours.clone() else {
            continue;
        };
        let is_new = (scores.last()).is_none_or(|last| !std::sync::Arc::ptr_eq(last, &colours));
        if is_new {
            scores.push(colours);
        }
    }
    assert_eq!(*scores[0].basis, *scores[1].basis);
    assert_ne!(scores[0].sides, scores[1].sides, "the map changes");
}

#[test]
fn an_image_that_was_not_analysed_is_told() {
    let mut window = Window::inspecting();
    let ctx = window.harness.ctx.clone();
    let app = window.harness.state_mut();
    app.dispatch(&ctx, Command::Edit(crate::ui::RequestEdit::Limit(Some(4))));
    window.settle();
    window.wait_for_inspector();
    let analysed = window
        .app()
        .snapshot()
        .unwrap()
        .analysis
        .features
        .images
        .clone();
    let absent = (0..10).find(|image| !analysed.contains(image)).unwrap();
    let shown = window.app().inspector.state.image;
    for command in [
        crate::ui::InspectCommand::Image(absent),
        crate::ui::InspectCommand::Beside(absent),
    ] {
        let app = window.harness.state_mut();
        app.dispatch(&ctx, Command::ClearLog);
        app.dispatch(&ctx, Command::Inspect(command));
        window.harness.run_steps(3);
        assert_eq!(window.app().inspector.state.image, shown);
        assert!(window.log_contains(&format!("Image {absent} (")));
        assert!(window.log_contains("is not among the 4 of 10 that were analysed"));
    }
    assert_eq!(
        window.app().views.inspector.beside,
        crate::ui::BesideChoice::Nothing
    );
}

#[test]
fn a_point_clicked_on_the_circle_shows_its_location_and_a_location_its_point() {
    let mut window = Window::inspecting();
    let rect = window.harness.get_by_label_contains("Circle of").rect();
    let radius = rect.height() * 0.5 * 0.6;
    let places = window.app().snapshot().unwrap().prepared.circle.clone();
    let on_screen =
        |row: usize| rect.center() + egui::vec2(places[row][0], -places[row][1]) * radius;
    let place = on_screen(5 * 64 + 17);
    window.harness.hover_at(place);
    window.harness.run_steps(2);
    window.button(place, true);
    window.button(place, false);
    window.wait_for_inspector();
    let row = window.app().selection().single().expect("one is selected");
    let state = &window.app().inspector.state;
    let found = on_screen(row as usize);
    // The nearest within reach: eight points of the screen.
    assert!(found.distance(place) < 8.0);
    assert_eq!(
        (state.image, state.cell(0)),
        (row / 64, Some(row as usize % 64))
    );
    let answer = state.current_answer().expect("it is answered");
    assert_eq!(answer.question.cell, row as usize % 64);
    // And the other way round: the chosen location is the marked point of circle and sphere.
    window.click_cell(1, [6, 1]);
    let row = window.app().selection().single().unwrap() as usize;
    assert_eq!(
        row,
        window.app().inspector.state.image as usize * 64 + 6 * 8 + 1
    );
    let states = &window.app().marks.states;
    let selected = crate::ui::marks::MarkState::Selected;
    assert!(states[row] == selected);
    assert_eq!(states.iter().filter(|state| **state == selected).count(), 1);
}

#[test]
fn a_point_clicked_on_the_sphere_shows_its_location() {
    let mut window = Window::inspecting();
    if !window.app().canvas.is_connected() {
        eprintln!("skipped: nothing can be drawn on this machine");
        return;
    }
    window.run_command("view: sphere");
    let row = {
        let app = window.app();
        let prepared = &app.snapshot().unwrap().prepared;
        let at = |row: &u32| app.canvas.screen_position(prepared.sphere[*row as usize]);
        (64..640_u32)
            .find(|row| at(row).is_some())
            .expect("some point is in front")
    };
    let app = window.app();
    let sphere = app.snapshot().unwrap().prepared.sphere.clone();
    let place = app.canvas.screen_position(sphere[row as usize]).unwrap();
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
    let row = window.app().selection().single().expect("one is selected");
    window.run_command("view: dense inspector");
    window.wait_for_inspector();
    let state = &window.app().inspector.state;
    assert_eq!(
        (state.image, state.cell(0)),
        (row / 64, Some(row as usize % 64))
    );
}

#[test]
fn the_picture_is_saved_whole_and_without_advice() {
    let mut window = Window::inspecting();
    window.choose_label("two views");
    window.click_cell(1, [3, 3]);
    let path = window.folder.path().join("inspector.png");
    window.run_command("inspector: save the picture");
    // The proposed path gives way to the test's own.
    window.press(Modifiers::COMMAND, Key::A);
    window.write(&path.display().to_string());
    window.press(Modifiers::NONE, Key::Enter);
    let began = Instant::now();
    while !window.log_contains("Wrote ") && !window.log_contains("graphics adapter") {
        assert!(began.elapsed() < PATIENCE, "{:?}", window.app().log());
        window.step();
        std::thread::sleep(Duration::from_millis(5));
    }
    if window.log_contains("graphics adapter") {
        eprintln!("skipped: nothing can be drawn on this machine");
        return;
    }
    let picture = image::open(&path).expect("a picture").into_rgb8();
    assert_eq!(picture.dimensions(), (1200, 1200));
    // Nothing is cut at the bottom: a margin of the background alone is left, and what stands above
    // reaches far down.
    let ground = *picture.get_pixel(1, 1);
    let is_bare = |y: u32| (0..1200).all(|x| *picture.get_pixel(x, y) == ground);
    assert!((1185..1200).all(is_bare), "the last line is cut");
    assert!((1000..1185).any(|y| !is_bare(y)));
    let window_text =
        |window: &Window, words: &str| window.harness.query_all_by_label_contains(words).count();
    assert_eq!(window_text(&window, "Correspondences"), 1);
}

#[test]
fn densecls_figure_is_one_button() {
    let mut window = Window::inspecting();
    window.choose_label("two views");
    window.choose_label("as DenseCL draws them");
    let view = &window.app().views.inspector;
    assert_eq!(view.rule, MatchingRule::BackboneArgmax);
    assert!(view.is_mutual_only && view.least_similarity == 0.9);
    let subject = window.app().inspector.state.subject.clone().unwrap();
    let found = subject
        .correspondence(MatchingRule::BackboneArgmax)
        .unwrap();
    let matches = found.matches.as_ref().unwrap();
    let passing = matches
        .iter()
        .filter(|pair| pair.is_mutual && pair.similarity >= 0.9)
        .count();
    let words = format!("{passing} of {} pairs pass the filters", matches.len());
    window.harness.get_by_label_contains(&words);
}
