//! The snapshots of a run as a series: what its probes showed, a row each.

use std::sync::Arc;

use super::{
    LabError, Measure,
    measuring::{Fields, push},
    performance::PerformanceSettings,
};
use crate::{
    analysis::{Analysis, EncoderSource},
    data::Table,
    geometry::normalise_rows,
    measure::{HoldOut, Knn, Rows, knn},
    progress::Progress,
    training::Frame,
};

/// The table of a run's kept frames, oldest first. Alignment and uniformity are those of the probe;
/// performance is k-NN on the same frozen vectors, an image each (locations are averaged), with
/// half of the probe's images held out. A frame without a number says why in `notes`.
///
/// # Errors
/// Only when asked to stop.
pub fn series_of_frames(frames: &[Arc<Frame>], progress: &Progress) -> Result<Table, LabError> {
    let names = measures(frames);
    let mut columns: Vec<String> = ["name", "alignment", "uniformity", "performance"]
        .map(str::to_owned)
        .to_vec();
    for name in &names {
        columns.extend(["alignment", "uniformity"].map(|of| format!("{of}:{name}")));
    }
    columns.extend(
        [
            "performance:knn",
            "chance:knn",
            "step",
            "run",
            "images",
            "notes",
            "device",
        ]
        .map(str::to_owned),
    );
    let mut table = Table::new(columns);
    for frame in frames {
        progress.check()?;
        push(&mut table, &row(frame, progress)?);
    }
    Ok(table)
}

