//! A block of tiles: its values are transformed, multiplied by the kernels, and transformed back,
//! before the next block is begun, so that they stay in a near cache.

use std::ops::Range;

use pulp::{Simd, WithSimd};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use super::tile::{self, MOST, Tile};
use crate::kernels::product::{BlockSize, LANES, Left, Multiply, SIDE, dispatch, strips};

/// About the number of tiles in a block.
const TILES: usize = 64;
/// The most places in a tile.
const PLACES: usize = MOST * MOST;

/// A convolution, or its gradient if there is no bias.
pub(super) struct Picture<'a> {
    pub tile: Tile,
    pub inputs: usize,
    pub outputs: usize,
    pub height: usize,
    pub width: usize,
    pub input: &'a [f32],
    pub kernels: &'a [f32],
    /// The size of the matrix of kernels of a place.
    pub size: BlockSize,
    pub bias: Option<&'a [f32]>,
}

impl Picture<'_> {
    /// Returns the number of lines of tiles in a plane.
    fn down(&self) -> usize {
        self.height.div_ceil(self.tile.results())
    }

    /// Returns the number of tiles in a line.
    fn across(&self) -> usize {
        self.width.div_ceil(self.tile.results())
    }

    fn places(&self) -> usize {
        self.tile.side() * self.tile.side()
    }

    /// Returns the matrix of kernels for a place.
    fn left(&self, place: usize) -> Left<'_> {
        let transposed = self.bias.is_none();
        let side = self.tile.side();
        let place = if transposed {
            side * self.tile.rotated(place / side) + self.tile.rotated(place % side)
        } else {
            place
        };
        let count = self.size.values();
        Left { blocks: &self.kernels[place * count..][..count], size: self.size, transposed }
    }
}

/// Some lines of tiles. The lines of all rows are counted through.
pub(super) struct Block<'a> {
    lines: Range<usize>,
    /// The lines of results: channel by channel in each row.
    results: Vec<Vec<&'a mut [f32]>>,
}

/// Memory that a thread uses again for each block.
#[derive(Default)]
pub(super) struct Scratch {
    values: Vec<f32>,
}

impl<'a> Block<'a> {
    /// Splits an output into blocks.
    pub fn split(picture: &Picture, output: &'a mut [f32]) -> Vec<Self> {
        let (down, outputs) = (picture.down(), picture.outputs);
        let area = picture.height * picture.width;
        let all = output.len() / (outputs * area) * down;
        let per_block = (TILES / picture.across()).max(1);
        let mut blocks: Vec<Self> = (0..all)
            .step_by(per_block)
            .map(|start| {
                let lines = start..all.min(start + per_block);
                let results = (0..outputs).map(|_| Vec::with_capacity(lines.len())).collect();
                Self { lines, results }
            })
            .collect();
        for (plane, values) in output.chunks_exact_mut(area).enumerate() {
            let (row, channel) = (plane / outputs, plane % outputs);
            let lines = values.chunks_mut(picture.tile.results() * picture.width);
            for (line, values) in lines.enumerate() {
                blocks[(row * down + line) / per_block].results[channel].push(values);
            }
        }
        blocks
    }

    /// Computes the results. The threads share the channels.
    pub fn compute(self, picture: &Picture, scratch: &mut Scratch, threads: usize) {
        let tiles = self.lines.len() * picture.across();
        let pitch = tiles.next_multiple_of(LANES);
        let places = picture.places();

        // Transform the values. The channels are split into one group for each thread. In the last
        // group there is room for whole blocks of channels.
        let group = picture.inputs.div_ceil(threads).next_multiple_of(SIDE);
        let groups = picture.inputs.div_ceil(group);
        scratch.values.resize(groups * group * places * pitch, 0.0);
        let spread = |index: usize, values: &mut [f32]| {
            let channels = index * group..picture.inputs.min((index + 1) * group);
            dispatch(Spread { picture, lines: self.lines.clone(), channels, group, pitch, values });
        };
        let chunk = group * places * pitch;
        if threads == 1 {
            spread(0, &mut scratch.values);
        } else {
            let chunks = scratch.values.par_chunks_exact_mut(chunk).enumerate();
            chunks.for_each(|(index, values)| spread(index, values));
        }

        // Multiply, and transform back: groups of output channels.
        let start = |channel| channel / group * chunk + channel % group * pitch;
        let blocks = (0..picture.inputs).step_by(SIDE);
        let starts = blocks.map(|first| std::array::from_fn(|at| start(first + at))).collect();
        let product = Product { picture, values: &scratch.values, starts, group, tiles, pitch };
        let width = SIDE * picture.outputs.div_ceil(SIDE).div_ceil(threads);
        let mut results = self.results;
        if threads == 1 {
            product.finish(0, &mut results);
        } else {
            let chunks = results.par_chunks_mut(width).enumerate();
            chunks.for_each(|(index, results)| product.finish(index * width / SIDE, results));
        }
    }
}

