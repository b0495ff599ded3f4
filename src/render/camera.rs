//! The camera around the sphere: a turntable with shift and zoom of the image.

use std::f32::consts::{FRAC_PI_2, PI, TAU};

use glam::{Mat3, Vec2, Vec3};

use super::view::{EYE_DISTANCE, View};

/// Diameter of the sphere as a fraction of the picture's shorter side at zoom 1.
const FITTED: f32 = 0.9;
const ZOOM_RANGE: (f32, f32) = (0.25, 60.0);
/// Zoom that focusing on a point goes to at least.
const FOCUS_ZOOM: f32 = 1.8;
/// How fast an animated move closes in on its target, per second.
const EASE_PER_S: f32 = 11.0;

/// Angles, zoom and shift: everything that an animated move changes.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Pose {
    yaw_rad: f32,
    pitch_rad: f32,
    zoom: f32,
    /// Shift of the centre in half shorter sides of the picture, x right, y down.
    shift: Vec2,
}

impl Pose {
    /// Beside world x, the first principal axis: most points face the eye, and the curve of the
    /// sphere still shows.
    const HOME: Self = Self {
        yaw_rad: 0.25,
        pitch_rad: 0.25,
        zoom: 1.0,
        shift: Vec2::ZERO,
    };
}

/// Looks at the unit sphere. The polar axis (world z) stays upright on the screen, so the
/// graticule never tumbles; the rotation is built from two angles and is orthonormal always.
#[derive(Clone, Debug, PartialEq)]
pub struct Camera {
    pose: Pose,
    target: Option<Pose>,
}

impl Default for Camera {
    fn default() -> Self {
        Self {
            pose: Pose::HOME,
            target: None,
        }
    }
}

fn half_side_px(size_px: [u32; 2]) -> f32 {
    0.5 * size_px[0].min(size_px[1]).max(1) as f32
}

impl Camera {
    /// A camera whose eye stands over longitude `yaw_rad` and latitude `pitch_rad`.
    pub fn looking_from(yaw_rad: f32, pitch_rad: f32) -> Self {
        let mut camera = Self::default();
        if yaw_rad.is_finite() && pitch_rad.is_finite() {
            camera.pose.yaw_rad = yaw_rad;
            camera.pose.pitch_rad = pitch_rad;
            camera.constrain();
        }
        camera
    }

    /// Longitude and latitude under the eye, in radians.
    pub fn angles_rad(&self) -> [f32; 2] {
        [self.pose.yaw_rad, self.pose.pitch_rad]
    }

    /// Magnification relative to the fitted sphere.
    pub fn zoom(&self) -> f32 {
        self.pose.zoom
    }

    /// Rotation from world to view (x right, y up, z towards the eye).
    pub fn view_from_world(&self) -> Mat3 {
        let (sin_yaw, cos_yaw) = self.pose.yaw_rad.sin_cos();
        let (sin_pitch, cos_pitch) = self.pose.pitch_rad.sin_cos();
        let towards_eye = Vec3::new(cos_pitch * cos_yaw, cos_pitch * sin_yaw, sin_pitch);
        let right = Vec3::new(-sin_yaw, cos_yaw, 0.0);
        Mat3::from_cols(right, towards_eye.cross(right), towards_eye).transpose()
    }

    /// The geometry of a picture of this size. A side of zero counts as one pixel.
    pub fn view(&self, size_px: [u32; 2]) -> View {
        let size_px = size_px.map(|side| side.max(1));
        let half_side = half_side_px(size_px);
        let radius_px = FITTED * half_side * self.pose.zoom;
        View {
            size_px,
            view_from_world: self.view_from_world(),
            centre_px: Vec2::new(size_px[0] as f32, size_px[1] as f32) * 0.5
                + self.pose.shift * half_side,
            focal_px: radius_px * (EYE_DISTANCE * EYE_DISTANCE - 1.0).sqrt(),
        }
    }

