use super::*;
use saliency_core::kit::{Key, Stream};

/// A map with all of its values at a place of 3 x 3 cells.
fn at(row: usize, column: usize) -> Vec<f64> {
    let mut map = vec![0.0; CELLS * CELLS];
    for y in row..row + WINDOW {
        for x in column..column + WINDOW {
            map[y * CELLS + x] = 1.0 / (WINDOW * WINDOW) as f64;
        }
    }
    map
}

#[test]
fn photos_that_agree_away_from_the_middle_are_a_group() {
    let mut maps = vec![at(5, 5); 6];
    maps.extend(vec![at(11, 0); 5]);
    let groups = find(&maps);
    let [group] = &groups[..] else { panic!("{groups:?}") };
    assert_eq!((group.place, &group.members[..]), (Place::at(11, 0), &[6, 7, 8, 9, 10][..]));
    assert_eq!(group.place.in_words(), "lower left corner");
    assert!((group.share - 1.0).abs() < 1e-12 && group.share_of_others == 0.0);
    let mean = mean_map(group.members.iter().map(|&member| &maps[member]));
    assert!(mean.iter().zip(at(11, 0)).all(|(a, b)| (a - b).abs() < 1e-12));
}

#[test]
fn the_middle_and_few_photos_are_no_group() {
    assert_eq!(find(&[]), []);
    assert_eq!(find(&vec![at(5, 6); 30]), []);
    let mut maps = vec![at(5, 5); 6];
    maps.extend(vec![at(11, 0); 4]);
    assert_eq!(find(&maps), []);
    // Even maps.
    assert_eq!(find(&vec![vec![1.0 / 196.0; 196]; 30]), []);
}

#[test]
fn all_photos_may_agree_and_two_groups_are_ranked_by_their_size() {
    let all = find(&vec![at(0, 11); 5]);
    assert_eq!((all[0].place.in_words(), all[0].members.len()), ("upper right corner", 5));
    assert_eq!(all[0].share_of_others, 0.0);
    let mut maps = vec![at(0, 0); 5];
    maps.extend(vec![at(5, 5); 20]);
    maps.extend(vec![at(11, 5); 7]);
    let groups = find(&maps);
    let names: Vec<_> = groups.iter().map(|it| (it.place.in_words(), it.members.len())).collect();
    assert_eq!(names, [("bottom", 7), ("upper left corner", 5)]);
}

#[test]
fn a_place_that_moves_by_less_than_a_cell_is_one_place() {
    let mut maps = vec![at(5, 5); 20];
    for (row, column) in [(10, 0), (10, 1), (11, 0), (11, 1)] {
        maps.extend(vec![at(row, column); 3]);
    }
    let groups = find(&maps);
    assert_eq!((groups.len(), groups[0].members.len()), (1, 12));
    assert_eq!(groups[0].place.in_words(), "lower left corner");
    // A coarse map has several peaks of the same height, and counts once.
    let mut coarse = vec![0.0; CELLS * CELLS];
    for cell in [0, 1, CELLS, CELLS + 1] {
        coarse[cell] = 0.25;
    }
    let peaks = Peaks::of(&[shares_of_places(&coarse)]);
    assert_eq!((peaks.in_blocks[0], peaks.in_blocks[BLOCKS + 1]), (1, 0));
}

#[test]
fn a_hill_ends_where_it_meets_a_higher_one() {
    let mut counts = vec![1; BLOCKS * BLOCKS];
    // A ridge along the first row.
    counts[..6].copy_from_slice(&[9, 5, 7, 3, 3, 8]);
    let found: Vec<_> = hills(&counts).iter().map(|it| (it.top, it.count, it.saddle)).collect();
    assert_eq!(found, [(0, 9, 1), (5, 8, 3), (2, 7, 5)]);
}

