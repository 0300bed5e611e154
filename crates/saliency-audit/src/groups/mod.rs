//! Groups of photos whose maps are concentrated at the same place.
//!
//! Photos have their subject in the middle, at a place that varies. A mark, a logo or a sign of the
//! camera is at exactly the same place in many photos. So places are counted: a photo counts at each
//! peak of its map that holds much of it. Where subjects vary, the counts form one smooth hill over
//! the middle. A mark makes a hill of its own, away from the middle. The height of a hill above the
//! saddle to the next higher one (its prominence) is the number of photos that agree beyond their
//! surroundings.

use crate::grid::CELLS;
use crate::row::Row;

/// The side of a place, in cells: a place is 3 x 3 of 14 x 14 cells, 5 % of the picture.
pub(crate) const WINDOW: usize = 3;
/// The share of the picture that a place covers.
pub(crate) const AREA: f64 = (WINDOW * WINDOW) as f64 / (CELLS * CELLS) as f64;
/// The number of places along each side, and of blocks of 2 x 2 places.
const PLACES: usize = CELLS - WINDOW + 1;
const BLOCKS: usize = PLACES - 1;
/// A peak counts if the place holds at least this share of its map.
const MUCH: f64 = 0.2;
/// A group has at least this many photos, and this share of all photos, beyond its surroundings.
const FEWEST: f64 = 5.0;
const LEAST_SHARE: f64 = 0.03;
/// A hill must rise above its saddle by the fewest photos and so many standard deviations of a
/// count.
const DEVIATIONS: f64 = 3.0;
/// A place within this distance of the middle is common: photos have their subject there. In sides
/// of the picture, down and across.
const MIDDLE: f64 = 0.2;

/// A place of 3 x 3 cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    row: usize,
    column: usize,
}

/// Photos whose maps are concentrated at the same place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub place: Place,
    /// The numbers of the maps, or of the rows, that belong to the group, in their order.
    pub members: Vec<usize>,
    /// The mean share of the place in the maps of the group, and in all others.
    pub share: f64,
    pub share_of_others: f64,
}

impl Place {
    /// Names a place by its first row and column.
    #[cfg(test)]
    pub fn at(row: usize, column: usize) -> Self {
        Self { row, column }
    }

    fn of(number: usize) -> Self {
        Self { row: number / PLACES, column: number % PLACES }
    }

    fn number(self) -> usize {
        self.row * PLACES + self.column
    }

    /// Returns its first row and column.
    pub fn start(self) -> [usize; 2] {
        [self.row, self.column]
    }

    /// Returns the middle, down and across, as a share of the sides.
    fn middle(self) -> [f64; 2] {
        self.start().map(|start| (start as f64 + WINDOW as f64 / 2.0) / CELLS as f64)
    }

    fn is_in_the_middle(self) -> bool {
        self.middle().iter().all(|at| (at - 0.5).abs() <= MIDDLE)
    }

    /// Returns the place in words.
    pub fn in_words(self) -> &'static str {
        let third = |at: f64| (3.0 * at) as usize;
        let names = [
            ["upper left corner", "top", "upper right corner"],
            ["left side", "middle", "right side"],
            ["lower left corner", "bottom", "lower right corner"],
        ];
        let [down, across] = self.middle().map(third);
        names[down][across]
    }

    /// Returns the share of a map that the place holds.
    fn share_of(self, map: &[f64]) -> f64 {
        let row = |row: usize| {
            let start = row * CELLS + self.column;
            map[start..start + WINDOW].iter().sum::<f64>()
        };
        (self.row..self.row + WINDOW).map(row).sum()
    }
}

/// Finds groups among the photos that have a map. The members are numbers of rows.
pub(crate) fn of_rows(rows: &[Row]) -> Vec<Group> {
    let grid = |row: &Row| Some(row.outcome.as_ref().ok()?.grid.as_ref()?.spread());
    let maps = rows.iter().enumerate().filter_map(|(at, row)| Some((at, grid(row)?)));
    let (numbers, maps): (Vec<usize>, Vec<Vec<f64>>) = maps.unzip();
    let mut groups = find(&maps);
    for member in groups.iter_mut().flat_map(|group| &mut group.members) {
        *member = numbers[*member];
    }
    groups
}

