//! Starting, opening, and what happens when a file is bad.

use super::*;

/// What the system hands over when something is let go on the window.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

#[test]
fn the_demo_appears_with_its_figures() {
    let window = Window::open(&[]);
    let snapshot = window.app().snapshot().expect("the demo is shown");
    assert_eq!(snapshot.request(), &crate::analysis::demo_request());
    assert!(window.log_contains("shown: checkpoint=bundled healthy"));
    assert!(snapshot.len() > 100);
    // The numbers are on the screen, in words that a screen reader finds.
    window.harness.get_by_label("Copy Alignment");
    window.harness.get_by_label("Copy Uniformity");
    window.harness.get_by_label_contains("Sphere with");
    window.harness.get_by_label_contains("Circle of");
}

#[test]
fn before_the_first_result_the_views_say_what_to_expect() {
    let mut window = Window::open_with(&[], |_| {});
    assert!(window.app().snapshot().is_none());
    window.step();
    assert!(
        window
            .harness
            .query_all_by_label_contains("The picture appears when it is done")
            .next()
            .is_some()
    );
    window.settle();
}

#[test]
fn a_bad_checkpoint_is_told_and_the_picture_stays() {
    let mut window = Window::open(&[]);
    let serial = window.serial();
    let bad = window.file("broken.pth", b"this is no checkpoint at all");
    window.open_path(&bad);
    assert_eq!(window.serial(), serial, "the old picture stays");
    assert_eq!(
        window.app().request(),
        window.app().snapshot().unwrap().request()
    );
    assert!(
        window
            .app()
            .log()
            .iter()
            .any(|line| line.level == crate::ui::widgets::Level::Error)
    );
    assert!(window.app().toasts.texts().count() >= 1, "a toast tells it");
    assert!(
        window
            .harness
            .query_all_by_role(egui::accesskit::Role::Alert)
            .next()
            .is_some()
    );
}

#[test]
fn a_missing_path_is_told() {
    let mut window = Window::open(&[]);
    window.open_path(Path::new("/no/such/file.pth"));
    assert!(window.log_contains("cannot open /no/such/file.pth"));
}

#[test]
fn a_folder_of_images_is_opened_and_remembered() {
    let mut window = Window::open(&[]);
    let folder = window.image_folder();
    window.open_path(&folder);
    let snapshot = window.app().snapshot().unwrap();
    assert_eq!(snapshot.len(), 12);
    assert_eq!(snapshot.analysis.images.classes().len(), 2);
    assert!(window.log_contains("n=12"));
    assert_eq!(window.app().session.recent.first(), Some(&folder));
}

#[test]
fn dropped_folders_are_opened() {
    let mut window = Window::open(&[]);
    let folder = window.image_folder();
    window
        .harness
        .input_mut()
        .dropped_files
        .push(std::sync::Arc::new(Dropped(folder)));
    window.settle();
    assert_eq!(window.app().snapshot().unwrap().len(), 12);
}

#[test]
fn the_window_can_begin_with_paths() {
    let folder = tempfile::tempdir().unwrap();
    let picture = image::RgbImage::from_pixel(32, 32, image::Rgb([90, 120, 30]));
    for name in ["a.png", "b.png"] {
        picture.save(folder.path().join(name)).unwrap();
    }
    let window = Window::open(&[folder.path()]);
    assert_eq!(window.app().snapshot().unwrap().len(), 2);
}

#[test]
fn a_damaged_session_is_told_set_aside_and_the_usual_taken() {
    let mut window = Window::open_with(&[], |path| std::fs::write(path, "{ broken").unwrap());
    window.settle();
    assert!(window.log_contains("is not a session"));
    assert!(window.folder.path().join("session.json.bad").exists());
    assert!(window.app().snapshot().is_some());
}

#[test]
fn a_session_is_saved_and_brings_everything_back() {
    let mut window = Window::open(&[]);
    window.run_command("colour by: norm");
    window.run_command("features: dense");
    window.press(Modifiers::COMMAND, Key::S);
    let path = window.folder.path().join("session.json");
    assert!(path.exists());
    window.run_command("features: pooled");
    window.run_command("colour by: label");
    window.open_path(&path);
    let app = window.app();
    assert_eq!(app.request().kind, crate::features::FeatureKind::Dense);
    assert_eq!(app.views.sphere.colour_by, crate::ui::ColourBy::Norm);
    assert_eq!(
        app.snapshot().unwrap().request().kind,
        crate::features::FeatureKind::Dense
    );
}
