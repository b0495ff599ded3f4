//! Which point is drawn at which pixel: the buffer of keys, read back once a picture.

use std::sync::mpsc;

use super::{RenderError, pipelines::guarded, readback, targets::Targets};

/// As in `frame.wgsl`: the rank stands in the highest three bits, 4 and more are in front.
const RANK_SHIFT: u32 = 32 - 3;
const FIRST_FRONT_RANK: u32 = 4;

/// Answer to "which point is here".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The picture's map of points is on its way; ask again in the next frame.
    Pending,
    /// No point is drawn here.
    Nothing,
    /// The point with this index is.
    Point(u32),
}

/// Which side of the sphere counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Side {
    /// Only what the surface does not hide.
    #[default]
    Front,
    /// Also what is seen through it.
    Both,
}

type Arrival = mpsc::Receiver<Result<(), wgpu::BufferAsyncError>>;

/// The keys of one picture in main memory, and a copy under way.
#[derive(Default)]
pub(super) struct IdMap {
    ready: Option<Keys>,
    coming: Option<Coming>,
}

struct Keys {
    picture: u64,
    width: usize,
    /// Keys, one a pixel, and the count of points that cannot be drawn.
    words: Vec<u32>,
}

struct Coming {
    picture: u64,
    width: usize,
    buffer: wgpu::Buffer,
    arrival: Arrival,
}

impl IdMap {
    /// Takes what has arrived, asks for what is missing, and tells whether the map of `picture` is
    /// here. Never waits.
    pub fn refresh(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        targets: &Targets,
        picture: u64,
    ) -> Result<bool, RenderError> {
        if self.coming.is_some() {
            device
                .poll(wgpu::PollType::Poll)
                .map_err(|error| RenderError::ReadBack(error.to_string()))?;
            self.receive()?;
        }
        if self
            .ready
            .as_ref()
            .is_some_and(|keys| keys.picture == picture)
        {
            return Ok(true);
        }
        if self.coming.is_none() {
            self.coming = Some(ask(device, queue, targets, picture)?);
        }
        Ok(false)
    }

    fn receive(&mut self) -> Result<(), RenderError> {
        let Some(coming) = &self.coming else {
            return Ok(());
        };
        let answer = match coming.arrival.try_recv() {
            Err(mpsc::TryRecvError::Empty) => return Ok(()),
            Err(mpsc::TryRecvError::Disconnected) => Err("the device dropped the request".into()),
            Ok(answer) => answer.map_err(|error| error.to_string()),
        };
        // Whatever the answer is, this request is over.
        if let Some(coming) = self.coming.take() {
            answer.map_err(RenderError::ReadBack)?;
            let bytes = readback::mapped(&coming.buffer)?;
            self.ready = Some(Keys {
                picture: coming.picture,
                width: coming.width,
                words: bytes
                    .chunks_exact(4)
                    .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
                    .collect(),
            });
        }
        Ok(())
    }

    /// The point drawn at `pixel`, or the nearest drawn within `tolerance_px`. The map must be here.
    pub fn nearest(&self, pixel: [f32; 2], tolerance_px: f32, side: Side, id_bits: u32) -> Pick {
        let Some(keys) = &self.ready else {
            return Pick::Nothing;
        };
        keys.nearest(pixel, tolerance_px, side)
            .map_or(Pick::Nothing, |key| Pick::Point(key & ((1 << id_bits) - 1)))
    }

    /// Points of `picture` that cannot be drawn, if its map is here.
    pub fn undrawable_count(&self, picture: u64) -> Option<u32> {
        let keys = self.ready.as_ref().filter(|keys| keys.picture == picture)?;
        keys.words.last().copied()
    }
}

fn ask(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    targets: &Targets,
    picture: u64,
) -> Result<Coming, RenderError> {
    guarded(device, "the read-back of the points", || {
        let buffer = readback::staging(device, targets.keys.size());
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(&targets.keys, 0, &buffer, 0, targets.keys.size());
        queue.submit([encoder.finish()]);
        Coming {
            picture,
            width: targets.size_px[0] as usize,
            arrival: readback::request(&buffer),
            buffer,
        }
    })
}

impl Keys {
    /// The key at the pixel, else of the nearest pixel that has one (of equally near ones the
    /// foremost).
    fn nearest(&self, [x, y]: [f32; 2], tolerance_px: f32, side: Side) -> Option<u32> {
        if !(x.is_finite() && y.is_finite() && tolerance_px.is_finite()) {
            return None;
        }
        let height = (self.words.len() - 1) / self.width;
        let tolerance = tolerance_px.clamp(0.0, 64.0);
        let counts = |key: u32| match side {
            Side::Front => key >> RANK_SHIFT >= FIRST_FRONT_RANK,
            Side::Both => key != 0,
        };
        let range = |centre: f32, limit: usize| {
            let low = (centre - tolerance).floor().max(0.0) as usize;
            let high = (centre + tolerance).floor();
            low..if high < 0.0 {
                0
            } else {
                (high as usize).saturating_add(1).min(limit)
            }
        };
        let mut best: Option<(f32, u32)> = None;
        for row in range(y, height) {
            for column in range(x, self.width) {
                let key = self.words[row * self.width + column];
                if !counts(key) {
                    continue;
                }
                // Distance to the pixel's square: zero inside it.
                let dx = (x - column as f32 - 0.5).abs().max(0.5) - 0.5;
                let dy = (y - row as f32 - 0.5).abs().max(0.5) - 0.5;
                let distance = dx.hypot(dy);
                let is_better = best.is_none_or(|(least, foremost)| {
                    distance < least || (distance == least && key > foremost)
                });
                if distance <= tolerance && is_better {
                    best = Some((distance, key));
                }
            }
        }
        best.map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map() -> Keys {
        let front = FIRST_FRONT_RANK << RANK_SHIFT;
        Keys {
            picture: 0,
            width: 3,
            words: vec![0, 0, front | 7, 0, 0, 0, (1 << RANK_SHIFT) | 5, 0, 0, 0],
        }
    }

    #[test]
    fn nearest_pixel_and_side() {
        let map = map();
        let id = |key: Option<u32>| key.map(|key| key & 7);
        assert_eq!(id(map.nearest([2.5, 0.5], 0.0, Side::Front)), Some(7));
        assert_eq!(id(map.nearest([1.9, 0.5], 0.0, Side::Front)), None);
        assert_eq!(id(map.nearest([1.9, 0.5], 0.2, Side::Front)), Some(7));
        assert_eq!(id(map.nearest([0.5, 2.5], 0.0, Side::Front)), None);
        assert_eq!(id(map.nearest([0.5, 2.5], 0.0, Side::Both)), Some(5));
    }

    #[test]
    fn positions_off_the_picture_are_safe() {
        let map = map();
        for x in [f32::NAN, f32::NEG_INFINITY, -5.0, 99.0, f32::INFINITY] {
            assert_eq!(map.nearest([x, x], 1.0, Side::Both), None);
        }
    }
}
