//! Icons drawn with lines, so that they follow the theme and any scale, and need no font.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, epaint::CircleShape, pos2, vec2};

/// A drawn icon. All fit a square and are named for what they do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// A file or folder is opened.
    Open,
    /// Something is closed or removed.
    Close,
    /// Text goes to the clipboard.
    Copy,
    /// A search.
    Search,
    /// Select with a free-hand loop.
    Lasso,
    /// Select with a rectangle.
    Box,
    /// Select with a spherical cap.
    Cap,
    /// Arcs between pairs.
    Arcs,
    /// Density shading.
    Density,
    /// The view is fitted.
    Home,
    /// Work is stopped.
    Stop,
    /// A fact.
    Info,
    /// A warning.
    Warning,
    /// A failure.
    Failure,
    /// It worked.
    Done,
    /// Only the front side of the sphere.
    Front,
    /// Shown.
    Eye,
    /// Not shown.
    EyeClosed,
    /// Downwards: sorted, or more below.
    Down,
    /// Upwards.
    Up,
    /// A processor.
    Device,
    /// A run goes on.
    Play,
    /// A run waits.
    Pause,
    /// One step of a run.
    StepForward,
    /// Back to the beginning.
    Reset,
    /// Another branch from here.
    Fork,
    /// To the first.
    First,
    /// To the last.
    Last,
    /// Again and again.
    Replay,
    /// Something is written to a file.
    Save,
    /// Something is kept in its place.
    Pin,
    /// The points are turned to the front.
    Face,
    /// A view takes the whole window.
    Enlarge,
    /// A view goes back to its place.
    Restore,
}

/// Draws `icon` into the square around the centre of `rect`.
pub fn paint(painter: &Painter, rect: Rect, icon: Icon, colour: Color32) {
    let side = rect.width().min(rect.height());
    let square = Rect::from_center_size(rect.center(), vec2(side, side));
    let pen = Pen {
        square,
        stroke: Stroke::new((side / 11.0).max(1.0), colour),
    };
    painter.extend(pen.shapes(icon));
}

/// Turns coordinates of a 16×16 drawing into shapes.
struct Pen {
    square: Rect,
    stroke: Stroke,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> Pos2 {
        self.square.min + vec2(x, y) * (self.square.width() / 16.0)
    }

    fn line(&self, points: &[(f32, f32)]) -> Shape {
        Shape::line(
            points.iter().map(|&(x, y)| self.at(x, y)).collect(),
            self.stroke,
        )
    }

    fn closed(&self, points: &[(f32, f32)]) -> Shape {
        Shape::closed_line(
            points.iter().map(|&(x, y)| self.at(x, y)).collect(),
            self.stroke,
        )
    }

    fn ring(&self, x: f32, y: f32, radius: f32) -> Shape {
        Shape::circle_stroke(self.at(x, y), self.length(radius), self.stroke)
    }

    fn dot(&self, x: f32, y: f32, radius: f32) -> Shape {
        Shape::Circle(CircleShape::filled(
            self.at(x, y),
            self.length(radius),
            self.stroke.color,
        ))
    }

    fn length(&self, units: f32) -> f32 {
        units * self.square.width() / 16.0
    }

    /// Part of an ellipse, angles in turns, clockwise from the right.
    fn arc(&self, centre: (f32, f32), radius: (f32, f32), turns: (f32, f32)) -> Shape {
        let steps = 24;
        let points = (0..=steps)
            .map(|step| {
                let turn = turns.0 + (turns.1 - turns.0) * step as f32 / steps as f32;
                let (sin, cos) = (turn * std::f32::consts::TAU).sin_cos();
                self.at(centre.0 + radius.0 * cos, centre.1 + radius.1 * sin)
            })
            .collect();
        Shape::line(points, self.stroke)
    }

