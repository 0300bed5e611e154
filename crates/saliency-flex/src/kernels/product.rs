//! Products of matrices, eight rows of results at a time, held in the registers of the machine.
//!
//! A result is `sum over k of left[row, k] * values[starts[k] + column]`. So the right factor needs
//! no copy in which its rows follow one another: rows may overlap, as those of a convolution do.
//! Each result is summed in the order of `k`, in parts of [`PART`] terms. The order depends on
//! neither the number of rows and columns nor on the width of the machine's vectors.

use pulp::{Simd, WithSimd};

/// The height and the width of a block of the left factor.
pub(super) const SIDE: usize = 8;
const BLOCK: usize = SIDE * SIDE;
/// The number of blocks that are summed before their sum is added to the result: 128 terms. The
/// values that they read stay in the nearest cache, while all rows of results are computed.
const PART: usize = 16;
/// The number of values that stay in the nearest cache.
const NEAR: usize = 8192;
/// Columns are computed in multiples of this number: the values in the widest vectors.
pub(super) const LANES: usize = 16;
/// The largest number of columns in a strip.
pub(super) const STRIP: usize = 3 * LANES;

/// Runs an operation with the widest vectors of the machine.
pub(super) fn dispatch<Op: WithSimd>(operation: Op) -> Op::Output {
    // `Arch` knows this step only with a feature, for which Burn's own products would be built a
    // second time.
    #[cfg(target_arch = "x86_64")]
    if pulp::x86::V4::try_new().is_none()
        && let Some(simd) = pulp::x86::V3::try_new()
    {
        return Simd::vectorize(simd, operation);
    }
    pulp::Arch::new().dispatch(operation)
}

/// The size of a matrix in blocks of 8 x 8.
#[derive(Clone, Copy, Debug)]
pub(super) struct BlockSize {
    pub down: usize,
    pub across: usize,
}

impl BlockSize {
    pub fn new(rows: usize, columns: usize) -> Self {
        Self { down: rows.div_ceil(SIDE), across: columns.div_ceil(SIDE) }
    }

    /// Returns the number of values in the blocks.
    pub fn values(self) -> usize {
        self.down * self.across * BLOCK
    }
}

/// Writes a matrix as blocks, row of blocks by row of blocks. A block is written column by column.
/// It is filled with zeros beyond the end of the matrix.
pub(super) fn pack(matrix: &Matrix, blocks: &mut [f32]) {
    let Matrix { values, rows, row_step, columns } = *matrix;
    let width = columns.len().div_ceil(SIDE) * BLOCK;
    for (down, blocks) in blocks.chunks_exact_mut(width.max(1)).enumerate() {
        let values = &values[SIDE * down * row_step..];
        let count = SIDE.min(rows - SIDE * down);
        let blocks = blocks.as_chunks_mut::<SIDE>().0.as_chunks_mut::<SIDE>().0;
        for (columns, block) in columns.chunks(SIDE).zip(blocks) {
            if count < SIDE || columns.len() < SIDE {
                *block = [[0.0; SIDE]; SIDE];
                for (column, to) in columns.iter().zip(block) {
                    for (row, to) in to[..count].iter_mut().enumerate() {
                        *to = values[column + row * row_step];
                    }
                }
            } else if row_step == 1 {
                for (column, to) in columns.iter().zip(block) {
                    to.copy_from_slice(&values[*column..][..SIDE]);
                }
            } else if columns[SIDE - 1] == columns[0] + SIDE - 1 {
                for row in 0..SIDE {
                    let from = &values[columns[0] + row * row_step..][..SIDE];
                    for (to, value) in block.iter_mut().zip(from) {
                        to[row] = *value;
                    }
                }
            } else {
                for (column, to) in columns.iter().zip(block) {
                    let values = &values[*column..][..(SIDE - 1) * row_step + 1];
                    for (row, to) in to.iter_mut().enumerate() {
                        *to = values[row * row_step];
                    }
                }
            }
        }
    }
}

/// A matrix within other values.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub values: &'a [f32],
    pub rows: usize,
    /// The distance from one row to the next.
    pub row_step: usize,
    /// The position of the first value of each column, in ascending order.
    pub columns: &'a [usize],
}

/// The left factor, in blocks as [`pack`] writes them.
#[derive(Clone, Copy)]
pub(super) struct Left<'a> {
    pub blocks: &'a [f32],
    /// The size of the matrix that was packed.
    pub size: BlockSize,
    /// Whether the factor is the transpose of this matrix.
    pub transposed: bool,
}

/// Computes a strip of a product: the rows of the given blocks, and up to [`STRIP`] columns.
pub(super) struct Multiply<'a> {
    pub left: Left<'a>,
    /// The rows of blocks.
    pub rows: std::ops::Range<usize>,
    pub values: &'a [f32],
    /// The position of the first column in `values`, for each `k`.
    pub starts: &'a [[usize; SIDE]],
    /// The first column.
    pub column: usize,
    /// The number of columns, a multiple of [`LANES`].
    pub columns: usize,
    /// The results, row by row.
    pub sums: &'a mut [f32],
    /// Whether the product is added to the values that `sums` has.
    pub add: bool,
    /// The distance from one row of results to the next.
    pub pitch: usize,
}

