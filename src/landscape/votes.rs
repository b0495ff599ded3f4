//! Accuracy of neighbours' votes at a place of a plane.

use super::LandscapeError;
use crate::{
    data::ImageSet,
    features::ProbeRows,
    measure::{self, HoldOut, MeasureError, Rows},
    progress::Progress,
};

/// Neighbours that vote, and the temperature of their votes, as in the usual protocol.
const NEIGHBOURS: usize = 20;
const TEMPERATURE: f64 = 0.07;
/// Share of the images that is held out.
const HELD_OUT: f64 = 0.3;

/// Which rows of a probe batch vote on which, the same at every place.
#[derive(Clone, Debug)]
pub(super) struct Votes {
    labels: Vec<u32>,
    split: HoldOut,
    seed: u64,
}

impl Votes {
    /// Of the images of a probe batch, in its order.
    ///
    /// # Errors
    /// [`LandscapeError::Setting`] for images without labels; [`LandscapeError::Measure`] for too few.
    pub fn new(set: &ImageSet, indices: &[usize], seed: u64) -> Result<Self, LandscapeError> {
        let records = set.records();
        let label = |index: &usize| records.get(*index).and_then(|record| record.label);
        let labels: Option<Vec<u32>> = indices.iter().map(label).collect();
        let labels = labels.ok_or_else(|| LandscapeError::Setting {
            name: "k-NN accuracy",
            range: "asked of images with a label each",
            found: format!("of {}", set.name()),
        })?;
        Ok(Self {
            split: HoldOut::stratified(&labels, HELD_OUT, seed)?,
            labels,
            seed,
        })
    }

    /// Share of held-out images whose class wins the vote.
    pub fn accuracy(
        &self,
        rows: &ProbeRows,
        dim: usize,
        progress: &Progress,
    ) -> Result<f64, MeasureError> {
        let rows = Rows::new(&rows.values, dim)?;
        let knn = measure::knn(
            rows,
            &self.labels,
            &self.split,
            NEIGHBOURS,
            TEMPERATURE,
            progress,
        )?;
        Ok(knn.accuracy)
    }

    /// The protocol, in words.
    pub fn words(&self, which: &str) -> String {
        format!(
            "k-NN accuracy over {which}: {} images vote on {}, k = {}, τ = {TEMPERATURE}, \
             stratified split of seed {}",
            self.split.train.len(),
            self.split.test.len(),
            NEIGHBOURS.min(self.split.train.len()),
            self.seed
        )
    }
}
