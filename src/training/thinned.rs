//! A curve as a screen can show it: few points, however long the run.

/// Stretches of steps of a thinned curve; each gives at most two points.
const STRETCHES: usize = 1000;

/// A curve thinned as it grows. Each stretch of steps keeps its least and its greatest value, so
/// that no spike is lost; stretches are doubled in length when they become too many, and taking in
/// a point costs the same however long the curve is.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Thinned {
    /// Points in a whole stretch.
    len: usize,
    stretches: Vec<Stretch>,
}

/// The extremes of some points that follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stretch {
    count: usize,
    least: [f64; 2],
    greatest: [f64; 2],
    last: [f64; 2],
}

impl Default for Thinned {
    fn default() -> Self {
        Self {
            len: 1,
            stretches: Vec::new(),
        }
    }
}

impl Stretch {
    fn of(point: [f64; 2]) -> Self {
        Self {
            count: 1,
            least: point,
            greatest: point,
            last: point,
        }
    }

    fn and(&self, later: &Self) -> Self {
        let least = if later.least[1] < self.least[1] {
            later.least
        } else {
            self.least
        };
        let greatest = if later.greatest[1] > self.greatest[1] {
            later.greatest
        } else {
            self.greatest
        };
        Self {
            count: self.count + later.count,
            least,
            greatest,
            last: later.last,
        }
    }
}

impl Thinned {
    /// Of all of a curve's points.
    pub fn of(points: &[[f64; 2]]) -> Self {
        let mut thinned = Self::default();
        for &point in points {
            thinned.push(point);
        }
        thinned
    }

    /// Takes in a point behind all others.
    pub fn push(&mut self, point: [f64; 2]) {
        match self.stretches.last_mut() {
            Some(last) if last.count < self.len => *last = last.and(&Stretch::of(point)),
            _ => self.stretches.push(Stretch::of(point)),
        }
        if self.stretches.len() > STRETCHES {
            self.len *= 2;
            self.stretches = self
                .stretches
                .chunks(2)
                .map(|pair| match pair {
                    [first, second] => first.and(second),
                    _ => pair[0],
                })
                .collect();
        }
    }

    /// The points to draw, steps rising; the newest is always the last.
    pub fn points(&self) -> Vec<[f64; 2]> {
        let mut points: Vec<[f64; 2]> = Vec::with_capacity(2 * self.stretches.len() + 1);
        let mut add = |point: [f64; 2]| {
            if points.last() != Some(&point) {
                points.push(point);
            }
        };
        for stretch in &self.stretches {
            let [a, b] = [stretch.least, stretch.greatest];
            let [first, second] = if a[0] <= b[0] { [a, b] } else { [b, a] };
            add(first);
            add(second);
        }
        if let Some(newest) = self.stretches.last() {
            add(newest.last);
        }
        points
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(count: usize) -> Vec<[f64; 2]> {
        (0..count)
            .map(|step| [step as f64, (0.37 * step as f64).sin()])
            .collect()
    }

    #[test]
    fn a_short_curve_is_itself() {
        for count in [0, 1, 2, STRETCHES] {
            let points = curve(count);
            assert_eq!(Thinned::of(&points).points(), points);
        }
    }

    #[test]
    fn a_long_curve_keeps_its_spikes_its_end_and_its_order() {
        let mut points = curve(1_000_003);
        points[654_321][1] = 40.0;
        points[654_322][1] = -40.0;
        let thinned = Thinned::of(&points).points();
        assert!(thinned.len() <= 2 * STRETCHES + 1, "{}", thinned.len());
        assert!(thinned.len() > STRETCHES / 2, "{}", thinned.len());
        assert!(thinned.windows(2).all(|pair| pair[0][0] < pair[1][0]));
        assert_eq!(thinned.last(), points.last());
        assert!(thinned.contains(&points[654_321]) && thinned.contains(&points[654_322]));
        // Every point drawn is one of the curve's own.
        assert!(
            thinned
                .iter()
                .all(|point| points[point[0] as usize] == *point)
        );
    }
}
