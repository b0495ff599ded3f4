//! `spherescope inspect-image`: one image location by location, as a picture and as numbers.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context, bail};
use serde_json::json;

use super::{args::RequestArgs, headless, output, render};
use crate::{
    analysis::{self, Analysis, Cache},
    app::figure::{FigureTheme, Painter, inspector_size},
    compute::{Compute, DevicePolicy},
    dense::{
        Answer, Basis, Beside, Colours, Cut, MapSource, Question, Subject, SubjectRequest, answer,
        crops, density_among, subject,
    },
    measure::counted,
    progress::Progress,
    ui::{
        BesideChoice, Chosen, InspectMode, InspectorState, InspectorView, LineChoice, MOST_NEAREST,
        NEAREST, Prepared, Snapshot,
    },
};

/// Longer side of a neighbour's crop, pixels.
const CROP_SIDE: u32 = 96;

/// Flags of `inspect-image`.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub struct InspectImageArgs {
    #[command(flatten)]
    request: RequestArgs,
    /// PNG file to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The image: its number in the set, from 0, or its name; the first analysed unless given.
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// The chosen location as row,column of the map, from 0; the middle one unless given.
    #[arg(long, value_name = "ROW,COLUMN", value_parser = cell)]
    cell: Option<[usize; 2]>,
    /// What stands beside it: none, views (two augmented views instead) or image:IMAGE.
    #[arg(long, value_name = "WHAT", default_value = "none")]
    beside: String,
    /// Run the encoder over the picture at its own size; large ones in tiles.
    #[arg(long)]
    own_size: bool,
    /// What colours it: similarity, pca, alignment, density, norm or mask.
    #[arg(long, value_name = "MODE", default_value = "similarity", value_parser = mode)]
    show: InspectMode,
    /// Correspondences drawn as lines by the rule of --matching: none, chosen or all.
    #[arg(long, value_name = "WHICH", default_value = "chosen", value_parser = lines)]
    lines: LineChoice,
    /// Only lines that the rule leads to from both sides.
    #[arg(long)]
    mutual: bool,
    /// Only lines of at least this cosine.
    #[arg(
        long,
        value_name = "COSINE",
        default_value_t = -1.0,
        allow_hyphen_values = true
    )]
    least_cosine: f32,
    /// Colours that run smoothly between the middles of locations.
    #[arg(long)]
    smooth: bool,
    /// A scale that follows the values instead of the whole range.
    #[arg(long)]
    automatic_scale: bool,
    /// Opacity of the colours, 0 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 0.65)]
    strength: f32,
    /// Colour by this saved basis of axes instead of one fitted to these images (--show pca).
    #[arg(long, value_name = "FILE")]
    basis: Option<PathBuf>,
    /// Save the basis of axes, to colour other encoders' maps by the same.
    #[arg(long, value_name = "FILE")]
    save_basis: Option<PathBuf>,
    /// Find the axes without taking the mean away.
    #[arg(long)]
    not_centred: bool,
    /// Leave out locations whose score along the first axis is below this; the axes that colour are
    /// then fitted again to what is left, unless they are those of --basis.
    #[arg(long, value_name = "SCORE", allow_hyphen_values = true)]
    cut: Option<f32>,
    /// Leave out those above the cut instead.
    #[arg(long, requires = "cut")]
    cut_below: bool,
    /// Draw the borders between mask classes.
    #[arg(long)]
    mask_borders: bool,
    /// How many of the nearest locations are listed, 1 to 64.
    #[arg(long, value_name = "K", default_value_t = NEAREST, value_parser = nearest)]
    nearest: usize,
    /// List locations of other images only.
    #[arg(long)]
    other_images: bool,
    /// Size in pixels; 1200 wide and as high as what is shown needs unless given.
    #[arg(long, value_name = "WxH", value_parser = render::size)]
    size: Option<[u32; 2]>,
    /// Background and inks.
    #[arg(long, value_enum, default_value_t = FigureTheme::Light)]
    theme: FigureTheme,
    /// Writes the numbers with everything that decides them as JSON; "-" is standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs `inspect-image`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &InspectImageArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    render::check_png(&args.output)?;
    let is_pca = args.show == InspectMode::Pca;
    for (is_given, flag) in [
        (args.basis.is_some(), "--basis"),
        (args.save_basis.is_some(), "--save-basis"),
        (args.not_centred, "--not-centred"),
        (args.cut.is_some(), "--cut"),
    ] {
        if is_given && !is_pca {
            bail!("{flag} is about the colours of --show pca");
        }
    }
    let compute = headless(policy)?;
    let painter = Painter::new(&compute, args.theme)?;
    let mut cache = Cache::headless();
    let analysis = Arc::new(args.request.analyse_dense(&compute, &mut cache)?);
    let seen = Seen::new(args, &analysis, &compute, &mut cache)?;
    let snapshot = Snapshot {
        prepared: Arc::new(Prepared::new(&analysis, &Progress::none())?),
        analysis: Arc::clone(&analysis),
        serial: 1,
    };
    let picture = painter
        .paint_inspector(
            &snapshot,
            &seen.view,
            &seen.state,
            args.size.unwrap_or_else(|| inspector_size(args.nearest)),
        )
        .context("cannot draw the inspector")?;
    let png = render::png(&picture)?;
    output::write_whole(&args.output, |file| {
        std::io::Write::write_all(file, &png)?;
        Ok(())
    })?;
    if let Some(path) = &args.json {
        output::write_json(path, &seen.to_json(&analysis))?;
        if path.as_os_str() == "-" {
            return Ok(());
        }
    }
    output::print_line(&seen.text(&analysis, &args.output))
}