/// Transforms the values of some channels.
struct Spread<'a> {
    picture: &'a Picture<'a>,
    lines: Range<usize>,
    channels: Range<usize>,
    /// The number of channels that there is room for.
    group: usize,
    /// The room for the tiles of a channel.
    pitch: usize,
    /// The transformed values: place by place, channel by channel.
    values: &'a mut [f32],
}

impl WithSimd for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.picture.tile {
            Tile::Two => self.spread::<S, false>(simd),
            Tile::Four => self.spread::<S, true>(simd),
        }
    }
}

impl Spread<'_> {
    #[inline(always)]
    fn spread<S: Simd, const FOUR: bool>(self, simd: S) {
        let (side, places) = if FOUR { (6, 36) } else { (4, 16) };
        let picture = self.picture;
        let area = picture.height * picture.width;
        let mut gathered = vec![0.0; places * self.pitch];
        let mut line = vec![0.0; picture.across() * picture.tile.results() + 2];
        // Fill the last block of channels with zeros.
        let (count, room) = (self.channels.len(), self.channels.len().next_multiple_of(SIDE));
        for place in self.values.chunks_exact_mut(self.group * self.pitch) {
            place[count * self.pitch..room * self.pitch].fill(0.0);
        }
        for (at, channel) in self.channels.clone().enumerate() {
            for (index, tile_line) in self.lines.clone().enumerate() {
                let (row, down) = (tile_line / picture.down(), tile_line % picture.down());
                let plane = &picture.input[(row * picture.inputs + channel) * area..][..area];
                let first = index * picture.across();
                gather::<FOUR>(picture, plane, down, &mut line, &mut gathered[first..], self.pitch);
            }
            for vector in (0..self.pitch).step_by(S::F32_LANES) {
                let transformed = transform::<S, FOUR>(simd, &gathered, self.pitch, vector);
                for place in 0..places {
                    let to = (place * self.group + at) * self.pitch + vector;
                    let to = &mut self.values[to..][..S::F32_LANES];
                    S::as_mut_simd_f32s(to).0[0] = transformed[place / side][place % side];
                }
            }
        }
    }
}

/// Copies the values of a line of tiles: place by place, `pitch` apart.
#[inline(always)]
fn gather<const FOUR: bool>(
    picture: &Picture,
    plane: &[f32],
    down: usize,
    line: &mut [f32],
    gathered: &mut [f32],
    pitch: usize,
) {
    let (side, across) = (picture.tile.side(), picture.across());
    for y in 0..side {
        // A line with a zero before it, and zeros behind it.
        let from = (picture.tile.results() * down + y).checked_sub(1);
        let from = from.and_then(|y| plane.chunks_exact(picture.width).nth(y));
        let Some(from) = from else {
            for x in 0..side {
                gathered[(side * y + x) * pitch..][..across].fill(0.0);
            }
            continue;
        };
        line[1..=picture.width].copy_from_slice(from);
        for x in 0..side {
            let to = gathered[(side * y + x) * pitch..][..across].iter_mut();
            let step = if FOUR { 4 } else { 2 };
            for (to, value) in to.zip(line[x..].iter().step_by(step)) {
                *to = *value;
            }
        }
    }
}

/// Computes `B' d B` for a vector of tiles.
#[inline(always)]
fn transform<S: Simd, const FOUR: bool>(
    simd: S,
    gathered: &[f32],
    pitch: usize,
    vector: usize,
) -> [[S::f32s; MOST]; MOST] {
    let side = if FOUR { 6 } else { 4 };
    let mut all = [[simd.splat_f32s(0.0); MOST]; MOST];
    for y in 0..side {
        let mut line = [simd.splat_f32s(0.0); MOST];
        for x in 0..side {
            let from = &gathered[(side * y + x) * pitch + vector..][..S::F32_LANES];
            line[x] = S::as_simd_f32s(from).0[0];
        }
        all[y] = tile::values::<S, FOUR>(simd, line);
    }
    for x in 0..side {
        let column = tile::values::<S, FOUR>(simd, std::array::from_fn(|y| all[y][x]));
        for y in 0..side {
            all[y][x] = column[y];
        }
    }
    all
}

