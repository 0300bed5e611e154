//! timm's `config.json`.

use image::Rgb;
use serde_json::{Map, Value};

use super::Preparation;
use super::fields::{Fields, pixels, short};
use super::fit::Fit;
use super::interpolation::Interpolation;
use super::presets::{IMAGENET_MEAN, IMAGENET_STD};
use super::values::{Channel, Channels};
use crate::region::Size;

/// timm's share of a resized photo, if a file names none.
const CROP_PCT: f64 = 0.875;

/// Keys that say where weights are from, or what the network is. The `test_` keys are for another
/// input size, which timm takes only if it is asked to.
const OTHER: &[&str] = &[
    "architecture",
    "classifier",
    "custom_load",
    "file",
    "first_conv",
    "fixed_input_size",
    "hf_hub_filename",
    "hf_hub_id",
    "label_descriptions",
    "label_names",
    "license",
    "min_input_size",
    "notes",
    "num_classes",
    "origin_url",
    "paper_ids",
    "paper_name",
    "pool_size",
    "source",
    "state_dict",
    "tag",
    "test_crop_pct",
    "test_input_size",
    "test_interpolation",
    "url",
];

/// Reads a `config.json`, or its `pretrained_cfg`.
pub(super) fn read(file: &Map<String, Value>) -> Result<Preparation, String> {
    let Some(own) = file.get("pretrained_cfg") else { return read_config(file) };
    let Value::Object(own) = own else {
        return Err(format!("`pretrained_cfg` is {}; expected an object", short(own)));
    };
    let preparation = read_config(own)?;
    // Arguments that the network was built with may contradict it.
    let changed = file.get("model_args").and_then(Value::as_object);
    for (key, now) in [
        ("in_chans", preparation.channels().as_slice().len() as u64),
        ("img_size", u64::from(preparation.size().height)),
    ] {
        let arg = changed.and_then(|args| args.get(key)).filter(|arg| !arg.is_null());
        if arg.is_some_and(|arg| arg.as_u64() != Some(now)) {
            let arg = arg.map(short).unwrap_or_default();
            return Err(format!(
                "`model_args` says `{key}`: {arg}, and `pretrained_cfg` says {now}; \
                 correct `input_size`, `mean` and `std` in `pretrained_cfg`"
            ));
        }
    }
    Ok(preparation)
}

fn read_config(config: &Map<String, Value>) -> Result<Preparation, String> {
    let mut fields = Fields::new(config);
    let (channels, size) = input_size(&mut fields)?;
    let mean = fields.per_channel("mean")?;
    let std = fields.per_channel("std")?;
    let fraction = fields.number("crop_pct")?.unwrap_or(CROP_PCT);
    let mode = fields.text("crop_mode")?.unwrap_or("center");
    let interpolation = interpolation(fields.text("interpolation")?.unwrap_or("bicubic"))?;
    fields.ignore(OTHER);
    fields.refuse_unknown()?;

    let (mean, std) = (mean.unwrap_or(IMAGENET_MEAN.into()), std.unwrap_or(IMAGENET_STD.into()));
    let at = |values: &[f32], channel: usize| {
        if values.len() == 1 { values[0] } else { values[channel] }
    };
    let channel = |channel| Channel { mean: at(&mean, channel), std: at(&std, channel) };
    let channels = match channels {
        1 if mean.len() == 1 && std.len() == 1 => Channels::Grey(channel(0)),
        3 => Channels::Colour([channel(0), channel(1), channel(2)]),
        _ => {
            return Err(format!(
                "`input_size` has {channels} channels, `mean` has {} and `std` {}; \
                 one grey or three colour channels are supported",
                mean.len(),
                std.len()
            ));
        }
    };
    let fit = match mode {
        "center" => Fit::CropFraction(fraction),
        "squash" if fraction == 1.0 => Fit::Stretch,
        "squash" => {
            let larger = |side: u32| (f64::from(side) / fraction).floor() as u32;
            Fit::StretchAndCrop(Size { width: larger(size.width), height: larger(size.height) })
        }
        "border" if fraction == 1.0 => {
            let fill = |channel| (255.0 * f64::from(at(&mean, channel))).round_ties_even() as u8;
            Fit::Letterbox(Rgb([fill(0), fill(mean.len() / 2), fill(mean.len() - 1)]))
        }
        _ => {
            return Err(format!(
                "`crop_mode` is {mode:?} with `crop_pct` {fraction}; center, squash, and border \
                 with a `crop_pct` of 1 are supported"
            ));
        }
    };
    Ok(Preparation::new(size)
        .with_channels(channels)
        .with_fit(fit)
        .with_interpolation(interpolation))
}

/// Returns the number of channels and the size.
fn input_size(fields: &mut Fields) -> Result<(u64, Size), String> {
    let value = fields.get("input_size").ok_or("`input_size` is missing")?;
    let wrong = || format!("`input_size` is {}; expected [channels, height, width]", short(value));
    let [channels, height, width] = value.as_array().ok_or_else(wrong)?.as_slice() else {
        return Err(wrong());
    };
    let channels = channels.as_u64().ok_or_else(wrong)?;
    let [height, width] = [height, width].map(|side| pixels("input_size", side));
    Ok((channels, Size { width: width?, height: height? }))
}

fn interpolation(name: &str) -> Result<Interpolation, String> {
    Ok(match name {
        "nearest" => Interpolation::Nearest,
        "bilinear" => Interpolation::Bilinear,
        "bicubic" => Interpolation::Bicubic,
        "box" => Interpolation::Box,
        "hamming" => Interpolation::Hamming,
        "lanczos" => Interpolation::Lanczos,
        _ => {
            return Err(format!(
                "`interpolation` is {name:?}; expected nearest, bilinear, bicubic, box, hamming or \
                 lanczos"
            ));
        }
    })
}
