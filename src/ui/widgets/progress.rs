//! Progress of long work: a bar, a rate, the time that remains, and a way to stop it.

use egui::{Role, Sense, Ui, WidgetInfo, vec2};

use super::icon_button;
use crate::ui::{icons::Icon, theme::Tokens};

/// Work under way, as the status bar shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    /// What is being done for whom ("Analysing resnet20 on cifar10").
    pub title: String,
    /// The present stage ("decoding images").
    pub stage: String,
    /// Units finished.
    pub done: u64,
    /// Units in all, when known.
    pub total: Option<u64>,
    /// Units a second, when known.
    pub rate: Option<f64>,
}

impl Running {
    /// Part done in 0..=1, when the total is known.
    pub fn fraction(&self) -> Option<f32> {
        let total = self.total.filter(|&total| total > 0)?;
        Some((self.done as f32 / total as f32).clamp(0.0, 1.0))
    }

    /// Seconds that remain at the present rate.
    pub fn remaining_s(&self) -> Option<f64> {
        let rate = self.rate.filter(|&rate| rate > 0.0)?;
        Some(self.total?.saturating_sub(self.done) as f64 / rate)
    }

    /// "decoding images · 120 of 1000 · 340/s · 3 s left".
    pub fn line(&self) -> String {
        let mut parts = vec![self.stage.clone()];
        match self.total {
            Some(total) => parts.push(format!("{} of {total}", self.done)),
            None if self.done > 0 => parts.push(self.done.to_string()),
            None => {}
        }
        if let Some(rate) = self.rate.filter(|&rate| rate > 0.0) {
            let digits = usize::from(rate < 10.0);
            parts.push(format!("{rate:.digits$}/s"));
        }
        if let Some(remaining) = self.remaining_s() {
            parts.push(format!("{} left", seconds(remaining)));
        }
        parts.retain(|part| !part.is_empty());
        parts.join(" · ")
    }
}

/// A duration in words: "4 s", "2 min 5 s", "1 h 12 min".
pub fn seconds(duration_s: f64) -> String {
    let whole = duration_s.max(0.0).round() as u64;
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// Draws the bar, its line and a stop button; whether the button was pressed.
pub fn progress_bar(ui: &mut Ui, running: &Running) -> bool {
    let tokens = Tokens::of(ui);
    let size = vec2(tokens.shape.grid * 18.0, 4.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, &running.title);
        info.value = running.fraction().map(f64::from);
        info
    });
    let painter = ui.painter();
    painter.rect_filled(rect, 2.0, tokens.surface.control_hover.0);
    let filled = if let Some(fraction) = running.fraction() {
        egui::Rect::from_min_size(rect.min, vec2(rect.width() * fraction, rect.height()))
    } else {
        // Of unknown length: a piece that walks along the bar.
        let phase = (ui.input(|i| i.time) * 0.6).fract() as f32;
        let left = rect.left() + rect.width() * (phase * 1.25 - 0.25);
        egui::Rect::from_x_y_ranges(left..=left + rect.width() * 0.25, rect.y_range())
            .intersect(rect)
    };
    if filled.is_positive() {
        painter.rect_filled(filled, 2.0, tokens.accent.main.0);
    }
    response.on_hover_text(format!("{}\n{}", running.title, running.line()));
    let is_stopped = icon_button(ui, Icon::Stop, "Cancel").clicked();
    ui.label(egui::RichText::new(running.line()).small());
    is_stopped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running() -> Running {
        Running {
            title: "Analysing".into(),
            stage: "decoding images".into(),
            done: 250,
            total: Some(1000),
            rate: Some(250.0),
        }
    }

    #[test]
    fn the_line_says_rate_and_remaining_time() {
        assert_eq!(
            running().line(),
            "decoding images · 250 of 1000 · 250/s · 3 s left"
        );
        assert_eq!(running().fraction(), Some(0.25));
    }

    #[test]
    fn unknown_totals_promise_nothing() {
        let running = Running {
            total: None,
            rate: None,
            ..running()
        };
        assert_eq!(running.fraction(), None);
        assert_eq!(running.line(), "decoding images · 250");
        assert_eq!(
            Running {
                total: Some(0),
                ..running
            }
            .fraction(),
            None
        );
    }

    #[test]
    fn durations_read_well() {
        assert_eq!(seconds(3.4), "3 s");
        assert_eq!(seconds(125.0), "2 min 5 s");
        assert_eq!(seconds(4325.0), "1 h 12 min");
    }
}
