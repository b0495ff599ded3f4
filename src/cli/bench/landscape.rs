//! Points of a slice of weight space.

use super::{Prepared, Setting};
use crate::{
    analysis::{Subject, demo_request},
    landscape::{Quantity, Slice, SliceSettings, SliceSubject},
    progress::Progress,
};

/// Points a side.
const SIDE: usize = 5;

/// A coarse slice around the demo's encoder, on two views of 256 images; the views are made before.
pub fn slice(setting: &Setting) -> anyhow::Result<Prepared> {
    let settings = SliceSettings {
        side: SIDE,
        ..SliceSettings::default()
    };
    let request = settings.limited(&demo_request());
    let none = Progress::none();
    let subject = Subject::open(&request, &none)?;
    let subject = SliceSubject::new(&request, subject, &settings, &[], setting.compute, &none)?;
    Ok(Prepared {
        run: Box::new(move || {
            let mut slice = Slice::new(&subject, &settings)?;
            slice.fill(&subject, &Progress::none(), |_| {})?;
            Ok(slice.surface(Quantity::Sum).iter().sum())
        }),
        items: (SIDE * SIDE) as u64,
        unit: "points",
    })
}
