//! Around the views: keys, menus, the status bar, dropped files and what lies on top.

use egui::{Key, RichText, Sense, Ui, vec2};

use super::{App, help, path_dialog};
use crate::{
    analysis::GALLERY,
    features::FeatureKind,
    training::{Phase, Preset},
    ui::{
        ColourBy, Command, Commands, OpenTarget, Pane, RequestEdit, Shading, ThemeChoice,
        TrainCommand, VerdictCommand,
        icons::{self, Icon},
        theme::Tokens,
        widgets::{caption, progress_bar},
    },
};

/// Entries of a menu; `None` is a rule.
type Menu = (&'static str, Vec<Option<Command>>);

fn menus() -> Vec<Menu> {
    let some = |commands: Vec<Command>| commands.into_iter().map(Some).collect::<Vec<_>>();
    let mut view = some(Pane::ALL.map(Command::Show).into());
    view.push(None);
    view.extend(some(ThemeChoice::ALL.map(Command::Theme).into()));
    view.push(None);
    view.extend(some(vec![
        Command::TogglePresenter,
        Command::ToggleFullScreen,
        Command::ResetLayout,
    ]));
    let mut points = some(ColourBy::ALL.map(Command::ColourBy).into());
    points.push(None);
    points.extend(some(vec![
        Command::ToggleArcs,
        Command::ToggleDensity,
        Command::Shade(Shading::Potential),
        Command::TogglePotentialArrows,
        Command::TogglePotentialRelief,
        Command::TogglePotentialRing,
        Command::ToggleFrontOnly,
        Command::Home,
        Command::FacePoints,
    ]));
    points.push(None);
    points.extend(some(vec![
        Command::ClearSelection,
        Command::Undo,
        Command::Redo,
        Command::CopySelection,
    ]));
    let mut compute = some(
        FeatureKind::ALL
            .map(|kind| Command::Edit(RequestEdit::Kind(kind)))
            .into(),
    );
    compute.push(None);
    compute.extend(some(vec![
        Command::Recompute,
        Command::Cancel,
        Command::CopyFigures,
        Command::CopyCommandLine,
        Command::ClearHistory,
    ]));
    let mut file = vec![
        Some(Command::AskOpen(OpenTarget::Anything)),
        Some(Command::AskOpen(OpenTarget::Images)),
        Some(Command::AskOpen(OpenTarget::Masks)),
        Some(Command::Browse(OpenTarget::Anything)),
        Some(Command::Browse(OpenTarget::Images)),
        Some(Command::OpenDemo),
        None,
        Some(Command::AskOpen(OpenTarget::Session)),
        Some(Command::SaveSession),
        Some(Command::AskSaveSession),
        None,
        Some(Command::Quit),
    ];
    let place = file
        .iter()
        .position(|entry| *entry == Some(Command::OpenDemo));
    let gallery = GALLERY
        .iter()
        .map(|bundled| Some(Command::OpenBundled(bundled.name)));
    let after = place.map_or(0, |place| place + 1);
    file.splice(after..after, gallery);
    let mut train = some(
        Preset::ALL
            .iter()
            .map(|preset| Command::Train(TrainCommand::Start(Box::new(preset.config()))))
            .collect(),
    );
    train.push(None);
    train.extend(some(TrainCommand::ALL.map(Command::Train).into()));
    let help = some(vec![Command::Palette, Command::Help]);
    vec![
        ("File", file),
        ("View", view),
        ("Points", points),
        ("Compute", compute),
        ("Train", train),
        ("Help", help),
    ]
}

impl App {
    /// Turns shortcuts into commands.
    pub(super) fn keys(ctx: &egui::Context, commands: &mut Commands) {
        let is_writing = ctx.text_edit_focused();
        let mut all = Command::all();
        // The longer combination first: Ctrl+Shift+O is not Ctrl+O.
        all.sort_by_key(|command| {
            std::cmp::Reverse(command.shortcut().map(|key| u8::from(key.modifiers.shift)))
        });
        let is_popup_open = egui::Popup::is_any_open(ctx);
        for command in all {
            let Some(shortcut) = command.shortcut() else {
                continue;
            };
            let is_left_to_text = is_writing && command.yields_to_text();
            // Space presses the button that has the focus.
            let is_left_to_focus = command == Command::Train(TrainCommand::PlayPause)
                && ctx.memory(|memory| memory.focused().is_some());
            let is_left_to_popup = is_popup_open && command == Command::Escape;
            if is_left_to_text || is_left_to_focus || is_left_to_popup {
                continue;
            }
            if ctx.input_mut(|input| input.consume_shortcut(&shortcut)) {
                commands.push(command);
            }
        }
        let is_asking = ctx.input(|input| {
            input
                .events
                .iter()
                .any(|event| matches!(event, egui::Event::Text(text) if text == "?"))
        });
        if is_asking && !is_writing {
            commands.push(Command::Help);
        }
    }

    /// Opens what was dropped on the window: all checkpoints and images of one drop together.
    pub(super) fn dropped_files(ctx: &egui::Context, commands: &mut Commands) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        let paths: Vec<_> = dropped.iter().map(|file| file.path().to_owned()).collect();
        if super::opening::are_checkpoints(&paths) {
            commands.push(Command::Verdicts(VerdictCommand::Judge(paths)));
            return;
        }
        for file in dropped {
            commands.push(Command::Open(OpenTarget::Anything, file.path().to_owned()));
        }
    }

    /// The window's bars and views.
    pub(super) fn shell_ui(&mut self, ui: &mut Ui, commands: &mut Commands) {
        let tokens = Tokens::of(ui);
        let bar = egui::Frame::new()
            .fill(tokens.surface.bar.0)
            .inner_margin(egui::Margin::symmetric(12, 4));
        egui::Panel::top("menu")
            .frame(bar)
            .show(ui, |ui| self.menu_ui(ui, commands));
        egui::Panel::bottom("status")
            .frame(bar)
            .show(ui, |ui| self.status_ui(ui, commands));
        egui::CentralPanel::no_frame().show(ui, |ui| self.views_ui(ui, commands));
    }

    fn menu_ui(&self, ui: &mut Ui, commands: &mut Commands) {
        egui::MenuBar::new().ui(ui, |ui| {
            for (title, entries) in menus() {
                ui.menu_button(title, |ui| {
                    ui.set_min_width(240.0);
                    for entry in entries {
                        match entry {
                            Some(command) => self.entry_ui(ui, command, commands),
                            None => {
                                ui.separator();
                            }
                        }
                    }
                    if title == "File" {
                        self.recent_ui(ui, commands);
                    }
                });
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                self.device_chip(ui);
                palette_field(ui, commands);
            });
        });
    }

    fn entry_ui(&self, ui: &mut Ui, command: Command, commands: &mut Commands) {
        let mut button = egui::Button::selectable(self.is_on(&command), command.text());
        if let Some(shortcut) = command.shortcut() {
            button = button.shortcut_text(ui.ctx().format_shortcut(&shortcut));
        }
        let mut response = ui.add(button);
        if !command.tooltip().is_empty() {
            response = response.on_hover_text(command.tooltip());
        }
        if response.clicked() {
            commands.push(command);
        }
    }

    /// Whether a menu entry stands for something that is on now.
    fn is_on(&self, command: &Command) -> bool {
        let sphere = &self.views.sphere;
        match command {
            Command::Theme(theme) => self.session.theme == *theme,
            Command::TogglePresenter => self.session.is_presenting,
            Command::ToggleArcs => sphere.has_arcs,
            Command::ToggleDensity => sphere.has_density,
            Command::Shade(shading) => sphere.has_density && sphere.shading == *shading,
            Command::TogglePotentialArrows => self.views.potential.has_arrows,
            Command::TogglePotentialRelief => self.views.potential.has_relief,
            Command::TogglePotentialRing => self.views.potential.has_ring,
            Command::ToggleFrontOnly => sphere.is_front_only,
            Command::ColourBy(by) => sphere.colour_by == *by,
            Command::Edit(RequestEdit::Kind(kind)) => self.request.kind == *kind,
            _ => false,
        }
    }

    fn recent_ui(&self, ui: &mut Ui, commands: &mut Commands) {
        if self.session.recent.is_empty() {
            return;
        }
        ui.separator();
        caption(ui, "Opened before");
        for path in &self.session.recent {
            let name = path
                .file_name()
                .unwrap_or(path.as_os_str())
                .to_string_lossy()
                .into_owned();
            if ui
                .button(name)
                .on_hover_text(path.display().to_string())
                .clicked()
            {
                commands.push(Command::Open(OpenTarget::Anything, path.clone()));
            }
        }
    }

    /// What computes, with the reason on hover.
    fn device_chip(&self, ui: &mut Ui) {
        let report = self.jobs.compute().report();
        let tokens = Tokens::of(ui);
        let text = match &report.adapter {
            Some(adapter) => format!("{} · {}", report.compute, adapter.name),
            None => report.compute.clone(),
        };
        let short: String = text.chars().take(56).collect();
        let response = ui.label(RichText::new(short).small().color(tokens.text.weak.0));
        let (rect, _) = ui.allocate_exact_size(vec2(14.0, 14.0), Sense::hover());
        icons::paint(ui.painter(), rect, Icon::Device, tokens.text.weak.0);
        response.on_hover_ui(|ui| {
            ui.label(&text);
            if let Some(adapter) = &report.adapter {
                ui.label(format!(
                    "drawing and adapter: {adapter}, driver {}",
                    adapter.driver
                ));
            }
            ui.label(format!("asked for: {}", report.policy));
            ui.label(&report.reason);
        });
    }

    fn status_ui(&self, ui: &mut Ui, commands: &mut Commands) {
        ui.horizontal(|ui| {
            match &self.running {
                Some(running) if !running.title.is_empty() => {
                    ui.label(RichText::new(&running.title).small());
                    if progress_bar(ui, running) {
                        commands.push(Command::Cancel);
                    }
                    ui.ctx()
                        .request_repaint_after(std::time::Duration::from_millis(100));
                }
                _ => {
                    let run = self.training.view().map(|run| &run.state);
                    let text = match run.filter(|run| run.phase == Phase::Running) {
                        Some(run) => format!(
                            "Training {}: step {} of {}",
                            run.config.name, run.step, run.total_steps
                        ),
                        None if self.jobs.is_busy() => "Starting".to_owned(),
                        None => "Ready".to_owned(),
                    };
                    caption(ui, text);
                }
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                caption(ui, self.speed());
                let device = self.jobs.compute().report();
                let adapter = device.adapter.as_ref().map(|adapter| &adapter.name);
                let text = match adapter {
                    Some(name) => format!("computing on {} · {name}", device.compute),
                    None => format!("computing on {}", device.compute),
                };
                ui.add(egui::Label::new(RichText::new(text).small().weak()).truncate())
                    .on_hover_text(&device.reason);
                if let Some(snapshot) = &self.snapshot {
                    let provenance = &snapshot.analysis.features.provenance;
                    caption(
                        ui,
                        format!(
                            "showing {} of {} points · {} of {} images, {}",
                            self.marks.shown,
                            snapshot.len(),
                            provenance.image_count,
                            provenance.image_total,
                            provenance.choice
                        ),
                    );
                    if !self.selection.is_empty() {
                        caption(ui, format!("{} selected", self.selection.len()));
                    }
                }
            });
        });
    }

    /// Frames a second while something moves, and what a frame costs.
    fn speed(&self) -> String {
        let cost_ms = self.frame_time.as_secs_f64() * 1e3;
        match self.frame_rate.per_second() {
            Some(rate) => format!("{rate:.0} fps · {cost_ms:.1} ms"),
            None => format!("{cost_ms:.1} ms a frame"),
        }
    }

    /// Palette, dialog, help and toasts.
    pub(super) fn overlays_ui(&mut self, ctx: &egui::Context, commands: &mut Commands) {
        self.palette.show(ctx, &self.session.recent, commands);
        if let Some(dialog) = &mut self.dialog {
            let outcome = dialog.show(ctx, &self.session.recent, commands);
            if let Some(typed) = outcome.to_list {
                self.jobs.list(typed);
            }
            if outcome.is_done {
                self.dialog = None;
            }
        }
        self.columns_ui(ctx, commands);
        self.closing_ui(ctx, commands);
        if self.is_helping && help::show(ctx) {
            self.is_helping = false;
        }
        if ctx.input(|input| !input.raw.hovered_files.is_empty()) {
            path_dialog::drop_hint(ctx);
        }
        self.toasts.show(ctx);
    }
}

