//! `spherescope features`: vectors for other programs.

use std::{
    collections::HashMap,
    io::{Seek, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use npyz::WriterBuilder;
use safetensors::tensor::{Dtype, TensorView};

use super::{args::RequestArgs, headless, output};
use crate::{
    analysis::{Embedding, Request},
    compute::{Compute, DevicePolicy},
};

/// Flags of `features`.
#[derive(Debug, clap::Args)]
pub struct FeaturesArgs {
    #[command(flatten)]
    request: RequestArgs,
    /// File to write: .npz or .safetensors.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// What a file may be.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Npz,
    Safetensors,
}

impl Format {
    fn of(path: &Path) -> anyhow::Result<Self> {
        match path.extension().and_then(|e| e.to_str()) {
            Some("npz") => Ok(Self::Npz),
            Some("safetensors") => Ok(Self::Safetensors),
            _ => bail!(
                "{}: the name must end in .npz or .safetensors",
                path.display()
            ),
        }
    }
}

/// Runs `features`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &FeaturesArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    let format = Format::of(&args.output)?;
    let compute = headless(policy)?;
    let (request, embedding) = args.request.embed(&compute)?;
    let columns = Columns::new(&request, &embedding, &compute)?;
    output::write_whole(&args.output, |file| match format {
        Format::Npz => columns.write_npz(file),
        Format::Safetensors => columns.write_safetensors(file),
    })?;
    output::print_line(&format!(
        "{}: {} vectors of {} numbers",
        args.output.display(),
        columns.rows,
        columns.dim
    ))
}

/// The columns of an export.
struct Columns<'a> {
    values: &'a [f32],
    rows: usize,
    dim: usize,
    images: &'a [u32],
    /// −1 where an image has no label.
    labels: Vec<i64>,
    /// Row and column of each vector's cell; empty for vectors of whole images.
    cells: Vec<u32>,
    names: String,
    classes: String,
    provenance: String,
}

impl<'a> Columns<'a> {
    fn new(request: &Request, embedding: &'a Embedding, compute: &Compute) -> anyhow::Result<Self> {
        let features = &embedding.extraction.features;
        let images = &embedding.images;
        let records = images.records();
        let names: Vec<&str> = records.iter().map(|record| record.name.as_str()).collect();
        Ok(Self {
            values: &features.values,
            rows: features.len(),
            dim: features.dim,
            images: &features.images,
            labels: features
                .images
                .iter()
                .map(|&image| records[image as usize].label.map_or(-1, i64::from))
                .collect(),
            cells: features
                .cells
                .iter()
                .flatten()
                .flat_map(|cell| cell.map(u32::from))
                .collect(),
            names: serde_json::to_string(&names)?,
            classes: serde_json::to_string(images.classes())?,
            provenance: serde_json::to_string(&serde_json::json!({
                "spherescope": env!("CARGO_PKG_VERSION"),
                "request": request,
                "device": compute.report(),
                "provenance": features.provenance,
                "skipped_images": images.skipped(),
                "key_report": embedding.loaded.report.summary(),
            }))?,
        })
    }

    /// Arrays `features [n, d]`, `image [n]`, `label [n]`, `cell [n, 2]` (dense only), and the
    /// UTF-8 bytes of JSON texts: `names` and `classes` (lists) and `provenance`.
    fn write_npz<W: Write + Seek>(&self, file: &mut W) -> anyhow::Result<()> {
        let mut npz = npyz::npz::NpzWriter::new(file);
        let rows = self.rows as u64;
        write_array(&mut npz, "features", &[rows, self.dim as u64], self.values)?;
        write_array(&mut npz, "image", &[rows], self.images)?;
        write_array(&mut npz, "label", &[rows], &self.labels)?;
        if !self.cells.is_empty() {
            write_array(&mut npz, "cell", &[rows, 2], &self.cells)?;
        }
        for (name, text) in [
            ("names", &self.names),
            ("classes", &self.classes),
            ("provenance", &self.provenance),
        ] {
            write_array(&mut npz, name, &[text.len() as u64], text.as_bytes())?;
        }
        Ok(())
    }

    /// The same arrays as tensors; the JSON texts are in the file's metadata.
    fn write_safetensors<W: Write>(&self, file: &mut W) -> anyhow::Result<()> {
        let images = bytemuck::cast_slice(self.images);
        let cells = bytemuck::cast_slice(&self.cells);
        let mut tensors = vec![
            (
                "features",
                TensorView::new(
                    Dtype::F32,
                    vec![self.rows, self.dim],
                    bytemuck::cast_slice(self.values),
                )?,
            ),
            (
                "image",
                TensorView::new(Dtype::U32, vec![self.rows], images)?,
            ),
            (
                "label",
                TensorView::new(
                    Dtype::I64,
                    vec![self.rows],
                    bytemuck::cast_slice(&self.labels),
                )?,
            ),
        ];
        if !self.cells.is_empty() {
            tensors.push((
                "cell",
                TensorView::new(Dtype::U32, vec![self.rows, 2], cells)?,
            ));
        }
        let metadata = HashMap::from([
            ("names".to_owned(), self.names.clone()),
            ("classes".to_owned(), self.classes.clone()),
            ("provenance".to_owned(), self.provenance.clone()),
        ]);
        let bytes = safetensors::serialize(tensors, Some(metadata))
            .context("the features do not fit a safetensors file")?;
        file.write_all(&bytes)?;
        Ok(())
    }
}

pub(super) fn write_array<W: Write + Seek, T: npyz::AutoSerialize + Copy>(
    npz: &mut npyz::npz::NpzWriter<W>,
    name: &str,
    shape: &[u64],
    values: &[T],
) -> anyhow::Result<()> {
    let mut writer = npz
        .array(
            name,
            npyz::zip::write::FileOptions::default().large_file(true),
        )?
        .default_dtype()
        .shape(shape)
        .begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()?;
    Ok(())
}
