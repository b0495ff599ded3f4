//! Small pictures side by side: one for each group, measure or task, on common axes.

use egui::{Align2, Painter, Pos2, Rect, Sense, Stroke, Ui, pos2, vec2};

use super::{
    axes::tick,
    map::{short_interval, signed},
    plots::{explain_ui, straight},
};
use crate::{
    correlation::{Encoder, Statistic},
    geometry::round_levels,
    lab::{Answer, Cell, Picture, TileAxes, common_axes},
    ui::{
        Command, Commands, LabCommand, LabPage, LabView,
        colour::ramp,
        theme::{self, Tokens},
        widgets::{caption, choice, tip},
    },
};

/// Width of a tile in points: least and greatest.
const WIDTHS: [f32; 2] = [132.0, 340.0];
/// Height of a tile for its width.
const HEIGHT_SHARE: f32 = 0.82;
/// Tiles, at most: beyond that the map of scores shows all.
const MOST_TILES: usize = 96;
/// Pointer distance within which a point is hit, in points of the screen.
const REACH: f32 = 7.0;

/// Draws the grid. A click on a point opens its encoder, elsewhere in a tile its plane.
pub(super) fn grid_ui(
    view: &mut LabView,
    answer: &Answer,
    opened_row: Option<usize>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let options = Picture::ALL.map(|one| (one, one.title().to_owned(), ""));
    let draw = |ui: &mut Ui| {
        if let Some(chosen) = choice(ui, "Small pictures", &view.small, &options) {
            view.small = chosen;
        }
    };
    super::facets::facets_ui(answer, ("Draw", draw), commands, ui);
    let clicked = tiles_ui(view.small, answer, opened_row, ui);
    match clicked {
        Some(Clicked::Row(row)) => commands.push(Command::Lab(LabCommand::OpenRow(row))),
        Some(Clicked::Cell(question)) => {
            view.page = LabPage::Plane;
            commands.push(Command::Lab(LabCommand::Ask(question)));
        }
        None => {}
    }
}

/// What was clicked.
pub enum Clicked {
    /// An encoder's point: its row in the table.
    Row(usize),
    /// A tile: its question.
    Cell(crate::lab::Question),
}

/// Draws the tiles alone.
pub fn tiles_ui(
    small: Picture,
    answer: &Answer,
    opened_row: Option<usize>,
    ui: &mut Ui,
) -> Option<Clicked> {
    let [rows, columns] = answer.axes();
    if answer.cells.is_empty() {
        caption(ui, "Nothing to part the encoders by.");
        return None;
    }
    let scale = theme::mark_scale(ui);
    let across = columns.len() as f32;
    let gap = ui.spacing().item_spacing.x;
    let width = ((ui.available_width() - gap * across) / across)
        .clamp(WIDTHS[0] * scale, WIDTHS[1] * scale);
    let size = vec2(width, width * HEIGHT_SHARE);
    let axes = common_axes(answer, small);
    let mut clicked = None;
    egui::ScrollArea::horizontal()
        .id_salt("small pictures")
        .show(ui, |ui| {
            for row in rows.iter().take(MOST_TILES / columns.len().max(1)) {
                ui.horizontal(|ui| {
                    for column in &columns {
                        let found = (answer.cells.iter())
                            .find(|cell| cell.row == *row && cell.column == *column);
                        if let Some(cell) = found {
                            let axes = axes.of(cell);
                            clicked =
                                tile_ui(small, cell, axes, size, opened_row, ui).or(clicked.take());
                        } else {
                            ui.allocate_exact_size(size, Sense::hover());
                        }
                    }
                });
            }
        });
    let shown = MOST_TILES / columns.len().max(1);
    if rows.len() > shown {
        caption(
            ui,
            format!("The first {shown} of {} rows; the map has all.", rows.len()),
        );
    }
    caption(
        ui,
        "Colour: performance, from the worst to the best of a task. Tiles of one measure share \
         their axes. A click on a point opens the encoder, elsewhere the tile's plane.",
    );
    clicked
}

