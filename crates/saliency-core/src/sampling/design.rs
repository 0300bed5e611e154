//! How the samples of an average belong together.

use std::ops::Range;

use crate::error::Result;
use crate::input::batch::Batch;
use crate::sampling::aggregate::Aggregate;
use crate::sampling::certainty::RowCertainty;
use crate::sampling::moments::{Maps, Moments};

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
    /// All that can be drawn is cut into so many equal parts, and each part gets its share of the
    /// samples of a round, in a row. These are independent of each other. The standard error comes
    /// from the differences within parts, because differences between the parts are no error.
    Strata(usize),
}

impl Design {
    /// Returns this design, or [`Design::Independent`] if `samples` are too few for two groups, or for
    /// two in each part.
    pub(crate) fn for_samples(self, samples: usize) -> Self {
        match self {
            Self::Groups(number) | Self::Strata(number) if samples < 2 * number => {
                Self::Independent
            }
            _ => self,
        }
    }

    /// Returns the number of samples that a round must be a multiple of.
    pub(crate) fn multiple(self) -> usize {
        match self {
            Self::Independent => 1,
            Self::Groups(number) | Self::Strata(number) => number,
        }
    }
}

/// The moments of samples that belong together.
#[derive(Clone, Debug)]
pub(crate) struct DesignMoments {
    design: Design,
    aggregate: Aggregate,
    /// The moments of all samples.
    all: Option<Moments>,
    /// The moments of the means of groups, or of the differences within parts.
    spread: Option<Moments>,
    /// The group or part that the next sample may belong to.
    open: Option<OpenGroup>,
}

/// The samples so far of a group or a part.
#[derive(Clone, Debug)]
struct OpenGroup {
    sum: Maps,
    /// The numbers of the samples.
    samples: Range<usize>,
}

impl DesignMoments {
    /// Starts with no samples.
    pub fn new(design: Design, aggregate: Aggregate) -> Self {
        Self { design, aggregate, all: None, spread: None, open: None }
    }

    /// Adds maps of consecutive samples. For each sample, `groups` has the numbers of the samples of
    /// its group or part, of which it is the next. `like` is an input with the form of the maps.
    pub fn push(&mut self, maps: Maps, groups: &[Range<usize>], like: &Batch) -> Result<()> {
        if self.design != Design::Independent {
            for (at, group) in groups.iter().enumerate() {
                self.push_to_group(maps.sample(at, groups.len()), group, like)?;
            }
        }
        let samples = groups.len();
        self.all = Some(Moments::push(self.all.take(), self.aggregate, maps, samples, like));
        Ok(())
    }

    fn push_to_group(&mut self, sample: Maps, group: &Range<usize>, like: &Batch) -> Result<()> {
        let before = self.open.take().filter(|open| open.samples.start == group.start);
        let Some(OpenGroup { sum, samples }) = before else {
            let samples = group.start..group.start + 1;
            self.open = Some(OpenGroup { sum: sample, samples });
            return Ok(());
        };
        let count = samples.len() as f64;
        let part = match self.design {
            Design::Strata(_) => {
                // Has the variance of a single sample, and no mean.
                let scale = (count * (count + 1.0)).sqrt().recip();
                Some(sum.combined(scale, &sample, -count * scale)?)
            }
            _ if samples.len() + 1 == group.len() => {
                let share = (count + 1.0).recip();
                Some(sum.combined(share, &sample, share)?)
            }
            _ => None,
        };
        if let Some(part) = part {
            self.spread = Some(Moments::push(self.spread.take(), self.aggregate, part, 1, like));
        }
        let sum = sum.combined(1.0, &sample, 1.0)?;
        self.open = Some(OpenGroup { sum, samples: samples.start..samples.end + 1 });
        Ok(())
    }

    fn all(&self) -> &Moments {
        self.all.as_ref().expect("at least one sample")
    }

    /// Returns the standard errors that a design of groups or parts has, from independent parts. Each
    /// of them stands for some samples; samples that no part stands for are taken to err as the
    /// others do.
    fn errors_of_parts(&self) -> Option<Batch> {
        let spread = self.spread.as_ref()?;
        let size = match self.design {
            Design::Groups(size) => size,
            // Each difference varies as a sample does.
            Design::Strata(_) | Design::Independent => 1,
        };
        let share = (spread.count() * size) as f64 / self.all().count() as f64;
        let (_, errors) = spread.finish();
        errors.map(|errors| errors.map(|part| part.mul_scalar(share.sqrt())))
    }

    /// Returns the aggregate of every value, and its standard error if it is known.
    pub fn finish(&self) -> (Batch, Option<Batch>) {
        let (values, errors) = self.all().finish();
        match self.design {
            Design::Independent => (values, errors),
            _ => (values, self.errors_of_parts()),
        }
    }

    /// Returns how sure each row is. Ignores fixed inputs.
    pub fn certainty(&self) -> Result<Vec<RowCertainty>> {
        match self.design {
            Design::Independent => self.all().certainty(),
            _ => self.all().certainty_with(self.errors_of_parts().as_ref()),
        }
    }

