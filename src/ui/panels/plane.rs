//! The align–uniform plane: every measured encoder a point.

use egui::{Ui, Vec2b};
use egui_plot::{
    GridInput, GridMark, HLine, Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotPoints, Points,
    Polygon, Text,
};

use super::{opening, plane_density::Density};
use crate::{
    analysis::Request,
    geometry::round_levels,
    ui::{
        Command, Commands, Measured, Pane, PlaneView, PointedAt, RunView, Snapshot, World,
        theme::{self, Tokens},
        widgets::{caption, caption_line, tip, tip_at, view_keys, walk},
    },
};

/// Pointer distance within which a point is hit, in points of the screen.
const REACH: f32 = 10.0;

/// Least distance between ticks across and upward, in points of the screen.
pub(super) const TICKS: [f32; 2] = [80.0, 32.0];

/// Height of a line of small text with the axis below the plot, in points of the screen: more than
/// that must lie above a line whose words stand over it.
const LINE_OF_WORDS: f64 = 18.0;

const CLICK_COPIES: &str = "Click copies this";
const ENTER_COPIES: &str = "Enter copies this";

/// Draws the plane. A click on a point copies it with its provenance.
pub fn plane_ui(view: &mut PlaneView, world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    if !opening(ui, Pane::Plane, world) {
        return;
    }
    let current = world
        .snapshot
        .map(|snapshot| snapshot.request().command_line());
    if !world.is_export {
        tools_ui(view, world, commands, ui);
    }
    let settings = world
        .history
        .last()
        .map_or([2.0, 2.0], |last| [last.alpha, last.t]);
    let shown: Vec<&Measured> = world
        .history
        .iter()
        .filter(|measured| [measured.alpha, measured.t] == settings)
        .collect();
    let left_out = world.history.len() - shown.len();
    if left_out > 0 {
        caption(
            ui,
            format!(
                "{left_out} measured with another α or t are not drawn: they are not comparable"
            ),
        );
    }
    // A trail with other settings would not be comparable with the points.
    let run_settings = Request::new(world.request.encoder.clone(), world.request.images.clone());
    let run = world
        .run
        .filter(|_| settings == [run_settings.alpha, run_settings.t]);
    let run_floor = world
        .snapshot
        .filter(|snapshot| snapshot.is_of_run())
        .and_then(|snapshot| snapshot.analysis.numbers.uniformity.floor);
    let pointed = (world.landscape.pointed).filter(|pointed| pointed.temperatures == settings);
    let hit = plot(
        ui,
        &shown,
        settings,
        current.as_deref(),
        [view.is_whole_range, view.has_density, world.is_export],
        run.map(|run| Trail {
            run,
            floor: run_floor,
            pinned: world.pinned.and_then(place_of),
        }),
        pointed.as_ref(),
    );
    if let Some(measured) = hit {
        commands.push(Command::Copy {
            what: measured.title.clone(),
            text: measured.to_text(),
        });
    }
}

fn tools_ui(view: &mut PlaneView, world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    ui.horizontal(|ui| {
        ui.checkbox(&mut view.is_whole_range, "Whole range")
            .on_hover_text("Axes from perfect to collapsed instead of around the points");
        ui.checkbox(&mut view.has_density, "Density")
            .on_hover_text("Shades where encoders and a run's checkpoints lie, from eight on");
        let forget = Command::ClearHistory;
        if ui
            .button("Forget")
            .on_hover_text(forget.tooltip())
            .clicked()
        {
            commands.push(forget);
        }
        caption(ui, format!("{} measured", world.history.len()));
    });
}

/// A run on the plane.
#[derive(Clone, Copy)]
struct Trail<'a> {
    run: &'a RunView,
    /// Floor of what is shown of it.
    floor: Option<f64>,
    /// Place of its pinned time.
    pinned: Option<[f64; 2]>,
}

/// Alignment and uniformity of what is shown.
fn place_of(snapshot: &Snapshot) -> Option<[f64; 2]> {
    let numbers = &snapshot.analysis.numbers;
    Some([numbers.alignment.value?, numbers.uniformity.value?])
}

