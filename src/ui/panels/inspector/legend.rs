//! What the colours mean: the scale, the classes, the axes with the cut.

use egui::{Rect, Sense, Stroke, Ui, pos2, vec2};

use super::{
    Now,
    layer::{Layer, Scale, class_name},
};
use crate::{
    dense::Histogram,
    ui::{
        InspectMode, InspectorState, InspectorView, World,
        colour::class_colour,
        icons::Icon,
        panels::settings_caption,
        theme::Tokens,
        widgets::{caption, note},
    },
};

/// Width and height of the scale's bar, in points.
const BAR: [f32; 2] = [160.0, 10.0];
/// Steps of the bar.
const STEPS: usize = 64;
/// Classes that are named.
const NAMED: usize = 12;

/// Draws the scale or the classes.
pub(super) fn legend_ui(now: &Now<'_>, layer: &Layer, world: &World<'_>, ui: &mut Ui) {
    match layer {
        Layer::Numbers { scale, .. } => scale_ui(now, *scale, ui),
        Layer::Classes(sides) => classes_ui(now, sides, ui),
        Layer::Rgb(_) => {
            let line = now
                .state
                .colours
                .as_ref()
                .map(|colours| colours.basis.line(now.view.has_cut))
                .unwrap_or_default();
            let held = if now.state.kept.is_some() {
                ", kept"
            } else if now.snapshot.is_of_run() {
                ", held over the run's frames"
            } else {
                ""
            };
            let text = format!("red, green, blue: principal axes 1 to 3{held} · {line}");
            settings_caption(ui, world, &text);
        }
        Layer::Absent(_) => {}
    }
}

fn number(value: f32) -> String {
    format!("{value:.2}").replace('-', "−")
}

fn scale_ui(now: &Now<'_>, scale: Scale, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let request = now.snapshot.request();
    let what = match now.view.mode {
        InspectMode::Similarity if now.view.is_automatic => {
            "cosine with the chosen location, least to greatest of the others".to_owned()
        }
        InspectMode::Similarity => "cosine with the chosen location".to_owned(),
        InspectMode::Alignment => format!(
            "‖x − y‖^{} to the partner by {} matching, 0 is aligned; bare without a partner",
            request.alpha, now.view.rule
        ),
        InspectMode::Density => format!(
            "log mean exp(−{}‖x − x_i‖²) over the analysed set, high where many are near",
            request.t
        ),
        _ => "‖z‖ of the raw vector".to_owned(),
    };
    ui.horizontal_wrapped(|ui| {
        caption(ui, number(scale.low));
        let (rect, _) = ui.allocate_exact_size(BAR.into(), Sense::hover());
        let step = rect.width() / STEPS as f32;
        for index in 0..STEPS {
            let fraction = (index as f32 + 0.5) / STEPS as f32;
            let value = scale.low + fraction * (scale.high - scale.low);
            let left = rect.left() + index as f32 * step;
            let piece = Rect::from_min_max(
                pos2(left, rect.top()),
                pos2(left + step + 0.5, rect.bottom()),
            );
            ui.painter()
                .rect_filled(piece, 0.0, scale.colour(tokens, value));
        }
        caption(ui, number(scale.high));
        caption(ui, what);
    });
}

