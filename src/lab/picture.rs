//! Figures of an answer as SVG: text that any drawing program opens.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{
    Answer, Question,
    answer::performance_words,
    side_by_side::{TileAxes, widened},
};
use crate::{
    correlation::{Encoder, PlaneFit, Scores, Series},
    geometry::round_levels,
};

/// Width and height of a figure in points.
const SIZE: [f64; 2] = [640.0, 480.0];
/// Space for axes: left, top, right, bottom.
const MARGINS: [f64; 4] = [72.0, 48.0, 120.0, 60.0];
/// Ticks on an axis, about.
const TICKS: usize = 5;
/// Colours from low to high performance, even in lightness and apart under colour blindness
/// (the stops of viridis, Smith & van der Walt 2015).
const RAMP: [[f64; 3]; 5] = [
    [68.0, 1.0, 84.0],
    [59.0, 82.0, 139.0],
    [33.0, 145.0, 140.0],
    [94.0, 201.0, 98.0],
    [253.0, 231.0, 37.0],
];

/// The head of arrows; a file has it once.
pub(super) const ARROW: &str = "<defs><marker id=\"tip\" markerWidth=\"8\" markerHeight=\"8\" refX=\"6\" \
    refY=\"3\" orient=\"auto\"><path d=\"M0,0 L6,3 L0,6 Z\" fill=\"#d1495b\"/></marker></defs>\n";

/// A figure of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Picture {
    /// The align–uniform plane coloured by performance, with the fitted plane's lines and arrow.
    #[default]
    Plane,
    /// Alignment against performance.
    Alignment,
    /// Uniformity against performance.
    Uniformity,
}

impl Picture {
    /// All.
    pub const ALL: [Self; 3] = [Self::Plane, Self::Alignment, Self::Uniformity];

    /// Name of its file, without an ending.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plane => "plane",
            Self::Alignment => "alignment",
            Self::Uniformity => "uniformity",
        }
    }

    /// Name in menus.
    pub fn title(self) -> &'static str {
        match self {
            Self::Plane => "U over A, coloured by P",
            Self::Alignment => "P over A",
            Self::Uniformity => "P over U",
        }
    }

    /// Where an encoder stands: across and upwards.
    pub fn place(self, one: &Encoder) -> [f64; 2] {
        match self {
            Self::Plane => [one.alignment, one.uniformity],
            Self::Alignment => [one.alignment, one.performance],
            Self::Uniformity => [one.uniformity, one.performance],
        }
    }
}

/// What one figure shows.
pub(super) struct Shown<'a> {
    pub series: &'a Series,
    pub fit: Option<&'a PlaneFit>,
    pub scores: Option<&'a Scores>,
    pub question: &'a Question,
    /// What stands above, before n and multiple R.
    pub title: Option<String>,
}

/// The figure as the text of an SVG file.
pub fn svg(answer: &Answer, picture: Picture) -> String {
    let encoders = answer.series.encoders();
    let axes = TileAxes {
        bounds: [0, 1].map(|axis| widened(encoders.iter().map(|one| picture.place(one)[axis]))),
        shade: widened_to(encoders.iter().map(|one| one.performance), 0.0),
    };
    let shown = Shown {
        series: &answer.series,
        fit: answer.fit.as_ref(),
        scores: answer.scores.as_ref().ok(),
        question: &answer.question,
        title: None,
    };
    let mut page = Page::new(axes.bounds, None);
    draw(&mut page, &shown, picture, axes);
    page.finish()
}

/// Draws what is shown into a page.
pub(super) fn draw(page: &mut Page, shown: &Shown<'_>, picture: Picture, axes: TileAxes) {
    let question = shown.question;
    let measure = &question.measure;
    let [alignment, uniformity, performance] = [
        format!("L_align ({measure})"),
        format!("L_uniform ({measure})"),
        performance_words(&question.task),
    ];
    match picture {
        Picture::Plane => page.frame(&alignment, &uniformity),
        Picture::Alignment => page.frame(&alignment, &performance),
        Picture::Uniformity => page.frame(&uniformity, &performance),
    }
    if let (Picture::Plane, Some(fit)) = (picture, shown.fit) {
        for level in fit.levels(6) {
            if let Some([from, to]) = fit.iso_line(level, axes.bounds) {
                page.line(from, to, "stroke=\"#999\" stroke-dasharray=\"4 3\"");
                page.text(to, &number(level), "font-size=\"10\" fill=\"#666\"");
            }
        }
        let end = [fit.centre[0] + fit.uphill[0], fit.centre[1] + fit.uphill[1]];
        page.line(
            fit.centre,
            end,
            "stroke=\"#d1495b\" stroke-width=\"2\" marker-end=\"url(#tip)\"",
        );
    }
    let [low, high] = axes.shade;
    for one in shown.series.encoders() {
        let title = format!(
            "{}: A {:.4}, U {:.4}, P {:.4}",
            one.name, one.alignment, one.uniformity, one.performance
        );
        let share = if high > low {
            (one.performance - low) / (high - low)
        } else {
            0.5
        };
        page.point(picture.place(one), &colour(share), &title);
    }
    if picture == Picture::Plane {
        page.legend(axes.shade, &performance);
    }
    page.heading(&heading(shown));
}

