//! The order in which people count: `img2` before `img10`.

use std::cmp::Ordering;

/// Compares relative paths part by part, with runs of digits compared as numbers.
///
/// Names without digits keep their byte order, which is also the order in which PyTorch's folder
/// loaders number classes. The order is total: names that read alike (`1`, `01`) fall back to
/// byte order.
///
/// ```
/// use spherescope::data::natural_cmp;
/// let mut names = ["frame10.png", "frame2.png", "a/1.png"];
/// names.sort_by(|a, b| natural_cmp(a, b));
/// assert_eq!(names, ["a/1.png", "frame2.png", "frame10.png"]);
/// ```
pub fn natural_cmp(a: &str, b: &str) -> Ordering {
    let mut parts_a = a.split('/');
    let mut parts_b = b.split('/');
    loop {
        match (parts_a.next(), parts_b.next()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(part_a), Some(part_b)) => {
                let order = compare_part(part_a.as_bytes(), part_b.as_bytes());
                if order != Ordering::Equal {
                    return order;
                }
            }
        }
    }
}

fn compare_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while let (Some(&first_a), Some(&first_b)) = (a.first(), b.first()) {
        let order = if first_a.is_ascii_digit() && first_b.is_ascii_digit() {
            let (number_a, rest_a) = split_number(a);
            let (number_b, rest_b) = split_number(b);
            (a, b) = (rest_a, rest_b);
            // Without leading zeros the longer number is the larger one, whatever its length.
            number_a
                .len()
                .cmp(&number_b.len())
                .then_with(|| number_a.cmp(number_b))
        } else {
            (a, b) = (&a[1..], &b[1..]);
            first_a.cmp(&first_b)
        };
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

/// The leading digits without leading zeros, and what follows them.
fn split_number(text: &[u8]) -> (&[u8], &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    let zeros = number.iter().take_while(|&&byte| byte == b'0').count();
    (&number[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(mut names: Vec<&str>) -> Vec<&str> {
        names.sort_by(|a, b| natural_cmp(a, b));
        names
    }

    #[test]
    fn numbers_count_and_folders_stay_together() {
        assert_eq!(
            sorted(vec!["x10", "x9", "x1", "x01", "x", "y0"]),
            ["x", "x01", "x1", "x9", "x10", "y0"]
        );
        assert_eq!(
            sorted(vec!["a-b/1", "a/2", "a/10", "a/1"]),
            ["a/1", "a/2", "a/10", "a-b/1"]
        );
    }

    #[test]
    fn long_numbers_do_not_overflow() {
        let long = "9".repeat(60);
        let longer = format!("1{}", "0".repeat(60));
        assert_eq!(natural_cmp(&long, &longer), Ordering::Less);
    }

    #[test]
    fn only_equal_names_are_equal() {
        assert_eq!(natural_cmp("a1", "a1"), Ordering::Equal);
        assert_eq!(natural_cmp("a01", "a1"), natural_cmp("a1", "a01").reverse());
        assert_ne!(natural_cmp("a01", "a1"), Ordering::Equal);
    }
}
