//! How images become input: constants and size, always visible and editable.

use egui::{DragValue, Ui};

use crate::{
    data::{Normalisation, Resize},
    ui::{
        Commands, RequestEdit, World,
        widgets::{caption, choice, labelled},
    },
};

/// Draws normalisation constants and resizing.
pub(super) fn encoder_settings_ui(ui: &mut Ui, world: &World<'_>, commands: &mut Commands) {
    normalisation_ui(ui, world, commands);
    resize_ui(ui, world, commands);
}

/// What the drop-down stands at.
#[derive(Clone, PartialEq)]
enum Constants {
    Report,
    Named(&'static str),
    Custom,
}

fn normalisation_ui(ui: &mut Ui, world: &World<'_>, commands: &mut Commands) {
    let used = world.snapshot.map(|snapshot| {
        &snapshot
            .analysis
            .features
            .provenance
            .preprocess
            .normalisation
    });
    let proposed = world.report.map(|report| &report.normalisation);
    let report_name = match proposed {
        Some(proposal) => format!("from the report: {}", proposal.constants.name()),
        None => "from the report".to_owned(),
    };
    let mut options = vec![(
        Constants::Report,
        report_name,
        "What the key report proposes, and why it does",
    )];
    options.extend(Normalisation::NAMED.iter().map(|(name, constants)| {
        let _ = constants;
        (Constants::Named(name), (*name).to_owned(), "")
    }));
    options.push((
        Constants::Custom,
        "custom".to_owned(),
        "Means and deviations of your own",
    ));
    // Constants of one's own may equal named ones: that they are meant as such is the view's to
    // remember.
    let own_id = egui::Id::unique("constants of one's own");
    let are_own = ui.data(|data| data.get_temp(own_id).unwrap_or(false));
    let now = match &world.request.normalisation {
        None => Constants::Report,
        Some(_) if are_own => Constants::Custom,
        Some(constants) => named(constants).map_or(Constants::Custom, Constants::Named),
    };
    let picked = labelled(ui, "normalisation", |ui| {
        choice(ui, "Normalisation", &now, &options)
    });
    let start = world
        .request
        .normalisation
        .or(used.copied())
        .unwrap_or(Normalisation::IMAGENET);
    if let Some(picked) = &picked {
        ui.data_mut(|data| data.insert_temp(own_id, *picked == Constants::Custom));
    }
    match picked {
        Some(Constants::Report) => commands.edit(RequestEdit::Normalisation(None)),
        Some(Constants::Named(name)) => {
            let constants = Normalisation::NAMED
                .iter()
                .find(|(other, _)| *other == name);
            commands.edit(RequestEdit::Normalisation(
                constants.map(|(_, constants)| *constants),
            ));
        }
        Some(Constants::Custom) => commands.edit(RequestEdit::Normalisation(Some(start))),
        None => {}
    }
    let constants_in_use = world
        .request
        .normalisation
        .or(proposed.map(|proposal| proposal.constants))
        .unwrap_or(start);
    for (label, is_std) in [("mean", false), ("std", true)] {
        labelled(ui, label, |ui| {
            triple_ui(ui, label, is_std, constants_in_use, commands);
        });
    }
    if let (Some(proposal), None) = (proposed, &world.request.normalisation) {
        caption(ui, proposal.why.as_str());
    }
}

fn named(constants: &Normalisation) -> Option<&'static str> {
    Normalisation::NAMED
        .iter()
        .find(|(_, other)| other == constants)
        .map(|(name, _)| *name)
}

/// Three numbers, red, green and blue; the edit is asked for when one is done.
fn triple_ui(ui: &mut Ui, label: &str, is_std: bool, now: Normalisation, commands: &mut Commands) {
    let values = if is_std { now.std } else { now.mean };
    for (channel, name) in ["red", "green", "blue"].into_iter().enumerate() {
        let least = if is_std { 0.001 } else { -4.0 };
        let accessible = format!("{label} {name}");
        let edited = fraction_field(ui, &accessible, values[channel], least..=4.0);
        if let Some(value) = edited {
            let mut next = now;
            let part = if is_std {
                &mut next.std
            } else {
                &mut next.mean
            };
            part[channel] = value;
            commands.edit(RequestEdit::Normalisation(Some(next)));
        }
    }
}

/// As `number_field`, with four decimals.
fn fraction_field(
    ui: &mut Ui,
    label: &str,
    now: f32,
    range: std::ops::RangeInclusive<f32>,
) -> Option<f32> {
    let id = ui.make_persistent_id(("fraction", label));
    let mut value = ui.data(|data| data.get_temp::<f32>(id)).unwrap_or(now);
    let drag = DragValue::new(&mut value)
        .range(range)
        .speed(0.001)
        .fixed_decimals(4)
        .update_while_editing(false);
    let response = ui.add(drag).accessible_name(label);
    if response.dragged() || response.has_focus() {
        ui.data_mut(|data| data.insert_temp(id, value));
        return None;
    }
    ui.data_mut(|data| data.remove::<f32>(id));
    // Half of the last shown digit: less is a rounding of the display, not an edit.
    ((value - now).abs() > 5e-5).then_some(value)
}

fn resize_ui(ui: &mut Ui, world: &World<'_>, commands: &mut Commands) {
    let now = world.request.resize;
    let mut options: Vec<(Option<Resize>, String, &str)> = vec![
        (
            None,
            "the usual".to_owned(),
            "What this encoder is usually evaluated with",
        ),
        (
            Some(Resize::Keep),
            "original size".to_owned(),
            "Images keep their size",
        ),
    ];
    for side in [32, 64, 96, 128, 224] {
        options.push((
            Some(Resize::Square(side)),
            Resize::Square(side).to_string(),
            "Stretched",
        ));
    }
    let crop = Resize::ShorterSideCrop {
        resize: 256,
        crop: 224,
    };
    options.push((
        Some(crop),
        crop.to_string(),
        "torchvision's evaluation transform",
    ));
    if !options.iter().any(|(option, ..)| *option == now)
        && let Some(resize) = now
    {
        options.push((now, resize.to_string(), ""));
    }
    let picked = labelled(ui, "size", |ui| choice(ui, "Input size", &now, &options));
    if let Some(resize) = picked {
        commands.edit(RequestEdit::Resize(resize));
    }
    if let Some(snapshot) = world.snapshot {
        let used = snapshot.analysis.features.provenance.preprocess.resize;
        caption(ui, format!("shown with: {used}"));
    }
}
