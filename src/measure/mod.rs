//! Numbers of a feature set: alignment, uniformity, their bounds, and the first collapse figures.
//!
//! The room works on plain slices of f32 rows ([`Rows`]) and sums in f64; it may use `geometry` and
//! `progress`, and knows no files, and tensors only where `on_device` says so. Definitions are those of Wang & Isola (2020,
//! "Understanding Contrastive Representation Learning through Alignment and Uniformity on the
//! Hypersphere") unless an item says otherwise. Sums over pairs are exact and their result does not
//! depend on the number of threads; nothing is ever sub-sampled unless the function's name says so.
//!
//! # Example
//! ```
//! use spherescope::{geometry, measure::{self, PairSet, Rows}, progress::Progress};
//!
//! let mut features = vec![1.0, 0.2, -0.5, 2.0, 0.1, -3.0];
//! geometry::normalise_rows(&mut features, 2);
//! let rows = Rows::new(&features, 2)?;
//! let uniformity = measure::uniformity(rows, 2.0, PairSet::All, &Progress::none())?;
//! assert_eq!(uniformity.pairs, 3);
//! assert!(uniformity.value < 0.0);
//! # Ok::<(), measure::MeasureError>(())
//! ```

mod alignment;
mod bounds;
mod cloud;
mod clusters;
pub mod collapse;
mod dense_probe;
mod density;
mod descent;
mod error;
mod histogram;
mod hold_out;
mod kernel;
mod knn;
mod linear_probe;
mod logistic;
mod logsum;
mod on_device;
mod pairs;
mod potential;
mod precision;
mod rows;
mod sampled;
mod spread;
mod tiles;
mod top1;
mod uniformity;
mod words;

pub use alignment::{alignment, alignment_of_distances, alignment_same_class, pair_distances};
pub use bounds::{UNIFORMITY_CEILING, alignment_range, uniformity_floor};
pub use clusters::{Clusters, spherical_kmeans};
pub use dense_probe::{DenseProbe, dense_probe, pooled_mask};
pub use density::local_density;
pub use error::MeasureError;
pub use histogram::{Histogram, histogram, pair_distance_histogram};
pub use hold_out::HoldOut;
pub use knn::{Knn, knn};
pub use linear_probe::{LinearProbe, MultiLabelProbe, linear_probe, multi_label_probe};
pub use logistic::{Fit, FitSettings};
pub use on_device::{MAX_T_ON_DEVICE, uniformity_on_device};
pub use pairs::PairSet;
pub use potential::{potential, potential_at};
pub use precision::average_precision;
pub use rows::Rows;
pub use sampled::uniformity_sampled;
pub use spread::{mean_norm, mean_vector, std_sqrt_d};
pub use top1::top1;
pub use uniformity::{MAX_T, Uniformity, uniformity};
pub use words::counted;
