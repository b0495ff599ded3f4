//! What the intervals allow to say, in words.

use super::{Interval, Score, Scores, Statistic};

/// What the sentences are about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// What performance is ("mIoU").
    pub performance: String,
    /// Whose alignment and uniformity, with a space after ("Pooled "); may be empty.
    pub vectors: String,
    /// Which encoders, with a space before (" among data = multi-object"); may be empty.
    pub among: String,
}

impl Default for About {
    fn default() -> Self {
        Self {
            performance: "performance".to_owned(),
            vectors: String::new(),
            among: String::new(),
        }
    }
}

/// Findings as sentences, the strongest first, each hedged by its interval and n.
pub fn findings(scores: &Scores) -> Vec<String> {
    findings_about(scores, &About::default())
}

/// [`findings`], with the performance and the encoders named.
pub fn findings_about(scores: &Scores, about: &About) -> Vec<String> {
    let mut said = Vec::new();
    if scores.is_too_few {
        said.push(too_few(scores));
    }
    said.extend(scores.warnings.iter().map(|warning| sentence(warning)));
    if scores.is_too_few {
        // Of fewer, two numbers explain almost any third: nothing more is said of them.
        return said;
    }
    said.extend(together(scores, about));
    said.extend(comparison(scores, about));
    said.extend(entangled(scores));
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
        said.extend(single(scores, scores.get(statistic), name, about));
    }
    said
}

fn sentence(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + characters.as_str() + "."
    })
}

fn too_few(scores: &Scores) -> String {
    let n = scores.n;
    let value = scores.get(Statistic::MultipleR).value;
    let value = value.map_or_else(String::new, |value| {
        format!(
            " Multiple R is {}, but of so few that says little",
            signed(value)
        )
    });
    let by_chance = match (value.is_empty(), n) {
        (true, _) => String::new(),
        (false, 3) => {
            format!("{value}: three points always lie on a plane, so that it is 1 in any case.")
        }
        // R² of two predictors that have nothing to do with P is (n − 1)⁻¹ · 2 on average.
        (false, _) => format!(
            "{value}: by chance alone R² is {:.2} on average.",
            2.0 / (n as f64 - 1.0)
        ),
    };
    format!(
        "Too few encoders (n = {n}) for a reading: {} or more are needed.{by_chance}",
        super::TOO_FEW
    )
}

/// Permutation p above which a relation is not shown.
const OPEN_P: f64 = 0.05;
/// Whether the two together are shown to go with performance. Only then is one of them looked at by
/// itself: tested one after the other whatever the whole says, their intervals would leave out 0 by
/// chance more often than one time in twenty.
fn is_shown(scores: &Scores) -> bool {
    let p = scores.get(Statistic::MultipleR).p;
    p.is_none_or(|p| p <= OPEN_P)
}

/// |r| of alignment and uniformity from which on it is told: half of what either says, the other
/// says too.
const TOGETHER: f64 = 0.7;

fn together(scores: &Scores, about: &About) -> Option<String> {
    let score = scores.get(Statistic::MultipleR);
    let value = score.value?;
    let open = score.p.filter(|p| *p > OPEN_P);
    let mut text = open.map_or_else(
        || explained(scores, score, value, about),
        |p| unshown(scores, score, [value, p], about),
    );
    let note = left_one_out_note(scores);
    if !note.is_empty() {
        text += &format!(" Leaving one out at a time: {note}.");
    }
    Some(text)
}

fn subject(about: &About) -> String {
    if about.vectors.is_empty() {
        "Alignment and uniformity".to_owned()
    } else {
        format!("{}alignment and uniformity", about.vectors)
    }
}

