//! An analysis with its pictures turned towards another's, so that two times stand side by side.

use std::sync::Arc;

use super::{Analysis, Pairs};
use crate::projection::{Projection, Turn};

impl Analysis {
    /// The same analysis with its projections turned as close to `other`'s as they go
    /// ([`Projection::turned_towards`]); the drawn ends of pairs turn with the sphere. Numbers and
    /// features stay. Pictures whose axes are the features' own are not turned.
    #[must_use]
    pub fn turned_towards(&self, other: &Self) -> Self {
        let sphere = Projection::clone(&self.sphere).turned_towards(&other.sphere);
        let circle = Projection::clone(&self.circle).turned_towards(&other.circle);
        if sphere == *self.sphere {
            return Self {
                circle: Arc::new(circle),
                ..self.clone()
            };
        }
        let turn = <Projection<3> as Turn<3>>::turn(&self.sphere.coords, &other.sphere.coords);
        let turned = |places: &[[f32; 3]]| -> Vec<[f32; 3]> {
            let place = |place: &[f32; 3]| {
                std::array::from_fn(|row| (0..3).map(|k| turn[row][k] * place[k]).sum())
            };
            places.iter().map(place).collect()
        };
        let pairs = Pairs {
            first_sphere: turned(&self.pairs.first_sphere),
            second_sphere: turned(&self.pairs.second_sphere),
            ..Pairs::clone(&self.pairs)
        };
        Self {
            sphere: Arc::new(sphere),
            // It holds the places before the turn.
            sphere_lease: None,
            circle: Arc::new(circle),
            pairs: Arc::new(pairs),
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::{Cache, PairRule, Request, analyse, demo_request},
        compute::{Compute, DevicePolicy},
        features::FeatureKind,
        progress::Progress,
    };

    #[test]
    fn points_and_pairs_turn_together_and_numbers_stay() {
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let request = Request {
            kind: FeatureKind::Pooled,
            limit: Some(24),
            pairs: PairRule::AugmentedViews,
            ..demo_request()
        };
        let (cache, progress) = (&mut Cache::headless(), Progress::none());
        let right = analyse(&request, &compute, cache, &progress).unwrap();
        // A quarter turn with a mirror image: (x, y, z) to (z, x, −y), an orthogonal matrix.
        let askew = |[x, y, z]: [f32; 3]| [z, x, -y];
        let mut sphere = Projection::clone(&right.sphere);
        for place in &mut sphere.coords {
            *place = askew(*place);
        }
        let mut pairs = Pairs::clone(&right.pairs);
        for ends in [&mut pairs.first_sphere, &mut pairs.second_sphere] {
            for place in ends {
                *place = askew(*place);
            }
        }
        let other = Analysis {
            sphere: Arc::new(sphere),
            pairs: Arc::new(pairs),
            ..right.clone()
        };
        let back = other.turned_towards(&right);
        let close = |a: &[[f32; 3]], b: &[[f32; 3]]| {
            let all = a.iter().flatten().zip(b.iter().flatten());
            // Turned in f32.
            !a.is_empty()
                && a.len() == b.len()
                && all.into_iter().all(|(a, b)| (a - b).abs() < 1e-5)
        };
        assert!(!close(&other.sphere.coords, &right.sphere.coords));
        assert!(close(&back.sphere.coords, &right.sphere.coords));
        assert!(close(&back.pairs.first_sphere, &right.pairs.first_sphere));
        assert!(close(&back.pairs.second_sphere, &right.pairs.second_sphere));
        assert_eq!(
            back.numbers.uniformity.value,
            other.numbers.uniformity.value
        );
    }
}