/// n, which encoders, and the default score.
fn heading(shown: &Shown<'_>) -> String {
    let n = shown.series.len();
    let mut title = match &shown.title {
        Some(title) => format!("{title} · n = {n}"),
        None if shown.question.only.is_empty() => format!("n = {n}"),
        None => format!("n = {n} · {}", shown.question.only_words()),
    };
    if let Some(scores) = shown.scores {
        let score = scores.get(crate::correlation::Statistic::MultipleR);
        if let Some(value) = score.value {
            title += &format!(" · multiple R {value:.2}");
        }
        if let Some(interval) = score.interval {
            title += &format!(" (95 % {:.2} to {:.2})", interval.low, interval.high);
        }
        if scores.is_too_few {
            title += " · too few";
        }
    }
    title
}

fn widened_to(values: impl Iterator<Item = f64>, share: f64) -> [f64; 2] {
    super::side_by_side::widened_by(values, share)
}

pub(super) fn colour(share: f64) -> String {
    let place = share.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let below = (place.floor() as usize).min(RAMP.len() - 2);
    let mix = |channel: usize| {
        let (low, high) = (RAMP[below][channel], RAMP[below + 1][channel]);
        (low + (place - below as f64) * (high - low)).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2))
}

pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

pub(super) fn number(value: f64) -> String {
    // −0 and rounding of even levels are no digits.
    let text = format!("{:.3}", value + 0.0);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" {
        "0".to_owned()
    } else {
        text.replace('-', "−")
    }
}

pub(super) struct Page {
    text: String,
    axes: [[f64; 2]; 2],
}

