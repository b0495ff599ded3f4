//! Everything without a mouse.

use super::*;
use crate::ui::{Pane, ThemeChoice};

#[test]
fn the_palette_finds_and_runs_a_command() {
    let mut window = Window::open(&[]);
    window.press(Modifiers::COMMAND, Key::P);
    window.harness.get_by_label("Command or path");
    window.write("theme light");
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.app().session.theme, ThemeChoice::Light);
    assert!(
        window.harness.query_by_label("Command or path").is_none(),
        "it closes itself"
    );
    window.harness.run_steps(2);
    assert!(!window.harness.ctx.global_style().visuals.dark_mode);
}

#[test]
fn the_palette_is_walked_with_arrows_and_left_with_escape() {
    let mut window = Window::open(&[]);
    window.press(Modifiers::COMMAND, Key::P);
    window.write("theme");
    window.press(Modifiers::NONE, Key::ArrowDown);
    window.press(Modifiers::NONE, Key::Enter);
    assert_eq!(window.app().session.theme, ThemeChoice::ALL[1]);
    window.press(Modifiers::COMMAND, Key::P);
    window.press(Modifiers::NONE, Key::Escape);
    assert!(window.harness.query_by_label("Command or path").is_none());
}

#[test]
fn a_path_in_the_palette_is_opened() {
    let mut window = Window::open(&[]);
    let folder = window.image_folder();
    window.run_command(&folder.display().to_string());
    assert_eq!(window.app().snapshot().unwrap().len(), 12);
}

#[test]
fn help_opens_and_closes() {
    let mut window = Window::open(&[]);
    window.press(Modifiers::NONE, Key::F1);
    assert!(
        window
            .harness
            .query_all_by_label_contains("Shift+drag")
            .next()
            .is_some()
    );
    window.press(Modifiers::NONE, Key::Escape);
    assert!(!window.app().is_helping);
    window.write("?");
    assert!(window.app().is_helping);
}

#[test]
fn tab_reaches_the_controls_and_space_presses_them() {
    let mut window = Window::open(&[]);
    let mut reached = Vec::new();
    for _ in 0..60 {
        window.press(Modifiers::NONE, Key::Tab);
        if let Some(id) = window.harness.ctx.memory(egui::Memory::focused) {
            reached.push(id);
        }
    }
    reached.sort_unstable_by_key(egui::Id::value);
    reached.dedup();
    assert!(reached.len() > 20, "{} controls", reached.len());
}

#[test]
fn views_are_closed_and_come_back() {
    let mut window = Window::open(&[]);
    let id = window.app().tree.tiles.find_pane(&Pane::Pairs).unwrap();
    window.harness.state_mut().tree.remove_recursively(id);
    window.harness.run_steps(2);
    assert!(window.app().tree.tiles.find_pane(&Pane::Pairs).is_none());
    window.run_command("view: pair distances");
    assert!(window.app().tree.tiles.find_pane(&Pane::Pairs).is_some());
    window.run_command("reset the layout");
    assert_eq!(
        window.app().tree.tiles.len(),
        super::super::layout::default_tree().tiles.len()
    );
}

#[test]
fn presenter_mode_enlarges_text() {
    let mut window = Window::open(&[]);
    let size = |window: &Window| {
        let style = window.harness.ctx.global_style();
        egui::TextStyle::Body.resolve(&style).size
    };
    let before = size(&window);
    window.run_command("presenter mode");
    assert!(size(&window) > before * 1.2);
    window.harness.run_steps(3);
}

#[test]
fn every_command_of_the_palette_can_be_run() {
    let mut window = Window::open(&[]);
    let ctx = window.harness.ctx.clone();
    for command in crate::ui::Command::all() {
        // These open the system's dialogs or end the program.
        if matches!(
            command,
            crate::ui::Command::Browse(_) | crate::ui::Command::Quit
        ) {
            continue;
        }
        window.harness.state_mut().dispatch(&ctx, command);
        window.step();
    }
    window
        .harness
        .state_mut()
        .dispatch(&ctx, crate::ui::Command::Escape);
    window.settle();
    assert!(window.app().snapshot().is_some());
}

#[test]
fn every_command_can_be_run_before_anything_is_shown() {
    let mut window = Window::open_with(&[], |_| {});
    let ctx = window.harness.ctx.clone();
    for command in crate::ui::Command::all() {
        if matches!(
            command,
            crate::ui::Command::Browse(_) | crate::ui::Command::Quit
        ) {
            continue;
        }
        window.harness.state_mut().dispatch(&ctx, command);
    }
    window.settle();
}
