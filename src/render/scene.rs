//! What is drawn: points with colours and flags, arcs, rings, a field on the surface.

use std::{
    any::Any,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use glam::Vec3;

use super::{RenderError, SphereRelief, colour::Rgba8};

/// A number no other state of any scene has: comparing two tells whether something changed, also
/// when one scene takes another's place.
pub(super) fn next_revision() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Where the positions of the points are.
#[derive(Clone)]
pub enum PointSource {
    /// In main memory; uploaded once.
    Host(Arc<Vec<[f32; 3]>>),
    /// In a buffer on the renderer's own device; drawn in place.
    Lease(LeasedPoints),
}

/// Positions in a buffer that somebody else fills: `count` times x, y, z as f32, tightly packed.
#[derive(Clone)]
pub struct LeasedPoints {
    /// A buffer of the device that draws, with usage `STORAGE`.
    pub buffer: wgpu::Buffer,
    /// Where the first x stands, in bytes; a multiple of 4.
    pub offset_bytes: u64,
    /// Number of points.
    pub count: usize,
    /// Whatever must live as long as the buffer is drawn (the tensor behind it).
    pub keepalive: Option<Arc<dyn Any + Send + Sync>>,
}

impl PointSource {
    /// Number of points.
    pub fn len(&self) -> usize {
        match self {
            Self::Host(points) => points.len(),
            Self::Lease(lease) => lease.count,
        }
    }

    /// Whether there is no point.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for PointSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self {
            Self::Host(_) => "Host",
            Self::Lease(_) => "Lease",
        };
        write!(f, "PointSource::{kind}({} points)", self.len())
    }
}

/// Bits of a point's flag byte.
#[derive(Clone, Copy, Debug)]
pub struct PointFlags;

impl PointFlags {
    /// Drawn larger and before its neighbours.
    pub const SELECTED: u8 = 1;
    /// Drawn faintly: something else is selected.
    pub const DIMMED: u8 = 2;
    /// Not drawn, not picked.
    pub const HIDDEN: u8 = 4;
}

/// An arc of the great circle between two points of the sphere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeodesicArc {
    /// One end.
    pub start: [f32; 3],
    /// The other end.
    pub end: [f32; 3],
    /// Colour with opacity.
    pub colour: Rgba8,
}

/// A ring around a point of the sphere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PointRing {
    /// Its centre.
    pub position: [f32; 3],
    /// Clear space between the point's disc and the ring, in points.
    pub gap_pt: f32,
    /// Width of the line in points.
    pub width_pt: f32,
    /// Colour with opacity.
    pub colour: Rgba8,
}

/// Values over the whole surface on a grid of longitude and latitude, and the ramp that shows them.
#[derive(Clone, Debug, PartialEq)]
pub struct SurfaceField {
    pub(super) size: [u32; 2],
    pub(super) values: Vec<f32>,
    pub(super) ramp: Vec<Rgba8>,
}

impl SurfaceField {
    /// Points of the sphere at which a field of `width` columns (longitude −π to π) and `height`
    /// rows (north to south) wants its values, row by row.
    pub fn directions(width: u32, height: u32) -> Vec<Vec3> {
        use std::f32::consts::{PI, TAU};
        let mut directions = Vec::with_capacity(width as usize * height as usize);
        for row in 0..height {
            let (sin_lat, cos_lat) = (PI * (0.5 - (row as f32 + 0.5) / height as f32)).sin_cos();
            for column in 0..width {
                let (sin_lon, cos_lon) =
                    (TAU * (column as f32 + 0.5) / width as f32 - PI).sin_cos();
                directions.push(Vec3::new(cos_lat * cos_lon, cos_lat * sin_lon, sin_lat));
            }
        }
        directions
    }

    /// A field of `width` × `height` values in the order of [`directions`](Self::directions),
    /// shown from 0 (clear) to their maximum (the last colour). Values that are negative or not
    /// finite count as 0.
    ///
    /// # Errors
    /// [`RenderError::Field`] when the number of values is not `width` × `height`, or a side or the
    /// ramp is empty or has more than 4096 entries.
    pub fn new(
        width: u32,
        height: u32,
        mut values: Vec<f32>,
        ramp: Vec<Rgba8>,
    ) -> Result<Self, RenderError> {
        // Within the 8192 texels a side that every adapter has, with room to spare.
        const LARGEST: usize = 4096;
        let sides = [width as usize, height as usize, ramp.len()];
        if sides.iter().any(|&side| side == 0 || side > LARGEST) {
            return Err(RenderError::Field(
                "a side or the ramp is empty or too long",
            ));
        }
        if values.len() != sides[0] * sides[1] {
            return Err(RenderError::Field(
                "there are more or fewer values than cells",
            ));
        }
        for value in &mut values {
            *value = if value.is_finite() {
                value.max(0.0)
            } else {
                0.0
            };
        }
        let largest = values.iter().copied().fold(0.0, f32::max);
        if largest > 0.0 {
            for value in &mut values {
                *value /= largest;
            }
        }
        Ok(Self {
            size: [width, height],
            values,
            ramp,
        })
    }
}