/// Places of the screen for the numbers of a tile.
struct Frame {
    rect: Rect,
    bounds: [[f64; 2]; 2],
}

impl Frame {
    fn at(&self, [x, y]: [f64; 2]) -> Pos2 {
        let share = |value: f64, [low, high]: [f64; 2]| ((value - low) / (high - low)) as f32;
        pos2(
            egui::lerp(self.rect.x_range(), share(x, self.bounds[0])),
            egui::lerp(
                self.rect.bottom()..=self.rect.top(),
                share(y, self.bounds[1]),
            ),
        )
    }
}

fn tile_ui(
    small: Picture,
    cell: &Cell,
    axes: TileAxes,
    size: egui::Vec2,
    opened_row: Option<usize>,
    ui: &mut Ui,
) -> Option<Clicked> {
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let [title, score] = titles(cell);
    let whole = format!("{title}: {score}, show its plane");
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &whole));
    if !ui.is_rect_visible(rect) {
        return None;
    }
    let tokens = Tokens::of(ui);
    let scale = theme::mark_scale(ui);
    let painter = ui.painter_at(rect);
    let is_lit = response.hovered() || response.has_focus();
    let edge = if is_lit {
        tokens.accent.main.0
    } else {
        tokens.surface.rule.0
    };
    let corner = f32::from(tokens.shape.corner);
    painter.rect(
        rect,
        corner,
        tokens.surface.canvas.0,
        Stroke::new(1.0, edge),
        egui::StrokeKind::Inside,
    );
    let font = egui::TextStyle::Small.resolve(ui.style());
    let line = font.size * 1.25;
    let left = rect.left_top() + vec2(6.0, 4.0);
    for (place, (text, ink)) in [(title, tokens.text.strong.0), (score, tokens.text.weak.0)]
        .into_iter()
        .enumerate()
    {
        let mut job = egui::text::LayoutJob::simple_singleline(text, font.clone(), ink);
        job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 12.0);
        let galley = painter.layout_job(job);
        painter.galley(left + vec2(0.0, line * place as f32), galley, ink);
    }
    let inner = Rect::from_min_max(
        pos2(rect.left() + font.size * 3.2, left.y + 2.2 * line),
        pos2(rect.right() - 8.0, rect.bottom() - line - 6.0),
    );
    let frame = Frame {
        rect: inner,
        bounds: axes.bounds,
    };
    ticks(&painter, &frame, &font, tokens);
    lines(small, cell, &frame, &ui.painter_at(inner), tokens, scale);
    points_ui(small, cell, axes, &frame, [&response], opened_row, ui)
}

/// Rows, columns and the default score of a tile.
fn titles(cell: &Cell) -> [String; 2] {
    let title = format!("{} · {}", cell.row, cell.column);
    let score = match &cell.scores {
        Ok(scores) => {
            let r = scores.get(Statistic::MultipleR);
            let few = if scores.is_too_few { ", too few" } else { "" };
            match r.value {
                Some(value) if !scores.is_too_few => format!(
                    "R {}{}, n = {}",
                    signed(value).trim_start_matches('+'),
                    short_interval(r.interval),
                    scores.n
                ),
                _ => format!("n = {}{few}", scores.n),
            }
        }
        Err(_) => format!("n = {}, too few", cell.series.len()),
    };
    [title, score]
}

