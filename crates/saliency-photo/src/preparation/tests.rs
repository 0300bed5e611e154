use super::*;
use crate::map::Map;
use crate::reduce::Reduce;

/// Sizes of photos: usual ones, tiny ones, and extreme aspect ratios.
const SIZES: [(u32, u32); 12] = [
    (600, 400),
    (400, 600),
    (97, 97),
    (32, 32),
    (7, 5),
    (1, 1),
    (1, 2),
    (3, 1),
    (1, 5_000),
    (5_000, 1),
    (3, 1_000),
    (1_000, 7),
];

/// Every way to fit a photo, with numbers that leave odd distances.
fn every_fit() -> Vec<Fit> {
    vec![
        Fit::ShorterSide(38),
        Fit::ShorterSide(37),
        Fit::ShorterSide(32),
        Fit::ShorterSide(25),
        Fit::CropFraction(0.875),
        Fit::CropFraction(1.0),
        Fit::CropFirst,
        Fit::Stretch,
        Fit::StretchAndCrop(Size { width: 41, height: 36 }),
        Fit::Letterbox(Rgb([114; 3])),
    ]
}

/// Every preparation of 32 x 32 and of 40 x 24 pixels, for every way to fit a photo.
fn every_preparation() -> Vec<Preparation> {
    let mut all = Vec::new();
    for size in [Size::from(32), Size { width: 40, height: 24 }] {
        for fit in every_fit() {
            let preparation = Preparation::new(size).with_fit(fit);
            all.extend([preparation, preparation.centred_down()]);
        }
    }
    all
}

/// A photo whose red and green say where a pixel is.
fn ramp(width: u32, height: u32) -> RgbImage {
    let level = |at: u32, length: u32| (255.0 * (f64::from(at) + 0.5) / f64::from(length)) as u8;
    RgbImage::from_fn(width, height, |x, y| Rgb([level(x, width), level(y, height), 200]))
}

#[test]
fn a_map_lands_on_the_place_of_the_photo_that_its_input_shows() {
    let device = Device::flex();
    for preparation in every_preparation() {
        for (width, height) in SIZES {
            let photo = ramp(width, height);
            let Prepared { tensor, placement, .. } = preparation.prepare(&photo, &device).unwrap();
            let region = placement.region();
            assert!(region.is_inside(Size::of(&photo)), "{preparation} {width} x {height}");
            // The map of red, as if the attribution were the level itself, and of green.
            for channel in 0..2 {
                let level = tensor.clone().narrow(1, channel, 1);
                let map = placement.map(&level, 0, Reduce::Sum).unwrap();
                placement.frame().check_map(&map).unwrap();
                let (across, down) = (map.size().width, map.size().height);
                for (at, value) in map.values().iter().enumerate() {
                    let place = Place {
                        x: side(at as u32 % across, across, region.x, region.width),
                        y: side(at as u32 / across, down, region.y, region.height),
                    };
                    let (found, length, at) = match channel {
                        0 => (value * f64::from(width), width, place.x),
                        _ => (value * f64::from(height), height, place.y),
                    };
                    let cells =
                        if channel == 0 { (region.width, across) } else { (region.height, down) };
                    // One pixel of the photo, half of one of the map, and the rounding of two bytes.
                    let right = 1.0
                        + 0.5 * f64::from(cells.0) / f64::from(cells.1)
                        + 1.5 * f64::from(length) / 255.0;
                    assert!(
                        (found - at).abs() <= right,
                        "{preparation}, {width} x {height}: {found} instead of {at}"
                    );
                }
            }
        }
    }
}

/// A place in pixels of the photo.
struct Place {
    x: f64,
    y: f64,
}

/// Returns the middle of a pixel of a map, in pixels of the photo.
fn side(at: u32, cells: u32, start: u32, length: u32) -> f64 {
    f64::from(start) + (f64::from(at) + 0.5) * f64::from(length) / f64::from(cells)
}

