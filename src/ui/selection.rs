//! Which points are selected, with undo.

use std::collections::BTreeSet;

/// How a new choice joins the selection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Combine {
    /// The new points instead of the old.
    #[default]
    Replace,
    /// The new points too (Ctrl or Cmd).
    Add,
    /// Without the new points (Alt).
    Remove,
}

impl Combine {
    /// What the held keys ask for.
    pub fn from_modifiers(modifiers: egui::Modifiers) -> Self {
        if modifiers.alt {
            Self::Remove
        } else if modifiers.command || modifiers.ctrl {
            Self::Add
        } else {
            Self::Replace
        }
    }
}

/// Steps that undo keeps.
const DEPTH: usize = 64;

/// The selected points, by row of the shown feature set.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    now: BTreeSet<u32>,
    past: Vec<BTreeSet<u32>>,
    future: Vec<BTreeSet<u32>>,
    revision: u64,
}

impl Selection {
    /// The selected rows, ascending.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.now.iter().copied()
    }

    /// How many are selected.
    pub fn len(&self) -> usize {
        self.now.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.now.is_empty()
    }

    /// Whether `row` is selected.
    pub fn contains(&self, row: u32) -> bool {
        self.now.contains(&row)
    }

    /// The selected row when there is exactly one.
    pub fn single(&self) -> Option<u32> {
        (self.now.len() == 1)
            .then(|| self.now.first().copied())
            .flatten()
    }

    /// A number that changes with every change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Joins `rows` to the selection as `how` says.
    pub fn apply(&mut self, rows: &[u32], how: Combine) {
        let mut next = self.now.clone();
        match how {
            Combine::Replace => next = rows.iter().copied().collect(),
            Combine::Add => next.extend(rows),
            Combine::Remove => rows.iter().for_each(|row| {
                next.remove(row);
            }),
        }
        self.replace(next);
    }

    /// Selects nothing; whether something was selected.
    pub fn clear(&mut self) -> bool {
        let had_any = !self.now.is_empty();
        self.replace(BTreeSet::new());
        had_any
    }

    /// Forgets everything: the rows mean other points now.
    pub fn forget(&mut self) {
        *self = Self {
            revision: self.revision + 1,
            ..Self::default()
        };
    }

    /// Takes the last change back; whether there was one.
    pub fn undo(&mut self) -> bool {
        let Some(previous) = self.past.pop() else {
            return false;
        };
        self.future.push(std::mem::replace(&mut self.now, previous));
        self.revision += 1;
        true
    }

    /// Makes the change that was taken back again; whether there was one.
    pub fn redo(&mut self) -> bool {
        let Some(next) = self.future.pop() else {
            return false;
        };
        self.past.push(std::mem::replace(&mut self.now, next));
        self.revision += 1;
        true
    }

    fn replace(&mut self, next: BTreeSet<u32>) {
        if next == self.now {
            return;
        }
        self.past.push(std::mem::replace(&mut self.now, next));
        let surplus = self.past.len().saturating_sub(DEPTH);
        self.past.drain(..surplus);
        self.future.clear();
        self.revision += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_join_and_leave() {
        let mut selection = Selection::default();
        selection.apply(&[1, 2], Combine::Replace);
        selection.apply(&[3], Combine::Add);
        selection.apply(&[1], Combine::Remove);
        assert_eq!(selection.rows().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(selection.single(), None);
        selection.apply(&[7], Combine::Replace);
        assert_eq!(selection.single(), Some(7));
    }

    #[test]
    fn undo_and_redo_walk_the_changes() {
        let mut selection = Selection::default();
        selection.apply(&[1], Combine::Replace);
        selection.apply(&[1], Combine::Replace);
        selection.apply(&[2], Combine::Replace);
        assert!(selection.undo());
        assert_eq!(selection.single(), Some(1));
        assert!(selection.redo());
        assert_eq!(selection.single(), Some(2));
        assert!(selection.undo() && selection.undo());
        assert!(!selection.undo() && selection.is_empty());
        selection.apply(&[5], Combine::Replace);
        assert!(!selection.redo());
    }

    #[test]
    fn keys_choose_how_to_join() {
        assert_eq!(
            Combine::from_modifiers(egui::Modifiers::ALT),
            Combine::Remove
        );
        assert_eq!(Combine::from_modifiers(egui::Modifiers::CTRL), Combine::Add);
        assert_eq!(
            Combine::from_modifiers(egui::Modifiers::NONE),
            Combine::Replace
        );
    }
}