fn ticks(painter: &Painter, frame: &Frame, font: &egui::FontId, tokens: &Tokens) {
    let ink = tokens.text.weak.0;
    let rule = Stroke::new(1.0, tokens.surface.rule.0);
    let rect = frame.rect;
    painter.rect_stroke(rect, 0.0, rule, egui::StrokeKind::Inside);
    let [x_bounds, y_bounds] = frame.bounds;
    let count = |points: f32, each: f32| ((points / each) as usize).clamp(1, 5);
    let step = |levels: &[f64]| match levels {
        [first, second, ..] => second - first,
        _ => 0.01,
    };
    let levels = round_levels(x_bounds, count(rect.width(), 48.0));
    for &value in &levels {
        let x = frame.at([value, y_bounds[0]]).x;
        painter.vline(x, rect.bottom() - 3.0..=rect.bottom(), rule);
        let at = pos2(x, rect.bottom() + 2.0);
        let text = tick(value, step(&levels));
        painter.text(at, Align2::CENTER_TOP, text, font.clone(), ink);
    }
    let levels = round_levels(y_bounds, count(rect.height(), 26.0));
    for &value in &levels {
        let y = frame.at([x_bounds[0], value]).y;
        painter.hline(rect.left()..=rect.left() + 3.0, y, rule);
        let at = pos2(rect.left() - 3.0, y);
        let text = tick(value, step(&levels));
        painter.text(at, Align2::RIGHT_CENTER, text, font.clone(), ink);
    }
}

/// The fitted plane's lines and arrow, or the straight trend.
fn lines(
    small: Picture,
    cell: &Cell,
    frame: &Frame,
    painter: &Painter,
    tokens: &Tokens,
    scale: f32,
) {
    let accent = Stroke::new(1.5 * scale, tokens.accent.main.0);
    if small != Picture::Plane {
        let of = |one: &Encoder| small.place(one)[0];
        if let Some(line) = straight(cell.series.encoders(), of, frame.bounds[0]) {
            painter.line_segment(line.map(|at| frame.at(at)), accent);
        }
        return;
    }
    // A plane through three or four points is always there and says nothing.
    let is_too_few = (cell.scores.as_ref()).is_ok_and(|scores| scores.is_too_few);
    let Some(fit) = cell.fit.as_ref().filter(|_| !is_too_few) else {
        return;
    };
    for level in fit.levels(4) {
        if let Some(line) = fit.iso_line(level, frame.bounds) {
            let rule = Stroke::new(1.0, tokens.surface.rule_strong.0);
            let line = line.map(|at| frame.at(at));
            painter.extend(egui::Shape::dashed_line(&line, rule, 4.0, 3.0));
        }
    }
    let end = [fit.centre[0] + fit.uphill[0], fit.centre[1] + fit.uphill[1]];
    let [from, to] = [fit.centre, end].map(|at| frame.at(at));
    painter.arrow(from, to - from, accent);
}

/// Draws the encoders; tells of the one under the pointer, and what was clicked.
fn points_ui(
    small: Picture,
    cell: &Cell,
    axes: TileAxes,
    frame: &Frame,
    [response]: [&egui::Response; 1],
    opened_row: Option<usize>,
    ui: &Ui,
) -> Option<Clicked> {
    let tokens = Tokens::of(ui);
    let scale = theme::mark_scale(ui);
    let painter = ui.painter_at(frame.rect.expand(4.0));
    let pointer = response.hover_pos();
    let mut under: Option<(f32, &Encoder)> = None;
    for one in cell.series.encoders() {
        let at = frame.at(small.place(one));
        let [low, high] = axes.shade;
        let share = if high > low {
            (one.performance - low) / (high - low)
        } else {
            0.5
        };
        let colour = ramp(&tokens.data.sequential, share as f32);
        painter.circle_filled(at, 3.5 * scale, colour);
        if opened_row == Some(one.row) {
            let ring = Stroke::new(1.5, tokens.accent.main.0);
            painter.circle_stroke(at, 6.0 * scale, ring);
        }
        let distance = pointer.map_or(f32::INFINITY, |pointer| pointer.distance(at));
        if distance < REACH * scale && under.is_none_or(|(nearest, _)| distance < nearest) {
            under = Some((distance, one));
        }
    }
    match under {
        Some((_, one)) => {
            tip(response, |ui| explain_ui(one, ui));
            response.clicked().then_some(Clicked::Row(one.row))
        }
        None => response
            .clicked()
            .then(|| Clicked::Cell(cell.question.clone())),
    }
}
