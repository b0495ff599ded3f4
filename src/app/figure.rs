//! Views as pictures, without a window: the panels themselves, drawn into a texture.

use std::sync::Arc;

use anyhow::{Context as _, anyhow};
use eframe::egui_wgpu::{RenderState, Renderer, RendererOptions, ScreenDescriptor, wgpu};
use egui::mutex::RwLock;
use serde::Serialize;

use crate::{
    analysis::{Analysis, DiagnosisReport},
    compute::Compute,
    landscape::PotentialField,
    progress::Progress,
    training::{Curve, Curves, WEIGHT_OF},
    ui::{
        CircleView, Commands, LandscapePicture, LandscapeView, Measured, PlaneView, Potential,
        Prepared, Selection, Shading, Snapshot, SphereView, VerdictPicture, VerdictView, World,
        colour::class_colour,
        marks::Marks,
        panels::{self, CirclePicture, sphere::SphereCanvas},
        theme::{self, Tokens},
        widgets::{Chart, Series, chart},
    },
};

/// A view that can be drawn to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum FigureView {
    /// Points on S².
    Sphere,
    /// Points on S¹ with densities.
    Circle,
    /// Distances of positive pairs.
    Pairs,
    /// The align–uniform plane.
    Plane,
    /// The potential on S², with arrows downhill, at the t of uniformity.
    Potential,
    /// The potential around S¹, at the t of uniformity.
    PotentialCircle,
    /// The potential on S² as a relief, at the t of uniformity.
    PotentialRelief,
    /// The collapse verdict with its evidence, all kinds of features side by side.
    Verdict,
}

impl FigureView {
    /// Name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sphere => "sphere",
            Self::Circle => "circle",
            Self::Pairs => "pairs",
            Self::Plane => "plane",
            Self::Potential => "potential",
            Self::PotentialCircle => "potential-circle",
            Self::PotentialRelief => "potential-relief",
            Self::Verdict => "verdict",
        }
    }
}

/// Background and inks of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum FigureTheme {
    /// For paper.
    Light,
    /// For screens.
    Dark,
}

impl FigureTheme {
    /// The tokens of its colours.
    pub(super) fn tokens(self) -> &'static Tokens {
        match self {
            Self::Light => Tokens::light(),
            Self::Dark => Tokens::dark(),
        }
    }

    fn egui(self) -> egui::Theme {
        match self {
            Self::Light => egui::Theme::Light,
            Self::Dark => egui::Theme::Dark,
        }
    }
}

/// The picture's format: eight bits a channel, gamma-encoded as egui writes it.
const FORMAT: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
/// Width and height of the inspector's picture where no other is asked for, in pixels: room for a
/// row of twelve neighbours, and for each further row.
pub fn inspector_size(neighbours: usize) -> [u32; 2] {
    let further_rows = neighbours.div_ceil(12).saturating_sub(1) as u32;
    [1200, 1200 + 190 * further_rows]
}

/// Passes until sizes that depend on the pass before have settled.
const PASSES: usize = 4;

/// Draws views on one device.
pub struct Painter {
    state: RenderState,
    theme: FigureTheme,
}

impl Painter {
    /// Opens what is drawn with: the device of `compute` when it has one, else any that draws.
    ///
    /// # Errors
    /// When no adapter can draw.
    pub fn new(compute: &Compute, theme: FigureTheme) -> anyhow::Result<Self> {
        let gpu = compute
            .drawing()
            .context("pictures need a graphics adapter")?;
        let renderer = Renderer::new(&gpu.device, FORMAT, RendererOptions::PREDICTABLE);
        let state = RenderState {
            adapter: gpu.adapter,
            available_adapters: Vec::new(),
            instance: gpu.instance,
            device: gpu.device,
            queue: gpu.queue,
            target_format: FORMAT,
            renderer: Arc::new(RwLock::new(renderer)),
        };
        Ok(Self { state, theme })
    }

    /// Draws one view of `analysis`, `size` pixels wide and high.
    ///
    /// # Errors
    /// When the device refuses or is lost, and for the verdict, which is drawn from its report:
    /// [`paint_verdict`](Self::paint_verdict).
    pub fn paint(
        &self,
        analysis: &Analysis,
        view: FigureView,
        size: [u32; 2],
    ) -> anyhow::Result<image::RgbaImage> {
        if view == FigureView::Verdict {
            return Err(anyhow!("the verdict is drawn from its report"));
        }
        let prepared = Prepared::new(analysis, &Progress::none())?;
        let snapshot = Snapshot {
            analysis: Arc::new(analysis.clone()),
            prepared: Arc::new(prepared),
            serial: 1,
        };
        let history: Vec<Measured> = super::receive::measured(&snapshot).into_iter().collect();
        let mut drawing = Drawing::new(&self.state);
        if matches!(
            view,
            FigureView::Potential | FigureView::PotentialCircle | FigureView::PotentialRelief
        ) {
            let (sphere, circle) = (&snapshot.prepared.sphere, &snapshot.prepared.circle);
            let t = snapshot.request().t;
            let field = PotentialField::new(sphere, circle, t, &Progress::none())?;
            drawing.potential = Some(field);
        }
        self.picture(size, |ui| drawing.view_ui(ui, view, &snapshot, &history))
    }