    fn shapes(&self, icon: Icon) -> Vec<Shape> {
        match icon {
            Icon::Open => vec![self.closed(&[
                (2.0, 3.5),
                (6.0, 3.5),
                (7.5, 5.5),
                (14.0, 5.5),
                (14.0, 13.0),
                (2.0, 13.0),
            ])],
            Icon::Close => vec![
                self.line(&[(4.0, 4.0), (12.0, 12.0)]),
                self.line(&[(12.0, 4.0), (4.0, 12.0)]),
            ],
            Icon::Copy => vec![
                self.closed(&[(5.5, 5.5), (13.5, 5.5), (13.5, 13.5), (5.5, 13.5)]),
                self.line(&[
                    (3.0, 10.5),
                    (2.5, 10.5),
                    (2.5, 2.5),
                    (10.5, 2.5),
                    (10.5, 3.0),
                ]),
            ],
            Icon::Search => vec![
                self.ring(7.0, 7.0, 4.5),
                self.line(&[(10.3, 10.3), (14.0, 14.0)]),
            ],
            Icon::Lasso => vec![
                self.arc((8.0, 6.5), (6.0, 4.0), (0.0, 1.0)),
                self.line(&[(5.0, 10.0), (5.5, 12.0), (4.0, 14.0)]),
            ],
            Icon::Box => vec![self.closed(&[(2.5, 3.5), (13.5, 3.5), (13.5, 12.5), (2.5, 12.5)])],
            Icon::Cap => vec![
                self.ring(8.0, 8.0, 6.0),
                self.arc((8.0, 5.5), (5.4, 1.9), (0.0, 1.0)),
            ],
            Icon::Arcs => vec![
                self.arc((8.0, 12.0), (5.0, 8.0), (0.5, 1.0)),
                self.dot(3.0, 12.0, 1.8),
                self.dot(13.0, 12.0, 1.8),
            ],
            Icon::Density => vec![
                self.ring(8.0, 8.0, 6.0),
                self.ring(7.0, 8.5, 3.4),
                self.dot(6.5, 8.8, 1.4),
            ],
            Icon::Home => vec![
                self.line(&[(2.0, 6.0), (2.0, 2.0), (6.0, 2.0)]),
                self.line(&[(10.0, 2.0), (14.0, 2.0), (14.0, 6.0)]),
                self.line(&[(14.0, 10.0), (14.0, 14.0), (10.0, 14.0)]),
                self.line(&[(6.0, 14.0), (2.0, 14.0), (2.0, 10.0)]),
                self.dot(8.0, 8.0, 1.8),
            ],
            Icon::Stop => vec![self.closed(&[(4.0, 4.0), (12.0, 4.0), (12.0, 12.0), (4.0, 12.0)])],
            _ => self.signs(icon),
        }
    }

    fn signs(&self, icon: Icon) -> Vec<Shape> {
        match icon {
            Icon::Info => vec![
                self.ring(8.0, 8.0, 6.3),
                self.line(&[(8.0, 7.2), (8.0, 11.5)]),
                self.dot(8.0, 4.8, 0.9),
            ],
            Icon::Warning => vec![
                self.closed(&[(8.0, 2.0), (14.5, 13.5), (1.5, 13.5)]),
                self.line(&[(8.0, 6.5), (8.0, 9.8)]),
                self.dot(8.0, 11.7, 0.9),
            ],
            Icon::Failure => vec![
                self.ring(8.0, 8.0, 6.3),
                self.line(&[(5.5, 5.5), (10.5, 10.5)]),
                self.line(&[(10.5, 5.5), (5.5, 10.5)]),
            ],
            Icon::Done => vec![self.line(&[(2.5, 8.5), (6.3, 12.3), (13.5, 4.0)])],
            Icon::Front => vec![
                self.arc((8.0, 8.0), (6.0, 6.0), (0.25, 0.75)),
                self.line(&[(8.0, 2.0), (8.0, 14.0)]),
                self.dot(5.5, 8.0, 1.3),
            ],
            Icon::Eye => vec![
                self.arc((8.0, 11.0), (6.6, 7.0), (0.55, 0.95)),
                self.arc((8.0, 5.0), (6.6, 7.0), (0.05, 0.45)),
                self.dot(8.0, 8.0, 2.0),
            ],
            Icon::EyeClosed => vec![
                self.arc((8.0, 5.0), (6.6, 6.0), (0.05, 0.45)),
                self.line(&[(4.0, 11.0), (3.0, 13.0)]),
                self.line(&[(12.0, 11.0), (13.0, 13.0)]),
            ],
            Icon::Down => vec![self.line(&[(4.0, 6.0), (8.0, 10.5), (12.0, 6.0)])],
            Icon::Up => vec![self.line(&[(4.0, 10.5), (8.0, 6.0), (12.0, 10.5)])],
            Icon::Device => vec![
                self.closed(&[(4.0, 4.0), (12.0, 4.0), (12.0, 12.0), (4.0, 12.0)]),
                self.line(&[(6.0, 4.0), (6.0, 1.5)]),
                self.line(&[(10.0, 4.0), (10.0, 1.5)]),
                self.line(&[(6.0, 12.0), (6.0, 14.5)]),
                self.line(&[(10.0, 12.0), (10.0, 14.5)]),
                self.line(&[(4.0, 8.0), (1.5, 8.0)]),
                self.line(&[(12.0, 8.0), (14.5, 8.0)]),
            ],
            _ => self.transport(icon),
        }
    }