#[test]
fn a_bright_spot_of_the_photo_is_bright_in_the_map_and_nowhere_else() {
    let device = Device::flex();
    let spot = Region { x: 300, y: 160, width: 60, height: 60 };
    let inside = |x: u32, y: u32| {
        (spot.x..spot.x + spot.width).contains(&x) && (spot.y..spot.y + spot.height).contains(&y)
    };
    let photo = RgbImage::from_fn(600, 400, |x, y| Rgb([if inside(x, y) { 255 } else { 0 }; 3]));
    for preparation in every_preparation() {
        for layout in [Layout::ChannelsFirst, Layout::ChannelsLast] {
            let preparation = preparation.with_layout(layout);
            let prepared = preparation.prepare(&photo, &device).unwrap();
            let map = prepared.placement.map(&prepared.tensor, 0, Reduce::Sum).unwrap();
            let mark = crate::MarkedArea::boxes("the spot", [spot]);
            let coverage = mark.coverage_of(&map, prepared.placement.frame()).unwrap();
            // The filter spreads the edges of the spot over one pixel of the map.
            assert!(coverage.share > 0.7 && coverage.peak, "{preparation}: {coverage:?}");
        }
    }
}

#[test]
fn a_coarse_map_of_a_layer_leaves_the_padding_out_too() {
    let placement = Preparation::yolo().placement((400, 300));
    assert_eq!(placement.content(), Region { x: 0, y: 80, width: 640, height: 480 });
    // 8 x 8 places: one row is bars above the photo, and one below.
    let layer = Tensor::<1, burn::tensor::Int>::arange(0..64, &Device::flex()).float();
    let map = placement.map(&layer.reshape([1, 1, 8, 8]), 0, Reduce::Sum).unwrap();
    let expected: Vec<f64> = (8..56u8).map(f64::from).collect();
    assert_eq!((map.size(), map.values()), ((8, 6).into(), &expected[..]));
    assert!(!map.is_stretched());
    // 3 x 3 places: a third and a half of a place are cut away.
    let layer = Tensor::<4>::ones([1, 1, 3, 3], &Device::flex());
    let map = placement.map(&layer, 0, Reduce::Sum).unwrap();
    assert_eq!((map.size(), map.values()), ((3, 3).into(), &[1.0; 9][..]));
}

#[test]
fn the_preparation_of_the_embedded_network_keeps_every_bit() {
    use burn::tensor::TensorData;
    use image::imageops::{self, FilterType};
    let photo =
        RgbImage::from_fn(601, 403, |x, y| Rgb([(x * 7) as u8, (y * 5) as u8, (x ^ y) as u8]));
    let input = Preparation::imagenet().tensor(&photo, &Device::flex());
    let square = imageops::crop_imm(&photo, 99, 0, 403, 403).to_image();
    let small = imageops::resize(&square, 224, 224, FilterType::CatmullRom);
    let channel = |at: usize| small.pixels().map(move |it| (f32::from(it.0[at]) - 127.0) / 128.0);
    let values: Vec<f32> = (0..3).flat_map(channel).collect();
    input.into_data().assert_eq(&TensorData::new(values, [1, 3, 224, 224]), true);
}

#[test]
fn every_filter_of_a_plain_photo_is_plain() {
    use Interpolation as It;
    let colour = Rgb([0, 200, 255]);
    for filter in [
        It::Nearest,
        It::Box,
        It::Bilinear,
        It::Hamming,
        It::Bicubic,
        It::Lanczos,
        It::BilinearSampled,
        It::BicubicRoundedOnce,
    ] {
        for size in SIZES {
            let photo = RgbImage::from_pixel(size.0, size.1, colour);
            for fit in [Fit::Stretch, Fit::ShorterSide(38), Fit::CropFirst] {
                let preparation = Preparation::new(32).with_fit(fit).with_interpolation(filter);
                let tensor = preparation.tensor(&photo, &Device::flex());
                let picture = preparation.picture(&tensor);
                let same = picture.pixels().all(|pixel| *pixel == colour);
                assert!(same, "{preparation}, {size:?}");
            }
        }
    }
}

