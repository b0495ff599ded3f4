//! Keys for a view that is looked into: what a pointer does there, done without one.

use egui::{Key, Response, Ui, Vec2, vec2};

/// What the keyboard asked of a view in this frame; nothing while another has the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ViewKeys {
    /// Presses of the arrow keys: rightward, downward.
    pub arrows: Vec2,
    /// Whether Shift was held.
    pub is_shifted: bool,
    /// Presses of + less those of −.
    pub closer: f32,
    /// Presses of Page Down less those of Page Up.
    pub onward: i64,
    /// Enter or Space: what a click without a place means.
    pub is_chosen: bool,
}

/// The keys for `response`, which keeps the arrows from moving the focus away.
pub fn view_keys(ui: &Ui, response: &Response) -> ViewKeys {
    if !response.has_focus() {
        return ViewKeys::default();
    }
    let filter = egui::EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..Default::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    ui.input(|input| {
        let presses = |key: Key| input.num_presses(key) as f32;
        ViewKeys {
            arrows: vec2(
                presses(Key::ArrowRight) - presses(Key::ArrowLeft),
                presses(Key::ArrowDown) - presses(Key::ArrowUp),
            ),
            is_shifted: input.modifiers.shift,
            closer: presses(Key::Plus) + presses(Key::Equals) - presses(Key::Minus),
            onward: (presses(Key::PageDown) - presses(Key::PageUp)) as i64,
            is_chosen: response.clicked() && response.interact_pointer_pos().is_none(),
        }
    })
}

/// The member `steps` after `from` in a ring of `count`; the first one without a `from`.
pub fn walk(from: Option<usize>, steps: i64, count: usize) -> Option<usize> {
    let count = i64::try_from(count).ok().filter(|count| *count > 0)?;
    let next = match from {
        Some(from) => (from as i64 + steps).rem_euclid(count),
        None if steps < 0 => count - 1,
        None => 0,
    };
    usize::try_from(next).ok()
}

#[cfg(test)]
mod tests {
    use super::walk;

    #[test]
    fn a_walk_goes_around() {
        assert_eq!(walk(Some(4), 1, 5), Some(0));
        assert_eq!(walk(Some(0), -1, 5), Some(4));
        assert_eq!(walk(None, 1, 5), Some(0));
        assert_eq!(walk(None, -1, 5), Some(4));
        assert_eq!(walk(Some(0), 1, 0), None);
    }
}
