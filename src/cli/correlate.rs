//! `spherescope correlate`: how alignment and uniformity go with performance over many encoders.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::{headless, output, table};
use crate::{
    app,
    compute::DevicePolicy,
    correlation::{
        ColumnChoice, CorrelationError, Part, Score, ScoreSettings, Scores, Series, Statistic,
        findings_about, left_one_out_note, score, score_along, score_groups,
    },
    data::Table,
    lab::{
        AlongQuestion, Answer, Cell, ColumnFacts, ColumnMapping, Columns, Facet, Question, Trails,
        about, caveat, facet_named, facets, is_foreign, views,
    },
    progress::Progress,
};

/// Flags of `correlate`.
#[derive(Debug, clap::Args)]
pub struct CorrelateArgs {
    /// Table of encoders, one row an encoder: CSV with a line of column names, or Parquet.
    #[arg(value_name = "TABLE")]
    table: PathBuf,
    /// Column that names the encoders.
    #[arg(long, value_name = "COLUMN")]
    name: Option<String>,
    /// Column of L_align (lower is better aligned).
    #[arg(long, value_name = "COLUMN", default_value = "alignment")]
    alignment: String,
    /// Column of L_uniform (lower is more uniform).
    #[arg(long, value_name = "COLUMN", default_value = "uniformity")]
    uniformity: String,
    /// Column of downstream performance (higher is better). Named several times, all are scored,
    /// and the first is *the* performance.
    #[arg(long, value_name = "COLUMN", default_values_t = ["performance".to_owned()])]
    performance: Vec<String>,
    /// Scores of each part that shares a value in this column as well.
    #[arg(long, value_name = "COLUMN")]
    group_by: Option<String>,
    /// Scores along the number in this column as well (a training step, say).
    #[arg(long, value_name = "COLUMN")]
    along: Option<String>,
    /// Half the width of the window that slides along; 0 takes each value by itself.
    #[arg(long, value_name = "WIDTH", default_value_t = 0.0, requires = "along")]
    half_width: f64,
    /// Scores of every measure (columns alignment:X and uniformity:X) for every task (performance:Y)
    /// as well; with --group-by, of every group for every task.
    #[arg(long)]
    map: bool,
    /// Rows of the map: measure, task, feature kind, layer, pair rule, matching rule, pairs of
    /// uniformity, α, t, or any column that parts the encoders.
    #[arg(
        long,
        value_name = "AXIS",
        requires = "map",
        conflicts_with = "group_by"
    )]
    rows: Option<String>,
    /// Columns of the map, as --rows.
    #[arg(
        long,
        value_name = "AXIS",
        requires = "map",
        conflicts_with = "group_by"
    )]
    across: Option<String>,
    /// Writes table, findings and figures (SVG, and PNG where a graphics adapter draws) to a folder.
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,
    /// Bootstrap draws over encoders for the 95 % intervals.
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    draws: u32,
    /// Permutations of performance for the p values.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    permutations: u32,
    /// Seed of draws and permutations.
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Writes everything as JSON; "-" is standard output.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs `correlate`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &CorrelateArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    let choice = ColumnChoice {
        name: args.name.clone(),
        alignment: args.alignment.clone(),
        uniformity: args.uniformity.clone(),
        performance: args.performance.first().cloned().unwrap_or_default(),
    };
    let settings = ScoreSettings {
        draws: args.draws as usize,
        permutations: args.permutations as usize,
        seed: args.seed,
    };
    let found = Table::read(&args.table)?;
    let series =
        Series::from_table(&found, &choice).map_err(|error| advised(error, args, &found))?;
    let bar = output::Bar::new();
    let progress = bar.progress();
    let scores = score(&series, settings, &progress)?;
    if let Some(column) = &args.group_by
        && args.map
    {
        check_group(column, &found)?;
    }
    let others = others(&choice, args, &found, settings, &progress)?;
    let groups = args
        .group_by
        .as_ref()
        .map(|column| score_groups(&series, column, settings, &progress))
        .transpose()?;
    let along = along(args, &series, settings, &progress)?;
    let map = (args.map.then(|| map(args, &found, settings, &progress))).transpose()?;
    if let Some(folder) = &args.figures {
        // Outside the macro, which does not look at its arguments while nobody listens.
        let told = figures(args, &found, settings, &progress, folder, policy)?;
        log::info!("{told}");
    }
    bar.finish();
    let mut said = findings_about(&scores, &about(&subject(args, &choice, &found)));
    said.extend(caveat(&series));
    if let Some(path) = &args.json {
        let value = json!({
            "spherescope": env!("CARGO_PKG_VERSION"),
            "device": {
                "compute": "cpu",
                "reason": "scores are sums over a table, in double precision",
            },
            "table": args.table,
            "columns": choice,
            "scores": scores,
            "findings": said,
            "performances": others,
            "groups": groups,
            "along": along,
            "map": map,
        });
        output::write_json(path, &value)?;
        if path.as_os_str() == "-" {
            return Ok(());
        }
    }
    let mut text = format!("{}\n{}", table::columns(&rows(&scores)), said.join("\n"));
    let mut add = |lines: Vec<Vec<String>>| {
        if !lines.is_empty() {
            text += &format!("\n\n{}", table::columns(&lines));
        }
    };
    for parts in [Some(&others), groups.as_ref()].into_iter().flatten() {
        let lines = (parts.iter()).map(|part| brief_or_why(&part.name, part.scores.as_ref()));
        add(lines.collect());
    }
    let places = along.iter().flatten();
    add(places
        .map(|place| brief(&place.at.to_string(), &place.scores))
        .collect());
    let cells = map.iter().flatten().map(|cell| {
        let name = format!("{} · {}", cell.row, cell.column);
        brief_or_why(&name, cell.scores.as_ref())
    });
    add(cells.collect());
    output::print_line(text.trim_end())
}