#[test]
fn a_picture_survives_there_and_back_in_every_layout_order_and_range() {
    let picture = RgbImage::from_fn(40, 24, |x, y| Rgb([x as u8 * 6, y as u8 * 10, (x ^ y) as u8]));
    let unit = Preparation::torchvision();
    let bytes = unit
        .with_range(ValueRange::Bytes)
        .with_channels(Channels::colour([103.939, 116.779, 123.68], [57.0, 58.0, 59.0]));
    for preparation in [unit, bytes, Preparation::imagenet(), Preparation::clip()] {
        for order in [ChannelOrder::Rgb, ChannelOrder::Bgr] {
            for layout in [Layout::ChannelsFirst, Layout::ChannelsLast] {
                let preparation = preparation
                    .with_size((40, 24))
                    .with_fit(Fit::CropFraction(1.0))
                    .with_order(order)
                    .with_layout(layout);
                let tensor = preparation.tensor(&picture, &Device::flex());
                assert_eq!(tensor.dims(), preparation.shape());
                assert_eq!(preparation.picture(&tensor), picture, "{preparation}");
            }
        }
    }
}

#[test]
fn channels_are_where_the_layout_and_the_order_say() {
    let photo = RgbImage::from_fn(2, 1, |x, _| Rgb([x as u8, 10 + x as u8, 20 + x as u8]));
    let plain = Preparation::new((2, 1)).with_range(ValueRange::Bytes);
    let values = |preparation: Preparation| -> Vec<f32> {
        preparation.tensor(&photo, &Device::flex()).into_data().iter().collect()
    };
    let (bgr, last) = (ChannelOrder::Bgr, Layout::ChannelsLast);
    assert_eq!(values(plain), [0.0, 1.0, 10.0, 11.0, 20.0, 21.0]);
    assert_eq!(values(plain.with_layout(last)), [0.0, 10.0, 20.0, 1.0, 11.0, 21.0]);
    assert_eq!(values(plain.with_order(bgr)), [20.0, 21.0, 10.0, 11.0, 0.0, 1.0]);
    // The means are in the order of the tensor.
    let means = plain.with_order(bgr).with_channels(Channels::colour([20.0, 10.0, 0.0], [2.0; 3]));
    assert_eq!(values(means), [0.0, 0.5, 0.0, 0.5, 0.0, 0.5]);
    // Pillow: (r 19595 + g 38470 + b 7471 + 32768) / 65536.
    let grey = plain.with_channels(Channels::Grey(Channel::PLAIN));
    assert_eq!((grey.shape(), values(grey)), ([1, 1, 1, 2], vec![8.0, 9.0]));
    let picture = grey.picture(&grey.tensor(&photo, &Device::flex()));
    assert_eq!(*picture.get_pixel(0, 0), Rgb([8; 3]));
}

#[test]
fn a_plain_input_is_the_baseline_of_a_colour() {
    let device = Device::flex();
    for preparation in [Preparation::imagenet(), Preparation::torchvision(), Preparation::yolo()] {
        for byte in [0, 128, 255] {
            let plain = preparation.plain(Rgb([byte; 3]), &device).unwrap();
            let picture = preparation.picture(&plain);
            assert!(picture.pixels().all(|pixel| *pixel == Rgb([byte; 3])));
            let means: Vec<f64> = plain.clone().mean_dims(&[2, 3]).into_data().iter().collect();
            for (mean, level) in means.iter().zip(preparation.levels(byte)) {
                assert!((mean - level).abs() < 1e-5, "{preparation}: {mean} {level}");
            }
        }
    }
    assert_eq!(Preparation::tensorflow().level(0), Some(-1.0));
    assert_eq!(Preparation::clip().level(0), None);
}

