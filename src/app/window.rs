//! Opening the window.

use std::{path::PathBuf, sync::Arc};

use anyhow::anyhow;
use eframe::egui_wgpu::{WgpuConfiguration, WgpuSetup, WgpuSetupCreateNew};

use super::{logging, state::App};
use crate::compute::{DevicePolicy, window_setup};

/// What the window begins with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Checkpoints, image folders or sessions to open, as if dropped on the window; the demo when
    /// there is none.
    pub open: Vec<PathBuf>,
    /// Session file to read at the start and write at the end, instead of the one in the user's
    /// configuration folder.
    pub session: Option<PathBuf>,
    /// Where to compute.
    pub policy: DevicePolicy,
}

/// Size of the window at its first start, in points.
const FIRST_SIZE: [f32; 2] = [1500.0, 920.0];

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When no window can be opened: no display, or no adapter that can draw on it.
pub fn run(options: Options) -> anyhow::Result<()> {
    logging::install();
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_app_id("spherescope")
            .with_title("Spherescope")
            .with_inner_size(FIRST_SIZE)
            .with_min_inner_size([640.0, 420.0])
            .with_drag_and_drop(true)
            .with_icon(icon()),
        renderer: eframe::Renderer::Wgpu,
        wgpu_options: wgpu_options(options.policy),
        system_font_fallback: false,
        ..Default::default()
    };
    eframe::run_native(
        "spherescope",
        native,
        Box::new(move |creation| Ok(Box::new(App::new(creation, options)))),
    )
    .map_err(|error| {
        anyhow!(
            "no window could be opened: {error}\n\
             The headless commands need none: `spherescope report` writes the demo's pictures and \
             numbers, `spherescope doctor` says what was found."
        )
    })
}

/// The window's device is the one that tensors live on, when they live on a GPU at all.
fn wgpu_options(policy: DevicePolicy) -> WgpuConfiguration {
    let setup = window_setup(policy);
    let mut create = WgpuSetupCreateNew::without_display_handle();
    create.instance_descriptor.backends = setup.backends;
    create.power_preference = setup.power_preference;
    create.device_descriptor = Arc::new(move |adapter| setup.device_descriptor(adapter));
    create.native_adapter_selector = Some(Arc::new(move |adapters, surface| {
        setup.select_adapter(adapters, surface)
    }));
    WgpuConfiguration {
        wgpu_setup: WgpuSetup::CreateNew(create),
        ..Default::default()
    }
}

/// The window's icon: a ringed sphere, drawn here so that no picture file is needed.
fn icon() -> egui::IconData {
    const SIDE: u32 = 64;
    let mut rgba = Vec::with_capacity((SIDE * SIDE * 4) as usize);
    let tokens = crate::ui::theme::Tokens::dark();
    let [line, body] = [tokens.accent.main.0, tokens.sphere.body.0];
    for index in 0..SIDE * SIDE {
        let at = |value: u32| (value as f32 + 0.5) / SIDE as f32 * 2.0 - 1.0;
        let (x, y) = (at(index % SIDE), at(index / SIDE));
        let radius = x.hypot(y);
        let is_inside = radius <= 0.9;
        let is_line = is_inside
            && (radius > 0.8
                || ((x / 0.45).hypot(y) - 0.85).abs() < 0.08
                || (x.hypot(y / 0.3) - 0.85).abs() < 0.09);
        let [r, g, b, _] = if is_line { line } else { body }.to_array();
        rgba.extend([r, g, b, if is_inside { 255 } else { 0 }]);
    }
    egui::IconData {
        rgba,
        width: SIDE,
        height: SIDE,
    }
}
