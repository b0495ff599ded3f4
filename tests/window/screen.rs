//! A virtual screen with a window manager, and the pictures it shows.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Width and height of the screen, in pixels.
pub const SIZE: [u32; 2] = [1600, 1000];

/// An X server without a monitor. It keeps its picture in a file, which is how we see it.
pub struct Screen {
    server: Child,
    manager: Child,
    /// The name programs find it by, such as `:99`.
    pub display: String,
    frame_file: PathBuf,
}

impl Screen {
    /// The tools it takes that are not on this machine.
    pub fn missing_tools() -> Vec<&'static str> {
        let paths: Vec<PathBuf> = env::var_os("PATH")
            .map(|path| env::split_paths(&path).collect())
            .unwrap_or_default();
        ["Xvfb", "openbox", "xdotool"]
            .into_iter()
            .filter(|tool| !paths.iter().any(|path| path.join(tool).is_file()))
            .collect()
    }

    /// Starts the server on a free display number, with its files in `folder`.
    pub fn start(folder: &Path) -> Self {
        let mut server = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-nolisten",
                "tcp",
                "-noreset",
                "-screen",
                "0",
            ])
            .arg(format!("{}x{}x24", SIZE[0], SIZE[1]))
            .arg("-fbdir")
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        let mut number = String::new();
        BufReader::new(server.stdout.take().expect("a pipe from Xvfb"))
            .read_line(&mut number)
            .expect("Xvfb says its display");
        let display = format!(":{}", number.trim());
        let manager = Command::new("openbox")
            .env("DISPLAY", &display)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openbox starts");
        Self {
            server,
            manager,
            display,
            frame_file: folder.join("Xvfb_screen0"),
        }
    }

    /// What the screen shows now.
    pub fn picture(&self) -> Picture {
        let bytes = fs::read(&self.frame_file).expect("the screen's frame file reads");
        Picture::from_xwd(&bytes).expect("the screen's frame is an X window dump")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for child in [&mut self.manager, &mut self.server] {
            // Already gone is as good as stopped.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A rectangle of pixels: left, top, width, height.
pub type Region = [u32; 4];

/// A picture of the whole screen.
pub struct Picture(image::RgbImage);

impl Picture {
    /// Reads an X window dump of 32-bit pixels, blue first: 25 big-endian words of header, of which
    /// word 0 is the header's length, 4 and 5 width and height, 12 the bytes a line and 19 the
    /// number of colour entries, 12 bytes each, before the pixels (`XWDFile.h`).
    fn from_xwd(bytes: &[u8]) -> Option<Self> {
        let word = |index: usize| {
            let field = bytes.get(index * 4..index * 4 + 4)?;
            Some(u32::from_be_bytes(field.try_into().ok()?) as usize)
        };
        let pixels = bytes.get(word(0)? + word(19)? * 12..)?;
        let (width, height, line) = (word(4)?, word(5)?, word(12)?);
        if line < width * 4 || pixels.len() < line * height {
            return None;
        }
        let image = image::RgbImage::from_fn(width as u32, height as u32, |x, y| {
            let at = y as usize * line + x as usize * 4;
            image::Rgb([pixels[at + 2], pixels[at + 1], pixels[at]])
        });
        Some(Self(image))
    }

    pub fn save(&self, file: &Path) {
        self.0.save(file).expect("a picture is written");
    }

    /// The share of a region's pixels that differ visibly from another picture's.
    pub fn change_from(&self, other: &Self, region: Region) -> f64 {
        let differing = pixels_of(region)
            .filter(|&(x, y)| {
                let pairs = self
                    .0
                    .get_pixel(x, y)
                    .0
                    .into_iter()
                    .zip(other.0.get_pixel(x, y).0);
                // Twelve of 255: above dithering and a blinking caret's soft edge, below any mark.
                pairs.map(|(a, b)| a.abs_diff(b)).max() > Some(12)
            })
            .count();
        differing as f64 / f64::from(region[2] * region[3])
    }

    /// The share of a region's pixels taken by its commonest colour: 1 when it is blank.
    pub fn blankness(&self, region: Region) -> f64 {
        let mut counts = std::collections::HashMap::new();
        for (x, y) in pixels_of(region) {
            *counts.entry(self.0.get_pixel(x, y).0).or_insert(0_u32) += 1;
        }
        let most = counts.values().copied().max().unwrap_or(0);
        f64::from(most) / f64::from(region[2] * region[3])
    }

    /// Places of a region that look like the middle of a data point, most colourful first, no two
    /// closer than 12 pixels.
    pub fn colourful_places(&self, region: Region) -> Vec<[u32; 2]> {
        let mut places: Vec<(u8, [u32; 2])> = pixels_of(region)
            .map(|(x, y)| {
                // The least colourful of a 3×3 patch, so that thin lines do not count.
                let patch = (0..9).map(|k| self.colourfulness(x + k % 3, y + k / 3));
                (patch.min().unwrap_or(0), [x + 1, y + 1])
            })
            .filter(|&(colour, _)| colour > 40)
            .collect();
        places.sort_by_key(|&(colour, _)| std::cmp::Reverse(colour));
        let mut chosen: Vec<[u32; 2]> = Vec::new();
        for (_, [x, y]) in places {
            let is_near = |other: &[u32; 2]| x.abs_diff(other[0]).max(y.abs_diff(other[1])) < 12;
            if !chosen.iter().any(is_near) {
                chosen.push([x, y]);
            }
        }
        chosen
    }

    fn colourfulness(&self, x: u32, y: u32) -> u8 {
        let channels = self.0.get_pixel(x, y).0;
        let most = channels.into_iter().max().unwrap_or(0);
        most - channels.into_iter().min().unwrap_or(0)
    }
}

fn pixels_of([left, top, width, height]: Region) -> impl Iterator<Item = (u32, u32)> {
    (top..top + height).flat_map(move |y| (left..left + width).map(move |x| (x, y)))
}
