//! Every score of a series, with its interval over encoders.

use serde::{Deserialize, Serialize};

use super::{
    CorrelationError, Series,
    moments::{leave_one_out_r2, varies},
    resample::{Sample, Values},
};
use crate::progress::Progress;

/// Below so many encoders the scores are flagged: their intervals say little.
pub const TOO_FEW: usize = 8;
/// Encoders without which no relation of three variables exists.
pub const LEAST: usize = 3;
/// |r| of alignment and uniformity from which on they are one variable.
pub(super) const COLLINEAR: f64 = 0.999;
/// Share of resamples in which a statistic may fail to exist (a constant variable, say) before
/// its interval is withheld.
const MOST_DEGENERATE: f64 = 0.05;

/// What is computed over a series, with A = L_align, U = L_uniform, P = performance and a, u, p
/// their z-scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Statistic {
    /// Multiple correlation of P on (A, U), the default single score. It is never below 0, and
    /// resampling pushes it up: its percentile interval practically never reaches 0, so whether
    /// there is any relation is told by the permutation p.
    MultipleR,
    /// ρ_sum: correlation of −(a + u) with p.
    SumCorrelation,
    /// D: correlation of p with −(distance to the ideal corner), A and U scaled to [0, 1].
    CornerCorrelation,
    /// Cosine between the fitted gradient (−β_a, −β_u) and (1, 1)/√2.
    GradientCosine,
    /// β_a: slope of p on a beside u.
    BetaAlignment,
    /// β_u: slope of p on u beside a.
    BetaUniformity,
    /// β_a in units of P per unit of A.
    SlopeAlignment,
    /// β_u in units of P per unit of U.
    SlopeUniformity,
    /// Pearson's r of A and P.
    PearsonAlignment,
    /// Pearson's r of U and P.
    PearsonUniformity,
    /// Pearson's r of A and P given U.
    PartialPearsonAlignment,
    /// Pearson's r of U and P given A.
    PartialPearsonUniformity,
    /// Spearman's ρ of A and P.
    SpearmanAlignment,
    /// Spearman's ρ of U and P.
    SpearmanUniformity,
    /// Spearman's ρ of A and P given U.
    PartialSpearmanAlignment,
    /// Spearman's ρ of U and P given A.
    PartialSpearmanUniformity,
    /// Kendall's τ-b of A and P.
    KendallAlignment,
    /// Kendall's τ-b of U and P.
    KendallUniformity,
    /// Kendall's partial τ of A and P given U.
    PartialKendallAlignment,
    /// Kendall's partial τ of U and P given A.
    PartialKendallUniformity,
}

impl Statistic {
    /// All, in the order of tables.
    pub const ALL: [Self; 20] = [
        Self::MultipleR,
        Self::SumCorrelation,
        Self::CornerCorrelation,
        Self::GradientCosine,
        Self::BetaAlignment,
        Self::BetaUniformity,
        Self::SlopeAlignment,
        Self::SlopeUniformity,
        Self::PearsonAlignment,
        Self::PearsonUniformity,
        Self::PartialPearsonAlignment,
        Self::PartialPearsonUniformity,
        Self::SpearmanAlignment,
        Self::SpearmanUniformity,
        Self::PartialSpearmanAlignment,
        Self::PartialSpearmanUniformity,
        Self::KendallAlignment,
        Self::KendallUniformity,
        Self::PartialKendallAlignment,
        Self::PartialKendallUniformity,
    ];

