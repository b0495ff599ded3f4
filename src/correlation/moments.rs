//! Correlations and the regression of one variable on two, from counted observations.

/// Relative variance below which a variable counts as constant: rounding of its mean leaves less.
const CONSTANT: f64 = 1e-24;
/// How near |r| of the two predictors may come to 1 before their parts cannot be told apart.
const COLLINEAR: f64 = 1e-10;

/// Pearson's r of `x` and `y`, observation i counted `counts[i]` times; NaN when either is
/// constant.
pub(super) fn pearson(x: &[f64], y: &[f64], counts: &[u32]) -> f64 {
    let total: f64 = counts.iter().map(|&count| f64::from(count)).sum();
    let mean = |values: &[f64]| {
        let sum: f64 = values
            .iter()
            .zip(counts)
            .map(|(value, &count)| value * f64::from(count))
            .sum();
        sum / total
    };
    let [mean_x, mean_y] = [mean(x), mean(y)];
    let mut sums = [0.0; 3];
    for ((&x, &y), &count) in x.iter().zip(y).zip(counts) {
        let (dx, dy, count) = (x - mean_x, y - mean_y, f64::from(count));
        sums[0] += count * dx * dx;
        sums[1] += count * dy * dy;
        sums[2] += count * dx * dy;
    }
    let [xx, yy, xy] = sums;
    if is_constant(xx, total, mean_x) || is_constant(yy, total, mean_y) {
        return f64::NAN;
    }
    (xy / (xx * yy).sqrt()).clamp(-1.0, 1.0)
}

/// Whether squares about a mean, summed over `total` observations, are no more than its rounding.
fn is_constant(square: f64, total: f64, mean: f64) -> bool {
    square <= CONSTANT * total * mean.powi(2).max(f64::MIN_POSITIVE)
}

/// Whether values differ by more than the rounding of their mean, and squares can hold it.
pub(super) fn varies(values: &[f64]) -> bool {
    let total = values.len() as f64;
    let mean = values.iter().sum::<f64>() / total;
    let square: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    square.is_finite() && !is_constant(square, total, mean)
}

/// Standard deviation (over n − 1) of counted values.
pub(super) fn deviation(x: &[f64], counts: &[u32]) -> f64 {
    let total: f64 = counts.iter().map(|&count| f64::from(count)).sum();
    let sum: f64 = x.iter().zip(counts).map(|(x, &c)| x * f64::from(c)).sum();
    let mean = sum / total;
    let squares: f64 = x
        .iter()
        .zip(counts)
        .map(|(x, &count)| f64::from(count) * (x - mean).powi(2))
        .sum();
    (squares / (total - 1.0)).sqrt()
}

/// The three correlations of alignment a, uniformity u and performance p.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Triple {
    /// Of a and p.
    pub ap: f64,
    /// Of u and p.
    pub up: f64,
    /// Of a and u.
    pub au: f64,
}

impl Triple {
    /// Slopes of z-scored p on z-scored (a, u); NaN when these are collinear.
    pub fn slopes(self) -> [f64; 2] {
        let rest = 1.0 - self.au * self.au;
        if rest < COLLINEAR {
            return [f64::NAN; 2];
        }
        [
            (self.ap - self.au * self.up) / rest,
            (self.up - self.au * self.ap) / rest,
        ]
    }

    /// Squared multiple correlation of p on (a, u). Collinear predictors count as one.
    pub fn multiple_r2(self) -> f64 {
        if 1.0 - self.au * self.au < COLLINEAR {
            return self.ap.powi(2);
        }
        let [slope_a, slope_u] = self.slopes();
        (slope_a * self.ap + slope_u * self.up).clamp(0.0, 1.0)
    }

    /// Correlation of −(a + u), z-scored each, with p.
    pub fn sum(self) -> f64 {
        let spread = 2.0 + 2.0 * self.au;
        if spread < COLLINEAR {
            return f64::NAN;
        }
        (-(self.ap + self.up) / spread.sqrt()).clamp(-1.0, 1.0)
    }

    /// Cosine between the fitted gradient (−β_a, −β_u) and (1, 1)/√2.
    pub fn gradient_cosine(self) -> f64 {
        let [slope_a, slope_u] = self.slopes();
        let length = slope_a.hypot(slope_u);
        if length < COLLINEAR {
            return f64::NAN;
        }
        -(slope_a + slope_u) / (std::f64::consts::SQRT_2 * length)
    }

    /// Correlation of a and p given u, and of u and p given a. The same formula holds for
    /// Pearson's r, for Spearman's ρ (r of ranks) and for Kendall's partial τ.
    pub fn partial(self) -> [f64; 2] {
        let given = |r: f64, other: f64| {
            let rest = (1.0 - self.au * self.au) * (1.0 - other * other);
            if rest < COLLINEAR {
                f64::NAN
            } else {
                ((r - self.au * other) / rest.sqrt()).clamp(-1.0, 1.0)
            }
        };
        [given(self.ap, self.up), given(self.up, self.ap)]
    }
}

/// Leave-one-out R² of p on (a, u): 1 − Σ(p_i − p̂_(−i))² / Σ(p_i − p̄)², from the leverages of one
/// fit (PRESS; Allen 1974). NaN when an observation alone decides a slope.
pub(super) fn leave_one_out_r2(a: &[f64], u: &[f64], p: &[f64]) -> f64 {
    if ![a, u, p].into_iter().all(varies) {
        return f64::NAN;
    }
    let n = p.len() as f64;
    let centred = |values: &[f64]| -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / n;
        values.iter().map(|value| value - mean).collect()
    };
    let [a, u, p] = [centred(a), centred(u), centred(p)];
    let dot = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| x * y).sum() };
    let [aa, uu, au] = [dot(&a, &a), dot(&u, &u), dot(&a, &u)];
    let determinant = aa * uu - au * au;
    if determinant <= COLLINEAR * aa * uu {
        return f64::NAN;
    }
    let [ap, up, pp] = [dot(&a, &p), dot(&u, &p), dot(&p, &p)];
    let slope_a = (uu * ap - au * up) / determinant;
    let slope_u = (aa * up - au * ap) / determinant;
    let mut press = 0.0;
    for i in 0..p.len() {
        let quadratic = uu * a[i] * a[i] - 2.0 * au * a[i] * u[i] + aa * u[i] * u[i];
        let leverage = 1.0 / n + quadratic / determinant;
        if 1.0 - leverage < COLLINEAR {
            return f64::NAN;
        }
        let residual = p[i] - slope_a * a[i] - slope_u * u[i];
        press += (residual / (1.0 - leverage)).powi(2);
    }
    1.0 - press / pp
}
