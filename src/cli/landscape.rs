//! `spherescope landscape`: surfaces over a slice of weight space.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, bail};
use serde_json::json;

use super::{args::RequestArgs, export::write_array, headless, output, render};
use crate::{
    analysis::{EncoderSource, Request, Subject},
    app::{
        figure::{FigureTheme, Painter},
        landscape_svg::landscape_svg,
    },
    checkpoint::{self, OpenOptions},
    compute::{Compute, DevicePolicy},
    landscape::{
        BatchNormUse, Directions, Pace, Quantity, Slice, SliceSettings, SliceSubject,
        SnapshotWeights, UniformOver,
    },
    progress::Progress,
    training::{RunConfig, RunLoss, own_checkpoints},
    ui::{LandscapePicture, LandscapeView, SlicePicture},
};

/// Width and height of the pictures in pixels.
const PICTURE: [u32; 2] = [1300, 1300];

/// Flags of `landscape`.
#[derive(Debug, clap::Args)]
pub struct LandscapeArgs {
    #[command(flatten)]
    request: RequestArgs,
    /// A folder that `train` wrote: its checkpoints are the snapshots, its probe the images.
    #[arg(long, value_name = "DIR", conflicts_with_all = [
        "checkpoint", "untrained", "bundled", "images", "builtin", "kind", "stage", "matching", "pair_set",
        "alpha", "t", "normalisation", "mean", "resize", "seed", "limit",
    ])]
    run: Option<PathBuf>,
    /// Folder for landscape.npz, landscape.json and the pictures; made when it is not there.
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// The two directions: random, trajectory, plane:A,B,C or line:A,B with steps of the run.
    #[arg(long, value_name = "HOW", default_value = "random", value_parser = directions)]
    directions: Directions,
    /// Seed of random directions.
    #[arg(long, value_name = "N", default_value_t = 0)]
    direction_seed: u64,
    /// Points along each side, odd.
    #[arg(long, visible_alias = "grid", value_name = "N", default_value_t = 25)]
    side: usize,
    /// From the middle to the edge in the plane's units; the plane's own unless given.
    #[arg(long, value_name = "X")]
    half_width: Option<f64>,
    /// The middle, as X,Y.
    #[arg(long, value_name = "X,Y", value_parser = two_numbers, allow_hyphen_values = true, default_value = "0,0")]
    centre: [f64; 2],
    /// Batch-norm statistics: frozen or re-estimated.
    #[arg(long, value_name = "HOW", default_value = "frozen", value_parser = batch_norm)]
    batch_norm: BatchNormUse,
    /// Vectors that uniformity is over: views or images.
    #[arg(long, value_name = "WHICH", default_value = "views", value_parser = uniform_over)]
    uniform_over: UniformOver,
    /// Images of the probe batch, a seeded sample when there are more; each gives two views.
    #[arg(long, value_name = "N", default_value_t = 256)]
    probe_images: usize,
    /// Weights of alignment and uniformity in their sum, as A,U.
    #[arg(long, value_name = "A,U", value_parser = two_numbers, allow_hyphen_values = true, default_value = "1,1")]
    weights: [f64; 2],
    /// Measures the accuracy of the neighbours' votes too, on labelled images.
    #[arg(long)]
    knn: bool,
    /// Colours by the logarithm of the height above the lowest.
    #[arg(long)]
    log: bool,
    /// Writes numbers and SVG, but draws no PNG.
    #[arg(long)]
    no_png: bool,
    /// Background and inks of the pictures.
    #[arg(long, value_enum, default_value_t = FigureTheme::Light)]
    theme: FigureTheme,
}

/// Runs `landscape`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &LandscapeArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    let settings = args.settings();
    settings.check()?;
    args.check_use()?;
    std::fs::create_dir_all(&args.output)
        .with_context(|| format!("cannot make the folder {}", args.output.display()))?;
    let compute = headless(policy)?;
    let bar = output::Bar::new();
    let outcome = fill(args, &settings, &compute, &bar.progress());
    bar.finish();
    let filled = outcome?;
    let title = filled.request.encoder.title();
    let picture = LandscapePicture::new(filled.slice, title, 1).with_floor(filled.floor);
    write_numbers(
        args,
        &filled.request,
        &picture.slice,
        &filled.pace,
        &compute,
    )?;
    write_pictures(args, &picture, &compute)?;
    tell(args, &picture, &filled.pace)
}

/// A slice that is filled, with what it is of.
struct Filled {
    request: Request,
    slice: Slice,
    floor: Option<f64>,
    /// Times since encoder and images began to be opened.
    pace: Pace,
}

