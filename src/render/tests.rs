//! Pictures, on whatever adapter there is. Without one the tests say so and pass.

use std::sync::{Arc, LazyLock};

use glam::{Vec2, Vec3};

use super::*;

const SIZE: [u32; 2] = [240, 200];

/// One device for all tests: opening it is what takes time.
fn gpu() -> Option<&'static HeadlessGpu> {
    static GPU: LazyLock<Option<HeadlessGpu>> = LazyLock::new(|| match HeadlessGpu::open() {
        Ok(gpu) => Some(gpu),
        Err(error) => {
            println!("skipped, no picture can be drawn here: {error}");
            None
        }
    });
    GPU.as_ref()
}

fn scene(points: Vec<[f32; 3]>, colour: colour::Rgba8) -> SphereScene {
    let colours = vec![colour; points.len()];
    SphereScene::new(PointSource::Host(Arc::new(points)), Arc::new(colours))
}

fn style(points: usize) -> SphereStyle {
    SphereStyle::new(SphereColours::DARK, points)
}

fn pixel_at(picture: &Picture, at: Vec2) -> [u8; 4] {
    picture.pixel(at.x as u32, at.y as u32).unwrap()
}

fn distance(first: [u8; 4], second: [u8; 4]) -> i32 {
    (0..3)
        .map(|i| (i32::from(first[i]) - i32::from(second[i])).abs())
        .max()
        .unwrap()
}

const ORANGE: [u8; 4] = [0xe6, 0x9f, 0x00, 255];

#[test]
fn the_bare_sphere_is_not_blank() {
    let Some(gpu) = gpu() else { return };
    let picture = render_sphere(
        gpu,
        &SphereScene::default(),
        &Camera::default(),
        SIZE,
        &style(0),
    )
    .unwrap();
    assert_eq!((picture.width, picture.height), (SIZE[0], SIZE[1]));
    assert_eq!(picture.pixel(0, 0), Some(SphereColours::DARK.background));
    let surface = picture.pixel(121, 105).unwrap();
    assert!(
        distance(surface, SphereColours::DARK.background) > 5,
        "{surface:?}"
    );
    let colours: std::collections::HashSet<_> = picture.rgba.chunks_exact(4).collect();
    assert!(colours.len() > 50, "a gradient, lines and a rim");
}

#[test]
fn a_point_appears_where_it_projects_in_its_colour() {
    let Some(gpu) = gpu() else { return };
    let camera = Camera::looking_from(0.4, -0.2);
    let view = camera.view(SIZE);
    let world = (view.towards_eye() + Vec3::new(0.1, 0.2, 0.15)).normalize();
    let scene = scene(vec![world.to_array()], ORANGE);
    let picture = render_sphere(gpu, &scene, &camera, SIZE, &style(1)).unwrap();
    let at = view.project(world).unwrap().pixel;
    // Depth cue and bytes: close to, not exactly, the colour given.
    assert!(distance(pixel_at(&picture, at), ORANGE) < 16);
    // The disc's radius is 4.5 pixels, a quarter more in front.
    assert!(distance(pixel_at(&picture, at + Vec2::new(9.0, 0.0)), ORANGE) > 60);
}

#[test]
fn far_points_are_faint_or_hidden() {
    let Some(gpu) = gpu() else { return };
    let camera = Camera::default();
    let view = camera.view(SIZE);
    let world = -(view.towards_eye() + Vec3::new(0.1, 0.2, 0.1)).normalize();
    let at = view.project(world).unwrap().pixel;
    let look = |far_side| {
        let style = SphereStyle {
            far_side,
            ..style(1)
        };
        let point = scene(vec![world.to_array()], ORANGE);
        let with = render_sphere(gpu, &point, &camera, SIZE, &style).unwrap();
        let bare = SphereScene::default();
        let without = render_sphere(gpu, &bare, &camera, SIZE, &style).unwrap();
        distance(pixel_at(&with, at), pixel_at(&without, at))
    };
    assert_eq!(look(FarSide::Hidden), 0);
    let faint = look(FarSide::Faint(0.6));
    assert!(
        (10..130).contains(&faint),
        "seen, but much less than in front: {faint}"
    );
}

