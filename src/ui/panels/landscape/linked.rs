//! What stands beside a picture of a slice: a small align–uniform plane with the place that is
//! pointed at, and its features on the sphere, while their own views are out of sight.

use egui::{Align2, Painter, Pos2, Rect, Sense, Shape, Stroke, Ui, UiBuilder, pos2, vec2};

use super::{READING, number};
use crate::ui::{
    Commands, Landscape, LandscapePicture, PointedAt, SphereView, World,
    marks::Marks,
    panels::sphere::{self, SphereCanvas},
    theme::{self, Tokens},
    widgets::{caption, caption_line},
};

/// A view that is narrower has no room for a column beside the picture.
const WIDE: f32 = 620.0;
/// The column's share of the view, and its least and greatest width.
const SHARE: f32 = 0.34;
const WIDTH: [f32; 2] = [240.0, 460.0];
/// Height of the small plane for its width.
const PLANE_ASPECT: f32 = 0.62;
/// Smaller planes are not drawn.
const LEAST_PLANE: [f32; 2] = [110.0, 56.0];
/// Half a side of the encoder's cross.
const CROSS: f32 = 4.0;

/// The sphere's own view, to be drawn here as well.
pub struct LinkedSphere<'a> {
    /// Settings.
    pub view: &'a SphereView,
    /// Its picture and camera.
    pub canvas: &'a mut SphereCanvas,
    /// Colours and states of the points.
    pub marks: &'a Marks,
    /// What the views of points show: the place's features while there are some.
    pub world: &'a World<'a>,
}

/// What stands beside the picture.
#[derive(Default)]
pub struct LinkedViews<'a> {
    /// The sphere, when its own view is out of sight.
    pub sphere: Option<LinkedSphere<'a>>,
    /// Whether the align–uniform plane is out of sight.
    pub has_plane: bool,
}

impl LinkedViews<'_> {
    /// Whether there is anything to draw.
    pub(super) fn is_empty(&self) -> bool {
        self.sphere.is_none() && !self.has_plane
    }
}

/// Width of the column beside the picture; nothing where there is no room for one.
pub(super) fn column_width(width: f32) -> Option<f32> {
    (width >= WIDE).then(|| (SHARE * width).clamp(WIDTH[0], WIDTH[1]))
}

/// Draws the column: plane, sphere, and how the shapes are read in what is left.
pub(super) fn column_ui(
    linked: LinkedViews<'_>,
    picture: &LandscapePicture,
    landscape: &Landscape<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
    column: Rect,
) {
    ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
        if linked.has_plane {
            caption_line(ui, "the slice on the align–uniform plane");
            let most = if linked.sphere.is_some() { 0.42 } else { 0.8 };
            let height = (column.width() * PLANE_ASPECT).min(most * column.height());
            let (rect, _) = ui.allocate_exact_size(vec2(column.width(), height), Sense::hover());
            plane_ui(rect, picture, landscape.pointed.as_ref(), ui);
            ui.add_space(4.0);
        }
        if let Some(sphere) = linked.sphere {
            sphere_ui(sphere, landscape, commands, ui);
        }
        if ui.available_height() > 60.0 {
            ui.add_space(4.0);
            egui::ScrollArea::vertical()
                .id_salt("reading help")
                .show(ui, |ui| caption(ui, READING));
        }
    });
}

fn sphere_ui(
    linked: LinkedSphere<'_>,
    landscape: &Landscape<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let LinkedSphere {
        view,
        canvas,
        marks,
        world,
    } = linked;
    let text = match (landscape.peeked, world.snapshot) {
        (Some(_), Some(snapshot)) => format!("features of the {}", snapshot.title()),
        (None, Some(snapshot)) if landscape.pointed.is_some() => {
            format!(
                "features of {}; those of the place follow",
                snapshot.title()
            )
        }
        (_, Some(snapshot)) => format!(
            "features of {}: point at the landscape for those of a place",
            snapshot.title()
        ),
        (_, None) => return,
    };
    caption_line(ui, &text);
    let side = ui.available_width().min(ui.available_height());
    if side < 80.0 {
        return;
    }
    let size = vec2(ui.available_width(), side);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    sphere::beside_ui(view, canvas, marks, world, commands, ui, rect);
}

/// How a place of the plane falls on the screen.
struct Axes {
    rect: Rect,
    across: [f64; 2],
    upward: [f64; 2],
}

impl Axes {
    /// Around the measured points, with the ceiling and, where it is known, the floor in sight.
    fn around(rect: Rect, picture: &LandscapePicture) -> Option<Self> {
        let points = picture.slice.cells.iter().flatten();
        let points = points.map(|point| [point.alignment, point.uniformity]);
        let (mut right, mut bottom) = (0.0_f64, picture.floor.unwrap_or(0.0));
        let mut count = 0;
        for [a, u] in points.filter(|point| point.iter().all(|x| x.is_finite())) {
            (right, bottom) = (right.max(a), bottom.min(u));
            count += 1;
        }
        let (right, depth) = (right.max(1e-3), (-bottom).max(1e-3));
        (count > 0).then_some(Self {
            rect,
            across: [-0.05 * right, 1.08 * right],
            upward: [-1.14 * depth, 0.14 * depth],
        })
    }

    fn place(&self, [a, u]: [f64; 2]) -> Pos2 {
        let share = |value: f64, [low, high]: [f64; 2]| ((value - low) / (high - low)) as f32;
        pos2(
            self.rect.left() + self.rect.width() * share(a, self.across),
            self.rect.bottom() - self.rect.height() * share(u, self.upward),
        )
    }
}