/// What the findings are about: the names of measure and task behind the columns.
fn subject(args: &CorrelateArgs, choice: &ColumnChoice, found: &Table) -> Question {
    Question {
        measure: stem("alignment", &args.alignment, found),
        task: stem("performance", &choice.performance, found),
        ..Question::default()
    }
}

/// X of a column "prefix:X"; of the plain one, that of the first such column with the same fields,
/// which it repeats.
fn stem(prefix: &str, column: &str, found: &Table) -> String {
    let of = |name: &str| Some(name.strip_prefix(prefix)?.strip_prefix(':')?.to_owned());
    let fields = |name: &str| -> Option<Vec<&String>> {
        let at = found.column(name)?;
        Some(found.rows().iter().map(|row| &row[at]).collect())
    };
    of(column)
        .or_else(|| {
            let mut others = found.columns().iter().filter(|name| of(name).is_some());
            let same = others.find(|name| fields(name) == fields(column))?;
            of(same).filter(|_| column == prefix)
        })
        .unwrap_or_else(|| column.to_owned())
}

/// A line of scores, or of what forbids them.
fn brief_or_why(name: &str, scores: Result<&Scores, &String>) -> Vec<String> {
    match scores {
        Ok(scores) => brief(name, scores),
        Err(why) => vec![name.to_owned(), why.clone()],
    }
}

/// The scores of the performances after the first.
fn others(
    choice: &ColumnChoice,
    args: &CorrelateArgs,
    found: &Table,
    settings: ScoreSettings,
    progress: &Progress,
) -> anyhow::Result<Vec<Part>> {
    let columns = args.performance.iter().skip(1);
    columns
        .map(|column| {
            let choice = ColumnChoice {
                performance: column.clone(),
                ..choice.clone()
            };
            let series = Series::from_table(found, &choice)?;
            let scores = match score(&series, settings, progress) {
                Err(CorrelationError::Cancelled(cancelled)) => return Err(cancelled.into()),
                other => other.map_err(|error| error.to_string()),
            };
            let name = column.clone();
            Ok(Part { name, scores })
        })
        .collect()
}

