//! Figures of many parts on one page: small multiples, the map of scores, scores along a number.

use std::{collections::BTreeMap, fmt::Write as _};

use super::{
    Answer, Cell, Picture, Trails,
    picture::{ARROW, Page, Shown, draw, escaped, number},
};
use crate::correlation::{Encoder, Statistic};

/// Width and height of a tile on the page, in points.
const TILE: [f64; 2] = [340.0, 255.0];
/// Width and height of a cell of the map, in points.
const CELL: [f64; 2] = [132.0, 48.0];
/// Room for the names of rows at the left of the map, and of columns above it.
const NAMES: [f64; 2] = [170.0, 70.0];
/// Colours of lines, apart under colour blindness (Okabe & Ito 2008).
const LINES: [&str; 8] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999",
];
/// Colours of −1, 0 and 1.
const DIVERGING: [[f64; 3]; 3] = [
    [33.0, 102.0, 172.0],
    [247.0, 247.0, 247.0],
    [178.0, 24.0, 43.0],
];

/// Axes and colours of a tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TileAxes {
    /// Least and greatest value across and upwards, with a little room.
    pub bounds: [[f64; 2]; 2],
    /// Performance of the first and the last colour.
    pub shade: [f64; 2],
}

/// Axes that tiles of one measure and task have in common.
#[derive(Clone, Debug)]
pub struct CommonAxes(BTreeMap<[String; 2], TileAxes>);

impl CommonAxes {
    /// Those of a cell of the answer that they were made of.
    pub fn of(&self, cell: &Cell) -> TileAxes {
        let empty = TileAxes {
            bounds: [[0.0, 1.0]; 2],
            shade: [0.0, 1.0],
        };
        self.0.get(&key(cell)).copied().unwrap_or(empty)
    }
}

fn key(cell: &Cell) -> [String; 2] {
    [cell.question.measure.clone(), cell.question.task.clone()]
}

/// The axes for all cells of an answer.
pub fn common_axes(answer: &Answer, picture: Picture) -> CommonAxes {
    let mut all: BTreeMap<[String; 2], Vec<&Encoder>> = BTreeMap::new();
    for cell in &answer.cells {
        let encoders = cell.series.encoders().iter();
        all.entry(key(cell)).or_default().extend(encoders);
    }
    let axes = all.into_iter().map(|(key, encoders)| {
        let along = |axis: usize| widened(encoders.iter().map(|one| picture.place(one)[axis]));
        let axes = TileAxes {
            bounds: [along(0), along(1)],
            shade: widened_by(encoders.iter().map(|one| one.performance), 0.0),
        };
        (key, axes)
    });
    CommonAxes(axes.collect())
}

/// Least and greatest value with a little room; something to divide by when all are equal.
pub(super) fn widened(values: impl Iterator<Item = f64>) -> [f64; 2] {
    widened_by(values, 0.06)
}

pub(super) fn widened_by(values: impl Iterator<Item = f64>, share: f64) -> [f64; 2] {
    let [low, high] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    });
    if !(low.is_finite() && high.is_finite()) {
        return [0.0, 1.0];
    }
    let room = if high > low {
        share * (high - low)
    } else {
        0.5
    };
    [low - room, high + room]
}

/// The small multiples of an answer as the text of an SVG file.
pub fn svg_grid(answer: &Answer, picture: Picture) -> String {
    let [rows, columns] = answer.axes();
    let size = [
        TILE[0] * columns.len().max(1) as f64,
        TILE[1] * rows.len().max(1) as f64,
    ];
    let mut text = opened(size);
    text += ARROW;
    let axes = common_axes(answer, picture);
    for cell in &answer.cells {
        let at = |names: &[&str], name: &str| names.iter().position(|one| *one == name);
        let (Some(row), Some(column)) = (at(&rows, &cell.row), at(&columns, &cell.column)) else {
            continue;
        };
        let [x, y] = [TILE[0] * column as f64, TILE[1] * row as f64];
        let shown = Shown {
            series: &cell.series,
            fit: cell.fit.as_ref(),
            scores: cell.scores.as_ref().ok(),
            question: &cell.question,
            title: Some(format!("{} · {}", cell.row, cell.column)),
        };
        let axes = axes.of(cell);
        let mut page = Page::new(axes.bounds, Some([x, y, TILE[0], TILE[1]]));
        draw(&mut page, &shown, picture, axes);
        text += &page.finish();
    }
    text += "</svg>\n";
    text
}