/// What is looked at, ready to be drawn.
struct Seen {
    view: InspectorView,
    state: InspectorState,
    subject: Arc<Subject>,
    answer: Arc<Answer>,
}

impl Seen {
    fn new(
        args: &InspectImageArgs,
        analysis: &Arc<Analysis>,
        compute: &Compute,
        cache: &mut Cache,
    ) -> anyhow::Result<Self> {
        let none = Progress::none();
        let image = match &args.image {
            Some(text) => image_number(analysis, text)?,
            None => analysis
                .features
                .images
                .first()
                .copied()
                .unwrap_or_default(),
        };
        let beside = beside(analysis, &args.beside)?;
        let source = if args.own_size {
            MapSource::OwnSize
        } else {
            MapSource::Analysed
        };
        let request = SubjectRequest {
            image,
            beside,
            source,
        };
        let encoder =
            |progress: &Progress| analysis::encoder(&analysis.request, compute, cache, progress);
        let subject = Arc::new(subject(analysis, request, encoder, compute, &none)?);
        let first = &subject.sides[0];
        let [row, column] = args.cell.unwrap_or(first.grid.map(|count| count / 2));
        if row >= first.grid[0] || column >= first.grid[1] {
            bail!(
                "row {row}, column {column} is beyond the map of {}×{} locations",
                first.grid[0],
                first.grid[1]
            );
        }
        let question = Question {
            side: 0,
            cell: row * first.grid[1] + column,
            count: args.nearest,
            is_between_images: args.other_images,
        };
        let answer = Arc::new(answer(analysis, &subject, question, &none)?);
        let view = view(args, analysis, beside);
        let mut state = InspectorState {
            image,
            revision: 1,
            chosen: Some(Chosen {
                side: 0,
                image,
                place: first.geometry.cell_centre(row, column, first.grid),
            }),
            crops: Arc::new(crops(analysis, &answer.nearest, CROP_SIDE, &none)?),
            subject: Some(Arc::clone(&subject)),
            answer: Some(Arc::clone(&answer)),
            ..InspectorState::default()
        };
        match args.show {
            InspectMode::Pca => state.colours = Some(colours(args, analysis, &subject)?),
            InspectMode::Density => {
                let sides: Result<Vec<_>, _> = subject
                    .sides
                    .iter()
                    .map(|side| density_among(analysis, side, &none))
                    .collect();
                state.density = Some(Arc::new(sides?));
            }
            _ => {}
        }
        Ok(Self {
            view,
            state,
            subject,
            answer,
        })
    }

    /// The numbers with everything that decides them.
    fn to_json(&self, analysis: &Analysis) -> serde_json::Value {
        let name = |image: u32| &analysis.images.records()[image as usize].name;
        let side = |side: &crate::dense::Side| {
            json!({
                "image": name(side.image),
                "grid": side.grid,
                "how": side.how,
                "geometry": side.geometry,
                "within_image_uniformity": side.within.value.as_ref().ok(),
                "why_absent": side.within.value.as_ref().err(),
                "uniformity_floor": side.within.floor,
                "uniformity_over": side.within.population,
                "mask_classes": side.classes,
            })
        };
        let near = |near: &crate::dense::Near| {
            let cell =
                (analysis.features.cells.as_ref()).and_then(|cells| cells.get(near.row as usize));
            json!({
                "row": near.row,
                "image": name(analysis.features.images[near.row as usize]),
                "cell": cell,
                "cosine": near.cosine,
            })
        };
        let rule = |found: &crate::dense::Correspondence| {
            let pairs = found.matches.as_ref().map(|matches| {
                let pair = |found: &crate::dense::Match| {
                    json!([found.from, found.to, found.similarity, found.is_mutual])
                };
                matches.iter().map(pair).collect::<Vec<_>>()
            });
            json!({
                "rule": found.rule,
                "pairs_from_to_cosine_mutual": pairs.as_ref().ok(),
                "why_absent": pairs.as_ref().err(),
                "locations_with_geometric_partner": found.agreement.map(|a| a.count),
                "same_place": found.agreement.map(|a| a.exact),
                "within_one_location": found.agreement.map(|a| a.close),
            })
        };
        json!({
            "spherescope": env!("CARGO_PKG_VERSION"),
            "request": analysis.request,
            "device": analysis.device,
            "provenance": analysis.features.provenance,
            "normalised": "plain L2",
            "looked_at": self.subject.request,
            "cell": self.answer.question.cell,
            "pictures": self.subject.sides.iter().map(side).collect::<Vec<_>>(),
            "similarity": self.answer.maps,
            "nearest": self.answer.nearest.iter().map(near).collect::<Vec<_>>(),
            "nearest_among": self.answer.population,
            "correspondences": self.subject.correspondences.iter().map(rule).collect::<Vec<_>>(),
            "colours": (self.state.colours.as_ref())
                .map(|colours| colours.basis.line(self.view.has_cut)),
            "cut": self.view.foreground(),
            "density": self.state.density.as_deref(),
        })
    }

