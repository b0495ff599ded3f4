//! The dense inspector as a picture, without a window: the panel itself, drawn into a texture.

use crate::{
    app::figure::{Painter, world_of},
    ui::{
        Commands, InspectorState, InspectorView, Selection, Snapshot, World,
        panels::{self, InspectorPictures},
        theme::Tokens,
    },
};

impl Painter {
    /// Draws the inspector of `snapshot` with what `state` has to show, `size` pixels wide and
    /// high.
    ///
    /// # Errors
    /// When the device refuses or is lost.
    pub fn paint_inspector(
        &self,
        snapshot: &Snapshot,
        view: &InspectorView,
        state: &InspectorState,
        size: [u32; 2],
    ) -> anyhow::Result<image::RgbaImage> {
        let mut pictures = InspectorPictures::default();
        self.picture(size, |ui| {
            picture_ui(snapshot, view, state, &mut pictures, ui);
        })
    }
}

fn picture_ui(
    snapshot: &Snapshot,
    view: &InspectorView,
    state: &InspectorState,
    pictures: &mut InspectorPictures,
    ui: &mut egui::Ui,
) {
    let selection = Selection::default();
    let world = World {
        inspector: Some(state),
        ..world_of(snapshot, &selection)
    };
    let frame = egui::Frame::new()
        .fill(Tokens::of(ui).surface.panel.0)
        .inner_margin(16);
    egui::CentralPanel::no_frame().frame(frame).show(ui, |ui| {
        ui.heading(snapshot.title());
        let view = &mut view.clone();
        panels::inspector_ui(view, pictures, &world, &mut Commands::default(), ui);
    });
}
