//! The training run in the window: what the person wishes goes to its thread, its frames come back
//! as the snapshots that every view shows.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    App,
    jobs::Slot,
    path_dialog::{PathDialog, Purpose},
    receive::IsWhole,
};
use crate::{
    analysis::EncoderSource,
    training::{Control, Frame, KeptWeights, Phase, RunConfig, Runner},
    ui::{Pane, Prepared, Replay, RunView, Snapshot, TrainCommand, widgets::Level},
};

/// Draws of augmented views that can be looked at before they begin anew.
const MOST_DRAWS: u64 = 1_000_000;

/// The run and what of it is shown.
#[derive(Default)]
pub(super) struct Training {
    runner: Option<Runner>,
    view: Option<RunView>,
    /// The pinned frame: the shown one stands beside it, turned towards it.
    pub pinned: Option<Snapshot>,
    /// Frames that were made ready for drawing, with the run that they are of.
    ready: Slot<(u64, usize, Snapshot)>,
    /// Step that was asked to be made ready last.
    asked: Option<usize>,
    /// Grows with every run, so that late frames of an older one are known.
    run_number: u64,
    next_replay: Option<Instant>,
    /// When a run was started that has not shown movement yet.
    begun: Option<Instant>,
    /// The same with the step of the frame, once the window is painting the first moved points.
    moving: Option<(Instant, usize)>,
    /// Phase and message that were told last.
    told: (Option<Phase>, Option<String>),
}

impl Training {
    /// The run as panels see it.
    pub fn view(&self) -> Option<&RunView> {
        self.view.as_ref()
    }

    /// Whether the run does steps at the moment.
    pub fn is_running(&self) -> bool {
        self.view.as_ref().is_some_and(RunView::is_running)
    }

    /// The weights of the kept snapshots, oldest first, when `shown` is a frame of this run.
    pub fn weights_of(&self, shown: &Snapshot) -> Option<Vec<KeptWeights>> {
        let runner = self.runner.as_ref()?;
        let EncoderSource::Run { name, .. } = &shown.request().encoder else {
            return None;
        };
        let kept = runner.kept_weights();
        let is_of_it = kept.first().is_some_and(|first| first.run == *name);
        is_of_it.then_some(kept)
    }

    /// Leaves the views to something else; the run itself goes on.
    pub fn leave_views(&mut self) {
        if let Some(view) = &mut self.view {
            view.is_following = false;
            view.is_replaying = false;
            view.shown_step = None;
        }
        self.unpin();
        self.asked = None;
        // Frames that were made ready, or are just being, are not wanted any more.
        self.run_number += 1;
        self.ready.take();
        self.next_replay = None;
    }

    /// Ends the run; its thread is left to come to its end.
    pub fn end(&mut self) {
        let Some(runner) = self.runner.take() else {
            return;
        };
        runner.control(Control::Stop);
        // Letting go of a run waits for the step it is in.
        let farewell = std::thread::Builder::new().name("spherescope-run-end".to_owned());
        if let Err(error) = farewell.spawn(move || drop(runner)) {
            log::warn!("the run was waited for: {error}");
        }
    }

    /// The kept frames, oldest first.
    pub fn frames(&self) -> Vec<Arc<Frame>> {
        let (Some(runner), Some(view)) = (&self.runner, &self.view) else {
            return Vec::new();
        };
        let steps = view.state.frames.iter();
        steps.filter_map(|&step| runner.frame_at(step)).collect()
    }

    fn say(&self, wish: Control) -> bool {
        self.runner
            .as_ref()
            .is_some_and(|runner| runner.control(wish))
    }

    /// The frame that the views should show and do not yet.
    fn wanted(&self) -> Option<Arc<Frame>> {
        let (runner, view) = (self.runner.as_ref()?, self.view.as_ref()?);
        let frame = if view.is_following {
            runner.newest_frame()?
        } else {
            runner.frame_at(view.shown_step?)?
        };
        (self.asked != Some(frame.step)).then_some(frame)
    }

