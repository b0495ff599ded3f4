//! Pixels and buffers back from the device.

use std::{path::Path, sync::mpsc, time::Duration};

use super::{RenderError, pipelines::guarded};

/// Longer than any picture takes, also on software Vulkan behind a queue of other work.
const PATIENCE: Duration = Duration::from_mins(1);

/// A picture in main memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Red, green, blue, opacity (straight), row by row from the top, without padding.
    pub rgba: Vec<u8>,
}

impl Picture {
    /// The pixel at column `x` and row `y`, or `None` outside.
    pub fn pixel(&self, x: u32, y: u32) -> Option<[u8; 4]> {
        if x >= self.width || y >= self.height {
            return None;
        }
        let first = (y as usize * self.width as usize + x as usize) * 4;
        self.rgba.get(first..first + 4)?.try_into().ok()
    }

    /// The picture as a PNG file's bytes.
    ///
    /// # Errors
    /// [`RenderError::Encode`] when the encoder objects.
    pub fn png(&self) -> Result<Vec<u8>, RenderError> {
        use image::ImageEncoder as _;
        let mut bytes = Vec::new();
        image::codecs::png::PngEncoder::new(&mut bytes)
            .write_image(
                &self.rgba,
                self.width,
                self.height,
                image::ExtendedColorType::Rgba8,
            )
            .map_err(|error| RenderError::Encode(error.to_string()))?;
        Ok(bytes)
    }

    /// Stores the picture as a PNG file.
    ///
    /// # Errors
    /// [`RenderError::Encode`] when the file cannot be written.
    pub fn save_png(&self, path: &Path) -> Result<(), RenderError> {
        std::fs::write(path, self.png()?)
            .map_err(|error| RenderError::Encode(format!("{}: {error}", path.display())))
    }
}

/// Waits for everything submitted so far.
pub(super) fn wait(device: &wgpu::Device) -> Result<(), RenderError> {
    let poll = wgpu::PollType::Wait {
        submission_index: None,
        timeout: Some(PATIENCE),
    };
    device
        .poll(poll)
        .map(|_| ())
        .map_err(|error| RenderError::ReadBack(error.to_string()))
}

/// A buffer that receives a copy and can be mapped.
pub(super) fn staging(device: &wgpu::Device, size: u64) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("sphere read-back"),
        size,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// Asks for the whole of a [`staging`] buffer; the answer comes through the channel when the device
/// is polled.
pub(super) fn request(buffer: &wgpu::Buffer) -> mpsc::Receiver<Result<(), wgpu::BufferAsyncError>> {
    let (answer, arrival) = mpsc::sync_channel(1);
    buffer.map_async(wgpu::MapMode::Read, .., move |result| {
        // The asker may have gone; then nobody minds.
        answer.try_send(result).ok();
    });
    arrival
}

/// The texture's pixels, with the padding of rows removed and the opacity un-multiplied.
pub(super) fn picture(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    texture: &wgpu::Texture,
) -> Result<Picture, RenderError> {
    let (width, height) = (texture.width(), texture.height());
    let row = width as usize * 4;
    let padded_row = row.next_multiple_of(wgpu::COPY_BYTES_PER_ROW_ALIGNMENT as usize);
    let buffer = guarded(device, "the read-back of the picture", || {
        let buffer = staging(device, padded_row as u64 * u64::from(height));
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        encoder.copy_texture_to_buffer(
            texture.as_image_copy(),
            wgpu::TexelCopyBufferInfo {
                buffer: &buffer,
                layout: wgpu::TexelCopyBufferLayout {
                    offset: 0,
                    bytes_per_row: Some(padded_row as u32),
                    rows_per_image: None,
                },
            },
            texture.size(),
        );
        queue.submit([encoder.finish()]);
        buffer
    })?;
    let bytes = read_now(device, &buffer)?;
    let mut rgba = Vec::with_capacity(row * height as usize);
    for padded in bytes.chunks_exact(padded_row) {
        rgba.extend_from_slice(&padded[..row]);
    }
    rgba.chunks_exact_mut(4).for_each(unmultiply);
    Ok(Picture {
        width,
        height,
        rgba,
    })
}

/// Maps a [`staging`] buffer, waiting for it, and copies it out.
fn read_now(device: &wgpu::Device, buffer: &wgpu::Buffer) -> Result<Vec<u8>, RenderError> {
    let arrival = request(buffer);
    wait(device)?;
    let answer = arrival
        .recv_timeout(PATIENCE)
        .map_err(|error| RenderError::ReadBack(error.to_string()))?;
    answer.map_err(|error| RenderError::ReadBack(error.to_string()))?;
    mapped(buffer)
}

/// Copies a mapped buffer out and unmaps it.
pub(super) fn mapped(buffer: &wgpu::Buffer) -> Result<Vec<u8>, RenderError> {
    let bytes = buffer
        .get_mapped_range(..)
        .map(|view| view.to_vec())
        .map_err(|error| RenderError::ReadBack(error.to_string()));
    buffer.unmap();
    bytes
}

fn unmultiply(pixel: &mut [u8]) {
    let [red, green, blue, opacity] = pixel else {
        return;
    };
    if *opacity == 0 || *opacity == 255 {
        return;
    }
    for value in [red, green, blue] {
        let straight = (u32::from(*value) * 255 + u32::from(*opacity) / 2) / u32::from(*opacity);
        *value = straight.min(255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opacity_is_taken_out() {
        let mut pixel = [64, 128, 0, 128];
        unmultiply(&mut pixel);
        assert_eq!(pixel, [128, 255, 0, 128]);
    }

    #[test]
    fn a_picture_survives_png() {
        let picture = Picture {
            width: 2,
            height: 1,
            rgba: vec![1, 2, 3, 255, 4, 5, 6, 0],
        };
        let decoded = image::load_from_memory(&picture.png().unwrap())
            .unwrap()
            .into_rgba8();
        assert_eq!(decoded.into_raw(), picture.rgba);
        assert_eq!(picture.pixel(1, 0), Some([4, 5, 6, 0]));
        assert_eq!(picture.pixel(2, 0), None);
    }
}
