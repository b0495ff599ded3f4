//! A small chart of lines over one axis: title with values, round ticks, upright marks, a cursor.
//!
//! Lower overhead than a general plot: in a strip some hundred points high nearly all of the height
//! is the picture.

use egui::{
    Color32, FontId, Painter, Rect, Response, Sense, Shape, Stroke, Ui, pos2,
    text::{LayoutJob, TextFormat},
    vec2,
};

use super::{ViewKeys, tip, view_keys};
use crate::{
    geometry::round_levels,
    ui::theme::{self, Tokens},
};

/// Distance from an upright mark within which its text is told, in points of the screen.
const REACH: f32 = 5.0;
/// Least distance between two ticks across and upward, in points of the screen.
const TICKS: [f32; 2] = [64.0, 26.0];
/// Share of the values' range that is left free above and below.
const MARGIN: f64 = 0.06;

/// A line of a chart.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// What it is.
    pub name: &'a str,
    /// Its colour.
    pub colour: Color32,
    /// Places, the first number rising.
    pub points: &'a [[f64; 2]],
    /// Whether it recedes behind the others and is not named.
    pub is_faint: bool,
}

/// A mark over the whole height.
#[derive(Clone, Debug)]
pub struct Upright {
    /// Where.
    pub at: f64,
    /// Its colour.
    pub colour: Color32,
    /// Whether the line is broken.
    pub is_dashed: bool,
    /// A letter at its head; none when empty.
    pub letter: &'static str,
    /// Told under the pointer.
    pub text: String,
}

/// What a chart shows.
#[derive(Clone, Debug)]
pub struct Chart<'a> {
    /// Lines, the last on top.
    pub series: Vec<Series<'a>>,
    /// Marks.
    pub uprights: &'a [Upright],
    /// Range across.
    pub range: [f64; 2],
    /// What is counted across: "step".
    pub across: &'a str,
    /// Whether heights are base-10 logarithms; values that are not positive are left out then.
    pub is_logarithmic: bool,
}

/// What was done to a chart.
pub struct ChartEvent {
    /// Place across under the pointer.
    pub pointed: Option<f64>,
    /// Place across that was clicked.
    pub clicked: Option<f64>,
    /// What the keyboard asked, while the chart has the focus.
    pub keys: ViewKeys,
}

/// Draws a chart of this size. With a cursor the title tells the values there, else the newest.
pub fn chart(ui: &mut Ui, size: egui::Vec2, chart: &Chart<'_>, cursor: Option<f64>) -> ChartEvent {
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, spoken(chart, cursor)));
    let keys = view_keys(ui, &response);
    let frame = Frame::new(ui, rect, chart);
    if ui.is_rect_visible(rect) {
        frame.title(ui, chart, cursor);
        frame.ticks(ui, chart);
        let painter = ui.painter_at(frame.plot.expand(1.0));
        for upright in chart.uprights {
            frame.upright(&painter, upright);
        }
        for series in &chart.series {
            frame.line(&painter, series);
        }
        if let Some(at) = cursor {
            frame.cursor(ui, &painter, chart, at);
        }
    }
    if response.has_focus() {
        let stroke = (1.0, Tokens::of(ui).accent.main.0);
        ui.painter()
            .rect_stroke(rect, 2.0, stroke, egui::StrokeKind::Inside);
    }
    let place = |at: egui::Pos2| frame.place(at.x);
    let pointed = response.hover_pos().map(place);
    tell_uprights(ui, &response, &frame, chart);
    let clicked = response
        .interact_pointer_pos()
        .filter(|_| response.clicked())
        .map(place);
    ChartEvent {
        pointed,
        clicked,
        keys,
    }
}

/// Where things are.
struct Frame {
    whole: Rect,
    plot: Rect,
    across: [f64; 2],
    /// Range of heights; logarithms of the values on a logarithmic scale.
    up: [f64; 2],
    is_logarithmic: bool,
    font: FontId,
    up_ticks: Vec<(f64, String)>,
}

