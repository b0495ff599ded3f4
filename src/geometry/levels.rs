//! Round numbers within a range: where axes have ticks and surfaces contours.

/// About `most` round numbers, evenly apart, within a range; none of an empty or endless one.
pub fn round_levels([low, high]: [f64; 2], most: usize) -> Vec<f64> {
    let span = high - low;
    if !(span > 0.0 && span.is_finite()) || most == 0 {
        return Vec::new();
    }
    let rough = span / most as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = step
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|index| index as f64 * step).collect()
}

/// Decimals that tell neighbouring [`round_levels`] apart; two for fewer than two levels.
pub fn decimals(levels: &[f64]) -> usize {
    let step = match levels {
        [first, second, ..] => (second - first).abs(),
        _ => return 2,
    };
    if step <= 0.0 {
        return 2;
    }
    // Steps are 1, 2 or 5 times a power of ten; a hair less keeps 0.1 at one digit.
    (-step.log10() - 1e-9).ceil().clamp(0.0, 6.0) as usize
}

#[cfg(test)]
mod tests {
    use super::{decimals, round_levels};

    #[test]
    fn levels_are_told_apart() {
        assert_eq!(decimals(&[-1.0, 0.0, 1.0]), 0);
        assert_eq!(decimals(&[-0.5, 0.0, 0.5]), 1);
        assert_eq!(decimals(&[0.1, 0.2]), 1);
        assert_eq!(decimals(&[0.0, 0.02]), 2);
        assert_eq!(decimals(&[1.0]), 2);
    }

    #[test]
    fn levels_are_round_and_inside() {
        assert_eq!(round_levels([0.3, 4.2], 4), [1.0, 2.0, 3.0, 4.0]);
        for nothing in [
            [1.0, 1.0],
            [2.0, 1.0],
            [0.0, f64::INFINITY],
            [f64::NAN, 1.0],
        ] {
            assert!(round_levels(nothing, 5).is_empty(), "{nothing:?}");
        }
        assert!(round_levels([0.0, 1.0], 0).is_empty());
    }
}
