//! The list of figures, each with its reference and its limits.

use serde::Serialize;

use super::{Prototypes, Spatial, Spectrum, UniformLaw};
use crate::{
    measure::{
        MeasureError, PairSet, Rows, Uniformity, counted, uniformity, uniformity_floor,
        uniformity_sampled,
    },
    progress::Progress,
};

/// Up to so many rows uniformity is summed over all pairs; of more, over sampled ones.
pub const EXACT_UNIFORMITY_ROWS: usize = 8192;
/// Pairs that are drawn then.
const SAMPLED_PAIRS: u64 = 1 << 18;

/// A collapse figure beside what it would be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CollapseFigure {
    /// Field term.
    pub name: &'static str,
    /// Symbol with its parameters.
    pub symbol: String,
    /// The value; `None` says that it is not defined here, and [`note`](Self::note) why.
    pub value: Option<f64>,
    /// Standard error of a sampled value.
    pub standard_error: Option<f64>,
    /// What uniform features give at this N and d.
    pub even: Option<f64>,
    /// What features that all coincide give.
    pub collapsed: Option<f64>,
    /// Formula.
    pub formula: &'static str,
    /// Over what, or why there is no value.
    pub note: String,
}

/// What the list is made from.
pub(super) struct Measured<'a> {
    pub spectrum: &'a Spectrum,
    pub std_sqrt_d: Option<f64>,
    pub uniformity: Option<Uniformity>,
    pub t: f64,
    pub tolerance: Option<f64>,
    pub has_labels: bool,
    pub spatial: Option<&'a Spatial>,
    pub prototypes: Option<&'a Prototypes>,
}

/// Uniformity over all pairs of few rows, over seeded pairs of many; `None` for one row.
pub(super) fn sampled_uniformity(
    x: Rows<'_>,
    t: f64,
    seed: u64,
    progress: &Progress,
) -> Result<Option<Uniformity>, MeasureError> {
    if x.len() < 2 {
        return Ok(None);
    }
    if x.len() <= EXACT_UNIFORMITY_ROWS {
        return uniformity(x, t, PairSet::All, progress).map(Some);
    }
    uniformity_sampled(x, t, PairSet::All, SAMPLED_PAIRS, seed, progress).map(Some)
}

fn plain(
    name: &'static str,
    symbol: impl Into<String>,
    value: f64,
    [even, collapsed]: [Option<f64>; 2],
    formula: &'static str,
) -> CollapseFigure {
    CollapseFigure {
        name,
        symbol: symbol.into(),
        value: value.is_finite().then_some(value),
        standard_error: None,
        even,
        collapsed,
        formula,
        note: if value.is_finite() {
            String::new()
        } else {
            "not defined for these vectors".into()
        },
    }
}

pub(super) fn figures(measured: &Measured<'_>) -> Vec<CollapseFigure> {
    let spectrum = measured.spectrum;
    let law = UniformLaw {
        samples: spectrum.n,
        dim: spectrum.dim,
    };
    let mut list = vec![
        plain(
            "mean cosine",
            "mean x·y (Rayleigh)",
            spectrum.mean_cosine(),
            [Some(0.0), Some(1.0)],
            "mean over pairs of distinct vectors: ‖mean‖² without its bias 1/N; effect size of \
             Rayleigh's test",
        ),
        plain(
            "mean",
            "‖mean‖",
            spectrum.mean_norm,
            [Some(law.mean_norm()), Some(1.0)],
            "Euclidean norm of the mean of ẑ",
        ),
        plain(
            "spread",
            "std·√d",
            measured.std_sqrt_d.unwrap_or(f64::NAN),
            [Some(1.0), Some(0.0)],
            "√d · mean over coordinates of the standard deviation (SimSiam)",
        ),
        uniformity_figure(measured),
    ];
    list.extend(spectral(spectrum, law));
    list.push(tolerance_figure(measured));
    list.extend(measured.spatial.into_iter().flat_map(spatial_figures));
    list.extend(
        measured
            .prototypes
            .into_iter()
            .flat_map(|found| prototype_figures(found, spectrum.dim)),
    );
    list
}

