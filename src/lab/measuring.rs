//! What is measured of each encoder of a series, and the row that it gives.

use serde::{Deserialize, Serialize};

use super::{LabError, PerformanceSettings, performance};
use crate::{
    analysis::{
        AnalysisError, Cache, EncoderSource, ImagesSource, PairRule, PairSetKind, Request, analyse,
        demo_request,
    },
    compute::Compute,
    data::{Normalisation, Resize, Table},
    features::{FeatureError, FeatureKind, MatchingRule},
    progress::Progress,
};

/// One pair of alignment and uniformity: of which vectors, over which pairs, with which α and t.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Measure {
    /// Which vectors.
    pub kind: FeatureKind,
    /// Number of the stage; the architecture's default when absent.
    pub stage: Option<usize>,
    /// Which pairs count as positive.
    pub pairs: PairRule,
    /// How locations of two views are paired.
    pub matching: MatchingRule,
    /// Which pairs uniformity looks at.
    pub pair_set: PairSetKind,
    /// Exponent of alignment.
    pub alpha: f64,
    /// Temperature of uniformity.
    pub t: f64,
}

impl Default for Measure {
    fn default() -> Self {
        Self {
            kind: FeatureKind::Pooled,
            stage: None,
            pairs: PairRule::default(),
            matching: MatchingRule::default(),
            pair_set: PairSetKind::default(),
            alpha: 2.0,
            t: 2.0,
        }
    }
}

impl Measure {
    /// The usual measure of some vectors.
    pub fn of(kind: FeatureKind) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }

    /// A name for columns: the kind, and every setting that is not the usual one.
    pub fn name(&self) -> String {
        let usual = Self::default();
        let mut name = self.kind.name().to_owned();
        if let Some(stage) = self.stage {
            name += &format!("/stage={stage}");
        }
        if self.pairs != usual.pairs {
            name += &format!("/{}", self.pairs);
        }
        if self.kind.is_dense() && self.matching != usual.matching {
            name += &format!("/{}", self.matching);
        }
        if self.kind.is_dense() && self.pair_set != usual.pair_set {
            name += &format!("/{}", self.pair_set);
        }
        if self.alpha != usual.alpha {
            name += &format!("/α={}", self.alpha);
        }
        if self.t != usual.t {
            name += &format!("/t={}", self.t);
        }
        name
    }
}

/// What is measured of each encoder of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct MeasurePlan {
    /// At most so many images of a set, a seeded sample; all when absent.
    pub limit: Option<usize>,
    /// The same for alignment and uniformity of locations, of which an image has many.
    pub dense_limit: Option<usize>,
    /// Seed of augmentations and samples.
    pub seed: u64,
    /// Input constants; those that the key report proposes when absent.
    pub normalisation: Option<Normalisation>,
    /// How images become input; the architecture's usual size when absent.
    pub resize: Option<Resize>,
    /// Pairs of alignment and uniformity; the first is *the* one of a series.
    pub measures: Vec<Measure>,
    /// Performance; its first task is *the* performance of a series.
    pub performance: PerformanceSettings,
}

impl Default for MeasurePlan {
    fn default() -> Self {
        Self {
            limit: None,
            dense_limit: Some(128),
            seed: 0,
            normalisation: None,
            resize: None,
            measures: vec![Measure::default()],
            performance: PerformanceSettings::default(),
        }
    }
}

impl MeasurePlan {
    /// Refuses a plan that gives no series.
    ///
    /// # Errors
    /// [`LabError::Setting`], and what the analysis and the probes refuse of their numbers.
    pub fn check(&self) -> Result<(), LabError> {
        if self.measures.is_empty() {
            return Err(LabError::setting("the measures", "at least one", "none"));
        }
        let names: std::collections::BTreeSet<String> =
            self.measures.iter().map(Measure::name).collect();
        if names.len() < self.measures.len() {
            return Err(LabError::setting(
                "the measures",
                "all different",
                "one twice",
            ));
        }
        // On any encoder and images: only the numbers are looked at.
        let any = demo_request();
        for measure in &self.measures {
            self.request(&any.encoder, &any.images, measure).check()?;
        }
        self.performance.check()
    }

