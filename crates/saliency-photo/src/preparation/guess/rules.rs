//! The rules of a guess, the surest first.

use super::shape::{Shape, is_tensorflow};
use super::{Guess, ModelFacts};
use crate::preparation::Preparation;
use crate::preparation::fit::Fit;
use crate::preparation::values::{Channel, ChannelOrder, Channels, Layout, ValueRange};
use crate::region::Size;

/// The side of an input below which a picture is no photo of a camera.
const SMALL: u32 = 64;

/// The number of values of a detector's box beside its classes.
const BOX: usize = 4;

/// Fills in a guess.
pub(super) fn apply(facts: &ModelFacts, shape: &Shape, guess: &mut Guess) {
    let family = Family::of(facts, shape, guess);
    guess.preparation = family.preparation();
    set_size(facts, shape, family, guess);
    set_layout(shape, guess);
    set_pixels(facts, shape, guess);
}

/// Networks that take photos in the same way.
#[derive(Clone, Copy, PartialEq)]
enum Family {
    /// Ultralytics' detectors, and others that look like them.
    Detector,
    /// Ultralytics' classifiers.
    YoloClassifier,
    Clip,
    TensorFlow,
    Torch,
    /// Pictures of one channel.
    Grey,
    /// Small pictures in colour.
    Small,
}

impl Family {
    /// Chooses a family, and notes why.
    fn of(facts: &ModelFacts, shape: &Shape, guess: &mut Guess) -> Self {
        if let Some(task) = ultralytics_task(facts) {
            guess.read.push(format!("Ultralytics wrote it, for the task {task}"));
            return if task == "classify" { Self::YoloClassifier } else { Self::Detector };
        }
        if shape.channels == Some(1) {
            guess.assumed.push("one channel: grey pictures, whole, from 0 to 1".to_owned());
            return Self::Grey;
        }
        if facts.output.contains("image_embed") {
            let name = &facts.output;
            guess.assumed.push(format!("the output {name} is an embedding of CLIP's kind"));
            return Self::Clip;
        }
        if let Some(words) = detector(&facts.output_shape) {
            guess
                .assumed
                .push(format!("{words}: the whole photo between grey bars, as YOLO has it"));
            return Self::Detector;
        }
        if is_tensorflow(facts) {
            let producer = &facts.producer;
            guess.assumed.push(format!(
                "{producer} wrote it: the whole photo stretched, values from -1 to 1; some Keras \
                 networks have 0 to 255 inside, and others blue, green and red"
            ));
            return Self::TensorFlow;
        }
        if shape.height.is_some_and(|side| side < SMALL) {
            guess.assumed.push("a small input: whole pictures, values from -1 to 1".to_owned());
            return Self::Small;
        }
        let producer = match facts.producer.as_str() {
            "" => "nothing says which program wrote it".to_owned(),
            producer => format!("{producer} wrote it"),
        };
        let name = if facts.input == "pixel_values" {
            "; the input is called pixel_values, as Hugging Face calls it, so that a file \
             preprocessor_config.json should be beside it"
        } else {
            ""
        };
        guess.assumed.push(format!(
            "{producer}: the shorter side resized, the centre cut out, mean and standard deviation \
             of ImageNet, as torchvision has it{name}"
        ));
        Self::Torch
    }

    fn preparation(self) -> Preparation {
        match self {
            Self::Detector => Preparation::yolo(),
            Self::YoloClassifier => Preparation::new(224),
            Self::Clip => Preparation::clip(),
            Self::TensorFlow => Preparation::tensorflow(),
            // 224 of 256, for every size.
            Self::Torch => Preparation::torchvision().with_fit(Fit::CropFraction(0.875)),
            Self::Grey => Preparation::grey(28),
            Self::Small => Preparation::new(32)
                .with_fit(Fit::Stretch)
                .with_channels(Channels::colour([0.5; 3], [0.5; 3])),
        }
    }
}

/// Returns the task of a file of Ultralytics.
fn ultralytics_task(facts: &ModelFacts) -> Option<&str> {
    let is_author = facts.entry("author").is_some_and(|it| it.eq_ignore_ascii_case("ultralytics"));
    let is_producer = facts.producer.to_lowercase().contains("ultralytics");
    // Other versions write the class names and the stride alone.
    let has_keys = facts.entry("stride").is_some() && facts.entry("names").is_some();
    (is_author || is_producer || has_keys).then(|| facts.entry("task").unwrap_or("detect"))
}