#[test]
fn what_does_not_fill_the_input_has_the_fill_of_its_fit() {
    let white = RgbImage::from_pixel(30, 10, Rgb([255; 3]));
    let device = Device::flex();
    for (fit, fill) in
        [(Fit::Letterbox(Rgb([1, 2, 3])), Rgb([1, 2, 3])), (Fit::ShorterSide(20), Rgb([0; 3]))]
    {
        let preparation = Preparation::new(32).with_fit(fit);
        let prepared = preparation.prepare(&white, &device).unwrap();
        let content = prepared.placement.content();
        assert!(!prepared.placement.fills_input());
        let inside = |x: u32, y: u32| {
            (content.x..content.x + content.width).contains(&x)
                && (content.y..content.y + content.height).contains(&y)
        };
        let picture = preparation.picture(&prepared.tensor);
        for (x, y, pixel) in picture.enumerate_pixels() {
            let expected = if inside(x, y) { Rgb([255; 3]) } else { fill };
            assert_eq!(*pixel, expected, "{fit} at {x}, {y}");
        }
    }
}

#[test]
fn a_map_of_a_stretched_photo_says_so_and_fits_its_region() {
    let placement = Preparation::tensorflow().placement((600, 300));
    let attributions = Tensor::<4>::ones([1, 224, 224, 3], &Device::flex());
    let map = placement.map(&attributions, 0, Reduce::Sum).unwrap();
    assert_eq!((map.size(), map.values()[0]), (224.into(), 3.0));
    assert!(map.is_stretched() && map.averaged(7).is_stretched());
    placement.frame().check_map(&map).unwrap();
    // Without the flag it is an error, as for a region that was forgotten.
    let forgot = Map::of_row(&Tensor::ones([1, 1, 224, 224], &Device::flex()), 0, Reduce::Sum);
    assert!(matches!(placement.frame().check_map(&forgot.unwrap()), Err(Error::Aspect { .. })));
}

#[test]
fn options_that_cannot_be_are_refused_one_by_one() {
    let good = Preparation::torchvision();
    let channel = |mean, std| good.with_channels(Channels::Grey(Channel { mean, std }));
    for (wrong, words) in [
        (good.with_size(0), "the input has 0 x 0 pixels; use 1 to 16384"),
        (good.with_size((20_000, 5)), "the input has 20000 x 5 pixels; use 1 to 16384"),
        (
            good.with_fit(Fit::CropFraction(0.0)),
            "the crop fraction is 0; use more than 0 and up to 1",
        ),
        (good.with_fit(Fit::CropFraction(1.5)), "the crop fraction is 1.5; use more than 0"),
        (good.with_fit(Fit::CropFraction(f64::NAN)), "the crop fraction is NaN"),
        (good.with_fit(Fit::CropFraction(1e-9)), "use 0.001 or more"),
        (good.with_fit(Fit::ShorterSide(0)), "the shorter side is 0; use 1 to 16384 pixels"),
        (good.with_fit(Fit::StretchAndCrop(0.into())), "photos are stretched to 0 x 0 pixels"),
        (channel(0.0, 0.0), "a channel has the mean 0 and the standard deviation 0"),
        (channel(0.0, -1.0), "the standard deviation -1"),
        (channel(f32::NAN, 1.0), "a channel has the mean NaN"),
        (channel(0.0, f32::INFINITY), "the standard deviation inf"),
    ] {
        let error = wrong.check().unwrap_err();
        assert!(matches!(error, Error::Preparation { .. }));
        let text = error.to_string();
        assert!(text.starts_with("photos cannot be prepared: ") && text.contains(words), "{text}");
        let prepared = wrong.prepare(&ramp(4, 4), &Device::flex());
        assert_eq!(prepared.unwrap_err().to_string(), text);
        // The geometry of a wrong preparation is of no use, but it is there.
        let _ = wrong.placement((3, 2));
    }
    let nothing = good.prepare(&RgbImage::new(0, 3), &Device::flex()).unwrap_err();
    assert_eq!(nothing.to_string(), "the photo has no pixels");
}