/// An error about columns with the flags that the table seems to ask for.
fn advised(error: CorrelationError, args: &CorrelateArgs, found: &Table) -> anyhow::Error {
    let guess = ColumnMapping::guess(&ColumnFacts::of(found));
    if matches!(error, CorrelationError::NoColumn { .. }) && guess.problem().is_none() {
        return anyhow::anyhow!(
            "{error}\nBy its names it may be meant as: spherescope correlate {} {}",
            args.table.display(),
            guess.flags()
        );
    }
    error.into()
}

/// Every group, or measure, for every task.
fn map(
    args: &CorrelateArgs,
    found: &Table,
    settings: ScoreSettings,
    progress: &Progress,
) -> anyhow::Result<Vec<Cell>> {
    let question = Question {
        group: args.group_by.clone(),
        facets: axes(args, found)?,
        ..Question::default()
    };
    let table = std::sync::Arc::new(found.clone());
    if args.group_by.is_none() && !is_foreign(found) {
        return Ok(Answer::new(table, &question, settings, progress)?.cells);
    }
    // Groups are scored on the measure that was named, for every task and the one that was named.
    let mut columns = named(args, found);
    let is_named = |(_, column): &(String, String)| args.performance.contains(column);
    let every = views(found).performances;
    let is_usual = args.performance == ["performance"];
    if args.performance.len() == 1
        && (every.iter().any(is_named) || (is_usual && !every.is_empty()))
    {
        columns.performances = every;
    } else {
        let more = every.into_iter().filter(|task| !is_named(task));
        columns.performances.extend(more);
    }
    Ok(Answer::with_columns(table, columns, &question, settings, progress)?.cells)
}

/// The axes that were named; those of the usual map for one that was not.
fn axes(args: &CorrelateArgs, found: &Table) -> anyhow::Result<Option<[Facet; 2]>> {
    if args.rows.is_none() && args.across.is_none() {
        return Ok(None);
    }
    let columns = if is_foreign(found) {
        named(args, found)
    } else {
        views(found)
    };
    let axis = |name: &Option<String>, usual: Facet| {
        let Some(name) = name else {
            return Ok(usual);
        };
        facet_named(name, &columns).ok_or_else(|| {
            let known: Vec<String> = facets(&columns).iter().map(ToString::to_string).collect();
            anyhow::anyhow!(
                "'{name}' does not part this table: one of {}",
                known.join(", ")
            )
        })
    };
    let rows = axis(&args.rows, Facet::Measure)?;
    let usual = if rows == Facet::Task {
        Facet::Measure
    } else {
        Facet::Task
    };
    let across = axis(&args.across, usual)?;
    if rows == across {
        anyhow::bail!("rows and columns of the map are both {rows}: name another for one");
    }
    Ok(Some([rows, across]))
}

/// Refuses a column that does not part the encoders.
fn check_group(column: &str, found: &Table) -> anyhow::Result<()> {
    if found.column(column).is_none() {
        anyhow::bail!(
            "there is no column '{column}': {}",
            found.columns().join(", ")
        );
    }
    let groups = views(found).groups;
    if !groups.iter().any(|group| group == column) {
        anyhow::bail!(
            "column '{column}' parts the encoders into too few or too many groups, or too small \
             ones, for a map: {}",
            if groups.is_empty() {
                "no column does".to_owned()
            } else {
                format!("one of {}", groups.join(", "))
            }
        );
    }
    Ok(())
}

/// The columns that were named.
fn named(args: &CorrelateArgs, found: &Table) -> Columns {
    let pair = [args.alignment.clone(), args.uniformity.clone()];
    let known = views(found);
    // Columns that go together by their names are called so, others by themselves.
    let measure = known.measures.iter().find(|(_, columns)| *columns == pair);
    let measure = measure.map_or_else(|| pair.join(", "), |(name, _)| name.clone());
    let performance = |column: &String| {
        let task = known.performances.iter().find(|(_, of)| of == column);
        let name = task.map_or(column, |(name, _)| name).clone();
        (name, column.clone())
    };
    Columns {
        name: args.name.clone(),
        measures: vec![(measure, pair)],
        performances: args.performance.iter().map(performance).collect(),
        ..known
    }
}

