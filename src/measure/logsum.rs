//! Sums of very small or very different kernel values, kept as mantissa and exponent.

/// Σ w·2^e of terms (w, e): a scaled sum, so that kernels e^{−t d²} with large t don't underflow.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogSum {
    /// Sum divided by 2^`offset`.
    sum: f64,
    /// Largest exponent seen, base 2.
    offset: f64,
}

impl LogSum {
    /// The empty sum.
    pub const ZERO: Self = Self {
        sum: 0.0,
        offset: f64::NEG_INFINITY,
    };

    /// Adds `sum` · 2^`offset`.
    pub fn add(&mut self, sum: f64, offset: f64) {
        if offset == self.offset {
            self.sum += sum;
        } else if offset < self.offset {
            self.sum += sum * (offset - self.offset).exp2();
        } else {
            self.sum = sum + self.sum * (self.offset - offset).exp2();
            self.offset = offset;
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: Self) {
        if other.offset > f64::NEG_INFINITY {
            self.add(other.sum, other.offset);
        }
    }

    /// Natural logarithm of the sum; −∞ when empty.
    pub fn ln(&self) -> f64 {
        (self.sum.log2() + self.offset) * std::f64::consts::LN_2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_of_any_size_keep_their_digits() {
        let mut sum = LogSum::ZERO;
        assert_eq!(sum.ln(), f64::NEG_INFINITY);
        sum.add(1.0, -5000.0);
        sum.add(1.0, -5000.0);
        // 2^{−4999}: one rounding of the product with ln 2.
        assert!((sum.ln() + 4999.0 * std::f64::consts::LN_2).abs() < 1e-11);
        sum.add(3.0, 1.0);
        assert!((sum.ln() - 6.0_f64.ln()).abs() < 1e-15);
        let mut other = LogSum::ZERO;
        other.merge(LogSum::ZERO);
        other.add(2.0, 0.0);
        sum.merge(other);
        assert!((sum.ln() - 8.0_f64.ln()).abs() < 1e-15);
    }
}
