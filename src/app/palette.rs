//! All commands, found by typing; a path is opened.

use std::path::PathBuf;

use egui::{Align2, Id, Key, Modifiers, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2};

use super::{
    modal::{self, Place},
    opening::typed_path,
};
use crate::ui::{Command, Commands, OpenTarget, theme::Tokens};

/// Rows that are listed.
const MOST: usize = 60;

/// The palette's state.
#[derive(Clone, Debug, Default)]
pub(super) struct Palette {
    is_open: bool,
    is_new: bool,
    query: String,
    chosen: usize,
}

impl Palette {
    /// Shows it with what was typed in the same moment.
    pub fn open(&mut self, typed: String) {
        *self = Self {
            is_open: true,
            is_new: true,
            query: typed,
            ..Self::default()
        };
    }

    /// Closes it; whether it was open.
    pub fn close(&mut self) -> bool {
        std::mem::take(&mut self.is_open)
    }

    /// Draws the palette when it is open.
    pub fn show(&mut self, ctx: &egui::Context, recent: &[PathBuf], commands: &mut Commands) {
        if !self.is_open {
            return;
        }
        let found = found(&self.query, recent);
        let place = Place {
            top: 72.0,
            width: 560.0,
        };
        let (chosen, is_left) =
            modal::show(ctx, "palette", place, |ui| self.contents_ui(ui, &found));
        self.is_open = chosen.is_none() && !is_left;
        if let Some(command) = chosen {
            commands.push(command);
        }
    }

    fn contents_ui(&mut self, ui: &mut Ui, found: &[Command]) -> Option<Command> {
        let down =
            ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, Key::ArrowDown));
        let up = ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, Key::ArrowUp));
        let edit = TextEdit::singleline(&mut self.query)
            .id(Id::unique("palette query"))
            .hint_text("Type a command, or a path to open")
            .desired_width(f32::INFINITY)
            .margin(egui::Margin::symmetric(8, 6));
        let response = ui.add(edit).accessible_name("Command or path");
        let is_too_early = std::mem::take(&mut self.is_new);
        if is_too_early {
            response.request_focus();
            self.query
                .push_str(&super::path_dialog::typed_now(ui.ctx()));
        }
        if response.changed() {
            self.chosen = 0;
        }
        let last = found.len().saturating_sub(1);
        self.chosen = (self.chosen + down).saturating_sub(up).min(last);
        let is_entered = (response.lost_focus() || is_too_early)
            && ui.input(|input| input.key_pressed(Key::Enter));
        if is_entered {
            return found.get(self.chosen).cloned();
        }
        ui.add_space(4.0);
        let mut clicked = None;
        ScrollArea::vertical()
            .max_height(420.0)
            .auto_shrink([false, true])
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                for (index, command) in found.iter().enumerate() {
                    let row = row_ui(ui, command, index == self.chosen);
                    if index == self.chosen && down + up > 0 {
                        row.scroll_to_me(None);
                    }
                    if row.clicked() {
                        clicked = Some(command.clone());
                    }
                }
                if found.is_empty() {
                    ui.add_space(8.0);
                    ui.weak("No command or path is called that");
                }
            });
        clicked
    }
}

fn row_ui(ui: &mut Ui, command: &Command, is_chosen: bool) -> egui::Response {
    let tokens = Tokens::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 28.0), Sense::click());
    response
        .widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, is_chosen, command.text()));
    if is_chosen {
        ui.painter()
            .rect_filled(rect, f32::from(tokens.shape.corner), tokens.accent.fill.0);
    } else if response.hovered() || response.has_focus() {
        ui.painter().rect_filled(
            rect,
            f32::from(tokens.shape.corner),
            tokens.surface.control.0,
        );
    }
    let colour = if is_chosen {
        tokens.accent.on_fill.0
    } else {
        tokens.text.body.0
    };
    let body = egui::TextStyle::Body.resolve(ui.style());
    let small = egui::TextStyle::Small.resolve(ui.style());
    let painter = ui.painter_at(rect);
    painter.text(
        rect.left_center() + vec2(8.0, 0.0),
        Align2::LEFT_CENTER,
        command.text(),
        body,
        colour,
    );
    if let Some(shortcut) = command.shortcut() {
        let keys = ui.ctx().format_shortcut(&shortcut);
        let colour = if is_chosen {
            tokens.accent.on_fill.0
        } else {
            tokens.text.weak.0
        };
        painter.text(
            rect.right_center() - vec2(8.0, 0.0),
            Align2::RIGHT_CENTER,
            keys,
            small,
            colour,
        );
    }
    response
}

