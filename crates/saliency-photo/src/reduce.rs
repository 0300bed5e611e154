/// Reduces the attributions of a pixel's channels to one number.
///
/// ```text
/// AbsoluteSum  m = Σ_c |a_c|          Positive  m = max(0, Σ_c a_c)
/// Sum          m = Σ_c a_c            Negative  m = max(0, -Σ_c a_c)
/// Max          m = max_c |a_c|        L2Norm    m = √(Σ_c a_c²)
/// ```
///
/// Only `Sum` keeps the sign: its maps are drawn in colours that diverge from a neutral zero.
///
/// # Source
/// `Max`: Simonyan, Vedaldi and Zisserman, *Deep Inside Convolutional Networks*, 2013.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reduce {
    /// How much the pixel mattered, in either direction.
    #[default]
    AbsoluteSum,
    /// How much the pixel spoke for the class, or, below zero, against it.
    Sum,
    /// The largest absolute attribution of a channel.
    Max,
    /// The length of the vector of channels.
    L2Norm,
    /// How much the pixel spoke for the class. Zero if it spoke against it.
    Positive,
    /// How much the pixel spoke against the class. Zero if it spoke for it.
    Negative,
}

impl Reduce {
    /// Reduces the values of all channels to one number.
    pub(crate) fn apply(self, channels: impl Iterator<Item = f64>) -> f64 {
        match self {
            Self::AbsoluteSum => channels.map(f64::abs).sum(),
            Self::Sum => channels.sum(),
            Self::Max => channels.map(f64::abs).fold(0.0, f64::max),
            Self::L2Norm => channels.map(|value| value * value).sum::<f64>().sqrt(),
            Self::Positive => channels.sum::<f64>().max(0.0),
            Self::Negative => (-channels.sum::<f64>()).max(0.0),
        }
    }
}