/// How much of performance the two explain, where chance does not give as much.
fn explained(scores: &Scores, score: &Score, value: f64, about: &About) -> String {
    let p = score
        .p
        .map_or_else(String::new, |p| format!(", p = {p:.3}"));
    let is_told = left_one_out_note(scores).is_empty();
    let loo = scores.leave_one_out_r2.filter(|_| is_told);
    let loo = loo.map_or_else(String::new, |loo| {
        format!("; leave-one-out R² {}", signed(loo))
    });
    format!(
        "{} together explain {:.0} % of the variance of {}{} (multiple R {}{}, n = {}{p}{loo}).",
        subject(about),
        100.0 * value * value,
        about.performance,
        about.among,
        signed(value),
        interval_words(score.interval),
        scores.n
    )
}

/// That chance gives as much.
fn unshown(scores: &Scores, score: &Score, [value, p]: [f64; 2], about: &About) -> String {
    let interval = score.interval.map_or_else(String::new, |interval| {
        format!(
            " R is never below 0: its 95 % interval, {} to {}, tells how large it may be, not \
             whether it is there.",
            signed(interval.low),
            signed(interval.high)
        )
    });
    format!(
        "{} are not shown to go with {}{}: multiple R is {} ({:.0} % of the variance, n = {}), and \
         chance alone gives as much in {:.0} % of cases (p = {p:.2} by permutation).{interval}",
        subject(about),
        about.performance,
        about.among,
        signed(value),
        100.0 * value * value,
        scores.n,
        100.0 * p
    )
}