/// Whether a small plane of this size is drawn.
pub(super) fn has_room(size: egui::Vec2) -> bool {
    size.x >= LEAST_PLANE[0] && size.y >= LEAST_PLANE[1]
}

/// Draws the measured points of the slice on the align–uniform plane, the encoder as a cross, and a
/// ring where the place that is pointed at lies.
pub(super) fn plane_ui(
    rect: Rect,
    picture: &LandscapePicture,
    pointed: Option<&PointedAt>,
    ui: &Ui,
) {
    if !has_room(rect.size()) {
        return;
    }
    let response = ui.interact(rect, ui.scope_id().with("small plane"), Sense::hover());
    response.widget_info(|| {
        egui::WidgetInfo::labeled(egui::Role::Image, true, words(picture, pointed))
    });
    let tokens = Tokens::of(ui);
    let painter = ui.painter_at(rect);
    painter.rect(
        rect,
        0.0,
        tokens.surface.canvas.0,
        (tokens.shape.rule, tokens.surface.rule_strong.0),
        egui::StrokeKind::Inside,
    );
    let Some(axes) = Axes::around(rect, picture) else {
        return;
    };
    let font = egui::TextStyle::Small.resolve(ui.style());
    ground(&painter, &axes, picture.floor, &font, tokens);
    // A small plane is crowded, a large one would hide single points.
    let size = egui::Vec2::splat(if rect.width() < 250.0 { 2.0 } else { 3.0 });
    let dot = tokens.data.categories[0].0.gamma_multiply(0.7);
    for point in picture.slice.cells.iter().flatten() {
        let place = axes.place([point.alignment, point.uniformity]);
        painter.rect_filled(Rect::from_center_size(place, size), 0.0, dot);
    }
    let scale = theme::mark_scale(ui);
    let origin =
        (picture.slice.origin).map(|point| axes.place([point.alignment, point.uniformity]));
    if let Some(pointed) = pointed {
        let place = axes.place(pointed.measured);
        let ink = tokens.text.strong.0;
        if let Some(origin) = origin {
            painter.line_segment([origin, place], (1.0, ink.gamma_multiply(0.6)));
        }
        painter.circle_stroke(place, 5.0 * scale, (1.5 * scale, ink));
    }
    if let Some(origin) = origin {
        let stroke = Stroke::new(2.0 * scale, tokens.status.warning.0);
        let reach = CROSS * scale;
        let [across, up] = [vec2(reach, 0.0), vec2(0.0, reach)];
        painter.line_segment([origin - across, origin + across], stroke);
        painter.line_segment([origin - up, origin + up], stroke);
    }
    // Along the foot, over everything: the numbers of the place, or what the cross is.
    let told = match pointed {
        Some(pointed) => {
            let [a, u] = pointed.measured.map(number);
            format!("L_align {a}, L_uniform {u}")
        }
        None => format!(
            "cross: {} · ← L_align, L_uniform ↓ better",
            picture.slice.origin_name
        ),
    };
    let colour = tokens.text.body.0;
    let galley = painter.layout_no_wrap(told, font, colour);
    if galley.size().x < rect.width() - 8.0 {
        let at = rect.left_bottom() + vec2(4.0, -galley.size().y - 2.0);
        painter.galley(at, galley, colour);
    }
}

/// Lines of equal sums, ceiling and floor.
fn ground(
    painter: &Painter,
    axes: &Axes,
    floor: Option<f64>,
    font: &egui::FontId,
    tokens: &Tokens,
) {
    let ([left, right], [bottom, top]) = (axes.across, axes.upward);
    let rule = Stroke::new(1.0, tokens.surface.rule.0);
    for level in crate::geometry::round_levels([left + bottom, right + top], 6) {
        let ends = [[left, level - left], [right, level - right]].map(|place| axes.place(place));
        painter.extend(Shape::dashed_line(&ends, rule, 3.0, 3.0));
    }
    let ceiling = (0.0, "ceiling 0".to_owned(), tokens.status.error.0);
    let floor = floor.map(|floor| {
        let text = format!("floor {floor:.2}").replace('-', "−");
        (floor, text, tokens.status.good.0)
    });
    for (level, text, colour) in [Some(ceiling), floor].into_iter().flatten() {
        let y = axes.place([0.0, level]).y;
        painter.hline(axes.rect.x_range(), y, (1.0, colour));
        // Where there is no room between line and frame, below the line.
        let align = if y - axes.rect.top() < 14.0 {
            Align2::RIGHT_TOP
        } else {
            Align2::RIGHT_BOTTOM
        };
        let at = pos2(axes.rect.right() - 4.0, y);
        painter.text(at, align, text, font.clone(), colour);
    }
}

/// The small plane in words.
fn words(picture: &LandscapePicture, pointed: Option<&PointedAt>) -> String {
    let at = |[a, u]: [f64; 2]| format!("{}, {}", number(a), number(u));
    let mut text = "Small align–uniform plane of the slice".to_owned();
    if let Some(origin) = picture.slice.origin {
        text += &format!(
            ", the encoder at {}",
            at([origin.alignment, origin.uniformity])
        );
    }
    if let Some(pointed) = pointed {
        text += &format!(", the pointed place at {}", at(pointed.measured));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wide_view_has_a_column_and_a_tiny_one_no_plane() {
        assert!(has_room(vec2(140.0, 80.0)) && !has_room(vec2(140.0, 36.0)));
        assert_eq!(column_width(400.0), None);
        assert_eq!(column_width(1600.0), Some(WIDTH[1]));
        let width = column_width(700.0).unwrap();
        assert!((WIDTH[0]..350.0).contains(&width));
    }
}