#[test]
fn a_group_begins_where_the_shares_split() {
    let clear: Vec<f64> = [vec![0.01; 20], vec![0.15, 0.5, 0.7]].concat();
    let found = threshold(&clear);
    assert!((0.09..0.15).contains(&found), "{found}");
    assert_eq!(threshold(&[0.5; 8]), MUCH);
    assert_eq!(threshold(&[0.01, 0.02]), 2.0 * AREA);
}

/// Random numbers of one simulated photo.
struct Draw(std::vec::IntoIter<f64>);

impl Draw {
    fn of(seed: u64, photo: usize) -> Self {
        let key = Key { seed, row: photo as u64, sample: 0 };
        Self(key.uniform(Stream::Own(0), 400).into_iter())
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.0.next().unwrap()
    }

    /// Draws from a distribution near the normal one.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.between(0.0, 1.0)).sum::<f64>() - 6.0
    }
}

/// Where subjects are.
#[derive(Clone, Copy, Debug)]
struct Scene {
    /// The deviation of the subject's place, in cells; `None` if it may be anywhere.
    jitter: Option<f64>,
    /// The share of the map that is noise.
    noise: f64,
}

const SCENE: Scene = Scene { jitter: Some(2.0), noise: 0.35 };

fn hill_at(y: f64, x: f64, radius: f64) -> Vec<f64> {
    let value = |cell: usize| {
        let (down, across) = ((cell / CELLS) as f64 + 0.5 - y, (cell % CELLS) as f64 + 0.5 - x);
        (-(down * down + across * across) / (2.0 * radius * radius)).exp()
    };
    (0..CELLS * CELLS).map(value).collect()
}

fn add(map: &mut [f64], part: &[f64], share: f64) {
    let total: f64 = part.iter().sum();
    map.iter_mut().zip(part).for_each(|(map, part)| *map += share * part / total);
}

/// Makes the map of a photo: a subject near the middle, noise, and a mark in a corner if `mark` says
/// where. The mark holds 15 to 70 % of the map, and moves by less than a cell.
fn photo(seed: u64, number: usize, scene: Scene, mark: Option<[f64; 2]>) -> Vec<f64> {
    let mut draw = Draw::of(seed, number);
    let place = |draw: &mut Draw| match scene.jitter {
        Some(jitter) => (7.0 + jitter * draw.normal()).clamp(1.0, 13.0),
        None => draw.between(1.5, 12.5),
    };
    let (y, x, radius) = (place(&mut draw), place(&mut draw), draw.between(0.8, 2.5));
    let strength = draw.between(0.15, 0.7);
    let (shift_y, shift_x) = (draw.between(-0.4, 0.4), draw.between(-0.4, 0.4));
    // Noise with a heavy tail.
    let noise: Vec<f64> =
        (0..CELLS * CELLS).map(|_| -(1.0 - draw.between(0.0, 1.0)).ln()).collect();
    let marked = if mark.is_some() { strength } else { 0.0 };
    let mut map = vec![0.0; CELLS * CELLS];
    add(&mut map, &hill_at(y, x, radius), (1.0 - marked) * (1.0 - scene.noise));
    add(&mut map, &noise, (1.0 - marked) * scene.noise);
    if let Some([y, x]) = mark {
        add(&mut map, &hill_at(y + shift_y, x + shift_x, 0.7), marked);
    }
    map
}

/// Returns the adjusted Rand index of two ways to divide photos in two.
fn adjusted_rand(a: &[bool], b: &[bool]) -> f64 {
    let pairs = |count: usize| count as f64 * (count as f64 - 1.0) / 2.0;
    let count = |of_a: Option<bool>, of_b: Option<bool>| {
        let fits = |it: &(&bool, &bool)| {
            of_a.is_none_or(|want| *it.0 == want) && of_b.is_none_or(|want| *it.1 == want)
        };
        pairs(a.iter().zip(b).filter(fits).count())
    };
    let both = [false, true];
    let cells: f64 = both.iter().flat_map(|&x| both.map(|y| count(Some(x), Some(y)))).sum();
    let rows: f64 = both.iter().map(|&x| count(Some(x), None)).sum();
    let columns: f64 = both.iter().map(|&y| count(None, Some(y))).sum();
    let expected = rows * columns / pairs(a.len());
    let most = (rows + columns) / 2.0;
    if most == expected { 1.0 } else { (cells - expected) / (most - expected) }
}

