//! The docked views.

use egui::{Color32, Stroke, Style, Ui, Visuals, WidgetText};
use egui_tiles::{
    Behavior, Container, Linear, LinearDir, SimplificationOptions, TabState, Tile, TileId, Tiles,
    Tree, UiResponse,
};

use crate::ui::{
    Pane,
    icons::Icon,
    theme::{self, Tokens},
    widgets::icon_button,
};

/// Names the docked views to egui.
pub(super) fn tree_id() -> egui::Id {
    egui::Id::unique("docked views")
}

/// The layout at the first start: sources at the left; in the middle the sphere, with the dense
/// inspector behind it, over circle and pair distances; at the right the plane, with correlation and
/// landscape behind it, over figures, verdict, table and log; and the training run below all.
pub(super) fn default_tree() -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let mut tabs = |panes: &[Pane]| {
        let ids: Vec<TileId> = (panes.iter())
            .map(|pane| tiles.insert_pane(*pane))
            .collect();
        tiles.insert_tab_tile(ids)
    };
    let sources = tabs(&[Pane::Sources]);
    let sphere = tabs(&[Pane::Sphere, Pane::Inspector]);
    let [circle, pairs] = [Pane::Circle, Pane::Pairs].map(|pane| tabs(&[pane]));
    let plane = tabs(&[Pane::Plane, Pane::Correlation, Pane::Landscape]);
    let details = tabs(&[Pane::Figures, Pane::Verdict, Pane::Table, Pane::Log]);
    let training = tabs(&[Pane::Training]);
    let split = |tiles: &mut Tiles<Pane>, dir, children: &[(TileId, f32)]| {
        let mut linear = Linear::new(dir, children.iter().map(|(id, _)| *id).collect());
        for (id, share) in children {
            linear.shares.set_share(*id, *share);
        }
        tiles.insert_container(Container::Linear(linear))
    };
    let below = split(
        &mut tiles,
        LinearDir::Horizontal,
        &[(circle, 1.0), (pairs, 1.0)],
    );
    let middle = split(
        &mut tiles,
        LinearDir::Vertical,
        &[(sphere, 1.6), (below, 1.0)],
    );
    let right = split(
        &mut tiles,
        LinearDir::Vertical,
        &[(plane, 1.0), (details, 1.25)],
    );
    let views = split(
        &mut tiles,
        LinearDir::Horizontal,
        &[(sources, 0.9), (middle, 2.1), (right, 1.3)],
    );
    let root = split(
        &mut tiles,
        LinearDir::Vertical,
        &[(views, 3.0), (training, 1.0)],
    );
    Tree::new(tree_id(), root, tiles)
}

/// Brings `pane` to the front, putting it back when it was closed.
pub(super) fn show(tree: &mut Tree<Pane>, pane: Pane) {
    if tree.tiles.find_pane(&pane).is_none() {
        let id = tree.tiles.insert_pane(pane);
        let tab = tree.tiles.insert_tab_tile(vec![id]);
        match tree.root() {
            Some(root) => tree.move_tile_to_container(tab, root, usize::MAX, false),
            None => *tree = Tree::new(tree_id(), tab, std::mem::take(&mut tree.tiles)),
        }
    }
    tree.make_active(|_, tile| matches!(tile, Tile::Pane(other) if *other == pane));
}

/// Whether `pane` is drawn: in the layout, and its tab the active one.
pub(super) fn is_shown(tree: &Tree<Pane>, pane: Pane) -> bool {
    tree.active_tiles()
        .into_iter()
        .any(|id| matches!(tree.tiles.get(id), Some(Tile::Pane(other)) if *other == pane))
}

/// Whether each view is in `tree` at most once, and at least one is: a tree from a file may be
/// anything.
pub(super) fn is_usable(tree: &Tree<Pane>) -> bool {
    let count = |wanted: &Pane| {
        tree.tiles
            .tiles()
            .filter(|tile| matches!(tile, Tile::Pane(pane) if pane == wanted))
            .count()
    };
    let counts: Vec<usize> = Pane::ALL.iter().map(count).collect();
    let root_exists = tree
        .root()
        .is_some_and(|root| tree.tiles.get(root).is_some());
    root_exists && counts.iter().all(|count| *count <= 1) && counts.iter().sum::<usize>() > 0
}

/// Draws the views with `draw`, in the look of the theme.
pub(super) struct Dock<F> {
    pub draw: F,
    /// The view that is to have the whole window: its tab bar's button was pressed.
    pub enlarge: Option<Pane>,
    /// How much marks are enlarged.
    pub scale: f32,
}

