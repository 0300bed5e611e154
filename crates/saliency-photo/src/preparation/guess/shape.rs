//! Which dimension of an input is which.

use super::ModelFacts;
use crate::error::{Error, Result};
use crate::preparation::values::Layout;

/// What the shape of an input says.
pub(super) struct Shape {
    pub layout: Layout,
    /// One or three. `None` if the file leaves it open.
    pub channels: Option<usize>,
    pub height: Option<u32>,
    pub width: Option<u32>,
}

/// Finds channels, height and width.
pub(super) fn read(facts: &ModelFacts) -> Result<Shape> {
    let no_photo = |reason: &str| Error::NotAPhotoInput {
        input: facts.input.clone(),
        shape: facts.input_shape.clone(),
        reason: reason.to_owned(),
    };
    let [_, first, second, last] = facts.input_shape[..] else {
        return Err(no_photo("a photo has four dimensions: rows, channels, height and width"));
    };
    let may_be_channels = |side: Option<usize>| matches!(side, Some(1 | 3));
    let (layout, channels, height, width) = match (may_be_channels(first), may_be_channels(last)) {
        (true, _) => (Layout::ChannelsFirst, first, second, last),
        (false, true) => (Layout::ChannelsLast, last, first, second),
        // An open number of channels.
        (false, false) if first.is_none() && !is_tensorflow(facts) => {
            (Layout::ChannelsFirst, None, second, last)
        }
        (false, false) if last.is_none() => (Layout::ChannelsLast, None, first, second),
        _ => return Err(no_photo("a photo has one channel or three")),
    };
    let side = |side: Option<usize>| match side {
        None => Ok(None),
        Some(side) => match u32::try_from(side) {
            Ok(side @ 1..=16_384) => Ok(Some(side)),
            _ => Err(no_photo("the sides of a photo have 1 to 16384 pixels")),
        },
    };
    Ok(Shape { layout, channels, height: side(height)?, width: side(width)? })
}

/// Returns whether the file is from TensorFlow or Keras.
pub(super) fn is_tensorflow(facts: &ModelFacts) -> bool {
    let producer = facts.producer.to_lowercase();
    ["tf2onnx", "tensorflow", "keras"].iter().any(|name| producer.contains(name))
}