impl LandscapeArgs {
    /// Refuses flags that would change nothing.
    fn check_use(&self) -> anyhow::Result<()> {
        let is_random = matches!(self.directions, Directions::Random { .. });
        if self.direction_seed != 0 && !is_random {
            bail!("--direction-seed is for random directions alone");
        }
        if !is_random && self.run.is_none() {
            bail!("these directions go through a run's snapshots: name its folder with --run DIR");
        }
        Ok(())
    }

    fn settings(&self) -> SliceSettings {
        SliceSettings {
            directions: match self.directions {
                Directions::Random { .. } => Directions::Random {
                    seed: self.direction_seed,
                },
                other => other,
            },
            batch_norm: self.batch_norm,
            uniform_over: self.uniform_over,
            side: self.side,
            centre: self.centre,
            half_width: self.half_width,
            images: self.probe_images,
            align_weight: self.weights[0],
            uniform_weight: self.weights[1],
            has_knn: self.knn,
        }
    }
}

fn fill(
    args: &LandscapeArgs,
    settings: &SliceSettings,
    compute: &Compute,
    progress: &Progress,
) -> anyhow::Result<Filled> {
    let began = Instant::now();
    let (request, snapshots) = match &args.run {
        Some(folder) => of_run(folder, settings, progress)?,
        None => (args.request.request(true)?, Vec::new()),
    };
    // The settings of a run lie beside its checkpoints.
    let loss = match &request.encoder {
        EncoderSource::File(path) => RunLoss::beside(path),
        _ => None,
    };
    if request.sample_pairs.is_some() {
        bail!("a landscape sums all pairs: leave --sample-pairs out");
    }
    let request = settings.limited(&request);
    let subject = Subject::open(&request, progress)?;
    let subject = SliceSubject::new(&request, subject, settings, &snapshots, compute, progress)?;
    let subject = subject.with_loss(loss);
    let mut slice = Slice::new(&subject, settings)?;
    let mut pace = Pace::default();
    slice.fill(&subject, progress, |slice| {
        pace.note(slice, began.elapsed().as_secs_f64());
    })?;
    Ok(Filled {
        request,
        slice,
        floor: subject.floor(),
        pace,
    })
}

/// The checkpoints of a run's folder, and what its probe asks of the one that the plane goes
/// through.
fn of_run(
    folder: &Path,
    settings: &SliceSettings,
    progress: &Progress,
) -> anyhow::Result<(Request, Vec<SnapshotWeights>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)
        .with_context(|| format!("cannot read the folder {}", folder.display()))?
    {
        let path = entry?.path();
        let step = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| {
                name.strip_prefix("step-")?
                    .strip_suffix(".safetensors")?
                    .parse()
                    .ok()
            });
        if let Some(step) = step {
            files.push((step, path));
        }
    }
    files.sort();
    // Steps that the run went back from are no part of its path.
    if let Some(own) = own_checkpoints(folder) {
        let before = files.len();
        files.retain(|file| own.contains(file));
        let left = before - files.len();
        if left > 0 {
            log::warn!(
                "{left} of {before} checkpoints are left out: the run went back to an earlier step \
                 and on from there"
            );
        }
    }
    let Some((newest, _)) = files.last() else {
        bail!(
            "{}: there is no step-*.safetensors of a run",
            folder.display()
        );
    };
    let origin = match settings.directions {
        Directions::Snapshots([step, ..]) | Directions::Line([step, _]) => step,
        Directions::Random { .. } | Directions::Trajectory => *newest,
    };
    let file = files.iter().find(|(step, _)| *step == origin);
    let Some((_, path)) = file else {
        bail!(
            "{}: no checkpoint of step {origin} is saved there of the run as it went on",
            folder.display()
        );
    };
    let config = RunConfig::open(&folder.join("run.toml"))?;
    let request = Request {
        encoder: EncoderSource::File(path.clone()),
        ..config.probe_request(origin)
    };
    // Random directions need no snapshot beside the origin.
    let needed = match settings.directions {
        Directions::Random { .. } => &[],
        _ => files.as_slice(),
    };
    let snapshots = needed
        .iter()
        .map(|(step, path)| {
            let options = OpenOptions::default();
            let (weights, _) = checkpoint::model_weights(path, &options, progress)?;
            Ok(SnapshotWeights {
                step: *step,
                weights,
            })
        })
        .collect::<anyhow::Result<_>>()?;
    Ok((request, snapshots))
}