#[test]
fn the_adjusted_rand_index_has_its_closed_forms() {
    let half = [true, true, false, false];
    assert_eq!(adjusted_rand(&half, &half), 1.0);
    assert_eq!(adjusted_rand(&half, &half.map(|it| !it)), 1.0);
    assert!((adjusted_rand(&half, &[true, false, true, false]) + 0.5).abs() < 1e-12);
    assert_eq!(adjusted_rand(&half, &[true; 4]), 0.0);
}

const PHOTOS: usize = 300;
const CORNERS: [[f64; 2]; 5] = [[1.5, 1.5], [1.5, 12.5], [12.5, 1.5], [12.2, 12.2], [2.0, 2.4]];

#[test]
fn planted_marks_are_found_and_ranked_first() {
    // One photo in ten, and three in ten.
    for marked in [1, 3] {
        let is_marked = |number: usize| number % 10 < marked;
        let planted: Vec<bool> = (0..PHOTOS).map(is_marked).collect();
        let mut indices = Vec::new();
        for (seed, corner) in (0..20).flat_map(|seed| CORNERS.map(|corner| (seed, corner))) {
            let mark = |number: usize| is_marked(number).then_some(corner);
            let maps: Vec<_> =
                (0..PHOTOS).map(|number| photo(seed, number, SCENE, mark(number))).collect();
            let groups = find(&maps);
            assert!(!groups.is_empty(), "{marked} in 10, seed {seed}, {corner:?}: no group");
            let members = &groups[0].members;
            let found: Vec<bool> = (0..PHOTOS).map(|number| members.contains(&number)).collect();
            indices.push(adjusted_rand(&planted, &found));
        }
        let worst = indices.iter().copied().fold(1.0, f64::min);
        let mean = indices.iter().sum::<f64>() / indices.len() as f64;
        println!("{marked} in 10: mean {mean:.3}, worst {worst:.3} of {}", indices.len());
        assert!(worst >= 0.9, "{marked} in 10: {worst}");
    }
}

#[test]
fn photos_without_marks_have_no_groups() {
    // Subjects near the middle; subjects everywhere; and few photos.
    let scenes = [
        (SCENE, PHOTOS),
        (Scene { jitter: Some(3.0), noise: 0.2 }, PHOTOS),
        (Scene { jitter: None, noise: 0.35 }, PHOTOS),
        (SCENE, 36),
        (Scene { jitter: Some(3.0), noise: 0.2 }, 36),
        (Scene { jitter: None, noise: 0.35 }, 36),
    ];
    for (scene, photos) in scenes {
        let wrong = (100..200).filter(|&seed| {
            let maps: Vec<_> = (0..photos).map(|number| photo(seed, number, scene, None)).collect();
            !find(&maps).is_empty()
        });
        let wrong = wrong.count();
        println!("{scene:?}, {photos} photos: {wrong} of 100 have a group");
        assert!(wrong <= 3, "{scene:?}, {photos} photos: {wrong} of 100 have a group");
    }
}

#[test]
fn the_order_of_photos_changes_nothing_but_their_numbers() {
    let marked = |number: usize| number.is_multiple_of(5).then_some(CORNERS[2]);
    let maps: Vec<_> = (0..100).map(|number| photo(3, number, SCENE, marked(number))).collect();
    let reversed: Vec<_> = maps.iter().rev().cloned().collect();
    let (groups, of_reversed) = (find(&maps), find(&reversed));
    assert_eq!(groups.len(), of_reversed.len());
    for (group, other) in groups.iter().zip(&of_reversed) {
        let members: Vec<usize> = other.members.iter().rev().map(|member| 99 - member).collect();
        assert_eq!((group.place, &group.members), (other.place, &members));
    }
}
