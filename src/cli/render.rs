//! `spherescope render`: a view as a picture.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};

use super::{
    args::{RequestArgs, watched},
    headless, output,
};
use crate::{
    analysis::{Analysis, Cache, diagnose},
    app::figure::{FigureTheme, FigureView, Painter},
    compute::DevicePolicy,
};

/// Flags of `render`.
#[derive(Debug, clap::Args)]
pub struct RenderArgs {
    #[command(flatten)]
    request: RequestArgs,
    /// PNG file to write.
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Which view: sphere, circle, pairs, plane, potential, potential-circle, potential-relief or
    /// verdict (tall: about 1000x2900 holds all of it).
    #[arg(long, value_enum, default_value_t = FigureView::Sphere)]
    view: FigureView,
    /// Size in pixels.
    #[arg(long, value_name = "WxH", default_value = "1200x1200", value_parser = size)]
    size: [u32; 2],
    /// Background and inks.
    #[arg(long, value_enum, default_value_t = FigureTheme::Light)]
    theme: FigureTheme,
}

/// Runs `render`.
///
/// # Errors
/// With the message for the user.
pub fn run(args: &RenderArgs, policy: DevicePolicy) -> anyhow::Result<()> {
    check_png(&args.output)?;
    let compute = headless(policy)?;
    let painter = Painter::new(&compute, args.theme)?;
    let analysis = args.request.analyse(&compute, false)?;
    let png = if args.view == FigureView::Verdict {
        let verdict = watched(|progress| {
            let cache = &mut Cache::headless();
            let request = &analysis.request;
            diagnose(request, Some(&analysis), &compute, cache, progress)
        })?;
        png(&painter.paint_verdict(&analysis, Arc::new(verdict), args.size)?)?
    } else {
        draw(&painter, &analysis, args.view, args.size)?
    };
    output::write_whole(&args.output, |file| {
        std::io::Write::write_all(file, &png)?;
        Ok(())
    })?;
    output::print_line(&format!(
        "{}: {} view, {}×{} px",
        args.output.display(),
        args.view.name(),
        args.size[0],
        args.size[1]
    ))
}

/// Refuses a name that no picture can be written to, before anything is computed.
pub(super) fn check_png(path: &Path) -> anyhow::Result<()> {
    if !(path.extension()).is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
        bail!(
            "{}: pictures are written as PNG, so the name must end in .png",
            path.display()
        );
    }
    if let Some(folder) = path.parent()
        && !folder.as_os_str().is_empty()
        && !folder.is_dir()
    {
        bail!("there is no folder {}", folder.display());
    }
    Ok(())
}

/// One view as the bytes of a PNG file.
pub(super) fn draw(
    painter: &Painter,
    analysis: &Analysis,
    view: FigureView,
    size: [u32; 2],
) -> anyhow::Result<Vec<u8>> {
    let picture = painter
        .paint(analysis, view, size)
        .with_context(|| format!("cannot draw the {} view", view.name()))?;
    png(&picture)
}

/// A picture as the bytes of a PNG file.
pub(super) fn png(picture: &image::RgbaImage) -> anyhow::Result<Vec<u8>> {
    let mut png = std::io::Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png)?;
    Ok(png.into_inner())
}

pub(super) fn size(text: &str) -> Result<[u32; 2], String> {
    let parse = || -> Option<[u32; 2]> {
        let (width, height) = text.split_once(['x', '×'])?;
        Some([width.parse().ok()?, height.parse().ok()?])
    };
    match parse() {
        Some(size) if size.iter().all(|side| (16..=8192).contains(side)) => Ok(size),
        Some(_) => Err("each side must be from 16 to 8192 pixels".into()),
        None => Err(format!("'{text}' is not WIDTHxHEIGHT, such as 1200x800")),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_read_and_bounded() {
        assert_eq!(size("1200x800"), Ok([1200, 800]));
        assert!(size("1200").is_err());
        assert!(size("0x10").unwrap_err().contains("16"));
        assert!(size("99999x10").is_err());
    }
}