/// The map of scores of an answer as the text of an SVG file.
pub fn svg_map(answer: &Answer, statistic: Statistic) -> String {
    let [rows, columns] = answer.axes();
    let size = [
        NAMES[0] + CELL[0] * columns.len() as f64 + 12.0,
        NAMES[1] + CELL[1] * rows.len() as f64 + 12.0,
    ];
    let mut text = opened(size);
    let mut write = |x: f64, y: f64, style: &str, words: &str| {
        let _ = writeln!(
            text,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" {style}>{}</text>",
            escaped(words)
        );
    };
    let question = &answer.question;
    let heading = format!(
        "{statistic} with 95 % intervals over encoders ({}, {})",
        question.measure, question.task
    );
    write(12.0, 24.0, "font-size=\"14\"", &heading);
    for (place, column) in columns.iter().enumerate() {
        let x = NAMES[0] + CELL[0] * (place as f64 + 0.5);
        write(x, NAMES[1] - 8.0, "text-anchor=\"middle\"", column);
    }
    for (place, row) in rows.iter().enumerate() {
        let y = NAMES[1] + CELL[1] * (place as f64 + 0.5) + 4.0;
        write(NAMES[0] - 8.0, y, "text-anchor=\"end\"", row);
    }
    for cell in &answer.cells {
        let at = |names: &[&str], name: &str| names.iter().position(|one| *one == name);
        let (Some(row), Some(column)) = (at(&rows, &cell.row), at(&columns, &cell.column)) else {
            continue;
        };
        let [x, y] = [
            NAMES[0] + CELL[0] * column as f64,
            NAMES[1] + CELL[1] * row as f64,
        ];
        text += &cell_svg(cell, statistic, [x, y]);
    }
    text += "</svg>\n";
    text
}

fn cell_svg(cell: &Cell, statistic: Statistic, [x, y]: [f64; 2]) -> String {
    let scores = cell.scores.as_ref().ok();
    let score = scores.map(|scores| scores.get(statistic));
    let value = score.and_then(|score| score.value);
    let fill = match value {
        Some(value) if statistic.bounds().is_some() => diverging(value),
        _ => "#eeeeee".to_owned(),
    };
    let n = cell.series.len();
    let interval = score.and_then(|score| score.interval);
    let below = match interval {
        Some(interval) => format!(
            "{} to {}, n = {n}",
            number_short(interval.low),
            number_short(interval.high)
        ),
        None => format!("n = {n}"),
    };
    let few = scores.is_none_or(|scores| scores.is_too_few);
    let above = value.map_or_else(|| "—".to_owned(), number_short);
    let above = if few {
        format!("{above} (too few)")
    } else {
        above
    };
    let ink = match value {
        Some(value) if statistic.bounds().is_some() && value.abs() > 0.65 => "white",
        _ => "#222",
    };
    let [width, height] = CELL;
    let middle = x + width / 2.0;
    format!(
        "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{fill}\"/>\n\
         <text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{ink}\" font-size=\"14\">{}</text>\n\
         <text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{ink}\" font-size=\"10\">{}</text>\n",
        width - 3.0,
        height - 3.0,
        y + 20.0,
        escaped(&above),
        y + 37.0,
        escaped(&below)
    )
}

/// Scores along a number as the text of an SVG file.
pub fn svg_trails(trails: &Trails, statistic: Statistic) -> String {
    let lines: Vec<(&str, Vec<[f64; 4]>)> = (trails.trails.iter())
        .map(|trail| {
            let places = trail.places.as_deref().unwrap_or_default().iter();
            let points = places.filter_map(|place| {
                let score = place.scores.get(statistic);
                let value = score.value?;
                let [low, high] =
                    (score.interval).map_or([value; 2], |interval| [interval.low, interval.high]);
                Some([place.at, value, low, high])
            });
            (trail.name.as_str(), points.collect())
        })
        .collect();
    let all = || lines.iter().flat_map(|(_, points)| points);
    let bounds = [
        widened(all().map(|point| point[0])),
        widened(all().flat_map(|point| [point[2], point[3]])),
    ];
    let mut page = Page::new(bounds, None);
    let column = trails.question.column.as_deref().unwrap_or_default();
    page.frame(column, statistic.name());
    for (place, (name, points)) in lines.iter().enumerate() {
        let colour = LINES[place % LINES.len()];
        for &[at, value, low, high] in points {
            let whisker = format!("stroke=\"{colour}\" stroke-opacity=\"0.5\"");
            page.line([at, low], [at, high], &whisker);
            page.point([at, value], colour, &format!("{name}, {column} {at}"));
        }
        for pair in points.windows(2) {
            let [from, to] = [pair[0], pair[1]].map(|point| [point[0], point[1]]);
            page.line(from, to, &format!("stroke=\"{colour}\" stroke-width=\"2\""));
        }
        if let Some(last) = points.last() {
            let style = format!("font-size=\"11\" fill=\"{colour}\"");
            page.text([last[0], last[1]], &format!(" {name}"), &style);
        }
    }
    page.heading(&format!("{statistic} along {column}, with 95 % intervals"));
    page.finish()
}

