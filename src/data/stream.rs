//! Work on many images in parallel, delivered in order, with bounded memory.
//!
//! Worker threads run ahead of the consumer by at most a window of items, and the pixels that are
//! decoded at one time are limited by a budget, so that a folder of huge images needs no more
//! memory than a few of them.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use crossbeam_channel::RecvTimeoutError;

use super::MAX_PIXELS;
use crate::progress::{Cancelled, Progress};

/// How often a waiting consumer looks at the cancel flag.
const PATIENCE: Duration = Duration::from_millis(50);
/// More threads than this only wait for the disk or the encoder.
const MAX_THREADS: usize = 16;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // The guarded values are single numbers: never half written.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Pixels that may be decoded at the same time.
pub(super) struct PixelBudget {
    free: Mutex<u64>,
    returned: Condvar,
}

/// A share of the budget, given back when dropped.
pub(super) struct PixelShare<'a> {
    budget: &'a PixelBudget,
    pixels: u64,
}

impl PixelBudget {
    /// Room for one image of the largest size, or many small ones.
    pub(super) fn new() -> Self {
        Self {
            free: Mutex::new(MAX_PIXELS),
            returned: Condvar::new(),
        }
    }

    /// Waits until an image of this size may be decoded.
    pub(super) fn take(&self, [width, height]: [u32; 2]) -> PixelShare<'_> {
        let pixels = (u64::from(width) * u64::from(height)).min(MAX_PIXELS);
        let mut free = self
            .returned
            .wait_while(lock(&self.free), |free| *free < pixels)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= pixels;
        PixelShare {
            budget: self,
            pixels,
        }
    }
}

impl Drop for PixelShare<'_> {
    fn drop(&mut self) {
        *lock(&self.budget.free) += self.pixels;
        self.budget.returned.notify_all();
    }
}

/// Which positions workers may take: `next` up to `taken + window`.
struct Gate {
    state: Mutex<GateState>,
    moved: Condvar,
    window: usize,
    count: usize,
}

struct GateState {
    next: usize,
    taken: usize,
    is_closed: bool,
}

impl Gate {
    /// The next position to work on, or `None` when there are no more.
    fn enter(&self) -> Option<usize> {
        let mut state = self
            .moved
            .wait_while(lock(&self.state), |state| {
                !state.is_closed
                    && state.next < self.count
                    && state.next >= state.taken + self.window
            })
            .unwrap_or_else(PoisonError::into_inner);
        if state.is_closed || state.next >= self.count {
            return None;
        }
        state.next += 1;
        Some(state.next - 1)
    }

    fn advance(&self) {
        lock(&self.state).taken += 1;
        self.moved.notify_all();
    }
}

/// Lets the workers go, however the consumer ends.
struct CloseOnDrop<'a>(&'a Gate);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).is_closed = true;
        self.0.moved.notify_all();
    }
}

/// Runs `work` for positions 0 to `count` on threads and hands the results to `consume` on the
/// calling thread, in order. At most `window` results wait at any time.
pub(super) fn in_order<T: Send, E: From<Cancelled>>(
    count: usize,
    window: usize,
    work: &(impl Fn(usize) -> T + Sync),
    progress: &Progress,
    mut consume: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let threads = threads().min(count);
    let gate = Gate {
        state: Mutex::new(GateState {
            next: 0,
            taken: 0,
            is_closed: false,
        }),
        moved: Condvar::new(),
        window: window.max(1),
        count,
    };
    let gate = &gate;
    thread::scope(|scope| {
        let _close = CloseOnDrop(gate);
        // As many places as results can be under way, so no worker ever waits to deliver.
        let (sender, receiver) = crossbeam_channel::bounded(gate.window);
        let mut started = 0;
        for number in 0..threads {
            let sender = sender.clone();
            let run = move || {
                while let Some(position) = gate.enter() {
                    if sender.send((position, work(position))).is_err() {
                        break;
                    }
                }
            };
            started += usize::from(
                thread::Builder::new()
                    .name(format!("images-{number}"))
                    .spawn_scoped(scope, run)
                    .is_ok(),
            );
        }
        drop(sender);
        let mut early = BTreeMap::new();
        for position in 0..count {
            let result = loop {
                progress.check()?;
                if let Some(result) = early.remove(&position) {
                    break result;
                }
                if started == 0 {
                    break work(position); // the system gave no thread at all
                }
                match receiver.recv_timeout(PATIENCE) {
                    Ok((other, result)) => {
                        early.insert(other, result);
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    // A worker panicked; leaving the scope passes its panic on.
                    Err(RecvTimeoutError::Disconnected) => return Ok(()),
                }
            };
            consume(position, result)?;
            gate.advance();
        }
        Ok(())
    })
}

/// Worker threads used for decoding.
pub(super) fn threads() -> usize {
    thread::available_parallelism()
        .map_or(2, usize::from)
        .min(MAX_THREADS)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_and_within_the_window() {
        let ahead = AtomicUsize::new(0);
        let most = AtomicUsize::new(0);
        let work = |position: usize| {
            let under_way = ahead.fetch_add(1, Ordering::SeqCst) + 1;
            most.fetch_max(under_way, Ordering::SeqCst);
            // Uneven work, so that later items overtake earlier ones.
            thread::sleep(Duration::from_micros(((position * 7919) % 13) as u64 * 50));
            position * 2
        };
        let mut seen = Vec::new();
        in_order::<_, Cancelled>(200, 5, &work, &Progress::none(), |position, result| {
            assert_eq!(result, position * 2);
            seen.push(position);
            ahead.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, (0..200).collect::<Vec<_>>());
        // The consumer counts an item off just before it opens the gate for the next one.
        assert!(most.load(Ordering::SeqCst) <= 5, "{most:?}");
    }

    #[test]
    fn an_error_of_the_consumer_or_a_cancel_ends_it() {
        #[derive(Debug, PartialEq)]
        enum Stop {
            Cancelled,
            Enough,
        }
        impl From<Cancelled> for Stop {
            fn from(_: Cancelled) -> Self {
                Self::Cancelled
            }
        }
        let progress = Progress::none();
        let result = in_order(1000, 8, &|p| p, &progress, |position, _| {
            if position == 3 {
                Err(Stop::Enough)
            } else {
                Ok(())
            }
        });
        assert_eq!(result, Err(Stop::Enough));
        let result = in_order(1000, 8, &|p| p, &progress, |position, _| {
            if position == 3 {
                progress.cancel();
            }
            assert!(position <= 3, "work went on after the cancel");
            Ok(())
        });
        assert_eq!(result, Err(Stop::Cancelled));
    }

    #[test]
    fn a_budget_lets_one_huge_image_through_at_a_time() {
        let budget = PixelBudget::new();
        let share = budget.take([u32::MAX, u32::MAX]);
        assert_eq!(*lock(&budget.free), 0);
        drop(share);
        let _small = budget.take([10, 10]);
        assert_eq!(*lock(&budget.free), MAX_PIXELS - 100);
    }
}
