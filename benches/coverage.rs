//! How often is the estimated error of Integrated Gradients an upper bound of the true one?
//!
//! ```text
//! cargo bench --profile dev --bench coverage
//! ```
//!
//! How often are the estimated errors of shares upper bounds? How often do the intervals of two standard errors of SmoothGrad
//! and Reveal-IG hold the right values? And how often are the estimates of all path methods upper bounds? One part alone:
//! `-- maps`, `shares`, `standard-errors` or `paths`.
//!
//! Prints a line for each kind of models. Errors are relative L1 errors. The right maps are closed
//! forms, or have 4,000 points in double precision; those of the photo network have 2,000 points.

use burn::tensor::{Device, Tensor};
use saliency::methods::RevealIg;
use saliency::{Baseline, Explainer, IntegratedGradients, NoiseScale, Rule, Target};
use saliency_models::CifarCnn;
use saliency_testkit::{Errors, Golden, Intervals, Kind, PathMethod, Points, relative_l1, values};

/// The random models of each kind. There are ten questions about each.
const MODELS: u64 = 20;

const TOLERANCES: [f64; 2] = [0.05, 0.01];

/// The ways to explain: the tolerances first, then 50 fixed points.
fn explainers() -> Vec<IntegratedGradients> {
    let ig = IntegratedGradients::new;
    let fixed = [Rule::GaussLegendre, Rule::Midpoint, Rule::Placed];
    let to_tolerance = TOLERANCES.map(|tolerance| ig().with_tolerance(tolerance));
    to_tolerance.into_iter().chain(fixed.map(|rule| ig().with_rule(rule).with_steps(50))).collect()
}

/// The errors of the maps of one kind, made in one way.
#[derive(Default)]
struct Tally {
    estimated: Vec<f64>,
    right: Vec<f64>,
    gradients: Vec<usize>,
    converged: Vec<bool>,
}

impl Tally {
    fn add(&mut self, errors: Errors) {
        self.estimated.extend(errors.estimated);
        self.right.extend(errors.right);
        self.gradients.extend(errors.gradients);
        self.converged.extend(errors.converged.unwrap_or_default());
    }

    fn bounds(&self) -> usize {
        self.estimated
            .iter()
            .zip(&self.right)
            .filter(|(estimated, right)| estimated >= right)
            .count()
    }

    /// Returns a quantile of the estimated divided by the true error.
    fn ratio(&self, quantile: f64) -> f64 {
        let pairs = self.estimated.iter().zip(&self.right);
        let mut ratios: Vec<f64> = pairs.map(|(estimated, right)| estimated / right).collect();
        ratios.sort_by(f64::total_cmp);
        ratios[(quantile * (ratios.len() - 1) as f64) as usize]
    }

    /// Returns the number of maps that converged although their error is more than `most`.
    fn converged_beyond(&self, most: f64) -> usize {
        self.converged
            .iter()
            .zip(&self.right)
            .filter(|(met, right)| **met && **right > most)
            .count()
    }
}

/// Everything that is known about all kinds.
#[derive(Default)]
struct Totals {
    questions: usize,
    bounds: Vec<usize>,
    converged: [usize; 2],
    far_off: [usize; 2],
}

impl Totals {
    /// Prints the line of a kind.
    fn add(&mut self, name: &str, tallies: &[Tally]) {
        let asked = tallies[0].right.len();
        self.questions += asked;
        self.bounds.resize(tallies.len(), 0);
        print!("| {name} |");
        for (bounds, tally) in self.bounds.iter_mut().zip(tallies) {
            *bounds += tally.bounds();
            print!(" {:.1} |", 100.0 * tally.bounds() as f64 / asked as f64);
        }
        let mut gradients = tallies[0].gradients.clone();
        gradients.sort_unstable();
        let [low, middle] = [0.05, 0.5].map(|quantile| tallies[0].ratio(quantile));
        print!(" {low:.2} / {middle:.2} | {} |", gradients[asked / 2]);
        for (at, tolerance) in TOLERANCES.into_iter().enumerate() {
            let far_off = tallies[at].converged_beyond(2.0 * tolerance);
            self.converged[at] += tallies[at].converged.iter().filter(|met| **met).count();
            self.far_off[at] += far_off;
            print!(" {far_off} |");
        }
        println!();
    }
}