fn opened([width, height]: [f64; 2]) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{width:.0}\" height=\"{height:.0}\" fill=\"white\"/>\n"
    )
}

fn number_short(value: f64) -> String {
    number((value * 100.0).round() / 100.0)
}

/// A colour for a value in [−1, 1].
fn diverging(value: f64) -> String {
    let place = value.clamp(-1.0, 1.0) + 1.0;
    let below = (place.floor() as usize).min(DIVERGING.len() - 2);
    let mix = |channel: usize| {
        let (low, high) = (DIVERGING[below][channel], DIVERGING[below + 1][channel]);
        (low + (place - below as f64) * (high - low)).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", mix(0), mix(1), mix(2))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{
        super::{AlongQuestion, Facet, Question, answer::tests::planted},
        *,
    };
    use crate::{correlation::ScoreSettings, progress::Progress};

    const QUICK: ScoreSettings = ScoreSettings {
        draws: 40,
        permutations: 20,
        seed: 3,
    };

    fn answer() -> Answer {
        let question = Question {
            group: Some("data".to_owned()),
            ..Question::default()
        };
        Answer::new(Arc::new(planted()), &question, QUICK, &Progress::none()).unwrap()
    }

    #[test]
    fn tiles_of_one_measure_share_axes_and_hold_their_encoders() {
        let answer = answer();
        let axes = common_axes(&answer, Picture::Plane);
        // Rows are kinds of data, columns are tasks: above each other the axes are the same.
        assert_eq!(axes.of(&answer.cells[0]), axes.of(&answer.cells[2]));
        assert_ne!(
            axes.of(&answer.cells[0]).shade,
            axes.of(&answer.cells[1]).shade
        );
        for cell in &answer.cells {
            let [x, y] = axes.of(cell).bounds;
            for one in cell.series.encoders() {
                assert!((x[0]..=x[1]).contains(&one.alignment));
                assert!((y[0]..=y[1]).contains(&one.uniformity));
            }
        }
        let text = svg_grid(&answer, Picture::Plane);
        assert_eq!(text.matches("<circle").count(), 4 * 20);
        assert_eq!(text.matches("<svg").count(), 5);
        assert_eq!(text.matches("</svg>").count(), 5);
        assert_eq!(text.matches("<marker").count(), 1);
        assert!(text.contains("multi · knn") && !text.contains("NaN"));
    }

    #[test]
    fn the_map_holds_every_score_with_its_interval() {
        let answer = answer();
        let text = svg_map(&answer, Statistic::SumCorrelation);
        for cell in &answer.cells {
            let score = cell.scores.as_ref().unwrap();
            let score = score.get(Statistic::SumCorrelation);
            assert!(text.contains(&format!(">{}<", number_short(score.value.unwrap()))));
            let interval = score.interval.unwrap();
            assert!(text.contains(&format!("to {}, n = 20", number_short(interval.high))));
        }
        assert_eq!(text.matches("<rect").count(), 5);
        assert_eq!(
            (diverging(0.0), diverging(-2.0)),
            ("#f7f7f7".into(), "#2166ac".into())
        );
    }

    #[test]
    fn every_line_has_its_places() {
        let asked = AlongQuestion {
            by: Some(Facet::Column("data".to_owned())),
            ..AlongQuestion::default()
        };
        let question = Question::default();
        let trails = Trails::new(
            &planted(),
            &super::super::views(&planted()),
            &question,
            &asked,
            QUICK,
            &Progress::none(),
        );
        let text = svg_trails(&trails.unwrap().unwrap(), Statistic::MultipleR);
        // Two lines of four places.
        assert_eq!(text.matches("<circle").count(), 8);
        assert!(text.contains(" single") && text.contains("step") && !text.contains("NaN"));
    }
}
