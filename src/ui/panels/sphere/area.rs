//! Selecting an area: loop, rectangle or spherical cap.

use egui::{Modifiers, Painter, PointerButton, Pos2, Rect, Response, Shape, Stroke};
use glam::Vec3;

use super::SphereCanvas;
use crate::{
    render::{Region, Side, select},
    ui::{Combine, Command, Commands, SelectTool, SphereView, World, theme::Tokens},
};

/// Points of the loop closer than this to the last one are left out, in points of the screen.
const STEP: f32 = 3.0;
/// Corners of a drawn cap.
const CAP_CORNERS: usize = 64;

/// An area under way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Area {
    tool: SelectTool,
    path: Vec<Pos2>,
}

/// Begins, follows and ends an area; whether one is under way or has just ended.
pub(super) fn interact(
    view: &SphereView,
    canvas: &mut SphereCanvas,
    response: &Response,
    world: &World<'_>,
    commands: &mut Commands,
    modifiers: Modifiers,
) -> bool {
    if response.drag_started_by(PointerButton::Primary) && modifiers.shift {
        let origin = response.ctx.input(|input| input.pointer.press_origin());
        canvas.area = Some(Area {
            tool: view.tool,
            path: origin.into_iter().collect(),
        });
    }
    let Some(area) = &mut canvas.area else {
        return false;
    };
    if let Some(position) = response.interact_pointer_pos() {
        let is_far = area
            .path
            .last()
            .is_none_or(|last| last.distance(position) >= STEP);
        match area.tool {
            SelectTool::Lasso if is_far => area.path.push(position),
            SelectTool::Lasso => {}
            SelectTool::Box | SelectTool::Cap => {
                area.path.truncate(1);
                area.path.push(position);
            }
        }
    }
    if response.drag_stopped() {
        let area = canvas.area.take();
        if let Some(region) = area.and_then(|area| region(canvas, &area)) {
            let side = if view.is_front_only {
                Side::Front
            } else {
                Side::Both
            };
            let rows = inside(canvas, world, &region, side);
            commands.push(Command::Select(rows, Combine::from_modifiers(modifiers)));
        }
    }
    true
}

fn inside(canvas: &SphereCanvas, world: &World<'_>, region: &Region, side: Side) -> Vec<u32> {
    match (world.snapshot, canvas.view()) {
        (Some(snapshot), Some(view)) => select(
            &snapshot.prepared.sphere,
            canvas.flags(),
            &view,
            region,
            side,
        ),
        _ => Vec::new(),
    }
}

fn region(canvas: &SphereCanvas, area: &Area) -> Option<Region> {
    let (first, last) = (*area.path.first()?, *area.path.last()?);
    match area.tool {
        SelectTool::Lasso if area.path.len() < 3 => None,
        SelectTool::Lasso => Some(Region::Lasso(
            area.path.iter().map(|at| canvas.pixel(*at)).collect(),
        )),
        SelectTool::Box => Some(Region::Box(canvas.pixel(first), canvas.pixel(last))),
        SelectTool::Cap => {
            let (centre, angle_rad) = cap(canvas, first, last)?;
            Some(Region::Cap { centre, angle_rad })
        }
    }
}

/// The cap around where the drag began, out to the pointer or to the rim.
fn cap(canvas: &SphereCanvas, first: Pos2, last: Pos2) -> Option<(Vec3, f32)> {
    let centre = canvas.direction(first)?;
    let edge = (0..=20)
        .map(|step| last + (first - last) * (step as f32 / 20.0))
        .find_map(|at| canvas.direction(at))?;
    Some((centre, centre.dot(edge).clamp(-1.0, 1.0).acos()))
}

/// Draws the area under way.
pub(super) fn overlay(canvas: &SphereCanvas, painter: &Painter, tokens: &Tokens) {
    let Some(area) = &canvas.area else {
        return;
    };
    let (Some(first), Some(last)) = (area.path.first(), area.path.last()) else {
        return;
    };
    let stroke = Stroke::new(1.5, tokens.accent.main.0);
    let fill = tokens.accent.main.0.gamma_multiply(0.12);
    match area.tool {
        SelectTool::Lasso => {
            painter.add(Shape::closed_line(area.path.clone(), stroke));
        }
        SelectTool::Box => {
            let rect = Rect::from_two_pos(*first, *last);
            painter.rect(rect, 0.0, fill, stroke, egui::StrokeKind::Inside);
        }
        SelectTool::Cap => {
            if let Some((centre, angle_rad)) = cap(canvas, *first, *last) {
                painter.add(Shape::closed_line(
                    cap_outline(canvas, centre, angle_rad),
                    stroke,
                ));
            }
        }
    }
}

fn cap_outline(canvas: &SphereCanvas, centre: Vec3, angle_rad: f32) -> Vec<Pos2> {
    let (u, v) = centre.any_orthonormal_pair();
    let (sin, cos) = angle_rad.sin_cos();
    (0..CAP_CORNERS)
        .filter_map(|corner| {
            let (s, c) = (std::f32::consts::TAU * corner as f32 / CAP_CORNERS as f32).sin_cos();
            let point = centre * cos + (u * c + v * s) * sin;
            canvas.place(point.to_array()).map(|(place, _)| place)
        })
        .collect()
}