impl WithSimd for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let parts = self.starts.len().div_ceil(PART);
        let rows = self.rows.clone();
        // The order of the loops decides which values are read again from a near cache: those of
        // the right factor, or if these all stay there anyway, the left factor is read once and in
        // the order in which it is stored.
        let all_stay = self.columns * self.starts.len() * SIDE <= NEAR;
        if all_stay && !self.left.transposed {
            for row in rows {
                for part in 0..parts {
                    self.add_part(simd, row, part);
                }
            }
        } else {
            for part in 0..parts {
                for row in rows.clone() {
                    self.add_part(simd, row, part);
                }
            }
        }
    }
}

impl Multiply<'_> {
    /// Adds a part of the terms to a row of blocks.
    #[inline(always)]
    fn add_part<S: Simd>(&mut self, simd: S, row: usize, part: usize) {
        let left = LeftRow::new(self.left, row, part * PART);
        let starts = &self.starts[part * PART..];
        let starts = &starts[..starts.len().min(PART)];
        let (pitch, add) = (self.pitch, self.add || part > 0);
        let sums = &mut self.sums[(row - self.rows.start) * SIDE * pitch..];
        // As many vectors at a time as there are registers for their sums.
        let most = if S::REGISTER_COUNT >= 32 { 3 } else { 1 };
        let vectors = self.columns / S::F32_LANES;
        let mut vector = 0;
        while vector < vectors {
            let at = vector * S::F32_LANES;
            let (values, sums) = (&self.values[self.column + at..], &mut sums[at..]);
            let sums = Sums { sums, pitch, add };
            let take = most.min(vectors - vector);
            match take {
                3 => piece::<S, 3>(simd, left, starts, values, sums),
                2 => piece::<S, 2>(simd, left, starts, values, sums),
                _ => piece::<S, 1>(simd, left, starts, values, sums),
            }
            vector += take;
        }
    }
}

/// A row of blocks of the left factor.
#[derive(Clone, Copy)]
struct LeftRow<'a> {
    blocks: &'a [f32],
    /// The distance from one block to the next.
    step: usize,
    transposed: bool,
}

impl<'a> LeftRow<'a> {
    /// Starts at the given block of the given row.
    #[inline(always)]
    fn new(left: Left<'a>, row: usize, block: usize) -> Self {
        let Left { blocks, size, transposed } = left;
        let (first, step) = if transposed {
            (block * size.across + row, size.across)
        } else {
            (row * size.across + block, 1)
        };
        Self { blocks: &blocks[first * BLOCK..], step: step * BLOCK, transposed }
    }
}

/// Where a piece of a product is written or added to.
struct Sums<'a> {
    sums: &'a mut [f32],
    pitch: usize,
    add: bool,
}

/// Computes a product of eight rows and `N` vectors of columns.
#[inline(always)]
fn piece<S: Simd, const N: usize>(
    simd: S,
    left: LeftRow,
    starts: &[[usize; SIDE]],
    right: &[f32],
    Sums { sums, pitch, add }: Sums,
) {
    let found = if left.transposed {
        product::<S, N, true>(simd, left, starts, right)
    } else {
        product::<S, N, false>(simd, left, starts, right)
    };
    for (row, found) in found.iter().enumerate() {
        let (sums, _) = S::as_mut_simd_f32s(&mut sums[row * pitch..][..N * S::F32_LANES]);
        for (sum, found) in sums.iter_mut().zip(found) {
            *sum = if add { simd.add_f32s(*sum, *found) } else { *found };
        }
    }
}

#[inline(always)]
fn product<S: Simd, const N: usize, const TRANSPOSED: bool>(
    simd: S,
    left: LeftRow,
    starts: &[[usize; SIDE]],
    right: &[f32],
) -> [[S::f32s; N]; SIDE] {
    let mut sums = [[simd.splat_f32s(0.0); N]; SIDE];
    for (starts, block) in starts.iter().zip(left.blocks.chunks(left.step)) {
        let block = block.as_chunks::<SIDE>().0.first_chunk::<SIDE>().expect("a whole block");
        for (k, start) in starts.iter().enumerate() {
            let values = &right[*start..][..N * S::F32_LANES];
            let (values, _) = S::as_simd_f32s(values);
            let values: &[S::f32s; N] = values.first_chunk().expect("as many vectors");
            for (row, sums) in sums.iter_mut().enumerate() {
                let factor =
                    simd.splat_f32s(if TRANSPOSED { block[row][k] } else { block[k][row] });
                for (sum, value) in sums.iter_mut().zip(values) {
                    *sum = simd.mul_add_e_f32s(factor, *value, *sum);
                }
            }
        }
    }
    sums
}

/// A part of the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Strip {
    pub start: usize,
    /// The number of columns, a multiple of [`LANES`]. The last ones may be beyond the end.
    pub width: usize,
}

/// Splits columns into strips of nearly equal width.
pub(super) fn strips(columns: usize) -> impl Iterator<Item = Strip> {
    let vectors = columns.div_ceil(LANES);
    let count = vectors.div_ceil(STRIP / LANES);
    (0..count).map(move |strip| {
        let [start, end] = [strip, strip + 1].map(|at| LANES * (vectors * at / count));
        Strip { start, width: end - start }
    })
}

/// Pads the starts of the terms to whole blocks. The additional terms read from `zeros`, because
/// zero times infinity would not be zero.
pub(super) fn blocks_of_starts(
    starts: impl Iterator<Item = usize>,
    zeros: usize,
) -> Vec<[usize; SIDE]> {
    let mut starts: Vec<usize> = starts.collect();
    starts.resize(starts.len().next_multiple_of(SIDE), zeros);
    starts.as_chunks::<SIDE>().0.to_vec()
}
