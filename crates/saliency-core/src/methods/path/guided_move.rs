//! One move of Guided IG, for one row on the host.

/// The options of the moves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guide {
    /// The number of values that may move.
    pub free: usize,
    pub fraction: f64,
    pub max_distance: f64,
    pub moves: usize,
}

/// The ends of the path of a row.
pub(super) struct RowEnds<'a> {
    pub baseline: &'a [f64],
    pub input: &'a [f64],
}

/// A value that can still move.
#[derive(Clone, Copy)]
struct Candidate {
    /// The size of its gradient.
    gradient: f64,
    value: usize,
}

/// Distances that differ by less than this, absolutely and relatively, are equal.
const CLOSE: f64 = 1e-9;

/// If more groups than this may move one after the other, all candidates are sorted first.
const GROUPS: usize = 16;

impl Guide {
    /// Moves a row from the corner that it has reached by `taken` moves to the next one.
    pub fn next(&self, taken: usize, place: &mut [f64], gradients: &[f64], ends: &RowEnds) {
        let done = (taken + 1) as f64 / self.moves as f64;
        let nearest = (done - self.max_distance).max(0.0);
        let furthest = (done + self.max_distance).min(1.0);
        // Values that fell behind catch up first. No branch depends on which ones they are: that is
        // hard to predict, and took longer than all the rest.
        let all = ends.baseline.iter().zip(ends.input);
        for (place, (start, end)) in place.iter_mut().zip(all.clone()) {
            let way = end - start;
            let is_behind = (way != 0.0) & ((*place - start) / way < nearest);
            *place = if is_behind { start + way * nearest } else { *place };
        }
        let (mut whole, mut left) = (0.0, 0.0);
        for (place, (start, end)) in place.iter().zip(all.clone()) {
            whole += (start - end).abs();
            left += (place - end).abs();
        }
        let target = whole * (1.0 - done);
        let limit = |value: usize| {
            let start = ends.baseline[value];
            start + (ends.input[value] - start) * furthest
        };
        let mut candidates = Vec::with_capacity(place.len());
        for (value, ((place, (start, end)), gradient)) in
            place.iter().zip(all).zip(gradients).enumerate()
        {
            if *place != start + (end - start) * furthest {
                candidates.push(Candidate { gradient: gradient.abs(), value });
            }
        }
        let mut groups = Groups::new(&mut candidates, self.group());
        while left > target && !is_close(left, target) {
            let Some(group) = groups.next() else { return };
            let room = |it: &Candidate| (place[it.value] - limit(it.value)).abs();
            let room: f64 = group.iter().map(room).sum();
            // The share of its room that the group needs; more than it has if the next must follow.
            let needed = (left - target) / room;
            if needed <= 1.0 {
                for it in group.iter() {
                    let from = place[it.value];
                    place[it.value] = from + (limit(it.value) - from) * needed;
                }
                return;
            }
            group.iter().for_each(|it| place[it.value] = limit(it.value));
            left -= room;
        }
    }

    /// Returns the number of values that move at a time, apart from ties.
    fn group(&self) -> usize {
        let others = self.free.saturating_sub(1) as f64;
        (self.fraction * others).floor() as usize + 1
    }
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() <= (CLOSE * a.abs().max(b.abs())).max(CLOSE)
}

/// Candidates in groups of ascending gradients. Equal gradients are in the same group.
struct Groups<'a> {
    rest: &'a mut [Candidate],
    size: usize,
    is_sorted: bool,
}

impl<'a> Groups<'a> {
    fn new(candidates: &'a mut [Candidate], size: usize) -> Self {
        let is_sorted = candidates.len() / size > GROUPS;
        if is_sorted {
            candidates.sort_unstable_by(Candidate::order);
        }
        Self { rest: candidates, size, is_sorted }
    }

