//! Which locations of the two pictures correspond: lines, filters, and every rule in a table.

use egui::{Align2, Color32, Grid, Pos2, Rect, RichText, Stroke, Ui};

use super::{Now, picture::cell_rect};
use crate::{
    dense::{Agreement, Correspondence, Match, Subject},
    features::MatchingRule,
    measure::counted,
    ui::{
        InspectorState, InspectorView, LineChoice, World,
        theme::Tokens,
        widgets::{caption, choice, labelled, section},
    },
};

/// Lines that are drawn at most.
const MOST_LINES: usize = 400;

/// The matches that the filters leave.
fn left<'a>(view: &'a InspectorView, matches: &'a [Match]) -> impl Iterator<Item = &'a Match> {
    matches.iter().filter(|found| {
        (!view.is_mutual_only || found.is_mutual) && found.similarity >= view.least_similarity
    })
}

/// Draws the lines over both pictures.
pub(super) fn lines(now: &Now<'_>, rects: [Rect; 2], ui: &Ui) {
    let found = now.subject.correspondence(now.view.rule);
    let Some(matches) = found.and_then(|found| found.matches.as_ref().ok()) else {
        return;
    };
    let tokens = Tokens::of(ui);
    let painter = ui.painter();
    let ends = |found: &Match| {
        let end = |side: usize, cell: u32| {
            cell_rect(&now.subject.sides[side], rects[side], cell as usize).center()
        };
        [end(0, found.from), end(1, found.to)]
    };
    match now.view.lines {
        LineChoice::None => {}
        LineChoice::All => {
            let there: Vec<&Match> = left(now.view, matches).collect();
            let step = there.len().div_ceil(MOST_LINES).max(1);
            for found in there.iter().step_by(step) {
                let opacity = 0.25 + 0.6 * found.similarity.max(0.0);
                let colour = line_colour(tokens, found).gamma_multiply(opacity);
                painter.line_segment(ends(found), Stroke::new(1.2, colour));
            }
        }
        LineChoice::Chosen => {
            let Some((side, cell)) = now.state.asked() else {
                return;
            };
            let is_chosen = |found: &&Match| {
                let end = if side == 0 { found.from } else { found.to };
                end as usize == cell
            };
            truth_line(now, is_chosen, ends, ui);
            for found in left(now.view, matches).filter(is_chosen).take(MOST_LINES) {
                let ends = ends(found);
                painter.line_segment(ends, Stroke::new(4.0, tokens.surface.canvas.0));
                painter.line_segment(ends, Stroke::new(2.0, line_colour(tokens, found)));
                let text = format!("{:.3}", found.similarity).replace('-', "−");
                let font = egui::TextStyle::Body.resolve(ui.style());
                let galley = painter.layout_no_wrap(text, font, tokens.text.strong.0);
                let place = ends[0] + 0.5 * (ends[1] - ends[0]);
                let ground = Align2::CENTER_CENTER.anchor_size(place, galley.size());
                painter.rect_filled(
                    ground.expand(2.0),
                    2.0,
                    tokens.surface.canvas.0.gamma_multiply(0.8),
                );
                painter.galley(ground.min, galley, tokens.text.strong.0);
            }
        }
    }
}

/// The geometric partner of the chosen location, broken and thin, beside what another rule says.
fn truth_line(
    now: &Now<'_>,
    is_chosen: impl Fn(&&Match) -> bool,
    ends: impl Fn(&Match) -> [Pos2; 2],
    ui: &Ui,
) {
    if now.view.rule == MatchingRule::Geometric {
        return;
    }
    let truth = now.subject.correspondence(MatchingRule::Geometric);
    let Some(matches) = truth.and_then(|found| found.matches.as_ref().ok()) else {
        return;
    };
    let tokens = Tokens::of(ui);
    for found in matches.iter().filter(is_chosen) {
        let ends = ends(found);
        let dark = Stroke::new(4.0, tokens.surface.canvas.0);
        ui.painter().line_segment(ends, dark);
        let stroke = Stroke::new(2.0, tokens.status.good.0);
        let dashes = egui::Shape::dashed_line(&ends, stroke, 6.0, 4.0);
        ui.painter().extend(dashes);
    }
}

/// Whether the line leads to the location that shows the same place.
fn line_colour(tokens: &Tokens, found: &Match) -> Color32 {
    match found.is_true {
        Some(true) => tokens.status.good.0,
        Some(false) => tokens.status.warning.0,
        None => tokens.accent.main.0,
    }
}

