//! The scores of coalitions, and Shapley values made of them.

use crate::error::Result;
use crate::execution::question::Question;
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::input::groups::Partition;
use crate::masks::copies::Copies;
use crate::random::key::{Key, Stream, in_order_of};
use crate::sampling::samples::SampleMaps;

/// The most groups whose coalitions are all scored: about a million.
pub(crate) const MOST_GROUPS: usize = 20;

/// A game for each row: its players are groups of values, and the worth of a coalition is the score
/// of a copy in which all other groups are covered, minus the score of the baseline.
pub(crate) struct Game<'a> {
    pub copies: &'a Copies<'a>,
    pub groups: &'a Partition,
    pub scores: &'a [f64],
    pub baseline_scores: &'a [f64],
    pub schedule: &'a Schedule,
}

impl<'a> Game<'a> {
    /// Returns the Shapley value of every group, row after row, from the scores of all coalitions.
    ///
    /// ```text
    /// Σ w(z) / (G · C(G - 1, |z| - 1)) over z with g  -  Σ w(z) / (G · C(G - 1, |z|)) over the others
    /// ```
    ///
    /// The worth `w(z)` of a coalition is its score minus that of the baseline.
    ///
    /// # Errors
    /// Those of [`Work::run`] and [`Copies::covered`].
    pub fn exact(&self) -> Result<Vec<f64>> {
        let (count, rows) = (self.groups.count(), self.scores.len());
        let weights = Weights::new(count);
        let mut values = vec![0.0; rows * count];
        let all = (1usize << count) - 1;
        // The empty coalition is worth nothing.
        for row in 0..rows {
            let own = &mut values[row * count..(row + 1) * count];
            weights.add(own, all, self.scores[row] - self.baseline_scores[row]);
        }
        let work = Work::start(self.schedule, &self.copies.question.input, rows * (all - 1))?;
        if all == 1 {
            return Ok(values);
        }
        work.run(
            &work.chunks(rows, 1..all),
            |chunk| {
                let inside = chunk.repeat_of_each(|coalition| coalition);
                let covered = |copy: usize, group: usize| inside[copy] >> group & 1 == 0;
                let masks = self.groups.masks(inside.len(), covered);
                self.copies.covered(&chunk.row_of_each(), &masks)
            },
            |chunk, scores| {
                let coalitions = chunk.repeat_of_each(|coalition| coalition);
                let of_each = chunk.row_of_each().into_iter().zip(coalitions).zip(scores);
                for ((row, coalition), score) in of_each {
                    let own = &mut values[row * count..(row + 1) * count];
                    weights.add(own, coalition, score - self.baseline_scores[row]);
                }
                Ok(())
            },
        )?;
        Ok(values)
    }

    /// Returns what coalitions of all sizes except one group and all but one add to the
    /// [effects](Self::effects) of groups.
    ///
    /// # Errors
    /// Those of [`effects`](Self::effects).
    pub fn residual(&'a self, seed: u64) -> Result<Residual<'a>> {
        let (effects, sizes) = (self.effects()?, Sizes::new(self.groups.count()));
        Ok(Residual { game: self, effects, sizes, seed, silent: self.schedule.silent() })
    }

    /// Scores every group alone and all but every group, and returns the mean change of score by
    /// each group, row after row: an additive model of the score.
    ///
    /// # Errors
    /// Those of [`Work::run`] and [`Copies::covered`].
    pub fn effects(&self) -> Result<Vec<f64>> {
        let (count, rows) = (self.groups.count(), self.scores.len());
        let silent = self.schedule.silent();
        let mut effects = vec![0.0; rows * count];
        let work = Work::start(&silent, &self.copies.question.input, 2 * rows * count)?;
        work.run(
            &work.chunks(rows, 0..2 * count),
            |chunk| {
                let copies = chunk.repeat_of_each(|copy| copy);
                let covered = |copy: usize, group: usize| {
                    let (alone, own) = (copies[copy] < count, copies[copy] % count == group);
                    alone != own
                };
                let masks = self.groups.masks(copies.len(), covered);
                self.copies.covered(&chunk.row_of_each(), &masks)
            },
            |chunk, scores| {
                let copies = chunk.repeat_of_each(|copy| copy);
                for ((row, copy), score) in chunk.row_of_each().into_iter().zip(copies).zip(scores)
                {
                    let change = match copy < count {
                        true => score - self.baseline_scores[row],
                        false => self.scores[row] - score,
                    };
                    effects[row * count + copy % count] += 0.5 * change;
                }
                Ok(())
            },
        )?;
        Ok(effects)
    }
}

/// The weights of coalitions in Shapley values, by their size.
struct Weights {
    /// For a group inside a coalition of this size.
    inside: Vec<f64>,
    /// For a group outside.
    outside: Vec<f64>,
}

impl Weights {
    fn new(groups: usize) -> Self {
        // 1 / (groups · C(groups - 1, size))
        let mut outside = vec![1.0 / groups as f64];
        for size in 1..groups {
            let before = outside[size - 1];
            outside.push(before * size as f64 / (groups - size) as f64);
        }
        let inside = std::iter::once(0.0).chain(outside.iter().copied()).collect();
        outside.push(0.0);
        Self { inside, outside }
    }

