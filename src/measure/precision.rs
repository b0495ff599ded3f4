//! Average precision of an order.

/// AP = Σ (R_n − R_{n−1}) P_n over the distinct scores from the highest down, as scikit-learn's
/// `average_precision_score`; `None` when nothing is positive or the lengths differ.
pub fn average_precision(scores: &[f64], is_positive: &[bool]) -> Option<f64> {
    let positives = is_positive.iter().filter(|positive| **positive).count();
    if positives == 0 || scores.len() != is_positive.len() || scores.iter().any(|s| s.is_nan()) {
        return None;
    }
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*b].total_cmp(&scores[*a]));
    let (mut hits, mut hits_before, mut sum) = (0_usize, 0_usize, 0.0);
    for (place, &item) in order.iter().enumerate() {
        hits += usize::from(is_positive[item]);
        let is_last_of_equals = order
            .get(place + 1)
            .is_none_or(|next| scores[*next] != scores[item]);
        if is_last_of_equals {
            let precision = hits as f64 / (place + 1) as f64;
            sum += (hits - hits_before) as f64 / positives as f64 * precision;
            hits_before = hits;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_orders() {
        // scikit-learn's own example: 0.83…
        let scores = [0.1, 0.4, 0.35, 0.8];
        let found = average_precision(&scores, &[false, false, true, true]).unwrap();
        assert!((found - 5.0 / 6.0).abs() < 1e-15);
        // All equal: the share of positives.
        assert_eq!(
            average_precision(&[1.0; 4], &[true, false, false, false]),
            Some(0.25)
        );
        assert_eq!(average_precision(&[1.0], &[false]), None);
        assert_eq!(average_precision(&[f64::NAN], &[true]), None);
        assert_eq!(average_precision(&[], &[]), None);
    }
}
