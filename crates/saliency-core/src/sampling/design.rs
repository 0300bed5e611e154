//! How the samples of an average belong together.

use crate::error::Result;
use crate::input::batch::Batch;
use crate::sampling::moments::{Aggregate, Moments, RowCertainty, largest_values};

/// How the samples of an average belong together. It decides how the standard error is computed; the
/// average itself is always the mean of all samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Design {
    /// Samples are independent of each other.
    #[default]
    Independent,
    /// So many samples in a row form a group. Groups are independent of each other; the samples of a
    /// group are not, so that their errors cancel. The standard error is that of the mean of groups.
    Groups(usize),
    /// All that can be drawn is cut into equal parts, and each part gets two samples in a row. These
    /// two are independent of each other. The standard error comes from the differences between the
    /// two, because differences between the parts are no error.
    Strata,
}

impl Design {
    /// Returns the number of samples in a row that belong together.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Independent => 1,
            Self::Groups(size) => size,
            Self::Strata => 2,
        }
    }

    /// Returns this design, or [`Design::Independent`] if `samples` are too few for two groups.
    pub(crate) fn for_samples(self, samples: usize) -> Self {
        if samples < 2 * self.size() { Self::Independent } else { self }
    }
}

/// The moments of samples that belong together.
#[derive(Clone, Debug)]
pub(crate) struct DesignMoments {
    design: Design,
    aggregate: Aggregate,
    /// The moments of all samples.
    all: Option<Moments>,
    /// The moments of the means of groups, or of half the differences of two samples.
    spread: Option<Moments>,
    /// The group that is not complete.
    open: Option<OpenGroup>,
}

/// The samples so far of a group.
#[derive(Clone, Debug)]
struct OpenGroup {
    /// Their sum, or for strata the only one.
    sum: Batch,
    count: usize,
}

impl DesignMoments {
    /// Starts with no samples.
    pub fn new(design: Design, aggregate: Aggregate) -> Self {
        Self { design, aggregate, all: None, spread: None, open: None }
    }

    /// Adds a sample. `largest` are the largest absolute values of its rows.
    pub fn push(&mut self, sample: Batch, largest: &[f64]) -> Result<()> {
        let size = self.design.size();
        if size > 1 {
            self.push_to_group(&sample, size)?;
        }
        self.all = Some(Moments::push(self.all.take(), self.aggregate, sample, largest));
        Ok(())
    }

    /// Adds a sample to the group that is not complete, and the group to the spread if it is complete
    /// now.
    fn push_to_group(&mut self, sample: &Batch, size: usize) -> Result<()> {
        let strata = self.design == Design::Strata;
        let group = match self.open.take() {
            None => OpenGroup { sum: sample.clone(), count: 1 },
            Some(OpenGroup { sum, count }) => {
                let add = |sum, sample| if strata { sum - sample } else { sum + sample };
                OpenGroup { sum: sum.zip(sample, add), count: count + 1 }
            }
        };
        if group.count < size {
            self.open = Some(group);
            return Ok(());
        }
        let part = group.sum.map(|part| part.div_scalar(size as f64));
        let largest = largest_values(&part)?;
        self.spread = Some(Moments::push(self.spread.take(), self.aggregate, part, &largest));
        Ok(())
    }

    /// Ends a round of samples. A stratum with a single sample stays out of the standard error.
    pub fn end_round(&mut self) {
        if self.design == Design::Strata {
            self.open = None;
        }
    }

    /// Returns the moments of all samples with the spread that their design has.
    fn whole(&self) -> Option<Moments> {
        let all = self.all.as_ref()?;
        match (self.design, &self.spread) {
            (Design::Independent, _) => Some(all.clone()),
            (_, Some(spread)) => Some(all.with_spread_of(spread, self.design.size())),
            (_, None) => Some(all.without_spread()),
        }
    }

    /// Returns the aggregate of every value, and its standard error if it is known.
    pub fn finish(&self) -> (Batch, Option<Batch>) {
        self.whole().expect("at least one sample").finish()
    }

    /// Returns how sure each row is. Ignores fixed inputs.
    pub fn certainty(&self) -> Result<Vec<RowCertainty>> {
        self.whole().expect("at least one sample").certainty()
    }