/// Finds groups among maps of 14 x 14 shares. Groups that most photos agree on come first. A photo
/// belongs to one group at most: to the first that it fits.
///
/// # Cost
/// 1,300 additions for each map.
pub(crate) fn find(maps: &[Vec<f64>]) -> Vec<Group> {
    let shares: Vec<Vec<f64>> = maps.iter().map(|map| shares_of_places(map)).collect();
    let mut groups: Vec<Group> = Vec::new();
    let mut is_free = vec![true; maps.len()];
    let peaks = Peaks::of(&shares);
    for hill in hills(&peaks.in_blocks) {
        let place = peaks.best_of(hill.top);
        let least = FEWEST.max(LEAST_SHARE * maps.len() as f64);
        let rises = FEWEST + DEVIATIONS * (hill.saddle as f64).sqrt();
        if hill.prominence() < rises.max(least) || place.is_in_the_middle() {
            continue;
        }
        let here: Vec<f64> = shares.iter().map(|shares| shares[place.number()]).collect();
        let enough = threshold(&here);
        // A photo whose map is only brighter on the way to its subject does not belong.
        let belongs = |&map: &usize| {
            let is_peak_of_map = |near: usize| is_peak(&shares[map], near);
            let has_peak = || places_near(place.number()).any(is_peak_of_map);
            is_free[map] && here[map] >= enough && has_peak()
        };
        let members: Vec<usize> = (0..maps.len()).filter(belongs).collect();
        if (members.len() as f64) < least {
            continue;
        }
        members.iter().for_each(|&map| is_free[map] = false);
        let others = (0..maps.len()).filter(|map| !members.contains(map));
        groups.push(Group {
            place,
            share: mean(members.iter().map(|&map| here[map])),
            share_of_others: mean(others.map(|map| here[map])),
            members,
        });
    }
    groups
}

/// Averages maps, cell by cell. Returns zeros if there are none.
pub(crate) fn mean_map<'a>(maps: impl Iterator<Item = &'a Vec<f64>>) -> Vec<f64> {
    let (mut sum, mut count) = (vec![0.0; CELLS * CELLS], 0.0);
    for map in maps {
        sum.iter_mut().zip(map).for_each(|(sum, value)| *sum += value);
        count += 1.0;
    }
    sum.iter().map(|sum| sum / f64::max(count, 1.0)).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    if count > 0.0 { sum / count } else { 0.0 }
}

/// Returns the share of a map that each place holds.
fn shares_of_places(map: &[f64]) -> Vec<f64> {
    (0..PLACES * PLACES).map(|place| Place::of(place).share_of(map)).collect()
}

/// How many photos have a peak at each place, and in each block of 2 x 2 places.
///
/// The peaks of a mark that moves by less than a cell are in one block. A photo counts once in a
/// block, however many peaks it has there: a coarse map has several of the same height.
struct Peaks {
    at_places: Vec<usize>,
    in_blocks: Vec<usize>,
}

impl Peaks {
    /// Counts, given the shares of the places in each map.
    fn of(shares: &[Vec<f64>]) -> Self {
        let mut at_places = vec![0; PLACES * PLACES];
        let mut in_blocks = vec![0; BLOCKS * BLOCKS];
        for shares in shares {
            let counts = |&place: &usize| shares[place] >= MUCH && is_peak(shares, place);
            let peaks: Vec<usize> = (0..shares.len()).filter(counts).collect();
            peaks.iter().for_each(|&place| at_places[place] += 1);
            let mut blocks: Vec<usize> = peaks.into_iter().flat_map(blocks_of).collect();
            blocks.sort_unstable();
            blocks.dedup();
            blocks.into_iter().for_each(|block| in_blocks[block] += 1);
        }
        Self { at_places, in_blocks }
    }

    /// Returns the place of a block that has the most peaks, the first of equal ones.
    fn best_of(&self, block: usize) -> Place {
        let (row, column) = (block / BLOCKS, block % BLOCKS);
        let places =
            [row, row + 1].map(|row| [column, column + 1].map(|column| Place { row, column }));
        let mut best = places[0][0];
        for place in places.into_iter().flatten() {
            if self.at_places[place.number()] > self.at_places[best.number()] {
                best = place;
            }
        }
        best
    }
}

