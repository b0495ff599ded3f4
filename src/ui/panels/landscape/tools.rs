//! What the next slice is to be, and the buttons that start and stop it.

use egui::{RichText, Ui, vec2};

use crate::{
    landscape::{BatchNormUse, Directions, Quantity, UniformOver},
    ui::{
        Command, Commands, LandscapeCommand, LandscapeView, SlicePicture, World,
        widgets::{choice, number_field},
    },
};

/// Points a side that are offered: lattices of these halve well.
const SIDES: [usize; 6] = [5, 9, 13, 25, 33, 49];

/// Draws buttons and choices in one row that fits a small tile; whether the settings are open.
pub(super) fn tools_ui(
    view: &mut LandscapeView,
    world: &World<'_>,
    is_open: &mut bool,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        buttons_ui(world, commands, ui);
        let measured: Vec<Quantity> = match world.landscape.picture {
            Some(picture) => picture.slice.quantities.clone(),
            None => Quantity::ALL[..4].to_vec(),
        };
        let quantities: Vec<_> = (measured.iter())
            .map(|quantity| {
                (
                    *quantity,
                    quantity.name().to_owned(),
                    quantity.explanation(),
                )
            })
            .collect();
        let drawn = (world.landscape.picture).map_or(view.quantity, |p| p.drawn(view.quantity));
        sized(ui, 92.0, |ui| {
            if let Some(quantity) = choice(ui, "Surface", &drawn, &quantities) {
                view.quantity = quantity;
            }
        });
        let pictures = SlicePicture::ALL
            .map(|picture| (picture, picture.name().to_owned(), picture.explanation()));
        sized(ui, 96.0, |ui| {
            if let Some(picture) = choice(ui, "Picture", &view.picture, &pictures) {
                view.picture = picture;
            }
        });
        ui.toggle_value(is_open, "Settings")
            .on_hover_text("What the next slice is to be, and how this one is drawn");
    });
}

/// Draws how the picture is shown, and what the next slice is to be.
pub(super) fn settings_ui(view: &mut LandscapeView, world: &World<'_>, ui: &mut Ui) {
    ui.horizontal_wrapped(|ui| {
        ui.checkbox(&mut view.is_logarithmic, "log scale")
            .on_hover_text("By the logarithm of the height above the lowest");
        ui.checkbox(&mut view.is_linked, "hover shows features").on_hover_text(
            "The features of the point under the pointer are shown on sphere and circle while it rests \
             there",
        );
        ui.checkbox(&mut view.has_linked_views, "plane and sphere beside").on_hover_text(
            "A small align–uniform plane, and where there is room the sphere, beside the picture while \
             their own views are out of sight",
        );
        if !world.landscape.snapshots.is_empty() {
            ui.checkbox(&mut view.is_following, "follow the run").on_hover_text(
                "Cuts the slice anew around the newest snapshot, whenever the one before shows its shapes",
            );
        }
        if view.picture == SlicePicture::Relief {
            ui.label(weak("cut above"));
            ui.spacing_mut().slider_width = 72.0;
            let slider = egui::Slider::new(&mut view.clip, 0.05..=1.0).show_value(false);
            let _ = ui
                .add(slider)
                .accessible_name("Height at which the surface is cut")
                .on_hover_text("What is higher is cut level at this share of the range, and the rest stretched");
        }
    });
    slice_ui(view, world, ui);
}

fn buttons_ui(world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    let landscape = &world.landscape;
    let mut ask = |command: LandscapeCommand| commands.push(Command::Landscape(command));
    let mut button = |ui: &mut Ui, text: &str, is_enabled: bool, command: LandscapeCommand| {
        let button = ui.add_enabled(is_enabled, egui::Button::new(text));
        if button.on_hover_text(command.tooltip()).clicked() {
            ask(command);
        }
    };
    let is_idle = !landscape.is_running;
    if is_idle {
        let can_start = world.snapshot.is_some();
        button(ui, "Cut a slice", can_start, LandscapeCommand::Start);
    } else {
        // In its place: both would take a second row of a small tile.
        button(ui, "Stop", true, LandscapeCommand::Stop);
    }
    if let Some(picture) = landscape.picture {
        let is_partial = !picture.slice.is_whole();
        if is_idle && is_partial {
            button(ui, "Go on", true, LandscapeCommand::Resume);
        }
        let settings = &picture.slice.settings;
        if settings.half_width.is_some() || settings.centre != [0.0; 2] {
            button(ui, "Whole", true, LandscapeCommand::ZoomOut);
        }
    }
}

fn weak(text: &str) -> RichText {
    RichText::new(text).weak()
}

fn sized(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui)) {
    ui.allocate_ui(vec2(width, ui.spacing().interact_size.y), add);
}

