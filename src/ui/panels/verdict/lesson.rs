//! The same vectors, normalised plainly and after their mean was taken off.

use egui::{Align2, Color32, Pos2, Rect, Sense, Shape, Stroke, TextStyle, Ui, pos2, vec2};

use crate::{
    analysis::{Lesson, LessonSide},
    ui::{
        theme::{self, Tokens},
        widgets::{caption, format_value},
    },
};

pub(super) fn lesson_ui(lesson: &Lesson, ui: &mut Ui) {
    caption(
        ui,
        format!(
            "Taking the mean off before normalising spreads vectors that all point one way over the \
             whole circle. Both pictures show the same {} of {} vectors on S¹.",
            lesson.plain.points.len(),
            lesson.of
        ),
    );
    let side = (0.5 * ui.available_width()).min(190.0 * theme::mark_scale(ui));
    ui.horizontal(|ui| {
        for shown in [&lesson.plain, &lesson.centred] {
            ui.vertical(|ui| {
                ui.set_max_width(side);
                circle_ui(shown, side, ui);
                caption(ui, shown.how);
                caption(
                    ui,
                    format!(
                        "L_uniform(t={}) {}, mean cosine {}",
                        lesson.t,
                        format_value(shown.uniformity),
                        format_value(shown.mean_cosine)
                    ),
                );
            });
        }
    });
}

fn circle_ui(shown: &LessonSide, side: f32, ui: &mut Ui) {
    let tokens = Tokens::of(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    response.widget_info(|| {
        let text = format!(
            "{} vectors on the circle, {}",
            shown.points.len(),
            shown.how
        );
        egui::WidgetInfo::labeled(egui::Role::Image, true, text)
    });
    let square = Rect::from_center_size(rect.center(), vec2(0.86 * side, 0.86 * side));
    let painter = ui.painter_at(rect);
    let ring = Stroke::new(1.0, tokens.surface.rule_strong.0);
    painter.circle_stroke(square.center(), 0.5 * square.width(), ring);
    let colour = tokens.accent.main.0;
    let dots = shown
        .points
        .iter()
        .filter(|[x, y]| x.is_finite() && y.is_finite())
        .map(|&[x, y]| dot(square, x, y, colour));
    painter.extend(dots);
    painter.text(
        square.center(),
        Align2::CENTER_CENTER,
        "S¹",
        TextStyle::Small.resolve(ui.style()),
        tokens.text.weak.0,
    );
}

fn dot(square: Rect, x: f32, y: f32, colour: Color32) -> Shape {
    let radius = 0.5 * square.width();
    let at: Pos2 = pos2(
        square.center().x + radius * x,
        square.center().y - radius * y,
    );
    Shape::circle_filled(at, 2.0, colour.gamma_multiply(0.6))
}
