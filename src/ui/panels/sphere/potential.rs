//! The potential on the sphere: shading, arrows, marks, and the tools that change it.

use std::sync::Arc;

use egui::{Align2, Color32, Response, Ui, vec2};
use glam::DVec3;

use super::{
    SphereCanvas,
    canvas::{RAMP_STEPS, straight},
};
use crate::{
    landscape::{FIELD_MESH, FieldArrow, PotentialField},
    render::{GeodesicArc, SphereRelief, SurfaceField},
    ui::{
        Command, Commands, Potential, Shading, SphereView, World,
        colour::ramp,
        theme::{self, Tokens},
        widgets::choice,
    },
};

/// Length of the longest arrow, radians.
const LONGEST_RAD: f64 = 0.14;
/// Length of an arrow's head as a share of the arrow.
const HEAD: f64 = 0.35;
/// Arrows shorter than this share of the longest are left out.
const SHORTEST: f64 = 0.02;
/// How far the surface sinks where the potential is lowest, of the radius.
const RELIEF_DEPTH: f32 = 0.35;
/// Range of the temperature that the slider offers.
const T_RANGE: std::ops::RangeInclusive<f64> = 0.1..=50.0;

/// The shading of a field: from its least value, clear, to its greatest.
pub(super) fn surface(field: &PotentialField, tokens: &Tokens) -> Option<Arc<SurfaceField>> {
    let colours = (0..RAMP_STEPS)
        .map(|step| ramp(&tokens.data.density, step as f32 / (RAMP_STEPS - 1) as f32).to_array())
        .collect();
    let [width, height] = FIELD_MESH;
    let sphere = &field.sphere;
    let shares = sphere
        .values
        .iter()
        .map(|value| sphere.share(*value))
        .collect();
    SurfaceField::new(width as u32, height as u32, shares, colours)
        .inspect_err(|error| log::warn!("{error}"))
        .ok()
        .map(Arc::new)
}

/// The surface sunk by the potential, at radius 1 where it is highest.
pub(super) fn relief(surface: &SurfaceField, tokens: &Tokens) -> Arc<SphereRelief> {
    let mut ground = straight(tokens.sphere.body);
    ground[3] = 255;
    Arc::new(SphereRelief::new(surface, RELIEF_DEPTH, ground))
}

/// Arrows down the potential, the longest where it falls most steeply.
pub(super) fn arrows(field: &PotentialField, tokens: &Tokens) -> Vec<GeodesicArc> {
    let steepest = field
        .arrows
        .iter()
        .map(|arrow| DVec3::from_array(arrow.gradient).length())
        .fold(0.0, f64::max);
    // Where the field is flat there is nothing to point at.
    if steepest < 1e-4 {
        return Vec::new();
    }
    let colour = straight(tokens.accent.main);
    field
        .arrows
        .iter()
        .filter_map(|arrow| lines(arrow, steepest))
        .flatten()
        .map(|[start, end]| GeodesicArc {
            start: start.as_vec3().to_array(),
            end: end.as_vec3().to_array(),
            colour,
        })
        .collect()
}

/// Shaft and two sides of the head.
fn lines(arrow: &FieldArrow, steepest: f64) -> Option<[[DVec3; 2]; 3]> {
    let (at, down) = (
        DVec3::from_array(arrow.at),
        -DVec3::from_array(arrow.gradient),
    );
    let share = down.length() / steepest;
    if share < SHORTEST {
        return None;
    }
    let along = down.normalize();
    let length = LONGEST_RAD * share;
    let tip = at * length.cos() + along * length.sin();
    let across = at.cross(along);
    let base = at * (length * (1.0 - HEAD)).cos() + along * (length * (1.0 - HEAD)).sin();
    let side = |sign: f64| (base + across * (sign * 0.5 * HEAD * length)).normalize();
    Some([[at, tip], [side(1.0), tip], [side(-1.0), tip]])
}

/// Marks the extrema on the near side: a filled dot a maximum, a ring a minimum.
pub(super) fn extrema_ui(
    canvas: &SphereCanvas,
    response: &Response,
    view: &SphereView,
    world: &World<'_>,
    ui: &Ui,
) {
    let Some(field) = world.potential.field.filter(|_| view.shows_potential()) else {
        return;
    };
    let tokens = Tokens::of(ui);
    let painter = ui.painter_at(response.rect);
    let scale = theme::mark_scale(ui);
    let font = egui::TextStyle::Small.resolve(ui.style());
    for extremum in &field.sphere.extrema {
        let point = extremum.at.map(|x| x as f32);
        let radius = if world.potential.has_relief {
            1.0 - RELIEF_DEPTH * (1.0 - field.sphere.share(extremum.value as f32))
        } else {
            1.0
        };
        let Some((place, true)) = canvas.place_at(point, radius) else {
            continue;
        };
        let colour = tokens.status.warning.0;
        if extremum.is_maximum {
            painter.circle(place, 4.0 * scale, colour, (1.5, tokens.sphere.halo.0));
        } else {
            painter.circle(place, 4.0 * scale, Color32::TRANSPARENT, (1.5, colour));
        }
        painter.text(
            place + vec2(7.0, 0.0) * scale,
            Align2::LEFT_CENTER,
            format!("{:.2}", extremum.value).replace('-', "−"),
            font.clone(),
            tokens.text.strong.0,
        );
    }
}

