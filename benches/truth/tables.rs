//! Tables of what was found.

use std::collections::BTreeMap;

use crate::judge::{Judged, TESTS};
use crate::random::Random;

/// A map of a photo, judged.
pub struct OfPhoto {
    pub kept_back: bool,
    pub judged: Judged,
}

/// What was found for each map, in the order of the photos.
pub type Found = BTreeMap<String, Vec<OfPhoto>>;

/// Returns the mean, and a bootstrap's interval that holds it in 95 %.
fn interval(values: &[f64]) -> [f64; 3] {
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let mut random = Random(1);
    let mut means: Vec<f64> = (0..2000)
        .map(|_| {
            mean(&(0..values.len()).map(|_| values[random.below(values.len())]).collect::<Vec<_>>())
        })
        .collect();
    means.sort_by(f64::total_cmp);
    [mean(values), means[50], means[1949]]
}

/// Prints a line for each map; the last column compares it with the map `default`.
pub fn print(found: &Found, default: &str) {
    let kept_back = found[default].iter().filter(|it| it.kept_back).count();
    println!("{} photos, {kept_back} of them kept back", found[default].len());
    println!(
        "| map | {} | average | worst | kept back: average | worst | the default is ahead by |",
        TESTS.join(" | ")
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (name, of_photos) in found {
        let half = |back: bool| {
            let of: Vec<&Judged> =
                of_photos.iter().filter(|it| it.kept_back == back).map(|it| &it.judged).collect();
            let share =
                |test: usize| of.iter().map(|it| it.shares[test]).sum::<f64>() / of.len() as f64;
            let tests: Vec<f64> = (0..7).map(|test| 100.0 * share(test)).collect();
            let averages: Vec<f64> = of.iter().map(|it| it.average()).collect();
            let [mean, low, high] = interval(&averages).map(|it| 100.0 * it);
            let worst = tests.iter().copied().fold(100.0, f64::min);
            (tests, format!("{mean:.0} [{low:.0}, {high:.0}] | {worst:.0}"))
        };
        let ((tests, chosen), (_, back)) = (half(false), half(true));
        let tests: Vec<String> = tests.iter().map(|share| format!("{share:.0}")).collect();
        let [ahead, low, high] = ahead(found, default, name, Judged::average).map(|it| 100.0 * it);
        println!(
            "| {} | {} | {chosen} | {back} | {ahead:.0} [{low:.0}, {high:.0}] |",
            &name[3..],
            tests.join(" | ")
        );
    }
}

/// Prints a line for each map, of all photos: the share of random choices that it beats, and how far
/// each map is ahead of the map `default`, in points and in falls of the score.
pub fn print_all_photos(found: &Found, default: &str) {
    println!(
        "| map | {} | average | ahead of the default by | score falls more by |",
        TESTS.join(" | ")
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (name, of_photos) in found {
        let share = |test: usize| {
            let sum: f64 = of_photos.iter().map(|it| it.judged.shares[test]).sum();
            format!("{:.0}", 100.0 * sum / of_photos.len() as f64)
        };
        let tests: Vec<String> = (0..7).map(share).collect();
        let averages: Vec<f64> = of_photos.iter().map(|it| it.judged.average()).collect();
        let [mean, low, high] = interval(&averages).map(|it| 100.0 * it);
        let [ahead, from, to] =
            self::ahead(found, name, default, Judged::average).map(|it| 100.0 * it);
        let [fall, least, most] = self::ahead(found, name, default, Judged::average_fall);
        println!(
            "| {} | {} | {mean:.0} [{low:.0}, {high:.0}] | {ahead:.1} [{from:.1}, {to:.1}] | \
             {fall:.2} [{least:.2}, {most:.2}] |",
            &name[3..],
            tests.join(" | ")
        );
    }
}

/// Returns how far one map is ahead of another on the same photos, with an interval.
fn ahead(found: &Found, one: &str, other: &str, value: impl Fn(&Judged) -> f64) -> [f64; 3] {
    let pairs = found[one].iter().zip(&found[other]);
    let differences: Vec<f64> =
        pairs.map(|(one, other)| value(&one.judged) - value(&other.judged)).collect();
    interval(&differences)
}
