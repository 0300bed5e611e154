//! Hugging Face's `preprocessor_config.json`.

use serde_json::{Map, Value};

use super::Preparation;
use super::fields::{Fields, pixels, short};
use super::fit::Fit;
use super::interpolation::Interpolation;
use super::values::{Channel, ChannelOrder, Channels, Layout, ValueRange};
use crate::region::Size;

/// A family of processors, with the steps that its class has beyond the keys of the file.
struct Family {
    /// The name of the class, without `ImageProcessor`, `ImageProcessorFast` or `FeatureExtractor`.
    name: &'static str,
    /// The meaning of a size that is one number.
    number: NumberMeans,
    resize: Resize,
}

#[derive(Clone, Copy, PartialEq)]
enum NumberMeans {
    Square,
    ShorterSide,
}

#[derive(Clone, Copy, PartialEq)]
enum Resize {
    /// As the keys say.
    AsSaid,
    /// A crop fraction for inputs below 384 pixels, and stretching for larger ones.
    ConvNext,
    /// The shorter side is larger by 256 / 224.
    Levit,
    /// Photos are never cropped.
    NeverCrops,
}

const fn family(name: &'static str, number: NumberMeans, resize: Resize) -> Family {
    Family { name, number, resize }
}

/// The families whose steps are known.
const FAMILIES: &[Family] = &[
    family("Beit", NumberMeans::Square, Resize::AsSaid),
    family("Bit", NumberMeans::ShorterSide, Resize::AsSaid),
    family("Blip", NumberMeans::Square, Resize::NeverCrops),
    family("CLIP", NumberMeans::ShorterSide, Resize::AsSaid),
    family("ChineseCLIP", NumberMeans::ShorterSide, Resize::AsSaid),
    family("ConvNext", NumberMeans::ShorterSide, Resize::ConvNext),
    family("DeiT", NumberMeans::Square, Resize::AsSaid),
    family("Levit", NumberMeans::ShorterSide, Resize::Levit),
    family("MobileNetV1", NumberMeans::ShorterSide, Resize::AsSaid),
    family("MobileNetV2", NumberMeans::ShorterSide, Resize::AsSaid),
    family("MobileViT", NumberMeans::ShorterSide, Resize::AsSaid),
    family("Segformer", NumberMeans::Square, Resize::NeverCrops),
    family("Siglip", NumberMeans::Square, Resize::NeverCrops),
    family("ViT", NumberMeans::Square, Resize::NeverCrops),
];

/// Keys that do not change the pixels of a photo in RGB.
const OTHER: &[&str] = &[
    "_processor_class",
    "_valid_processor_keys",
    "device",
    "disable_grouping",
    "do_convert_rgb",
    "do_reduce_labels",
    "input_data_format",
    "processor_class",
    "reduce_labels",
    "return_tensors",
];

/// Reads a `preprocessor_config.json`.
pub(super) fn read(file: &Map<String, Value>) -> Result<Preparation, String> {
    let mut fields = Fields::new(file);
    let family = family_of(&mut fields)?;
    if !fields.flag("do_resize", true)? {
        return Err("`do_resize` is false, so that the input has the size of the photo; \
             set it to true and give a `size`"
            .to_owned());
    }
    let (size, fit) = size_and_fit(&mut fields, family)?;
    let interpolation = interpolation(&mut fields)?;
    let factor = if fields.flag("do_rescale", true)? {
        fields.number("rescale_factor")?.unwrap_or(1.0 / 255.0)
    } else {
        fields.ignore(&["rescale_factor"]);
        1.0
    };
    let (channels, range) = values(&mut fields, factor, family)?;
    let order = if fields.flag("do_flip_channel_order", false)? {
        ChannelOrder::Bgr
    } else {
        ChannelOrder::Rgb
    };
    let layout = match fields.text("data_format")?.unwrap_or("channels_first") {
        "channels_first" => Layout::ChannelsFirst,
        "channels_last" => Layout::ChannelsLast,
        other => {
            return Err(format!(
                "`data_format` is {other:?}; expected channels_first or channels_last"
            ));
        }
    };
    // Without padding, its size has no effect.
    if !fields.flag("do_pad", false)? {
        fields.ignore(&["pad_size"]);
    } else {
        return Err("`do_pad` is true, so that the input's size depends on the photo; \
             set it to false, or build the preparation with `Fit::Letterbox`"
            .to_owned());
    }
    fields.ignore(OTHER);
    fields.refuse_unknown()?;
    Ok(Preparation::new(size)
        .with_fit(fit)
        .with_interpolation(interpolation)
        .with_channels(channels)
        .with_range(range)
        .with_order(order)
        .with_layout(layout)
        .centred_down())
}