/// What the shading says, and the potential's temperature and arrows.
pub(super) fn tools_ui(
    view: &SphereView,
    potential: &Potential<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    ui.allocate_ui(vec2(96.0, ui.spacing().interact_size.y), |ui| {
        let options =
            Shading::ALL.map(|shading| (shading, shading.name().to_owned(), shading.explanation()));
        if let Some(shading) = choice(ui, "What the shading says", &view.shading, &options) {
            commands.push(Command::Shade(shading));
        }
    });
    if view.shading == Shading::Potential {
        temperature_ui(potential, commands, ui);
        let mut has_arrows = potential.has_arrows;
        let arrows = Command::TogglePotentialArrows;
        if ui
            .checkbox(&mut has_arrows, "arrows")
            .on_hover_text(arrows.tooltip())
            .changed()
        {
            commands.push(arrows);
        }
        let mut has_relief = potential.has_relief;
        let relief = Command::TogglePotentialRelief;
        if ui
            .checkbox(&mut has_relief, "relief")
            .on_hover_text(relief.tooltip())
            .changed()
        {
            commands.push(relief);
        }
    }
}

/// The temperature of the potential, which moves it live.
pub(in crate::ui::panels) fn temperature_ui(
    potential: &Potential<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    ui.label(egui::RichText::new("t").weak());
    ui.spacing_mut().slider_width = 88.0;
    let mut t = potential.t;
    let slider = egui::Slider::new(&mut t, T_RANGE)
        .logarithmic(true)
        .max_decimals(2);
    let response = ui
        .add(slider)
        .accessible_name("Temperature t of the potential")
        .on_hover_text("Small t sees the whole sphere, large t the nearest points alone");
    if response.changed() {
        commands.push(Command::PotentialT(Some(t)));
    }
}

/// What the shading shows, in words, where `count` points are shown.
pub(super) fn settings(potential: &Potential<'_>, count: usize) -> String {
    let Some(field) = potential.field else {
        return "potential: still being computed".to_owned();
    };
    let sphere = &field.sphere;
    let number = |value: f64| format!("{value:.3}").replace('-', "−");
    let still = if field.t.to_bits() == potential.t.to_bits() {
        String::new()
    } else {
        format!(", t = {:.2} follows", potential.t)
    };
    let relief = if potential.has_relief {
        format!(" as relief, {RELIEF_DEPTH} of the radius deep:")
    } else {
        String::new()
    };
    format!(
        "potential{relief} log mean exp(−t‖u − x_i‖²) at t = {:.2}{still} over {} of {count} points where they are shown, {} to \
         {} (uniform {}), {} of {} extrema marked",
        field.t,
        field.points,
        number(f64::from(sphere.range[0])),
        number(f64::from(sphere.range[1])),
        number(sphere.uniform),
        sphere.extrema.len(),
        sphere.extrema_found,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Progress;

    #[test]
    fn arrows_run_downhill_on_the_sphere() {
        let north = [[0.0, 0.0, 1.0]];
        let field = PotentialField::new(&north, &[[1.0, 0.0]], 2.0, &Progress::none()).unwrap();
        let drawn = arrows(&field, Tokens::dark());
        assert!(
            drawn.len() > 300 && drawn.len().is_multiple_of(3),
            "{}",
            drawn.len()
        );
        for shaft in drawn.iter().step_by(3) {
            assert!(shaft.end[2] < shaft.start[2], "away from the point");
            let length: f32 = shaft.end.iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-5);
        }
    }

    #[test]
    fn a_flat_field_has_no_arrows() {
        let even: Vec<[f32; 3]> = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
            .into_iter()
            .flat_map(|p: [f32; 3]| [p, p.map(|x| -x)])
            .collect();
        let field = PotentialField::new(&even, &[[1.0, 0.0]], 1e-3, &Progress::none()).unwrap();
        assert!(arrows(&field, Tokens::dark()).is_empty());
    }
}