/// The grid as arrays, and everything that decides it as JSON.
fn write_numbers(
    args: &LandscapeArgs,
    request: &Request,
    slice: &Slice,
    pace: &Pace,
    compute: &Compute,
) -> anyhow::Result<()> {
    let side = slice.grid.side as u64;
    let mut provenance = json!({
        "spherescope": env!("CARGO_PKG_VERSION"),
        "request": request,
        "settings": slice.settings,
        "grid": slice.grid,
        "words": slice.words,
        "axes": slice.axis_names,
        "snapshots": slice.marks,
        "points_not_finite": slice.not_finite(),
        "origin": slice.origin,
        "device": compute.report(),
    });
    let text = provenance.to_string();
    // Beside the numbers, not among them: the same command writes the same arrays.
    provenance["pace"] = json!(pace);
    output::write_json(&args.output.join("landscape.json"), &provenance)?;
    output::write_whole(&args.output.join("landscape.npz"), |file| {
        let mut npz = npyz::npz::NpzWriter::new(file);
        let along = |axis: usize| -> Vec<f64> {
            let cell = |index: usize| {
                if axis == 0 {
                    index
                } else {
                    index * slice.grid.side
                }
            };
            (0..slice.grid.side)
                .map(|index| slice.grid.at(cell(index))[axis])
                .collect()
        };
        write_array(&mut npz, "x", &[side], &along(0))?;
        write_array(&mut npz, "y", &[side], &along(1))?;
        for &quantity in &slice.quantities {
            write_array(
                &mut npz,
                quantity.name(),
                &[side, side],
                &slice.surface(quantity),
            )?;
        }
        let marks: Vec<f64> = slice
            .marks
            .iter()
            .flat_map(|mark| [mark.step as f64, mark.at[0], mark.at[1], mark.off_plane])
            .collect();
        write_array(
            &mut npz,
            "snapshots",
            &[slice.marks.len() as u64, 4],
            &marks,
        )?;
        write_array(
            &mut npz,
            "provenance",
            &[text.len() as u64],
            text.as_bytes(),
        )?;
        Ok(())
    })
}

fn write_pictures(
    args: &LandscapeArgs,
    picture: &LandscapePicture,
    compute: &Compute,
) -> anyhow::Result<()> {
    let write = |name: String, bytes: &[u8]| {
        output::write_whole(&args.output.join(name), |file| {
            std::io::Write::write_all(file, bytes)?;
            Ok(())
        })
    };
    for &quantity in &picture.slice.quantities {
        let svg = landscape_svg(picture, quantity, args.log, args.theme);
        write(format!("{}.svg", quantity.name()), svg.as_bytes())?;
    }
    if args.no_png {
        return Ok(());
    }
    let painter = match Painter::new(compute, args.theme) {
        Ok(painter) => painter,
        Err(error) => {
            log::warn!("no PNG pictures: {error:#}");
            return Ok(());
        }
    };
    let draw = |quantity, shape, name: &str| -> anyhow::Result<()> {
        let view = LandscapeView {
            quantity,
            picture: shape,
            is_logarithmic: args.log,
            ..LandscapeView::default()
        };
        let image = painter.paint_landscape(picture, &view, PICTURE)?;
        write(format!("{name}.png"), &render::png(&image)?)
    };
    for &quantity in &picture.slice.quantities {
        draw(quantity, SlicePicture::Map, quantity.name())?;
    }
    draw(Quantity::Sum, SlicePicture::Relief, "surface")?;
    draw(Quantity::Sum, SlicePicture::Exchange, "plane")
}

/// What was done and what came out, for a reader.
fn tell(args: &LandscapeArgs, picture: &LandscapePicture, pace: &Pace) -> anyhow::Result<()> {
    let slice = &picture.slice;
    let mut lines = vec![format!(
        "{}: {} of {} points",
        args.output.display(),
        slice.done,
        slice.cells.len()
    )];
    lines.extend(pace.words());
    lines.extend(slice.words.iter().cloned());
    lines.extend(slice.not_finite_words());
    for &quantity in &slice.quantities {
        let [low, high] = picture.surface(quantity).range;
        let origin = slice
            .origin
            .map_or(f64::NAN, |origin| slice.value(&origin, quantity));
        lines.push(format!(
            "{} = {origin:.5} at the encoder, {low:.5} to {high:.5} over the slice",
            slice.formula(quantity)
        ));
    }
    output::print_line(&lines.join("\n"))
}