/// Which parts of a scene are in which state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Revisions {
    pub points: u64,
    pub colours: u64,
    pub flags: u64,
    pub arcs: u64,
    pub rings: u64,
    pub field: u64,
    pub relief: u64,
}

/// Everything that is drawn on and around the sphere. Setting a part marks only that part for
/// upload, so that a new selection costs one byte a point.
#[derive(Clone, Debug)]
pub struct SphereScene {
    pub(super) points: PointSource,
    pub(super) colours: Arc<Vec<Rgba8>>,
    pub(super) flags: Arc<Vec<u8>>,
    pub(super) arcs: Vec<GeodesicArc>,
    pub(super) rings: Vec<PointRing>,
    pub(super) field: Option<Arc<SurfaceField>>,
    pub(super) relief: Option<Arc<SphereRelief>>,
    pub(super) revisions: Revisions,
}

impl Default for SphereScene {
    /// The bare sphere.
    fn default() -> Self {
        Self::new(PointSource::Host(Arc::default()), Arc::default())
    }
}

impl SphereScene {
    /// Points and their colours, one each; the opacity in a point's colour is not used.
    pub fn new(points: PointSource, colours: Arc<Vec<Rgba8>>) -> Self {
        let revision = next_revision();
        Self {
            points,
            colours,
            flags: Arc::default(),
            arcs: Vec::new(),
            rings: Vec::new(),
            field: None,
            relief: None,
            revisions: Revisions {
                points: revision,
                colours: revision,
                flags: revision,
                arcs: revision,
                rings: revision,
                field: revision,
                relief: revision,
            },
        }
    }

    /// Number of points.
    pub fn point_count(&self) -> usize {
        self.points.len()
    }

    /// The arcs in the scene.
    pub fn arcs(&self) -> &[GeodesicArc] {
        &self.arcs
    }

    /// Other points (with as many colours and flags to follow if their number changed).
    pub fn set_points(&mut self, points: PointSource) {
        self.points = points;
        self.revisions.points = next_revision();
    }

    /// Other colours, one a point.
    pub fn set_colours(&mut self, colours: Arc<Vec<Rgba8>>) {
        self.colours = colours;
        self.revisions.colours = next_revision();
    }

    /// Other flags ([`PointFlags`]), one byte a point, or none for all plain.
    pub fn set_flags(&mut self, flags: Arc<Vec<u8>>) {
        self.flags = flags;
        self.revisions.flags = next_revision();
    }

    /// Other arcs. Arcs with an end that is zero or not finite are left out.
    pub fn set_arcs(&mut self, arcs: Vec<GeodesicArc>) {
        self.arcs = arcs;
        self.arcs
            .retain(|arc| is_direction(arc.start) && is_direction(arc.end));
        self.revisions.arcs = next_revision();
    }

    /// Other rings. Rings at positions that are not finite are left out.
    pub fn set_rings(&mut self, mut rings: Vec<PointRing>) {
        rings.retain(|ring| is_direction(ring.position));
        if rings != self.rings {
            self.rings = rings;
            self.revisions.rings = next_revision();
        }
    }

    /// Another field on the surface, or none.
    pub fn set_field(&mut self, field: Option<Arc<SurfaceField>>) {
        self.field = field;
        self.revisions.field = next_revision();
    }

    /// Another relief in the place of the near surface, or none.
    pub fn set_relief(&mut self, relief: Option<Arc<SphereRelief>>) {
        self.relief = relief;
        self.revisions.relief = next_revision();
    }
}

fn is_direction(position: [f32; 3]) -> bool {
    let squared = Vec3::from_array(position).length_squared();
    squared.is_finite() && squared > 1e-12
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_checked_and_scaled() {
        let ramp = vec![[0, 0, 0, 255], [255, 255, 255, 255]];
        let field = SurfaceField::new(2, 1, vec![f32::NAN, 4.0], ramp.clone()).unwrap();
        assert_eq!(field.values, [0.0, 1.0]);
        assert!(SurfaceField::new(2, 2, vec![0.0; 3], ramp.clone()).is_err());
        assert!(SurfaceField::new(0, 2, vec![], ramp).is_err());
        assert!(SurfaceField::new(1, 1, vec![1.0], vec![]).is_err());
    }

    #[test]
    fn directions_cover_the_sphere() {
        let directions = SurfaceField::directions(8, 4);
        assert_eq!(directions.len(), 32);
        assert!(directions.iter().all(|direction| direction.is_normalized()));
        // First column lies half a cell east of −π, first row half a cell south of the pole.
        assert!(directions[0].z > 0.9 && directions[0].x < 0.0 && directions[0].y < 0.0);
    }

    #[test]
    fn only_what_is_set_changes() {
        let mut scene = SphereScene::default();
        let before = scene.revisions;
        scene.set_rings(Vec::new());
        assert_eq!(scene.revisions, before, "the same rings are no change");
        scene.set_flags(Arc::new(vec![]));
        assert_ne!(scene.revisions.flags, before.flags);
        assert_eq!(scene.revisions.points, before.points);
        let arc = GeodesicArc {
            start: [0.0; 3],
            end: [1.0, 0.0, 0.0],
            colour: [255; 4],
        };
        scene.set_arcs(vec![arc]);
        assert!(scene.arcs().is_empty(), "zero is no direction");
    }
}
