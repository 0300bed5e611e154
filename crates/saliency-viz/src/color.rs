use colorgrad::{BlendMode, Gradient, GradientBuilder, LinearGradient, preset};
use image::Rgb;

/// A colour map. Equal steps of value look like equal steps of colour, also to colour-blind readers
/// and in grey print. There are two exceptions: `Turbo` shows more steps, but not in grey print,
/// and the two ends of `RedBlue` look alike in grey print.
///
/// # Example
/// ```
/// use saliency_viz::ColorMap;
///
/// // From nearly black to pale yellow.
/// assert_eq!(ColorMap::Inferno.color(0.0).0, [0, 0, 4]);
/// assert_eq!(ColorMap::Inferno.color(1.0).0, [252, 255, 164]);
/// // The middle of the diverging map is exactly neutral.
/// assert_eq!(ColorMap::RedBlue.color(0.5).0, [247; 3]);
/// ```
///
/// # Source
/// Smith and van der Walt's maps for matplotlib, 2015; Nuñez, Anderton and Renslow's cividis, 2018;
/// Mikhailov's turbo, 2019; Brewer's diverging red and blue, 2003.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ColorMap {
    /// Black, purple, red, yellow.
    #[default]
    Inferno,
    /// Black, purple, pink, white.
    Magma,
    /// Purple, green, yellow.
    Viridis,
    /// Blue, grey, yellow: looks the same to readers with and without a colour vision deficiency.
    Cividis,
    /// Blue, green, yellow, red: not uniform.
    Turbo,
    /// From blue (below zero) over a light grey to red (above zero): the default for signed maps.
    RedBlue,
}

/// The colours of the diverging map from -1 to 1: ColorBrewer's five classes of RdBu, reversed.
const RED_BLUE: [&str; 5] = ["#0571b0", "#92c5de", "#f7f7f7", "#f4a582", "#ca0020"];

/// The colours at 0, 1/256, ..., 1: as many steps as a screen can show, with one exactly in the
/// middle.
pub(crate) type Table = [[u8; 3]; 257];

impl ColorMap {
    /// All colour maps, in the order of their names on a page.
    #[cfg(feature = "pages")]
    pub(crate) const ALL: [Self; 6] =
        [Self::Inferno, Self::Magma, Self::Viridis, Self::Cividis, Self::Turbo, Self::RedBlue];

    /// Returns the colour at a place between 0 and 1. A place outside is moved to the nearer end.
    pub fn color(self, place: f32) -> Rgb<u8> {
        let [red, green, blue, _] = self.gradient().at(place.clamp(0.0, 1.0)).to_rgba8();
        Rgb([red, green, blue])
    }

    /// Returns the default colour map for signed or unsigned values.
    pub(crate) fn suited_to(signed: bool) -> Self {
        if signed { Self::RedBlue } else { Self::Inferno }
    }

    /// Returns the colours for signed or unsigned values. If values are signed, zero has the colour
    /// in the middle. If they are unsigned, a diverging map uses only its upper half, so that zero
    /// is neutral.
    pub(crate) fn table(self, signed: bool) -> Table {
        let gradient = self.gradient();
        let only_upper_half = self == Self::RedBlue && !signed;
        std::array::from_fn(|step| {
            let step = step as f32 / 256.0;
            let place = if only_upper_half { 0.5 + 0.5 * step } else { step };
            let [red, green, blue, _] = gradient.at(place).to_rgba8();
            [red, green, blue]
        })
    }

    fn gradient(self) -> Box<dyn Gradient> {
        match self {
            Self::Inferno => Box::new(preset::inferno()),
            Self::Magma => Box::new(preset::magma()),
            Self::Viridis => Box::new(preset::viridis()),
            Self::Cividis => Box::new(preset::cividis()),
            Self::Turbo => Box::new(preset::turbo()),
            Self::RedBlue => {
                let mut builder = GradientBuilder::new();
                let gradient = builder.html_colors(&RED_BLUE).mode(BlendMode::Oklab);
                Box::new(gradient.build::<LinearGradient>().expect("the colours are valid"))
            }
        }
    }
}

/// Returns the step of a [`Table`] for a value.
pub(crate) fn step(value: f32, signed: bool) -> usize {
    let place = if signed { 0.5 + 0.5 * value } else { value };
    (256.0 * place.clamp(0.0, 1.0) + 0.5) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_of_a_signed_map_is_exactly_neutral() {
        let table = ColorMap::RedBlue.table(true);
        assert_eq!(table[step(0.0, true)], [247; 3]);
        assert_eq!(ColorMap::RedBlue.table(false)[step(0.0, false)], [247; 3]);
        assert_eq!(table[step(-1.0, true)], ColorMap::RedBlue.color(0.0).0);
        assert_eq!(table[step(1.0, true)], [202, 0, 32]);
    }

    #[test]
    fn the_uniform_maps_grow_lighter_with_the_value() {
        use ColorMap::{Cividis, Inferno, Magma, Viridis};
        let light = |[red, green, blue]: [u8; 3]| {
            0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue)
        };
        for map in [Inferno, Magma, Viridis, Cividis] {
            let table = map.table(false);
            assert!(table.windows(2).all(|pair| light(pair[0]) < light(pair[1]) + 1.0), "{map:?}");
            assert!(light(table[256]) > light(table[0]) + 150.0);
        }
    }
}
