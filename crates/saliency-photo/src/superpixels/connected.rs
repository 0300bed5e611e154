//! Makes regions connected, and as many as there should be.

use std::collections::{BTreeMap, VecDeque};

use crate::region::Size;

/// Marks a pixel that has lost its region.
const STRAY: usize = usize::MAX;

/// Makes each region connected: it keeps its largest part, and its other parts join a neighbour.
/// Then the largest regions are divided until there are `count`, numbered in the order of their
/// first pixels.
pub fn connect(labels: &mut [usize], size: Size, count: usize) {
    let strays = separate(labels, size);
    join(labels, size, strays);
    let mut regions = components(labels, size);
    while regions.len() < count {
        // Of equally large ones, the first.
        let sizes = regions.iter().enumerate().map(|(at, pixels)| (pixels.len(), usize::MAX - at));
        let Some((_, largest)) = sizes.max() else { return };
        let pixels = regions.swap_remove(usize::MAX - largest);
        regions.extend(halves(labels, size, &pixels));
    }
    regions.sort_by_key(|pixels| pixels.iter().copied().min());
    for (label, pixels) in regions.into_iter().enumerate() {
        pixels.into_iter().for_each(|pixel| labels[pixel] = label);
    }
}

/// Lists the pixels of each connected part of a region, in the order of their first pixels.
pub fn components(labels: &[usize], size: Size) -> Vec<Vec<usize>> {
    let mut seen = vec![false; labels.len()];
    let mut parts = Vec::new();
    for start in 0..labels.len() {
        if !seen[start] {
            parts.push(spread(labels, size, start, &mut seen));
        }
    }
    parts
}

/// Lists the pixels that are connected to `start` by pixels of the same region, nearest first.
fn spread(labels: &[usize], size: Size, start: usize, seen: &mut [bool]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut next = VecDeque::from([start]);
    seen[start] = true;
    while let Some(pixel) = next.pop_front() {
        found.push(pixel);
        for neighbour in neighbours(pixel, size) {
            if !seen[neighbour] && labels[neighbour] == labels[start] {
                seen[neighbour] = true;
                next.push_back(neighbour);
            }
        }
    }
    found
}

/// Returns the pixels above, left, right and below.
fn neighbours(pixel: usize, size: Size) -> impl Iterator<Item = usize> {
    let (width, pixels) = (size.width as usize, size.width as usize * size.height as usize);
    let column = pixel % width;
    let around = [
        (pixel >= width).then(|| pixel - width),
        (column > 0).then(|| pixel - 1),
        (column + 1 < width).then(|| pixel + 1),
        (pixel + width < pixels).then(|| pixel + width),
    ];
    around.into_iter().flatten()
}

/// Marks all but the largest part of each region as stray, and returns these parts.
fn separate(labels: &mut [usize], size: Size) -> Vec<Vec<usize>> {
    let parts = components(labels, size);
    // The largest part of each region; of equally large ones, the first.
    let mut largest: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, part) in parts.iter().enumerate() {
        let kept = largest.entry(labels[part[0]]).or_insert(at);
        if part.len() > parts[*kept].len() {
            *kept = at;
        }
    }
    let is_stray = |at: usize, part: &[usize]| largest[&labels[part[0]]] != at;
    let strays: Vec<Vec<usize>> = parts
        .iter()
        .enumerate()
        .filter(|(at, part)| is_stray(*at, part))
        .map(|(_, part)| part.clone())
        .collect();
    strays.iter().flatten().for_each(|&pixel| labels[pixel] = STRAY);
    strays
}

/// Lets each stray part join the region with which it has the longest border.
fn join(labels: &mut [usize], size: Size, mut strays: Vec<Vec<usize>>) {
    while !strays.is_empty() {
        let before = strays.len();
        strays.retain(|part| {
            let mut borders: BTreeMap<usize, usize> = BTreeMap::new();
            for label in part.iter().flat_map(|&pixel| neighbours(pixel, size)).map(|at| labels[at])
            {
                if label != STRAY {
                    *borders.entry(label).or_default() += 1;
                }
            }
            let longest = borders.into_iter().max_by_key(|&(label, length)| {
                // Of equally long borders, the one with the first region.
                (length, usize::MAX - label)
            });
            // Surrounded by other strays: its turn comes when these have joined a region.
            let Some((label, _)) = longest else { return true };
            part.iter().for_each(|&pixel| labels[pixel] = label);
            false
        });
        debug_assert!(strays.len() < before, "a stray part beside a region joins it");
    }
}

/// Divides a connected region into two connected parts of about the same size.
fn halves(labels: &mut [usize], size: Size, pixels: &[usize]) -> [Vec<usize>; 2] {
    let region = labels[pixels[0]];
    // Grow from one end of the region. A part that is grown like this is connected at any time.
    let first = spread(labels, size, pixels[0], &mut vec![false; labels.len()]);
    let end = *first.last().unwrap_or(&pixels[0]);
    let mut grown = spread(labels, size, end, &mut vec![false; labels.len()]);
    let rest = grown.split_off(grown.len() / 2);
    rest.iter().for_each(|&pixel| labels[pixel] = STRAY);
    // The rest may be in parts. All but its largest part are beside the grown part, and go back.
    let mut seen = vec![false; labels.len()];
    let mut parts: Vec<Vec<usize>> = Vec::new();
    for &start in &rest {
        if !seen[start] {
            parts.push(spread(labels, size, start, &mut seen));
        }
    }
    parts.sort_by_key(|part| std::cmp::Reverse(part.len()));
    let mut parts = parts.into_iter();
    let kept = parts.next().unwrap_or_default();
    for pixel in parts.flatten() {
        labels[pixel] = region;
        grown.push(pixel);
    }
    // A number that no other region has: the first pixel's, beyond all labels of centres.
    let fresh = labels.len() + kept.iter().copied().min().unwrap_or(0);
    kept.iter().for_each(|&pixel| labels[pixel] = fresh);
    [grown, kept]
}
