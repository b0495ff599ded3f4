//! The window on a virtual screen, used as a person uses it: with keys and a mouse, and judged by
//! what it shows and logs.
//!
//! It needs Xvfb, openbox and xdotool, which `scripts/test` sets up. Without them the tests say so
//! and pass, unless `SPHERESCOPE_WINDOW_TEST=required`.

mod app;
mod files;
mod screen;

use app::App;
use screen::{Region, SIZE, Screen};
use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where the sphere is drawn in the first layout, without the tile's frame and captions.
const SPHERE: Region = [500, 170, 450, 360];
const SPHERE_CENTRE: [u32; 2] = [725, 350];
/// All of the window.
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

/// An empty folder for one test; what it leaves is kept until the next run.
fn fresh_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the last run's folder goes");
    }
    fs::create_dir_all(&folder).expect("a folder for the test");
    folder
}

fn open(app: &App, path: &Path) {
    app.press("ctrl+o");
    app.write(path.to_str().expect("a path in plain text"));
    app.press("Return");
}

/// Runs a command from the palette by its words.
fn run_command(app: &App, words: &str) {
    app.press("ctrl+p");
    app.write(words);
    app.press("Return");
}

#[test]
fn a_checkpoint_and_a_folder_become_a_sphere_to_explore() {
    if !has_tools() {
        return;
    }
    let folder = fresh_folder("window");
    let images = folder.join("two-classes");
    let count = files::write_images(&images, 7);
    let checkpoint = folder.join("resnet20.safetensors");
    files::write_resnet20(&checkpoint, 7);

    let screen = Screen::start(&folder);
    let mut app = App::start(&screen, &folder, &[]);
    app.fill_screen();
    app.wait_for_line(0, &["shown:"]);
    say("the demo is shown");
    let demo = app.still_picture(SPHERE);
    app.keep_picture("1-demo");
    // A canvas of one colour would be 1; grid, captions and points take well over a tenth.
    assert!(demo.blankness(WINDOW) < 0.9, "the window is blank");
    assert!(demo.blankness(SPHERE) < 0.9, "the sphere is blank");

    let mark = app.mark();
    open(&app, &checkpoint);
    app.wait_for_line(mark, &["shown:", "resnet20.safetensors"]);
    let mark = app.mark();
    open(&app, &images);
    app.wait_for_line(mark, &["shown:", "two-classes", &format!("n={count}")]);
    app.wait_for("title that names both", |app| {
        let title = app.title();
        title.contains("resnet20.safetensors") && title.contains("two-classes")
    });
    say("a checkpoint and a folder are open");

    let before = app.still_picture(SPHERE);
    app.keep_picture("2-opened");
    app.drag(
        SPHERE_CENTRE,
        [SPHERE_CENTRE[0] + 110, SPHERE_CENTRE[1] + 50],
    );
    app.point_at([SIZE[0] / 2, SIZE[1] - 4]);
    let turned = app.still_picture(SPHERE);
    app.keep_picture("3-turned");
    // The graticule alone covers some per cent of the tile, and moves all over.
    let change = turned.change_from(&before, SPHERE);
    assert!(
        change > 0.01,
        "dragging changed only {change:.4} of the sphere's picture"
    );
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
    run_command(&app, "features: dense");
    app.wait_for_line(mark, &["shown:", "kind=dense"]);
    app.keep_picture("5-dense");
    say("dense features are shown");

    let status = app.close(Duration::from_secs(20));
    assert!(status.success(), "closing the window ended with {status}");
    say("closed");
}

/// Not a test: takes the README's picture, when `scripts/screenshot` asks for it.
#[test]
#[ignore = "writes assets/screenshot.png"]
fn takes_the_picture_of_the_readme() {
    assert!(has_tools());
    let folder = fresh_folder("screenshot");
    let screen = Screen::start(&folder);
    let mut app = App::start(&screen, &folder, &[]);
    app.fill_screen();
    app.wait_for_line(0, &["shown:"]);
    app.point_at([SIZE[0] / 2, SIZE[1] - 4]);
    let picture = app.still_picture(WINDOW);
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    fs::create_dir_all(&assets).expect("the folder of pictures");
    picture.save(&assets.join("screenshot.png"));
}