    /// The numbers for a reader.
    fn text(&self, analysis: &Analysis, output: &std::path::Path) -> String {
        let mut lines = vec![
            analysis.features.provenance.line(),
            analysis.device.reason.clone(),
        ];
        for side in &self.subject.sides {
            let within = match &side.within.value {
                Ok(value) => format!("{value:.5}"),
                Err(why) => format!("absent ({why})"),
            };
            lines.push(format!(
                "{}: {}×{} locations, {}; within-image uniformity {within} over {}",
                analysis.images.records()[side.image as usize].name,
                side.grid[0],
                side.grid[1],
                side.how,
                side.within.population
            ));
        }
        for found in &self.subject.correspondences {
            lines.push(match (&found.matches, found.agreement) {
                (Err(why), _) => format!("{}: absent, {why}", found.rule),
                (Ok(matches), None) => {
                    format!("{}: {}", found.rule, counted(matches.len() as u64, "pair"))
                }
                (Ok(matches), Some(agreement)) => format!(
                    "{}: {}, the same place for {} of {}, within one location for {}",
                    found.rule,
                    counted(matches.len() as u64, "pair"),
                    agreement.exact,
                    agreement.count,
                    agreement.close
                ),
            });
        }
        if let Some(colours) = &self.state.colours {
            lines.push(colours.basis.line(self.view.has_cut));
        }
        lines.push(format!("{}: written", output.display()));
        lines.join("\n")
    }
}

fn view(args: &InspectImageArgs, analysis: &Analysis, beside: Beside) -> InspectorView {
    InspectorView {
        mode: args.show,
        beside: match beside {
            Beside::Nothing => BesideChoice::Nothing,
            Beside::Views => BesideChoice::Views,
            Beside::Image(_) => BesideChoice::Image,
        },
        strength: args.strength.clamp(0.0, 1.0),
        is_smooth: args.smooth,
        is_automatic: args.automatic_scale,
        lines: args.lines,
        rule: analysis.request.matching,
        is_mutual_only: args.mutual,
        least_similarity: args.least_cosine,
        is_centred: !args.not_centred,
        has_cut: args.cut.is_some(),
        cut: args.cut.unwrap_or_default(),
        is_cut_below: args.cut_below,
        has_mask_borders: args.mask_borders,
        is_between_images: args.other_images,
        nearest: args.nearest,
        ..InspectorView::default()
    }
}

fn colours(
    args: &InspectImageArgs,
    analysis: &Analysis,
    subject: &Subject,
) -> anyhow::Result<Arc<Colours>> {
    let none = Progress::none();
    let basis = if let Some(path) = &args.basis {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Basis::from_json(&text).with_context(|| path.display().to_string())?
    } else {
        let joint = Basis::fit(analysis, !args.not_centred, &none)?;
        match args.cut {
            Some(score) => {
                let cut = Cut {
                    score,
                    is_below: args.cut_below,
                };
                joint.with_foreground(&analysis.unit, cut, &none)?
            }
            None => joint,
        }
    };
    if let Some(path) = &args.save_basis {
        output::write_whole(path, |file| {
            std::io::Write::write_all(file, basis.to_json().as_bytes())?;
            Ok(())
        })?;
    }
    Ok(Arc::new(Colours::new(
        analysis,
        subject,
        Arc::new(basis),
        &none,
    )?))
}

/// The number of an image given by its number or its name.
fn image_number(analysis: &Analysis, text: &str) -> anyhow::Result<u32> {
    let records = analysis.images.records();
    if let Some(number) = records.iter().position(|record| record.name == text) {
        return Ok(number as u32);
    }
    match text.parse::<u32>() {
        Ok(number) if (number as usize) < records.len() => Ok(number),
        Ok(number) => bail!(
            "image {number} does not exist: the set has {}, counted from 0",
            records.len()
        ),
        Err(_) => bail!("no image of the set is called '{text}'"),
    }
}