#[test]
fn turning_changes_the_picture_and_resting_draws_nothing() {
    let Some(gpu) = gpu() else { return };
    let (points, _) = sample_cloud(300, 5);
    let mut scene = scene(points, ORANGE);
    let mut renderer = SphereRenderer::new(&gpu.device, &gpu.queue).unwrap();
    let mut camera = Camera::default();
    renderer.draw(&scene, &camera, SIZE, &style(300)).unwrap();
    let first = renderer.picture().unwrap();
    renderer.draw(&scene, &camera, SIZE, &style(300)).unwrap();
    assert_eq!(renderer.drawn_count(), 1, "nothing moved");
    camera.orbit(Vec2::new(25.0, 0.0), SIZE);
    renderer.draw(&scene, &camera, SIZE, &style(300)).unwrap();
    assert_eq!(renderer.drawn_count(), 2);
    assert_ne!(first, renderer.picture().unwrap());

    // A ring draws anew but leaves the points, and so the map of them, as they are.
    renderer.pick_now([5.0, 5.0], 0.0, Side::Both).unwrap();
    scene.set_rings(vec![PointRing {
        position: [1.0, 0.0, 0.0],
        gap_pt: 1.0,
        width_pt: 1.0,
        colour: ORANGE,
    }]);
    renderer.draw(&scene, &camera, SIZE, &style(300)).unwrap();
    assert_eq!(renderer.drawn_count(), 3);
    assert_eq!(
        renderer.pick([5.0, 5.0], 0.0, Side::Both).unwrap(),
        Pick::Nothing
    );
}

#[test]
fn picking_finds_what_is_drawn() {
    let Some(gpu) = gpu() else { return };
    let (points, _) = sample_cloud(4000, 9);
    let count = points.len();
    // Each point's index is its colour, and nothing shades it: the picture itself says who is
    // where.
    let colours = (0..count as u32).map(|index| {
        let [low, high, ..] = (index + 1).to_le_bytes();
        [low, high, 200, 255]
    });
    let scene = SphereScene::new(
        PointSource::Host(Arc::new(points.clone())),
        Arc::new(colours.collect()),
    );
    let mut style = SphereStyle {
        depth_cue: 0.0,
        far_side: FarSide::Hidden,
        point_size_pt: 3.5,
        ..style(count)
    };
    style.colours.halo[3] = 0;
    let camera = Camera::default();
    let mut renderer = SphereRenderer::new(&gpu.device, &gpu.queue).unwrap();
    renderer.draw(&scene, &camera, SIZE, &style).unwrap();
    let picture = renderer.picture().unwrap();
    let view = camera.view(SIZE);
    let mut seen = 0;
    for y in 0..SIZE[1] {
        for x in 0..SIZE[0] {
            let here = [x as f32 + 0.5, y as f32 + 0.5];
            let picked = renderer.pick_now(here, 0.0, Side::Front).unwrap();
            let [low, high, blue, _] = picture.pixel(x, y).unwrap();
            if blue == 200 && low | high != 0 {
                // A whole disc covers this pixel (edges are mixed with other colours).
                let index = u32::from_le_bytes([low, high, 0, 0]).wrapping_sub(1);
                if (index as usize) < count && picked == Some(index) {
                    seen += 1;
                }
            }
            if let Some(index) = picked {
                let at = view.project(Vec3::from(points[index as usize])).unwrap();
                let off = at.pixel.distance(Vec2::from(here));
                // Drawn radius, and f32 on two machines (a hundredth of a pixel is generous).
                assert!(
                    at.is_in_front && off <= 1.75 * at.scale + 0.01,
                    "{index}: {off}"
                );
            }
        }
    }
    assert!(seen > 2000, "colours confirm only {seen} pixels");
}

#[test]
fn picking_prefers_the_nearer_point() {
    let Some(gpu) = gpu() else { return };
    let camera = Camera::default();
    let nearest = camera.view(SIZE).towards_eye();
    let points = vec![
        (-nearest).to_array(),
        nearest.to_array(),
        (-nearest).to_array(),
    ];
    let mut scene = scene(points, ORANGE);
    let mut renderer = SphereRenderer::new(&gpu.device, &gpu.queue).unwrap();
    let middle = [SIZE[0] as f32 / 2.0, SIZE[1] as f32 / 2.0];
    let mut pick = |scene: &SphereScene, side| {
        renderer.draw(scene, &camera, SIZE, &style(3)).unwrap();
        renderer.pick_now(middle, 0.0, side).unwrap()
    };
    assert_eq!(pick(&scene, Side::Both), Some(1));
    scene.set_flags(Arc::new(vec![0, PointFlags::HIDDEN, 0]));
    assert_eq!(pick(&scene, Side::Front), None);
    // Equal in rank and depth: the later one lies on top.
    assert_eq!(pick(&scene, Side::Both), Some(2));
    scene.set_flags(Arc::new(vec![PointFlags::SELECTED, PointFlags::HIDDEN, 0]));
    assert_eq!(pick(&scene, Side::Both), Some(0));
}