impl Frame {
    fn new(ui: &Ui, rect: Rect, chart: &Chart<'_>) -> Self {
        let font = egui::TextStyle::Small.resolve(ui.style());
        let row = ui.text_style_height(&egui::TextStyle::Small);
        let up = heights(chart);
        let inside = Rect::from_min_max(
            rect.min + vec2(0.0, row + 3.0),
            rect.max - vec2(6.0, row + 3.0),
        );
        let up_ticks = up_ticks(up, inside.height(), chart.is_logarithmic);
        let widest = up_ticks
            .iter()
            .map(|(_, text)| {
                let ink = Color32::PLACEHOLDER;
                let galley = ui.painter().layout_no_wrap(text.clone(), font.clone(), ink);
                galley.size().x
            })
            .fold(0.0, f32::max);
        let plot = Rect::from_min_max(inside.min + vec2(widest + 6.0, 0.0), inside.max);
        Self {
            whole: rect,
            plot,
            across: chart.range,
            up,
            is_logarithmic: chart.is_logarithmic,
            font,
            up_ticks,
        }
    }

    fn x(&self, at: f64) -> f32 {
        let share =
            (at - self.across[0]) / (self.across[1] - self.across[0]).max(f64::MIN_POSITIVE);
        self.plot.left() + share as f32 * self.plot.width()
    }

    /// Place across at a place of the screen.
    fn place(&self, x: f32) -> f64 {
        let share = f64::from((x - self.plot.left()) / self.plot.width().max(1.0));
        self.across[0] + share.clamp(0.0, 1.0) * (self.across[1] - self.across[0])
    }

    /// Height on the screen; nothing for what the scale does not show.
    fn y(&self, value: f64) -> Option<f32> {
        let height = scaled(value, self.is_logarithmic)?;
        let share = (height - self.up[0]) / (self.up[1] - self.up[0]);
        Some(self.plot.bottom() - share as f32 * self.plot.height())
    }

    fn title(&self, ui: &Ui, chart: &Chart<'_>, cursor: Option<f64>) {
        let tokens = Tokens::of(ui);
        let mut job = LayoutJob::default();
        let format = |color| TextFormat {
            font_id: self.font.clone(),
            color,
            ..TextFormat::default()
        };
        for series in named(chart) {
            let gap = if job.is_empty() { 0.0 } else { 12.0 };
            job.append(series.name, gap, format(series.colour));
            if let Some(value) = value_at(series.points, cursor) {
                job.append(
                    &format!(" {}", number(value)),
                    0.0,
                    format(tokens.text.strong.0),
                );
            }
        }
        if let Some(at) = cursor {
            let text = format!("{} {:.0}", chart.across, at);
            job.append(&text, 12.0, format(tokens.text.weak.0));
        }
        job.wrap = egui::text::TextWrapping::truncate_at_width(self.whole.width() - 4.0);
        let galley = ui.painter().layout_job(job);
        ui.painter()
            .galley(self.whole.min, galley, tokens.text.body.0);
    }

