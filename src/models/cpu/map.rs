//! Maps in the layout of the fast path, and the buffers they live in.
//!
//! Channels are cut into blocks of sixteen, the width of the widest vector register: a map is
//! `[block][image][row][column]` of [`Pixel`]s, each sixteen channels of one location. Every image
//! carries a border of one zero pixel, so that a 3×3 convolution needs no special case at an edge;
//! a block of all images is contiguous, so that threads write separate slices.

use std::sync::{Mutex, PoisonError};

/// Channels in a pixel.
pub(super) const LANES: usize = 16;

/// Zero pixels around every image.
pub(super) const BORDER: usize = 1;

/// Sixteen channels of one location, aligned to a cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(super) struct Pixel(pub [f32; LANES]);

impl Pixel {
    pub const ZERO: Self = Self([0.0; LANES]);
}

/// The extent of a map without its border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MapShape {
    pub images: usize,
    pub channels: usize,
    pub height: usize,
    pub width: usize,
}

impl MapShape {
    /// Blocks of channels; the last is filled up with channels of zeros.
    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Pixels from one row to the next.
    pub fn row(&self) -> usize {
        self.width + 2 * BORDER
    }

    /// Pixels from one image to the next.
    pub fn image(&self) -> usize {
        (self.height + 2 * BORDER) * self.row()
    }

    /// Pixels from one block to the next.
    pub fn plane(&self) -> usize {
        self.images * self.image()
    }

    /// Memory of the map.
    pub fn bytes(&self) -> usize {
        self.blocks() * self.plane() * size_of::<Pixel>()
    }

    /// Rows of all images together.
    pub fn rows(&self) -> usize {
        self.images * self.height
    }

    /// Where the pixels of a row of all images begin in a plane, border skipped.
    pub fn row_start(&self, row: usize) -> usize {
        let (image, y) = (row / self.height, row % self.height);
        image * self.image() + (y + BORDER) * self.row() + BORDER
    }

    /// Sets the border of one plane to zero; its inside is written by whoever fills the map.
    pub fn clear_border(&self, plane: &mut [Pixel]) {
        for image in plane.chunks_exact_mut(self.image()) {
            for (y, row) in image.chunks_exact_mut(self.row()).enumerate() {
                if y < BORDER || y >= self.height + BORDER {
                    row.fill(Pixel::ZERO);
                } else {
                    row[..BORDER].fill(Pixel::ZERO);
                    row[self.width + BORDER..].fill(Pixel::ZERO);
                }
            }
        }
    }
}

/// A map of some images.
#[derive(Debug)]
pub(super) struct Map {
    pub shape: MapShape,
    pub pixels: Vec<Pixel>,
}

impl Map {
    /// Reads image after image from `[channels][rows][columns]`, the layout of tensors; the border
    /// and channels that fill up the last block become zeros.
    pub fn read_images(&mut self, from: &[f32]) {
        let shape = self.shape;
        let area = shape.height * shape.width;
        self.pixels.fill(Pixel::ZERO);
        for (image, values) in from.chunks_exact(shape.channels * area).enumerate() {
            for (channel, values) in values.chunks_exact(area).enumerate() {
                let plane = channel / LANES * shape.plane();
                let lane = channel % LANES;
                for (y, values) in values.chunks_exact(shape.width).enumerate() {
                    let start = plane + shape.row_start(image * shape.height + y);
                    for (pixel, value) in self.pixels[start..].iter_mut().zip(values) {
                        pixel.0[lane] = *value;
                    }
                }
            }
        }
    }

    /// Writes image after image as `[channels][rows][columns]`, the layout of tensors.
    pub fn write_images(&self, into: &mut [f32]) {
        let shape = &self.shape;
        let area = shape.height * shape.width;
        for (image, values) in into.chunks_exact_mut(shape.channels * area).enumerate() {
            for (channel, values) in values.chunks_exact_mut(area).enumerate() {
                let plane = &self.pixels[channel / LANES * shape.plane()..][..shape.plane()];
                let lane = channel % LANES;
                for (y, values) in values.chunks_exact_mut(shape.width).enumerate() {
                    let start = shape.row_start(image * shape.height + y);
                    for (value, pixel) in values.iter_mut().zip(&plane[start..]) {
                        *value = pixel.0[lane];
                    }
                }
            }
        }
    }
}

/// Buffers that one group of images uses one after the other, so that the operating system's
/// pages are touched once and not for every layer.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    free: Vec<Vec<Pixel>>,
    /// The padded input images.
    pub input: Vec<f32>,
    /// Further ones that wait for use.
    pub values: Vec<Vec<f32>>,
}

impl Buffers {
    /// A map whose pixels have arbitrary values.
    pub fn map(&mut self, shape: MapShape) -> Map {
        let pixels = self.pixels(shape.blocks() * shape.plane());
        Map { shape, pixels }
    }

    /// Pixels of arbitrary values.
    pub fn pixels(&mut self, len: usize) -> Vec<Pixel> {
        let best = self
            .free
            .iter()
            .enumerate()
            .filter(|(_, buffer)| buffer.capacity() >= len)
            .min_by_key(|(_, buffer)| buffer.capacity())
            .map(|(index, _)| index);
        let mut pixels = match best {
            Some(index) => self.free.swap_remove(index),
            None => Vec::with_capacity(len),
        };
        pixels.resize(len, Pixel::ZERO);
        pixels
    }

    /// Memory of the maps that wait for use.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        let count: usize = self.free.iter().map(Vec::capacity).sum();
        count * size_of::<Pixel>()
    }

    /// Gives a map's buffer back.
    pub fn recycle(&mut self, map: Map) {
        self.give_back(map.pixels);
    }

    /// Gives pixels back.
    pub fn give_back(&mut self, pixels: Vec<Pixel>) {
        self.free.push(pixels);
    }
}

/// Buffers kept between forward passes.
#[derive(Debug, Default)]
pub(super) struct BufferPool(Mutex<Vec<Buffers>>);

impl BufferPool {
    pub fn take(&self) -> Buffers {
        self.lock().pop().unwrap_or_default()
    }

    pub fn give_back(&self, buffers: Buffers) {
        self.lock().push(buffers);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Buffers>> {
        // A panic elsewhere cannot leave a list of buffers in a bad state.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