#[test]
fn arcs_run_along_the_sphere() {
    let Some(gpu) = gpu() else { return };
    let camera = Camera::looking_from(0.0, 0.0);
    let view = camera.view(SIZE);
    let (start, end) = (Vec3::new(0.8, -0.6, 0.0), Vec3::new(0.8, 0.6, 0.0));
    let arc = GeodesicArc {
        start: start.to_array(),
        end: end.to_array(),
        colour: [255, 60, 60, 255],
    };
    let mut scene = SphereScene::default();
    // No lines, so that only the arc is red; the arc lies on the equator.
    let style = SphereStyle {
        graticule_step_deg: None,
        arc_width_pt: 3.0,
        ..style(0)
    };
    let without = render_sphere(gpu, &scene, &camera, SIZE, &style).unwrap();
    scene.set_arcs(vec![arc]);
    let with = render_sphere(gpu, &scene, &camera, SIZE, &style).unwrap();
    for world in [
        Vec3::X,
        Vec3::new(0.96, 0.28, 0.0),
        Vec3::new(0.96, -0.28, 0.0),
    ] {
        let at = view.project(world).unwrap().pixel;
        assert!(
            distance(pixel_at(&with, at), [255, 60, 60, 255]) < 30,
            "{world}"
        );
    }
    let beyond = view.project(Vec3::new(0.6, 0.8, 0.0)).unwrap().pixel;
    assert_eq!(pixel_at(&with, beyond), pixel_at(&without, beyond));
}

#[test]
fn a_leased_buffer_draws_like_an_uploaded_one() {
    let Some(gpu) = gpu() else { return };
    let (points, _) = sample_cloud(500, 2);
    let uploaded = scene(points.clone(), ORANGE);
    let camera = Camera::default();
    let expected = render_sphere(gpu, &uploaded, &camera, SIZE, &style(500)).unwrap();
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 12 * 500 + 1000,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    // An offset that no device takes for a binding.
    let offset_bytes = 4 * 77;
    gpu.queue
        .write_buffer(&buffer, offset_bytes, bytemuck::cast_slice(&points));
    let mut lease = LeasedPoints {
        buffer,
        offset_bytes,
        count: 500,
        keepalive: None,
    };
    let mut leased = uploaded.clone();
    leased.set_points(PointSource::Lease(lease.clone()));
    assert_eq!(
        render_sphere(gpu, &leased, &camera, SIZE, &style(500)).unwrap(),
        expected
    );

    lease.offset_bytes = 4 * 400;
    leased.set_points(PointSource::Lease(lease));
    let refused = render_sphere(gpu, &leased, &camera, SIZE, &style(500));
    assert!(matches!(refused, Err(RenderError::Lease(_))));
}

#[test]
fn odd_scenes_and_sizes_are_safe() {
    let Some(gpu) = gpu() else { return };
    let mut renderer = SphereRenderer::new(&gpu.device, &gpu.queue).unwrap();
    let camera = Camera::default();
    assert_eq!(
        renderer.pick([0.0, 0.0], 1.0, Side::Both).unwrap(),
        Pick::Nothing
    );
    let nearest = camera.view(SIZE).towards_eye().to_array();
    let points = vec![
        [f32::NAN; 3],
        nearest,
        [f32::INFINITY, 0.0, 0.0],
        [0.0; 3],
        [3e38; 3],
    ];
    let odd = scene(points, ORANGE);
    renderer.draw(&odd, &camera, SIZE, &style(5)).unwrap();
    let middle = [SIZE[0] as f32 / 2.0, SIZE[1] as f32 / 2.0];
    assert_eq!(
        renderer.pick_now(middle, 0.0, Side::Front).unwrap(),
        Some(1)
    );
    assert_eq!(renderer.undrawable_count(), Some(3));
    for size in [[0, 0], [1, 1], [3, 500], [500, 1], [70_000, 2], SIZE] {
        renderer.draw(&odd, &camera, size, &style(5)).unwrap();
        renderer
            .draw(&SphereScene::default(), &camera, size, &style(0))
            .unwrap();
    }
    let mut short = scene(vec![nearest; 3], ORANGE);
    short.set_colours(Arc::new(vec![ORANGE]));
    let refused = renderer.draw(&short, &camera, SIZE, &style(3)).map(|_| ());
    assert!(matches!(refused, Err(RenderError::Length { .. })));
    renderer.draw(&odd, &camera, SIZE, &style(5)).unwrap();
}