/// The longest of an axis's names that is no longer than its side: a longer one would run over what
/// stands above and below the plot.
pub(super) fn fitting_name(ui: &Ui, names: [String; 3], room: f32) -> String {
    let font = egui::TextStyle::Body.resolve(ui.style());
    let is_fit = |name: &String| {
        let colour = egui::Color32::PLACEHOLDER;
        let galley = (ui.painter()).layout_no_wrap(name.clone(), font.clone(), colour);
        galley.size().x <= room
    };
    let [.., shortest] = &names;
    let shortest = shortest.clone();
    names.into_iter().find(is_fit).unwrap_or(shortest)
}

/// Ticks at round numbers: two at least, about as many as `room` points of the screen have place
/// for.
pub(super) fn ticks(room: f32, least: f32) -> impl Fn(GridInput) -> Vec<GridMark> {
    let most = (room / least).max(1.0) as usize;
    move |input| {
        let (low, high) = input.bounds;
        let levels = (most..most + 4)
            .map(|most| round_levels([low, high], most))
            .find(|levels| levels.len() > 1)
            .unwrap_or_default();
        let step_size = (levels.windows(2).map(|pair| pair[1] - pair[0]).next()).unwrap_or(1.0);
        let mark = |value| GridMark { value, step_size };
        levels.into_iter().map(mark).collect()
    }
}

/// A tick's number with the digits that tell it from the next.
pub(super) fn tick_text(mark: GridMark) -> String {
    let digits = (-mark.step_size.log10().floor()).clamp(0.0, 9.0) as usize;
    // Never "−0".
    let value = if mark.value == 0.0 { 0.0 } else { mark.value };
    format!("{value:.digits$}").replace('-', "−")
}

