//! The logger of the window: records go to standard error as usual, and to every open log view.

use std::{
    sync::{Mutex, OnceLock, PoisonError},
    time::SystemTime,
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use crate::ui::{LogLine, widgets::Level};

/// Target of records that the window has put into its log itself.
pub(super) const TOLD: &str = "spherescope::told";

/// Records kept for a view that is late.
const CAPACITY: usize = 1024;

static VIEWS: OnceLock<Mutex<Vec<Sender<LogLine>>>> = OnceLock::new();

struct Tee {
    stderr: env_logger::Logger,
}

impl log::Log for Tee {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        is_for_views(metadata) || self.stderr.enabled(metadata)
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.stderr.matches(record) {
            self.stderr.log(record);
        }
        if is_for_views(record.metadata()) && record.target() != TOLD {
            let line = LogLine {
                at: SystemTime::now(),
                level: match record.level() {
                    log::Level::Error => Level::Error,
                    log::Level::Warn => Level::Warning,
                    _ => Level::Info,
                },
                text: record.args().to_string(),
            };
            let mut views = views().lock().unwrap_or_else(PoisonError::into_inner);
            // A view that is late misses lines; a view that is gone is forgotten.
            views.retain(|view| {
                !matches!(
                    view.try_send(line.clone()),
                    Err(TrySendError::Disconnected(_))
                )
            });
        }
    }

    fn flush(&self) {
        self.stderr.flush();
    }
}

/// Our own records from "info" on, and everyone's warnings and errors.
fn is_for_views(metadata: &log::Metadata<'_>) -> bool {
    let is_ours = metadata.target().starts_with("spherescope");
    metadata.level()
        <= if is_ours {
            log::Level::Info
        } else {
            log::Level::Warn
        }
}

fn views() -> &'static Mutex<Vec<Sender<LogLine>>> {
    VIEWS.get_or_init(Mutex::default)
}

/// Installs the logger. Standard error follows `RUST_LOG`, warnings by default. A logger that is
/// there already stays, and only the views then miss records of other rooms.
pub(super) fn install() {
    let filter = env_logger::Env::default().default_filter_or("warn");
    let stderr = env_logger::Builder::from_env(filter).build();
    let level = stderr.filter().max(log::LevelFilter::Info);
    if log::set_boxed_logger(Box::new(Tee { stderr })).is_ok() {
        log::set_max_level(level);
    }
}

/// All records from now on that a log view shows.
pub(super) fn subscribe() -> Receiver<LogLine> {
    let (sender, receiver) = bounded(CAPACITY);
    views()
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(sender);
    receiver
}