fn slice_ui(view: &mut LandscapeView, world: &World<'_>, ui: &mut Ui) {
    let settings = &mut view.settings;
    ui.horizontal_wrapped(|ui| {
        ui.label(weak("directions"))
            .on_hover_text("Of the next slice. Snapshots of a run give more than random ones");
        directions_ui(&mut settings.directions, world.landscape.snapshots, ui);
    });
    ui.horizontal_wrapped(|ui| {
        ui.label(weak("grid"));
        let sides = SIDES.map(|side| (side, format!("{side} × {side}"), ""));
        sized(ui, 84.0, |ui| {
            if let Some(side) = choice(ui, "Points of the grid", &settings.side, &sides) {
                settings.side = side;
            }
        });
        ui.label(weak("images"));
        if let Some(images) = number_field(
            ui,
            "Images of the probe batch",
            settings.images,
            2..=4096,
            4.0,
        ) {
            settings.images = images;
        }
        let uses = BatchNormUse::ALL.map(|norm| {
            (
                norm,
                format!("batch norm {}", norm.name()),
                norm.explanation(),
            )
        });
        sized(ui, 168.0, |ui| {
            if let Some(norm) = choice(ui, "Batch norm", &settings.batch_norm, &uses) {
                settings.batch_norm = norm;
            }
        });
        let overs = UniformOver::ALL.map(|over| {
            (
                over,
                format!("uniformity of {}", over.name()),
                over.explanation(),
            )
        });
        sized(ui, 156.0, |ui| {
            if let Some(over) = choice(ui, "Uniformity over", &settings.uniform_over, &overs) {
                settings.uniform_over = over;
            }
        });
    });
    ui.horizontal_wrapped(|ui| {
        let mut is_own = settings.half_width.is_some();
        if ui
            .checkbox(&mut is_own, "own range ±")
            .on_hover_text("From the middle to the edge by hand, instead of the plane's own")
            .accessible_name("Set the half width")
            .changed()
        {
            settings.half_width = is_own.then_some(1.0);
        }
        if let Some(half) = settings.half_width
            && let Some(half) = number_field(ui, "Half width", half, 1e-3..=1e3, 0.01)
        {
            settings.half_width = Some(half);
        }
        let weights = [
            ("sum =", "Weight of alignment", &mut settings.align_weight),
            (
                "L_align +",
                "Weight of uniformity",
                &mut settings.uniform_weight,
            ),
        ];
        for (before, name, weight) in weights {
            ui.label(weak(before));
            if let Some(value) = number_field(ui, name, *weight, -100.0..=100.0, 0.01) {
                *weight = value;
            }
        }
        ui.label(weak("L_uniform"));
        ui.checkbox(&mut settings.has_knn, "k-NN accuracy")
            .on_hover_text("Measures the neighbours' votes too, on labelled images");
    });
}

/// Which kind of directions, and its steps or seed.
fn directions_ui(directions: &mut Directions, snapshots: &[usize], ui: &mut Ui) {
    let first = snapshots.first().copied().unwrap_or(0);
    let last = snapshots.last().copied().unwrap_or(0);
    let middle = snapshots.get(snapshots.len() / 2).copied().unwrap_or(0);
    let seed = match *directions {
        Directions::Random { seed } => seed,
        _ => 0,
    };
    let mut options = vec![(
        Directions::Random { seed },
        "random directions".to_owned(),
        "filter-normalised, Li et al. 2018",
    )];
    if snapshots.len() >= 3 {
        options.push((
            Directions::Trajectory,
            "the run's trajectory".to_owned(),
            "the two principal directions of the run's snapshots, around the newest",
        ));
        let steps = match *directions {
            Directions::Snapshots(steps) => steps,
            _ => [last, first, middle],
        };
        options.push((
            Directions::Snapshots(steps),
            "plane through snapshots".to_owned(),
            "around the first of three steps, through the two others",
        ));
    }
    if snapshots.len() >= 2 {
        let steps = match *directions {
            Directions::Line(steps) => steps,
            _ => [first, last],
        };
        options.push((
            Directions::Line(steps),
            "line through snapshots".to_owned(),
            "from one step to another, and a random direction across",
        ));
    }
    sized(ui, 184.0, |ui| {
        if let Some(chosen) = choice(ui, "Directions", directions, &options) {
            *directions = chosen;
        }
    });
    match directions {
        Directions::Random { seed } => {
            ui.label(weak("seed"));
            if let Some(value) = number_field(
                ui,
                "Seed of the directions",
                *seed,
                0..=u64::from(u32::MAX),
                0.1,
            ) {
                *seed = value;
            }
        }
        Directions::Trajectory => {}
        Directions::Snapshots(steps) => steps_ui(steps, snapshots, ui),
        Directions::Line(steps) => steps_ui(steps, snapshots, ui),
    }
}

fn steps_ui(steps: &mut [usize], snapshots: &[usize], ui: &mut Ui) {
    let options: Vec<(usize, String, &str)> = snapshots
        .iter()
        .map(|step| (*step, format!("step {step}"), ""))
        .collect();
    for (index, step) in steps.iter_mut().enumerate() {
        sized(ui, 92.0, |ui| {
            let name = format!("Snapshot {}", index + 1);
            if let Some(chosen) = choice(ui, &name, step, &options) {
                *step = chosen;
            }
        });
    }
}