/// Explains every class of five small photos and their mirror images, from two baselines.
fn photo_network(device: &Device) -> Vec<Tally> {
    let net = CifarCnn::embedded(device);
    let mut tallies: Vec<Tally> = explainers().iter().map(|_| Tally::default()).collect();
    let goldens = [Golden::cifar_zero_baseline(), Golden::cifar_black_baseline()];
    let photos: Vec<Tensor<4>> = goldens.map(|golden| golden.tensor("input", device)).into();
    let photos = Tensor::cat(photos, 0);
    let photos = Tensor::cat(vec![photos.clone(), photos.flip([3])], 0);
    let rows = photos.dims()[0];
    for baseline in [Baseline::zeros(), Baseline::constant(-1.0)] {
        for class in 0..10 {
            let explain = |explainer: &IntegratedGradients| {
                let explainer = explainer.clone().with_baseline(baseline.clone());
                let map = explainer.attribute_to(&net, photos.clone(), Target::Class(class));
                let map = map.expect("a map");
                (values(&map.values), map)
            };
            let reference = IntegratedGradients::new().with_rule(Rule::Placed).with_steps(2000);
            let (right, _) = explain(&reference);
            let width = right.len() / rows;
            for (tally, explainer) in tallies.iter_mut().zip(explainers()) {
                let (found, map) = explain(&explainer);
                let of_rows = found.chunks(width).zip(right.chunks(width));
                tally.add(Errors {
                    right: of_rows.map(|(found, right)| relative_l1(found, right)).collect(),
                    estimated: map.error_estimate.expect("an estimate"),
                    gradients: map.evaluations,
                    converged: map.converged,
                });
            }
        }
    }
    tallies
}

/// Prints how often the estimated errors of shares are upper bounds, and how many gradients it takes
/// to know shares, and to know the map.
fn errors_of_shares() {
    println!(
        "\n| Kind | 1 point | 3 points | Gradients for 1 point | for 3 points | for the map to 5 % |"
    );
    println!("|---|---|---|---|---|---|");
    let ig = || IntegratedGradients::new().with_baseline(Baseline::zeros());
    let explainers = [
        ig().with_share_tolerance(0.01),
        ig().with_share_tolerance(0.03),
        ig().with_tolerance(0.05),
    ];
    let (mut asked, mut bounds, mut far_off) = (0, [0; 2], [0; 2]);
    for kind in Kind::ALL {
        let mut tallies = [Tally::default(), Tally::default(), Tally::default()];
        for model in 0..MODELS {
            let questions = kind.questions(model);
            let (right, rows) = (questions.right(), questions.rows_with_shares());
            for (tally, explainer) in tallies.iter_mut().zip(&explainers) {
                let (input, target) = (questions.input.clone(), questions.target.clone());
                let map = explainer.attribute_rows(&questions.model(), input, target, &rows);
                let mut errors = questions.share_errors(&map.expect("a map"), &right);
                // Single precision is not counted as an error of the path.
                errors.right.iter_mut().for_each(|right| *right = (*right - 1e-6).max(0.0));
                // Two shares of each row.
                errors.converged =
                    errors.converged.map(|met| met.into_iter().flat_map(|met| [met; 2]).collect());
                tally.add(errors);
            }
        }
        asked += tallies[0].right.len();
        print!("| {} |", kind.name);
        for (at, tolerance) in [0.01, 0.03].into_iter().enumerate() {
            let held = tallies[at].bounds();
            bounds[at] += held;
            far_off[at] += tallies[at].converged_beyond(2.0 * tolerance);
            print!(" {:.1} |", 100.0 * held as f64 / tallies[at].right.len() as f64);
        }
        for tally in &mut tallies {
            tally.gradients.sort_unstable();
            print!(" {} |", tally.gradients[tally.gradients.len() / 2]);
        }
        println!();
    }
    let share = bounds.map(|bounds| format!("{:.1}", 100.0 * bounds as f64 / asked as f64));
    println!("| All {asked} | {} |", share.join(" | "));
    println!("converged, but more than twice the tolerance off: {far_off:?}");
}

/// Prints how often intervals of two standard errors hold, over 4,000 rows of each kind.
fn standard_errors() {
    println!(
        "\n| Kind | 50 samples | 200 samples | Tolerance 10 % | Tolerance 5 % |\n|---|---|---|---|---|"
    );
    for name in ["ReLU 13-32-3", "tanh 13-32-3", "6 gates, k = 20 to 500, mixed signs"] {
        let kind = Kind::ALL.iter().find(|kind| kind.name == name).expect("a kind");
        let mut found = [Intervals::default(); 4];
        for model in 0..400 {
            let questions = kind.questions(model);
            let right = questions.smooth_right(40_000);
            let smooth = || questions.smooth_grad();
            let explainers = [
                smooth().with_samples(50),
                smooth().with_samples(200),
                smooth().with_tolerance(0.1),
                smooth().with_tolerance(0.05),
            ];
            for (found, explainer) in found.iter_mut().zip(explainers) {
                *found += questions.intervals(&explainer, &right);
            }
        }
        let cells = found.map(|it| {
            let share = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
            let warned = share(it.all - it.unwarned, it.all);
            let (held, held_in_all) = (share(it.held, it.unwarned), share(it.held_in_all, it.all));
            let samples = it.samples / 4000;
            format!("{held:.1} ({held_in_all:.1} with the {warned:.0} % in rows with a warning), {samples} samples")
        });
        println!("| {name} | {} |", cells.join(" | "));
    }
}

/// The models of each kind that all path methods are asked about: 240 questions for each method.
const PATH_MODELS: u64 = 1;

