//! What the intervals allow to say, in words.

use super::{Interval, Score, Scores, Statistic};

/// Findings as sentences, the strongest first, each hedged by its interval and n.
pub fn findings(scores: &Scores) -> Vec<String> {
    let mut said = Vec::new();
    if scores.is_too_few {
        said.push(format!(
            "Too few encoders (n = {}) for a reading: the intervals are wide or absent.",
            scores.n
        ));
    }
    said.extend(scores.warnings.iter().map(|warning| sentence(warning)));
    said.extend(together(scores));
    said.extend(comparison(scores));
    for (statistic, name) in [
        (
            Statistic::PartialPearsonAlignment,
            ["alignment", "uniformity"],
        ),
        (
            Statistic::PartialPearsonUniformity,
            ["uniformity", "alignment"],
        ),
    ] {
        said.extend(single(scores.get(statistic), name, scores.n));
    }
    said
}

fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + characters.as_str() + "."
    })
}

fn together(scores: &Scores) -> Option<String> {
    let score = scores.get(Statistic::MultipleR);
    let value = score.value?;
    let r2 = value * value;
    let mut text = format!(
        "Alignment and uniformity together explain {:.0} % of the variance of performance \
         (multiple R {value:.2}{}, n = {}",
        100.0 * r2,
        interval_words(score.interval),
        scores.n
    );
    let note = left_one_out_note(scores);
    if let Some(loo) = scores.leave_one_out_r2.filter(|_| note.is_empty()) {
        text += &format!("; {:.0} % with one left out at a time", 100.0 * loo);
    }
    text += ").";
    if !note.is_empty() {
        text += &format!(" Leaving one out at a time: {note}.");
    }
    let is_chance = score.p.is_some_and(|p| p > 0.05);
    if is_chance {
        text += &format!(
            " That is within what chance gives: p = {:.2} by permutation.",
            score.p.unwrap_or_default()
        );
    }
    Some(text)
}

/// Encoders from which on leaving one out says something: without one of four, three are left, and
/// three parameters go through any three.
const LEAST_LEFT_OUT: usize = 5;

/// What has to be said beside R² with one encoder left out at a time, if anything.
pub fn left_one_out_note(scores: &Scores) -> &'static str {
    if scores.n < LEAST_LEFT_OUT {
        return "says nothing below 5 encoders, where the fit to the others is always exact";
    }
    match scores.leave_one_out_r2 {
        Some(loo) if loo < 0.0 => "the fit to the others predicts worse than their mean does",
        _ => "",
    }
}

/// Which of the two explains more, if the intervals can say so.
fn comparison(scores: &Scores) -> Option<String> {
    let [a, u] = [Statistic::BetaAlignment, Statistic::BetaUniformity].map(|s| scores.get(s));
    let [value_a, value_u] = [a.value?, u.value?];
    let [interval_a, interval_u] = [strength(a.interval?), strength(u.interval?)];
    let (more, less, strong, weak) = if value_a.abs() >= value_u.abs() {
        ("Alignment", "uniformity", value_a, value_u)
    } else {
        ("Uniformity", "alignment", value_u, value_a)
    };
    let verb = if interval_a.meets(interval_u) {
        "may explain more than"
    } else {
        "explains more than"
    };
    Some(format!(
        "{more} {verb} {less} (standardised slopes {strong:+.2} and {weak:+.2}, n = {}).",
        scores.n
    ))
}

/// The interval of a slope's size.
fn strength(interval: Interval) -> Interval {
    let [low, high] = [interval.low.abs(), interval.high.abs()];
    Interval {
        low: if interval.holds_zero() {
            0.0
        } else {
            low.min(high)
        },
        high: low.max(high),
    }
}

fn single(score: &Score, [name, held]: [&str; 2], n: usize) -> Option<String> {
    let value = score.value?;
    let interval = score.interval?;
    let words = interval_words(Some(interval));
    Some(if interval.holds_zero() {
        format!(
            "Whether {name} matters once {held} is held is open (partial r {value:+.2}{words}, \
             n = {n})."
        )
    } else if value < 0.0 {
        format!(
            "With {held} held, lower {name} goes with better performance (partial r \
             {value:+.2}{words}, n = {n})."
        )
    } else {
        format!(
            "With {held} held, lower {name} goes with worse performance (partial r \
             {value:+.2}{words}, n = {n})."
        )
    })
}

fn interval_words(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || ", no interval".to_owned(),
        |interval| {
            format!(
                ", 95 % interval {:.2} to {:.2}",
                interval.low, interval.high
            )
        },
    )
}
