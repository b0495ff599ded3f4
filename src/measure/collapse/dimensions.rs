//! Three ways to see that directions are lost: empty ones, ones that hold next to nothing, and, for
//! few rows, a spectrum too short for its dimensions.

use super::{
    evidence::Evidence,
    spectrum::Spectrum,
    thresholds::{THRESHOLDS, Thresholds},
    uniform_law::{UniformLaw, marchenko_pastur},
};

/// Directions in use, when too few are. `draws` rows are independent; `has_mean` says that the mean is
/// far from 0.
pub(super) fn lost_dimensions(
    spectrum: &Spectrum,
    draws: usize,
    has_mean: bool,
    evidence: &mut Vec<Evidence>,
) -> Option<usize> {
    emptied(spectrum, has_mean, evidence)
        .or_else(|| concentrated(spectrum, draws, evidence))
        .or_else(|| short_tail(spectrum, evidence))
}

/// Directions that are not empty.
fn emptied(spectrum: &Spectrum, has_mean: bool, evidence: &mut Vec<Evidence>) -> Option<usize> {
    let law = UniformLaw {
        samples: spectrum.n,
        dim: spectrum.dim,
    };
    let even = law.eigenvalues();
    // A mean that is far from 0 takes its own direction: on the sphere rows hardly vary along it.
    let own = usize::from(has_mean && spectrum.dim <= spectrum.n);
    let visible = even.len().saturating_sub(own);
    if visible == 0 {
        return None;
    }
    let total: f64 = even.iter().sum();
    let scale = spectrum.variance() / total.max(f64::MIN_POSITIVE);
    let level = THRESHOLDS.empty_level;
    let filled = spectrum
        .covariance
        .iter()
        .zip(&even)
        .filter(|(value, even)| **value >= level * scale * **even)
        .count();
    let threshold = THRESHOLDS.filled_share;
    let found = Evidence::at_most(
        [
            "dimensional",
            "directions that are not empty",
            "filled / visible",
        ],
        (filled as f64 / visible as f64).min(1.0),
        threshold,
        format!(
            "dimensional when {threshold} or less of the {visible} visible directions hold at least \
             {level} of what uniform features would have in them"
        ),
    );
    let is_met = found.is_met;
    evidence.push(found);
    is_met.then_some(filled.max(1))
}

/// Directions that hold nearly all of the variance, when they are few: the others are not empty, but
/// next to nothing.
fn concentrated(spectrum: &Spectrum, draws: usize, evidence: &mut Vec<Evidence>) -> Option<usize> {
    let law = |samples| UniformLaw {
        samples,
        dim: spectrum.dim,
    };
    let even = law(spectrum.n).eigenvalues();
    let even_ratio = law(draws).participation_ratio();
    if even.is_empty() || even_ratio <= 0.0 {
        return None;
    }
    let Thresholds {
        participation_share,
        energy_share,
        energy,
        ..
    } = THRESHOLDS;
    let ratio = spectrum.participation_ratio();
    let directions = directions_of(&spectrum.covariance, energy);
    let variance = Evidence::at_most(
        [
            "dimensional",
            "participation ratio over that of uniform features",
            "PR / PR even",
        ],
        ratio / even_ratio,
        participation_share,
        format!(
            "first half of a rule: the participation ratio is {participation_share} or less of that \
             of {draws} uniform draws"
        ),
    );
    let few = Evidence::at_most(
        [
            "dimensional",
            "directions with nearly all variance over those of uniform features",
            "k / k even",
        ],
        directions as f64 / directions_of(&even, energy) as f64,
        energy_share,
        format!(
            "second half: {energy} of the variance lies in {energy_share} or less of the directions \
             that it takes for uniform features; dimensional when both halves are met"
        ),
    );
    let is_met = variance.is_met && few.is_met;
    evidence.extend([variance, few].map(|found| found.half(is_met)));
    is_met.then_some(directions.max(ratio.round() as usize))
}

/// How many of the falling `eigenvalues` hold this share of their sum; at least 1.
fn directions_of(eigenvalues: &[f64], share: f64) -> usize {
    let enough = share * eigenvalues.iter().sum::<f64>();
    let mut sum = 0.0;
    let before = eigenvalues.iter().take_while(|value| {
        sum += **value;
        sum < enough
    });
    before.count() + 1
}

/// Dimensions by the shape of the spectrum, when there are too few, for fewer rows than dimensions.
fn short_tail(spectrum: &Spectrum, evidence: &mut Vec<Evidence>) -> Option<usize> {
    let freedom = spectrum.n.saturating_sub(1);
    if spectrum.n > spectrum.dim || freedom == 0 {
        return None;
    }
    let tail = tail_dimension(&spectrum.covariance[..freedom], spectrum.dim);
    let threshold = THRESHOLDS.tail_share;
    let found = Evidence::at_most(
        [
            "dimensional",
            "dimensions by the shape of the spectrum's lower half",
            "d̂ / d",
        ],
        (tail / spectrum.dim as f64).min(1.0),
        threshold,
        format!(
            "with fewer vectors than dimensions: dimensional when the lower half of the spectrum \
             has the shape of {threshold} d or fewer dimensions"
        ),
    );
    let is_met = found.is_met;
    evidence.push(found);
    is_met.then_some(tail.round() as usize)
}

/// The number of dimensions whose uniform law has this ratio between the eigenvalues at the ninth
/// tenth and the middle of the spectrum of r + 1 rows; at most 4 `dim`. Dimensions that carry a few
/// strong directions, such as those between classes, stand above the middle and do not matter.
fn tail_dimension(eigenvalues: &[f64], dim: usize) -> f64 {
    let freedom = eigenvalues.len();
    let ratio_of = |values: &[f64]| values[freedom * 9 / 10] / values[freedom / 2];
    let found = ratio_of(eigenvalues);
    let [mut low, mut high] = [freedom as f64, 4.0 * dim as f64];
    // The ratio rises with the dimension: bisection in its logarithm.
    for _ in 0..24 {
        let middle = (low * high).sqrt();
        if ratio_of(&marchenko_pastur(freedom, middle.round() as usize)) < found {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low * high).sqrt()
}