/// Returns words for an output that looks like a detector's boxes.
fn detector(output: &[Option<usize>]) -> Option<String> {
    let [_, first, second] = *output else { return None };
    // Many boxes with few values each, in either order.
    let (few, many) = (first?.min(second?), first?.max(second?));
    (few > BOX && many >= 300 && many >= 8 * few)
        .then(|| format!("the output has {many} boxes of {few} values"))
}

fn set_size(facts: &ModelFacts, shape: &Shape, family: Family, guess: &mut Guess) {
    let said = facts.entry("imgsz").and_then(size_of_list);
    let size = match (shape.width, shape.height, said) {
        (Some(width), Some(height), _) => {
            let size = Size { width, height };
            guess.read.push(format!("the input has {size} pixels"));
            size
        }
        (_, _, Some(size)) => {
            guess.read.push(format!("`imgsz` of the metadata says {size} pixels"));
            size
        }
        (width, height, None) => {
            // If one side is known, the other is taken to be the same.
            let usual = guess.preparation.size();
            let known = width.or(height);
            let size = Size {
                width: known.unwrap_or(usual.width),
                height: height.or(known).unwrap_or(usual.height),
            };
            guess.assumed.push(format!("the input's size is open: {size} pixels"));
            size
        }
    };
    guess.preparation = guess.preparation.with_size(size);
    if family == Family::YoloClassifier {
        // Ultralytics resizes the shorter side to the input.
        let shorter = size.width.max(size.height);
        guess.preparation = guess.preparation.with_fit(Fit::ShorterSide(shorter));
    }
}

/// Reads "[640, 480]" or "640": height and width.
fn size_of_list(text: &str) -> Option<Size> {
    let sides = text.trim_matches(['[', ']', '(', ')']).split(',');
    let sides: Option<Vec<u32>> = sides.map(|side| side.trim().parse().ok()).collect();
    match sides?[..] {
        [side @ 1..=16_384] => Some(side.into()),
        [height @ 1..=16_384, width @ 1..=16_384] => Some(Size { width, height }),
        _ => None,
    }
}

fn set_layout(shape: &Shape, guess: &mut Guess) {
    guess.preparation = guess.preparation.with_layout(shape.layout);
    let is_colour = matches!(guess.preparation.channels(), Channels::Colour(_));
    if shape.channels == Some(1) && is_colour {
        guess.preparation = guess.preparation.with_channels(Channels::Grey(Channel::PLAIN));
    }
    let words = match shape.layout {
        Layout::ChannelsFirst => "channels come before height and width",
        Layout::ChannelsLast => "channels come after height and width",
    };
    match shape.channels {
        Some(1) => guess.read.push(format!("one channel; {words}")),
        Some(_) => guess.read.push(format!("three channels; {words}")),
        None => guess.assumed.push(format!("three channels; {words}")),
    }
}

/// Applies the keys that ONNX defines for pictures. They overrule the family.
fn set_pixels(facts: &ModelFacts, shape: &Shape, guess: &mut Guess) {
    let mut it = guess.preparation;
    if let Some(format) = facts.entry("Image.BitmapPixelFormat") {
        match format {
            "Bgr8" => it = it.with_order(ChannelOrder::Bgr),
            "Rgb8" => it = it.with_order(ChannelOrder::Rgb),
            "Gray8" if shape.channels != Some(3) => {
                it = it.with_channels(Channels::Grey(Channel::PLAIN));
            }
            _ => {
                guess.assumed.push(format!("the pixel format {format} is taken for RGB"));
            }
        }
        guess.read.push(format!("the metadata name the pixel format {format}"));
    }
    if let Some(range) = facts.entry("Image.NominalPixelRange") {
        let (range_of, mean, std) = match range {
            "NominalRange_0_255" => (ValueRange::Bytes, 0.0, 1.0),
            "Normalized_0_1" => (ValueRange::Unit, 0.0, 1.0),
            "Normalized_1_1" => (ValueRange::Unit, 0.5, 0.5),
            _ => {
                guess.assumed.push(format!(
                    "the range {range} of the metadata is not supported and left out"
                ));
                guess.preparation = it;
                return;
            }
        };
        let channel = Channel { mean, std };
        let channels = match it.channels() {
            Channels::Grey(_) => Channels::Grey(channel),
            Channels::Colour(_) => Channels::Colour([channel; 3]),
        };
        it = it.with_range(range_of).with_channels(channels);
        guess.read.push(format!("the metadata name the range {range}"));
    }
    guess.preparation = it;
}
