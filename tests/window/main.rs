//! The window on a virtual screen, used as a person uses it: with keys and a mouse, and judged by
//! what it shows and logs.
//!
//! It needs Xvfb, openbox and xdotool, which `scripts/test` sets up. Without them the tests say so
//! and pass, unless `SPHERESCOPE_WINDOW_TEST=required`.

mod app;
mod files;
mod screen;
mod sweep;

use app::App;
use screen::{Picture, Region, SIZE, Screen};
use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Where the sphere is drawn in the first layout, without the tile's frame and captions.
const SPHERE: Region = [590, 150, 272, 272];
const SPHERE_CENTRE: [u32; 2] = [726, 286];

/// All of the window, which fills the screen.
const WINDOW: Region = [0, 0, SIZE[0], SIZE[1]];

/// Prints past the test harness, which keeps the output of passing tests to itself.
fn say(text: &str) {
    // Nobody to tell is no reason to fail.
    let _ = writeln!(std::io::stderr(), "window test: {text}");
}

/// Whether the tools are there; says which are not.
fn has_tools() -> bool {
    let missing = Screen::missing_tools();
    if missing.is_empty() {
        return true;
    }
    let is_required = env::var("SPHERESCOPE_WINDOW_TEST").is_ok_and(|value| value == "required");
    assert!(
        !is_required,
        "the window test is required and {missing:?} are missing"
    );
    say(&format!("skipped, for want of {}", missing.join(", ")));
    false
}

/// The folder, empty; what a test leaves there is kept until the next run.
fn empty_folder(folder: PathBuf) -> PathBuf {
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the last run's folder goes");
    }
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

/// One window at a time: they share the machine's few cores, and time their waits by them.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(app: &mut App, path: &Path) {
    let text = path.to_str().expect("a path in plain text");
    answer(app, "ctrl+o", text);
}

/// Opens a dialog by its keys, and when it is there writes into it and presses Enter.
fn answer(app: &mut App, keys: &str, text: &str) {
    let before = app.picture();
    app.press(keys);
    app.wait_for("dialog", |app| {
        // A dialog takes over a tenth of the window; tooltips and a caret do not.
        app.picture().change_from(&before, WINDOW) > 0.02
    });
    app.write(text);
    app.press("Return");
}

/// Whether the sphere's place shows more than a background and a line of text.
fn has_a_sphere(picture: &Picture) -> bool {
    // A canvas of one colour would be 1; a shaded sphere with its graticule has no colour for half
    // of the place.
    picture.blankness(SPHERE) < 0.5
}

#[test]
fn a_checkpoint_and_a_folder_become_a_sphere_to_explore() {
    if !has_tools() {
        return;
    }
    let _turn = turn();
    let folder = empty_folder(Path::new(env!("CARGO_TARGET_TMPDIR")).join("window"));
    let images = folder.join("two-classes");
    let count = files::write_images(&images, 7);
    let checkpoint = folder.join("resnet20.safetensors");
    files::write_resnet20(&checkpoint, 7);

    let screen = Screen::start(&folder);
    let mut app = App::start(&screen, &folder, &[]);
    app.fill_screen();
    app.wait_for_line(0, &["shown:"]);
    app.wait_for_picture("sphere of the demo", SPHERE, has_a_sphere);
    app.keep_picture("1-demo");
    say("the demo is shown");

    let mark = app.mark();
    open(&mut app, &checkpoint);
    app.wait_for_line(mark, &["shown:", "resnet20.safetensors"]);
    let mark = app.mark();
    open(&mut app, &images);
    app.wait_for_line(mark, &["shown:", "two-classes", &format!("n={count}")]);
    app.wait_for("title that names both", |app| {
        let title = app.title();
        title.contains("resnet20.safetensors") && title.contains("two-classes")
    });
    say("a checkpoint and a folder are open");

    let before = app.wait_for_picture("sphere of the images", SPHERE, has_a_sphere);
    app.keep_picture("2-opened");
    app.drag(
        SPHERE_CENTRE,
        [SPHERE_CENTRE[0] + 110, SPHERE_CENTRE[1] + 50],
    );
    app.step_aside();
    // The graticule alone covers some per cent of the tile, and moves all over.
    let turned = app.wait_for_picture("sphere that turned", SPHERE, |picture| {
        picture.change_from(&before, SPHERE) > 0.01
    });
    app.keep_picture("3-turned");
    say("the sphere turns");

    let mark = app.mark();
    let places = turned.colourful_places(SPHERE);
    say(&format!("{} places look like points", places.len()));
    let hit = places.into_iter().take(40).find(|&place| {
        app.click(place);
        app.find_line(mark, &["selected: image="]).is_some()
    });
    assert!(
        hit.is_some(),
        "no click on the sphere selected a point\n{}",
        app.log()
    );
    app.keep_picture("4-selected");
    say("a click selects a point");

    let mark = app.mark();
    answer(&mut app, "ctrl+p", "features: dense");
    app.wait_for_line(mark, &["shown:", "kind=dense"]);
    app.keep_picture("5-dense");
    say("dense features are shown");

    let status = app.close(Duration::from_secs(20));
    assert!(status.success(), "closing the window ended with {status}");
    say("closed");
}

/// Not a test: takes the README's picture, when `scripts/screenshot` asks for it. It shows a trained
/// encoder where there is one, and the demo otherwise.
#[test]
#[ignore = "writes assets/screenshot.png"]
fn takes_the_picture_of_the_readme() {
    assert!(has_tools());
    // The picture shows this path; it should tell nothing about the machine.
    let folder = empty_folder(env::temp_dir().join("spherescope"));
    let names = ["resnet20-12fca82f.th", "cifar10-test-1000"];
    let has_data = env::var_os("SPHERESCOPE_TEST_DATA").is_some_and(|data| {
        let places = ["checkpoints", "images"].map(|place| Path::new(&data).join(place));
        names.iter().zip(places).all(|(name, place)| {
            std::os::unix::fs::symlink(place.join(name), folder.join(name)).is_ok()
                && folder.join(name).exists()
        })
    });
    let screen = Screen::start(&folder);
    let mut app = App::start(&screen, &folder, if has_data { &names } else { &[] });
    app.fill_screen();
    app.wait_for_line(0, &["shown:", if has_data { names[1] } else { "healthy" }]);
    app.step_aside();
    let picture = app.wait_for_picture("sphere", WINDOW, has_a_sphere);
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    picture.save(&assets.join("screenshot.png"));
}