    /// Draws the collapse verdict of `analysis`, `size` pixels wide and high.
    ///
    /// # Errors
    /// As [`paint`](Self::paint).
    pub fn paint_verdict(
        &self,
        analysis: &Analysis,
        report: Arc<DiagnosisReport>,
        size: [u32; 2],
    ) -> anyhow::Result<image::RgbaImage> {
        let snapshot = Snapshot {
            analysis: Arc::new(analysis.clone()),
            prepared: Arc::new(Prepared::new(analysis, &Progress::none())?),
            serial: 1,
        };
        let picture = VerdictPicture::new(snapshot.serial, report);
        let drawing = Drawing::new(&self.state);
        self.picture(size, |ui| drawing.verdict_ui(ui, &snapshot, &picture))
    }

    /// Draws a run's curves, `size` pixels wide and high: the losses above, the probe's numbers
    /// below.
    ///
    /// # Errors
    /// As [`paint`](Self::paint).
    pub fn paint_curves(
        &self,
        curves: &Curves,
        size: [u32; 2],
    ) -> anyhow::Result<image::RgbaImage> {
        self.picture(size, |ui| curves_ui(curves, ui))
    }

    /// Draws the plane of a series with its findings, `size` pixels wide and high.
    ///
    /// # Errors
    /// As [`paint`](Self::paint).
    pub fn paint_series(
        &self,
        answer: &crate::lab::Answer,
        size: [u32; 2],
    ) -> anyhow::Result<image::RgbaImage> {
        let question = &answer.question;
        let heading = format!(
            "{} · {} · n = {}",
            question.measure,
            question.task,
            answer.series.len()
        );
        self.panel(&heading, size, |ui| {
            let height = (ui.available_height() - 160.0).max(120.0);
            panels::plane_plot(answer, None, height, ui);
            for finding in &answer.findings {
                ui.label(finding);
            }
        })
    }

    /// Draws a slice of weight space, `size` pixels wide and high, with its settings.
    ///
    /// # Errors
    /// As [`paint`](Self::paint).
    pub fn paint_landscape(
        &self,
        picture: &LandscapePicture,
        view: &LandscapeView,
        size: [u32; 2],
    ) -> anyhow::Result<image::RgbaImage> {
        let mut canvas = panels::LandscapeCanvas::default();
        canvas.connect(&self.state);
        self.picture(size, |ui| {
            let tokens = Tokens::of(ui);
            let frame = egui::Frame::new()
                .fill(tokens.surface.panel.0)
                .inner_margin(16);
            egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
                ui.heading(&picture.title);
                panels::picture_ui(view, &mut canvas, picture, ui);
            });
        })
    }

    /// What `draw` makes of an empty window of this size.
    pub(super) fn picture(
        &self,
        size: [u32; 2],
        mut draw: impl FnMut(&mut egui::Ui),
    ) -> anyhow::Result<image::RgbaImage> {
        let ctx = egui::Context::default();
        theme::install(&ctx, false);
        ctx.set_theme(self.theme.egui());
        // A picture of 1200 pixels reads well with text as on a screen of 800.
        let scale = (size[0].min(size[1]) as f32 / 800.0).clamp(1.0, 4.0);
        ctx.set_zoom_factor(1.0);
        let mut output = egui::FullOutput::default();
        for _ in 0..PASSES {
            let mut input = egui::RawInput {
                screen_rect: Some(egui::Rect::from_min_size(
                    egui::Pos2::ZERO,
                    egui::vec2(size[0] as f32, size[1] as f32) / scale,
                )),
                max_texture_side: Some(
                    self.state.device.limits().max_texture_dimension_2d as usize,
                ),
                ..Default::default()
            };
            let viewport = input.viewports.entry(egui::ViewportId::ROOT).or_default();
            viewport.native_pixels_per_point = Some(scale);
            output.append(ctx.run_ui(input, &mut draw));
        }
        self.render(&ctx, output, size)
    }

    fn render(
        &self,
        ctx: &egui::Context,
        output: egui::FullOutput,
        size: [u32; 2],
    ) -> anyhow::Result<image::RgbaImage> {
        let RenderState {
            device,
            queue,
            renderer,
            ..
        } = &self.state;
        let jobs = ctx.tessellate(output.shapes, output.pixels_per_point);
        let screen = ScreenDescriptor {
            size_in_pixels: size,
            pixels_per_point: output.pixels_per_point,
        };
        let target = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("figure"),
            size: wgpu::Extent3d {
                width: size[0],
                height: size[1],
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: FORMAT,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::COPY_SRC,
            view_formats: &[],
        });
        let view = target.create_view(&wgpu::TextureViewDescriptor::default());
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut renderer = renderer.write();
        for (id, deltas) in &output.textures_delta.set {
            for delta in deltas {
                renderer.update_texture(device, queue, *id, delta);
            }
        }
        let first = renderer.update_buffers(device, queue, &mut encoder, &jobs, &screen);
        {
            let ground = ctx
                .global_style()
                .visuals
                .panel_fill
                .to_normalized_gamma_f32();
            let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
                label: Some("figure"),
                color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                    view: &view,
                    depth_slice: None,
                    resolve_target: None,
                    ops: wgpu::Operations {
                        load: wgpu::LoadOp::Clear(clear(ground)),
                        store: wgpu::StoreOp::Store,
                    },
                })],
                ..Default::default()
            });
            renderer.render(&mut pass.forget_lifetime(), &jobs, &screen);
        }
        for id in &output.textures_delta.free {
            renderer.free_texture(id);
        }
        drop(renderer);
        queue.submit(first.into_iter().chain([encoder.finish()]));
        read_back(device, queue, &target, size)
    }
}

