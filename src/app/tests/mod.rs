//! The whole window without a screen: every step goes through events, as a user's would.

mod columns;
mod inspector;
mod keyboard;
mod lab;
mod lab_folder;
mod landscape;
mod load;
mod opening;
mod painting;
mod points;
mod settings;
mod training;
mod training_choices;
mod training_views;
mod verdict;
mod views;

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use eframe::egui_wgpu::{WgpuSetup, WgpuSetupExisting};
use egui::{Key, Modifiers};
use egui_kittest::{Harness, kittest::Queryable as _};

use super::{App, Options};
use crate::compute::{DevicePolicy, testing::gpu_compute};

/// Longest wait for an analysis of the demo; it takes about a second on one free core.
const PATIENCE: Duration = Duration::from_mins(2);

/// Analyses share the machine's few cores: one window at a time keeps every wait short.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A window in a folder of its own.
struct Window {
    harness: Harness<'static, App>,
    folder: tempfile::TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Window {
    /// Opens the window on the demo, or on what is given, and waits for the picture.
    fn open(paths: &[&Path]) -> Self {
        let mut window = Self::open_with(paths, |_| {});
        window.settle();
        window
    }

    /// Opens the window after `prepare` has seen the session's path.
    fn open_with(paths: &[&Path], prepare: impl FnOnce(&Path)) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let session = folder.path().join("session.json");
        prepare(&session);
        let options = Options {
            open: paths.iter().map(|path| path.to_path_buf()).collect(),
            session: Some(session),
            policy: DevicePolicy::Cpu,
        };
        let mut builder = Harness::builder()
            .with_size([1600.0, 1000.0])
            .with_step_dt(1.0 / 30.0);
        if let Some(gpu) = gpu_compute().and_then(crate::compute::Compute::gpu) {
            builder = builder.wgpu_setup(WgpuSetup::Existing(WgpuSetupExisting {
                instance: gpu.instance.clone(),
                adapter: gpu.adapter.clone(),
                device: gpu.device.clone(),
                queue: gpu.queue.clone(),
            }));
        }
        let harness = builder.build_eframe(move |creation| App::new(creation, options));
        Self {
            harness,
            folder,
            _turn: turn,
        }
    }

    fn app(&self) -> &App {
        self.harness.state()
    }

    fn step(&mut self) {
        self.harness.step();
    }

    /// Waits until nothing is computed, then draws a few frames more.
    fn settle(&mut self) {
        let began = Instant::now();
        loop {
            self.harness.run_steps(2);
            if !self.app().is_busy() {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "the analysis takes too long");
            std::thread::sleep(Duration::from_millis(10));
        }
        self.harness.run_steps(4);
    }

    fn press(&mut self, modifiers: Modifiers, key: Key) {
        self.harness.key_press_modifiers(modifiers, key);
        self.harness.run_steps(2);
    }

    fn write(&mut self, text: &str) {
        self.harness.event(egui::Event::Text(text.to_owned()));
        self.harness.run_steps(2);
    }

    /// Presses or lets go the left button; the pointer stays.
    fn button(&mut self, pos: egui::Pos2, is_pressed: bool) {
        let modifiers = self.harness.ctx.input(|input| input.modifiers);
        self.harness.hover_at(pos);
        self.harness.event(egui::Event::PointerButton {
            pos,
            button: egui::PointerButton::Primary,
            pressed: is_pressed,
            modifiers,
        });
        self.step();
    }

    /// Opens a path as a user without a mouse does.
    fn open_path(&mut self, path: &Path) {
        self.press(Modifiers::COMMAND, Key::O);
        self.write(&path.display().to_string());
        self.press(Modifiers::NONE, Key::Enter);
        self.settle();
    }

    /// Runs a command by its words in the palette.
    fn run_command(&mut self, words: &str) {
        self.press(Modifiers::COMMAND, Key::P);
        self.write(words);
        self.press(Modifiers::NONE, Key::Enter);
        self.settle();
    }

    fn serial(&self) -> u64 {
        self.app().snapshot().map_or(0, |snapshot| snapshot.serial)
    }

    fn log_contains(&self, words: &str) -> bool {
        self.app()
            .log()
            .iter()
            .any(|line| line.text.contains(words))
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).expect("a file in a temporary folder");
        path
    }

    /// A folder of coloured pictures, one class a folder.
    fn image_folder(&self) -> PathBuf {
        let folder = self.folder.path().join("pictures");
        for (class, colour) in [("red", [200, 30, 30]), ("blue", [30, 40, 200])] {
            let inside = folder.join(class);
            std::fs::create_dir_all(&inside).expect("a folder in a temporary folder");
            for number in 0..6_u8 {
                let shade = number * 8;
                let pixel = image::Rgb(colour.map(|c: u8| c.saturating_add(shade)));
                let picture = image::RgbImage::from_fn(32, 32, |x, y| {
                    if (x + y) % 8 < u32::from(number) {
                        pixel
                    } else {
                        image::Rgb([shade; 3])
                    }
                });
                picture
                    .save(inside.join(format!("{number}.png")))
                    .expect("a picture is written");
            }
        }
        folder
    }
}