/// Prints how often the estimated errors of all path methods are upper bounds, over all kinds, and how
/// often intervals of two standard errors of Reveal-IG hold.
fn paths() {
    println!(
        "\n| Method | 5 % | 1 % | Gauss-Legendre 50 | Midpoint 50 | Placed 50 | Estimate / true at 5 %: 5 % quantile / \
         median | Gradients at 5 %, median | Beyond 10 % of those that met 5 % | Beyond 2 % of those that met 1 % |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let rules = [Rule::GaussLegendre, Rule::Midpoint, Rule::Placed];
    let ways: Vec<Points> = TOLERANCES
        .map(|tolerance| Points::Tolerance(tolerance, 1000))
        .into_iter()
        .chain(rules.map(|rule| Points::Fixed(rule, 50)))
        .collect();
    let mut totals = Totals::default();
    for method in PathMethod::ALL {
        let mut tallies: Vec<Tally> = ways.iter().map(|_| Tally::default()).collect();
        for kind in Kind::ALL {
            for model in 0..PATH_MODELS {
                let questions = kind.questions(model);
                if !method.takes(&questions) {
                    continue;
                }
                let right = method.right(&questions);
                for (tally, &points) in tallies.iter_mut().zip(&ways) {
                    tally.add(method.errors(&questions, points, &right));
                }
            }
        }
        totals.add(method.name, &tallies);
    }
    let all = (totals.questions * ways.len()) as f64;
    let share = 100.0 * totals.bounds.iter().sum::<usize>() as f64 / all;
    println!("All {all} | {share:.1} %");
    println!(
        "converged: {:?}, more than twice the tolerance off: {:?}",
        totals.converged, totals.far_off
    );
    standard_errors_of_reveal();
}

/// Prints how often intervals of two standard errors of Reveal-IG hold, over 200 rows of each kind.
fn standard_errors_of_reveal() {
    println!("\n| Kind | Reveal-IG, 50 samples | 200 samples | Tolerance 5 % |\n|---|---|---|---|");
    for name in ["ReLU 13-32-3", "tanh 13-32-3", "ReLU 13-32-32-32-3"] {
        let kind = Kind::ALL.iter().find(|kind| kind.name == name).expect("a kind");
        let mut found = [Intervals::default(); 3];
        for model in 0..20 {
            let questions = kind.questions(model);
            let explain = |reveal: RevealIg| {
                let reveal = reveal.with_noise(NoiseScale::Absolute(0.5));
                let (input, target) = (questions.input.clone(), questions.target.clone());
                reveal.attribute_to(&questions.model(), input, target).expect("a map")
            };
            let right = explain(RevealIg::new().with_samples(8000).with_seed(2));
            let right: Vec<f64> = values(&right.values).into_iter().map(f64::from).collect();
            let reveal = || RevealIg::new().with_seed(1);
            let asked = [
                reveal().with_samples(50),
                reveal().with_samples(200),
                reveal().with_tolerance(0.05),
            ];
            for (found, reveal) in found.iter_mut().zip(asked) {
                *found += questions.held(explain(reveal), &right);
            }
        }
        let cells = found.map(|it| {
            let held = 100.0 * it.held as f64 / it.unwarned.max(1) as f64;
            let warned = 100.0 * (it.all - it.unwarned) as f64 / it.all as f64;
            format!("{held:.1} ({warned:.0} % with a warning), {} gradients", it.samples / 200)
        });
        println!("| {name} | {} |", cells.join(" | "));
    }
}

fn main() {
    let section = std::env::args().skip(1).find(|arg| !arg.starts_with("--"));
    match section.as_deref() {
        Some("maps") => errors_of_maps(),
        Some("shares") => errors_of_shares(),
        Some("standard-errors") => standard_errors(),
        Some("paths") => paths(),
        _ => {
            errors_of_maps();
            errors_of_shares();
            standard_errors();
            paths();
        }
    }
}

/// Prints how often the estimated errors of maps are upper bounds.
fn errors_of_maps() {
    println!(
        "| Kind | 5 % | 1 % | Gauss-Legendre 50 | Midpoint 50 | Placed 50 | Estimate / true at 5 %: 5 % quantile / \
         median | Gradients at 5 %, median | Beyond 10 % of those that met 5 % | Beyond 2 % of those that met 1 % |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut totals = Totals::default();
    for kind in Kind::ALL {
        let mut tallies: Vec<Tally> = explainers().iter().map(|_| Tally::default()).collect();
        for model in 0..MODELS {
            let questions = kind.questions(model);
            let right = questions.right();
            for (tally, explainer) in tallies.iter_mut().zip(explainers()) {
                tally.add(questions.errors(&explainer, &right));
            }
        }
        totals.add(kind.name, &tallies);
    }
    totals.add("CIFAR CNN, photos", &photo_network(&Device::flex()));
    let share = |bounds: usize| 100.0 * bounds as f64 / totals.questions as f64;
    let shares: Vec<String> =
        totals.bounds.iter().map(|bounds| format!("{:.1}", share(*bounds))).collect();
    println!("| All {} | {} |", totals.questions, shares.join(" | "));
    println!(
        "converged: {:?}, more than twice the tolerance off: {:?}",
        totals.converged, totals.far_off
    );
}