    fn ticks(&self, ui: &Ui, chart: &Chart<'_>) {
        let tokens = Tokens::of(ui);
        let painter = ui.painter();
        let rule = Stroke::new(tokens.shape.rule, tokens.surface.rule.0);
        let ink = tokens.text.weak.0;
        for (height, text) in &self.up_ticks {
            let share = (height - self.up[0]) / (self.up[1] - self.up[0]);
            let y = self.plot.bottom() - share as f32 * self.plot.height();
            painter.hline(self.plot.x_range(), y, rule);
            let at = pos2(self.plot.left() - 4.0, y);
            let anchor = egui::Align2::RIGHT_CENTER;
            painter.text(at, anchor, text, self.font.clone(), ink);
        }
        let most = (self.plot.width() / TICKS[0]).floor().max(1.0) as usize;
        let strong = Stroke::new(tokens.shape.rule, tokens.surface.rule_strong.0);
        painter.hline(self.plot.x_range(), self.plot.bottom(), strong);
        for (index, tick) in round_levels(self.across, most).into_iter().enumerate() {
            let x = self.x(tick);
            painter.vline(x, self.plot.bottom()..=self.plot.bottom() + 3.0, strong);
            let (text, anchor) = if index == 0 {
                let text = format!("{} {tick:.0}", chart.across);
                (text, egui::Align2::LEFT_TOP)
            } else if x > self.plot.right() - 16.0 {
                (format!("{tick:.0}"), egui::Align2::RIGHT_TOP)
            } else {
                (format!("{tick:.0}"), egui::Align2::CENTER_TOP)
            };
            let x = if index == 0 { x - 2.0 } else { x };
            let at = pos2(x, self.plot.bottom() + 3.0);
            painter.text(at, anchor, text, self.font.clone(), ink);
        }
    }

    fn upright(&self, painter: &Painter, upright: &Upright) {
        let x = self.x(upright.at);
        let [top, bottom] = [pos2(x, self.plot.top()), pos2(x, self.plot.bottom())];
        let stroke = Stroke::new(1.0, upright.colour);
        if upright.is_dashed {
            painter.extend(Shape::dashed_line(&[top, bottom], stroke, 3.0, 3.0));
        } else {
            painter.line_segment([top, bottom], stroke);
        }
        if !upright.letter.is_empty() {
            let is_right = x > self.plot.right() - 14.0;
            let (shift, anchor) = if is_right {
                (-3.0, egui::Align2::RIGHT_TOP)
            } else {
                (3.0, egui::Align2::LEFT_TOP)
            };
            let font = self.font.clone();
            painter.text(
                top + vec2(shift, 0.0),
                anchor,
                upright.letter,
                font,
                upright.colour,
            );
        }
    }

    fn line(&self, painter: &Painter, series: &Series<'_>) {
        let places = series
            .points
            .iter()
            .filter_map(|&[at, value]| Some(pos2(self.x(at), self.y(value)?)));
        let points = thinned(places, self.plot.width());
        let width = if series.is_faint { 1.0 } else { 1.6 };
        let colour = if series.is_faint {
            series.colour.gamma_multiply(0.35)
        } else {
            series.colour
        };
        match points[..] {
            [] => {}
            [only] => {
                painter.circle_filled(only, 2.5, colour);
            }
            _ => {
                painter.add(Shape::line(points, Stroke::new(width, colour)));
            }
        }
    }

    fn cursor(&self, ui: &Ui, painter: &Painter, chart: &Chart<'_>, at: f64) {
        let tokens = Tokens::of(ui);
        let stroke = Stroke::new(tokens.shape.rule, tokens.text.weak.0);
        painter.vline(self.x(at), self.plot.y_range(), stroke);
        for series in named(chart) {
            let nearest = nearest(series.points, at);
            if let Some(([at, value], series)) = nearest.map(|point| (point, series))
                && let Some(y) = self.y(value)
            {
                let radius = 3.0 * theme::mark_scale(ui);
                painter.circle_filled(pos2(self.x(at), y), radius, series.colour);
            }
        }
    }
}

/// Tells the mark under the pointer.
fn tell_uprights(ui: &Ui, response: &Response, frame: &Frame, chart: &Chart<'_>) {
    let Some(pointer) = response.hover_pos() else {
        return;
    };
    let reach = REACH * theme::mark_scale(ui);
    let near = |upright: &&Upright| (frame.x(upright.at) - pointer.x).abs() <= reach;
    let texts: Vec<&str> = chart
        .uprights
        .iter()
        .filter(near)
        .map(|upright| upright.text.as_str())
        .filter(|text| !text.is_empty())
        .collect();
    if !texts.is_empty() {
        tip(response, |ui| {
            ui.label(texts.join("\n"));
        });
    }
}

