//! The threads that a run or a slice in a window computes on.
//!
//! The window draws on the same cores, and in software with all of them: its pictures are due many
//! times a second and the run's next step is not. So such threads are their own (egui makes its
//! triangles on the common ones, and would wait for a step) and give way to everything else.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::Compute;

/// Does `work` on threads of its own that give way to a window's. The calling thread waits, and is
/// to end with it: it stays as willing to give way.
///
/// # Errors
/// When the system grants no threads.
pub fn beside_a_window<R: Send>(
    compute: &Compute,
    work: impl FnOnce() -> R + Send,
) -> std::io::Result<R> {
    // A thread that feeds a GPU is to be there when the GPU is.
    if !compute.is_gpu() {
        give_way();
    }
    let pool = own().map_err(std::io::Error::other)?;
    Ok(pool.install(work))
}

/// As many threads as everything else computes on, so that sums are taken in the same order.
///
/// They are as willing to give way as the thread that asks for them.
///
/// # Errors
/// When the system grants no threads.
fn own() -> Result<ThreadPool, ThreadPoolBuildError> {
    ThreadPoolBuilder::new()
        .num_threads(rayon::current_num_threads())
        .thread_name(|index| format!("spherescope-step-{index}"))
        .build()
}

/// How nice to others such work is, of 0 to 19.
#[cfg(target_os = "linux")]
const NICENESS: &str = "10";

/// From now on this thread, and those that it starts, compute when nothing else wants to. Where the
/// system does not let a thread do so (all but Linux), nothing happens.
fn give_way() {
    // Tests wait for a run beside whatever else the machine does, and not for ever.
    #[cfg(all(target_os = "linux", not(test)))]
    if let Err(error) = renice() {
        log::debug!("work computes with the priority of the window: {error}");
    }
}

/// By the system's own tool: the call itself is not to be had without `unsafe`.
#[cfg(target_os = "linux")]
fn renice() -> std::io::Result<()> {
    use std::process::{Command, Stdio};
    // `<process>/task/<thread>`.
    let own = std::fs::read_link("/proc/thread-self")?;
    let thread = own.file_name().unwrap_or_default();
    let status = Command::new("renice")
        .args(["-n", NICENESS, "-p"])
        .arg(thread)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(std::io::Error::other(format!("renice ended with {status}")))
    }
}

#[cfg(test)]
mod tests {
    /// Niceness of the calling thread: field 19 of its `stat`, of which the name is the second and
    /// may hold spaces.
    #[cfg(target_os = "linux")]
    fn niceness() -> Option<i32> {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").ok()?;
        let (_, fields) = stat.rsplit_once(") ")?;
        fields.split(' ').nth(16)?.parse().ok()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn work_gives_way_and_the_rest_does_not() {
        let before = niceness().expect("a number");
        let inside = std::thread::spawn(|| {
            super::renice().map(|()| {
                let pool = super::own().expect("threads");
                (
                    niceness(),
                    pool.install(niceness),
                    pool.current_num_threads(),
                )
            })
        });
        match inside.join().expect("no panic") {
            Ok((own, of_pool, count)) => {
                assert_eq!((own, of_pool), (Some(10), Some(10)));
                assert_eq!(count, rayon::current_num_threads());
            }
            Err(error) => println!("skipped, there is no renice here: {error}"),
        }
        assert_eq!(niceness(), Some(before));
    }
}