/// Finds the family by the name of the class. Without a name, the keys alone must say all.
fn family_of(fields: &mut Fields) -> Result<Option<&'static Family>, String> {
    let new = fields.text("image_processor_type")?;
    let old = fields.text("feature_extractor_type")?;
    let Some(class) = new.or(old) else { return Ok(None) };
    let ends = ["ImageProcessorFast", "ImageProcessor", "FeatureExtractor"];
    let name = ends.iter().find_map(|end| class.strip_suffix(end)).unwrap_or(class);
    let known = FAMILIES.iter().find(|family| family.name == name);
    known.map(Some).ok_or_else(|| {
        let hint = if name.starts_with("TimmWrapper") {
            "give timm's config.json instead".to_owned()
        } else {
            let names: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
            format!(
                "build the preparation with `Preparation::new`; the known classes are those of {}",
                names.join(", ")
            )
        };
        format!("the steps of the class {class} are not known here; {hint}")
    })
}

/// A size as the file gives it.
enum Wanted {
    Exact(Size),
    ShorterSide(u32),
}

fn size_and_fit(fields: &mut Fields, family: Option<&Family>) -> Result<(Size, Fit), String> {
    let square = match fields.get("default_to_square") {
        Some(value) => value.as_bool(),
        None => family.map(|family| family.number == NumberMeans::Square),
    };
    let value = fields.get("size").ok_or("`size` is missing")?;
    let resize = family.map_or(Resize::AsSaid, |family| family.resize);
    let size = wanted("size", value, square)?;
    if resize == Resize::ConvNext {
        return convnext(fields, &size);
    }
    let crop = fields.get("crop_size");
    let said = fields.get("do_center_crop").is_some();
    let crops = match resize {
        Resize::NeverCrops if fields.flag("do_center_crop", false)? => {
            return Err("`do_center_crop` is true, which this class ignores or not, depending on \
                 its version; set it to false, or build the preparation with `Preparation::new`"
                .to_owned());
        }
        Resize::NeverCrops => false,
        _ if !said && crop.is_some() => {
            return Err(
                "it has a `crop_size`, but not whether to crop; add `do_center_crop`".to_owned()
            );
        }
        _ => fields.flag("do_center_crop", false)?,
    };
    if !crops {
        return match size {
            Wanted::Exact(size) => Ok((size, Fit::Stretch)),
            Wanted::ShorterSide(_) => Err("`size` has a `shortest_edge` and `do_center_crop` is \
                 not true, so that the input's size depends on the photo; set it to true, with a \
                 `crop_size`"
                .to_owned()),
        };
    }
    let crop = crop.ok_or("`do_center_crop` is true and `crop_size` is missing")?;
    let Wanted::Exact(input) = wanted("crop_size", crop, Some(true))? else {
        return Err("`crop_size` has a `shortest_edge`; expected `height` and `width`".to_owned());
    };
    Ok((
        input,
        match size {
            Wanted::Exact(size) if size == input => Fit::Stretch,
            Wanted::Exact(size) => Fit::StretchAndCrop(size),
            Wanted::ShorterSide(side) if resize == Resize::Levit => {
                Fit::ShorterSide((f64::from(side) * (256.0 / 224.0)) as u32)
            }
            Wanted::ShorterSide(side) => Fit::ShorterSide(side),
        },
    ))
}

/// ConvNext crops small inputs by a fraction, and stretches photos to large ones.
fn convnext(fields: &mut Fields, size: &Wanted) -> Result<(Size, Fit), String> {
    let Wanted::ShorterSide(side) = *size else {
        return Err("`size` of a ConvNext processor must have a `shortest_edge`".to_owned());
    };
    let fraction = fields.number("crop_pct")?.unwrap_or(224.0 / 256.0);
    if !(fraction > 0.0 && fraction <= 1.0) {
        return Err(format!("`crop_pct` is {fraction}; expected more than 0 and up to 1"));
    }
    let larger = (f64::from(side) / fraction) as u32;
    let fit = if side < 384 { Fit::ShorterSide(larger) } else { Fit::Stretch };
    Ok((side.into(), fit))
}

