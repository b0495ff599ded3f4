//! Prototypes of a run's loss over the points that are pulled to them.

use egui::{Align2, Color32, Painter, Pos2, Rect, Shape, Stroke, TextStyle, Ui, vec2};

use super::SphereCanvas;
use crate::ui::{
    Snapshot,
    colour::class_colour,
    theme::{self, Tokens},
};

/// Half the height of a mark, in points of the screen.
const SIZE: f32 = 8.0;
/// Beyond this many the marks carry no numbers: they would cover each other.
const NUMBERED: usize = 12;

/// What the marks are, for the line above the picture; nothing where there is none.
pub fn settings(snapshot: &Snapshot) -> Option<String> {
    let prototypes = snapshot.analysis.prototypes.as_ref()?;
    let which = if prototypes.clusterings > 1 {
        format!(", the first of {} clusterings", prototypes.clusterings)
    } else {
        String::new()
    };
    Some(format!(
        "{} prototypes as diamonds, as the key encoder had them at the last clustering{which}",
        prototypes.len()
    ))
}

/// Draws a diamond for each prototype on the sphere; those behind it are faint.
pub(super) fn overlay(canvas: &SphereCanvas, rect: Rect, snapshot: &Snapshot, ui: &Ui) {
    let places = &snapshot.prepared.prototypes.sphere;
    let painter = ui.painter_at(rect);
    for (index, place) in places.iter().enumerate() {
        // One of which the picture keeps nothing has no direction here.
        if *place == [0.0; 3] {
            continue;
        }
        if let Some((at, is_in_front)) = canvas.place(*place) {
            let strength = if is_in_front { 1.0 } else { 0.4 };
            mark(ui, &painter, at, index, places.len(), strength);
        }
    }
}

/// Draws one prototype's diamond with its number.
pub fn mark(ui: &Ui, painter: &Painter, at: Pos2, index: usize, of: usize, strength: f32) {
    let tokens = Tokens::of(ui);
    let size = SIZE * theme::mark_scale(ui);
    let corners = [
        vec2(0.0, -size),
        vec2(size, 0.0),
        vec2(0.0, size),
        vec2(-size, 0.0),
    ];
    let faded = |colour: Color32| colour.gamma_multiply(strength);
    painter.add(Shape::convex_polygon(
        corners.map(|corner| at + corner).to_vec(),
        faded(class_colour(tokens, index as u32)),
        Stroke::new(2.0, faded(tokens.text.strong.0)),
    ));
    if of <= NUMBERED {
        painter.text(
            at + vec2(size + 2.0, 0.0),
            Align2::LEFT_CENTER,
            (index + 1).to_string(),
            TextStyle::Body.resolve(ui.style()),
            faded(tokens.text.strong.0),
        );
    }
}
