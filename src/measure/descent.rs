//! Minimising a smooth convex function: L-BFGS (Nocedal & Wright, Numerical Optimization, 2006,
//! algorithm 7.5) with a bisecting line search for the weak Wolfe conditions.

use std::collections::VecDeque;

use super::MeasureError;

/// Pairs of steps and changes of the gradient that are remembered.
const MEMORY: usize = 10;
/// Sufficient decrease, of Armijo's condition.
const DECREASE: f64 = 1e-4;
/// Share of the slope that may be left, of the curvature condition.
const CURVATURE: f64 = 0.9;
/// Halvings and doublings of one line search.
const SEARCHES: usize = 50;

/// When a descent ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descent {
    /// Most iterations.
    pub iterations: usize,
    /// Converged once no entry of the gradient is larger.
    pub tolerance: f64,
}

/// Where a descent ended.
#[derive(Clone, Debug)]
pub(super) struct Minimum {
    pub at: Vec<f64>,
    pub value: f64,
    /// Largest entry of the gradient.
    pub slope: f64,
    pub iterations: usize,
    pub is_converged: bool,
}

/// Goes down from `start`. `function` gives the value and fills the gradient.
pub(super) fn minimise(
    descent: Descent,
    start: Vec<f64>,
    mut function: impl FnMut(&[f64], &mut [f64]) -> Result<f64, MeasureError>,
) -> Result<Minimum, MeasureError> {
    let size = start.len();
    let mut at = start;
    let mut gradient = vec![0.0; size];
    let mut value = function(&at, &mut gradient)?;
    let mut memory: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::with_capacity(MEMORY);
    let mut iterations = 0;
    while largest(&gradient) > descent.tolerance && iterations < descent.iterations {
        let mut direction = direction(&gradient, &memory);
        let mut slope = dot(&direction, &gradient);
        if slope >= 0.0 {
            // Rounding has spoilt the memory: steepest descent begins anew.
            memory.clear();
            direction = gradient.iter().map(|g| -g).collect();
            slope = -dot(&gradient, &gradient);
        }
        let first = if memory.is_empty() {
            1.0 / dot(&gradient, &gradient).sqrt().max(1.0)
        } else {
            1.0
        };
        let Some((next, next_value, next_gradient)) =
            search(&at, value, &direction, slope, first, &mut function)?
        else {
            break;
        };
        let step: Vec<f64> = next.iter().zip(&at).map(|(new, old)| new - old).collect();
        let change: Vec<f64> = next_gradient
            .iter()
            .zip(&gradient)
            .map(|(new, old)| new - old)
            .collect();
        let curvature = dot(&step, &change);
        if curvature > 0.0 {
            if memory.len() == MEMORY {
                memory.pop_front();
            }
            memory.push_back((step, change, 1.0 / curvature));
        }
        (at, value, gradient) = (next, next_value, next_gradient);
        iterations += 1;
    }
    let slope = largest(&gradient);
    Ok(Minimum {
        at,
        value,
        slope,
        iterations,
        is_converged: slope <= descent.tolerance,
    })
}

/// The two-loop recursion.
fn direction(gradient: &[f64], memory: &VecDeque<(Vec<f64>, Vec<f64>, f64)>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(memory.len());
    for (step, change, inverse) in memory.iter().rev() {
        let share = inverse * dot(step, &direction);
        add(&mut direction, -share, change);
        shares.push(share);
    }
    if let Some((_, change, inverse)) = memory.back() {
        let scale = 1.0 / (inverse * dot(change, change));
        for entry in &mut direction {
            *entry *= scale;
        }
    }
    for ((step, change, inverse), share) in memory.iter().zip(shares.into_iter().rev()) {
        let other = inverse * dot(change, &direction);
        add(&mut direction, share - other, step);
    }
    direction
}

type Place = (Vec<f64>, f64, Vec<f64>);

/// A point along `direction` that is low and flat enough; `None` when rounding leaves none.
fn search(
    at: &[f64],
    value: f64,
    direction: &[f64],
    slope: f64,
    first: f64,
    function: &mut impl FnMut(&[f64], &mut [f64]) -> Result<f64, MeasureError>,
) -> Result<Option<Place>, MeasureError> {
    let (mut low, mut high, mut length) = (0.0, f64::INFINITY, first);
    let mut gradient = vec![0.0; at.len()];
    let mut best: Option<Place> = None;
    for _ in 0..SEARCHES {
        let mut next = at.to_vec();
        add(&mut next, length, direction);
        let next_value = function(&next, &mut gradient)?;
        // NaN is no decrease either.
        let is_lower = next_value <= value + DECREASE * length * slope;
        if !is_lower {
            high = length;
        } else if dot(&gradient, direction) < CURVATURE * slope {
            low = length;
            best = Some((next, next_value, gradient.clone()));
        } else {
            return Ok(Some((next, next_value, gradient)));
        }
        length = if high.is_finite() {
            f64::midpoint(low, high)
        } else {
            2.0 * length
        };
    }
    Ok(best)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn add(to: &mut [f64], share: f64, what: &[f64]) {
    for (entry, other) in to.iter_mut().zip(what) {
        *entry += share * other;
    }
}

fn largest(values: &[f64]) -> f64 {
    // NaN must not look like an end.
    values.iter().fold(0.0, |most: f64, value| {
        if value.is_nan() {
            f64::INFINITY
        } else {
            most.max(value.abs())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIGHT: Descent = Descent {
        iterations: 1000,
        tolerance: 1e-10,
    };

    #[test]
    fn a_stretched_bowl_is_followed_to_its_bottom() {
        // f = ½ Σ c_i (x_i − i)², condition 10⁴: SciPy needs 745 iterations for it.
        let stretch = |i: usize| 10_f64.powf(4.0 * i as f64 / 19.0);
        let minimum = minimise(TIGHT, vec![0.0; 20], |x, gradient| {
            let mut value = 0.0;
            for (i, (x, g)) in x.iter().zip(gradient).enumerate() {
                let off = x - i as f64;
                *g = stretch(i) * off;
                value += 0.5 * stretch(i) * off * off;
            }
            Ok(value)
        })
        .unwrap();
        assert!(minimum.is_converged, "{minimum:?}");
        for (i, x) in minimum.at.iter().enumerate() {
            assert!((x - i as f64).abs() < 1e-9, "{x} {i}");
        }
        assert!(minimum.value < 1e-15);
    }

    #[test]
    fn a_curve_that_is_no_bowl_is_followed_too() {
        // log cosh: flat far away, a bowl near 3.
        let minimum = minimise(TIGHT, vec![40.0], |x, gradient| {
            let off = x[0] - 3.0;
            gradient[0] = off.tanh();
            Ok(off.abs() + (-2.0 * off.abs()).exp().ln_1p() - 2_f64.ln())
        })
        .unwrap();
        assert!(minimum.is_converged && (minimum.at[0] - 3.0).abs() < 1e-9);
    }

    #[test]
    fn too_few_iterations_are_told() {
        let short = Descent {
            iterations: 1,
            ..TIGHT
        };
        let minimum = minimise(short, vec![5.0, 5.0], |x, gradient| {
            gradient[0] = x[0];
            gradient[1] = 100.0 * x[1];
            Ok(0.5 * (x[0] * x[0] + 100.0 * x[1] * x[1]))
        })
        .unwrap();
        assert!(!minimum.is_converged && minimum.slope > 1e-10);
    }
}