impl Page {
    /// An empty page with these axes: a file of its own, or a part of another at `[x, y, width,
    /// height]` of that one.
    pub fn new(axes: [[f64; 2]; 2], within: Option<[f64; 4]>) -> Self {
        let [width, height] = SIZE;
        let text = match within {
            None => format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
                 viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
                 {ARROW}<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
            ),
            Some([x, y, wide, high]) => format!(
                "<svg x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\" \
                 viewBox=\"0 0 {width} {height}\" font-size=\"14\">\n"
            ),
        };
        Self { text, axes }
    }

    fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [left, top, right, bottom] = MARGINS;
        let share = |value: f64, [low, high]: [f64; 2]| (value - low) / (high - low);
        [
            left + share(x, self.axes[0]) * (SIZE[0] - left - right),
            SIZE[1] - bottom - share(y, self.axes[1]) * (SIZE[1] - top - bottom),
        ]
    }

    pub fn frame(&mut self, x_name: &str, y_name: &str) {
        let [x_axis, y_axis] = self.axes;
        let corner = self.place([x_axis[0], y_axis[0]]);
        let far = self.place([x_axis[1], y_axis[1]]);
        let (width, height) = (far[0] - corner[0], corner[1] - far[1]);
        let _ = writeln!(
            self.text,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"none\" stroke=\"#333\"/>",
            corner[0], far[1]
        );
        for tick in ticks(x_axis) {
            let [x, _] = self.place([tick, y_axis[0]]);
            let _ = writeln!(
                self.text,
                "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                corner[1] + 18.0,
                number(tick)
            );
        }
        for tick in ticks(y_axis) {
            let [_, y] = self.place([x_axis[0], tick]);
            let _ = writeln!(
                self.text,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                corner[0] - 6.0,
                y + 4.0,
                number(tick)
            );
        }
        let _ = writeln!(
            self.text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            corner[0] + width / 2.0,
            corner[1] + 42.0,
            escaped(x_name)
        );
        let [x, y] = [18.0, far[1] + height / 2.0];
        let _ = writeln!(
            self.text,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"middle\" transform=\"rotate(-90 {x:.1} {y:.1})\">{}</text>",
            escaped(y_name)
        );
    }

    pub fn line(&mut self, from: [f64; 2], to: [f64; 2], style: &str) {
        let ([x1, y1], [x2, y2]) = (self.place(from), self.place(to));
        let _ = writeln!(
            self.text,
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {style}/>"
        );
    }

    pub fn text(&mut self, at: [f64; 2], words: &str, style: &str) {
        let [x, y] = self.place(at);
        let _ = writeln!(
            self.text,
            "<text x=\"{:.1}\" y=\"{y:.1}\" {style}>{}</text>",
            x + 3.0,
            escaped(words)
        );
    }

    pub fn point(&mut self, at: [f64; 2], fill: &str, title: &str) {
        let [x, y] = self.place(at);
        let _ = writeln!(
            self.text,
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{fill}\" stroke=\"#333\" stroke-width=\"0.6\"><title>{}</title></circle>",
            escaped(title)
        );
    }

    fn legend(&mut self, [low, high]: [f64; 2], name: &str) {
        let (x, top, height) = (SIZE[0] - 84.0, MARGINS[1] + 16.0, 180.0);
        let steps = 24;
        for step in 0..steps {
            let share = (f64::from(step) + 0.5) / f64::from(steps);
            let y = top + height * (1.0 - f64::from(step + 1) / f64::from(steps));
            let _ = writeln!(
                self.text,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"14\" height=\"{:.1}\" fill=\"{}\"/>",
                height / f64::from(steps) + 0.5,
                colour(share)
            );
        }
        for (value, y) in [(high, top + 8.0), (low, top + height)] {
            let _ = writeln!(
                self.text,
                "<text x=\"{:.1}\" y=\"{y:.1}\">{}</text>",
                x + 20.0,
                number(value)
            );
        }
        let _ = writeln!(
            self.text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            SIZE[0] - 8.0,
            top - 8.0,
            escaped(name)
        );
    }

    pub fn heading(&mut self, words: &str) {
        let _ = writeln!(
            self.text,
            "<text x=\"{:.1}\" y=\"26\" font-size=\"14\">{}</text>",
            MARGINS[0],
            escaped(words)
        );
    }

    pub fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// Even numbers within an axis.
fn ticks(range: [f64; 2]) -> Vec<f64> {
    round_levels(range, TICKS)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::{Question, answer::tests::planted},
        *,
    };
    use crate::{correlation::ScoreSettings, data::Table, progress::Progress};

    fn answer(table: Table) -> Answer {
        // The task whose relation the whole series shows.
        let question = Question {
            task: "knn".to_owned(),
            ..Question::default()
        };
        let settings = ScoreSettings {
            draws: 50,
            permutations: 10,
            seed: 0,
        };
        Answer::new(Arc::new(table), &question, settings, &Progress::none()).unwrap()
    }

    #[test]
    fn every_encoder_is_a_point_within_the_frame() {
        let answer = answer(planted());
        for picture in Picture::ALL {
            let text = svg(&answer, picture);
            assert_eq!(text.matches("<circle").count(), 40);
            assert!(text.starts_with("<svg") && text.trim_end().ends_with("</svg>"));
            assert!(text.contains("multiple R") && !text.contains("NaN"));
            for part in text.split("cx=\"").skip(1) {
                let x: f64 = part.split('"').next().unwrap().parse().unwrap();
                assert!((MARGINS[0]..=SIZE[0] - MARGINS[2]).contains(&x));
            }
        }
        // Iso-lines and the arrow.
        assert!(svg(&answer, Picture::Plane).matches("<line").count() >= 3);
    }

    #[test]
    fn no_encoder_one_encoder_and_odd_names_are_drawn() {
        let mut table = Table::new(["name", "alignment", "uniformity", "performance"]);
        let text = svg(&answer(table.clone()), Picture::Plane);
        assert!(text.contains("n = 0") && !text.contains("NaN"));
        table.push(["a <b> & \"c\"", "0.5", "-1", "0.3"]);
        let text = svg(&answer(table), Picture::Plane);
        assert!(text.contains("a &lt;b&gt; &amp; &quot;c&quot;") && !text.contains("NaN"));
    }

    #[test]
    fn ticks_are_even_numbers() {
        assert_eq!(ticks([0.0, 1.0]).len(), 6);
        assert_eq!(number(-0.25), "−0.25");
        assert_eq!(number(-1e-9), "0");
    }
}