    fn transport(&self, icon: Icon) -> Vec<Shape> {
        match icon {
            Icon::Play => vec![self.closed(&[(4.5, 3.0), (13.0, 8.0), (4.5, 13.0)])],
            Icon::Pause => vec![
                self.line(&[(5.5, 3.5), (5.5, 12.5)]),
                self.line(&[(10.5, 3.5), (10.5, 12.5)]),
            ],
            Icon::StepForward => vec![
                self.closed(&[(3.5, 3.5), (10.5, 8.0), (3.5, 12.5)]),
                self.line(&[(13.0, 3.5), (13.0, 12.5)]),
            ],
            Icon::Reset => vec![
                self.arc((8.0, 8.5), (5.5, 5.5), (0.7, 1.55)),
                self.line(&[(2.5, 3.0), (6.0, 3.4), (4.6, 6.8)]),
            ],
            Icon::Fork => vec![
                self.line(&[(5.0, 13.5), (5.0, 2.5)]),
                self.line(&[(5.0, 10.0), (11.0, 7.0), (11.0, 2.5)]),
                self.dot(5.0, 13.0, 1.4),
            ],
            Icon::First => vec![
                self.line(&[(4.0, 3.5), (4.0, 12.5)]),
                self.line(&[(12.0, 3.5), (7.0, 8.0), (12.0, 12.5)]),
            ],
            Icon::Last => vec![
                self.line(&[(12.0, 3.5), (12.0, 12.5)]),
                self.line(&[(4.0, 3.5), (9.0, 8.0), (4.0, 12.5)]),
            ],
            Icon::Replay => vec![
                self.arc((8.0, 8.0), (5.5, 5.5), (0.05, 0.9)),
                self.line(&[(10.5, 3.0), (13.0, 5.2), (10.2, 7.0)]),
            ],
            Icon::Save => vec![
                self.line(&[(8.0, 2.5), (8.0, 10.0)]),
                self.line(&[(4.8, 7.0), (8.0, 10.2), (11.2, 7.0)]),
                self.line(&[(3.0, 11.0), (3.0, 13.5), (13.0, 13.5), (13.0, 11.0)]),
            ],
            Icon::Pin => vec![
                self.ring(8.0, 5.5, 3.2),
                self.line(&[(8.0, 8.7), (8.0, 14.5)]),
            ],
            Icon::Face => vec![
                self.ring(8.0, 8.0, 6.2),
                self.dot(6.6, 7.0, 1.2),
                self.dot(9.6, 6.4, 1.2),
                self.dot(8.4, 9.8, 1.2),
            ],
            Icon::Enlarge => vec![
                self.line(&[(9.5, 3.0), (13.0, 3.0), (13.0, 6.5)]),
                self.line(&[(13.0, 3.0), (9.0, 7.0)]),
                self.line(&[(6.5, 13.0), (3.0, 13.0), (3.0, 9.5)]),
                self.line(&[(3.0, 13.0), (7.0, 9.0)]),
            ],
            Icon::Restore => vec![
                self.line(&[(9.0, 3.5), (9.0, 7.0), (12.5, 7.0)]),
                self.line(&[(9.0, 7.0), (13.0, 3.0)]),
                self.line(&[(7.0, 12.5), (7.0, 9.0), (3.5, 9.0)]),
                self.line(&[(7.0, 9.0), (3.0, 13.0)]),
            ],
            _ => Vec::new(),
        }
    }
}

/// A filled triangle at the end of a sorted column's title, for painters that need a plain shape.
pub fn triangle(painter: &Painter, centre: Pos2, size: f32, is_down: bool, colour: Color32) {
    let flip = if is_down { 1.0 } else { -1.0 };
    let corner = |x: f32, y: f32| pos2(centre.x + x * size, centre.y + y * flip * size);
    painter.add(Shape::convex_polygon(
        vec![corner(-0.5, -0.35), corner(0.5, -0.35), corner(0.0, 0.45)],
        colour,
        Stroke::NONE,
    ));
}
