//! A preparation in words.

use std::fmt;

use image::Rgb;

use super::Preparation;
use super::fit::Fit;
use super::values::{ChannelOrder, Channels, Layout, ValueRange};

/// Says in one line what happens to a photo.
///
/// ```
/// use saliency_photo::Preparation;
///
/// let words = Preparation::torchvision().to_string();
/// assert_eq!(
///     words,
///     "224 x 224: shorter side to 256, centre cut out; bilinear; RGB from 0 to 1, \
///      mean (0.485, 0.456, 0.406), std (0.229, 0.224, 0.225); channels first"
/// );
/// ```
impl fmt::Display for Preparation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}: {}; {}; ", self.size, self.fit, self.interpolation.words())?;
        let channels = match (self.channels, self.order) {
            (Channels::Grey(_), _) => "grey",
            (Channels::Colour(_), ChannelOrder::Rgb) => "RGB",
            (Channels::Colour(_), ChannelOrder::Bgr) => "BGR",
        };
        let range = match self.range {
            ValueRange::Unit => "0 to 1",
            ValueRange::Bytes => "0 to 255",
        };
        let channel = self.channels.as_slice();
        let list = |values: Vec<f32>| {
            let all_same = values.iter().all(|value| *value == values[0]);
            let words: Vec<String> = values.iter().map(ToString::to_string).collect();
            if all_same { words[0].clone() } else { format!("({})", words.join(", ")) }
        };
        let mean = list(channel.iter().map(|it| it.mean).collect());
        let std = list(channel.iter().map(|it| it.std).collect());
        write!(f, "{channels} from {range}, mean {mean}, std {std}; ")?;
        f.write_str(match self.layout {
            Layout::ChannelsFirst => "channels first",
            Layout::ChannelsLast => "channels last",
        })
    }
}

impl fmt::Display for Fit {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::ShorterSide(to) => write!(f, "shorter side to {to}, centre cut out"),
            Self::CropFraction(1.0) => f.write_str("resized to cover the input, centre cut out"),
            Self::CropFraction(fraction) => {
                write!(f, "resized, centre of {fraction:.3} cut out")
            }
            Self::CropFirst => f.write_str("centre cut out, then resized"),
            Self::Stretch => f.write_str("whole photo stretched"),
            Self::StretchAndCrop(to) => write!(f, "stretched to {to}, centre cut out"),
            Self::Letterbox(Rgb([red, green, blue])) => {
                write!(f, "whole photo, rest filled with ({red}, {green}, {blue})")
            }
        }
    }
}
