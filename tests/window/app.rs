//! The program under test and the hands that use it.

use crate::screen::{Picture, Region, SIZE, Screen};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// How long anything may take on a slow machine that draws in software.
pub const PATIENCE: Duration = Duration::from_mins(3);
const PAUSE: Duration = Duration::from_millis(100);

/// The running program, and what it has logged.
pub struct App<'a> {
    screen: &'a Screen,
    child: Child,
    log_file: PathBuf,
    /// Where the pictures of each step go, to be looked at when a test failed.
    folder: PathBuf,
    /// The window's X id, once it is there.
    window: String,
}

impl<'a> App<'a> {
    /// Starts the program on `screen`, in `folder` and with a session of its own there, and waits
    /// for its window.
    pub fn start(screen: &'a Screen, folder: &Path, arguments: &[&str]) -> Self {
        let log_file = folder.join("log.txt");
        // A second start in the same folder writes on below what the first one wrote.
        let log = File::options().create(true).append(true).open(&log_file);
        let log = log.expect("a log file");
        let child = Command::new(env!("CARGO_BIN_EXE_spherescope"))
            .args(arguments)
            .current_dir(folder)
            .env("DISPLAY", &screen.display)
            .env("RUST_LOG", "warn,spherescope=info")
            // Settings and recent files of whoever runs the test stay out of it.
            .env("HOME", folder)
            .env("XDG_CONFIG_HOME", folder.join("config"))
            .env("XDG_DATA_HOME", folder.join("data"))
            .env("XDG_CACHE_HOME", folder.join("cache"))
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle of the log"))
            .stderr(log)
            .spawn()
            .expect("the program starts");
        let mut app = Self {
            screen,
            child,
            log_file,
            folder: folder.to_owned(),
            window: String::new(),
        };
        app.wait_for("the window", |app| {
            let found = app.try_xdotool(&["search", "--onlyvisible", "--name", "Spherescope"]);
            found
                .lines()
                .next()
                .unwrap_or_default()
                .clone_into(&mut app.window);
            !app.window.is_empty()
        });
        app
    }