    /// Returns the next group; `None` if no candidates are left.
    fn next(&mut self) -> Option<&'a mut [Candidate]> {
        let rest = std::mem::take(&mut self.rest);
        if rest.is_empty() {
            return None;
        }
        let count = self.first_group(rest);
        let (group, rest) = rest.split_at_mut(count);
        self.rest = rest;
        Some(group)
    }

    /// Brings the next group to the front, and returns its size.
    fn first_group(&self, rest: &mut [Candidate]) -> usize {
        if rest.len() <= self.size {
            return rest.len();
        }
        let last = self.size - 1;
        if !self.is_sorted {
            rest.select_nth_unstable_by(last, Candidate::order);
        }
        let threshold = rest[last].gradient;
        let mut count = self.size;
        for at in self.size..rest.len() {
            if rest[at].gradient <= threshold {
                rest.swap(at, count);
                count += 1;
            } else if self.is_sorted {
                break;
            }
        }
        count
    }
}

impl Candidate {
    /// Orders by gradient, and by place in the row if gradients are equal, so that sums have one
    /// order.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        self.gradient.total_cmp(&other.gradient).then(self.value.cmp(&other.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(guide: Guide, gradients: &[f64], input: &[f64]) -> Vec<Vec<f64>> {
        let baseline = vec![0.0; input.len()];
        let ends = RowEnds { baseline: &baseline, input };
        let mut place = baseline.clone();
        let corners = (0..guide.moves).map(|taken| {
            guide.next(taken, &mut place, gradients, &ends);
            place.clone()
        });
        corners.collect()
    }

    fn close(found: &[Vec<f64>], expected: &[&[f64]]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let mut pairs = found.iter().zip(*expected);
            assert!(pairs.all(|(a, b)| (a - b).abs() < 1e-9), "{found:?}, {expected:?}");
        }
    }

    #[test]
    fn values_with_small_gradients_move_first() {
        let guide = Guide { free: 2, fraction: 0.5, max_distance: 1.0, moves: 4 };
        let corners: [&[f64]; 4] = [&[0.0, 0.5], &[0.0, 1.0], &[0.5, 1.0], &[1.0, 1.0]];
        close(&walk(guide, &[-2.0, 1.0], &[1.0, 1.0]), &corners);
        // No further than a quarter of the way from the straight path.
        let near = Guide { max_distance: 0.25, ..guide };
        let corners: [&[f64]; 4] = [&[0.0, 0.5], &[0.25, 0.75], &[0.5, 1.0], &[1.0, 1.0]];
        close(&walk(near, &[-2.0, 1.0], &[1.0, 1.0]), &corners);
    }

    #[test]
    fn the_path_is_straight_if_all_move_together_or_none_may_stray() {
        let input = [1.0, -2.0, 0.0, 4.0];
        let straight: [&[f64]; 2] = [&[0.5, -1.0, 0.0, 2.0], &input];
        let guide = Guide { free: 4, fraction: 1.0, max_distance: 1.0, moves: 2 };
        close(&walk(guide, &[3.0, 2.0, 1.0, 0.0], &input), &straight);
        let guide = Guide { fraction: 0.25, max_distance: 0.0, ..guide };
        close(&walk(guide, &[3.0, 2.0, 1.0, 0.0], &input), &straight);
    }

    #[test]
    fn equal_gradients_move_together() {
        let guide = Guide { free: 3, fraction: 0.1, max_distance: 1.0, moves: 3 };
        let corners: [&[f64]; 3] = [&[0.5, 0.0, 0.5], &[1.0, 0.0, 1.0], &[1.0, 1.0, 1.0]];
        close(&walk(guide, &[1.0, 2.0, -1.0], &[1.0, 1.0, 1.0]), &corners);
    }

    #[test]
    fn sorted_and_selected_groups_are_the_same() {
        let gradients: Vec<f64> = (0..500).map(|at| f64::from(at * 7919 % 83)).collect();
        let candidates = || {
            let all = gradients.iter().enumerate();
            all.map(|(value, &gradient)| Candidate { gradient, value }).collect::<Vec<_>>()
        };
        for size in [1, 10, 100, 499, 600] {
            let groups = |is_sorted: bool| {
                let mut candidates = candidates();
                if is_sorted {
                    candidates.sort_unstable_by(Candidate::order);
                }
                let mut groups = Groups { rest: &mut candidates, size, is_sorted };
                let mut found: Vec<Vec<usize>> = Vec::new();
                while let Some(group) = groups.next() {
                    let mut values: Vec<usize> = group.iter().map(|it| it.value).collect();
                    values.sort_unstable();
                    found.push(values);
                }
                found
            };
            assert_eq!(groups(true), groups(false), "groups of {size}");
        }
    }
}
