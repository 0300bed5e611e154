//! Photos as torchvision, Pillow, timm, Hugging Face and OpenCV prepare them: at most 1 byte step
//! away. `golden/photos.py` makes the values.

use std::collections::HashMap;
use std::path::PathBuf;

use burn::tensor::Device;
use image::{Rgb, RgbImage};
use safetensors::SafeTensors;
use saliency_photo::{Channel, Channels, Fit, Interpolation, Preparation, ValueRange};

const SIDE: u32 = 24;

/// Repeats the photo of the recipe.
fn photo(width: u32, height: u32) -> RgbImage {
    let noise = |x: u32, y: u32, c: u32| (x * 37) ^ (y * 101) ^ (x * y + c * 85);
    let squares = |x: u32, y: u32, c: u32| (x / 9 + y / 7 + c) % 2 * 255;
    RgbImage::from_fn(width, height, |x, y| {
        let level = |c| if x < width / 2 { noise(x, y, c) } else { squares(x, y, c) };
        Rgb([0, 1, 2].map(|c| (level(c) & 255) as u8))
    })
}

/// Returns the photo whose size is at the end of a name.
fn photo_of(name: &str) -> RgbImage {
    let size = name.rsplit(' ').next().unwrap();
    let (width, height) = size.split_once('x').unwrap();
    photo(width.parse().unwrap(), height.parse().unwrap())
}

fn golden() -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/photos.safetensors");
    std::fs::read(path).unwrap()
}

/// Returns the preparation of a case of pixels.
fn preparation(name: &str) -> Preparation {
    let plain = Preparation::new(SIDE);
    let filter = |filter| plain.with_fit(Fit::ShorterSide(28)).with_interpolation(filter);
    let words: Vec<&str> = name.split(' ').collect();
    match words[0] {
        "nearest" => filter(Interpolation::Nearest),
        "box" => filter(Interpolation::Box),
        "bilinear" => filter(Interpolation::Bilinear),
        "hamming" => filter(Interpolation::Hamming),
        "bicubic" => filter(Interpolation::Bicubic),
        "lanczos" => filter(Interpolation::Lanczos),
        "shorter" => plain.with_fit(Fit::ShorterSide(words[1].parse().unwrap())),
        "letterbox" => Preparation::yolo().with_size(SIDE),
        "stretch" => {
            plain.with_fit(Fit::Stretch).with_interpolation(Interpolation::BilinearSampled)
        }
        "grey" => plain.with_fit(Fit::Stretch).with_channels(Channels::Grey(Channel::PLAIN)),
        _ => panic!("no preparation for {name}"),
    }
}

#[test]
fn pixels_are_at_most_one_byte_step_from_those_of_the_libraries() {
    let bytes = golden();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut cases = 0;
    for (key, expected) in tensors.tensors() {
        let Some(name) = key.strip_prefix("pixels/") else { continue };
        let (photo, preparation) = (photo_of(name), preparation(name));
        let picture = preparation.picture(&preparation.tensor(&photo, &Device::flex()));
        let steps = picture.as_raw().iter().zip(expected.data()).map(|(a, b)| a.abs_diff(*b));
        let different = steps.clone().filter(|step| *step > 0).count();
        let most = steps.max().unwrap();
        println!("{name}: {most} steps at most, {different} of {}", picture.as_raw().len());
        assert_eq!(picture.as_raw().len(), expected.data().len(), "{name}");
        assert!(most <= 1, "{name}: {most} steps");
        cases += 1;
    }
    assert_eq!(cases, 27);
}

#[test]
fn inputs_of_configuration_files_are_those_of_their_libraries() {
    let bytes = golden();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let files: &HashMap<String, String> = header.metadata().as_ref().unwrap();
    for (key, text) in files {
        let preparation = Preparation::from_json(text).unwrap();
        let input = preparation.tensor(&photo_of(key), &Device::flex());
        let expected = tensors.tensor(key).unwrap();
        assert_eq!(input.dims()[1..], *expected.shape(), "{key}");
        let expected = expected.data().as_chunks::<4>().0.iter().map(|it| f32::from_le_bytes(*it));
        // One step of a byte, after the normalisation.
        let step = preparation.levels(1).into_iter().zip(preparation.levels(0));
        let step = step.map(|(one, zero)| one - zero).fold(0.0, f64::max) as f32;
        let values: Vec<f32> = input.into_data().iter().collect();
        let apart = values.iter().zip(expected).map(|(a, b)| (a - b).abs() / step);
        let most = apart.fold(0.0, f32::max);
        println!("{key}: {most} steps at most; {preparation}");
        assert!(most < 1.001, "{key}: {most} steps; {preparation}");
    }
    assert_eq!(files.len(), 28);
}

#[test]
fn the_embedded_networks_own_filter_is_near_pillows() {
    let lite = Preparation::imagenet().with_size(SIDE);
    let pillow = lite.with_interpolation(Interpolation::Bicubic);
    let both = [lite, pillow].map(|it| {
        let tensor = it.tensor(&photo(150, 97), &Device::flex());
        it.with_range(ValueRange::Bytes).picture(&tensor).into_raw()
    });
    let most = both[0].iter().zip(&both[1]).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    println!("{most} steps at most");
    // Squares of black and white are the worst that there is.
    assert!(most <= 20, "{most}");
}