fn named<'a, 'b>(chart: &'b Chart<'a>) -> impl Iterator<Item = &'b Series<'a>> {
    chart.series.iter().filter(|series| !series.is_faint)
}

/// What a chart tells those who do not see it.
fn spoken(chart: &Chart<'_>, cursor: Option<f64>) -> String {
    let values: Vec<String> = named(chart)
        .map(|series| match value_at(series.points, cursor) {
            Some(value) => format!("{} {}", series.name, number(value)),
            None => format!("{} without a value", series.name),
        })
        .collect();
    let place = match cursor {
        Some(at) => format!("at {} {at:.0}", chart.across),
        None => "newest".to_owned(),
    };
    format!("Curve, {place}: {}", values.join(", "))
}

fn scaled(value: f64, is_logarithmic: bool) -> Option<f64> {
    if is_logarithmic {
        (value > 0.0 && value.is_finite()).then(|| value.log10())
    } else {
        value.is_finite().then_some(value)
    }
}

/// Range of heights with a margin; one around a single value.
fn heights(chart: &Chart<'_>) -> [f64; 2] {
    let values = chart
        .series
        .iter()
        .flat_map(|series| series.points)
        .filter_map(|&[_, value]| scaled(value, chart.is_logarithmic));
    let [low, high] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    });
    if low > high {
        return [0.0, 1.0];
    }
    // Rounding noise of a constant is not blown up to the whole height.
    let least = 1e-6 * low.abs().max(high.abs()).max(1e-3);
    let margin = ((high - low) * MARGIN).max(least);
    [low - margin, high + margin]
}

fn up_ticks(up: [f64; 2], height: f32, is_logarithmic: bool) -> Vec<(f64, String)> {
    let most = (height / TICKS[1]).floor().max(1.0) as usize;
    // Two at least, where rounding leaves fewer: one number is no scale.
    let levels = (most..most + 4)
        .map(|most| round_levels(up, most))
        .find(|levels| levels.len() > 1)
        .unwrap_or_default();
    let step = levels.windows(2).map(|pair| pair[1] - pair[0]).next();
    let digits = (-step.unwrap_or(1.0).log10().floor()).clamp(0.0, 9.0) as usize;
    let text = |level: f64| {
        let value = if is_logarithmic {
            return number(10_f64.powf(level));
        } else {
            level
        };
        if value.abs() >= 1e5 {
            format!("{value:.0e}")
        } else {
            // Never "−0".
            format!("{:.digits$}", if value == 0.0 { 0.0 } else { value })
        }
        .replace('-', "−")
    };
    levels
        .into_iter()
        .map(|level| (level, text(level)))
        .collect()
}

/// A value with four digits that count.
fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e5).contains(&size) {
        return format!("{value:.2e}").replace('-', "−");
    }
    let digits = if size < 1.0 {
        4
    } else {
        (3.0 - size.log10().floor()).max(0.0) as usize
    };
    format!("{value:.digits$}").replace('-', "−")
}

/// The value at the place nearest to `at`; the newest without one.
fn value_at(points: &[[f64; 2]], at: Option<f64>) -> Option<f64> {
    let point = match at {
        Some(at) => nearest(points, at),
        None => points.last().copied(),
    };
    point.map(|[_, value]| value)
}

fn nearest(points: &[[f64; 2]], at: f64) -> Option<[f64; 2]> {
    let after = points.partition_point(|&[x, _]| x < at);
    let around = [after.checked_sub(1), Some(after)];
    around
        .into_iter()
        .flatten()
        .filter_map(|index| points.get(index).copied())
        .min_by(|a, b| (a[0] - at).abs().total_cmp(&(b[0] - at).abs()))
}