    /// Whether the points of `shown` lie elsewhere than at the run's first step.
    fn is_moved(&self, step: usize, shown: &Snapshot) -> bool {
        let first = self.runner.as_ref().and_then(|runner| runner.frame_at(0));
        step > 0
            && first.is_some_and(|first| {
                first.step == 0 && first.analysis.sphere.coords != shown.analysis.sphere.coords
            })
    }

    /// Lets the pinned frame go; whether there was one.
    fn unpin(&mut self) -> bool {
        if let Some(view) = &mut self.view {
            view.pinned_step = None;
        }
        // What was turned towards it is shown as it is again.
        self.asked = None;
        self.pinned.take().is_some()
    }

    /// Moves a replay on to its next frame.
    fn replay(&mut self) {
        let Some(view) = self.view.as_mut().filter(|view| view.is_replaying) else {
            return;
        };
        let now = Instant::now();
        if self.next_replay.is_some_and(|due| now < due) {
            return;
        }
        self.next_replay = Some(now + interval(view.replay));
        let frames = &view.state.frames;
        let after = view
            .shown_step
            .map_or(0, |step| frames.partition_point(|&kept| kept <= step));
        let next = frames.get(after).copied();
        if next.is_none() && !view.replay.is_looping {
            view.is_replaying = false;
            return;
        }
        view.shown_step = next.or(frames.first().copied());
    }
}

/// Time between two frames of a replay.
fn interval(replay: Replay) -> Duration {
    // A rate from elsewhere may be anything.
    Duration::from_secs_f64(1.0 / replay.frames_per_s.clamp(0.1, 60.0))
}

impl App {
    /// Carries out what is asked of the run.
    pub(super) fn train(&mut self, ctx: &egui::Context, command: TrainCommand) {
        match command {
            TrainCommand::Start(config) => {
                let preset = config.name.clone();
                self.views.training.draft = (*config).clone();
                self.views.training.preset = preset;
                self.start_run(ctx, *config);
            }
            TrainCommand::StartDraft => self.start_run(ctx, self.views.training.draft.clone()),
            TrainCommand::LookAt(step) => {
                if let Some(view) = &mut self.training.view {
                    view.is_following = step.is_none();
                    view.is_replaying = false;
                    view.shown_step = step.or(view.shown_step);
                    self.training.asked = None;
                }
            }
            TrainCommand::ToggleReplay => {
                if let Some(view) = &mut self.training.view {
                    view.is_replaying = !view.is_replaying;
                    view.is_following = false;
                    // One that ended at the last frame goes once more.
                    if view.is_replaying && view.shown_step >= view.state.frames.last().copied() {
                        view.shown_step = None;
                    }
                    self.training.next_replay = None;
                }
            }
            TrainCommand::ToggleLoop => {
                if let Some(view) = &mut self.training.view {
                    view.replay.is_looping = !view.replay.is_looping;
                }
            }
            TrainCommand::ReplayAt(rate) => {
                if let Some(view) = &mut self.training.view {
                    view.replay.frames_per_s = rate;
                }
            }
            TrainCommand::TogglePin => self.toggle_pin(),
            TrainCommand::ToggleAugmentations => {
                let preview = &mut self.views.training.preview;
                preview.is_open = !preview.is_open;
                if preview.is_open {
                    self.dispatch(ctx, crate::ui::Command::Show(Pane::Training));
                }
            }
            TrainCommand::AnotherDraw => {
                let preview = &mut self.views.training.preview;
                preview.draw = preview.draw.wrapping_add(1) % MOST_DRAWS;
            }
            TrainCommand::AskSave => self.ask_save_run(),
            other => self.steer(other),
        }
        ctx.request_repaint();
    }

