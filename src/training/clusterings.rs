//! Prototypes of a run: clusterings of what the key encoder says of all images.

use burn::tensor::{Device, Tensor, TensorData};

use super::{TrainingError, tensors::NamedTensor};
use crate::{
    analysis::AnalysisError,
    compute::Compute,
    data::{ImageSet, Preprocess},
    features::{ExtractionRequest, FeatureKind, extract},
    measure::{Rows, spherical_kmeans},
    models::{Model, ModelError},
    objectives::Prototypes,
    progress::Progress,
};

/// How a loss wants its prototypes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PrototypePlan {
    /// Prototypes of each clustering.
    pub clusters: Vec<usize>,
    /// Steps between two clusterings.
    pub every: usize,
    /// Steps at the beginning without any.
    pub from_step: usize,
    /// Mean of the concentrations.
    pub temperature: f64,
}

impl PrototypePlan {
    /// Whether images are clustered anew before step `step`.
    pub fn is_due(&self, step: usize) -> bool {
        step >= self.from_step && (step - self.from_step).is_multiple_of(self.every)
    }
}

/// One clustering of a run's images.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Clustering {
    /// `[k, dim]`.
    centroids: Vec<f32>,
    /// `[k]`.
    concentrations: Vec<f32>,
    /// Prototype of each image of the set.
    assignment: Vec<u32>,
}

/// Clusters the projected vectors of all images, un-augmented.
pub(super) fn clusterings(
    plan: &PrototypePlan,
    model: &Model,
    images: &ImageSet,
    preprocess: Preprocess,
    seed: u64,
    compute: &Compute,
    progress: &Progress,
) -> Result<Vec<Clustering>, TrainingError> {
    let request = ExtractionRequest {
        kind: if model.head.is_some() {
            FeatureKind::Projected
        } else {
            FeatureKind::Pooled
        },
        stage: None,
        preprocess,
        indices: (0..images.len()).collect(),
        choice: "all images".to_owned(),
        encoder: "key encoder".to_owned(),
    };
    let features = extract(model, images, &request, compute, progress)?.features;
    let unit = features.unit_rows();
    let measured = |error| TrainingError::Analysis(AnalysisError::Measure(error));
    let rows = Rows::new(&unit, features.dim).map_err(measured)?;
    check_prototypes(plan, rows.len())?;
    plan.clusters
        .iter()
        .map(|&k| {
            let found = spherical_kmeans(rows, k, seed ^ k as u64, progress).map_err(measured)?;
            // An image that cannot be decoded has no row, and is in no batch either.
            let mut assignment = vec![0; images.len()];
            for (&image, &own) in features.images.iter().zip(&found.assignment) {
                assignment[image as usize] = own;
            }
            Ok(Clustering {
                concentrations: found
                    .concentrations(rows, plan.temperature)
                    .map_err(measured)?,
                centroids: found.centroids,
                assignment,
            })
        })
        .collect()
}

/// Refuses more prototypes than there are images to cluster.
pub(super) fn check_prototypes(plan: &PrototypePlan, images: usize) -> Result<(), TrainingError> {
    match plan.clusters.iter().find(|&&k| k > images) {
        None => Ok(()),
        Some(k) => Err(TrainingError::Setting {
            name: "the prototypes of a clustering",
            range: format!("at most the {images} images that are clustered"),
            found: k.to_string(),
        }),
    }
}

impl Clustering {
    /// Unit vectors, `[k, dim]`.
    pub fn centroids(&self) -> &[f32] {
        &self.centroids
    }

    /// As the images of a batch see it.
    pub fn of_batch(&self, indices: &[usize], device: &Device) -> Prototypes {
        let count = self.concentrations.len();
        let dim = self.centroids.len() / count.max(1);
        let centroids = TensorData::new(self.centroids.clone(), [count, dim]);
        let concentrations = TensorData::new(self.concentrations.clone(), [count]);
        let own = |&image: &usize| self.assignment.get(image).copied().unwrap_or(0);
        Prototypes {
            centroids: Tensor::from_data(centroids, device),
            concentrations: Tensor::from_data(concentrations, device),
            assignment: indices.iter().map(own).collect(),
        }
    }

    /// As tensors of a snapshot, under `prototypes.{index}`.
    pub fn tensors(&self, index: usize) -> [NamedTensor; 3] {
        let count = self.concentrations.len();
        let dim = self.centroids.len() / count.max(1);
        let tensor = |part: &str, shape: Vec<usize>, values: Vec<f32>| NamedTensor {
            name: name(index, part),
            shape,
            values,
        };
        // Clusters are far fewer than the numbers that an f32 holds exactly.
        let assignment: Vec<f32> = self.assignment.iter().map(|&own| own as f32).collect();
        [
            tensor("centroids", vec![count, dim], self.centroids.clone()),
            tensor("concentrations", vec![count], self.concentrations.clone()),
            tensor("assignment", vec![assignment.len()], assignment),
        ]
    }

    /// Back from a snapshot's tensors, of vectors of `dim` values and a set of so many `images`; none
    /// when the snapshot was taken before the first clustering.
    pub fn all_from(
        tensors: &[NamedTensor],
        dim: usize,
        images: usize,
    ) -> Result<Vec<Self>, ModelError> {
        let find = |name: &str| tensors.iter().find(|tensor| tensor.name == name);
        let mut all = Vec::new();
        while let Some(centroids) = find(&name(all.len(), "centroids")) {
            let part = |part| find(&name(all.len(), part)).map(|tensor| tensor.values.clone());
            let (Some(concentrations), Some(assignment)) =
                (part("concentrations"), part("assignment"))
            else {
                return Err(broken(
                    &centroids.name,
                    "it lacks its concentrations or members",
                ));
            };
            let count = concentrations.len();
            if assignment.len() != images {
                let found = assignment.len();
                let reason = format!("it is of {found} images, and the run has {images}");
                return Err(broken(&centroids.name, &reason));
            }
            let assignment: Vec<u32> = assignment.into_iter().map(|own| own as u32).collect();
            let is_whole = count > 0
                && centroids.values.len() == count * dim
                && assignment.iter().all(|&own| (own as usize) < count);
            if !is_whole {
                return Err(broken(&centroids.name, "its parts do not fit each other"));
            }
            all.push(Self {
                centroids: centroids.values.clone(),
                concentrations,
                assignment,
            });
        }
        Ok(all)
    }
}

fn name(index: usize, part: &str) -> String {
    format!("prototypes.{index}.{part}")
}

fn broken(name: &str, reason: &str) -> ModelError {
    ModelError::Read {
        name: name.to_owned(),
        reason: reason.to_owned(),
    }
}
