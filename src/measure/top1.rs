//! Accuracy of a classifier's first choice.

use super::{MeasureError, Rows};

/// Share of rows whose largest logit is at the row's label, in [0, 1]; `logits` has one column a
/// class. Of equal logits the first counts, as PyTorch's `argmax`.
///
/// # Errors
/// [`MeasureError`] without rows, for logits that are not finite, for labels that don't fit or name
/// no class.
pub fn top1(logits: Rows<'_>, labels: &[u32]) -> Result<f64, MeasureError> {
    logits.check_finite("top-1 accuracy", 1)?;
    if labels.len() != logits.len() {
        return Err(MeasureError::Mismatch {
            what: "one label for each row of logits",
            expected: logits.len(),
            found: labels.len(),
        });
    }
    let mut hits = 0_usize;
    for (row, &label) in labels.iter().enumerate() {
        let scores = logits.row(row);
        let Some(&score) = scores.get(label as usize) else {
            return Err(MeasureError::Label {
                row,
                label,
                classes: logits.dim,
            });
        };
        let (before, after) = scores.split_at(label as usize);
        let is_first = before.iter().all(|s| *s < score) && after.iter().all(|s| *s <= score);
        hits += usize::from(is_first);
    }
    Ok(hits as f64 / labels.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_largest_counts() {
        let logits = [0.0, 2.0, 1.0, 3.0, 3.0, 1.0, -1.0, -2.0, -3.0];
        let logits = Rows::new(&logits, 3).unwrap();
        assert_eq!(top1(logits, &[1, 0, 0]), Ok(1.0));
        assert_eq!(top1(logits, &[1, 1, 2]), Ok(1.0 / 3.0));
    }

    #[test]
    fn labels_must_fit() {
        let logits = Rows::new(&[0.0, 1.0], 2).unwrap();
        assert_eq!(
            top1(logits, &[2]).unwrap_err().to_string(),
            "row 0 has label 2, but there are 2 classes"
        );
        assert!(matches!(
            top1(logits, &[]),
            Err(MeasureError::Mismatch { .. })
        ));
    }
}