/// Reads a size: a number, `height` and `width`, or `shortest_edge`.
fn wanted(key: &str, value: &Value, number_is_square: Option<bool>) -> Result<Wanted, String> {
    if value.is_number() {
        let side = pixels(key, value)?;
        return match number_is_square {
            Some(true) => Ok(Wanted::Exact(side.into())),
            Some(false) => Ok(Wanted::ShorterSide(side)),
            None => Err(format!(
                "`{key}` is one number, which is the shorter side for some classes and a square \
                 for others; add `image_processor_type`, or write `shortest_edge`, or `height` \
                 and `width`"
            )),
        };
    }
    let fields = value.as_object().map(|fields| {
        let keys = fields.iter().filter(|(_, value)| !value.is_null());
        let mut keys: Vec<(&str, &Value)> =
            keys.map(|(key, value)| (key.as_str(), value)).collect();
        keys.sort_by_key(|(key, _)| *key);
        keys
    });
    match fields.as_deref() {
        Some([("height", height), ("width", width)]) => {
            let [height, width] = [height, width].map(|side| pixels(key, side));
            Ok(Wanted::Exact(Size { width: width?, height: height? }))
        }
        Some([("shortest_edge", side)]) => Ok(Wanted::ShorterSide(pixels(key, side)?)),
        _ => Err(format!(
            "`{key}` is {}; `height` and `width`, or `shortest_edge` alone, are supported",
            short(value)
        )),
    }
}

fn interpolation(fields: &mut Fields) -> Result<Interpolation, String> {
    let value = fields.get("resample").ok_or(
        "`resample` is missing; add 0 (nearest), 1 (Lanczos), 2 (bilinear), 3 (bicubic), 4 (box) \
         or 5 (Hamming)",
    )?;
    Ok(match value.as_u64() {
        Some(0) => Interpolation::Nearest,
        Some(1) => Interpolation::Lanczos,
        Some(2) => Interpolation::Bilinear,
        Some(3) => Interpolation::Bicubic,
        Some(4) => Interpolation::Box,
        Some(5) => Interpolation::Hamming,
        _ => return Err(format!("`resample` is {}; expected a number from 0 to 5", short(value))),
    })
}

/// Reads the means and standard deviations, and brings them to levels from 0 to 1 or to bytes.
fn values(
    fields: &mut Fields,
    factor: f64,
    family: Option<&Family>,
) -> Result<(Channels, ValueRange), String> {
    if !(factor > 0.0 && factor.is_finite()) {
        return Err(format!("`rescale_factor` is {factor}; expected a number above 0"));
    }
    let mean = fields.per_channel("image_mean")?;
    let std = fields.per_channel("image_std")?;
    // MobileViT is the family that does not normalise.
    let default = family.is_none_or(|family| family.name != "MobileViT");
    let (mean, std) = if fields.flag("do_normalize", default)? {
        let missing = |key| format!("`{key}` is missing; add it, or set `do_normalize` to false");
        (mean.ok_or_else(|| missing("image_mean"))?, std.ok_or_else(|| missing("image_std"))?)
    } else {
        (vec![0.0], vec![1.0])
    };
    // Levels are bytes times the factor: (byte factor - mean) / std.
    let (range, unit) = if factor == 1.0 {
        (ValueRange::Bytes, 1.0)
    } else {
        let unit = factor * 255.0;
        // 1/255 is written with more or fewer digits.
        (ValueRange::Unit, if (unit - 1.0).abs() < 1e-4 { 1.0 } else { unit })
    };
    let at = |values: &[f32], channel: usize| {
        let value = if values.len() == 1 { values[0] } else { values[channel] };
        (f64::from(value) / unit) as f32
    };
    let channel = |channel| Channel { mean: at(&mean, channel), std: at(&std, channel) };
    Ok((Channels::Colour([channel(0), channel(1), channel(2)]), range))
}