/// A button in the shape of a field that opens the palette.
fn palette_field(ui: &mut Ui, commands: &mut Commands) {
    let tokens = Tokens::of(ui);
    let size = vec2(260.0_f32.min(ui.available_width().max(80.0)), 24.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Command palette"));
    let is_lit = response.hovered() || response.has_focus();
    let line = if is_lit {
        tokens.surface.rule_strong.0
    } else {
        tokens.surface.rule.0
    };
    let painter = ui.painter_at(rect);
    painter.rect(
        rect,
        f32::from(tokens.shape.corner),
        tokens.surface.field.0,
        (1.0, line),
        egui::StrokeKind::Inside,
    );
    let icon = egui::Rect::from_center_size(rect.left_center() + vec2(14.0, 0.0), vec2(12.0, 12.0));
    icons::paint(&painter, icon, Icon::Search, tokens.text.weak.0);
    let font = egui::TextStyle::Small.resolve(ui.style());
    let hint = "Commands and paths";
    painter.text(
        rect.left_center() + vec2(26.0, 0.0),
        egui::Align2::LEFT_CENTER,
        hint,
        font.clone(),
        tokens.text.weak.0,
    );
    let keys = ui.ctx().format_shortcut(
        &Command::Palette
            .shortcut()
            .unwrap_or(egui::KeyboardShortcut::new(egui::Modifiers::NONE, Key::F1)),
    );
    painter.text(
        rect.right_center() - vec2(8.0, 0.0),
        egui::Align2::RIGHT_CENTER,
        keys,
        font,
        tokens.text.weak.0,
    );
    if response.clicked() {
        commands.push(Command::Palette);
    }
}
