//! Cuts rows and their repeats (points of a path, samples) into chunks. The model gets a whole
//! chunk at once.

use std::ops::Range;

/// The part of the work that the model gets at once: some rows, each repeated one or more times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// The number of the block that these rows form.
    pub block: usize,
    /// The rows.
    pub rows: Range<usize>,
    /// The repeats of each row.
    pub repeats: Range<usize>,
}

impl Chunk {
    /// Returns the number of inputs in this chunk.
    pub fn items(&self) -> usize {
        self.rows.len() * self.repeats.len()
    }

    /// Returns the row of each input: all rows for the first repeat, all rows for the next, and so
    /// on.
    pub fn row_of_each(&self) -> Vec<usize> {
        self.repeats.clone().flat_map(|_| self.rows.clone()).collect()
    }

    /// Returns, for each input, the value that `of` gives for its repeat.
    pub fn repeat_of_each<T: Clone>(&self, of: impl Fn(usize) -> T) -> Vec<T> {
        self.repeats.clone().flat_map(|k| std::iter::repeat_n(of(k), self.rows.len())).collect()
    }
}

/// Rows and their repeats, cut into chunks: several repeats of all rows, one repeat of some rows,
/// or all repeats of some rows. Blocks of rows come one after the other, each with all its repeats.
///
/// Chunks are made on request, so that even a million samples need no memory.
#[derive(Clone, Debug)]
pub struct Chunks {
    rows: Range<usize>,
    blocks: usize,
    repeats: Range<usize>,
    groups: usize,
}

impl Chunks {
    /// Cuts the repeats of `rows` rows into chunks of about `size` inputs.
    pub(crate) fn new(rows: usize, repeats: Range<usize>, size: usize) -> Self {
        let together = (size / rows).max(1);
        let groups = repeats.len().div_ceil(together);
        Self { rows: 0..rows, blocks: rows.div_ceil(size), repeats, groups }
    }

    /// Cuts rows into chunks that hold all repeats of their rows, with about `size` inputs each. If
    /// a chunk has no room for all repeats of a row, does the same as [`new`](Self::new).
    pub(crate) fn of_whole_rows(rows: usize, repeats: Range<usize>, size: usize) -> Self {
        if size < repeats.len() {
            return Self::new(rows, repeats, size);
        }
        let blocks = rows.div_ceil(size / repeats.len());
        Self { rows: 0..rows, blocks, repeats, groups: 1 }
    }

    /// Returns the number of chunks.
    pub fn count(&self) -> usize {
        self.blocks * self.groups
    }

    /// Returns one of the chunks.
    pub fn get(&self, at: usize) -> Chunk {
        let (block, group) = (at / self.groups, at % self.groups);
        let rows = part(&self.rows, block, self.blocks);
        Chunk { block, rows, repeats: part(&self.repeats, group, self.groups) }
    }

    /// Returns the number of inputs in the chunks before this one.
    pub fn items_before(&self, chunk: &Chunk) -> usize {
        let of_block = (chunk.repeats.start - self.repeats.start) * chunk.rows.len();
        chunk.rows.start * self.repeats.len() + of_block
    }
}

/// Cuts a range into `parts` parts that are as equal as possible, and returns one of them.
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
        for (rows, repeats, size) in [(1, 50, 21), (3, 10, 8), (7, 4, 3), (5, 1, 100), (2, 3, 1)] {
            let cut = [Chunks::new, Chunks::of_whole_rows];
            let [chunks, whole] = cut.map(|cut| cut(rows, 10..10 + repeats, size));
            let all = |chunks: &Chunks| {
                (0..chunks.count()).map(|at| chunks.get(at).repeats.len()).collect::<Vec<_>>()
            };
            assert!(size < repeats || all(&whole).iter().all(|&found| found == repeats));
            for chunks in [chunks, whole] {
                covers_everything(&chunks, rows, repeats, size);
            }
        }
    }

    fn covers_everything(chunks: &Chunks, rows: usize, repeats: usize, size: usize) {
        let mut seen = vec![vec![0; repeats]; rows];
        let mut before = 0;
        for chunk in (0..chunks.count()).map(|at| chunks.get(at)) {
            assert_eq!(chunks.items_before(&chunk), before);
            before += chunk.items();
            assert!(chunk.items() <= size && chunk.items() > 0, "{chunk:?}");
            assert_eq!(chunk.row_of_each().len(), chunk.items());
            for (row, repeat) in
                chunk.row_of_each().into_iter().zip(chunk.repeat_of_each(|repeat| repeat))
            {
                seen[row][repeat - 10] += 1;
            }
        }
        assert!(seen.iter().flatten().all(|&count| count == 1), "{seen:?}");
    }
}
