//! Random segments of a time series.

use crate::random::key::{Key, Stream};

/// How the values of one row of a tensor are arranged: `[outer, steps, inner]`. A feature is a pair
/// of an outer and an inner position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeriesLayout {
    outer: usize,
    pub steps: usize,
    inner: usize,
}

impl SeriesLayout {
    /// Returns the layout of a tensor whose axis `time` is time; axis 0 counts rows.
    pub fn new(shape: &[usize], time: usize) -> Self {
        let outer = shape[1..time].iter().product();
        let inner = shape[time + 1..].iter().product();
        Self { outer, steps: shape[time], inner }
    }

    /// Returns the number of series of a row.
    pub fn features(self) -> usize {
        self.outer * self.inner
    }

    /// Returns the step of each value of a row.
    pub fn step_of_each(self) -> impl Iterator<Item = usize> {
        let width = self.features() * self.steps;
        (0..width).map(move |at| at / self.inner % self.steps)
    }

    /// Returns the position of a value in its row.
    fn position(self, feature: usize, step: usize) -> usize {
        let (outer, inner) = (feature / self.inner, feature % self.inner);
        (outer * self.steps + step) * self.inner + inner
    }
}

/// A number of random segments. Each is in one feature, which is drawn uniformly, as are its length
/// and then its start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Segments {
    pub layout: SeriesLayout,
    pub count: usize,
    /// The least and the largest length, in steps: at least 1, and no more than there are steps.
    pub lengths: [usize; 2],
}

impl Segments {
    /// Returns, for each step, the probability that a value of this step is in no segment.
    pub fn free_shares(&self) -> Vec<f64> {
        let missed = |covered: f64| 1.0 - covered / self.layout.features() as f64;
        self.covered_shares()
            .map(|covered| missed(covered).max(0.0).powf(self.count as f64))
            .collect()
    }

    /// Returns the largest number of such segments with which every value is in no segment with at
    /// least the given probability.
    pub fn most_with_free_share(&self, least: f64) -> usize {
        let covered = self.covered_shares().fold(0.0, f64::max);
        let missed = 1.0 - covered / self.layout.features() as f64;
        if missed <= 0.0 {
            return 0;
        }
        // The tiny addition makes up for rounding where the quotient is a whole number.
        (least.ln() / missed.ln() + 1e-9) as usize
    }

    /// Returns, for each step, the probability that a segment of the same feature covers it.
    ///
    /// The number of starts with which a segment of one length covers a step rises by one for each
    /// step, stays, and falls again. Its second differences are not zero in three places only, so
    /// that all lengths together take no longer than one.
    fn covered_shares(&self) -> impl Iterator<Item = f64> {
        let steps = self.layout.steps;
        let mut bends = vec![0.0; steps + 1];
        let [least, most] = self.lengths;
        let lengths = (most - least + 1) as f64;
        for length in least..=most {
            let starts = steps - length + 1;
            let share = 1.0 / (lengths * starts as f64);
            bends[0] += share;
            bends[length] -= share;
            bends[starts] -= share;
        }
        let (mut slope, mut covered) = (0.0, 0.0);
        bends.into_iter().take(steps).map(move |bend| {
            slope += bend;
            covered += slope;
            f64::clamp(covered, 0.0, 1.0)
        })
    }