    /// Returns the moments of the given rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        let select = |moments: &Option<Moments>| moments.as_ref().map(|it| it.select(rows));
        let open = |open: &OpenGroup| OpenGroup { sum: open.sum.select(rows), count: open.count };
        Self {
            all: select(&self.all),
            spread: select(&self.spread),
            open: self.open.as_ref().map(open),
            ..*self
        }
    }

    /// Concatenates the moments of several blocks of rows, of the same samples.
    pub fn stack(blocks: &[Self]) -> Self {
        let stack = |of: &dyn Fn(&Self) -> Option<Moments>| {
            let blocks: Option<Vec<Moments>> = blocks.iter().map(of).collect();
            blocks.map(|blocks| Moments::stack(&blocks))
        };
        let sums = blocks.iter().map(|block| block.open.as_ref().map(|open| open.sum.clone()));
        let sums: Option<Vec<Batch>> = sums.collect();
        let open = sums
            .zip(blocks[0].open.as_ref())
            .map(|(sums, open)| OpenGroup { sum: Batch::stack(&sums), count: open.count });
        let (all, spread) = (stack(&|block| block.all.clone()), stack(&|it| it.spread.clone()));
        Self { all, spread, open, ..blocks[0] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device, Tensor};

    /// Returns the mean and the standard error of samples of one value.
    fn of(design: Design, samples: &[f64]) -> (f64, Option<f64>) {
        let mut moments = DesignMoments::new(design, Aggregate::Mean);
        for sample in samples {
            let options = (&Device::flex(), DType::F64);
            let sample = Batch::new(Tensor::<2>::from_data([[*sample]], options)).unwrap();
            let largest = largest_values(&sample).unwrap();
            moments.push(sample, &largest).unwrap();
        }
        moments.end_round();
        let (mean, error) = moments.finish();
        let host = |batch: Batch| batch.host_rows().unwrap()[0][0];
        (host(mean), error.map(host))
    }

    fn close(found: (f64, Option<f64>), mean: f64, error: f64) {
        assert!((found.0 - mean).abs() < 1e-12, "{found:?}");
        assert!((found.1.unwrap() - error).abs() < 1e-12, "{found:?}");
    }

    #[test]
    fn groups_have_the_standard_error_of_their_means() {
        // Means 2, 5 and 2: variance 3.
        let samples = [1.0, 3.0, 6.0, 4.0, -8.0, 12.0];
        close(of(Design::Groups(2), &samples), 3.0, 1.0);
        // A sample without a partner counts in the mean, and the error is that of its share.
        let more = [&samples[..], &[10.0]].concat();
        close(of(Design::Groups(2), &more), 4.0, (6.0f64 / 7.0).sqrt());
    }

    #[test]
    fn strata_have_the_standard_error_of_their_differences() {
        // Half the differences are -1, 1 and 3: mean 1, variance 4.
        let samples = [1.0, 3.0, 102.0, 100.0, 1006.0, 1000.0];
        close(of(Design::Strata, &samples), 2212.0 / 6.0, (4.0f64 / 3.0).sqrt());
    }

    #[test]
    fn one_group_has_no_standard_error() {
        assert_eq!(of(Design::Groups(2), &[1.0, 3.0]), (2.0, None));
        assert_eq!(of(Design::Groups(4), &[1.0, 3.0]), (2.0, None));
        assert_eq!(Design::Strata.for_samples(3), Design::Independent);
        assert_eq!(Design::Groups(4).for_samples(8), Design::Groups(4));
    }

    #[test]
    fn rare_values_are_noticed_in_groups() {
        let decided = |samples: &[f64]| {
            let mut moments = DesignMoments::new(Design::Groups(2), Aggregate::Mean);
            for sample in samples {
                let sample = Tensor::<2>::from_data([[*sample as f32]], &Device::flex());
                let sample = Batch::new(sample).unwrap();
                moments.push(sample, &[1.0]).unwrap();
            }
            moments.certainty().unwrap()[0].decided
        };
        let rare: Vec<f64> = (0..50).map(|k| f64::from(u8::from(k == 7))).collect();
        assert!(decided(&rare) == 1.0);
        let even: Vec<f64> = (0..50).map(|k| f64::from(k % 5)).collect();
        assert!(decided(&even) == 0.0);
    }
}
