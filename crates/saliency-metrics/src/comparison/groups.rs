//! Groups of entries that can not be told apart: the compact letter display.

/// Returns the groups of each of `count` entries. Two entries share a group if, and only if, they do
/// not differ. Groups are numbered by their first entry.
///
/// Starts with one group of all. For each pair that differs, each group that holds both becomes two,
/// each without one of them. Groups inside others are dropped.
pub(super) fn groups(count: usize, differ: impl Fn(usize, usize) -> bool) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<bool>> = vec![vec![true; count]];
    for first in 0..count {
        for second in first + 1..count {
            if differ(first, second) {
                groups = split(groups, first, second);
            }
        }
    }
    // The group of the first entry comes first; of two groups, the one whose members come earlier.
    groups.sort_by(|a, b| b.cmp(a));
    let of = |entry: usize| (0..groups.len()).filter(|&group| groups[group][entry]).collect();
    (0..count).map(of).collect()
}

/// Splits every group that holds both entries.
fn split(groups: Vec<Vec<bool>>, first: usize, second: usize) -> Vec<Vec<bool>> {
    let without = |group: &[bool], entry: usize| {
        let mut group = group.to_vec();
        group[entry] = false;
        group
    };
    let mut found: Vec<Vec<bool>> = Vec::new();
    for group in groups {
        if group[first] && group[second] {
            found.extend([without(&group, second), without(&group, first)]);
        } else {
            found.push(group);
        }
    }
    let is_inside = |a: &[bool], b: &[bool]| a.iter().zip(b).all(|(a, b)| *b || !*a);
    let mut kept: Vec<Vec<bool>> = Vec::new();
    for group in found {
        if kept.iter().any(|other| is_inside(&group, other)) {
            continue;
        }
        kept.retain(|other| !is_inside(other, &group));
        kept.push(group);
    }
    kept
}

/// Returns the letters of groups: "ab". After 26 letters, groups are numbers.
pub(super) fn letters(groups: &[usize]) -> String {
    let letter = |&group: &usize| match u8::try_from(group) {
        Ok(group @ 0..26) => char::from(b'a' + group).to_string(),
        _ => format!("({group})"),
    };
    groups.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use saliency_core::kit::{Key, Stream};

    #[test]
    fn entries_share_a_letter_if_they_do_not_differ() {
        let words = |pairs: &[[usize; 2]], count| -> Vec<String> {
            let found = groups(count, |a, b| pairs.contains(&[a, b]));
            found.iter().map(|groups| letters(groups)).collect()
        };
        assert_eq!(words(&[], 3), ["a", "a", "a"]);
        assert_eq!(words(&[[0, 1], [0, 2], [1, 2]], 3), ["a", "b", "c"]);
        // The first and the last differ; the middle is like both.
        assert_eq!(words(&[[0, 2]], 3), ["a", "ab", "b"]);
        assert_eq!(words(&[[0, 2], [0, 3], [1, 3]], 4), ["a", "ab", "bc", "c"]);
        assert_eq!(words(&[], 0), [""; 0]);
        assert_eq!(letters(&[25, 26]), "z(26)");
    }

    #[test]
    fn any_differences_are_told_by_the_groups() {
        for sample in 0..200 {
            let key = Key { seed: 2, row: 0, sample };
            let count = 1 + (sample % 8) as usize;
            let random = key.uniform(Stream::Own(34), count * count);
            let differ = |a: usize, b: usize| random[a * count + b] < 0.5;
            let found = groups(count, differ);
            assert!(found.iter().all(|groups| !groups.is_empty()));
            for first in 0..count {
                for second in first + 1..count {
                    let share = found[first].iter().any(|group| found[second].contains(group));
                    assert_eq!(share, !differ(first, second), "{sample}");
                }
            }
        }
    }
}