/// Names the plot for those who do not see it.
fn name_plot(response: &egui::Response, encoders: usize) {
    response.widget_info(|| {
        let text = format!(
            "Plot of {encoders} encoders: alignment across, uniformity upwards. Arrow keys walk \
             from one to the next, Enter copies it"
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
}

/// Draws the plot; the measured encoder that was clicked.
fn plot<'a>(
    ui: &mut Ui,
    shown: &[&'a Measured],
    [alpha, t]: [f64; 2],
    current: Option<&str>,
    [is_whole_range, has_density, is_export]: [bool; 3],
    run: Option<Trail<'_>>,
    pointed: Option<&PointedAt>,
) -> Option<&'a Measured> {
    let tokens = Tokens::of(ui);
    let trail = run.map(|one| one.run.trail()).unwrap_or_default();
    let scale = theme::mark_scale(ui);
    let [x_range, y_range] = ranges(shown, &trail, alpha, is_whole_range);
    let floors = floors(shown, run.and_then(|one| one.floor));
    let all: Vec<[f64; 2]> = (shown.iter())
        .map(|measured| [measured.alignment, measured.uniformity])
        .chain(trail.iter().map(|(_, point)| *point))
        .collect();
    let density = Some(all)
        .filter(|_| has_density)
        .and_then(|all| Density::of(&all, [x_range, y_range], ui));
    if let Some(density) = &density {
        caption_line(ui, &density.words());
    }
    let room = ui.available_size();
    let (across, upward) = (format!("L_align(α={alpha})"), format!("L_uniform(t={t})"));
    let across = [format!("{across}  ← better"), across, "L_align".to_owned()];
    let upward = [
        format!("← better  {upward}"),
        upward,
        "L_uniform".to_owned(),
    ];
    // Another range is another plot: within one, what the user moved stays moved.
    let id = format!("align-uniform plane {x_range:?} {y_range:?}");
    let response = Plot::new(id)
        .x_axis_label(fitting_name(ui, across, room.x))
        .y_axis_label(fitting_name(ui, upward, room.y))
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_background(false)
        .show_crosshair(false)
        .show_grid(Vec2b::FALSE)
        .grid_spacing(egui::Rangef::new(12.0, 90.0))
        .x_grid_spacer(ticks(room.x, TICKS[0]))
        .y_grid_spacer(ticks(room.y, TICKS[1]))
        .x_axis_formatter(|mark, _| tick_text(mark))
        .y_axis_formatter(|mark, _| tick_text(mark))
        .default_x_bounds(x_range[0], x_range[1])
        .default_y_bounds(y_range[0], y_range[1])
        .show(ui, |plot| {
            if let Some(density) = &density {
                density.draw(plot);
            }
            draw_unreachable(plot, [x_range, y_range], &floors, tokens);
            draw_lines(plot, [x_range, y_range], &floors, room.y, tokens);
            if let Some(one) = run {
                draw_trail(plot, one, &trail, tokens, scale);
            }
            for measured in shown {
                if is_export {
                    draw_name(plot, measured, x_range, tokens);
                }
                let is_current = current == Some(measured.command_line.as_str());
                draw_point(plot, measured, is_current, tokens, scale);
            }
            if let Some(pointed) = pointed {
                draw_pointed(plot, pointed, tokens, scale);
            }
            let places: Vec<egui::Pos2> = shown
                .iter()
                .map(|one| plot.screen_from_plot(PlotPoint::new(one.alignment, one.uniformity)))
                .collect();
            places
        });
    name_plot(&response.response, shown.len());
    pointed_at(ui, &response.response, &response.inner, shown)
}

/// Tells the encoder under the pointer, or the one that the keyboard walked to; the one that was
/// clicked.
fn pointed_at<'a>(
    ui: &Ui,
    response: &egui::Response,
    places: &[egui::Pos2],
    shown: &[&'a Measured],
) -> Option<&'a Measured> {
    let tokens = Tokens::of(ui);
    let scale = theme::mark_scale(ui);
    let explain = |ui: &mut Ui, measured: &Measured, how: &str| {
        ui.set_max_width(tokens.shape.grid * 44.0);
        ui.label(measured.to_text());
        caption(ui, how);
    };
    let under_pointer = response.hover_pos().and_then(|pointer| {
        (places.iter()).position(|place| place.distance(pointer) < REACH * scale)
    });
    if let Some(index) = under_pointer {
        tip(response, |ui| explain(ui, shown[index], CLICK_COPIES));
        return response.clicked().then_some(shown[index]);
    }
    let index = walked_to(ui, response, shown.len())?;
    let place = places[index];
    ui.painter_at(response.rect)
        .circle_stroke(place, 8.0 * scale, (1.5, tokens.accent.main.0));
    tip_at(response, place, |ui| {
        explain(ui, shown[index], ENTER_COPIES);
    });
    view_keys(ui, response).is_chosen.then_some(shown[index])
}

/// What lies below the lowest floor: no law of unit vectors of these dimensions gets there.
fn draw_unreachable(
    plot: &mut egui_plot::PlotUi<'_>,
    [x_range, y_range]: [[f64; 2]; 2],
    floors: &[(f64, String)],
    tokens: &Tokens,
) {
    let Some((lowest, _)) = floors.first() else {
        return;
    };
    let (left, right) = (x_range[0] - 8.0, x_range[1] + 8.0);
    let below = y_range[0].min(*lowest) - 8.0;
    let corners = vec![
        [left, below],
        [right, below],
        [right, *lowest],
        [left, *lowest],
    ];
    plot.polygon(
        Polygon::new("", PlotPoints::from(corners))
            .fill_color(tokens.status.good.0.gamma_multiply(0.12))
            .stroke(egui::Stroke::NONE)
            .allow_hover(false),
    );
}

/// The point of a slice of weight space that is pointed at.
fn draw_pointed(
    plot: &mut egui_plot::PlotUi<'_>,
    pointed: &PointedAt,
    tokens: &Tokens,
    scale: f32,
) {
    let [alignment, uniformity] = pointed.measured;
    if let Some(origin) = pointed.origin {
        // From the encoder as the slice's probe batch has it: its own point is of all images.
        let way = vec![origin, pointed.measured];
        plot.line(
            Line::new("from the encoder", PlotPoints::from(way))
                .color(tokens.status.warning.0.gamma_multiply(0.6))
                .width(1.0)
                .allow_hover(false),
        );
        plot.points(
            Points::new("the encoder on the probe batch", origin)
                .color(tokens.status.warning.0)
                .radius(4.0 * scale)
                .shape(MarkerShape::Plus)
                .allow_hover(false),
        );
    }
    let mark = Points::new("the landscape's point", pointed.measured)
        .color(tokens.status.warning.0)
        .radius(6.0 * scale)
        .filled(false)
        .shape(MarkerShape::Circle)
        .allow_hover(false);
    plot.points(mark);
    let [x, y] = pointed.at;
    let text = format!("  landscape {x:.2}, {y:.2}").replace('-', "−");
    let ink = tokens.text.body.0;
    plot.text(label(
        &text,
        alignment,
        uniformity,
        egui::Align2::LEFT_CENTER,
        ink,
    ));
}

/// The floor of each dimension, the ceiling, and lines of equal sums.
fn draw_lines(
    plot: &mut egui_plot::PlotUi<'_>,
    [x_range, y_range]: [[f64; 2]; 2],
    floors: &[(f64, String)],
    height: f32,
    tokens: &Tokens,
) {
    for sum in iso_sums(x_range, y_range) {
        let ends = vec![
            [x_range[0] - 8.0, sum - x_range[0] + 8.0],
            [x_range[1] + 8.0, sum - x_range[1] - 8.0],
        ];
        plot.line(
            Line::new("", PlotPoints::from(ends))
                .color(tokens.surface.rule.0)
                .style(LineStyle::dashed_dense())
                .width(1.0)
                .allow_hover(false),
        );
    }
    for (floor, name) in floors {
        plot.hline(
            HLine::new(name.clone(), *floor)
                .color(tokens.status.good.0)
                .width(1.0)
                .allow_hover(false),
        );
        plot.text(label(
            name,
            x_range[1],
            *floor,
            egui::Align2::RIGHT_BOTTOM,
            tokens.status.good.0,
        ));
    }
    plot.hline(
        HLine::new("ceiling", 0.0)
            .color(tokens.status.error.0)
            .width(1.0)
            .allow_hover(false),
    );
    // In a low plot there is no room for words above the line.
    let above = f64::from(height) * y_range[1] / (y_range[1] - y_range[0]);
    let anchor = if above < LINE_OF_WORDS {
        egui::Align2::RIGHT_TOP
    } else {
        egui::Align2::RIGHT_BOTTOM
    };
    let ink = tokens.status.error.0;
    plot.text(label("ceiling 0: collapse", x_range[1], 0.0, anchor, ink));
}

/// One measured encoder.
fn draw_point(
    plot: &mut egui_plot::PlotUi<'_>,
    measured: &Measured,
    is_current: bool,
    tokens: &Tokens,
    scale: f32,
) {
    let colour = if is_current {
        tokens.accent.main.0
    } else {
        tokens.text.weak.0
    };
    plot.points(
        Points::new(
            measured.title.clone(),
            [measured.alignment, measured.uniformity],
        )
        .color(colour)
        .radius(if is_current { 5.5 } else { 4.0 } * scale)
        .shape(MarkerShape::Circle)
        .filled(is_current)
        .allow_hover(false),
    );
}

/// Name and numbers beside a point, where no pointer can ask for them.
fn draw_name(
    plot: &mut egui_plot::PlotUi<'_>,
    measured: &Measured,
    x_range: [f64; 2],
    tokens: &Tokens,
) {
    let Measured {
        title,
        alignment,
        uniformity,
        ..
    } = measured;
    let text = format!("{title}\n{alignment:.4}, {uniformity:.4}").replace('-', "−");
    let anchor = if *alignment > f64::midpoint(x_range[0], x_range[1]) {
        egui::Align2::RIGHT_TOP
    } else {
        egui::Align2::LEFT_TOP
    };
    let ink = tokens.text.body.0;
    plot.text(label(&text, *alignment, *uniformity, anchor, ink));
}

/// The encoder that the arrow keys have walked to while the plot has the focus.
pub(super) fn walked_to(ui: &Ui, response: &egui::Response, count: usize) -> Option<usize> {
    if !response.has_focus() {
        return None;
    }
    let id = response.id.with("walked to");
    let keys = view_keys(ui, response);
    let steps = (keys.arrows.x - keys.arrows.y) as i64 + keys.onward;
    let now: Option<usize> = ui.data(|data| data.get_temp(id));
    let now = now.filter(|now| *now < count);
    let next = if steps == 0 && now.is_some() {
        now
    } else {
        walk(now, steps, count)
    };
    if let Some(next) = next {
        ui.data_mut(|data| data.insert_temp(id, next));
    }
    next
}

/// The way of a run: its probes in order, its marks, and the one that is shown.
fn draw_trail(
    plot: &mut egui_plot::PlotUi<'_>,
    Trail { run, pinned, .. }: Trail<'_>,
    trail: &[(usize, [f64; 2])],
    tokens: &Tokens,
    scale: f32,
) {
    let Some(&(newest, _)) = trail.last() else {
        return;
    };
    let points: Vec<[f64; 2]> = trail.iter().map(|(_, point)| *point).collect();
    plot.line(
        Line::new("the run", PlotPoints::from(points))
            .color(tokens.accent.main.0.gamma_multiply(0.6))
            .width(1.5 * scale)
            .allow_hover(false),
    );
    let near = |step: usize| {
        let after = trail.partition_point(|(at, _)| *at < step);
        trail.get(after).or(trail.last()).map(|(_, point)| *point)
    };
    for mark in &run.state.marks {
        if let Some(point) = near(mark.step) {
            plot.points(
                Points::new(mark.text.clone(), point)
                    .color(tokens.text.weak.0)
                    .radius(3.0 * scale)
                    .shape(MarkerShape::Diamond)
                    .allow_hover(false),
            );
        }
    }
    let ink = tokens.accent.main.0;
    let shown = near(run.shown_step.unwrap_or(newest));
    if let Some(pinned) = pinned {
        plot.points(
            Points::new("the pinned step", pinned)
                .color(ink)
                .radius(5.5 * scale)
                .shape(MarkerShape::Circle)
                .filled(false)
                .allow_hover(false),
        );
        let beside = egui::Align2::LEFT_BOTTOM;
        plot.text(label(
            "A ",
            pinned[0],
            pinned[1],
            egui::Align2::RIGHT_BOTTOM,
            ink,
        ));
        if let Some([x, y]) = shown {
            plot.text(label(" B", x, y, beside, ink));
        }
    }
    if let Some(point) = shown {
        plot.points(
            Points::new("the shown step", point)
                .color(tokens.accent.main.0)
                .radius(5.5 * scale)
                .shape(MarkerShape::Circle)
                .allow_hover(false),
        );
    }
}

fn label(text: &str, x: f64, y: f64, anchor: egui::Align2, colour: egui::Color32) -> Text {
    Text::new("", PlotPoint::new(x, y), egui::RichText::new(text).small())
        .anchor(anchor)
        .color(colour)
        .allow_hover(false)
}

/// The distinct floors of the shown encoders, lowest dimension first.
fn floors(shown: &[&Measured], of_run: Option<f64>) -> Vec<(f64, String)> {
    let mut floors: Vec<f64> = shown
        .iter()
        .map(|measured| measured.floor)
        .chain(of_run)
        .collect();
    floors.sort_by(f64::total_cmp);
    floors.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
    floors
        .into_iter()
        .map(|floor| (floor, format!("floor {floor:.3}").replace('-', "−")))
        .collect()
}

/// Bounds of both axes: around the points with room for the floor, or over everything possible.
fn ranges(
    shown: &[&Measured],
    trail: &[(usize, [f64; 2])],
    alpha: f64,
    is_whole_range: bool,
) -> [[f64; 2]; 2] {
    let lowest = shown
        .iter()
        .map(|measured| measured.floor)
        .chain(trail.iter().map(|(_, [_, uniformity])| uniformity.floor()))
        .fold(f64::INFINITY, f64::min);
    let floor = if lowest.is_finite() { lowest } else { -4.0 };
    // ‖x − y‖ is at most 2 on the unit sphere.
    let most = 2_f64.powf(alpha);
    if is_whole_range {
        return [[-0.02 * most, most * 1.02], [floor * 1.06, -floor * 0.06]];
    }
    let furthest = shown
        .iter()
        .map(|measured| measured.alignment)
        .chain(trail.iter().map(|(_, [alignment, _])| *alignment))
        .fold(0.0, f64::max);
    // In steps, so that a trail that grows does not rescale the picture with every point.
    let steps = (furthest * 1.6 / (0.1 * most)).ceil().max(0.5);
    let right = (steps * 0.1 * most).min(most);
    [[-0.04 * right, right], [floor * 1.08, -floor * 0.1]]
}

/// Even sums of alignment and uniformity that cross the shown part.
fn iso_sums([left, right]: [f64; 2], [bottom, top]: [f64; 2]) -> impl Iterator<Item = f64> {
    let (low, high) = (left + bottom, right + top);
    let step = ((high - low) / 8.0).max(1e-6);
    let step = 10_f64.powf(step.log10().floor())
        * if step / 10_f64.powf(step.log10().floor()) > 5.0 {
            10.0
        } else {
            5.0
        };
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(move |index| index as f64 * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(alignment: f64) -> Measured {
        Measured {
            title: "demo".into(),
            alignment,
            uniformity: -1.0,
            alpha: 2.0,
            t: 2.0,
            floor: -3.5,
            provenance: Vec::new(),
            command_line: String::new(),
            performance: Vec::new(),
        }
    }

    #[test]
    fn the_floor_and_the_ceiling_are_always_in_sight() {
        let far = measured(3.9);
        for shown in [vec![], vec![&far]] {
            for whole in [false, true] {
                let [x, y] = ranges(&shown, &[], 2.0, whole);
                assert!(x[0] < 0.0 && x[1] > 0.0 && y[0] < -3.5 && y[1] > 0.0);
            }
        }
    }

    #[test]
    fn axes_have_two_ticks_at_least() {
        for bounds in [(-0.05, 1.26), (-2.25, 0.2), (-0.02, 0.4), (0.3, 4.1)] {
            for room in [60.0, 300.0, 900.0] {
                let base_step_size = (bounds.1 - bounds.0) / 300.0;
                let marks = ticks(room, TICKS[0])(GridInput {
                    bounds,
                    base_step_size,
                });
                assert!(marks.len() > 1, "{bounds:?} {room}");
                let inside = |mark: &GridMark| mark.value >= bounds.0 && mark.value <= bounds.1;
                assert!(marks.iter().all(inside));
                let mut texts: Vec<String> = marks.iter().map(|mark| tick_text(*mark)).collect();
                texts.dedup();
                assert_eq!(texts.len(), marks.len(), "{texts:?}");
            }
        }
    }

    #[test]
    fn an_axis_is_named_as_long_as_there_is_room() {
        let names = || ["a very long name indeed", "a shorter one", "x"].map(str::to_owned);
        let ctx = egui::Context::default();
        theme::install(&ctx, false);
        let _ = ctx.run_ui(egui::RawInput::default(), |ui| {
            assert_eq!(fitting_name(ui, names(), 400.0), names()[0]);
            assert_eq!(fitting_name(ui, names(), 110.0), names()[1]);
            // The shortest in any case.
            assert_eq!(fitting_name(ui, names(), 1.0), names()[2]);
        });
    }

    #[test]
    fn equal_floors_are_drawn_once() {
        let (a, b) = (measured(0.1), measured(0.2));
        assert_eq!(floors(&[&a, &b], None).len(), 1);
    }

    #[test]
    fn a_few_lines_join_equal_sums() {
        let count = iso_sums([0.0, 1.0], [-4.0, 0.0]).count();
        assert!((2..=12).contains(&count), "{count}");
    }
}
