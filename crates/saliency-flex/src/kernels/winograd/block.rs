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
    /// The products of each group of output channels.
    products: Vec<Vec<f32>>,
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
        let products = &mut scratch.products;
        products.resize_with(threads, Vec::new);
        if threads == 1 {
            product.finish(0, &mut results, &mut products[0]);
        } else {
            let chunks = results.par_chunks_mut(width).zip(products).enumerate();
            chunks.for_each(|(index, (results, products))| {
                product.finish(index * width / SIDE, results, products);
            });
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
        let tiles = self.lines.len() * picture.across();
        let mut lines = vec![0.0; tiles * picture.tile.results()];
        // Fill the last block of channels with zeros.
        let (count, room) = (self.channels.len(), self.channels.len().next_multiple_of(SIDE));
        for place in self.values.chunks_exact_mut(self.group * self.pitch) {
            place[count * self.pitch..room * self.pitch].fill(0.0);
        }
        for (at, channel) in self.channels.clone().enumerate() {
            let plane =
                |row: usize| &picture.input[(row * picture.inputs + channel) * area..][..area];
            for (y, gathered) in gathered.chunks_exact_mut(side * self.pitch).enumerate() {
                let line = |at: usize| {
                    let (row, down) = (at / picture.down(), at % picture.down());
                    let y = (picture.tile.results() * down + y).checked_sub(1)?;
                    plane(row).chunks_exact(picture.width).nth(y)
                };
                gather::<FOUR>(
                    picture,
                    self.lines.clone().map(line),
                    &mut lines,
                    gathered,
                    self.pitch,
                );
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

/// Splits one line of each line of tiles into the places of the tiles, `pitch` apart. A line that
/// does not exist is zero.
#[inline(always)]
fn gather<'a, const FOUR: bool>(
    picture: &Picture,
    from: impl Iterator<Item = Option<&'a [f32]>>,
    lines: &mut [f32],
    gathered: &mut [f32],
    pitch: usize,
) {
    let step = if FOUR { 4 } else { 2 };
    let across = picture.across();
    let tiles = lines.len() / step;
    // The lines follow one another, each with a zero before it and zeros behind it.
    let (first, rest) = gathered.split_at_mut(step * pitch);
    for (index, (line, from)) in lines.chunks_exact_mut(step * across).zip(from).enumerate() {
        let count = picture.width.min(line.len() - 1);
        match from {
            Some(from) => line[1..=count].copy_from_slice(&from[..count]),
            None => line[1..=count].fill(0.0),
        }
        // The last tile reads one value, and then zeros, beyond the line.
        let last = from.and_then(|from| from.get(count)).copied().unwrap_or(0.0);
        rest[(index + 1) * across - 1] = last;
    }
    // Each place of the tiles is every second or fourth value.
    if FOUR {
        let [a, b, c, d] = places(first, pitch, tiles);
        let to = a.iter_mut().zip(b).zip(c).zip(d);
        for ((((a, b), c), d), from) in to.zip(lines.as_chunks::<4>().0) {
            [*a, *b, *c, *d] = *from;
        }
    } else {
        let [a, b] = places(first, pitch, tiles);
        for ((a, b), from) in a.iter_mut().zip(b).zip(lines.as_chunks::<2>().0) {
            [*a, *b] = *from;
        }
    }
    // The last two places of a tile are the first two of the next one.
    let [third, fourth] = places(rest, pitch, tiles);
    for (line, (third, fourth)) in
        third.chunks_exact_mut(across).zip(fourth.chunks_exact_mut(across)).enumerate()
    {
        let [from, next] = [0, pitch].map(|at| &first[at + line * across + 1..][..across - 1]);
        third[..across - 1].copy_from_slice(from);
        fourth[..across - 1].copy_from_slice(next);
        fourth[across - 1] = 0.0;
    }
}

/// Splits values into the tiles of each place, `pitch` apart.
#[inline(always)]
fn places<const COUNT: usize>(
    values: &mut [f32],
    pitch: usize,
    tiles: usize,
) -> [&mut [f32]; COUNT] {
    let mut chunks = values.chunks_exact_mut(pitch);
    std::array::from_fn(|_| &mut chunks.next().expect("room for each place")[..tiles])
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
    for (y, values) in all.iter_mut().enumerate().take(side) {
        let mut line = [simd.splat_f32s(0.0); MOST];
        for (x, value) in line.iter_mut().enumerate().take(side) {
            let from = &gathered[(side * y + x) * pitch + vector..][..S::F32_LANES];
            *value = S::as_simd_f32s(from).0[0];
        }
        *values = tile::values::<S, FOUR>(simd, line);
    }
    for x in 0..side {
        let column = tile::values::<S, FOUR>(simd, std::array::from_fn(|y| all[y][x]));
        for (line, value) in all.iter_mut().zip(column).take(side) {
            line[x] = value;
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
    fn finish(&self, first: usize, results: &mut [Vec<&mut [f32]>], products: &mut Vec<f32>) {
        let blocks = results.len().div_ceil(SIDE);
        let count = blocks * SIDE * self.pitch;
        products.resize(self.picture.places() * count, 0.0);
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
                    add: false,
                });
            }
        }
        dispatch(Collect { product: self, first: first * SIDE, products, results });
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
        let mut joined = vec![0.0; step * pitch];
        for (channel, lines) in self.results.iter_mut().enumerate() {
            let products = &self.products[channel * pitch..];
            let bias = picture.bias.map_or(0.0, |bias| bias[self.first + channel]);
            let bias = simd.splat_f32s(bias);
            for vector in (0..pitch).step_by(S::F32_LANES) {
                let results = inverse::<S, FOUR>(simd, products, count, vector);
                for place in 0..step * step {
                    let to = &mut scratch[place * pitch + vector..][..S::F32_LANES];
                    let result = results[place / step][place % step];
                    S::as_mut_simd_f32s(to).0[0] = simd.add_f32s(result, bias);
                }
            }
            for (y, scratch) in scratch.chunks_exact_mut(step * pitch).enumerate() {
                join::<FOUR>(scratch, &mut joined, pitch);
                for (lines, joined) in lines.iter_mut().zip(joined.chunks_exact(step * across)) {
                    if let Some(line) = lines.chunks_exact_mut(picture.width).nth(y) {
                        line.copy_from_slice(&joined[..picture.width]);
                    }
                }
            }
        }
    }
}

/// Joins the results at the places of one line of each tile, `pitch` apart.
#[inline(always)]
fn join<const FOUR: bool>(scratch: &mut [f32], joined: &mut [f32], pitch: usize) {
    if FOUR {
        let [a, b, c, d] = places(scratch, pitch, pitch);
        let from = a.iter().zip(b).zip(c).zip(d);
        for ((((a, b), c), d), to) in from.zip(joined.as_chunks_mut::<4>().0) {
            *to = [*a, *b, *c, *d];
        }
    } else {
        let [a, b] = places(scratch, pitch, pitch);
        for ((a, b), to) in a.iter().zip(b).zip(joined.as_chunks_mut::<2>().0) {
            *to = [*a, *b];
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
