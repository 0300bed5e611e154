//! Golden pictures: what each kind of picture looked like when a person last looked at it.
//!
//! Colours are compared as eyes do, by CIEDE2000: at most one pixel of 200 may differ by more than
//! 2.3, which can just be noticed. With `SALIENCY_GOLDEN=write` they are written anew: look at them
//! then.

use std::path::PathBuf;

use burn::tensor::{Device, Tensor, TensorData};
use image::{Rgb, RgbImage, imageops};
use palette::color_difference::Ciede2000 as _;
use palette::{IntoColor as _, Lab, Srgb};
use saliency_photo::{Map, Reduce, Region, ScaledMap, View, read_photo};
use saliency_viz::{Chart, ColorMap, Figure, Picture, Tile, write_picture};

const SEEN: Region = Region { x: 20, y: 0, width: 80, height: 80 };
/// A difference between colours that can just be noticed.
const NOTICED: f32 = 2.3;
/// The share of pixels that may differ by more.
const MOST: f64 = 0.005;

/// A sun over a field.
fn photo() -> RgbImage {
    RgbImage::from_fn(120, 80, |x, y| {
        let (right, down) = (x as f32 - 45.0, y as f32 - 30.0);
        match right.hypot(down) {
            far if far < 14.0 => Rgb([250, 190, 40]),
            _ if y > 55 => Rgb([60 + (x % 8) as u8 * 6, 140, 50]),
            _ => Rgb([70, 120 + y as u8, 200]),
        }
    })
}

/// What speaks for it is the sun, and against it the lower right.
fn map(reduce: Reduce) -> ScaledMap {
    let bump =
        |x: f32, y: f32, at: (f32, f32)| (-((x - at.0).powi(2) + (y - at.1).powi(2)) / 30.0).exp();
    let value = |at: u32| {
        let (x, y) = ((at % 40) as f32, (at / 40) as f32);
        bump(x, y, (12.0, 15.0)) - 0.6 * bump(x, y, (31.0, 32.0))
    };
    let values: Vec<f32> = (0..40 * 40).map(value).collect();
    let values = Tensor::<4>::from_data(TensorData::new(values, [1, 1, 40, 40]), &Device::flex());
    Map::of_row(&values, 0, reduce).unwrap().clip_beyond(0.9).unwrap()
}

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.png"))
}

/// Returns the share of the pixels whose colours look different.
fn different(a: &RgbImage, b: &RgbImage) -> f64 {
    if a.dimensions() != b.dimensions() {
        return 1.0;
    }
    let lab = |pixel: &Rgb<u8>| -> Lab { Srgb::from(pixel.0).into_format::<f32>().into_color() };
    let differs = |(a, b): &(&Rgb<u8>, &Rgb<u8>)| lab(a).difference(lab(b)) > NOTICED;
    let count = a.pixels().zip(b.pixels()).filter(differs).count();
    count as f64 / a.pixels().len() as f64
}

fn check(name: &str, picture: &RgbImage) {
    if std::env::var_os("SALIENCY_GOLDEN").is_some() {
        write_picture(golden(name), picture).unwrap();
    }
    let share = different(picture, &read_photo(golden(name)).unwrap());
    println!("{name}: {share:.5} of the pixels differ");
    assert!(share <= MOST, "{name} is another picture: {share:.5} of the pixels differ");
}

#[test]
fn every_kind_of_picture_looks_as_it_did() {
    let (photo, strength, signed) = (photo(), map(Reduce::AbsoluteSum), map(Reduce::Sum));
    let picture = Picture::new(View::new(&photo, SEEN), &strength).unwrap();
    let with_sign = Picture::new(View::new(&photo, SEEN), &signed).unwrap();
    check("heat-map", &picture.heat_map());
    check("heat-map-signed", &with_sign.heat_map());
    check("overlay", &picture.overlay());
    check("overlay-signed", &with_sign.overlay());
    check("masked", &picture.masked());
    check("contours", &picture.contours(&[0.25, 0.5]).unwrap());
    check("panel", &with_sign.panel("sunflower (93 %)").to_picture().unwrap());
    let colors = [ColorMap::Magma, ColorMap::Viridis, ColorMap::Cividis, ColorMap::Turbo];
    let tiles = colors.map(|color| {
        let picture = picture.clone().with_colors(color);
        Tile::new(format!("{color:?}"), picture.heat_map()).with_legend(picture.legend())
    });
    let lines = picture.contour_tile("lines", &[0.5]).unwrap();
    let row = [lines, Tile::new("sign", with_sign.overlay()).with_legend(with_sign.legend())];
    let grid = Figure::new("colours").with_row(tiles).with_row(row).with_note("a note below");
    check("grid", &grid.to_picture().unwrap());
}

#[test]
fn every_chart_looks_as_it_did() {
    let features = [("alcohol", 1.4), ("malic acid", -0.6), ("hue", 0.2), ("ash", 0.0)];
    check("bars", &Chart::bars("why this wine?", &features).unwrap().to_picture());
    let series: Vec<f64> = (0..60).map(|at| (f64::from(at) * 0.3).sin()).collect();
    let at =
        |at: f64| (-(at - 20.0).powi(2) / 20.0).exp() - 0.5 * (-(at - 45.0).powi(2) / 9.0).exp();
    let attributions: Vec<f64> = (0..60).map(|step| at(f64::from(step))).collect();
    let chart = Chart::series("where in the series?", &series, &attributions).unwrap();
    check("series", &chart.to_picture());
}

/// Checks that the measure sees what people would see; otherwise it would prove nothing.
#[test]
fn another_sign_place_or_colour_is_another_picture() {
    let (photo, signed) = (photo(), map(Reduce::Sum));
    let picture = Picture::new(View::new(&photo, SEEN), &signed).unwrap();
    let heat = picture.heat_map();
    assert_eq!(different(&heat, &heat), 0.0);
    let mut moved = RgbImage::new(120, 80);
    imageops::replace(&mut moved, &heat, 2, 0);
    let mut turned = heat.clone();
    turned.pixels_mut().for_each(|pixel| pixel.0.reverse());
    let other = picture.clone().with_colors(ColorMap::Viridis).heat_map();
    for (what, picture) in [("place", moved), ("sign", turned), ("colour", other)] {
        let share = different(&heat, &picture);
        println!("{what}: {share:.5}");
        assert!(share > 10.0 * MOST, "{what}: {share:.5}");
    }
    // Rounding is not another picture.
    let mut rounded = heat.clone();
    rounded.pixels_mut().step_by(3).for_each(|pixel| pixel.0[0] ^= 1);
    let share = different(&heat, &rounded);
    println!("rounding: {share:.5}");
    assert!(share <= MOST, "{share:.5}");
}