    /// Returns the moments of the given rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        let select = |moments: &Option<Moments>| moments.as_ref().map(|it| it.select(rows));
        let all = self.all().rows();
        let open = |open: &OpenGroup| OpenGroup {
            sum: open.sum.select(rows, all),
            samples: open.samples.clone(),
        };
        Self {
            all: select(&self.all),
            spread: select(&self.spread),
            open: self.open.as_ref().map(open),
            ..*self
        }
    }

    /// Concatenates the moments of several blocks of rows, of the same samples.
    pub fn stack(blocks: Vec<Self>) -> Self {
        let (design, aggregate) = (blocks[0].design, blocks[0].aggregate);
        let samples = blocks[0].open.as_ref().map(|open| open.samples.clone());
        let (mut all, mut spread, mut sums) = (Vec::new(), Vec::new(), Vec::new());
        for block in blocks {
            all.extend(block.all);
            spread.extend(block.spread);
            sums.extend(block.open.map(|open| open.sum));
        }
        // All blocks have the same samples, so that all of them have a part, or none.
        let stack = |parts: Vec<Moments>| (!parts.is_empty()).then(|| Moments::stack(parts));
        let open = samples.map(|samples| OpenGroup { sum: Maps::stack(sums), samples });
        Self { design, aggregate, all: stack(all), spread: stack(spread), open }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{DType, Device, Tensor};

    /// Returns the moments of samples of one value, which come in groups of `size`.
    fn moments(design: Design, size: usize, samples: &[f64]) -> DesignMoments {
        let mut moments = DesignMoments::new(design, Aggregate::Mean);
        for (at, sample) in samples.iter().enumerate() {
            let options = (&Device::flex(), DType::F64);
            let sample = Batch::new(Tensor::<2>::from_data([[*sample]], options)).unwrap();
            let start = at / size * size;
            let maps = Maps::of(&sample).unwrap();
            let group = start..start + size;
            moments.push(maps, std::slice::from_ref(&group), &sample).unwrap();
        }
        moments
    }

    /// Returns the mean and the standard error of samples of one value.
    fn of(design: Design, size: usize, samples: &[f64]) -> (f64, Option<f64>) {
        let (mean, error) = moments(design, size, samples).finish();
        let host = |batch: Batch| batch.host_rows().unwrap()[0][0];
        (host(mean), error.map(host))
    }

    fn close(found: (f64, Option<f64>), mean: f64, error: f64) {
        assert!((found.0 - mean).abs() < 1e-10, "{found:?}");
        assert!((found.1.unwrap() - error).abs() < 1e-10, "{found:?}, {error}");
    }

    #[test]
    fn groups_have_the_standard_error_of_their_means() {
        // Means 2, 5 and 2: variance 3.
        let samples = [1.0, 3.0, 6.0, 4.0, -8.0, 12.0];
        close(of(Design::Groups(2), 2, &samples), 3.0, 1.0);
        // A sample without a partner counts in the mean, and the error is that of its share.
        let more = [&samples[..], &[10.0]].concat();
        close(of(Design::Groups(2), 2, &more), 4.0, (6.0f64 / 7.0).sqrt());
    }

    #[test]
    fn strata_have_the_standard_error_of_differences_within_them() {
        // Differences over √2: -√2, √2 and 3√2: mean √2, variance 8, for six samples.
        let samples = [1.0, 3.0, 102.0, 100.0, 1006.0, 1000.0];
        close(of(Design::Strata(3), 2, &samples), 2212.0 / 6.0, (8.0f64 / 6.0).sqrt());
        // The squares of the differences within a part add up to those around its mean.
        let samples = [1.0, 4.0, 7.0, 50.0, 50.0, 59.0];
        let differences: [f64; 4] =
            [-3.0 / 2f64.sqrt(), -9.0 / 6f64.sqrt(), 0.0, -18.0 / 6f64.sqrt()];
        let squares: f64 = differences.iter().map(|it| it * it).sum();
        assert!((squares - (18.0 + 54.0)).abs() < 1e-10, "{squares}");
        let mean = differences.iter().sum::<f64>() / 4.0;
        let variance = (squares - 4.0 * mean * mean) / 3.0;
        close(of(Design::Strata(2), 3, &samples), 171.0 / 6.0, (variance / 6.0).sqrt());
    }

    #[test]
    fn one_group_has_no_standard_error() {
        assert_eq!(of(Design::Groups(2), 2, &[1.0, 3.0]), (2.0, None));
        assert_eq!(of(Design::Groups(4), 4, &[1.0, 3.0]), (2.0, None));
        assert_eq!(Design::Strata(2).for_samples(3), Design::Independent);
        assert_eq!(Design::Groups(4).for_samples(8), Design::Groups(4));
    }

    #[test]
    fn rare_values_are_noticed_in_groups() {
        let decided = |samples: &[f64]| {
            moments(Design::Groups(2), 2, samples).certainty().unwrap()[0].decided
        };
        let rare: Vec<f64> = (0..50).map(|k| f64::from(u8::from(k == 7))).collect();
        assert!(decided(&rare) == 1.0);
        let even: Vec<f64> = (0..50).map(|k| f64::from(k % 5)).collect();
        assert!(decided(&even) == 0.0);
    }
}
