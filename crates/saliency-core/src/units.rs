//! How rows and their repeats (points of a path, samples) are cut into what a model is given at once.

use std::ops::Range;

/// What the model is given at once: some rows, each a number of times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Which of the blocks that the rows are cut into.
    pub block: usize,
    pub rows: Range<usize>,
    pub repeats: Range<usize>,
}

impl Unit {
    /// Inputs in this unit.
    pub fn items(&self) -> usize {
        self.rows.len() * self.repeats.len()
    }

    /// The row of each input: all rows, then all rows again.
    pub fn row_of_each(&self) -> Vec<usize> {
        self.repeats.clone().flat_map(|_| self.rows.clone()).collect()
    }

    /// A number for each input that depends on its repeat.
    pub fn repeat_of_each<T: Clone>(&self, of: impl Fn(usize) -> T) -> Vec<T> {
        self.repeats.clone().flat_map(|k| std::iter::repeat_n(of(k), self.rows.len())).collect()
    }
}

/// Rows and their repeats, cut into units: several repeats of all rows, or some of the rows once.
/// Blocks of rows come one after the other, each with all its repeats.
///
/// Units are made when they are asked for: a million samples take no memory.
pub(crate) struct Units {
    rows: Range<usize>,
    blocks: usize,
    repeats: Range<usize>,
    groups: usize,
}

impl Units {
    /// Units of about `chunk` inputs.
    pub fn new(rows: usize, repeats: Range<usize>, chunk: usize) -> Self {
        let together = (chunk / rows).max(1);
        let groups = repeats.len().div_ceil(together);
        Self { rows: 0..rows, blocks: rows.div_ceil(chunk), repeats, groups }
    }

    pub fn len(&self) -> usize {
        self.blocks * self.groups
    }

    pub fn get(&self, at: usize) -> Unit {
        let (block, group) = (at / self.groups, at % self.groups);
        let rows = part(&self.rows, block, self.blocks);
        Unit { block, rows, repeats: part(&self.repeats, group, self.groups) }
    }

    /// Inputs in the units before.
    pub fn items_before(&self, unit: &Unit) -> usize {
        let of_block = (unit.repeats.start - self.repeats.start) * unit.rows.len();
        unit.rows.start * self.repeats.len() + of_block
    }
}

/// One of `parts` parts of a range, as equal as can be.
fn part(range: &Range<usize>, part: usize, parts: usize) -> Range<usize> {
    let (short, longer) = (range.len() / parts, range.len() % parts);
    let cut = |part: usize| range.start + part * short + part.min(longer);
    cut(part)..cut(part + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_cover_every_row_and_repeat_once_and_are_no_larger_than_a_chunk() {
        for (rows, repeats, chunk) in [(1, 50, 21), (3, 10, 8), (7, 4, 3), (5, 1, 100), (2, 3, 1)] {
            let units = Units::new(rows, 10..10 + repeats, chunk);
            let mut seen = vec![vec![0; repeats]; rows];
            let mut before = 0;
            for unit in (0..units.len()).map(|at| units.get(at)) {
                assert_eq!(units.items_before(&unit), before);
                before += unit.items();
                assert!(unit.items() <= chunk && unit.items() > 0, "{unit:?}");
                assert_eq!(unit.row_of_each().len(), unit.items());
                for (row, repeat) in
                    unit.row_of_each().into_iter().zip(unit.repeat_of_each(|repeat| repeat))
                {
                    seen[row][repeat - 10] += 1;
                }
            }
            assert!(seen.iter().flatten().all(|&count| count == 1), "{seen:?}");
        }
    }
}
