//! Short messages that appear in a corner and leave by themselves.

use std::time::Duration;

use egui::{Align2, Area, Id, Order, Role, Sense, WidgetInfo, vec2};

use crate::ui::{
    icons::{self, Icon},
    theme::Tokens,
};

/// How serious a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something happened as asked.
    Info,
    /// It happened, but look.
    Warning,
    /// It did not happen.
    Error,
}

impl Level {
    /// The sign that stands for it.
    pub fn icon(self) -> Icon {
        match self {
            Self::Info => Icon::Info,
            Self::Warning => Icon::Warning,
            Self::Error => Icon::Failure,
        }
    }

    /// How long a toast of this level stays.
    fn stay(self) -> Duration {
        match self {
            Self::Info => Duration::from_secs(4),
            Self::Warning => Duration::from_secs(8),
            // Long enough to read a paragraph; the log keeps it anyway.
            Self::Error => Duration::from_secs(15),
        }
    }
}

#[derive(Clone, Debug)]
struct Toast {
    serial: u64,
    level: Level,
    text: String,
    until_s: Option<f64>,
}

/// The messages on screen.
#[derive(Clone, Debug, Default)]
pub struct Toasts {
    list: Vec<Toast>,
    serial: u64,
}

/// Longer messages are cut, at a word: the log keeps all of it.
const LONGEST: usize = 240;

/// At most this many are shown; older ones leave first (the log keeps them).
const MOST: usize = 4;

impl Toasts {
    /// Shows a message; the same one again only starts its time anew.
    pub fn add(&mut self, level: Level, text: impl Into<String>) {
        let text = text.into();
        self.list.retain(|toast| toast.text != text);
        self.serial += 1;
        self.list.push(Toast {
            serial: self.serial,
            level,
            text,
            until_s: None,
        });
        let surplus = self.list.len().saturating_sub(MOST);
        self.list.drain(..surplus);
    }

    /// The texts now on screen, oldest first.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|toast| toast.text.as_str())
    }

    /// Takes all messages away; whether there were any.
    pub fn clear(&mut self) -> bool {
        let had_any = !self.list.is_empty();
        self.list.clear();
        had_any
    }

    /// Draws the messages above the status bar; a click on one takes it away.
    pub fn show(&mut self, ctx: &egui::Context) {
        let now_s = ctx.input(|input| input.time);
        for toast in &mut self.list {
            let until_s = *toast
                .until_s
                .get_or_insert(now_s + toast.level.stay().as_secs_f64());
            ctx.request_repaint_after_secs((until_s - now_s).max(0.0) as f32);
        }
        self.list
            .retain(|toast| toast.until_s.is_none_or(|until_s| now_s < until_s));
        let mut offset = vec2(-16.0, -48.0);
        let mut dismissed = None;
        for toast in self.list.iter().rev() {
            let area = Area::new(Id::unique(("toast", toast.serial)))
                .order(Order::Foreground)
                .anchor(Align2::RIGHT_BOTTOM, offset)
                .show(ctx, |ui| toast_ui(ui, toast));
            if area.inner {
                dismissed = Some(toast.serial);
            }
            offset.y -= area.response.rect.height() + 8.0;
        }
        if let Some(serial) = dismissed {
            self.list.retain(|toast| toast.serial != serial);
        }
    }
}

/// The beginning of a long message, with where the rest is.
fn shortened(text: &str) -> std::borrow::Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(LONGEST) else {
        return text.into();
    };
    let end = text[..end].rfind(char::is_whitespace).unwrap_or(end);
    format!("{}… (all of it in the log)", &text[..end]).into()
}

fn toast_ui(ui: &mut egui::Ui, toast: &Toast) -> bool {
    let tokens = Tokens::of(ui);
    let colour = match toast.level {
        Level::Info => tokens.accent.main.0,
        Level::Warning => tokens.status.warning.0,
        Level::Error => tokens.status.error.0,
    };
    let inner = egui::Frame::popup(ui.style())
        .inner_margin(12)
        .show(ui, |ui| {
            ui.set_max_width(tokens.shape.grid * 52.0);
            ui.horizontal_top(|ui| {
                let (rect, _) = ui.allocate_exact_size(vec2(16.0, 16.0), Sense::hover());
                icons::paint(ui.painter(), rect, toast.level.icon(), colour);
                ui.add(
                    egui::Label::new(shortened(&toast.text))
                        .wrap()
                        .selectable(false),
                );
            });
        });
    let response = ui.interact(
        inner.response.rect,
        ui.scope_id().with("dismiss"),
        Sense::click(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &toast.text));
    response.clicked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_cut_at_a_word() {
        assert_eq!(shortened("short"), "short");
        let long = "word ".repeat(200);
        let text = shortened(&long);
        assert!(text.ends_with("word… (all of it in the log)"), "{text}");
        assert!(text.chars().count() < LONGEST + 30);
        // Without a place to cut, and with letters of more than one byte.
        assert!(shortened(&"ü".repeat(1000)).chars().count() < LONGEST + 30);
    }

    #[test]
    fn repeats_and_floods_are_held_back() {
        let mut toasts = Toasts::default();
        for _ in 0..3 {
            toasts.add(Level::Error, "same");
        }
        assert_eq!(toasts.texts().count(), 1);
        for number in 0..10 {
            toasts.add(Level::Info, format!("message {number}"));
        }
        assert_eq!(toasts.texts().last(), Some("message 9"));
        assert_eq!(toasts.texts().count(), MOST);
        assert!(toasts.clear());
        assert!(!toasts.clear());
    }
}
