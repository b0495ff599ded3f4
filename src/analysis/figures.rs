//! Numbers that carry their formula, their population and their limits wherever they go.

use serde::Serialize;

/// One measured number, or the reason why there is none.
#[derive(Clone, Debug, Serialize)]
pub struct Figure {
    /// Field term, lower case: "alignment".
    pub name: &'static str,
    /// Symbol with its parameters: "L_align(α=2)".
    pub symbol: String,
    /// The number; `None` when it could not be computed, see [`why_absent`](Self::why_absent).
    pub value: Option<f64>,
    /// Why there is no number.
    pub why_absent: Option<String>,
    /// Standard error of a sampled number; `None` for an exact one.
    pub standard_error: Option<f64>,
    /// Least value that it can take for this dimension.
    pub floor: Option<f64>,
    /// Greatest value that it can take.
    pub ceiling: Option<f64>,
    /// Formula in words or symbols.
    pub formula: String,
    /// Over what it was computed: N, pairs and how they were chosen.
    pub population: String,
    /// How to read it, in a few words.
    pub reading: &'static str,
}

impl Figure {
    /// Value with its digits, or a dash.
    pub fn text(&self) -> String {
        match (self.value, self.standard_error) {
            (Some(value), Some(error)) => format!("{value:.5} ± {error:.5}"),
            (Some(value), None) => format!("{value:.5}"),
            (None, _) => "—".into(),
        }
    }

    /// Everything in one line, for copying.
    pub fn line(&self) -> String {
        let mut line = format!(
            "{} = {} · {} · {}",
            self.symbol,
            self.text(),
            self.formula,
            self.population
        );
        if let Some(why) = &self.why_absent {
            line.push_str(" · not computed: ");
            line.push_str(why);
        }
        for (word, bound) in [("floor", self.floor), ("ceiling", self.ceiling)] {
            if let Some(bound) = bound {
                line += &format!(" · {word} {bound:.5}");
            }
        }
        line
    }
}

/// The figures of one feature set.
#[derive(Clone, Debug, Serialize)]
pub struct Numbers {
    /// L_align(α) over the positive pairs.
    pub alignment: Figure,
    /// L_uniform(t) over the chosen pair set.
    pub uniformity: Figure,
    /// √d · mean standard deviation of the coordinates (SimSiam).
    pub std_sqrt_d: Figure,
    /// ‖mean ẑ‖.
    pub mean_norm: Figure,
    /// Share of images that the checkpoint's own classifier gets right.
    pub top1: Figure,
}

impl Numbers {
    /// All figures, in the order of tables.
    pub fn all(&self) -> [&Figure; 5] {
        [
            &self.alignment,
            &self.uniformity,
            &self.std_sqrt_d,
            &self.mean_norm,
            &self.top1,
        ]
    }
}

/// A whole number with thin groups: 499,500.
pub(super) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(12_345_678), "12,345,678");
    }
}