#[test]
fn rings_and_fields_show() {
    let Some(gpu) = gpu() else { return };
    let camera = Camera::default();
    let view = camera.view(SIZE);
    let bare = render_sphere(gpu, &SphereScene::default(), &camera, SIZE, &style(0)).unwrap();
    let mut scene = SphereScene::default();
    scene.set_rings(vec![PointRing {
        position: view.towards_eye().to_array(),
        gap_pt: 2.0,
        width_pt: 2.0,
        colour: [255, 255, 255, 255],
    }]);
    let ringed = render_sphere(gpu, &scene, &camera, SIZE, &style(1)).unwrap();
    // Disc 4.5 × 1.25, gap 2, half a width of 2.
    let on_ring = view.centre_px + Vec2::new(4.5 * 1.25 + 3.0, 0.0);
    assert!(distance(pixel_at(&ringed, on_ring), [255; 4]) < 20);
    assert_eq!(
        pixel_at(&ringed, view.centre_px),
        pixel_at(&bare, view.centre_px)
    );

    let values = SurfaceField::directions(64, 32)
        .into_iter()
        .map(|direction| (8.0 * (direction.dot(view.towards_eye()) - 1.0)).exp())
        .collect();
    let field = SurfaceField::new(64, 32, values, vec![[0, 0, 0, 255], [0, 255, 0, 255]]).unwrap();
    scene.set_rings(Vec::new());
    scene.set_field(Some(Arc::new(field)));
    let style = SphereStyle {
        field_opacity: 1.0,
        graticule_step_deg: None,
        ..style(0)
    };
    let shaded = render_sphere(gpu, &scene, &camera, SIZE, &style).unwrap();
    let middle = pixel_at(&shaded, view.centre_px);
    // The highest value lies between texels; its colour is the last of the ramp or nearly so.
    assert!(middle[1] > 220 && middle[0] < 40, "{middle:?}");
}

/// Writes pictures to look at into the folder named by `SPHERESCOPE_PICTURES`.
#[test]
fn gallery() {
    let Some(folder) = std::env::var_os("SPHERESCOPE_PICTURES").map(std::path::PathBuf::from)
    else {
        println!("skipped, SPHERESCOPE_PICTURES is not set");
        return;
    };
    let Some(gpu) = gpu() else { return };
    for (theme, colours) in [
        ("dark", SphereColours::DARK),
        ("light", SphereColours::LIGHT),
    ] {
        for count in [1_000, 20_000, 100_000] {
            let (points, classes) = sample_cloud(count, 1);
            let of_class = classes
                .iter()
                .map(|&class| colour::class_colour(class))
                .collect();
            let host = PointSource::Host(Arc::new(points.clone()));
            let mut scene = SphereScene::new(host, Arc::new(of_class));
            if count == 1_000 {
                decorate(&mut scene, &points, &classes);
            }
            let mut style = SphereStyle::new(colours, count);
            if count == 20_000 {
                scene.set_field(Some(Arc::new(density(&points))));
                style.point_size_pt = 2.0;
            }
            let picture =
                render_sphere(gpu, &scene, &Camera::default(), [900, 800], &style).unwrap();
            picture
                .save_png(&folder.join(format!("{theme}-{count}.png")))
                .unwrap();
        }
    }
}

/// Arcs between members of a class, a selected class with the rest dimmed, a hover ring.
fn decorate(scene: &mut SphereScene, points: &[[f32; 3]], classes: &[u32]) {
    let arcs = (0..120).map(|index| GeodesicArc {
        start: points[index],
        end: points[index + 10],
        colour: colour::class_colour(classes[index]),
    });
    scene.set_arcs(arcs.collect());
    let flags = classes.iter().map(|&class| match class {
        3 => PointFlags::SELECTED,
        5 => PointFlags::DIMMED,
        _ => 0,
    });
    scene.set_flags(Arc::new(flags.collect()));
    scene.set_rings(vec![PointRing {
        position: points[13],
        gap_pt: 2.0,
        width_pt: 1.5,
        colour: [255, 255, 255, 255],
    }]);
}

/// A von Mises-Fisher density estimate of every tenth point.
fn density(points: &[[f32; 3]]) -> SurfaceField {
    let directions = SurfaceField::directions(128, 64);
    let values = directions.into_iter().map(|direction| {
        let near = points
            .iter()
            .step_by(10)
            .map(|&point| Vec3::from(point).dot(direction));
        near.map(|cosine| (50.0 * (cosine - 1.0)).exp()).sum()
    });
    SurfaceField::new(
        128,
        64,
        values.collect(),
        colour::Ramp::Sequential.table(256),
    )
    .unwrap()
}

/// Prints frames per second; the figures are judged by people, not by the test.
#[test]
fn the_bench_runs() {
    let Some(gpu) = gpu() else { return };
    let frames = if std::env::var_os("SPHERESCOPE_PICTURES").is_some() {
        60
    } else {
        2
    };
    for points in [20_000, 100_000, 1_000_000] {
        let bench = bench_sphere(gpu, points, [800, 800], frames).unwrap();
        println!("{bench:?}");
        assert!(bench.frames_per_s > 0.0 && bench.median_ms > 0.0);
    }
}