fn directions(text: &str) -> Result<Directions, String> {
    let steps = |list: &str| -> Option<Vec<usize>> {
        list.split(',')
            .map(|step| step.trim().parse().ok())
            .collect()
    };
    let wrong = || {
        format!(
            "'{text}' is none of: random, trajectory, plane:A,B,C, line:A,B (A, B, C are steps)"
        )
    };
    match text.split_once(':') {
        None if text == "random" => Ok(Directions::Random { seed: 0 }),
        None if text == "trajectory" => Ok(Directions::Trajectory),
        Some(("plane", list)) => match steps(list).as_deref() {
            Some(&[a, b, c]) => Ok(Directions::Snapshots([a, b, c])),
            _ => Err(wrong()),
        },
        Some(("line", list)) => match steps(list).as_deref() {
            Some(&[a, b]) => Ok(Directions::Line([a, b])),
            _ => Err(wrong()),
        },
        _ => Err(wrong()),
    }
}

fn two_numbers(text: &str) -> Result<[f64; 2], String> {
    let parse = || -> Option<[f64; 2]> {
        let (a, b) = text.split_once(',')?;
        Some([a.trim().parse().ok()?, b.trim().parse().ok()?])
    };
    parse().ok_or_else(|| format!("'{text}' is not two numbers with a comma between them"))
}

fn batch_norm(text: &str) -> Result<BatchNormUse, String> {
    BatchNormUse::ALL
        .into_iter()
        .find(|value| value.name() == text)
        .ok_or_else(|| format!("'{text}' is none of: frozen, re-estimated"))
}

fn uniform_over(text: &str) -> Result<UniformOver, String> {
    UniformOver::ALL
        .into_iter()
        .find(|value| value.name() == text)
        .ok_or_else(|| format!("'{text}' is none of: views, images"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_read_and_others_refused() {
        assert_eq!(directions("random"), Ok(Directions::Random { seed: 0 }));
        assert_eq!(directions("trajectory"), Ok(Directions::Trajectory));
        assert_eq!(
            directions("plane:1, 2,3"),
            Ok(Directions::Snapshots([1, 2, 3]))
        );
        assert_eq!(directions("line:0,500"), Ok(Directions::Line([0, 500])));
        for wrong in ["rand", "line:1", "plane:1,2", "line:a,b", "sphere:1,2"] {
            assert!(
                directions(wrong).unwrap_err().contains("trajectory"),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_runs_path_is_that_of_the_branch_that_it_went_on_with() {
        use crate::{
            analysis::ImagesSource,
            data::{BuiltinConfig, BuiltinKind},
            models::Architecture,
            training::{Curves, Run},
        };
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let progress = Progress::none();
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let config = RunConfig {
            batch: 8,
            architecture: Architecture::TinyConvNet { width: 4 },
            images: ImagesSource::Builtin(BuiltinConfig {
                kind: BuiltinKind::SingleObject,
                count: 16,
                side: 16,
                seed: 1,
            }),
            ..RunConfig::default()
        };
        let mut run = Run::new(config, &compute, &progress).unwrap();
        let save_after = |run: &mut Run, steps: usize| {
            for _ in 0..steps {
                run.step(&progress).unwrap();
            }
            run.save(folder, &Curves::default()).unwrap();
        };
        save_after(&mut run, 1);
        let snapshot = run.snapshot().unwrap();
        save_after(&mut run, 3);
        run.restore(&snapshot).unwrap();
        save_after(&mut run, 1);
        let settings = SliceSettings {
            directions: Directions::Trajectory,
            ..SliceSettings::default()
        };
        let (request, snapshots) = of_run(folder, &settings, &progress).unwrap();
        let steps: Vec<usize> = snapshots.iter().map(|one| one.step).collect();
        assert_eq!(steps, [1, 2]);
        let newest = folder.join("step-000002.safetensors");
        assert_eq!(request.encoder, EncoderSource::File(newest));
        let to_the_other = SliceSettings {
            directions: Directions::Line([4, 1]),
            ..settings
        };
        let refused = of_run(folder, &to_the_other, &progress).err().unwrap();
        assert!(
            refused.to_string().contains("no checkpoint of step 4"),
            "{refused}"
        );
    }

    #[test]
    fn numbers_are_read_and_others_refused() {
        assert_eq!(two_numbers("-1, 0.5"), Ok([-1.0, 0.5]));
        assert!(two_numbers("1").is_err() && two_numbers("1,x").is_err());
        assert!(batch_norm("re-estimated").is_ok() && batch_norm("fresh").is_err());
        assert!(uniform_over("images").is_ok() && uniform_over("none").is_err());
    }
}