    /// Columns of the numbers, in order.
    pub(super) fn columns(&self) -> Vec<String> {
        let mut columns: Vec<String> = ["alignment", "uniformity", "performance"]
            .map(str::to_owned)
            .to_vec();
        for measure in &self.measures {
            columns.push(format!("alignment:{}", measure.name()));
            columns.push(format!("uniformity:{}", measure.name()));
        }
        for task in &self.performance.tasks {
            columns.push(format!("performance:{task}"));
            columns.push(format!("chance:{task}"));
        }
        columns.extend(["std_sqrt_d", "images", "notes", "device"].map(str::to_owned));
        columns
    }

    /// Changes with everything that decides the numbers.
    pub(super) fn fingerprint(&self, images: &ImagesSource) -> String {
        let text = serde_json::to_vec(&(self, images)).unwrap_or_default();
        format!("{:08x}", crc32fast::hash(&text))
    }

    fn request(
        &self,
        encoder: &EncoderSource,
        images: &ImagesSource,
        measure: &Measure,
    ) -> Request {
        let limit = if measure.kind.is_dense() {
            [self.limit, self.dense_limit].into_iter().flatten().min()
        } else {
            self.limit
        };
        Request {
            kind: measure.kind,
            stage: measure.stage,
            pairs: measure.pairs,
            matching: measure.matching,
            pair_set: measure.pair_set,
            alpha: measure.alpha,
            t: measure.t,
            seed: self.seed,
            normalisation: self.normalisation,
            resize: self.resize,
            limit,
            ..Request::new(encoder.clone(), images.clone())
        }
    }
}

/// A row by names of columns.
pub(super) type Fields = Vec<(String, String)>;

/// Measures one encoder: fields by the names of the columns of its table. A measure or task that
/// this encoder does not have leaves its fields empty and says so in `notes`.
///
/// # Errors
/// What keeps the encoder or the images from being used at all.
pub fn measure_encoder(
    encoder: &EncoderSource,
    images: &ImagesSource,
    plan: &MeasurePlan,
    compute: &Compute,
    cache: &mut Cache,
    progress: &Progress,
) -> Result<Vec<(String, String)>, LabError> {
    plan.check()?;
    let mut fields: Fields = Vec::new();
    let mut notes = Vec::new();
    let set = |fields: &mut Fields, column: String, value: Option<f64>| {
        fields.push((
            column,
            value.map_or_else(String::new, |value| format!("{value:.6}")),
        ));
    };
    for (place, measure) in plan.measures.iter().enumerate() {
        let request = plan.request(encoder, images, measure);
        let name = measure.name();
        let numbers = match analyse(&request, compute, cache, progress) {
            Ok(analysis) => {
                if place == 0 {
                    fields.push(("images".to_owned(), analysis.features.provenance.line()));
                    fields.push(("device".to_owned(), analysis.device.to_string()));
                }
                for (what, figure) in [
                    ("alignment", &analysis.numbers.alignment),
                    ("uniformity", &analysis.numbers.uniformity),
                ] {
                    if let Some(why) = &figure.why_absent {
                        notes.push(format!("{name}: no {what}: {why}"));
                    }
                }
                Some(analysis.numbers)
            }
            Err(AnalysisError::Features(
                error @ (FeatureError::NoHead { .. }
                | FeatureError::NoLocations { .. }
                | FeatureError::NoSuchStage { .. }
                | FeatureError::HeadMismatch { .. }),
            )) => {
                notes.push(format!("{name}: {error}"));
                None
            }
            Err(error) => return Err(error.into()),
        };
        let value =
            |of: fn(&crate::analysis::Numbers) -> Option<f64>| numbers.as_ref().and_then(of);
        let (alignment, uniformity) = (
            value(|numbers| numbers.alignment.value),
            value(|numbers| numbers.uniformity.value),
        );
        if place == 0 {
            set(&mut fields, "alignment".to_owned(), alignment);
            set(&mut fields, "uniformity".to_owned(), uniformity);
            set(
                &mut fields,
                "std_sqrt_d".to_owned(),
                value(|numbers| numbers.std_sqrt_d.value),
            );
        }
        set(&mut fields, format!("alignment:{name}"), alignment);
        set(&mut fields, format!("uniformity:{name}"), uniformity);
    }
    let request = plan.request(encoder, images, &Measure::default());
    let judged = performance(&request, &plan.performance, compute, cache, progress)?;
    for (place, judgement) in judged.iter().enumerate() {
        let task = judgement.task;
        if place == 0 {
            set(&mut fields, "performance".to_owned(), judgement.value);
        }
        set(&mut fields, format!("performance:{task}"), judgement.value);
        set(&mut fields, format!("chance:{task}"), judgement.chance);
        if let Some(why) = &judgement.why_absent {
            notes.push(format!("{task}: {why}"));
        }
        if let Some(fit) = judgement.fit.filter(|fit| !fit.is_converged) {
            notes.push(format!(
                "{task}: not converged, gradient {:.1e}",
                fit.gradient
            ));
        }
    }
    fields.push(("notes".to_owned(), notes.join("; ")));
    Ok(fields)
}