/// Writes the figures of the columns that were named, with scores along a number where one was asked
/// for; what was written, in words.
fn figures(
    args: &CorrelateArgs,
    found: &Table,
    settings: ScoreSettings,
    progress: &Progress,
    folder: &Path,
    policy: DevicePolicy,
) -> anyhow::Result<String> {
    let answer = chosen(args, found, settings, progress)?;
    let followed = AlongQuestion {
        column: args.along.clone(),
        ..AlongQuestion::default()
    };
    let (columns, asked) = (&answer.columns, &answer.question);
    let trails = match &args.along {
        Some(_) => Trails::new(found, columns, asked, &followed, settings, progress)?,
        None => None,
    };
    let statistic = Statistic::MultipleR;
    let compute = headless(policy)?;
    app::export_series(&answer, trails.as_ref(), statistic, folder, &compute)
}

/// The answer about the columns that were named.
fn chosen(
    args: &CorrelateArgs,
    found: &Table,
    settings: ScoreSettings,
    progress: &Progress,
) -> anyhow::Result<Answer> {
    let columns = named(args, found);
    let table = std::sync::Arc::new(found.clone());
    let question = Question {
        group: args.group_by.clone(),
        ..Question::default()
    };
    Ok(Answer::with_columns(
        table, columns, &question, settings, progress,
    )?)
}

fn along(
    args: &CorrelateArgs,
    series: &Series,
    settings: ScoreSettings,
    progress: &Progress,
) -> anyhow::Result<Option<Vec<crate::correlation::Along>>> {
    let Some(column) = &args.along else {
        return Ok(None);
    };
    Ok(Some(score_along(
        series,
        column,
        args.half_width,
        settings,
        progress,
    )?))
}

/// The whole table of scores.
fn rows(scores: &Scores) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = scores
        .scores
        .iter()
        .map(|score| {
            let (value, note) = words(score);
            vec![score.statistic.to_string(), value, note]
        })
        .collect();
    let plain = |name: &str, value: Option<f64>| {
        let text = value.map_or_else(|| "–".to_owned(), |value| format!("{value:+.3}"));
        vec![name.to_owned(), text]
    };
    rows.insert(1, plain("adjusted R²", scores.adjusted_r2));
    let mut left_out = plain("leave-one-out R²", scores.leave_one_out_r2);
    left_out.push(left_one_out_note(scores).to_owned());
    rows.insert(2, left_out);
    rows.push(vec![
        "n".to_owned(),
        scores.n.to_string(),
        format!("{} left out for want of a number", scores.left_out),
    ]);
    rows
}

fn words(score: &Score) -> (String, String) {
    let Some(value) = score.value else {
        return ("–".to_owned(), score.why_absent.clone().unwrap_or_default());
    };
    let interval = score.interval.map_or_else(
        || "no interval".to_owned(),
        |interval| format!("[{:+.3}, {:+.3}]", interval.low, interval.high),
    );
    let p = score
        .p
        .map_or_else(String::new, |p| format!("  p = {p:.3}"));
    (format!("{value:+.3}"), interval + &p)
}

/// The scores that a small table has room for.
fn brief(name: &str, scores: &Scores) -> Vec<String> {
    let mut row = vec![name.to_owned(), format!("n = {}", scores.n)];
    for statistic in [
        Statistic::MultipleR,
        Statistic::SumCorrelation,
        Statistic::PartialPearsonAlignment,
        Statistic::PartialPearsonUniformity,
    ] {
        let (value, note) = words(scores.get(statistic));
        row.push(format!("{statistic} {value} {note}"));
    }
    row
}