fn classes_ui(now: &Now<'_>, sides: &[Vec<Option<u8>>], ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let mut counts = [0_usize; 256];
    let mut total = 0_usize;
    for class in sides.iter().flatten().flatten() {
        counts[usize::from(*class)] += 1;
        total += 1;
    }
    let mut there: Vec<(u8, usize)> = (0..=u8::MAX)
        .zip(counts)
        .filter(|(_, count)| *count > 0)
        .collect();
    there.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    ui.horizontal_wrapped(|ui| {
        for (class, count) in there.iter().take(NAMED) {
            let (rect, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
            let colour = class_colour(tokens, u32::from(*class));
            ui.painter().rect_filled(rect, 1.0, colour);
            let share = 100.0 * *count as f32 / total.max(1) as f32;
            caption(ui, format!("{} {share:.0} %", class_name(now, *class)));
        }
        if there.len() > NAMED {
            caption(ui, format!("and {} more", there.len() - NAMED));
        }
    });
}

/// Draws the settings of the colours: centring, keeping, the cut with its histogram.
pub(super) fn colours_ui(
    view: &mut InspectorView,
    state: &InspectorState,
    world: &World<'_>,
    ui: &mut Ui,
) {
    let Some(colours) = &state.colours else {
        return;
    };
    let histogram = &colours.histogram;
    if !world.is_export {
        ui.horizontal_wrapped(|ui| {
            ui.checkbox(&mut view.is_centred, "centred")
                .on_hover_text("The mean of the set's unit vectors is taken away first");
            ui.checkbox(&mut view.keeps_colours, "keep these axes")
                .on_hover_text(
                    "Nothing is fitted again: other checkpoints and images are coloured by the \
                     same axes, where dimensions agree",
                );
            let response = ui
                .checkbox(&mut view.has_cut, "foreground cut")
                .on_hover_text(
                    "Leaves locations out by their score along joint axis 1, often the ground; \
                     the axes that colour are fitted again to what is left, unless they are kept",
                );
            if response.clicked() && view.has_cut {
                // In the middle of this set, whatever another set left behind.
                view.cut = 0.5 * (histogram.low + histogram.high);
            }
            if view.has_cut {
                ui.checkbox(&mut view.is_cut_below, "below")
                    .on_hover_text("The foreground is what lies below the cut");
            }
        });
        if let Some(why) = &state.colours_failure {
            note(ui, Icon::Warning, why);
        }
        if let Some(kept) = &state.kept
            && kept.dim != colours.basis.dim
        {
            caption(
                ui,
                format!(
                    "The kept axes have {} dimensions, these features {}: fitted anew",
                    kept.dim, colours.basis.dim
                ),
            );
        }
    }
    if view.has_cut {
        histogram_ui(histogram, view, ui);
        if !world.is_export {
            ui.scope(|ui| {
                ui.spacing_mut().slider_width = BAR[0] * 1.5;
                let slider = egui::Slider::new(&mut view.cut, histogram.low..=histogram.high)
                    .max_decimals(3);
                let _ = ui.add(slider).accessible_name("Cut along axis 1");
            });
        }
    }
}

/// Scores of the whole set along the first axis, with the cut.
fn histogram_ui(histogram: &Histogram, view: &InspectorView, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(BAR[0] * 1.5, 4.0 * BAR[1]), Sense::hover());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(
            egui::Role::Image,
            true,
            format!(
                "Scores of the set along axis 1, {:.2} to {:.2}",
                histogram.low, histogram.high
            ),
        )
    });
    let painter = ui.painter_at(rect);
    let most = histogram.counts.iter().copied().max().unwrap_or(0).max(1) as f32;
    let width = rect.width() / histogram.counts.len().max(1) as f32;
    let span = histogram.high - histogram.low;
    for (bin, count) in histogram.counts.iter().enumerate() {
        let left = rect.left() + bin as f32 * width;
        let middle = (bin as f32 + 0.5) / histogram.counts.len() as f32;
        let is_kept =
            (view.foreground()).is_some_and(|cut| cut.keeps(histogram.low + middle * span));
        let colour = if is_kept {
            tokens.accent.main.0
        } else {
            tokens.text.weak.0
        };
        let top = rect.bottom() - rect.height() * *count as f32 / most;
        let bar = Rect::from_min_max(pos2(left, top), pos2(left + width, rect.bottom()));
        painter.rect_filled(bar, 0.0, colour.gamma_multiply(0.6));
    }
    if histogram.high > histogram.low {
        let fraction = (view.cut - histogram.low) / span;
        let x = rect.left() + fraction.clamp(0.0, 1.0) * rect.width();
        painter.vline(x, rect.y_range(), Stroke::new(2.0, tokens.accent.main.0));
    }
    let [low, high] = [histogram.low, histogram.high].map(number);
    let text = format!(
        "locations of the set along joint axis 1, {low} to {high}; in colour: the foreground"
    );
    caption(ui, text);
}