/// Draws the rule, the filters and the table of rules.
pub(super) fn correspondence_ui(
    view: &mut InspectorView,
    state: &InspectorState,
    subject: &Subject,
    world: &World<'_>,
    ui: &mut Ui,
) {
    section(ui, "Correspondences");
    if !world.is_export {
        let rules = MatchingRule::ALL.map(|rule| (rule, rule.name().to_owned(), ""));
        labelled(ui, "rule", |ui| {
            if let Some(rule) = choice(ui, "Rule of the lines", &view.rule, &rules) {
                view.rule = rule;
            }
        });
        ui.horizontal_wrapped(|ui| {
            for lines in LineChoice::ALL {
                if ui
                    .selectable_label(view.lines == lines, lines.name())
                    .clicked()
                {
                    view.lines = lines;
                }
            }
            ui.checkbox(&mut view.is_mutual_only, "mutual")
                .on_hover_text("Only pairs that the rule leads to from both sides");
            let densecl = ui.button("as DenseCL draws them").on_hover_text(
                "All mutual partners by backbone argmax of a cosine of 0.9 or more, as in the \
                 figure of the paper",
            );
            if densecl.clicked() {
                view.draw_as_densecl();
            }
        });
        // A slider wider than what is left of a wrapped line would widen all that stands below.
        labelled(ui, "least cosine", |ui| {
            ui.spacing_mut().slider_width = 96.0;
            let slider = egui::Slider::new(&mut view.least_similarity, -1.0..=1.0);
            let response = ui.add(slider.fixed_decimals(2));
            let _ = response.accessible_name("Least cosine of a line");
        });
    }
    caption(ui, drawn_line(view, state, subject));
    table_ui(subject, ui);
    if world.is_export {
        // In the window the pointer asks for it.
        for found in &subject.correspondences {
            if let Err(why) = &found.matches {
                caption(ui, format!("{} is absent: {why}", found.rule));
            }
        }
    }
}

/// What the lines are, and how many of how many.
fn drawn_line(view: &InspectorView, state: &InspectorState, subject: &Subject) -> String {
    let matches = match subject
        .correspondence(view.rule)
        .map(|found| &found.matches)
    {
        Some(Ok(matches)) => matches,
        Some(Err(why)) => return format!("{}: {why}", view.rule),
        None => return String::new(),
    };
    let there = left(view, matches).count();
    let step = there.div_ceil(MOST_LINES).max(1);
    let drawn = match view.lines {
        LineChoice::None => "no lines drawn".to_owned(),
        LineChoice::All if step > 1 => {
            format!(
                "one in {step} of {there} drawn, in the order of locations, the stronger the \
                 higher their cosine"
            )
        }
        LineChoice::All => format!("all {there} drawn, the stronger the higher their cosine"),
        LineChoice::Chosen => match state.asked() {
            Some(_) => "the chosen location's drawn".to_owned(),
            None => "no location is chosen".to_owned(),
        },
    };
    let is_of_views = subject.request.beside == crate::dense::Beside::Views;
    let colours = match (is_of_views, view.lines) {
        (true, LineChoice::Chosen) if view.rule != MatchingRule::Geometric => {
            " · green: to the same place, yellow: elsewhere, blue: the place is in one view only; \
             broken: where the place is"
        }
        (true, _) => {
            " · green: to the same place, yellow: elsewhere, blue: the place is in one view only"
        }
        (false, _) => "",
    };
    format!(
        "{}: {there} of {} pass the filters, {drawn}{colours}",
        view.rule,
        counted(matches.len() as u64, "pair")
    )
}

fn table_ui(subject: &Subject, ui: &mut Ui) {
    Grid::new("rules of correspondence")
        .num_columns(5)
        .min_row_height(0.0)
        .spacing([12.0, 3.0])
        .show(ui, |ui| {
            for heading in ["rule", "pairs", "mutual", "cosine", "same place"] {
                cell(ui, heading);
            }
            ui.end_row();
            for found in &subject.correspondences {
                row_ui(found, ui);
                ui.end_row();
            }
        });
    let with_truth = subject
        .correspondences
        .iter()
        .find_map(|found| found.agreement);
    if let Some(truth) = with_truth {
        caption(
            ui,
            format!(
                "cosine: mean over the pairs. Same place: of the {} with a geometric partner, how \
                 many the rule leads there, and how many to within one location",
                counted(truth.count as u64, "location")
            ),
        );
    }
}

fn row_ui(found: &Correspondence, ui: &mut Ui) {
    let matches = match &found.matches {
        Ok(matches) => matches,
        Err(why) => {
            cell(ui, found.rule.name());
            let response = ui.add(egui::Label::new(RichText::new("absent").small().weak()));
            response.on_hover_text(why);
            return;
        }
    };
    let mutual = matches.iter().filter(|found| found.is_mutual).count();
    let sum: f64 = matches
        .iter()
        .map(|found| f64::from(found.similarity))
        .sum();
    let mean = sum / matches.len().max(1) as f64;
    for text in [
        found.rule.name().to_owned(),
        matches.len().to_string(),
        mutual.to_string(),
        format!("{mean:.3}").replace('-', "−"),
        found
            .agreement
            .map_or_else(|| "—".to_owned(), agreement_text),
    ] {
        cell(ui, text);
    }
}

/// Small weak text that stays on one line.
fn cell(ui: &mut Ui, text: impl Into<String>) {
    let colour = Tokens::of(ui).text.weak.0;
    ui.add(egui::Label::new(RichText::new(text).small().color(colour)).extend());
}

fn agreement_text(found: Agreement) -> String {
    let share = |count: usize| 100.0 * count as f64 / found.count.max(1) as f64;
    format!("{:.0} %, {:.0} %", share(found.exact), share(found.close))
}
