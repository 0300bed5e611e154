//! How the noise of one sample follows from that of others.

use crate::error::{Error, Result};
use crate::input::rows::Rows;
use crate::random::lattice::{Lattice, MOST_DIMENSIONS, MOST_POINTS};
use crate::random::noise_draw::{NoiseDraw, Numbers};
use crate::sampling::design::Design;
use crate::sampling::samples::Samples;

/// How the noise of one sample follows from that of others.
///
/// Whatever is chosen, the noise of every single sample has the same distribution, so that the mean
/// over samples is unbiased, and the standard error counts how samples belong together. The book says
/// how many samples it saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Draws {
    /// Every sample has noise of its own.
    Independent,
    /// Samples come in pairs with opposite noise, `ε` and `-ε`. As far as the map changes in
    /// proportion to the noise, the errors of a pair cancel. If the map is the same for `ε` and `-ε`,
    /// half of the samples are wasted.
    Antithetic,
    /// The noise of samples fills the space more evenly than random noise does (randomised
    /// quasi-Monte Carlo). Samples come in 16 to 32 shifted copies of a lattice. A copy has a power
    /// of two of points, up to 1,024; if there is a tolerance, 4. The number of samples is raised to
    /// that of whole copies, by at most a sixteenth.
    ///
    /// It saves the more samples, the fewer features and the more samples there are. For inputs of
    /// more than 256 values, [`Antithetic`](Self::Antithetic) takes its place.
    Lattice,
}

/// The least number of copies of a lattice: fewer give rough standard errors.
const COPIES: usize = 16;

/// The number of points of a lattice if samples are drawn to a tolerance.
const POINTS_TO_TOLERANCE: usize = 4;

/// The noise of samples of an input.
pub(crate) struct DrawPlan {
    samples: Samples,
    lattice: Option<Lattice>,
}

impl Draws {
    /// Chooses the noise of samples of an input with `width` values.
    pub(crate) fn plan(self, samples: Samples, width: usize) -> DrawPlan {
        let points = match samples.has_tolerance() {
            true => POINTS_TO_TOLERANCE,
            false => (samples.most() / COPIES).min(MOST_POINTS),
        };
        let on_lattice = self == Self::Lattice && width <= MOST_DIMENSIONS && points > 2;
        let points = if on_lattice { 1 << points.ilog2() } else { 2 };
        let design = match self {
            Self::Independent => Design::Independent,
            _ => Design::Groups(points),
        };
        // Part of a lattice would be uneven.
        let samples = if on_lattice { samples.in_multiples_of(points) } else { samples };
        let samples = samples.with_design(design);
        let on_lattice = on_lattice && samples.design() == design;
        DrawPlan { samples, lattice: on_lattice.then(|| Lattice::new(points, width)) }
    }

    /// Refuses samples that depend on each other for a statistic that needs independent ones.
    ///
    /// # Errors
    /// [`Error::InvalidOption`].
    pub(crate) fn check_independent(self) -> Result<()> {
        if self == Self::Independent {
            return Ok(());
        }
        let expected = "Independent for squares and variances";
        Err(Error::invalid_option("draws", expected, format!("{self:?}")))
    }
}

impl DrawPlan {
    /// Returns the samples, with their design.
    pub fn samples(&self) -> Samples {
        self.samples
    }

    /// Returns the random numbers of each row in the given sample.
    pub fn draws(&self, rows: &Rows, seed: u64, samples: &[usize]) -> Vec<NoiseDraw<'_>> {
        let size = self.samples.design().multiple();
        // A group has the key of its first sample.
        let first: Vec<usize> = samples.iter().map(|sample| sample / size * size).collect();
        let keys = rows.keys(seed, &first).into_iter().zip(samples);
        keys.map(|(key, sample)| {
            let numbers = match (&self.lattice, sample % size) {
                (Some(lattice), point) => Numbers::OfPoint { lattice, point },
                (None, 0) => Numbers::Own,
                (None, _) => Numbers::Opposite,
            };
            NoiseDraw { key, numbers }
        })
        .collect()
    }
}