/// Points of a word that occurs in a text at all.
const WORD: i32 = 10;

/// Commands that fit what was typed, best first; a path comes before all.
fn found(query: &str, recent: &[PathBuf]) -> Vec<Command> {
    let query = query.trim();
    let mut listed = Vec::new();
    if looks_like_path(query) {
        listed.push(Command::Open(OpenTarget::Anything, typed_path(query)));
    }
    let candidates = Command::all().into_iter().chain(
        recent
            .iter()
            .map(|path| Command::Open(OpenTarget::Anything, path.clone())),
    );
    let mut scored: Vec<(i32, usize, Command)> = candidates
        .enumerate()
        .filter_map(|(order, command)| Some((score(query, &command.text())?, order, command)))
        .collect();
    // Letters scattered over a text count only while nothing better fits.
    let best = scored.iter().map(|(score, ..)| *score).max().unwrap_or(0);
    if best >= WORD {
        scored.retain(|(score, ..)| *score >= WORD);
    }
    scored.sort_by_key(|(score, order, _)| (std::cmp::Reverse(*score), *order));
    listed.extend(scored.into_iter().map(|(.., command)| command));
    listed.truncate(MOST);
    listed
}

fn looks_like_path(query: &str) -> bool {
    let query = query.trim_matches(['"', '\'']);
    query.starts_with(['/', '~', '\\'])
        || query.starts_with("./")
        || query.starts_with("../")
        || query.starts_with("file://")
        || query
            .get(1..3)
            .is_some_and(|rest| rest == ":\\" || rest == ":/")
}

/// How well `query` fits `text`: every word must occur, at the start of a word best, else its
/// letters in order; `None` when it does not fit.
fn score(query: &str, text: &str) -> Option<i32> {
    let text = text.to_lowercase();
    query
        .to_lowercase()
        .split_whitespace()
        .try_fold(0, |sum, word| {
            let points = if text.starts_with(word) {
                30
            } else if text
                .split(|c: char| !c.is_alphanumeric())
                .any(|part| part == word)
            {
                25
            } else if text
                .split(|c: char| !c.is_alphanumeric())
                .any(|part| part.starts_with(word))
            {
                20
            } else if text.contains(word) {
                WORD
            } else if has_letters_in_order(word, &text) {
                1
            } else {
                return None;
            };
            Some(sum + points)
        })
}

fn has_letters_in_order(word: &str, text: &str) -> bool {
    let mut letters = text.chars();
    word.chars()
        .all(|wanted| letters.any(|letter| letter == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{features::FeatureKind, ui::RequestEdit};

    #[test]
    fn typed_words_find_their_command() {
        let first = |query: &str| found(query, &[]).into_iter().next();
        assert_eq!(
            first("features: dense"),
            Some(Command::Edit(RequestEdit::Kind(FeatureKind::Dense)))
        );
        assert_eq!(
            first("features: pooled"),
            Some(Command::Edit(RequestEdit::Kind(FeatureKind::Pooled)))
        );
        assert_eq!(first("help"), Some(Command::Help));
        assert_eq!(
            first("theme light"),
            Some(Command::Theme(crate::ui::ThemeChoice::Light))
        );
        assert_eq!(first("xyzzy"), None);
    }

    #[test]
    fn a_path_is_offered_first() {
        let first = found("/data/model.pth", &[]).into_iter().next();
        assert_eq!(
            first,
            Some(Command::Open(
                OpenTarget::Anything,
                "/data/model.pth".into()
            ))
        );
        assert!(looks_like_path("C:\\models") && !looks_like_path("copy"));
    }

    #[test]
    fn recent_files_are_found_by_name() {
        let recent = [PathBuf::from("/a/resnet20.th")];
        assert!(
            found("resnet20", &recent)
                .contains(&Command::Open(OpenTarget::Anything, recent[0].clone()))
        );
    }
}