/// What the frames were probed with; one, unless the probe was changed on the way.
fn measures(frames: &[Arc<Frame>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for frame in frames {
        let name = measure_of(&frame.analysis).name();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn measure_of(analysis: &Analysis) -> Measure {
    let request = &analysis.request;
    Measure {
        kind: request.kind,
        stage: request.stage,
        pairs: request.pairs,
        matching: request.matching,
        pair_set: request.pair_set,
        alpha: request.alpha,
        t: request.t,
    }
}

fn row(frame: &Frame, progress: &Progress) -> Result<Fields, LabError> {
    let analysis = &frame.analysis;
    let run = match &analysis.request.encoder {
        EncoderSource::Run { name, .. } => name.clone(),
        other => other.title(),
    };
    let name = measure_of(analysis).name();
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.6}"));
    let (a, u) = (&analysis.numbers.alignment, &analysis.numbers.uniformity);
    let mut notes: Vec<String> = [("alignment", a), ("uniformity", u)]
        .into_iter()
        .filter_map(|(what, figure)| Some(format!("no {what}: {}", figure.why_absent.as_ref()?)))
        .collect();
    let judged = match judged(analysis, progress) {
        Ok(found) => Some(found),
        Err(why) => {
            progress.check()?;
            notes.push(format!("knn: {why}"));
            None
        }
    };
    let performance = number(judged.as_ref().map(|found| found.accuracy));
    let [alignment, uniformity] = [a, u].map(|figure| number(figure.value));
    let own = [
        (format!("alignment:{name}"), alignment.clone()),
        (format!("uniformity:{name}"), uniformity.clone()),
    ];
    let usual = [
        ("name", format!("step {}", frame.step)),
        ("alignment", alignment),
        ("uniformity", uniformity),
        ("performance", performance.clone()),
        ("performance:knn", performance),
        ("chance:knn", number(judged.map(|found| found.chance))),
        ("step", frame.step.to_string()),
        ("run", run),
        ("images", analysis.features.provenance.line()),
        ("notes", notes.join("; ")),
        ("device", analysis.device.to_string()),
    ];
    let usual = usual.map(|(column, value)| (column.to_owned(), value));
    Ok(usual.into_iter().chain(own).collect())
}

/// k-NN on the frame's own vectors.
fn judged(analysis: &Analysis, progress: &Progress) -> Result<Knn, String> {
    let settings = PerformanceSettings::default();
    let features = &analysis.features;
    let Some(labels) = &features.labels else {
        return Err("the probe's images have no classes".to_owned());
    };
    let (vectors, labels) = an_image_each(&features.values, features.dim, &features.images, labels);
    let found = HoldOut::stratified(&labels, settings.held_out, settings.seed).and_then(|split| {
        let rows = Rows::new(&vectors, features.dim)?;
        let (k, temperature) = (settings.k, settings.temperature);
        knn(rows, &labels, &split, k, temperature, progress)
    });
    found.map_err(|error| error.to_string())
}

/// Unit vectors, one an image, with its class: the raw vectors of its locations averaged.
fn an_image_each(
    values: &[f32],
    dim: usize,
    images: &[u32],
    labels: &[u32],
) -> (Vec<f32>, Vec<u32>) {
    let mut vectors: Vec<f32> = Vec::new();
    let mut classes = Vec::new();
    let mut last = None;
    for ((row, &image), &label) in values.chunks_exact(dim.max(1)).zip(images).zip(labels) {
        if last == Some(image) {
            let start = vectors.len() - dim;
            for (sum, value) in vectors[start..].iter_mut().zip(row) {
                *sum += value;
            }
        } else {
            vectors.extend_from_slice(row);
            classes.push(label);
            last = Some(image);
        }
    }
    // A sum points where the mean does.
    normalise_rows(&mut vectors, dim);
    (vectors, classes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        analysis::{Cache, analyse, demo_request},
        compute::{Compute, DevicePolicy},
        features::FeatureKind,
        lab::{ON_STEPS, Task, caveat, performance, views},
    };

    #[test]
    fn locations_are_averaged_to_an_image_each() {
        let values = [1.0, 0.0, 0.0, 1.0, 0.0, 3.0];
        let (vectors, classes) = an_image_each(&values, 2, &[4, 4, 7], &[1, 1, 0]);
        let half = std::f32::consts::FRAC_1_SQRT_2;
        for (found, wanted) in vectors.iter().zip([half, half, 0.0, 1.0]) {
            assert!((found - wanted).abs() < 1e-6, "{vectors:?}");
        }
        assert_eq!((vectors.len(), classes), (4, vec![1, 0]));
    }

    #[test]
    fn frames_become_rows_with_the_numbers_that_performance_gives() {
        let mut request = demo_request();
        request.kind = FeatureKind::Pooled;
        request.limit = Some(96);
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let (progress, mut cache) = (Progress::none(), Cache::headless());
        let analysis = analyse(&request, &compute, &mut cache, &progress).unwrap();
        let settings = PerformanceSettings {
            tasks: vec![Task::Knn],
            ..PerformanceSettings::default()
        };
        let judged = performance(&request, &settings, &compute, &mut cache, &progress).unwrap();
        let frames: Vec<Arc<Frame>> = [0, 10, 20]
            .map(|step| {
                let mut analysis = analysis.clone();
                analysis.request.encoder = EncoderSource::Run {
                    name: "short".to_owned(),
                    step,
                };
                Arc::new(Frame {
                    step,
                    analysis: Arc::new(analysis),
                })
            })
            .to_vec();
        let table = series_of_frames(&frames, &progress).unwrap();
        let field = |column: &str| table.rows()[1][table.column(column).unwrap()].clone();
        let number = |column: &str| field(column).parse::<f64>().unwrap();
        let value = analysis.numbers.alignment.value.unwrap();
        assert!((number("alignment:pooled") - value).abs() < 1e-6);
        // Pooled vectors, the same split: the same accuracy as the probe of an opened encoder.
        assert!((number("performance:knn") - judged[0].value.unwrap()).abs() < 1e-6);
        assert_eq!((field("step"), field("run")), ("10".into(), "short".into()));
        let columns = views(&table);
        assert_eq!(columns.orders, ["step"]);
        let choice = crate::correlation::ColumnChoice {
            name: columns.name,
            alignment: "alignment".to_owned(),
            uniformity: "uniformity".to_owned(),
            performance: "performance".to_owned(),
        };
        let series = crate::correlation::Series::from_table(&table, &choice).unwrap();
        let told = caveat(&series).unwrap();
        assert!(
            told.starts_with("3 of 3 encoders are steps of 1 run: "),
            "{told}"
        );
        assert!(told.contains(ON_STEPS));
    }
}
