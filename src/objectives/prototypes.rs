//! Losses against prototypes: ProtoNCE of PCL (Li et al. 2021) and our reading of PAUC (2022).

use burn::tensor::{Tensor, TensorData};

use super::{Term, align_uniform, cross_entropy::at_labels, indices, masks::mask, nothing};
use crate::features::unit_tensor;

/// One clustering as a batch sees it.
pub struct Prototypes {
    /// Unit centroids `[k, dim]`; nothing of them is on a tape.
    pub centroids: Tensor<2>,
    /// Concentration φ of each, `[k]`; small where members lie close.
    pub concentrations: Tensor<1>,
    /// Prototype of each image of the batch.
    pub assignment: Vec<u32>,
}

/// What PAUC adds to ProtoNCE [our reading]: numbers between prototypes as the batch moves them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PrototypeWeights {
    /// Of prototype alignment.
    pub align: f64,
    /// Of prototype uniformity.
    pub uniform: f64,
    /// Of prototype correlation.
    pub correlation: f64,
    /// Temperature t of prototype uniformity.
    pub t: f64,
}

impl Prototypes {
    /// Mean cross-entropy of each query's prototype among all, compared by cosine over φ.
    /// `query` is `[n, dim]`.
    pub fn proto_nce(&self, query: Tensor<2>) -> Tensor<1> {
        let logits = unit_tensor(query).matmul(self.centroids.clone().transpose())
            / self.concentrations.clone().unsqueeze::<2>();
        at_labels(logits, &self.assignment)
    }

    /// PAUC's three terms [our reading of the paper's abstract].
    ///
    /// Centroids are constants of a step. What spreads and decorrelates is therefore the batch's
    /// own mean of each prototype's members, put on the sphere.
    pub fn terms(&self, query: Tensor<2>, weights: &PrototypeWeights) -> [Term; 3] {
        let query = unit_tensor(query);
        let device = query.device();
        let own = self
            .centroids
            .clone()
            .select(0, indices(&self.assignment, &device));
        let align = align_uniform::alignment(query.clone(), own, 2.0);
        let means = self.member_means(query);
        let [count, _] = means.dims();
        let (others, pairs) = mask([count; 2], &device, |i, j| i != j);
        let uniform = if count < 2 {
            nothing(&means)
        } else {
            align_uniform::uniformity(means.clone(), others, pairs, weights.t)
        };
        let term = |name, weight, value| Term {
            name,
            weight,
            value,
        };
        [
            term("prototype alignment", weights.align, align),
            term("prototype uniformity", weights.uniform, uniform),
            term(
                "prototype correlation",
                weights.correlation,
                correlation(means),
            ),
        ]
    }

    /// Unit mean of the members of each prototype that has some in the batch, `[k', dim]`.
    fn member_means(&self, query: Tensor<2>) -> Tensor<2> {
        let mut met: Vec<u32> = self.assignment.clone();
        met.sort_unstable();
        met.dedup();
        let count = self.assignment.len();
        let mut shares = vec![0.0_f32; met.len() * count];
        for (column, own) in self.assignment.iter().enumerate() {
            let row = met.partition_point(|prototype| prototype < own);
            // Of unit length afterwards, so that the number of members need not divide.
            shares[row * count + column] = 1.0;
        }
        let shares = TensorData::new(shares, [met.len(), count]);
        unit_tensor(Tensor::<2>::from_data(shares, &query.device()).matmul(query))
    }
}

/// Mean of the squared correlations between any two coordinates over the rows `[k, dim]`; 0 when
/// there are no two rows or no two coordinates. A coordinate that does not vary correlates with
/// none.
fn correlation(rows: Tensor<2>) -> Tensor<1> {
    let [count, dim] = rows.dims();
    let device = rows.device();
    if count < 2 || dim < 2 {
        return nothing(&rows);
    }
    let centred = rows.clone() - rows.mean_dim(0);
    // Clamped before the root, whose slope at 0 is infinite.
    let lengths = centred.clone().square().sum_dim(0).clamp_min(1e-12).sqrt();
    let columns = centred / lengths;
    let correlations = columns.clone().transpose().matmul(columns);
    let (others, pairs) = mask([dim; 2], &device, |i, j| i != j);
    (correlations.square() * others).sum() / pairs as f64
}
