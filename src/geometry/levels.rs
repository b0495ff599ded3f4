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

#[cfg(test)]
mod tests {
    use super::round_levels;

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
