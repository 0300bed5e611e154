//! The numbers of an input: channels, their normalisation, and the order in which they are stored.

/// The mean and the standard deviation that one channel is normalised with.
///
/// ```text
/// value = (level - mean) / std
/// ```
///
/// Both are in the unit of the [`ValueRange`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Channel {
    /// The mean, which becomes zero.
    pub mean: f32,
    /// The standard deviation, which becomes one. It must be above zero.
    pub std: f32,
}

/// The channels of an input, each with its normalisation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Channels {
    /// One channel: the photo's brightness, as Pillow computes it (mode "L").
    Grey(Channel),
    /// Three channels, in the order in which the tensor has them (see [`ChannelOrder`]).
    Colour([Channel; 3]),
}

/// The levels from black to white, before the mean is subtracted.
///
/// Values from -1 to 1 are [`Unit`](Self::Unit) with a mean of 0.5 and a standard deviation of 0.5.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ValueRange {
    /// From 0 to 1.
    #[default]
    Unit,
    /// From 0 to 255.
    Bytes,
}

/// The order of the three channels of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChannelOrder {
    /// Red, green, blue.
    #[default]
    Rgb,
    /// Blue, green, red, as OpenCV and Caffe have it.
    Bgr,
}

/// The order of an input's dimensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `[rows, channels, height, width]`, as PyTorch has it.
    #[default]
    ChannelsFirst,
    /// `[rows, height, width, channels]`, as TensorFlow has it.
    ChannelsLast,
}

impl Channel {
    /// Leaves the levels as they are: a mean of 0 and a standard deviation of 1.
    pub const PLAIN: Self = Self { mean: 0.0, std: 1.0 };
}

impl Channels {
    /// Creates three channels from three means and three standard deviations.
    pub fn colour(mean: [f32; 3], std: [f32; 3]) -> Self {
        Self::Colour([0, 1, 2].map(|at| Channel { mean: mean[at], std: std[at] }))
    }

    /// Returns the channels in the order of the tensor.
    pub fn as_slice(&self) -> &[Channel] {
        match self {
            Self::Grey(channel) => std::slice::from_ref(channel),
            Self::Colour(channels) => channels,
        }
    }
}

impl ValueRange {
    /// Returns the level of a byte of a photo.
    fn level(self, byte: u8) -> f32 {
        match self {
            Self::Unit => f32::from(byte) / 255.0,
            Self::Bytes => f32::from(byte),
        }
    }

    /// Returns the input value of a byte of a photo.
    pub(super) fn normalised(self, byte: u8, channel: Channel) -> f32 {
        (self.level(byte) - channel.mean) / channel.std
    }

    /// Returns the byte of an input value. Values beyond black and white become black and white.
    pub(super) fn byte(self, value: f32, channel: Channel) -> u8 {
        let level = value * channel.std + channel.mean;
        match self {
            Self::Unit => (level * 255.0).round() as u8,
            Self::Bytes => level.round() as u8,
        }
    }
}

impl ChannelOrder {
    /// Returns the position in a pixel (red, green, blue) of a channel of the tensor.
    pub(super) fn of_pixel(self, channel: usize) -> usize {
        match self {
            Self::Rgb => channel,
            Self::Bgr => 2 - channel,
        }
    }
}

impl Layout {
    /// Returns the shape of one row.
    pub(super) fn shape(self, channels: usize, height: usize, width: usize) -> [usize; 4] {
        match self {
            Self::ChannelsFirst => [1, channels, height, width],
            Self::ChannelsLast => [1, height, width, channels],
        }
    }
}