    /// Hands a wish to the run's thread.
    fn steer(&mut self, command: TrainCommand) {
        let Some(view) = self.training.view.clone() else {
            return self.tell(
                Level::Info,
                "No run has been started: choose a preset in the Training view",
            );
        };
        let wish = match command {
            TrainCommand::PlayPause if view.is_running() => Control::Pause,
            TrainCommand::PlayPause => Control::Play,
            TrainCommand::Step => Control::Step,
            TrainCommand::Stop => Control::Stop,
            TrainCommand::Reset => Control::Reset,
            TrainCommand::Set(knob, value) => Control::Set(knob, value),
            TrainCommand::ToggleOriented => {
                self.training.asked = None;
                Control::Orient(!view.state.is_oriented)
            }
            TrainCommand::SaveTo(folder) => {
                self.lab.set_run_folder(Some(folder.clone()));
                Control::SaveTo(folder)
            }
            TrainCommand::ForkHere => {
                let shown = view.shown_step.unwrap_or(view.state.step);
                let kept = &view.state.snapshots;
                let after = kept.partition_point(|&step| step <= shown);
                match kept.get(after.saturating_sub(1)) {
                    Some(&step) => Control::Fork { step },
                    None => return self.tell(Level::Info, "The run has no snapshot yet"),
                }
            }
            _ => return,
        };
        let shows_newest = matches!(
            wish,
            Control::Play | Control::Step | Control::Reset | Control::Fork { .. }
        );
        if !self.training.say(wish) {
            return self.tell(Level::Warning, "The run has ended and takes no more wishes");
        }
        if shows_newest && let Some(view) = &mut self.training.view {
            view.is_following = true;
            view.is_replaying = false;
            self.training.asked = None;
        }
    }

    /// Pins the shown frame, or lets the pinned one go.
    fn toggle_pin(&mut self) {
        if self.training.unpin() {
            return;
        }
        let shown = (self.snapshot.as_ref()).filter(|shown| shown.run_step().is_some());
        let (Some(shown), Some(view)) = (shown, &mut self.training.view) else {
            return self.tell(Level::Info, "Only a time of a training run can be pinned");
        };
        view.pinned_step = shown.run_step();
        self.training.pinned = Some(shown.clone());
    }

    fn start_run(&mut self, ctx: &egui::Context, config: RunConfig) {
        let begun = Instant::now();
        let wake = self.jobs.waker_at_pace();
        match Runner::start(config, self.jobs.compute(), move || wake()) {
            Ok(runner) => {
                runner.control(Control::Play);
                self.lab.set_run_folder(None);
                self.take_runner(ctx, runner, "started");
                self.training.begun = Some(begun);
            }
            Err(error) => self.tell(Level::Error, error.to_string()),
        }
    }

    /// Opens a saved run: its saved steps are the times that the views can go to.
    pub(super) fn open_run(&mut self, ctx: &egui::Context, folder: &std::path::Path) {
        let wake = self.jobs.waker_at_pace();
        match Runner::open(folder, self.jobs.compute(), move || wake()) {
            Ok(runner) => {
                self.lab.set_run_folder(Some(folder.to_owned()));
                self.take_runner(ctx, runner, "opened");
            }
            Err(error) => self.tell(Level::Error, error.to_string()),
        }
    }

    /// Puts a run in the place of the one before, which settings that are refused did not cost.
    fn take_runner(&mut self, ctx: &egui::Context, runner: Runner, what: &str) {
        self.training.end();
        // What was asked for before would take the views from the run when it is done.
        self.jobs.cancel();
        let replay = self.training.view.as_ref().map(|view| view.replay);
        let state = runner.state();
        let name = state.config.name.clone();
        let view = RunView {
            state,
            shown_step: None,
            is_following: true,
            is_replaying: false,
            replay: replay.unwrap_or_default(),
            pinned_step: None,
        };
        self.training = Training {
            run_number: self.training.run_number + 1,
            runner: Some(runner),
            view: Some(view),
            ..Training::default()
        };
        self.note(Level::Info, format!("training: {name} {what}"));
        self.dispatch(ctx, crate::ui::Command::Show(Pane::Training));
    }

    fn ask_save_run(&mut self) {
        let Some(view) = &self.training.view else {
            return self.tell(Level::Info, "No run has been started");
        };
        let folder = directories::UserDirs::new()
            .and_then(|dirs| {
                dirs.document_dir()
                    .or(Some(dirs.home_dir()))
                    .map(std::path::Path::to_owned)
            })
            .unwrap_or_default()
            .join(format!("spherescope-{}", view.state.config.name));
        self.dialog = Some(PathDialog::with_text(
            Purpose::SaveRun,
            folder.display().to_string(),
        ));
    }

