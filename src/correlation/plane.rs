//! The fitted plane of performance over alignment and uniformity.

use serde::{Deserialize, Serialize};

use super::{Scores, Series, Statistic};

/// P ≈ intercept + slope_a · A + slope_u · U, by least squares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaneFit {
    /// P where A and U are 0.
    pub intercept: f64,
    /// Units of P per unit of A.
    pub alignment: f64,
    /// Units of P per unit of U.
    pub uniformity: f64,
    /// Mean A and U: the plane passes mean P there.
    pub centre: [f64; 2],
    /// A step of one standard deviation uphill: along (β_a, β_u), scaled back to A and U.
    pub uphill: [f64; 2],
    /// Least and greatest P of the series.
    pub range: [f64; 2],
}

impl PlaneFit {
    /// The plane of a series with its scores; `None` where the slopes do not exist or are nothing.
    pub fn new(series: &Series, scores: &Scores) -> Option<Self> {
        let value = |statistic: Statistic| scores.get(statistic).value;
        let slopes = [Statistic::SlopeAlignment, Statistic::SlopeUniformity];
        let betas = [Statistic::BetaAlignment, Statistic::BetaUniformity];
        let [alignment, uniformity] = [value(slopes[0])?, value(slopes[1])?];
        let [beta_a, beta_u] = [value(betas[0])?, value(betas[1])?];
        let [a, u, p] = series.columns();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let deviation = |values: &[f64]| {
            let middle = mean(values);
            let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
            (squares / values.len() as f64).sqrt()
        };
        let length = beta_a.hypot(beta_u);
        if length <= 0.0 || !length.is_finite() {
            return None;
        }
        let ends = |from: f64, by: fn(f64, f64) -> f64| p.iter().copied().fold(from, by);
        let centre = [mean(&a), mean(&u)];
        Some(Self {
            intercept: mean(&p) - alignment * centre[0] - uniformity * centre[1],
            alignment,
            uniformity,
            centre,
            uphill: [
                beta_a / length * deviation(&a),
                beta_u / length * deviation(&u),
            ],
            range: [
                ends(f64::INFINITY, f64::min),
                ends(f64::NEG_INFINITY, f64::max),
            ],
        })
    }

    /// What the plane predicts.
    pub fn at(&self, alignment: f64, uniformity: f64) -> f64 {
        self.intercept + self.alignment * alignment + self.uniformity * uniformity
    }

    /// The part of the line of equal performance `level` within bounds `[[least A, greatest A],
    /// [least U, greatest U]]`, as two points (A, U).
    pub fn iso_line(&self, level: f64, bounds: [[f64; 2]; 2]) -> Option<[[f64; 2]; 2]> {
        let [a_ends, u_ends] = bounds;
        let rest = level - self.intercept;
        let mut points: Vec<[f64; 2]> = Vec::new();
        for a in a_ends {
            let u = (rest - self.alignment * a) / self.uniformity;
            if (u_ends[0]..=u_ends[1]).contains(&u) {
                points.push([a, u]);
            }
        }
        for u in u_ends {
            let a = (rest - self.uniformity * u) / self.alignment;
            if (a_ends[0]..=a_ends[1]).contains(&a) {
                points.push([a, u]);
            }
        }
        let first = *points.first()?;
        let last = points.into_iter().rev().find(|point| *point != first)?;
        Some([first, last])
    }

    /// Even levels of performance across the series' range, at most `most`.
    pub fn levels(&self, most: usize) -> Vec<f64> {
        crate::geometry::round_levels(self.range, most)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Encoder, ScoreSettings, score};
    use super::*;
    use crate::progress::Progress;

    fn planted(of: impl Fn(f64, f64) -> f64) -> Series {
        Series::new((0..20).map(|i| {
            let (a, u) = (
                (1.3 * f64::from(i)).sin(),
                -2.0 + (0.7 * f64::from(i)).cos(),
            );
            Encoder {
                row: i as usize + 1,
                name: String::new(),
                alignment: a,
                uniformity: u,
                performance: of(a, u),
                about: std::collections::BTreeMap::new(),
            }
        }))
    }

    fn fit(series: &Series) -> Option<PlaneFit> {
        let settings = ScoreSettings {
            draws: 0,
            permutations: 0,
            seed: 0,
        };
        PlaneFit::new(series, &score(series, settings, &Progress::none()).unwrap())
    }

    #[test]
    fn a_planted_plane_is_found() {
        let fit = fit(&planted(|a, u| 0.3 - 0.2 * a - 0.1 * u)).unwrap();
        for (found, planted) in [
            (fit.intercept, 0.3),
            (fit.alignment, -0.2),
            (fit.uniformity, -0.1),
        ] {
            assert!((found - planted).abs() < 1e-12, "{fit:?}");
        }
        assert!((fit.at(1.0, -1.0) - 0.2).abs() < 1e-12);
        // Uphill is where both fall.
        assert!(fit.uphill[0] < 0.0 && fit.uphill[1] < 0.0);
        let [from, to] = fit.iso_line(0.45, [[-1.0, 1.0], [-3.0, -1.0]]).unwrap();
        for [a, u] in [from, to] {
            assert!((fit.at(a, u) - 0.45).abs() < 1e-12);
        }
        assert!(from != to);
        assert_eq!(fit.iso_line(9.0, [[-1.0, 1.0], [-3.0, -1.0]]), None);
        let levels = fit.levels(6);
        assert!((3..=6).contains(&levels.len()), "{levels:?}");
        assert!(
            levels
                .iter()
                .all(|level| (fit.range[0]..=fit.range[1]).contains(level))
        );
    }

    #[test]
    fn constant_performance_has_no_plane() {
        assert_eq!(fit(&planted(|_, _| 0.5)), None);
    }
}