fn uniformity_figure(measured: &Measured<'_>) -> CollapseFigure {
    let dim = measured.spectrum.dim;
    let value = measured.uniformity.map_or(f64::NAN, |found| found.value);
    let mut figure = plain(
        "uniformity",
        format!("L_uniform(t={})", measured.t),
        value,
        [Some(uniformity_floor(dim, measured.t)), Some(0.0)],
        "log mean over pairs of exp(−t‖x − y‖²)",
    );
    if let Some(found) = measured.uniformity {
        figure.standard_error = found.standard_error;
        figure.note = match found.standard_error {
            Some(_) => format!("{} of {} pairs, seeded", found.pairs, found.population),
            None => format!("all {} pairs", found.pairs),
        };
    }
    figure
}

fn spectral(spectrum: &Spectrum, law: UniformLaw) -> Vec<CollapseFigure> {
    let d = spectrum.dim as f64;
    let most = spectrum.n.min(spectrum.dim);
    let mut rankme = plain(
        "RankMe",
        "RankMe",
        spectrum.rankme(),
        [Some(law.rankme()), Some(1.0)],
        "exp of the entropy of σ/Σσ + 1e-7 of uncentred Ẑ",
    );
    rankme.note = format!("at most min(N, d) = {most}");
    let ratio = law.participation_ratio();
    let mut alpha = plain(
        "α-ReQ",
        "α",
        f64::NAN,
        [None, None],
        "−slope of log λᵢ on log i; near 1 reads well, an even spectrum has 0",
    );
    match spectrum.alpha_req() {
        Some((value, [low, high])) => {
            alpha.value = Some(value);
            alpha.note = format!("fitted over ranks {low} to {high}: our choice of range");
        }
        None => alpha.note = "fewer than three ranks".into(),
    }
    vec![
        rankme,
        plain(
            "participation ratio",
            "PR",
            spectrum.participation_ratio(),
            [Some(ratio), None],
            "(Σλ)² / Σλ² of the covariance",
        ),
        plain(
            "W2 uniformity",
            "W2",
            spectrum.w2(),
            [Some(law.w2()), Some(std::f64::consts::SQRT_2)],
            "√(‖μ‖² + 1 + tr Σ − (2/√d) tr Σ^½); √(2 − 2√(k/d)) on k of d dimensions",
        ),
        plain(
            "IsoScore",
            "IsoScore",
            spectrum.isoscore(),
            [Some(((ratio - 1.0) / (d - 1.0)).max(0.0)), None],
            "(PR − 1) / (d − 1)",
        ),
        plain(
            "Bingham effect",
            "Bingham",
            spectrum.bingham_effect(),
            [Some(0.0), Some(1.0)],
            "(mean (x·y)² − 1/d) / (1 − 1/d) over pairs of distinct vectors; effect size of \
             Bingham's test",
        ),
        alpha,
    ]
}

fn tolerance_figure(measured: &Measured<'_>) -> CollapseFigure {
    let mut figure = plain(
        "tolerance",
        "tolerance",
        measured.tolerance.unwrap_or(f64::NAN),
        [Some(0.0), Some(1.0)],
        "mean cosine over pairs of distinct vectors of one class",
    );
    if measured.tolerance.is_none() {
        figure.note = if measured.has_labels {
            "no class has two vectors".into()
        } else {
            "the images have no class labels".into()
        };
    }
    figure
}