fn clear([r, g, b, a]: [f32; 4]) -> wgpu::Color {
    let [r, g, b, a] = [r, g, b, a].map(f64::from);
    wgpu::Color { r, g, b, a }
}

/// Most pictures beside each other among a run's curves.
const CURVES_ABREAST: usize = 4;
/// Height of the words above a group of curves, in points.
const GROUP_HEADING: f32 = 44.0;

/// The curves of a run, a picture with a scale of its own for each as in the window: those of the
/// steps above those of the probe.
fn curves_ui(curves: &Curves, ui: &mut egui::Ui) {
    let tokens = Tokens::of(ui);
    let frame = egui::Frame::new()
        .fill(tokens.surface.panel.0)
        .inner_margin(16);
    // The learning rate's course is known, and so are the weights'.
    let is_drawn =
        |curve: &&Curve| curve.name != "learning rate" && !curve.name.starts_with(WEIGHT_OF);
    let (probe, steps): (Vec<&Curve>, Vec<&Curve>) =
        (curves.iter().filter(is_drawn)).partition(|curve| curve.name.starts_with("probe "));
    let last_step = (curves.iter().filter_map(|curve| curve.points.last()))
        .map(|[step, _]| *step)
        .fold(1.0, f64::max);
    let groups = [
        (
            "each step: terms of the loss, unweighted, and their total",
            steps,
        ),
        ("probe: the fixed images", probe),
    ];
    let rows: usize = groups
        .iter()
        .map(|(_, group)| group.len().div_ceil(CURVES_ABREAST))
        .sum();
    egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
        ui.spacing_mut().item_spacing = egui::vec2(16.0, 8.0);
        let room = ui.available_size();
        let height = (room.y - 2.0 * GROUP_HEADING) / rows.max(1) as f32 - 8.0;
        for (title, group) in groups.iter().filter(|(_, group)| !group.is_empty()) {
            ui.heading(*title);
            let columns = group.len().min(CURVES_ABREAST);
            let gaps = 16.0 * (columns - 1) as f32;
            let size = egui::vec2((room.x - gaps) / columns as f32, height.max(64.0));
            for (row, curves) in group.chunks(CURVES_ABREAST).enumerate() {
                ui.horizontal_top(|ui| {
                    for (column, curve) in curves.iter().enumerate() {
                        let index = (row * CURVES_ABREAST + column) as u32;
                        let line = Series {
                            name: curve.name.trim_start_matches("probe "),
                            colour: class_colour(tokens, index),
                            points: &curve.points,
                            is_faint: false,
                        };
                        let picture = Chart {
                            series: vec![line],
                            uprights: &[],
                            range: [0.0, last_step],
                            across: "step",
                            is_logarithmic: false,
                        };
                        chart(ui, size, &picture, None);
                    }
                });
            }
        }
    });
}

/// What a view keeps between the passes of one picture.
struct Drawing {
    canvas: SphereCanvas,
    circle: CirclePicture,
    marks: Marks,
    selection: Selection,
    potential: Option<PotentialField>,
}

impl Drawing {
    fn new(state: &RenderState) -> Self {
        let mut canvas = SphereCanvas::default();
        canvas.connect(state);
        Self {
            canvas,
            circle: CirclePicture::default(),
            marks: Marks::default(),
            selection: Selection::default(),
            potential: None,
        }
    }