/// The products of transformed values and kernels.
struct Product<'a> {
    picture: &'a Picture<'a>,
    values: &'a [f32],
    /// The position of each channel, at the first place.
    starts: Vec<[usize; SIDE]>,
    /// The number of channels in a group of values.
    group: usize,
    tiles: usize,
    pitch: usize,
}

impl Product<'_> {
    /// Computes the results of some channels. `first` is the first one, in blocks of channels.
    fn finish(&self, first: usize, results: &mut [Vec<&mut [f32]>]) {
        let blocks = results.len().div_ceil(SIDE);
        let count = blocks * SIDE * self.pitch;
        let places = self.picture.places();
        let mut products = vec![0.0; places * count];
        for (place, sums) in products.chunks_exact_mut(count).enumerate() {
            for strip in strips(self.tiles) {
                dispatch(Multiply {
                    left: self.picture.left(place),
                    rows: first..first + blocks,
                    values: self.values,
                    starts: &self.starts,
                    column: place * self.group * self.pitch + strip.start,
                    columns: strip.width,
                    sums: &mut sums[strip.start..],
                    pitch: self.pitch,
                });
            }
        }
        dispatch(Collect { product: self, first: first * SIDE, products: &products, results });
    }
}

/// Computes results from products.
struct Collect<'a, 'b, 'c> {
    product: &'a Product<'a>,
    /// The first channel.
    first: usize,
    /// Place by place, channel by channel.
    products: &'a [f32],
    results: &'b mut [Vec<&'c mut [f32]>],
}

impl WithSimd for Collect<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        match self.product.picture.tile {
            Tile::Two => self.collect::<S, false>(simd),
            Tile::Four => self.collect::<S, true>(simd),
        }
    }
}

impl Collect<'_, '_, '_> {
    #[inline(always)]
    fn collect<S: Simd, const FOUR: bool>(self, simd: S) {
        let (step, places) = if FOUR { (4, 36) } else { (2, 16) };
        let Product { picture, pitch, .. } = *self.product;
        let across = picture.across();
        let count = self.products.len() / places;
        let mut scratch = vec![0.0; step * step * pitch];
        for (channel, lines) in self.results.iter_mut().enumerate() {
            let products = &self.products[channel * pitch..];
            for vector in (0..pitch).step_by(S::F32_LANES) {
                let results = inverse::<S, FOUR>(simd, products, count, vector);
                for place in 0..step * step {
                    let to = &mut scratch[place * pitch + vector..][..S::F32_LANES];
                    S::as_mut_simd_f32s(to).0[0] = results[place / step][place % step];
                }
            }
            let bias = picture.bias.map_or(0.0, |bias| bias[self.first + channel]);
            for (index, line) in lines.iter_mut().enumerate() {
                for (y, line) in line.chunks_exact_mut(picture.width).enumerate() {
                    for x in 0..step.min(line.len()) {
                        let from = (step * y + x) * pitch + index * across;
                        let to = line[x..].iter_mut().step_by(step);
                        for (to, value) in to.zip(&scratch[from..][..across]) {
                            *to = *value + bias;
                        }
                    }
                }
            }
        }
    }
}

/// Computes `A' m A` for a vector of tiles. Places are `distance` apart.
#[inline(always)]
fn inverse<S: Simd, const FOUR: bool>(
    simd: S,
    products: &[f32],
    distance: usize,
    vector: usize,
) -> [[S::f32s; 4]; 4] {
    let (side, step) = if FOUR { (6, 4) } else { (4, 2) };
    let zero = simd.splat_f32s(0.0);
    let mut all = [[zero; MOST]; 4];
    for x in 0..side {
        let mut column = [zero; MOST];
        for y in 0..side {
            let from = &products[(side * y + x) * distance + vector..][..S::F32_LANES];
            column[y] = S::as_simd_f32s(from).0[0];
        }
        let column = tile::results::<S, FOUR>(simd, column);
        for y in 0..step {
            all[y][x] = column[y];
        }
    }
    std::array::from_fn(|y| tile::results::<S, FOUR>(simd, all[y]))
}
