//! One resolved point of view: where each point of the world falls on a picture of a given size.

use glam::{Mat3, Mat4, Vec2, Vec3, Vec4};

/// Distance of the eye from the centre of the unit sphere. Far enough that the sphere looks like
/// one and 79° of it are seen around the nearest point, near enough to give depth.
pub(super) const EYE_DISTANCE: f32 = 5.0;

/// Points farther from the centre than this are not drawn: the sphere has radius 1, and unit
/// vectors miss it by rounding only. As in `splat.wgsl`.
const FARTHEST: f32 = 1.01;

/// Where a point falls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Projected {
    /// Pixel position, x right, y down, from the top left corner; may lie outside the picture.
    pub pixel: Vec2,
    /// Height above the plane through the centre, towards the eye: 1 nearest, −1 farthest.
    pub depth: f32,
    /// Whether the surface does not hide it.
    pub is_in_front: bool,
    /// Size on the screen relative to a point in the plane through the centre.
    pub scale: f32,
}

/// The geometry of one picture. The image plane is shifted and scaled for pan and zoom, so the
/// silhouette of the sphere is an exact circle at all times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    /// Width and height in pixels.
    pub size_px: [u32; 2],
    /// Rotation; view has x right, y up, z towards the eye.
    pub view_from_world: Mat3,
    /// Pixel of the sphere's centre.
    pub centre_px: Vec2,
    /// Pixels per unit of tangent of the viewing angle.
    pub focal_px: f32,
}

impl View {
    /// Radius of the silhouette in pixels.
    pub fn radius_px(&self) -> f32 {
        self.focal_px / (EYE_DISTANCE * EYE_DISTANCE - 1.0).sqrt()
    }

    /// Pixels that the nearest point of the sphere moves per radian of rotation.
    pub fn px_per_rad(&self) -> f32 {
        self.focal_px / (EYE_DISTANCE - 1.0)
    }

    /// Direction from the centre of the sphere to the eye.
    pub fn towards_eye(&self) -> Vec3 {
        self.view_from_world.transpose() * Vec3::Z
    }

    /// Where the eye stands in the world.
    pub fn eye(&self) -> Vec3 {
        self.towards_eye() * EYE_DISTANCE
    }

    /// Where `world` falls, or `None` for a point that is not drawn (not finite, or far off the
    /// sphere).
    pub fn project(&self, world: Vec3) -> Option<Projected> {
        if !world.is_finite() || world.length_squared() > FARTHEST * FARTHEST {
            return None;
        }
        let view = self.view_from_world * world;
        let reach = EYE_DISTANCE - view.z;
        let squared = view.length_squared();
        Some(Projected {
            pixel: self.centre_px + Vec2::new(view.x, -view.y) * (self.focal_px / reach),
            depth: view.z,
            is_in_front: squared > 0.98 && view.z * EYE_DISTANCE > squared,
            scale: EYE_DISTANCE / reach,
        })
    }

    /// The point of the near surface at a pixel, or `None` beside the sphere.
    pub fn unproject(&self, pixel: Vec2) -> Option<Vec3> {
        let slope = (pixel - self.centre_px) / self.focal_px;
        let squared = slope.length_squared();
        let root = 1.0 - squared * (EYE_DISTANCE * EYE_DISTANCE - 1.0);
        if root.is_nan() || root < 0.0 {
            return None;
        }
        let t = (EYE_DISTANCE - root.sqrt()) / (1.0 + squared);
        let view = Vec3::new(slope.x * t, -slope.y * t, EYE_DISTANCE - t);
        Some((self.view_from_world.transpose() * view).normalize_or_zero())
    }

    /// The same projection as a matrix to clip space (wgpu: depth 0 near to 1 far).
    pub fn clip_from_world(&self) -> Mat4 {
        let [width, height] = self.size_px.map(|side| side.max(1) as f32);
        let near = EYE_DISTANCE - 1.5;
        let far = EYE_DISTANCE + 1.5;
        let shift = Vec2::new(
            2.0 * self.centre_px.x / width - 1.0,
            1.0 - 2.0 * self.centre_px.y / height,
        );
        let depth = far / (far - near);
        // Rows in terms of view coordinates, with w = EYE_DISTANCE − z.
        let x = Vec4::new(
            2.0 * self.focal_px / width,
            0.0,
            -shift.x,
            shift.x * EYE_DISTANCE,
        );
        let y = Vec4::new(
            0.0,
            2.0 * self.focal_px / height,
            -shift.y,
            shift.y * EYE_DISTANCE,
        );
        let z = Vec4::new(0.0, 0.0, -depth, depth * (EYE_DISTANCE - near));
        let w = Vec4::new(0.0, 0.0, -1.0, EYE_DISTANCE);
        let clip_from_view = Mat4::from_cols(x, y, z, w).transpose();
        clip_from_view * Mat4::from_mat3(self.view_from_world)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Camera;

    #[test]
    fn matrix_and_project_agree() {
        let mut camera = Camera::default();
        camera.orbit(Vec2::new(70.0, -33.0), [640, 480]);
        camera.pan(Vec2::new(31.0, 12.0), [640, 480]);
        camera.zoom_at(1.7, Vec2::new(100.0, 80.0), [640, 480]);
        let view = camera.view([640, 480]);
        for world in [Vec3::X, -Vec3::Y, Vec3::new(0.48, -0.6, 0.64)] {
            let clip = view.clip_from_world() * world.extend(1.0);
            let ndc = clip.truncate() / clip.w;
            let pixel = Vec2::new((ndc.x + 1.0) * 320.0, (1.0 - ndc.y) * 240.0);
            let expected = view.project(world).unwrap().pixel;
            // Coordinates of hundreds of pixels in f32: a few units of 3e-5.
            assert!(
                (pixel - expected).length() < 2e-3,
                "{pixel} against {expected}"
            );
            assert!((0.0..=1.0).contains(&ndc.z));
        }
    }

    #[test]
    fn unproject_undoes_project_in_front() {
        let view = Camera::default().view([500, 700]);
        let world = (view.towards_eye() + Vec3::new(0.2, -0.3, 0.1)).normalize();
        let projected = view.project(world).unwrap();
        assert!(projected.is_in_front);
        let back = view.unproject(projected.pixel).unwrap();
        // The ray meets the sphere at a slant, which amplifies f32 rounding a few times.
        assert!((back - world).length() < 1e-5);
        let corner = view.unproject(Vec2::ZERO);
        assert_eq!(corner, None);
    }

    #[test]
    fn what_is_not_on_the_sphere_is_not_in_front() {
        let view = Camera::default().view([100, 100]);
        assert!(!view.project(Vec3::ZERO).unwrap().is_in_front);
        assert!(!view.project(-view.towards_eye()).unwrap().is_in_front);
        assert_eq!(view.project(Vec3::splat(f32::NAN)), None);
        assert_eq!(view.project(Vec3::splat(f32::MAX)), None);
    }
}
