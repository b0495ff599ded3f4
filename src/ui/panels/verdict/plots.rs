//! Spectrum and cosines against the laws of uniform features.

use egui::{Stroke, Ui, Vec2b};
use egui_plot::{Bar, BarChart, Corner, Legend, Line, LineStyle, Plot, PlotPoints, Points};

use crate::{
    measure::collapse::Diagnosis,
    ui::{
        KindPicture,
        theme::{self, Tokens},
        widgets::caption,
    },
};

/// Plots stand side by side from this width on, in points.
const WIDE: f32 = 620.0;

pub(super) fn plots_ui(diagnosis: &Diagnosis, picture: &KindPicture, ui: &mut Ui) {
    let height = 200.0 * theme::mark_scale(ui);
    let width = ui.available_width();
    if width >= WIDE {
        ui.columns(2, |columns| {
            // Columns justify what is in them, captions too.
            let [left, right] = columns else { return };
            left.vertical(|ui| spectrum_ui(picture, height, ui));
            right.vertical(|ui| cosines_ui(diagnosis, picture, height, ui));
        });
    } else {
        spectrum_ui(picture, height, ui);
        cosines_ui(diagnosis, picture, height, ui);
    }
}

fn spectrum_ui(picture: &KindPicture, height: f32, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let shown = Plot::new("collapse spectrum")
        .height(height)
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
        let text = format!("Spectrum of {count} eigenvalues against uniform features");
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
    caption(
        ui,
        "Eigenvalues of the covariance. A cliff is where directions are lost; few vectors bend the \
         line of uniform features too.",
    );
}

fn cosines_ui(diagnosis: &Diagnosis, picture: &KindPicture, height: f32, ui: &mut Ui) {
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
    let shown = Plot::new("collapse cosines")
        .height(height)
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
        let text = "Histogram of pair cosines against the exact law of uniform features";
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