    fn verdict_ui(&self, ui: &mut egui::Ui, snapshot: &Snapshot, picture: &VerdictPicture) {
        let world = World {
            verdict: Some(picture),
            ..world_of(snapshot, &self.selection)
        };
        let tokens = Tokens::of(ui);
        let frame = egui::Frame::new()
            .fill(tokens.surface.panel.0)
            .inner_margin(16);
        egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            ui.heading(snapshot.title());
            let (view, commands) = (&mut VerdictView::default(), &mut Commands::default());
            panels::verdict_ui(view, &world, commands, ui);
        });
    }

    fn view_ui(
        &mut self,
        ui: &mut egui::Ui,
        view: FigureView,
        snapshot: &Snapshot,
        history: &[Measured],
    ) {
        let world = World {
            history,
            potential: Potential {
                field: self.potential.as_ref(),
                revision: 1,
                t: snapshot.request().t,
                has_arrows: view == FigureView::Potential,
                has_ring: view == FigureView::PotentialCircle,
                has_relief: view == FigureView::PotentialRelief,
            },
            ..world_of(snapshot, &self.selection)
        };
        let tokens = Tokens::of(ui);
        let sphere = SphereView {
            has_density: matches!(view, FigureView::Potential | FigureView::PotentialRelief),
            shading: Shading::Potential,
            ..SphereView::default()
        };
        self.marks.update(&sphere, &world, tokens);
        let frame = egui::Frame::new()
            .fill(tokens.surface.panel.0)
            .inner_margin(16);
        egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
            ui.heading(snapshot.title());
            let commands = &mut Commands::default();
            match view {
                FigureView::Sphere | FigureView::Potential | FigureView::PotentialRelief => {
                    panels::sphere_ui(
                        &mut sphere.clone(),
                        &mut self.canvas,
                        &self.marks,
                        &world,
                        commands,
                        ui,
                    );
                }
                FigureView::Circle | FigureView::PotentialCircle => {
                    let circle = &mut CircleView::default();
                    panels::circle_ui(circle, &mut self.circle, &self.marks, &world, commands, ui);
                }
                FigureView::Pairs => panels::pairs_ui(&world, ui),
                FigureView::Plane => {
                    panels::plane_ui(&mut PlaneView::default(), &world, commands, ui);
                }
                // Refused by `paint`: it has a drawing of its own.
                FigureView::Verdict => {}
            }
        });
    }
}

/// What panels may read when they are drawn for a file: the points, and nothing beside them.
pub(super) fn world_of<'a>(snapshot: &'a Snapshot, selection: &'a Selection) -> World<'a> {
    World {
        snapshot: Some(snapshot),
        pinned: None,
        preview: None,
        request: snapshot.request(),
        report: Some(&snapshot.analysis.report),
        refused: None,
        running: None,
        failure: None,
        selection,
        hover: None,
        neighbours: None,
        density: None,
        potential: Potential {
            field: None,
            revision: 0,
            t: snapshot.request().t,
            has_arrows: false,
            has_ring: false,
            has_relief: false,
        },
        pinned_potential: None,
        landscape: crate::ui::Landscape::default(),
        history: &[],
        run: None,
        lab: None,
        inspector: None,
        verdict: None,
        verdict_failure: None,
        run_verdicts: None,
        verdict_series: None,
        log: &[],
        recent: &[],
        device: Some(&snapshot.analysis.device),
        thumbnails: None,
        is_export: true,
        are_files_hovering: false,
    }
}

/// Copies the picture to main memory.
fn read_back(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    target: &wgpu::Texture,
    [width, height]: [u32; 2],
) -> anyhow::Result<image::RgbaImage> {
    let row = width * 4;
    let padded = row.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT);
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("figure"),
        size: u64::from(padded) * u64::from(height),
        usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
        mapped_at_creation: false,
    });
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_texture_to_buffer(
        target.as_image_copy(),
        wgpu::TexelCopyBufferInfo {
            buffer: &buffer,
            layout: wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(padded),
                rows_per_image: None,
            },
        },
        target.size(),
    );
    queue.submit([encoder.finish()]);
    let (sender, receiver) = std::sync::mpsc::channel();
    buffer
        .slice(..)
        .map_async(wgpu::MapMode::Read, move |result| {
            // The receiver waits below; if it is gone, nobody wants the picture.
            let _ = sender.send(result);
        });
    device.poll(wgpu::PollType::wait_indefinitely())?;
    receiver.recv()??;
    let mapped = buffer.slice(..).get_mapped_range()?;
    let pixels: Vec<u8> = mapped
        .chunks_exact(padded as usize)
        .flat_map(|line| line[..row as usize].iter().copied())
        .collect();
    image::RgbaImage::from_raw(width, height, pixels)
        .ok_or_else(|| anyhow!("the picture has another size"))
}
