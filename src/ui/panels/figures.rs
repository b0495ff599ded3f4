//! The numbers, each with what it was measured over.

use egui::{ScrollArea, Ui};

use super::opening;
use crate::{
    analysis::{self, Analysis},
    ui::{
        Command, Commands, Pane, World,
        widgets::{Figure, figure, rule},
    },
};

/// The figures of an analysis with their provenance.
pub fn figures_of(analysis: &Analysis) -> Vec<Figure> {
    analysis
        .numbers
        .all()
        .into_iter()
        .map(|number| figure_of(number, analysis))
        .collect()
}

fn figure_of(number: &analysis::Figure, analysis: &Analysis) -> Figure {
    let features = &analysis.features.provenance;
    let request = &analysis.request;
    let mut provenance = vec![
        ("formula".to_owned(), number.formula.clone()),
        ("over".to_owned(), number.population.clone()),
        ("features".to_owned(), features.line()),
        (
            "normalised".to_owned(),
            "plain L2: ẑ = z / max(‖z‖, 1e-12)".to_owned(),
        ),
        ("seed".to_owned(), request.seed.to_string()),
        ("device".to_owned(), analysis.device.compute.clone()),
        ("command".to_owned(), request.command_line()),
    ];
    let limits = match (number.floor, number.ceiling) {
        (Some(floor), Some(ceiling)) => format!("in [{floor:.5}, {ceiling:.5}]").replace('-', "−"),
        _ => String::new(),
    };
    if !limits.is_empty() {
        provenance.insert(2, ("range".to_owned(), limits.clone()));
    }
    Figure {
        name: capitalised(number.name),
        symbol: number.symbol.clone(),
        value: number.value.ok_or_else(|| {
            number
                .why_absent
                .clone()
                .unwrap_or_else(|| "no reason was given".to_owned())
        }),
        standard_error: number.standard_error,
        unit: limits,
        reading: number.reading.to_owned(),
        provenance,
    }
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

/// Draws the figures of the newest results.
pub fn figures_ui(world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    if !opening(ui, Pane::Figures, world) {
        return;
    }
    let Some(snapshot) = world.snapshot else {
        return;
    };
    ScrollArea::vertical()
        .auto_shrink([false, false])
        .show(ui, |ui| {
            for (index, shown) in figures_of(&snapshot.analysis).iter().enumerate() {
                if index > 0 {
                    rule(ui);
                }
                figure(ui, shown);
            }
            rule(ui);
            ui.horizontal_wrapped(|ui| {
                for command in [Command::CopyFigures, Command::CopyCommandLine] {
                    if ui
                        .button(command.text())
                        .on_hover_text(command.tooltip())
                        .clicked()
                    {
                        commands.push(command);
                    }
                }
            });
        });
}