/// A row by names of columns; fields without a column are dropped.
pub(super) fn row_of(columns: &[String], fields: &[(String, String)]) -> Vec<String> {
    let field = |column: &String| {
        let found = fields.iter().find(|(name, _)| name == column);
        found.map_or_else(String::new, |(_, value)| value.clone())
    };
    columns.iter().map(field).collect()
}

/// Adds a row by names of columns.
pub(super) fn push(table: &mut Table, fields: &[(String, String)]) {
    let row = row_of(table.columns(), fields);
    table.push(row);
}

/// Puts a row in the place of the one with the same `name`, or at the end.
pub(super) fn put(table: &mut Table, fields: &[(String, String)]) {
    let new = row_of(table.columns(), fields);
    let name = table.column("name");
    let is_same = |row: &[String]| name.is_some_and(|at| row[at] == new[at]);
    let mut all = Table::new(table.columns().to_vec());
    let mut is_placed = false;
    for row in table.rows() {
        if !is_same(row) {
            all.push(row.clone());
        } else if !is_placed {
            all.push(new.clone());
            is_placed = true;
        }
    }
    if !is_placed {
        all.push(new);
    }
    *table = all;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_are_named_by_what_is_unusual() {
        assert_eq!(Measure::default().name(), "pooled");
        let odd = Measure {
            stage: Some(1),
            matching: MatchingRule::Random,
            pair_set: PairSetKind::WithinImage,
            alpha: 1.0,
            t: 4.0,
            ..Measure::of(FeatureKind::Dense)
        };
        assert_eq!(odd.name(), "dense/stage=1/random/within-image/α=1/t=4");
        // Pooled vectors have no locations to match.
        let pooled = Measure {
            kind: FeatureKind::Pooled,
            stage: None,
            alpha: 2.0,
            t: 2.0,
            ..odd
        };
        assert_eq!(pooled.name(), "pooled");
    }

    #[test]
    fn impossible_plans_are_refused() {
        let refuse = |plan: MeasurePlan| plan.check().unwrap_err().to_string();
        let usual = MeasurePlan::default;
        assert!(usual().check().is_ok());
        assert!(
            refuse(MeasurePlan {
                measures: vec![],
                ..usual()
            })
            .contains("at least one")
        );
        let twice = vec![Measure::default(); 2];
        assert!(
            refuse(MeasurePlan {
                measures: twice,
                ..usual()
            })
            .contains("twice")
        );
        let judged = |change: fn(&mut PerformanceSettings)| {
            let mut plan = usual();
            change(&mut plan.performance);
            refuse(plan)
        };
        assert!(judged(|settings| settings.tasks.clear()).contains("at least one"));
        assert!(judged(|settings| settings.tasks.push(settings.tasks[0])).contains("twice"));
        assert!(judged(|settings| settings.k = 0).contains("k of k-NN"));
        assert!(judged(|settings| settings.temperature = f64::NAN).contains("temperature"));
        assert!(judged(|settings| settings.fit.c = -1.0).contains('C'));
        let with = |change: fn(&mut Measure)| {
            let mut plan = usual();
            change(&mut plan.measures[0]);
            refuse(plan)
        };
        assert!(with(|measure| measure.t = 0.0).contains('t'));
        assert!(with(|measure| measure.alpha = f64::INFINITY).contains("alpha"));
        let limit = Some(0);
        assert!(refuse(MeasurePlan { limit, ..usual() }).contains("limit"));
    }

    #[test]
    fn rows_go_by_names() {
        let mut table = Table::new(["a", "b", "c"]);
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        push(
            &mut table,
            &[field("c", "3"), field("z", "9"), field("a", "1")],
        );
        assert_eq!(table.rows(), [["1", "", "3"]]);
    }

    #[test]
    fn a_row_takes_the_place_of_its_namesake() {
        let mut table = Table::new(["name", "value"]);
        for (name, value) in [("a", "1"), ("b", "2"), ("a", "3")] {
            let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
            put(&mut table, &[field("name", name), field("value", value)]);
        }
        assert_eq!(table.rows(), [["a", "3"], ["b", "2"]]);
    }
}
