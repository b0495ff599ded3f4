//! Commands that change only how the points are shown or which are selected.

use std::collections::BTreeSet;

use glam::Vec3;

use crate::{
    app::App,
    ui::{Combine, Command, marks::MarkState, widgets::Level},
};

/// Mean of points that points somewhere.
const LEAST_MEAN: f32 = 0.05;

impl App {
    /// Commands that change only how the points are shown or which are selected.
    pub(super) fn dispatch_view(&mut self, command: Command) {
        let sphere = &mut self.views.sphere;
        match command {
            Command::ColourBy(by) => sphere.colour_by = by,
            Command::ToggleArcs => sphere.has_arcs = !sphere.has_arcs,
            Command::ToggleDensity => sphere.has_density = !sphere.has_density,
            Command::Shade(shading) => {
                sphere.shading = shading;
                sphere.has_density = true;
            }
            Command::TogglePotentialRing => {
                let potential = &mut self.views.potential;
                potential.has_ring = !potential.has_ring;
            }
            Command::TogglePotentialArrows => {
                let potential = &mut self.views.potential;
                potential.has_arrows = !potential.has_arrows;
            }
            Command::TogglePotentialRelief => {
                let potential = &mut self.views.potential;
                potential.has_relief = !potential.has_relief;
            }
            Command::PotentialT(t) => {
                // Kept where it can be computed; not-a-number says nothing.
                self.views.potential.t = t.filter(|t| t.is_finite()).map(|t| t.clamp(0.05, 100.0));
            }
            Command::ToggleFrontOnly => sphere.is_front_only = !sphere.is_front_only,
            Command::Tool(tool) => sphere.tool = tool,
            Command::Home => self.canvas.fit(),
            Command::FacePoints => self.face_points(),
            Command::Focus(row) => self.focus(row),
            Command::ToggleClass(class) => toggle(&mut sphere.hidden, class),
            Command::Solo(class) => self.solo(class),
            Command::Select(rows, how) => self.select(&rows, how),
            Command::Hover(row) => self.set_next_hover(row),
            Command::ClearSelection => {
                self.selection.clear();
                self.seek_neighbours();
            }
            Command::Undo => {
                self.selection.undo();
                self.seek_neighbours();
            }
            Command::Redo => {
                self.selection.redo();
                self.seek_neighbours();
            }
            _ => {}
        }
    }

    fn select(&mut self, rows: &[u32], how: Combine) {
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        let count = snapshot.len() as u32;
        let rows: Vec<u32> = rows.iter().copied().filter(|row| *row < count).collect();
        self.selection.apply(&rows, how);
        let line = match (self.selection.single(), self.selection.len()) {
            (Some(row), _) => {
                let image = snapshot
                    .record(row)
                    .map_or("", |record| record.name.as_str());
                format!("selected: image={image} point={row}")
            }
            (None, count) => format!("selected: {count} points"),
        };
        self.note(Level::Info, line);
        if let [row] = rows[..] {
            self.views.table.bring_into_view(row);
        }
        self.seek_neighbours();
    }

    fn solo(&mut self, class: u32) {
        let classes = self
            .snapshot
            .as_ref()
            .map_or(0, |s| s.analysis.images.classes().len() as u32);
        let others: BTreeSet<u32> = (0..classes).filter(|other| *other != class).collect();
        let hidden = &mut self.views.sphere.hidden;
        *hidden = if *hidden == others {
            BTreeSet::new()
        } else {
            others
        };
    }

    /// Turns the mean of the selected points, or of all shown ones, to the front.
    fn face_points(&mut self) {
        let Some(snapshot) = &self.snapshot else {
            return;
        };
        let wanted = if self.selection.is_empty() {
            MarkState::Plain
        } else {
            MarkState::Selected
        };
        let points = &snapshot.prepared.sphere;
        let chosen = (self.marks.states.iter().zip(points.iter()))
            .filter(|(state, _)| **state == wanted)
            .map(|(_, point)| Vec3::from_array(*point))
            .filter(|point| point.is_finite());
        let (sum, count) = chosen.fold((Vec3::ZERO, 0.0), |(sum, count), point| {
            (sum + point, count + 1.0)
        });
        // Below it the mean of some hundred even points is chance.
        if sum.length() < LEAST_MEAN * f32::max(count, 1.0) {
            let text = "The points have no side: their mean lies in the middle of the sphere";
            return self.tell(Level::Info, text);
        }
        self.canvas.face(sum);
    }

    fn focus(&mut self, row: u32) {
        let point = self
            .snapshot
            .as_ref()
            .and_then(|s| s.prepared.sphere.get(row as usize).copied());
        if let Some(point) = point {
            self.canvas.focus(point);
        }
    }
}

/// Takes `class` out when it is in, and puts it in when it is not.
fn toggle(classes: &mut BTreeSet<u32>, class: u32) {
    if !classes.remove(&class) {
        classes.insert(class);
    }
}