/// At most the lowest and the highest place of each pixel across, in their order: a long line
/// looks the same.
fn thinned(places: impl Iterator<Item = egui::Pos2>, width: f32) -> Vec<egui::Pos2> {
    let places: Vec<egui::Pos2> = places.collect();
    if places.len() as f32 <= 2.0 * width.max(1.0) {
        return places;
    }
    let mut thin = Vec::new();
    for column in places.chunk_by(|a, b| a.x.floor() == b.x.floor()) {
        let extreme = |sign: f32| {
            let by = |a: &(usize, f32), b: &(usize, f32)| a.1.total_cmp(&b.1);
            let heights = column.iter().enumerate();
            heights.map(|(index, at)| (index, sign * at.y)).min_by(by)
        };
        let (Some((top, _)), Some((bottom, _))) = (extreme(1.0), extreme(-1.0)) else {
            continue;
        };
        thin.push(column[top.min(bottom)]);
        if top != bottom {
            thin.push(column[top.max(bottom)]);
        }
    }
    thin
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(points: &[[f64; 2]], is_logarithmic: bool) -> Chart<'_> {
        Chart {
            series: vec![Series {
                name: "total",
                colour: Color32::RED,
                points,
                is_faint: false,
            }],
            uprights: &[],
            range: [0.0, 100.0],
            across: "step",
            is_logarithmic,
        }
    }

    #[test]
    fn the_value_is_that_of_the_nearest_place() {
        let points = [[0.0, 1.0], [10.0, 2.0], [20.0, 3.0]];
        assert_eq!(value_at(&points, None), Some(3.0));
        assert_eq!(value_at(&points, Some(-5.0)), Some(1.0));
        assert_eq!(value_at(&points, Some(14.0)), Some(2.0));
        assert_eq!(value_at(&points, Some(16.0)), Some(3.0));
        assert_eq!(value_at(&points, Some(99.0)), Some(3.0));
        assert_eq!(value_at(&[], Some(1.0)), None);
        let chart = of(&points, false);
        assert_eq!(spoken(&chart, Some(14.0)), "Curve, at step 14: total 2.000");
    }

    #[test]
    fn the_range_holds_all_values_and_none_that_are_none() {
        let points = [
            [0.0, -2.0],
            [1.0, f64::NAN],
            [2.0, 4.0],
            [3.0, f64::INFINITY],
        ];
        let [low, high] = heights(&of(&points, false));
        assert!(low < -2.0 && low > -2.5 && high > 4.0 && high < 4.5);
        // On a logarithmic scale only 4 is left, and a range around it.
        let [low, high] = heights(&of(&points, true));
        assert!(low < 4_f64.log10() && high > 4_f64.log10() && high - low < 0.1);
        assert_eq!(heights(&of(&[], false)), [0.0, 1.0]);
        for up in [[0.0, 1.0], [-1.37, -0.02], [0.6898, 0.6899]] {
            for height in [30.0, 100.0, 400.0] {
                let ticks = up_ticks(up, height, false);
                assert!(ticks.len() > 1, "{up:?} {height} {ticks:?}");
                let mut texts: Vec<&String> = ticks.iter().map(|(_, text)| text).collect();
                texts.dedup();
                assert_eq!(texts.len(), ticks.len(), "{ticks:?}");
            }
        }
    }

    #[test]
    fn a_long_line_keeps_its_extremes() {
        let places = (0..10_000).map(|index| {
            let y = if index == 5_003 {
                -50.0
            } else {
                (index % 7) as f32
            };
            pos2(index as f32 / 100.0, y)
        });
        let thin = thinned(places, 100.0);
        assert!(thin.len() <= 200 && thin.len() >= 100);
        assert!(thin.iter().any(|at| at.y == -50.0));
        assert!(thin.is_sorted_by(|a, b| a.x <= b.x));
    }

    #[test]
    fn numbers_have_four_digits() {
        let texts = [0.0, 0.123_456, -1.5, 12.345, 123_456.0, 1e-7].map(number);
        assert_eq!(
            texts,
            ["0.0000", "0.1235", "−1.500", "12.35", "1.23e5", "1.00e−7"]
        );
    }
}