/// Returns the blocks that have a place.
fn blocks_of(place: usize) -> impl Iterator<Item = usize> {
    let Place { row, column } = Place::of(place);
    let near = |at: usize| at.saturating_sub(1)..=at.min(BLOCKS - 1);
    near(row).flat_map(move |row| near(column).map(move |column| row * BLOCKS + column))
}

/// Returns whether no place beside a place holds more of the map.
fn is_peak(shares: &[f64], place: usize) -> bool {
    places_near(place).all(|other| shares[other] <= shares[place])
}

/// Returns a place and those beside it, also across corners.
fn places_near(place: usize) -> impl Iterator<Item = usize> {
    near(place, PLACES)
}

/// Returns a cell of a square and those beside it, also across corners.
fn near(cell: usize, side: usize) -> impl Iterator<Item = usize> {
    let around = move |at: usize| at.saturating_sub(1)..(at + 2).min(side);
    let (row, column) = (cell / side, cell % side);
    around(row).flat_map(move |row| around(column).map(move |column| row * side + column))
}

/// A hill of counts: its highest block, and the counts there and at the saddle to a higher hill.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Hill {
    top: usize,
    count: usize,
    saddle: usize,
}

impl Hill {
    fn prominence(&self) -> f64 {
        (self.count - self.saddle) as f64
    }
}

/// Finds the hills of the counts of all blocks, the most prominent first: floods them from above,
/// and notes the count at which a hill meets a higher one. The median count is the level of the
/// sea: no saddle is below it.
fn hills(counts: &[usize]) -> Vec<Hill> {
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&block| (std::cmp::Reverse(counts[block]), block));
    let rank = |top: usize| order.iter().position(|&block| block == top);
    let sea = counts[order[order.len() / 2]];
    // The hill of each block that is above the water, by its top.
    let mut hill_of: Vec<Option<usize>> = vec![None; counts.len()];
    let mut found = Vec::new();
    for &block in &order {
        let mut tops: Vec<usize> = near(block, BLOCKS).filter_map(|it| hill_of[it]).collect();
        tops.sort_by_key(|&top| rank(top));
        tops.dedup();
        let highest = tops.first().copied().unwrap_or(block);
        hill_of[block] = Some(highest);
        // The other hills end here.
        for &top in tops.iter().skip(1) {
            let saddle = counts[block].max(sea);
            found.push(Hill { top, count: counts[top].max(saddle), saddle });
            hill_of.iter_mut().filter(|of| **of == Some(top)).for_each(|of| *of = Some(highest));
        }
    }
    found.push(Hill { top: order[0], count: counts[order[0]], saddle: sea });
    found.sort_by(|a, b| b.prominence().total_cmp(&a.prominence()).then(a.top.cmp(&b.top)));
    found
}

/// Returns the share from which on a map belongs to a group at a place: the best split of the
/// logarithms of the shares in two (Otsu, 1979). It is never below twice the share of an even map,
/// nor above the share with which a photo counts.
fn threshold(shares: &[f64]) -> f64 {
    // A share of zero has no logarithm.
    let mut logs: Vec<f64> = shares.iter().map(|share| (share + 0.1 * AREA).ln()).collect();
    logs.sort_by(f64::total_cmp);
    let (total, all) = (logs.iter().sum::<f64>(), logs.len() as f64);
    let (mut below, mut best, mut split) = (0.0, 0.0, 0.0);
    for (at, pair) in logs.windows(2).enumerate() {
        below += pair[0];
        let (low, high) = ((at + 1) as f64, all - (at + 1) as f64);
        let between = low * high * (below / low - (total - below) / high).powi(2);
        if between > best {
            (best, split) = (between, (pair[0] + pair[1]) / 2.0);
        }
    }
    let share = if best > 0.0 { split.exp() - 0.1 * AREA } else { MUCH };
    share.clamp(2.0 * AREA, MUCH)
}

#[cfg(test)]
mod tests;
