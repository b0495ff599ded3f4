//! The potential of the shown points: computed beside the window's thread whenever points or
//! temperature have changed while a view shows it, the newest wish only.

use super::{App, jobs::Slot};
use crate::{
    landscape::{LandscapeError, PotentialField},
    ui::{Potential, PotentialView, Snapshot},
};

/// What a field was computed of: the snapshot's serial and the temperature's bits.
type Key = (u64, u64);

/// Which points a field is of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    /// Those that are shown.
    Shown,
    /// Those of the pinned time beside them.
    Pinned,
}

/// The newest field and the one under way.
#[derive(Default)]
pub(super) struct PotentialState {
    slot: Slot<(Half, Key, Result<PotentialField, LandscapeError>)>,
    field: Option<(Key, PotentialField)>,
    /// That of the pinned time.
    pinned: Option<(Key, PotentialField)>,
    under_way: Option<Key>,
    /// Whether the pinned time's turn is next: points that move, or a t that does, must not keep it
    /// waiting, nor it them.
    is_pinned_next: bool,
    /// What was refused, so that it is not asked again and again.
    refused: Option<Key>,
    revision: u64,
}

impl App {
    /// What panels see of the potential.
    pub(super) fn potential_view(&self, view: &PotentialView) -> Potential<'_> {
        let serial = self.seen().map(|snapshot| snapshot.serial);
        let state = &self.potential;
        let field = state
            .field
            .as_ref()
            // A run's frames follow each other fast: the field of the one before stays until then.
            .filter(|((of, _), _)| Some(*of) == serial || self.shows_run())
            .map(|(_, field)| field);
        Potential {
            field,
            revision: state.revision,
            t: self.potential_t(view),
            has_arrows: view.has_arrows,
            has_ring: view.has_ring,
            has_relief: view.has_relief,
        }
    }

    /// What panels see of the potential of the pinned time's points.
    pub(super) fn pinned_potential(&self, view: &PotentialView) -> Option<Potential<'_>> {
        let pinned = self.training.pinned.as_ref()?;
        let field = (self.potential.pinned.as_ref())
            .filter(|((of, _), _)| *of == pinned.serial)
            .map(|(_, field)| field);
        Some(Potential {
            field,
            ..self.potential_view(view)
        })
    }

    fn shows_run(&self) -> bool {
        self.seen().is_some_and(Snapshot::is_of_run)
    }

    fn potential_t(&self, view: &PotentialView) -> f64 {
        let measured = self.seen().map_or(2.0, |shown| shown.request().t);
        view.t.unwrap_or(measured)
    }

    /// Takes in what was computed, and asks for what is wanted and not there.
    pub(super) fn follow_potential(&mut self) {
        let t = self.potential_t(&self.views.potential);
        let is_wanted = self.views.wants_potential();
        let state = &mut self.potential;
        if let Some((half, key, outcome)) = state.slot.take() {
            state.under_way = None;
            state.is_pinned_next = half == Half::Shown;
            match outcome {
                Ok(field) => {
                    let place = match half {
                        Half::Shown => &mut state.field,
                        Half::Pinned => &mut state.pinned,
                    };
                    *place = Some((key, field));
                    state.revision += 1;
                }
                Err(error) => {
                    state.refused = Some(key);
                    if !error.is_cancelled() {
                        log::warn!("no potential: {error}");
                    }
                }
            }
        }
        let state = &self.potential;
        if !is_wanted || state.under_way.is_some() {
            return;
        }
        let key = |snapshot: &Snapshot| (snapshot.serial, t.to_bits());
        let mut halves = [
            (Half::Shown, self.seen(), &state.field),
            (Half::Pinned, self.training.pinned.as_ref(), &state.pinned),
        ];
        if state.is_pinned_next {
            halves.reverse();
        }
        let missing = halves.into_iter().find_map(|(half, snapshot, field)| {
            let snapshot = snapshot?;
            let key = key(snapshot);
            let is_there = field.as_ref().is_some_and(|(of, _)| *of == key);
            (!is_there && state.refused != Some(key)).then_some((half, key, snapshot))
        });
        let Some((half, key, snapshot)) = missing else {
            return;
        };
        let prepared = std::sync::Arc::clone(&snapshot.prepared);
        let slot = state.slot.clone();
        let wake = self.jobs.waker();
        let is_taken = self.jobs.help(move |progress| {
            let field = PotentialField::new(&prepared.sphere, &prepared.circle, t, progress);
            slot.put((half, key, field));
            wake();
        });
        // A full queue: asked again with the next frame of the window.
        self.potential.under_way = is_taken.then_some(key);
    }

    /// The field of the pinned time, for tests.
    #[cfg(test)]
    pub(super) fn pinned_field(&self) -> Option<&PotentialField> {
        self.potential.pinned.as_ref().map(|(_, field)| field)
    }

    /// The newest field, for tests.
    #[cfg(test)]
    pub(super) fn potential_field(&self) -> Option<&PotentialField> {
        self.potential.field.as_ref().map(|(_, field)| field)
    }
}