    /// Left drag: turns the sphere so that its nearest point follows the pointer.
    pub fn orbit(&mut self, delta_px: Vec2, size_px: [u32; 2]) {
        let px_per_rad = self.view(size_px).px_per_rad();
        self.pose.yaw_rad -= delta_px.x / px_per_rad;
        self.pose.pitch_rad += delta_px.y / px_per_rad;
        self.settle();
    }

    /// Right or middle drag: shifts the picture by as much.
    pub fn pan(&mut self, delta_px: Vec2, size_px: [u32; 2]) {
        self.pose.shift += delta_px / half_side_px(size_px);
        self.settle();
    }

    /// Wheel: magnifies by `factor`, keeping what is under `cursor_px` there.
    pub fn zoom_at(&mut self, factor: f32, cursor_px: Vec2, size_px: [u32; 2]) {
        if !factor.is_finite() || factor <= 0.0 {
            return;
        }
        let zoom = (self.pose.zoom * factor).clamp(ZOOM_RANGE.0, ZOOM_RANGE.1);
        let factor = zoom / self.pose.zoom;
        let middle = Vec2::new(size_px[0] as f32, size_px[1] as f32) * 0.5;
        let cursor = (cursor_px - middle) / half_side_px(size_px);
        self.pose.shift = cursor + (self.pose.shift - cursor) * factor;
        self.pose.zoom = zoom;
        self.settle();
    }

    /// Double-click on a point: glides until `point` faces the eye, magnified.
    pub fn focus(&mut self, point: Vec3) {
        let Some(direction) = point.try_normalize() else {
            return;
        };
        self.target = Some(Pose {
            yaw_rad: direction.y.atan2(direction.x),
            pitch_rad: direction.z.clamp(-1.0, 1.0).asin(),
            zoom: self.pose.zoom.max(FOCUS_ZOOM),
            shift: Vec2::ZERO,
        });
    }

    /// Glides until `direction` faces the eye, at the magnification as it stands.
    pub fn face(&mut self, direction: Vec3) {
        let Some(direction) = direction.try_normalize() else {
            return;
        };
        self.target = Some(Pose {
            yaw_rad: direction.y.atan2(direction.x),
            pitch_rad: direction.z.clamp(-1.0, 1.0).asin(),
            ..self.pose
        });
    }

    /// Home: glides until the whole sphere is seen, without turning it.
    pub fn fit(&mut self) {
        self.target = Some(Pose {
            zoom: 1.0,
            shift: Vec2::ZERO,
            ..self.pose
        });
    }

    /// Double-click on the background: glides back to the first view.
    pub fn reset(&mut self) {
        self.target = Some(Pose::HOME);
    }

    /// Whether an animated move is under way: draw again and call [`advance`](Self::advance).
    pub fn is_moving(&self) -> bool {
        self.target.is_some()
    }

    /// Moves on by `elapsed_s` seconds; returns whether the picture changed. With reduced motion,
    /// pass infinity: the move ends at once.
    pub fn advance(&mut self, elapsed_s: f32) -> bool {
        let Some(target) = self.target else {
            return false;
        };
        let part = 1.0 - (-EASE_PER_S * elapsed_s.max(0.0)).exp();
        let yaw_left = (target.yaw_rad - self.pose.yaw_rad + PI).rem_euclid(TAU) - PI;
        let pitch_left = target.pitch_rad - self.pose.pitch_rad;
        let zoom_left = (target.zoom / self.pose.zoom).ln();
        let shift_left = target.shift - self.pose.shift;
        let left = yaw_left.abs() + pitch_left.abs() + zoom_left.abs() + shift_left.length();
        // Below a quarter of a pixel on a 1000-pixel picture nobody sees the rest of the way.
        if left * (1.0 - part) < 5e-4 {
            self.pose = target;
            self.target = None;
        } else {
            self.pose.yaw_rad += part * yaw_left;
            self.pose.pitch_rad += part * pitch_left;
            self.pose.zoom *= (part * zoom_left).exp();
            self.pose.shift += part * shift_left;
        }
        self.constrain();
        true
    }