    /// Takes in what the run has come to since the last frame of the window.
    pub(super) fn receive_training(&mut self, ctx: &egui::Context) {
        let Some(runner) = &self.training.runner else {
            return;
        };
        let state = runner.state();
        if let Some(view) = &mut self.training.view {
            view.state = state;
        }
        self.tell_run();
        self.tell_movement();
        self.training.replay();
        if let Some(view) = &self.training.view
            && view.is_replaying
        {
            ctx.request_repaint_after(interval(view.replay));
        }
        if let Some(frame) = self.training.wanted() {
            self.prepare_frame(frame);
        }
        if let Some((run, step, snapshot)) = self.training.ready.take()
            && run == self.training.run_number
        {
            if let Some(view) = &mut self.training.view
                && view.is_following
            {
                view.shown_step = Some(step);
            }
            if self.training.begun.is_some() && self.training.is_moved(step, &snapshot) {
                let begun = self.training.begun.take();
                self.training.moving = begun.map(|begun| (begun, step));
                // The one after the picture of it tells when.
                ctx.request_repaint();
            }
            self.show(ctx, snapshot, IsWhole(false));
        }
    }

    /// Tells once how long after its start a run's points were first seen to move: the picture
    /// before this one was the first that had them elsewhere.
    fn tell_movement(&mut self) {
        if let Some((begun, step)) = self.training.moving.take() {
            let seconds = begun.elapsed().as_secs_f64();
            self.note(
                Level::Info,
                format!("training: first movement {seconds:.1} s after the start, at step {step}"),
            );
        }
    }

    /// Tells a change of phase and a new message once.
    fn tell_run(&mut self) {
        let Some(view) = &self.training.view else {
            return;
        };
        let (phase, message) = (view.state.phase.clone(), view.state.message.clone());
        let (name, step) = (view.state.config.name.clone(), view.state.step);
        let is_refusal = view.state.is_refusal;
        let told = &mut self.training.told;
        let is_new_phase = told.0.as_ref() != Some(&phase);
        let is_new_message = message.is_some() && told.1 != message;
        *told = (Some(phase.clone()), message.clone());
        if is_new_message && let Some(message) = message {
            let level = if phase == Phase::Failed {
                Level::Error
            } else if is_refusal {
                Level::Warning
            } else {
                Level::Info
            };
            self.tell(level, format!("{name}: {message}"));
        } else if is_new_phase && matches!(phase, Phase::Finished | Phase::Stopped) {
            let word = if phase == Phase::Finished {
                "finished"
            } else {
                "stopped"
            };
            self.note(
                Level::Info,
                format!("training: {name} {word} at step {step}"),
            );
        }
    }

    /// Prepares a frame for drawing beside the window's thread.
    fn prepare_frame(&mut self, frame: Arc<Frame>) {
        self.training.asked = Some(frame.step);
        let slot = self.training.ready.clone();
        let run = self.training.run_number;
        let serial = self.jobs.next_serial();
        let wake = self.jobs.waker();
        let is_oriented = (self.training.view.as_ref()).is_some_and(|view| view.state.is_oriented);
        let pinned = self.training.pinned.as_ref().filter(|_| is_oriented);
        let pinned = pinned.map(|pinned| Arc::clone(&pinned.analysis));
        let is_taken = self.jobs.help(move |progress| {
            let analysis = match pinned {
                Some(pinned) => Arc::new(frame.analysis.turned_towards(&pinned)),
                None => Arc::clone(&frame.analysis),
            };
            if let Ok(prepared) = Prepared::new(&analysis, progress) {
                let snapshot = Snapshot {
                    analysis,
                    prepared: Arc::new(prepared),
                    serial,
                };
                slot.put((run, frame.step, snapshot));
                wake();
            }
        });
        if !is_taken {
            // Asked again with the next frame of the window.
            self.training.asked = None;
        }
    }
}