    /// Adds the part of a coalition, whose members are the bits of a number.
    fn add(&self, values: &mut [f64], coalition: usize, worth: f64) {
        let size = coalition.count_ones() as usize;
        for (group, value) in values.iter_mut().enumerate() {
            *value += match coalition >> group & 1 {
                1 => self.inside[size] * worth,
                _ => -self.outside[size] * worth,
            };
        }
    }
}

/// The part of a game that is not additive.
pub(crate) struct Residual<'a> {
    game: &'a Game<'a>,
    /// The effect of every group in the additive part, row after row.
    effects: Vec<f64>,
    sizes: Sizes,
    seed: u64,
    silent: Schedule,
}

impl Residual<'_> {
    /// Draws a coalition for each of the given rows, scores it and its complement, and returns
    /// Shapley values whose mean over all samples is right.
    ///
    /// # Errors
    /// Those of [`Copies::covered`].
    pub fn draw(&self, rows: &[usize], samples: &[usize]) -> Result<SampleMaps> {
        let Game { copies, groups, .. } = self.game;
        let Question { input, rows: all, .. } = copies.question;
        let keys = all.select(rows).keys(self.seed, samples);
        let drawn: Vec<Vec<bool>> = keys.iter().map(|&key| self.sizes.coalition(key)).collect();
        let work = copies.interruptible(&self.silent)?;
        let outside = groups.masks(rows.len(), |copy, group| !drawn[copy][group]);
        let scores = copies.covered(rows, &outside)?;
        work.check_cancelled()?;
        let inside = groups.masks(rows.len(), |copy, group| drawn[copy][group]);
        let complements = copies.covered(rows, &inside)?;
        let mut values = Vec::with_capacity(rows.len() * groups.count());
        for (copy, &row) in rows.iter().enumerate() {
            let change = scores[copy] - complements[copy];
            values.extend(self.values(row, &drawn[copy], change));
        }
        let values = groups.spread(&values, input);
        Ok(SampleMaps { evaluations: vec![2; rows.len()], ..SampleMaps::new(values) })
    }

    /// Returns the Shapley values of a row in one sample, given a coalition and its score minus that
    /// of its complement.
    fn values(&self, row: usize, coalition: &[bool], change: f64) -> Vec<f64> {
        let count = coalition.len();
        let effects = &self.effects[row * count..(row + 1) * count];
        let total = self.game.scores[row] - self.game.baseline_scores[row];
        let equal = (total - effects.iter().sum::<f64>()) / count as f64;
        // The additive part of the change.
        let signed = effects.iter().zip(coalition);
        let additive: f64 =
            signed.map(|(effect, inside)| if *inside { *effect } else { -effect }).sum();
        let members = coalition.iter().filter(|inside| **inside).count();
        let share = members as f64 / count as f64;
        let rest = self.sizes.factor * (change - additive);
        let of_group = |(effect, &inside): (&f64, &bool)| {
            effect + equal + rest * (f64::from(u8::from(inside)) - share)
        };
        effects.iter().zip(coalition).map(of_group).collect()
    }
}

/// The sizes of coalitions from 2 to all but 2, with the probabilities of the Shapley kernel.
struct Sizes {
    groups: usize,
    /// The probability of each size or a smaller one.
    up_to: Vec<f64>,
    /// The harmonic number, times the probability that a coalition has one of these sizes.
    factor: f64,
}