fn spatial_figures(found: &Spatial) -> Vec<CollapseFigure> {
    let over = |pairs: u64| {
        format!(
            "{} of locations of {}",
            counted(pairs, "pair"),
            counted(found.images as u64, "image")
        )
    };
    let mut figures = vec![
        plain(
            "within-image uniformity",
            format!("L_uniform(t={}) within", found.t),
            found.within_uniformity,
            [None, Some(0.0)],
            "log mean over pairs of locations of one image of exp(−t‖x − y‖²)",
        ),
        plain(
            "within-image cosine",
            "cos within",
            found.within_cosine,
            [Some(0.0), Some(1.0)],
            "mean cosine over pairs of locations of one image",
        ),
        plain(
            "between-image cosine",
            "cos between",
            found.between_cosine,
            [Some(0.0), Some(1.0)],
            "mean cosine over pairs of locations of different images",
        ),
    ];
    let pairs = [found.pairs, found.pairs, found.between_pairs];
    for (figure, pairs) in figures.iter_mut().zip(pairs) {
        figure.note = over(pairs);
    }
    figures
}

fn prototype_figures(found: &Prototypes, dim: usize) -> Vec<CollapseFigure> {
    let what = if found.are_separated {
        format!("{} separated prototypes", found.separated)
    } else {
        format!("{} clusters, none separated", found.clusters)
    };
    let over = format!(
        "{what} of {} of {} vectors, seed {}",
        found.rows, found.of, found.seed
    );
    let value = |value: Option<f64>| value.unwrap_or(f64::NAN);
    let mut figures = vec![
        plain(
            "within-prototype variance",
            "within / all",
            found.within_share,
            [None, Some(0.0)],
            "variance around the prototypes' means over variance around the mean",
        ),
        plain(
            "within-prototype distance",
            "‖x − y‖ within",
            value(found.within_distance),
            [None, Some(0.0)],
            "mean distance over pairs of one prototype",
        ),
        plain(
            "within-prototype uniformity",
            format!("L_uniform(t={}) within prototypes", found.t),
            value(found.within_uniformity),
            [None, Some(0.0)],
            "log mean over pairs of one prototype of exp(−t‖x − y‖²)",
        ),
        plain(
            "within-prototype rank",
            "RankMe within",
            found.within_rank,
            [None, None],
            "RankMe of the differences to the prototypes' means",
        ),
        plain(
            "between-prototype uniformity",
            format!("L_uniform(t={}) between prototypes", found.t),
            value(found.between_uniformity),
            [Some(uniformity_floor(dim, found.t)), Some(0.0)],
            "log mean over pairs of prototypes of exp(−t‖c − c'‖²)",
        ),
    ];
    for figure in &mut figures {
        figure.note.clone_from(&over);
    }
    figures
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{measure::collapse::spatial, progress::Progress};

    #[test]
    fn each_spatial_figure_says_the_pairs_that_it_is_over() {
        // Images of two, one and three locations.
        let rows = [1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0, 0.6, 0.8, 0.8, 0.6];
        let x = Rows::new(&rows, 2).unwrap();
        let found = spatial(x, &[4, 4, 5, 9, 9, 9], 2.0, &Progress::none());
        let found = found.unwrap().unwrap();
        // Of 15 pairs 1 + 0 + 3 are of one image.
        assert_eq!((found.pairs, found.between_pairs), (4, 11));
        let notes: Vec<String> = spatial_figures(&found)
            .into_iter()
            .map(|figure| figure.note)
            .collect();
        let [within, between] =
            ["4 pairs", "11 pairs"].map(|pairs| format!("{pairs} of locations of 3 images"));
        assert_eq!(notes, [within.clone(), within, between]);
        // By hand: the mean over the eleven products.
        let images = [4, 4, 5, 9, 9, 9];
        let mut sum = 0.0;
        for a in 0..6 {
            for b in 0..a {
                if images[a] != images[b] {
                    let product =
                        |j: usize| f64::from(rows[2 * a + j]) * f64::from(rows[2 * b + j]);
                    sum += product(0) + product(1);
                }
            }
        }
        // Rows given in f32.
        assert!((found.between_cosine - sum / 11.0).abs() < 1e-6);
    }
}