/// That the two move together, where that keeps their parts from being told apart.
fn entangled(scores: &Scores) -> Option<String> {
    let r = scores.between?;
    (TOGETHER..super::scores::COLLINEAR)
        .contains(&r.abs())
        .then(|| {
            format!(
                "Alignment and uniformity move together in this series (r = {}), so that what each \
             says by itself is hard to tell.",
                signed(r)
            )
        })
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
fn comparison(scores: &Scores, about: &About) -> Option<String> {
    let [a, u] = [Statistic::BetaAlignment, Statistic::BetaUniformity].map(|s| scores.get(s));
    let [value_a, value_u] = [a.value?, u.value?];
    let [wide_a, wide_u] = [a.interval?, u.interval?];
    let (more, less, strong, weak) = if value_a.abs() >= value_u.abs() {
        (
            "Alignment",
            "uniformity",
            (value_a, wide_a),
            (value_u, wide_u),
        )
    } else {
        (
            "Uniformity",
            "alignment",
            (value_u, wide_u),
            (value_a, wide_a),
        )
    };
    let (what, among, n) = (&about.performance, &about.among, scores.n);
    let slopes = format!(
        "standardised slopes {}{} for {}, {}{} for {less}, n = {n}",
        signed(strong.0),
        interval_words(Some(strong.1)),
        more.to_lowercase(),
        signed(weak.0),
        interval_words(Some(weak.1)),
    );
    let is_open = !is_shown(scores) || strength(wide_a).meets(strength(wide_u));
    Some(if is_open {
        format!("Which of the two explains more of {what}{among} is open ({slopes}).")
    } else {
        format!("{more} explains more of {what} than {less}{among} ({slopes}).")
    })
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

fn single(
    scores: &Scores,
    score: &Score,
    [name, held]: [&str; 2],
    about: &About,
) -> Option<String> {
    let value = score.value?;
    let interval = score.interval?;
    let alone = if interval.holds_zero() || is_shown(scores) {
        ""
    } else {
        "; an interval without 0 says little where the two together are not shown to matter"
    };
    let numbers = format!(
        "partial r {}{}, n = {}{alone}",
        signed(value),
        interval_words(Some(interval)),
        scores.n
    );
    let (what, among) = (&about.performance, &about.among);
    Some(if interval.holds_zero() || !is_shown(scores) {
        format!("Whether {name} matters for {what} once {held} is held is open{among} ({numbers}).")
    } else {
        // The loss is named, since "lower alignment" could be taken for worse alignment.
        let lower = match name {
            "alignment" => "a lower L_align (better aligned)",
            _ => "a lower L_uniform (more uniform)",
        };
        let verdict = if value < 0.0 { "better" } else { "worse" };
        format!("With {held} held, {lower} goes with {verdict} {what}{among} ({numbers}).")
    })
}

fn interval_words(interval: Option<Interval>) -> String {
    interval.map_or_else(
        || ", no interval".to_owned(),
        |interval| {
            format!(
                ", 95 % interval {} to {}",
                signed(interval.low),
                signed(interval.high)
            )
        },
    )
}

/// Two decimals with a minus as wide as a digit.
fn signed(value: f64) -> String {
    format!("{value:.2}").replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::super::{Encoder, ScoreSettings, Series, score};
    use super::*;
    use crate::progress::Progress;

    fn scores(n: u32) -> Scores {
        let series = Series::new((0..n).map(|i| {
            let place = f64::from(i);
            let (a, u) = ((1.3 * place).sin(), (0.7 * place).cos());
            Encoder {
                row: i as usize + 1,
                name: String::new(),
                alignment: a,
                uniformity: u,
                performance: -0.1 * a - 2.0 * u + 0.05 * (5.0 * place).sin(),
                about: std::collections::BTreeMap::new(),
            }
        }));
        let settings = ScoreSettings {
            draws: 400,
            permutations: 100,
            seed: 1,
        };
        score(&series, settings, &Progress::none()).unwrap()
    }

    fn about() -> About {
        About {
            performance: "mIoU".to_owned(),
            vectors: "Dense ".to_owned(),
            among: " among data = multi-object".to_owned(),
        }
    }

    #[test]
    fn a_sentence_names_performance_encoders_interval_and_n() {
        let said = findings_about(&scores(24), &about());
        assert!(said[0].starts_with(
            "Dense alignment and uniformity together explain 100 % of the variance of mIoU among \
             data = multi-object (multiple R 1.00, 95 % interval"
        ));
        let start = "Uniformity explains more of mIoU than alignment among data = multi-object (standardised \
             slopes −";
        assert!(said[1].starts_with(start), "{}", said[1]);
        assert!(said[1].contains("95 % interval") && said[1].ends_with("n = 24)."));
        let start = "With alignment held, a lower L_uniform (more uniform) goes with better mIoU";
        assert!(said[3].starts_with(start), "{}", said[3]);
    }

    #[test]
    fn what_chance_gives_is_not_called_explained() {
        let mut open = scores(24);
        for score in &mut open.scores {
            score.p = score.p.map(|_| 0.31);
        }
        let said = findings_about(&open, &about());
        let start = "Dense alignment and uniformity are not shown to go with mIoU among data = \
                     multi-object: multiple R is 1.00 (100 % of the variance, n = 24), and chance \
                     alone gives as much in 31 % of cases (p = 0.31 by permutation). R is never";
        assert!(said[0].starts_with(start), "{}", said[0]);
        assert!(!said[0].contains("explain"));
        // Nor is one of the two said to matter, though its interval leaves out 0.
        let uniformity = open.get(Statistic::PartialPearsonUniformity);
        assert!(!uniformity.interval.unwrap().holds_zero());
        assert!(
            said[1].starts_with("Which of the two explains more of mIoU"),
            "{}",
            said[1]
        );
        let start = "Whether uniformity matters for mIoU once alignment is held is open";
        let last = said.last().unwrap();
        assert!(
            last.starts_with(start) && last.contains("without 0 says little"),
            "{last}"
        );
        // Entangled predictors are told, one variable is a warning of its own.
        open.between = Some(-0.81);
        let said = findings_about(&open, &about());
        assert!(
            said[2].contains("move together in this series (r = −0.81)"),
            "{said:?}"
        );
        open.between = Some(0.2);
        assert!(findings_about(&open, &about()).len() < said.len());
    }

    #[test]
    fn of_four_encoders_only_their_number_is_told() {
        let said = findings_about(&scores(4), &about());
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].starts_with("Too few encoders (n = 4) for a reading: 8 or more"));
        assert!(said[0].ends_with("by chance alone R² is 0.67 on average."));
        let three = findings(&scores(3));
        assert!(
            three[0].contains("three points always lie on a plane"),
            "{three:?}"
        );
        assert!(findings(&scores(8)).len() > 2);
    }
}
