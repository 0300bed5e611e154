//! The filters that photos are resized with.

use fast_image_resize::{FilterType, ResizeAlg};

/// How the pixels of a resized photo are computed.
///
/// A network sees the pixels that its training saw only if the filter is that of its training. The
/// first six are Pillow's (as of version 12), which torchvision, timm and Hugging Face use. When a photo gets smaller,
/// each new pixel is an average over all pixels that it covers, so that fine texture does not make
/// patterns that the photo does not have ("antialias"). Like Pillow, they round to whole bytes after
/// each direction. Tests hold each of them to at most 1 byte step from Pillow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Interpolation {
    /// The nearest pixel.
    Nearest,
    /// The mean of the pixels that a new pixel covers.
    Box,
    /// Pillow's and torchvision's default for most networks.
    #[default]
    Bilinear,
    /// Pillow's Hamming filter: as wide as bilinear, and sharper.
    Hamming,
    /// timm's default.
    Bicubic,
    /// Lanczos, with a radius of 3.
    Lanczos,
    /// Bilinear between the four nearest pixels, even if the photo gets much smaller. OpenCV
    /// (`INTER_LINEAR`), TensorFlow and YOLO do it.
    BilinearSampled,
    /// Bicubic with antialias, rounded to bytes once at the end, as the Rust crate `image` does it.
    /// It is a step or two from [`Bicubic`](Self::Bicubic), and up to 16 steps at edges between
    /// black and white.
    BicubicRoundedOnce,
}

/// How a filter is computed.
pub(super) enum Kind {
    Nearest,
    /// Averages over all covered pixels, and rounds after each direction.
    Averaged(FilterType),
    /// Rounds once.
    RoundedOnce(ResizeAlg),
}

impl Interpolation {
    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Nearest => Kind::Nearest,
            Self::Box => Kind::Averaged(FilterType::Box),
            Self::Bilinear => Kind::Averaged(FilterType::Bilinear),
            Self::Hamming => Kind::Averaged(FilterType::Hamming),
            Self::Bicubic => Kind::Averaged(FilterType::CatmullRom),
            Self::Lanczos => Kind::Averaged(FilterType::Lanczos3),
            Self::BilinearSampled => {
                Kind::RoundedOnce(ResizeAlg::Interpolation(FilterType::Bilinear))
            }
            Self::BicubicRoundedOnce => {
                Kind::RoundedOnce(ResizeAlg::Convolution(FilterType::CatmullRom))
            }
        }
    }

    /// Returns the name, in words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Nearest => "nearest pixel",
            Self::Box => "box filter",
            Self::Bilinear => "bilinear",
            Self::Hamming => "Hamming filter",
            Self::Bicubic => "bicubic",
            Self::Lanczos => "Lanczos",
            Self::BilinearSampled => "bilinear without antialias",
            Self::BicubicRoundedOnce => "bicubic, rounded once",
        }
    }
}
