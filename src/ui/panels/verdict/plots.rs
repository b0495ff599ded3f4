//! Spectrum and cosines against the laws of uniform features.

use egui::{Stroke, Ui, Vec2b};
use egui_plot::{Bar, BarChart, Corner, Legend, Line, LineStyle, Plot, PlotPoints, Points};

use crate::{
    measure::collapse::Diagnosis,
    ui::{
        KindPicture, VerdictPicture,
        theme::{self, Tokens},
        widgets::caption,
    },
};

/// The two plots of a kind stand side by side from this width on, in points.
const WIDE: f32 = 460.0;

/// Draws a row a kind: its spectrum beside its cosines, each with what uniform features give.
pub(super) fn plots_ui(picture: &VerdictPicture, ui: &mut Ui) {
    let height = 170.0 * theme::mark_scale(ui);
    let width = ui.available_width();
    let kinds = picture.report.kinds.iter().zip(&picture.pictures);
    for (kind, drawn) in kinds {
        let Some(diagnosis) = &kind.diagnosis else {
            continue;
        };
        let shown = Shown {
            name: kind.kind.name(),
            diagnosis,
            picture: drawn,
            height,
        };
        let text = format!(
            "{}: {} vectors in {} dimensions",
            shown.name, diagnosis.rows, diagnosis.dim
        );
        ui.strong(text);
        if width >= WIDE {
            ui.columns(2, |columns| {
                // Columns justify what is in them, captions too.
                let [left, right] = columns else { return };
                left.vertical(|ui| spectrum_ui(&shown, ui));
                right.vertical(|ui| cosines_ui(&shown, ui));
            });
        } else {
            spectrum_ui(&shown, ui);
            cosines_ui(&shown, ui);
        }
    }
    caption(
        ui,
        "Left, eigenvalues of the covariance: a cliff is where directions are lost; few vectors bend \
         the line of uniform features too. Right, cosines of pairs.",
    );
}

/// One kind's plots.
struct Shown<'a> {
    name: &'static str,
    diagnosis: &'a Diagnosis,
    picture: &'a KindPicture,
    height: f32,
}

fn spectrum_ui(of: &Shown<'_>, ui: &mut Ui) {
    let picture = of.picture;
    let tokens = Tokens::of(ui);
    let shown = Plot::new(("collapse spectrum", of.name))
        .height(of.height)
        .x_axis_label("rank of the eigenvalue")
        .y_axis_label("log₁₀ λ")
        .legend(Legend::default().position(Corner::LeftBottom))
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_background(false)
        .show_grid(Vec2b::new(false, true))
        .y_axis_formatter(|mark, _| format!("{:.1}", mark.value).replace('-', "−"))
        .show(ui, |plot| {
            plot.line(
                Line::new("uniform features", PlotPoints::from(picture.even.clone()))
                    .color(tokens.text.weak.0)
                    .style(LineStyle::dashed_loose())
                    .width(1.5),
            );
            plot.line(
                Line::new("these features", PlotPoints::from(picture.spectrum.clone()))
                    .color(tokens.accent.main.0)
                    .width(2.0),
            );
            if picture.spectrum.len() < 100 {
                let points = Points::new("these features", picture.spectrum.clone());
                plot.points(points.color(tokens.accent.main.0).radius(2.5));
            }
        });
    shown.response.widget_info(|| {
        let count = picture.spectrum.len();
        let text = format!(
            "Spectrum of {} features: {count} eigenvalues against uniform features",
            of.name
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
}

fn cosines_ui(of: &Shown<'_>, ui: &mut Ui) {
    let (picture, diagnosis) = (of.picture, of.diagnosis);
    let tokens = Tokens::of(ui);
    let colour = tokens.accent.main.0;
    let bars: Vec<Bar> = picture
        .cosines
        .iter()
        .filter(|point| point[1] > 0.0)
        .map(|&[middle, density]| {
            Bar::new(middle, density)
                .width(picture.bin_width)
                .fill(colour.gamma_multiply(0.4))
                .stroke(Stroke::new(1.0, colour))
        })
        .collect();
    let shown = Plot::new(("collapse cosines", of.name))
        .height(of.height)
        .x_axis_label("cosine of a pair")
        .y_axis_label("density")
        .legend(Legend::default().position(Corner::LeftTop))
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .show_background(false)
        .show_grid(Vec2b::new(false, true))
        .include_y(0.0)
        // Room for the legend above the bars.
        .include_y(1.5 * picture.highest_density())
        .default_x_bounds(-1.0, 1.0)
        .show(ui, |plot| {
            plot.bar_chart(
                BarChart::new("these features", bars)
                    .color(colour)
                    .allow_hover(false),
            );
            plot.line(
                Line::new(
                    "exact law of uniform features",
                    PlotPoints::from(picture.law.clone()),
                )
                .color(tokens.text.strong.0)
                .width(1.5),
            );
        });
    shown.response.widget_info(|| {
        let text = format!(
            "Pair cosines of {} features against the exact law of uniform features",
            of.name
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
    if let Some(cosines) = &diagnosis.cosines {
        let of = if cosines.rows == cosines.of {
            format!("all pairs of {} vectors", cosines.of)
        } else {
            format!(
                "all pairs of {} of {} vectors, a seeded sample",
                cosines.rows, cosines.of
            )
        };
        caption(ui, format!("Cosines of {of}."));
    }
}
