use image::Rgb;

/// A perceptually uniform colour map: equal steps of value look like equal steps of colour, in
/// grey print and to colour-blind readers too.
///
/// # Example
/// ```
/// use saliency_viz::ColorMap;
///
/// // From nearly black to pale yellow.
/// assert_eq!(ColorMap::Inferno.color(0.0).0, [0, 0, 4]);
/// assert_eq!(ColorMap::Inferno.color(1.0).0, [252, 255, 164]);
/// ```
///
/// # Source
/// Smith and van der Walt's maps for matplotlib, 2015; Nuñez, Anderton and Renslow's cividis, 2018.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColorMap {
    /// Black, purple, red, yellow.
    #[default]
    Inferno,
    /// Black, purple, pink, white.
    Magma,
    /// Purple, green, yellow.
    Viridis,
    /// Blue, grey, yellow: the same to readers with and without a colour vision deficiency.
    Cividis,
}

impl ColorMap {
    /// The colour of a value between 0 and 1; values outside are taken to the nearer end.
    pub fn color(self, value: f32) -> Rgb<u8> {
        let gradient = match self {
            Self::Inferno => colorous::INFERNO,
            Self::Magma => colorous::MAGMA,
            Self::Viridis => colorous::VIRIDIS,
            Self::Cividis => colorous::CIVIDIS,
        };
        Rgb(gradient.eval_continuous(f64::from(value.clamp(0.0, 1.0))).into_array())
    }
}