    /// Asks `is_so` until it answers yes; fails with the log when it does not in time, or at once
    /// when the program is gone.
    pub fn wait_for(&mut self, what: &str, mut is_so: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            if let Some(status) = self.child.try_wait().expect("the program's state") {
                panic!(
                    "waiting for {what}, the program ended: {status}\n{}",
                    self.log()
                );
            }
            if start.elapsed() > PATIENCE {
                self.keep_picture("failed");
                let folder = self.folder.display();
                panic!(
                    "no {what} within {PATIENCE:?}; pictures in {folder}\n{}",
                    self.log()
                );
            }
            thread::sleep(PAUSE);
        }
    }

    /// Waits until the log has a line, later than `mark`, with all of `words`; returns that line.
    pub fn wait_for_line(&mut self, mark: usize, words: &[&str]) -> String {
        let mut found = String::new();
        self.wait_for(&format!("log line with {words:?}"), |app| {
            if let Some(line) = app.find_line(mark, words) {
                found = line;
            }
            !found.is_empty()
        });
        found
    }

    /// A line of the log, later than `mark`, with all of `words`.
    pub fn find_line(&self, mark: usize, words: &[&str]) -> Option<String> {
        let log = self.log();
        let mut lines = log.get(mark..)?.lines();
        lines
            .find(|line| words.iter().all(|word| line.contains(word)))
            .map(str::to_owned)
    }

    /// Everything logged until now.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.log_file).expect("the log reads");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Where the log ends now: what comes later is news.
    pub fn mark(&self) -> usize {
        self.log().len()
    }

    /// The window's title.
    pub fn title(&self) -> String {
        self.try_xdotool(&["getwindowname", &self.window])
            .trim()
            .to_owned()
    }

    /// Waits for a picture that `is_so` likes and that holds still where `region` is.
    pub fn wait_for_picture(
        &mut self,
        what: &str,
        region: Region,
        is_so: impl Fn(&Picture) -> bool,
    ) -> Picture {
        let mut last = self.screen.picture();
        self.wait_for(what, |app| {
            // Longer than a frame takes in software.
            thread::sleep(PAUSE * 5);
            let now = app.screen.picture();
            let is_still = now.change_from(&last, region) == 0.0;
            last = now;
            is_still && is_so(&last)
        });
        last
    }

    /// What the screen shows now.
    pub fn picture(&self) -> Picture {
        self.screen.picture()
    }

    /// Keeps the picture of this moment as `name.png`.
    pub fn keep_picture(&self, name: &str) {
        self.screen
            .picture()
            .save(&self.folder.join(format!("{name}.png")));
    }

    /// Puts the mouse where it touches nothing: the screen's last pixel.
    pub fn step_aside(&self) {
        self.point_at([SIZE[0] - 1, SIZE[1] - 1]);
    }

    pub fn click(&self, [x, y]: [u32; 2]) {
        self.point_at([x, y]);
        self.xdotool(&["click", "1"]);
    }

    /// Moves the mouse there, in two strides: a program may miss a jump it is already under.
    pub fn point_at(&self, [x, y]: [u32; 2]) {
        self.xdotool(&["mousemove", &(x - 2).to_string(), &y.to_string()]);
        thread::sleep(PAUSE);
        self.xdotool(&["mousemove", &x.to_string(), &y.to_string()]);
        thread::sleep(PAUSE);
    }

    /// Drags with the left button in strides, as a hand does.
    pub fn drag(&self, from: [u32; 2], to: [u32; 2]) {
        const STRIDES: u32 = 12;
        self.point_at(from);
        self.xdotool(&["mousedown", "1"]);
        for stride in 1..=STRIDES {
            let along = |a: u32, b: u32| (a * (STRIDES - stride) + b * stride) / STRIDES;
            let [x, y] = [along(from[0], to[0]), along(from[1], to[1])];
            self.xdotool(&["mousemove", &x.to_string(), &y.to_string()]);
            thread::sleep(PAUSE / 2);
        }
        self.xdotool(&["mouseup", "1"]);
    }

    /// Presses a key or a chord such as `ctrl+o`.
    pub fn press(&self, key: &str) {
        self.xdotool(&["key", "--clearmodifiers", key]);
        thread::sleep(PAUSE * 3);
    }

    pub fn write(&self, text: &str) {
        self.xdotool(&["type", "--delay", "30", text]);
        thread::sleep(PAUSE * 3);
    }

    /// Closes the window as its frame's button does, and waits for the program to end.
    pub fn close(mut self, limit: Duration) -> ExitStatus {
        self.press("alt+F4");
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("the program's state") {
                return status;
            }
            assert!(
                start.elapsed() < limit,
                "still there after {limit:?}\n{}",
                self.log()
            );
            thread::sleep(PAUSE);
        }
    }

    /// Ends the program at once, SIGKILL on Unix: it can save nothing any more.
    pub fn kill(mut self) {
        self.child
            .kill()
            .expect("the program is there to be killed");
        self.child.wait().expect("the program's state");
    }

    fn xdotool(&self, arguments: &[&str]) {
        let status = self.xdotool_command(arguments).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "xdotool {arguments:?} failed"
        );
    }

    /// What xdotool prints; nothing where it fails, as a search without a hit does.
    fn try_xdotool(&self, arguments: &[&str]) -> String {
        let output = self
            .xdotool_command(arguments)
            .output()
            .expect("xdotool runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn xdotool_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("xdotool");
        command
            .args(arguments)
            .env("DISPLAY", &self.screen.display)
            .stderr(Stdio::null());
        command
    }

    /// Makes the window fill the screen, without a frame.
    pub fn fill_screen(&self) {
        self.xdotool(&["windowactivate", "--sync", &self.window]);
        self.press("F11");
    }
}

impl Drop for App<'_> {
    fn drop(&mut self) {
        // Already ended is as good as stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
