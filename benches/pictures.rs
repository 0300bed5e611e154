//! How much do pictures of a large photo cost, beside resizing a map to its size alone?
//!
//! ```text
//! cargo bench --profile dev --bench pictures
//! ```
//!
//! The photo has 4,000 x 3,000 pixels, and the model was shown all of it. Times of one run, the
//! fastest of three, and their ratios to `image::imageops::resize` from 224 x 224 values (as photos
//! are resized on the way to a model: Catmull-Rom; and with the filter that the pictures use:
//! triangle).

use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor, TensorData};
use image::imageops::{self, FilterType};
use image::{ImageBuffer, Luma, Rgb, RgbImage};
use saliency::photo::{Map, Reduce, View};
use saliency::viz::{Page, PageMap, Picture};

/// Returns the fastest of three times.
fn timed<T>(mut f: impl FnMut() -> T) -> Duration {
    let time = |_| {
        let start = Instant::now();
        std::hint::black_box(f());
        start.elapsed()
    };
    (0..3).map(time).min().expect("three times")
}

fn main() {
    let texture = |x: u32, y: u32| ((x * 7) ^ (y * 13)) as u8;
    let photo =
        RgbImage::from_fn(4000, 3000, |x, y| Rgb([(x / 16) as u8, (y / 12) as u8, texture(x, y)]));
    let values: Vec<f32> = (0..320 * 240u32).map(|at| f32::from(texture(at, at / 320))).collect();
    let data = TensorData::new(values.clone(), [1, 1, 240, 320]);
    let map = Map::of_row(&Tensor::<4>::from_data(data, &Device::flex()), 0, Reduce::Sum);
    let scaled = map.and_then(|map| map.clip_beyond(0.9)).expect("a map");
    let view = View::whole(&photo);

    let small = ImageBuffer::<Luma<f32>, _>::from_raw(320, 240, values).expect("its size");
    let resize = |filter| timed(|| imageops::resize(&small, 4000, 3000, filter));
    let (triangle, smooth) = (resize(FilterType::Triangle), resize(FilterType::CatmullRom));
    let photo_resize = timed(|| imageops::resize(&photo, 224, 224, FilterType::CatmullRom));
    println!("resize of the map: {triangle:.2?} (triangle), {smooth:.2?} (Catmull-Rom)");
    println!("resize of the photo to 224 x 224: {photo_resize:.2?} (Catmull-Rom)");

    let picture = || Picture::new(view, &scaled).expect("a picture");
    let panel = timed(|| picture().panel("a title").to_picture().expect("a panel"));
    let page = timed(|| {
        let page = Page::new(view);
        let page = page.with_map(PageMap::new("gradient", "tabby", scaled.clone()));
        page.to_html().expect("a page")
    });
    for (name, time) in [
        ("heat map", timed(|| picture().heat_map())),
        ("overlay", timed(|| picture().overlay())),
        ("contours", timed(|| picture().contours(&[0.5]).expect("contours"))),
        ("panel", panel),
        ("page", page),
        ("panel and page", panel + page),
    ] {
        let ratio = time.as_secs_f64() / triangle.as_secs_f64();
        println!("{name}: {time:.2?}, {ratio:.2} times resizing the map");
    }
}
