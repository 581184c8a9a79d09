//! Pictures of the page, to look at: in `target/page`. One of them is in the README.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{World, in_row, scenes::Scene};

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/page");
    fs::create_dir_all(&folder).unwrap();
    folder
}

async fn take(world: &World, name: &str) {
    // Rows that have just changed are marked for two seconds.
    world
        .browser
        .until("document.getAnimations().length === 0")
        .await;
    let picture = world.browser.picture().await;
    assert!(picture.len() > 4000, "{name}: {} bytes", picture.len());
    fs::write(folder().join(format!("{name}.webp")), picture).unwrap();
}

/// Takes pictures at a desk and on a phone, light and dark.
async fn take_all(world: &World, name: &str) {
    for (is_dark, scheme) in [(false, "light"), (true, "dark")] {
        world.browser.dark(is_dark).await;
        world.browser.desk().await;
        take(world, &format!("{name}-desk-{scheme}")).await;
        world.browser.phone().await;
        take(world, &format!("{name}-phone-{scheme}")).await;
    }
    world.browser.desk().await;
    world.browser.dark(false).await;
}

#[tokio::test]
async fn pictures_are_taken() {
    let world = World::open().await;
    let browser = &world.browser;
    take_all(&world, "none").await;
    let mut scene = Scene::of_three();
    browser.until(&in_row("payments", "word")).await;
    for share in [0.1, 1.0, 1.0] {
        scene.calls(|i| if i == 0 { share } else { 0.1 });
    }
    browser
        .until(&format!("{} === 'Open'", in_row("payments", "word")))
        .await;
    take_all(&world, "three").await;
    drop(scene);

    let mut scene = Scene::of_thirty();
    scene.calls(|_| 0.1);
    browser.until(&in_row("catalog::prices", "word")).await;
    scene.command_some();
    for _ in 0..3 {
        scene.calls(|i| if i % 10 == 5 { 0.95 } else { 0.1 });
    }
    browser
        .until(&format!("{} === 'Open'", in_row("catalog::prices", "word")))
        .await;
    take_all(&world, "thirty").await;
    browser.run("location.hash = 'catalog::prices'").await;
    browser
        .until("document.querySelector('#rest ol.log li')")
        .await;
    take_all(&world, "view").await;
    browser.click("[data-command=force_open]").await;
    take_all(&world, "question").await;
    browser.click("#ask-no").await;
    browser.click("#detail-close").await;
    drop(scene);

    let mut scene = Scene::of_many(1000);
    scene.calls(|i| if i % 50 == 7 { 0.95 } else { 0.1 });
    browser
        .until("document.querySelector('.chip b').textContent === '1000'")
        .await;
    take_all(&world, "thousand").await;
    drop(scene);

    if env::var_os("BLESS").is_some() {
        take_for_readme(&world).await;
    }
    world.close().await;
}

/// Takes the picture of the README, after five minutes, when the history is full.
async fn take_for_readme(world: &World) {
    let mut scene = Scene::of_thirty();
    for second in 0..300 {
        if second == 120 {
            scene.command_some();
        }
        // What is ill has good and bad minutes before it opens.
        scene.calls(|i| match i % 12 {
            5 if second > 270 => 0.95,
            5 => 0.1 + 0.1 * f64::from(second / 30 % 3),
            1 | 8 => 0.12,
            _ => 0.01,
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    world.browser.size(1180, 700, false).await;
    take(world, "readme").await;
    let kept = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kept = kept.join("../fluxgate/src/guide/pictures/page.webp");
    fs::copy(folder().join("readme.webp"), kept).unwrap();
}
