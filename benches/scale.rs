//! Up to which share of the total should the colours of a picture tell values apart?
//!
//! ```text
//! cargo bench --profile dev --bench scale
//! ```
//!
//! `Map::clip_beyond` draws all values beyond that share in full colour. If the share is too small,
//! traces on a plain ground look as strong as the product before it. If it is too large, a few
//! pixels are bright, and the map of a usual photo is pale. So there are two questions:
//!
//! - A ring of 21 pixels stands before a white wall, with noise of up to two grey levels and
//!   without. Of what is drawn, does the ring have the share that it has of the attribution? Are
//!   pixels of the wall drawn above half?
//! - How much of the map of a photo is drawn above half?

use burn::tensor::{Device, Tensor, TensorData};
use image::{Rgb, RgbImage};
use saliency::photo::{Map, MarkedArea, Preparation, Reduce, Region};
use saliency::{Baseline, Explainer, IntegratedGradients};
use saliency_models::{EfficientNetLite0, photos};

const SHARES: [f64; 5] = [0.9, 0.95, 0.98, 0.99, 1.0];
/// A box around the ring.
const PRODUCT: Region = Region { x: 286, y: 136, width: 28, height: 28 };

/// Draws a ring, its middle in another colour, on a wall whose levels are up to `noise` below
/// white.
fn ring(noise: u8) -> RgbImage {
    let mut state = 1_u64;
    let mut level = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        255 - ((state >> 33) % (u64::from(noise) + 1)) as u8
    };
    RgbImage::from_fn(448, 448, |x, y| {
        let wall = Rgb([level(), level(), level()]);
        match x.abs_diff(300).pow(2) + y.abs_diff(150).pow(2) {
            0..=16 => Rgb([240, 220, 60]),
            17..=110 => Rgb([180, 30, 40]),
            _ => wall,
        }
    })
}

fn map(net: &EfficientNetLite0, photo: &RgbImage, baseline: Baseline) -> Map {
    let input = Preparation::imagenet().tensor(photo, &Device::flex());
    let map = IntegratedGradients::new().with_baseline(baseline).attribute(net, input);
    map.map(|map| Map::of_row(&map.values, 0, Reduce::default())).expect("a map").expect("numbers")
}

/// Returns what is drawn of a map: 1 is full colour.
fn drawn(map: &Map, scale: f64) -> Map {
    let size = map.size();
    let values = map.with_scale(scale).expect("a scale").values();
    let data = TensorData::new(values, [1, 1, size.height as usize, size.width as usize]);
    Map::of_row(&Tensor::from_data(data, &Device::flex()), 0, Reduce::default()).expect("a map")
}

/// Returns the scales that are compared, with their names. The last one depends on the number of
/// pixels and not on their values.
fn scales(map: &Map) -> Vec<(String, f64)> {
    let of_share = |share| map.clip_beyond(share).expect("a share").scale();
    let mut sorted = map.values().to_vec();
    sorted.sort_by(f64::total_cmp);
    let percentile = sorted[sorted.len() * 99 / 100];
    let shares = SHARES.map(|share| (format!("{share} of the total"), of_share(share)));
    shares.into_iter().chain([("0.99 of the pixels".to_owned(), percentile)]).collect()
}

fn main() {
    let net = EfficientNetLite0::embedded(&Device::flex());
    let preparation = Preparation::imagenet();
    let area = MarkedArea::boxes("the product", [PRODUCT]);
    for noise in [2, 0] {
        let photo = ring(noise);
        let view = preparation.view(&photo);
        let map = map(&net, &photo, Baseline::constant(preparation.level(255).expect("one mean")));
        let inside = |map: &Map| 100.0 * area.coverage_of(map, view).expect("a photo").share;
        let footprint = area.footprint(map.size(), view).expect("a photo");
        println!("a ring, noise {noise}: the product has {:.1} % of the attribution", inside(&map));
        for (name, scale) in scales(&map) {
            let drawn = drawn(&map, scale);
            let pixels = drawn.values().iter().zip(footprint.shares());
            let bright: Vec<f64> = pixels.filter(|it| *it.0 > 0.5).map(|it| *it.1).collect();
            let outside = bright.iter().filter(|covered| **covered == 0.0).count();
            println!(
                "  {name}: {:.1} % of what is drawn; above half are {outside} pixels outside and \
                 {} inside",
                inside(&drawn),
                bright.len() - outside
            );
        }
    }
    for (name, photo) in [("cat", photos::chelsea()), ("coffee", photos::coffee())] {
        let map = map(&net, &photo, Baseline::zeros());
        println!("{name}: pixels drawn above half, and the mean of what is drawn");
        for (name, scale) in scales(&map) {
            let drawn = drawn(&map, scale);
            let count = drawn.values().len() as f64;
            let bright = drawn.values().iter().filter(|value| **value > 0.5).count() as f64;
            let mean = drawn.values().iter().sum::<f64>() / count;
            println!("  {name}: {:.2} %, {mean:.3}", 100.0 * bright / count);
        }
    }
}