    /// Name in tables and menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::MultipleR => "multiple R",
            Self::SumCorrelation => "ρ_sum",
            Self::CornerCorrelation => "corner correlation D",
            Self::GradientCosine => "gradient cosine",
            Self::BetaAlignment => "β of A",
            Self::BetaUniformity => "β of U",
            Self::SlopeAlignment => "slope of P on A",
            Self::SlopeUniformity => "slope of P on U",
            Self::PearsonAlignment => "Pearson r, A",
            Self::PearsonUniformity => "Pearson r, U",
            Self::PartialPearsonAlignment => "partial r, A given U",
            Self::PartialPearsonUniformity => "partial r, U given A",
            Self::SpearmanAlignment => "Spearman ρ, A",
            Self::SpearmanUniformity => "Spearman ρ, U",
            Self::PartialSpearmanAlignment => "partial ρ, A given U",
            Self::PartialSpearmanUniformity => "partial ρ, U given A",
            Self::KendallAlignment => "Kendall τ-b, A",
            Self::KendallUniformity => "Kendall τ-b, U",
            Self::PartialKendallAlignment => "partial τ, A given U",
            Self::PartialKendallUniformity => "partial τ, U given A",
        }
    }

    /// What it is, as one line.
    pub fn formula(self) -> &'static str {
        match self {
            Self::MultipleR => "R of the least-squares fit p = β_a a + β_u u, z-scored",
            Self::SumCorrelation => "Pearson r of −(a + u) with p, z-scored",
            Self::CornerCorrelation => {
                "Pearson r of p with −√(A'² + U'²), A' and U' scaled to [0, 1] over the series"
            }
            Self::GradientCosine => "cosine between (−β_a, −β_u) and (1, 1)/√2",
            Self::BetaAlignment => "slope of z-scored P on z-scored A beside U",
            Self::BetaUniformity => "slope of z-scored P on z-scored U beside A",
            Self::SlopeAlignment => "β_a · sd(P) / sd(A)",
            Self::SlopeUniformity => "β_u · sd(P) / sd(U)",
            Self::PearsonAlignment | Self::PearsonUniformity => "linear correlation with P",
            Self::SpearmanAlignment | Self::SpearmanUniformity => "correlation of ranks with P",
            Self::KendallAlignment | Self::KendallUniformity => {
                "(concordant − discordant pairs) / √(pairs untied in one · in the other)"
            }
            Self::PartialPearsonAlignment
            | Self::PartialPearsonUniformity
            | Self::PartialSpearmanAlignment
            | Self::PartialSpearmanUniformity
            | Self::PartialKendallAlignment
            | Self::PartialKendallUniformity => {
                "(r_xp − r_xy r_yp) / √((1 − r_xy²)(1 − r_yp²)), the other variable held"
            }
        }
    }

    /// Range that the statistic may take; slopes in their own units have none.
    pub fn bounds(self) -> Option<[f64; 2]> {
        match self {
            Self::MultipleR => Some([0.0, 1.0]),
            Self::BetaAlignment
            | Self::BetaUniformity
            | Self::SlopeAlignment
            | Self::SlopeUniformity => None,
            _ => Some([-1.0, 1.0]),
        }
    }

    /// Whether dealing the performances out anew is what "no relation" means for it. It is not
    /// for what holds the other variable.
    fn has_permutation_p(self) -> bool {
        matches!(
            self,
            Self::MultipleR
                | Self::SumCorrelation
                | Self::CornerCorrelation
                | Self::PearsonAlignment
                | Self::PearsonUniformity
                | Self::SpearmanAlignment
                | Self::SpearmanUniformity
                | Self::KendallAlignment
                | Self::KendallUniformity
        )
    }
}

impl std::fmt::Display for Statistic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How much work goes into intervals and p values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreSettings {
    /// Bootstrap draws over encoders; none gives no intervals.
    pub draws: usize,
    /// Permutations of P; none gives no p values.
    pub permutations: usize,
    /// Seed of both.
    pub seed: u64,
}

impl Default for ScoreSettings {
    fn default() -> Self {
        Self {
            draws: 2000,
            permutations: 1000,
            seed: 7,
        }
    }
}

/// A 95 % percentile interval of the bootstrap over encoders.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// 2.5 % of the draws lie below.
    pub low: f64,
    /// 2.5 % of the draws lie above.
    pub high: f64,
}

impl Interval {
    /// Whether zero lies in it.
    pub fn holds_zero(self) -> bool {
        self.low <= 0.0 && self.high >= 0.0
    }

    /// Whether it shares a value with `other`.
    pub fn meets(self, other: Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// One score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Which.
    pub statistic: Statistic,
    /// Its value; absent when it does not exist for this series.
    pub value: Option<f64>,
    /// Why there is no value.
    pub why_absent: Option<String>,
    /// Over encoders; absent when too many draws were degenerate.
    pub interval: Option<Interval>,
    /// Two-sided p value of "P has nothing to do with A and U", by permutation.
    pub p: Option<f64>,
}

/// All scores of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Encoders that they rest on.
    pub n: usize,
    /// Encoders left out for want of a finite number.
    pub left_out: usize,
    /// Whether there are fewer than [`TOO_FEW`].
    pub is_too_few: bool,
    /// Pearson's r of A and U: the farther from 0, the less their parts can be told apart.
    #[serde(default)]
    pub between: Option<f64>,
    /// What stands in the way of a reading: a constant variable, collinear predictors.
    pub warnings: Vec<String>,
    /// One for each [`Statistic`].
    pub scores: Vec<Score>,
    /// R² with the price of two predictors: 1 − (1 − R²)(n − 1)/(n − 3).
    pub adjusted_r2: Option<f64>,
    /// R² of predictions of each encoder from the others: 1 − PRESS/Σ(p − p̄)².
    pub leave_one_out_r2: Option<f64>,
    /// How intervals and p values were made.
    pub settings: ScoreSettings,
}