fn beside(analysis: &Analysis, text: &str) -> anyhow::Result<Beside> {
    Ok(match text {
        "none" => Beside::Nothing,
        "views" => Beside::Views,
        other => match other.strip_prefix("image:") {
            Some(image) => Beside::Image(image_number(analysis, image)?),
            None => bail!("--beside '{other}': none, views or image:IMAGE"),
        },
    })
}

fn cell(text: &str) -> Result<[usize; 2], String> {
    let parse = || {
        let (row, column) = text.split_once(',')?;
        Some([row.trim().parse().ok()?, column.trim().parse().ok()?])
    };
    parse().ok_or_else(|| format!("'{text}' is not ROW,COLUMN, such as 3,4"))
}

fn nearest(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (1..=MOST_NEAREST).contains(&count) => Ok(count),
        _ => Err(format!("'{text}' is no count from 1 to {MOST_NEAREST}")),
    }
}

fn mode(text: &str) -> Result<InspectMode, String> {
    word(text, "what to show", &InspectMode::ALL)
}

fn lines(text: &str) -> Result<LineChoice, String> {
    word(text, "choice of lines", &LineChoice::ALL)
}

/// The value that a session would write as this word.
fn word<T: serde::Serialize + Copy>(text: &str, what: &str, all: &[T]) -> Result<T, String> {
    let name = |value: &T| match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    };
    all.iter()
        .find(|value| name(value) == text)
        .copied()
        .ok_or_else(|| {
            let names: Vec<String> = all.iter().map(name).collect();
            format!("unknown {what} '{text}': one of {}", names.join(", "))
        })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{
        analysis::{ImagesSource, Request, analyse, demo_request},
        data::{BuiltinConfig, BuiltinKind},
        features::{FeatureKind, MatchingRule},
    };

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        args: InspectImageArgs,
    }

    #[test]
    fn the_windows_command_reads_back_as_what_it_shows() {
        let request = Request {
            kind: FeatureKind::Dense,
            images: ImagesSource::Builtin(BuiltinConfig {
                kind: BuiltinKind::MultiObject,
                count: 3,
                side: 32,
                seed: 0,
            }),
            ..demo_request()
        };
        let compute = Compute::headless(DevicePolicy::Cpu).unwrap();
        let mut cache = Cache::headless();
        let none = Progress::none();
        let analysis = analyse(&request, &compute, &mut cache, &none).unwrap();
        let view = InspectorView {
            mode: InspectMode::Pca,
            beside: BesideChoice::Image,
            other_image: 1,
            lines: LineChoice::All,
            rule: MatchingRule::BackboneArgmax,
            is_mutual_only: true,
            least_similarity: -0.5,
            is_centred: false,
            has_cut: true,
            cut: -0.25,
            is_cut_below: true,
            has_mask_borders: true,
            is_between_images: true,
            nearest: 20,
            ..InspectorView::default()
        };
        let encoder = |progress: &Progress| {
            analysis::encoder(&analysis.request, &compute, &mut cache, progress)
        };
        let made = subject(&analysis, view.request(2), encoder, &compute, &none).unwrap();
        let place = made.sides[0].geometry.cell_centre(3, 4, [8, 8]);
        let state = InspectorState {
            subject: Some(Arc::new(made)),
            chosen: Some(Chosen {
                side: 0,
                image: 2,
                place,
            }),
            ..InspectorState::default()
        };
        let line = state.command_line(&analysis, &view).unwrap();
        let words = line.split(' ').filter(|word| *word != "inspect-image");
        let args = Program::try_parse_from(words).unwrap().args;
        assert_eq!(
            (args.image.as_deref(), args.cell),
            (Some("2"), Some([3, 4]))
        );
        let beside = beside(&analysis, &args.beside).unwrap();
        assert_eq!(beside, Beside::Image(1));
        let analysis = Analysis {
            request: args.request.request(false).unwrap(),
            ..analysis
        };
        let again = super::view(&args, &analysis, beside);
        let expected = InspectorView {
            other_image: again.other_image,
            ..view
        };
        assert_eq!(again, expected);
    }

    #[test]
    fn words_are_read_and_refused_with_those_there_are() {
        assert_eq!(mode("pca"), Ok(InspectMode::Pca));
        assert_eq!(lines("all"), Ok(LineChoice::All));
        let error = mode("heat").unwrap_err();
        assert!(
            error.contains("similarity") && error.contains("mask"),
            "{error}"
        );
        assert_eq!(cell("3, 4"), Ok([3, 4]));
        assert!(cell("3").is_err() && cell("-1,2").is_err());
        assert_eq!(nearest("20"), Ok(20));
        assert!(nearest("0").is_err() && nearest("65").is_err());
    }
}