    /// After a move by hand: it ends an animated one.
    fn settle(&mut self) {
        self.target = None;
        self.constrain();
    }

    fn constrain(&mut self) {
        let pose = &mut self.pose;
        if !(pose.yaw_rad.is_finite() && pose.pitch_rad.is_finite() && pose.shift.is_finite()) {
            *pose = Pose::HOME;
        }
        if pose.yaw_rad.abs() > PI {
            pose.yaw_rad = (pose.yaw_rad + PI).rem_euclid(TAU) - PI;
        }
        pose.pitch_rad = pose.pitch_rad.clamp(-FRAC_PI_2, FRAC_PI_2);
        // The sphere cannot be lost from sight.
        pose.shift = pose.shift.clamp_length_max(FITTED * pose.zoom + 0.8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: [u32; 2] = [800, 600];

    #[test]
    fn rotation_stays_orthonormal() {
        let mut camera = Camera::default();
        for step in 0..2000 {
            camera.orbit(
                Vec2::new(17.0, if step % 900 < 450 { 3.0 } else { -5.0 }),
                SIZE,
            );
        }
        let rotation = camera.view_from_world();
        let off = rotation * rotation.transpose() - Mat3::IDENTITY;
        // Products of unit vectors in f32: a few units of 1.2e-7.
        assert!(off.to_cols_array().iter().all(|value| value.abs() < 1e-6));
        assert!((rotation.determinant() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn drag_moves_the_nearest_point_with_the_pointer() {
        let mut camera = Camera::looking_from(0.3, 0.0);
        let nearest = camera.view(SIZE).towards_eye();
        camera.orbit(Vec2::new(10.0, 6.0), SIZE);
        let view = camera.view(SIZE);
        let moved = view.project(nearest).unwrap().pixel - view.centre_px;
        // Ten pixels are 0.03 rad here; the sphere curves away by less than a tenth of a pixel.
        assert!((moved - Vec2::new(10.0, 6.0)).length() < 0.1, "{moved}");
    }

    #[test]
    fn zoom_keeps_what_is_under_the_cursor() {
        let mut camera = Camera::default();
        let cursor = Vec2::new(330.0, 250.0);
        let under = camera.view(SIZE).unproject(cursor).unwrap();
        camera.zoom_at(1.5, cursor, SIZE);
        let after = camera.view(SIZE).project(under).unwrap().pixel;
        // f32 at hundreds of pixels, amplified by the slant of the surface.
        assert!((after - cursor).length() < 1e-2);
    }

    #[test]
    fn focus_ends_facing_the_point() {
        let mut camera = Camera::default();
        let point = Vec3::new(-0.6, 0.0, -0.8);
        camera.focus(point);
        let mut frames = 0;
        while camera.is_moving() {
            camera.advance(1.0 / 60.0);
            frames += 1;
            assert!(frames < 120, "two seconds are too long");
        }
        let view = camera.view(SIZE);
        assert!(view.towards_eye().distance(point) < 1e-5);
        camera.reset();
        camera.advance(f32::INFINITY);
        assert_eq!(camera, Camera::default());
    }

    #[test]
    fn hostile_input_leaves_a_usable_camera() {
        let mut camera = Camera::default();
        camera.orbit(Vec2::splat(f32::NAN), SIZE);
        camera.pan(Vec2::splat(f32::INFINITY), [0, 0]);
        camera.zoom_at(f32::NAN, Vec2::ZERO, SIZE);
        camera.zoom_at(1e30, Vec2::ZERO, [0, 0]);
        camera.focus(Vec3::ZERO);
        let view = camera.view([0, 0]);
        assert!(view.view_from_world.is_finite() && view.focal_px.is_finite());
        assert!(view.centre_px.is_finite());
    }
}