impl Sizes {
    /// Takes at least four groups.
    fn new(groups: usize) -> Self {
        let weight = |size: usize| 1.0 / (size as f64 * (groups - size) as f64);
        let mut sum = 0.0;
        let up_to: Vec<f64> = (2..=groups - 2)
            .map(|size| {
                sum += weight(size);
                sum
            })
            .collect();
        let all = sum + 2.0 * weight(1);
        let harmonic: f64 = (1..groups).map(|k| 1.0 / k as f64).sum();
        let factor = harmonic * sum / all;
        Self { groups, up_to: up_to.into_iter().map(|it| it / sum).collect(), factor }
    }

    /// Draws a coalition: whether each group is inside.
    fn coalition(&self, key: Key) -> Vec<bool> {
        let numbers = key.uniform(Stream::Cover, self.groups + 1);
        let size = self.up_to.iter().take_while(|up_to| **up_to <= numbers[0]).count();
        let size = 2 + size.min(self.up_to.len() - 1);
        let mut inside = vec![false; self.groups];
        in_order_of(&numbers[1..]).into_iter().take(size).for_each(|group| inside[group] = true);
        inside
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the Shapley values of a game, by all coalitions.
    fn shapley(groups: usize, worth: impl Fn(usize) -> f64) -> Vec<f64> {
        let weights = Weights::new(groups);
        let mut values = vec![0.0; groups];
        (0..1 << groups).for_each(|z| weights.add(&mut values, z, worth(z)));
        values
    }

    #[test]
    fn the_shapley_values_of_a_game_of_three_are_those_by_hand() {
        // Gloves: the first player has a left one, the others have right ones.
        let gloves = |z: usize| f64::from(u8::from(z & 1 == 1 && z >> 1 != 0));
        let found = shapley(3, gloves);
        for (found, right) in found.into_iter().zip([4.0 / 6.0, 1.0 / 6.0, 1.0 / 6.0]) {
            assert!((found - right).abs() < 1e-15, "{found}");
        }
        assert_eq!(shapley(1, |z| z as f64), [1.0]);
    }

    #[test]
    fn the_mean_over_all_coalitions_is_the_shapley_value() {
        // Any numbers.
        let worth = |z: usize| ((z * z + 3 * z) as f64 * 0.7).sin() + z.count_ones() as f64;
        for groups in 4..8 {
            let all = (1usize << groups) - 1;
            let effects = (0..groups).map(|g| {
                let alone = worth(1 << g) - worth(0);
                0.5 * (alone + worth(all) - worth(all ^ (1 << g)))
            });
            let effects: Vec<f64> = effects.collect();
            let sizes = Sizes::new(groups);
            let total = worth(all) - worth(0);
            let equal = (total - effects.iter().sum::<f64>()) / groups as f64;
            let mut means: Vec<f64> = effects.iter().map(|effect| effect + equal).collect();
            for z in 1..all {
                let size = z.count_ones() as usize;
                if size < 2 || size > groups - 2 {
                    continue;
                }
                let before = if size == 2 { 0.0 } else { sizes.up_to[size - 3] };
                let of_size = (0..=all).filter(|z| z.count_ones() as usize == size).count();
                let probability = (sizes.up_to[size - 2] - before) / of_size as f64;
                let sign = |g: usize| if z >> g & 1 == 1 { 1.0 } else { -1.0 };
                let additive: f64 = (0..groups).map(|g| sign(g) * effects[g]).sum();
                let rest = sizes.factor * (worth(z) - worth(all ^ z) - additive);
                for (g, mean) in means.iter_mut().enumerate() {
                    let inside = (z >> g & 1) as f64;
                    *mean += probability * rest * (inside - size as f64 / groups as f64);
                }
            }
            for (mean, right) in means.iter().zip(shapley(groups, worth)) {
                assert!((mean - right).abs() < 1e-12, "{mean} {right}");
            }
        }
    }

    #[test]
    fn sizes_of_coalitions_are_drawn_by_the_shapley_kernel() {
        let sizes = Sizes::new(6);
        let mut seen = [0usize; 7];
        for sample in 0..10_000 {
            let drawn = sizes.coalition(Key { seed: 0, row: 0, sample });
            seen[drawn.iter().filter(|inside| **inside).count()] += 1;
        }
        // 1/8, 1/9 and 1/8 in proportion.
        for (size, right) in [(2, 9.0 / 26.0), (3, 8.0 / 26.0), (4, 9.0 / 26.0)] {
            assert!((seen[size] as f64 / 10_000.0 - right).abs() < 0.02, "{seen:?}");
        }
        assert_eq!(seen[2..5].iter().sum::<usize>(), 10_000);
    }
}