impl<F: FnMut(&mut Ui, Pane)> Dock<F> {
    /// Draws one view in all the room there is, with its title and the way back.
    pub(super) fn alone_ui(&mut self, pane: Pane, ui: &mut Ui) {
        let tokens = Tokens::of(ui);
        egui::Frame::new()
            .fill(tokens.surface.bar.0)
            .inner_margin(egui::Margin::symmetric(12, 2))
            .show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.label(
                        egui::RichText::new(pane.title())
                            .text_style(theme::section_style())
                            .color(tokens.text.strong.0),
                    );
                    let layout = egui::Layout::right_to_left(egui::Align::Center);
                    ui.with_layout(layout, |ui| {
                        if icon_button(ui, Icon::Restore, "Back to its place").clicked() {
                            self.enlarge = Some(pane);
                        }
                    });
                });
            });
        self.framed_ui(pane, ui);
    }

    fn framed_ui(&mut self, pane: Pane, ui: &mut Ui) {
        let tokens = Tokens::of(ui);
        egui::Frame::new()
            .fill(tokens.surface.panel.0)
            .inner_margin(egui::Margin::symmetric(12, 8))
            .show(ui, |ui| {
                ui.set_min_size(ui.available_size());
                (self.draw)(ui, pane);
            });
    }
}

impl<F: FnMut(&mut Ui, Pane)> Behavior<Pane> for Dock<F> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, pane: &mut Pane) -> UiResponse {
        self.framed_ui(*pane, ui);
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        pane.title().into()
    }

    fn is_tab_closable(&self, _tiles: &Tiles<Pane>, _tile: TileId) -> bool {
        true
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions {
            all_panes_must_have_tabs: true,
            ..Default::default()
        }
    }

    fn top_bar_right_ui(
        &mut self,
        tiles: &Tiles<Pane>,
        ui: &mut Ui,
        _tile: TileId,
        tabs: &egui_tiles::Tabs,
        _scroll: &mut f32,
    ) {
        let active = tabs.active.and_then(|id| tiles.get(id));
        if let Some(Tile::Pane(pane)) = active
            && icon_button(ui, Icon::Enlarge, &format!("Enlarge {}", pane.title())).clicked()
        {
            self.enlarge = Some(*pane);
        }
    }

    fn tab_bar_height(&self, _style: &Style) -> f32 {
        28.0 * self.scale
    }

    fn tab_title_spacing(&self, _visuals: &Visuals) -> f32 {
        12.0
    }

    fn gap_width(&self, _style: &Style) -> f32 {
        1.0
    }

    fn min_size(&self) -> f32 {
        96.0
    }

    fn resize_stroke(&self, style: &Style, state: egui_tiles::ResizeState) -> Stroke {
        let tokens = Tokens::of_visuals(&style.visuals);
        match state {
            egui_tiles::ResizeState::Idle => Stroke::new(1.0, tokens.surface.rule.0),
            egui_tiles::ResizeState::Hovering => Stroke::new(1.0, tokens.surface.rule_strong.0),
            egui_tiles::ResizeState::Dragging => Stroke::new(1.0, tokens.accent.main.0),
        }
    }

    fn tab_bar_color(&self, visuals: &Visuals) -> Color32 {
        Tokens::of_visuals(visuals).surface.bar.0
    }

    fn tab_bg_color(
        &self,
        visuals: &Visuals,
        _: &Tiles<Pane>,
        _: TileId,
        state: &TabState,
    ) -> Color32 {
        if state.active {
            Tokens::of_visuals(visuals).surface.panel.0
        } else {
            Color32::TRANSPARENT
        }
    }

    fn tab_outline_stroke(&self, _: &Visuals, _: &Tiles<Pane>, _: TileId, _: &TabState) -> Stroke {
        Stroke::NONE
    }

    fn tab_bar_hline_stroke(&self, visuals: &Visuals) -> Stroke {
        Stroke::new(1.0, Tokens::of_visuals(visuals).surface.rule.0)
    }

    fn tab_text_color(
        &self,
        visuals: &Visuals,
        _: &Tiles<Pane>,
        _: TileId,
        state: &TabState,
    ) -> Color32 {
        let text = &Tokens::of_visuals(visuals).text;
        if state.active {
            text.strong.0
        } else {
            text.weak.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_layout_shows_every_view_once() {
        let tree = default_tree();
        assert!(is_usable(&tree));
        for pane in Pane::ALL {
            assert!(tree.tiles.find_pane(&pane).is_some(), "{pane:?}");
        }
    }

    #[test]
    fn a_closed_view_comes_back() {
        let mut tree = default_tree();
        let id = tree.tiles.find_pane(&Pane::Log).unwrap();
        tree.remove_recursively(id);
        assert!(tree.tiles.find_pane(&Pane::Log).is_none());
        show(&mut tree, Pane::Log);
        assert!(tree.tiles.find_pane(&Pane::Log).is_some());
        assert!(is_usable(&tree));
    }

    #[test]
    fn only_the_active_tab_is_shown() {
        let mut tree = default_tree();
        assert!(is_shown(&tree, Pane::Sphere) && !is_shown(&tree, Pane::Inspector));
        show(&mut tree, Pane::Inspector);
        assert!(is_shown(&tree, Pane::Inspector) && !is_shown(&tree, Pane::Sphere));
    }

    #[test]
    fn an_empty_or_doubled_layout_is_refused() {
        assert!(!is_usable(&Tree::empty(tree_id())));
        let doubled = Tree::new_tabs(tree_id(), vec![Pane::Log, Pane::Log]);
        assert!(!is_usable(&doubled));
    }

    #[test]
    fn a_view_can_be_shown_when_all_were_closed() {
        let mut tree = Tree::empty(tree_id());
        show(&mut tree, Pane::Sphere);
        assert!(is_usable(&tree));
    }
}