impl Scores {
    /// One of them.
    pub fn get(&self, statistic: Statistic) -> &Score {
        // Made in the order of `ALL`, which is that of the variants.
        &self.scores[statistic as usize]
    }
}

/// Scores a series.
///
/// # Errors
/// [`CorrelationError::TooFew`] below three encoders, and a cancel. A score that does not exist
/// for these encoders is no error: it says why.
pub fn score(
    series: &Series,
    settings: ScoreSettings,
    progress: &Progress,
) -> Result<Scores, CorrelationError> {
    let n = series.len();
    if n < LEAST {
        return Err(CorrelationError::TooFew { n });
    }
    let sample = Sample::new(series.columns());
    let values = sample.values();
    let drawn = sample.bootstrap(settings.draws, settings.seed, progress)?;
    let dealt = sample.permute(settings.permutations, settings.seed, progress)?;
    let warnings = warnings(&sample);
    let why = || {
        let known = warnings.join("; ");
        if known.is_empty() {
            "the variable that is held explains the other entirely".to_owned()
        } else {
            known
        }
    };
    let scores = Statistic::ALL
        .iter()
        .enumerate()
        .map(|(which, &statistic)| {
            let value = Some(values[which]).filter(|value| value.is_finite());
            Score {
                statistic,
                value,
                why_absent: value.is_none().then(why),
                interval: value.and_then(|_| interval(&drawn, which)),
                p: value
                    .filter(|_| statistic.has_permutation_p() && !dealt.is_empty())
                    .map(|value| p_value(value, &dealt, which)),
            }
        })
        .collect();
    let r2 = values[Statistic::MultipleR as usize].powi(2);
    let adjusted = 1.0 - (1.0 - r2) * (n as f64 - 1.0) / (n as f64 - 3.0);
    let loo = leave_one_out_r2(&sample.a, &sample.u, &sample.p);
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    Ok(Scores {
        n,
        left_out: series.left_out(),
        is_too_few: n < TOO_FEW,
        between: finite(between(&sample)),
        warnings,
        scores,
        adjusted_r2: finite(adjusted).filter(|_| n > 3),
        leave_one_out_r2: finite(loo),
        settings,
    })
}

fn between(sample: &Sample) -> f64 {
    super::moments::pearson(&sample.a, &sample.u, &vec![1; sample.len()])
}

/// What stands in the way of a reading.
fn warnings(sample: &Sample) -> Vec<String> {
    let mut warnings = Vec::new();
    for (values, name) in [
        (&sample.a, "alignment"),
        (&sample.u, "uniformity"),
        (&sample.p, "performance"),
    ] {
        if values.iter().all(|value| *value == values[0]) {
            warnings.push(format!("{name} is the same for all encoders"));
        } else if !varies(values) {
            warnings.push(format!(
                "{name} varies too little beside its size, or is too large, for numbers of double \
                 precision"
            ));
        }
    }
    if between(sample).abs() > COLLINEAR {
        warnings.push(
            "alignment and uniformity move together in this series: their parts cannot be told \
             apart"
                .to_owned(),
        );
    }
    warnings
}

fn interval(drawn: &[Values], which: usize) -> Option<Interval> {
    let mut values: Vec<f64> = drawn
        .iter()
        .map(|values| values[which])
        .filter(|value| value.is_finite())
        .collect();
    let degenerate = drawn.len() - values.len();
    if values.is_empty() || degenerate as f64 > MOST_DEGENERATE * drawn.len() as f64 {
        return None;
    }
    values.sort_by(f64::total_cmp);
    Some(Interval {
        low: quantile(&values, 0.025),
        high: quantile(&values, 0.975),
    })
}

/// The quantile between sorted values, linear between neighbours (NumPy's default).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

/// Share of permutations at least as far from zero, the series itself among them.
fn p_value(value: f64, dealt: &[Values], which: usize) -> f64 {
    // Ties with the observed value differ from it by rounding only.
    let bar = value.abs() - 1e-12;
    let beyond = dealt
        .iter()
        .filter(|values| values[which].abs() >= bar)
        .count();
    (beyond + 1) as f64 / (dealt.len() + 1) as f64
}
