//! Progress on standard error, files written whole or not at all.

use std::{
    io::{BufWriter, Write},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};

use crate::progress::{Progress, Step};

/// A progress bar with rate and remaining time; silent when standard error is no terminal.
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Shows itself at the first report.
    pub fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(Duration::from_millis(120));
        Self { bar }
    }

    /// The handle to pass down.
    pub fn progress(&self) -> Progress {
        let bar = self.bar.clone();
        let stage = Arc::new(Mutex::new(""));
        Progress::new(move |step: Step| {
            let Ok(mut stage) = stage.lock() else { return };
            if *stage != step.stage {
                *stage = step.stage;
                bar.reset_elapsed();
                bar.set_style(style(step.total.is_some()));
                bar.set_message(step.stage);
            }
            if let Some(total) = step.total {
                bar.set_length(total);
            }
            bar.set_position(step.done);
        })
    }

    /// Prints a line on standard error without tearing the bar.
    pub fn say(&self, line: &str) {
        self.bar.suspend(|| eprintln!("{line}"));
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

fn style(has_total: bool) -> ProgressStyle {
    let template = if has_total {
        "{msg} {wide_bar} {pos}/{len} · {per_sec} · {eta} left"
    } else {
        "{spinner} {msg}"
    };
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Writes a file whole or not at all.
///
/// # Errors
/// What writing says, with the path.
pub fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&std::fs::File>) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    crate::data::write_whole(path, write)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes JSON to a file, or to standard output for "-".
///
/// # Errors
/// What writing says, with the path.
pub fn write_json(path: &Path, value: &serde_json::Value) -> anyhow::Result<()> {
    if path == Path::new("-") {
        print_line(&serde_json::to_string_pretty(value)?)
    } else {
        write_whole(path, |file| {
            serde_json::to_writer_pretty(&mut *file, value)?;
            writeln!(file)?;
            Ok(())
        })
    }
}

/// Prints to standard output; a reader that went away (`| head`) is no failure.
///
/// # Errors
/// What writing says.
pub fn print_line(text: &str) -> anyhow::Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("numbers.json");
        write_whole(&path, |file| Ok(file.write_all(b"old")?)).unwrap();
        let failed = write_whole(&path, |file| {
            file.write_all(b"half of the new")?;
            anyhow::bail!("disk full")
        });
        assert!(failed.unwrap_err().to_string().contains("numbers.json"));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
