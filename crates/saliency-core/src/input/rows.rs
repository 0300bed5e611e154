//! The rows of a larger batch that an input was made from.

use crate::error::{Error, Result};
use crate::input::batch::Batch;
use crate::random::key::{Key, Stream};
use crate::share::Share;

/// The rows of a larger batch that the rows of an input were made from.
///
/// An explainer that wraps another one makes inputs from the rows of its own input, and may use a
/// row several times. The options per row (a tensor of baselines) and the random numbers of the
/// explainer inside depend on the row of the whole batch.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// For each row of the input, the row of the batch.
    of: Vec<usize>,
    /// The number of rows of the batch.
    total: usize,
    /// For each row of the input, a number that differs between the samples of wrapping explainers.
    /// It makes their random numbers independent of those of an explainer inside.
    draws: Vec<u64>,
    /// Whether the rows are samples that a wrapping explainer made.
    inside: bool,
    /// For each row of the input, the shares of its map that are to be estimated; `None` if there
    /// are none.
    shares: Option<Vec<Vec<Share>>>,
}

impl Rows {
    /// Returns the rows of a batch as it is.
    pub fn all(total: usize) -> Self {
        Self { of: (0..total).collect(), total, draws: vec![0; total], inside: false, shares: None }
    }

    /// Asks for shares of the map of each row: a list for each row of the input. They are in [`Attribution::shares`](crate::Attribution::shares).
    ///
    /// Lists that do not fit the input are refused by the explainer.
    #[must_use]
    pub fn with_shares(mut self, shares: Vec<Vec<Share>>) -> Self {
        self.shares = Some(shares);
        self
    }

    /// Returns the shares that are asked for, a list for each row of the input.
    pub fn shares(&self) -> Option<&[Vec<Share>]> {
        self.shares.as_deref()
    }

    /// Selects some of these rows, each once or several times.
    ///
    /// # Panics
    /// Panics if a selected row does not exist, or has no list of shares although others have one.
    pub fn select(&self, rows: &[usize]) -> Self {
        let of = rows.iter().map(|&row| self.of[row]).collect();
        let draws = rows.iter().map(|&row| self.draws[row]).collect();
        let select =
            |shares: &Vec<Vec<Share>>| rows.iter().map(|&row| shares[row].clone()).collect();
        let shares = self.shares.as_ref().map(select);
        Self { of, draws, shares, ..*self }
    }

    /// Returns, for each row of the input, the row of the batch.
    pub fn of(&self) -> &[usize] {
        &self.of
    }

    /// Returns the number of rows of the batch.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Returns whether the rows are samples of a wrapping explainer. That explainer then reports
    /// the warnings about the model.
    pub(crate) fn are_inside(&self) -> bool {
        self.inside
    }

    /// Refuses an input that has more or fewer rows than these, or another number of values than
    /// the shares that are asked for.
    ///
    /// # Errors
    /// [`Error::UnequalRows`]; [`Error::InvalidOption`] for shares.
    pub fn check(&self, input: &Batch) -> Result<()> {
        self.check_count(input.rows())?;
        let (width, shares) = (input.width(), self.shares.as_deref().unwrap_or_default());
        match shares.iter().flatten().find(|share| share.weights().len() != width) {
            None => Ok(()),
            Some(share) => Err(Error::invalid_option(
                "weights of a share",
                format!("one for each of a row's {width} values"),
                share.weights().len(),
            )),
        }
    }

    /// Refuses an input of more or fewer rows than these, and lists of shares for another number of
    /// rows.
    ///
    /// # Errors
    /// [`Error::UnequalRows`]; [`Error::InvalidOption`] for shares.
    pub fn check_count(&self, rows: usize) -> Result<()> {
        let expected = self.of.len();
        if expected != rows {
            return Err(Error::UnequalRows { tensor: 0, expected, found: rows });
        }
        match &self.shares {
            Some(shares) if shares.len() != rows => {
                let expected = format!("a list for each of {rows} rows");
                Err(Error::invalid_option("shares", expected, shares.len()))
            }
            _ => Ok(()),
        }
    }

    /// Returns the random key of each row, given the number of the sample that the row is drawn in.
    pub fn keys(&self, seed: u64, samples: &[usize]) -> Vec<Key> {
        let rows = self.of.iter().zip(&self.draws).zip(samples);
        rows.map(|((&row, draw), &sample)| Key {
            seed: seed.wrapping_add(*draw),
            row: row as u64,
            sample: sample as u64,
        })
        .collect()
    }

    /// Returns the rows for an explainer inside, each in the given sample. The random numbers of
    /// the explainer inside then differ from sample to sample. Shares of single samples are not
    /// asked for.
    pub fn in_samples(mut self, seed: u64, samples: &[usize]) -> Self {
        let keys = self.keys(seed, samples);
        self.draws = keys.into_iter().map(|key| key.bits(Stream::Inside)).collect();
        self.inside = true;
        self.shares = None;
        self
    }
}
