//! Settings of the losses with prototypes.

use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::{InfoNce, Keyed, Loss, PrototypeWeights, Prototypes, Term, info_nce};

/// InfoNCE with a queue, and the mean over some clusterings of the cross-entropy of each image's
/// prototype (PCL, Li et al. 2021).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct ProtoNce {
    /// Temperature τ of InfoNCE, and mean concentration φ of the prototypes.
    pub temperature: f64,
    /// Keys in the queue.
    pub queue: usize,
    /// Share of itself that the key encoder keeps at each step.
    pub momentum: f64,
    /// Prototypes of each clustering.
    pub clusters: Vec<usize>,
    /// Steps between two clusterings of all images.
    pub every: usize,
    /// Steps at the beginning with InfoNCE alone, whose clusters mean nothing yet.
    pub from_step: usize,
    /// Weight of the part with prototypes; 1 in the paper.
    pub proto_weight: f64,
}

impl Default for ProtoNce {
    fn default() -> Self {
        Self {
            temperature: 0.2,
            queue: 1024,
            momentum: 0.99,
            clusters: vec![8, 16],
            every: 50,
            from_step: 50,
            proto_weight: 1.0,
        }
    }
}

/// ProtoNCE, and alignment, uniformity and correlation of the prototypes themselves [our reading of
/// PAUC 2022].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Pauc {
    /// Weight of prototype alignment.
    pub align_weight: f64,
    /// Weight of prototype uniformity.
    pub uniform_weight: f64,
    /// Weight of prototype correlation.
    pub correlation_weight: f64,
    /// Temperature t of prototype uniformity.
    pub t: f64,
    /// What it builds on.
    pub proto_nce: ProtoNce,
}

impl Default for Pauc {
    fn default() -> Self {
        Self {
            align_weight: 0.5,
            uniform_weight: 0.5,
            correlation_weight: 0.1,
            t: 2.0,
            proto_nce: ProtoNce::default(),
        }
    }
}

impl ProtoNce {
    /// The loss of one batch; `prototypes` are of each clustering, none before the first. Beside
    /// theorem 1's parts it shows the numbers that PAUC trains: coagulation is a small prototype
    /// alignment beside a low prototype uniformity.
    pub fn forward(&self, global: Keyed, prototypes: &[Prototypes]) -> Loss {
        let query = global.query.clone();
        let mut loss = self.parts(global, prototypes);
        let weights = PrototypeWeights {
            align: 0.0,
            uniform: 0.0,
            correlation: 0.0,
            t: 2.0,
        };
        let shown = numbers(&query.detach(), prototypes, &weights);
        loss.readings
            .extend(shown.into_iter().map(|term| (term.name, term.value)));
        loss
    }

    fn parts(&self, global: Keyed, prototypes: &[Prototypes]) -> Loss {
        let query = global.query.clone();
        let InfoNce {
            value,
            alignment_part,
            uniformity_part,
        } = info_nce(global.query, global.key, global.queue, self.temperature);
        let mut terms = vec![Term {
            name: "InfoNCE",
            weight: 1.0,
            value,
        }];
        terms.extend(prototypes.iter().map(|clustering| Term {
            name: "ProtoNCE",
            weight: self.proto_weight,
            value: clustering.proto_nce(query.clone()),
        }));
        Loss {
            terms: averaged(terms),
            readings: vec![
                ("alignment part", alignment_part),
                ("uniformity part", uniformity_part),
            ],
        }
    }
}

impl Pauc {
    /// The loss of one batch.
    pub fn forward(&self, global: Keyed, prototypes: &[Prototypes]) -> Loss {
        let query = global.query.clone();
        let mut loss = self.proto_nce.parts(global, prototypes);
        let weights = PrototypeWeights {
            align: self.align_weight,
            uniform: self.uniform_weight,
            correlation: self.correlation_weight,
            t: self.t,
        };
        loss.terms.extend(numbers(&query, prototypes, &weights));
        loss
    }
}

/// PAUC's terms, each the mean over the clusterings.
fn numbers(query: &Tensor<2>, prototypes: &[Prototypes], weights: &PrototypeWeights) -> Vec<Term> {
    let terms = prototypes
        .iter()
        .flat_map(|clustering| clustering.terms(query.clone(), weights));
    averaged(terms.collect())
}

/// Terms of one name, which have one weight, made one of their mean.
fn averaged(terms: Vec<Term>) -> Vec<Term> {
    let mut all: Vec<(Term, usize)> = Vec::new();
    for term in terms {
        match all.iter_mut().find(|(known, _)| known.name == term.name) {
            Some((known, count)) => {
                known.value = known.value.clone() + term.value;
                *count += 1;
            }
            None => all.push((term, 1)),
        }
    }
    all.into_iter()
        .map(|(term, count)| Term {
            value: term.value / count as f64,
            ..term
        })
        .collect()
}