    /// Draws the segments, and returns for each value of a row whether it is in none of them.
    pub fn draw_free(&self, key: Key, stream: Stream) -> Vec<bool> {
        let Self { layout, count, lengths: [least, most] } = *self;
        let mut free = vec![true; layout.features() * layout.steps];
        // A number below `count`, from a number in 0..1.
        let choose = |number: f64, count: usize| ((number * count as f64) as usize).min(count - 1);
        for numbers in key.uniform(stream, 3 * count).chunks(3) {
            let feature = choose(numbers[0], layout.features());
            let length = least + choose(numbers[1], most - least + 1);
            let start = choose(numbers[2], layout.steps - length + 1);
            for step in start..start + length {
                free[layout.position(feature, step)] = false;
            }
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(shape: &[usize], time: usize, count: usize, lengths: [usize; 2]) -> Segments {
        Segments { layout: SeriesLayout::new(shape, time), count, lengths }
    }

    #[test]
    fn steps_are_counted_along_the_axis_of_time() {
        let steps = |shape: &[usize], time| -> Vec<usize> {
            SeriesLayout::new(shape, time).step_of_each().collect()
        };
        assert_eq!(steps(&[9, 2, 3], 2), [0, 1, 2, 0, 1, 2]);
        assert_eq!(steps(&[9, 3, 2], 1), [0, 0, 1, 1, 2, 2]);
        assert_eq!(steps(&[9, 2, 2, 2], 2), [0, 0, 1, 1, 0, 0, 1, 1]);
        let layout = SeriesLayout::new(&[9, 2, 3, 4], 2);
        assert_eq!((layout.features(), layout.steps), (8, 3));
        let mut all: Vec<usize> = (0..8)
            .flat_map(|feature| (0..3).map(move |step| layout.position(feature, step)))
            .collect();
        all.sort_unstable();
        assert_eq!(all, (0..24).collect::<Vec<_>>());
    }

    #[test]
    fn the_share_of_free_values_is_counted_exactly() {
        // Segments of two or three of four steps start at 0, 1, 2 or at 0, 1: with each length they
        // cover the steps 1, 2, 2, 1 times of 3, and 1, 2, 2, 1 times of 2.
        let one = segments(&[1, 4], 1, 1, [2, 3]);
        let expected = [1.0, 2.0, 2.0, 1.0].map(|times| 1.0 - 0.5 * (times / 3.0 + times / 2.0));
        for (found, expected) in one.free_shares().into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
        }
        // Three segments in five features.
        let three = segments(&[1, 5, 4], 2, 3, [2, 3]);
        let expected = expected.map(|free| (1.0 - (1.0 - free) / 5.0).powi(3));
        for (found, expected) in three.free_shares().into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
        }
        assert_eq!(segments(&[1, 7], 1, 1, [7, 7]).free_shares(), [0.0; 7]);
        assert_eq!(segments(&[1, 7], 1, 0, [1, 7]).free_shares(), [1.0; 7]);
    }

    #[test]
    fn drawn_segments_leave_as_many_values_free_as_their_share_says() {
        let draws = 20_000;
        for (shape, time, count, lengths) in [
            (vec![1, 3, 6], 2, 4, [1, 4]),
            (vec![1, 6, 3], 1, 4, [1, 4]),
            (vec![1, 5], 1, 1, [2, 2]),
        ] {
            let segments = segments(&shape, time, count, lengths);
            let shares = segments.free_shares();
            let mut times = vec![0; segments.layout.step_of_each().count()];
            for sample in 0..draws {
                let key = Key { seed: 1, row: 0, sample };
                let free = segments.draw_free(key, Stream::Segments { tensor: 0 });
                times.iter_mut().zip(free).for_each(|(times, free)| *times += u32::from(free));
            }
            for (step, times) in segments.layout.step_of_each().zip(times) {
                let (share, found) = (shares[step], f64::from(times) / draws as f64);
                let error = (share * (1.0 - share) / draws as f64).sqrt();
                assert!((found - share).abs() < 4.5 * error, "step {step}: {found}, {share}");
            }
        }
    }

    #[test]
    fn the_most_segments_leave_the_least_share_free() {
        for (shape, lengths) in [(vec![1, 1, 20], [4, 10]), (vec![1, 8, 20], [4, 10])] {
            let none = segments(&shape, 2, 0, lengths);
            let most = none.most_with_free_share(0.25);
            let least = |count| {
                let shares = Segments { count, ..none }.free_shares();
                shares.into_iter().fold(1.0, f64::min)
            };
            assert!(least(most) >= 0.25 && least(most + 1) < 0.25, "{shape:?}: {most}");
        }
        // The only step cannot be free beside a segment.
        assert_eq!(segments(&[1, 1], 1, 0, [1, 1]).most_with_free_share(0.25), 0);
        // Of two features one is free: (1/2)² is a quarter exactly.
        assert_eq!(segments(&[1, 2, 1], 2, 0, [1, 1]).most_with_free_share(0.25), 2);
    }
}
