//! The inspector's switches: which pictures, and what colours them.

use egui::Ui;

use super::image_name;
use crate::{
    dense::MapSource,
    ui::{
        BesideChoice, Command, Commands, InspectCommand, InspectMode, InspectorState,
        InspectorView, RequestEdit, World,
        widgets::{caption, choice, labelled, number_field},
    },
};

/// Draws the switches.
pub(super) fn tools_ui(
    view: &mut InspectorView,
    state: &InspectorState,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    ui.horizontal_wrapped(|ui| {
        for mode in InspectMode::ALL {
            let is_on = view.mode == mode;
            let response = ui.selectable_label(is_on, mode.name());
            if response.on_hover_text(mode.explanation()).clicked() {
                view.mode = mode;
            }
        }
    });
    ui.horizontal_wrapped(|ui| {
        image_ui(view, state, world, commands, ui);
        beside_ui(view, state, world, commands, ui);
    });
}

/// What stands beside, and at which size.
fn beside_ui(
    view: &mut InspectorView,
    state: &InspectorState,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    for beside in BesideChoice::ALL {
        let is_on = view.beside == beside;
        let response = ui.selectable_label(is_on, beside.name());
        if response.on_hover_text(beside_explanation(beside)).clicked() {
            view.beside = beside;
            if beside == BesideChoice::Image && view.other_image == state.image {
                let other = other(state, world);
                commands.push(Command::Inspect(InspectCommand::Beside(other)));
            }
        }
    }
    let mut is_own_size = view.source == MapSource::OwnSize;
    let response = ui
        .add_enabled(
            view.beside != BesideChoice::Views,
            egui::Checkbox::new(&mut is_own_size, "own size"),
        )
        .on_hover_text(
            "Runs the encoder over the picture at its own size: the map grows with it. Large ones \
             go in tiles that overlap by the receptive field",
        );
    if response.changed() {
        view.source = if is_own_size {
            MapSource::OwnSize
        } else {
            MapSource::Analysed
        };
    }
}

/// How the pictures are drawn, and the stage whose map they show.
pub(super) fn drawing_ui(
    view: &mut InspectorView,
    state: &InspectorState,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().slider_width = 72.0;
        let slider = egui::Slider::new(&mut view.strength, 0.0..=1.0).show_value(false);
        let response = ui
            .add(slider)
            .on_hover_text("How strongly colours cover the picture");
        let _ = response.accessible_name("Overlay strength");
        ui.checkbox(&mut view.is_smooth, "smooth")
            .on_hover_text("Colours run between the middles of locations");
        let scale = egui::Checkbox::new(&mut view.is_automatic, "automatic scale");
        ui.add_enabled(view.mode.has_fixed_scale(), scale)
            .on_hover_text(
                "From the least to the greatest value, instead of the whole range: −1 to 1 for \
                 cosines",
            )
            .on_disabled_hover_text("These colours have one scale only");
        ui.checkbox(&mut view.has_grid, "grid")
            .on_hover_text("Borders of the locations");
        let has_masks = (state.subject.as_ref())
            .is_some_and(|subject| subject.sides.iter().any(|side| side.classes.is_some()));
        let borders = egui::Checkbox::new(&mut view.has_mask_borders, "mask borders");
        ui.add_enabled(has_masks, borders)
            .on_hover_text("Where the commonest mask class of the locations changes")
            .on_disabled_hover_text("These images have no masks");
        let line = world
            .snapshot
            .and_then(|snapshot| state.command_line(&snapshot.analysis, view));
        let why = match state.why_no_command(view) {
            Some(why) => format!("No headless command draws this: {why}"),
            None => "No picture is there yet".to_owned(),
        };
        let button = egui::Button::new("copy command");
        let response = ui
            .add_enabled(line.is_some(), button)
            .on_hover_text("The headless command that draws this picture")
            .on_disabled_hover_text(why);
        if let Some(text) = line.filter(|_| response.clicked()) {
            let what = "the command that draws this picture".to_owned();
            commands.push(Command::Copy { what, text });
        }
        let save = ui
            .button("save picture…")
            .on_hover_text("What the inspector shows, without its switches, as PNG");
        if save.clicked() {
            commands.push(Command::Inspect(InspectCommand::AskSave));
        }
    });
    stage_ui(world, commands, ui);
}

fn beside_explanation(beside: BesideChoice) -> &'static str {
    match beside {
        BesideChoice::Nothing => "The image alone",
        BesideChoice::Views => {
            "Two augmented views of the image: those that alignment is measured over"
        }
        BesideChoice::Image => "Another image beside it",
    }
}

/// The image to begin with beside this one: that of the nearest location, or the next.
fn other(state: &InspectorState, world: &World<'_>) -> u32 {
    let features = world.snapshot.map(|snapshot| &snapshot.analysis.features);
    let images = features.map_or(&[][..], |features| features.images.as_slice());
    let nearest = state.answer.iter().flat_map(|answer| &answer.nearest);
    nearest
        .filter_map(|near| images.get(near.row as usize))
        .chain(images)
        .copied()
        .find(|image| *image != state.image)
        .unwrap_or(state.image)
}

/// Which image, and which beside it.
fn image_ui(
    view: &mut InspectorView,
    state: &InspectorState,
    world: &World<'_>,
    commands: &mut Commands,
    ui: &mut Ui,
) {
    let Some(snapshot) = world.snapshot else {
        return;
    };
    let last = snapshot.analysis.images.len().saturating_sub(1) as u32;
    for (text, by) in [("previous", -1), ("next", 1)] {
        let command = Command::Inspect(InspectCommand::Turn(by));
        if ui.button(text).on_hover_text(command.text()).clicked() {
            commands.push(command);
        }
    }
    if let Some(image) = number_field(ui, "Image to inspect", state.image, 0..=last, 0.1) {
        commands.push(Command::Inspect(InspectCommand::Image(image)));
    }
    caption(ui, image_name(snapshot, state.image));
    if view.beside == BesideChoice::Image {
        caption(ui, "beside");
        let now = view.other_image.min(last);
        if let Some(image) = number_field(ui, "Image beside", now, 0..=last, 0.1) {
            commands.push(Command::Inspect(InspectCommand::Beside(image)));
        }
        caption(ui, image_name(snapshot, view.other_image));
    }
}

/// The stage whose map is looked at, as the sources view has it.
fn stage_ui(world: &World<'_>, commands: &mut Commands, ui: &mut Ui) {
    let Some(report) = world.report else {
        return;
    };
    let mut options: Vec<(Option<usize>, String, &str)> =
        vec![(None, "the usual".to_owned(), "The last stage that is a map")];
    let stages = report.architecture.stages().into_iter().enumerate();
    let maps = stages.filter(|(_, stage)| stage.kind == crate::models::StageKind::Map);
    options.extend(maps.map(|(index, stage)| {
        let text = format!("{}, a location every {} px", stage.name, stage.stride);
        (Some(index), text, "")
    }));
    labelled(ui, "stage", |ui| {
        if let Some(stage) = choice(ui, "Stage of the map", &world.request.stage, &options) {
            commands.edit(RequestEdit::Stage(stage));
        }
    });
}
