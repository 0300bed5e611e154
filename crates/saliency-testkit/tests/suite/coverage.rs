//! Error bars hold for models of every kind. The bench `tolerance` asks more questions.

use burn::tensor::Tensor;
use saliency_core::{
    Baseline, Explainer, IntegratedGradients, NoiseScale, Rule, SmoothGrad, pure_function,
};
use saliency_testkit::{Intervals, Kind, PathMethod, Points};

/// The models of each kind.
const MODELS: u64 = 3;

#[test]
fn the_estimate_is_an_upper_bound_for_models_of_every_kind() {
    let ig = IntegratedGradients::new;
    let explainers = [
        ig().with_tolerance(0.05),
        ig().with_tolerance(0.01),
        ig().with_steps(50),
        ig().with_rule(Rule::Midpoint).with_steps(50),
        ig().with_rule(Rule::Placed).with_steps(50),
    ];
    let (mut all, mut bounds) = (0, 0);
    let (mut converged, mut far_off) = (0, 0);
    for kind in Kind::ALL {
        let (mut own, mut own_bounds) = (0, 0);
        for model in 0..MODELS {
            let questions = kind.questions(model);
            let right = questions.right();
            for (explainer, tolerance) in explainers.iter().zip([0.05, 0.01, 1.0, 1.0, 1.0]) {
                let errors = questions.errors(explainer, &right);
                let pairs = || errors.estimated.iter().zip(&errors.right);
                own += errors.right.len();
                own_bounds += pairs().filter(|(estimated, right)| estimated >= right).count();
                if let Some(met) = errors.converged {
                    let rows = met.iter().zip(&errors.right).filter(|(met, _)| **met);
                    converged += rows.clone().count();
                    far_off += rows.filter(|(_, right)| **right > 2.0 * tolerance).count();
                }
            }
        }
        println!("{:44} {own_bounds} of {own}", kind.name);
        assert!(own_bounds * 100 >= own * 75, "{}: {own_bounds} of {own}", kind.name);
        (all, bounds) = (all + own, bounds + own_bounds);
    }
    println!("all: {bounds} of {all}; {far_off} of {converged} converged ones are far off");
    assert!(bounds * 100 >= all * 88, "{bounds} of {all}");
    assert!(far_off * 100 <= converged * 3, "{far_off} of {converged}");
}

#[test]
fn the_estimate_of_every_path_method_is_an_upper_bound() {
    // Every third kind, for the sake of time; the bench asks about all.
    let kinds = || Kind::ALL.into_iter().step_by(3);
    let ways = [
        Points::Tolerance(0.05, 1000),
        Points::Fixed(Rule::GaussLegendre, 50),
        Points::Fixed(Rule::Midpoint, 30),
    ];
    let (mut all, mut bounds) = (0, 0);
    for method in PathMethod::ALL {
        let (mut own, mut own_bounds) = (0, 0);
        for kind in kinds() {
            let questions = kind.questions(7);
            if !method.takes(&questions) {
                continue;
            }
            let right = method.right(&questions);
            for points in ways {
                let errors = method.errors(&questions, points, &right);
                let pairs = errors.estimated.iter().zip(&errors.right);
                own += errors.right.len();
                own_bounds += pairs.filter(|(estimated, right)| estimated >= right).count();
            }
        }
        println!("{:32} {own_bounds} of {own}", method.name);
        assert!(own_bounds * 100 >= own * 84, "{}: {own_bounds} of {own}", method.name);
        (all, bounds) = (all + own, bounds + own_bounds);
    }
    println!("all: {bounds} of {all}");
    assert!(bounds * 100 >= all * 88, "{bounds} of {all}");
}

#[test]
fn the_error_of_a_share_is_an_upper_bound_for_models_of_every_kind() {
    let ig = || IntegratedGradients::new().with_baseline(Baseline::zeros());
    let explainers =
        [ig().with_share_tolerance(0.01), ig().with_share_tolerance(0.03), ig().with_steps(20)];
    let (mut all, mut bounds) = (0, 0);
    let (mut converged, mut far_off) = (0, 0);
    for kind in Kind::ALL {
        let (mut own, mut own_bounds) = (0, 0);
        for model in 0..MODELS {
            let questions = kind.questions(model);
            let right = questions.right();
            let rows = questions.rows_with_shares();
            for (explainer, tolerance) in explainers.iter().zip([0.01, 0.03, 1.0]) {
                let (input, target) = (questions.input.clone(), questions.target.clone());
                let map = explainer.attribute_rows(&questions.model(), input, target, &rows);
                let errors = questions.share_errors(&map.unwrap(), &right);
                let pairs = || errors.estimated.iter().zip(&errors.right);
                own += errors.right.len();
                // Single precision is not counted as an error of the path.
                let holds = |(estimated, right): &(&f64, &f64)| **estimated + 1e-6 >= **right;
                own_bounds += pairs().filter(holds).count();
                if let Some(met) = errors.converged {
                    let met: Vec<bool> = met.into_iter().flat_map(|met| [met; 2]).collect();
                    let rows = met.iter().zip(&errors.right).filter(|(met, _)| **met);
                    converged += rows.clone().count();
                    far_off += rows.filter(|(_, right)| **right > 2.0 * tolerance).count();
                }
            }
        }
        println!("{:44} {own_bounds} of {own}", kind.name);
        assert!(own_bounds * 100 >= own * 75, "{}: {own_bounds} of {own}", kind.name);
        (all, bounds) = (all + own, bounds + own_bounds);
    }
    println!("all: {bounds} of {all}; {far_off} of {converged} converged ones are far off");
    assert!(bounds * 100 >= all * 88, "{bounds} of {all}");
    assert!(far_off * 100 <= converged * 3, "{far_off} of {converged}");
}

#[test]
fn intervals_of_two_standard_errors_hold_the_right_values() {
    let kind = |name: &str| *Kind::ALL.iter().find(|kind| kind.name == name).expect("a kind");
    // Smooth and bent networks; and gates, which few samples of the noise open.
    for (name, models, range) in [
        ("ReLU 13-32-3", 6, 92.0..98.0),
        ("tanh 13-32-3", 6, 92.0..98.0),
        ("6 gates, k = 20 to 500, mixed signs", 30, 92.0..100.0),
    ] {
        let (mut fixed, mut to_tolerance) = (Intervals::default(), Intervals::default());
        for model in 0..models {
            let questions = kind(name).questions(model);
            let right = questions.smooth_right(40_000);
            let explainer = questions.smooth_grad();
            fixed += questions.intervals(&explainer.clone().with_samples(200), &right);
            to_tolerance += questions.intervals(&explainer.with_tolerance(0.1), &right);
        }
        for found in [fixed, to_tolerance] {
            let share = 100.0 * found.held as f64 / found.unwarned.max(1) as f64;
            println!(
                "{name}: {share:.1} % of {} values, {} with warnings",
                found.unwarned, found.all
            );
            assert!(range.contains(&share) || found.unwarned == 0, "{name}: {found:?}");
        }
    }
}

#[test]
fn the_intervals_of_shares_hold_the_right_shares() {
    let kind = |name: &str| *Kind::ALL.iter().find(|kind| kind.name == name).expect("a kind");
    for name in ["ReLU 13-32-3", "tanh 13-32-3"] {
        let (mut held, mut all, mut converged) = (0, 0, 0);
        for model in 0..12 {
            let questions = kind(name).questions(model);
            let right = questions.smooth_right(20_000);
            let rows = questions.rows_with_shares();
            let smooth = || questions.smooth_grad();
            let explainers = [
                smooth().with_samples(50),
                smooth().with_share_tolerance(0.03).with_max_samples(900),
            ];
            for explainer in explainers {
                let (input, target) = (questions.input.clone(), questions.target.clone());
                let map = explainer.attribute_rows(&questions.model(), input, target, &rows);
                let errors = questions.share_errors(&map.unwrap(), &right);
                let pairs = errors.estimated.iter().zip(&errors.right);
                all += errors.right.len();
                held += pairs.filter(|(estimated, right)| **estimated + 1e-6 >= **right).count();
                let met = errors.converged.unwrap_or_default();
                converged += met.iter().filter(|met| **met).count();
                let within = met.iter().zip(errors.estimated.chunks(2));
                within
                    .for_each(|(met, errors)| assert!(!met || errors.iter().all(|it| *it <= 0.03)));
            }
        }
        println!("{name}: {held} of {all} shares, {converged} of {} rows converged", all / 4);
        let percent = 100.0 * held as f64 / all as f64;
        assert!((92.0..=98.0).contains(&percent), "{name}: {percent}");
        assert!(converged > 0, "{name}");
    }
}

#[test]
fn values_that_are_always_zero_do_not_count_as_known() {
    // Four of ten features matter; at a tolerance of 5 % the true error is below 10 %.
    let device = saliency_testkit::device();
    let input =
        Tensor::<2>::from_data([[0.3, -0.2, 0.5, 0.1, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]], &device);
    let weights = [1.0f64, -0.7, 0.5, 0.8];
    let model = pure_function(|x: Tensor<2>| {
        let device = x.device();
        let weights = Tensor::<2>::from_data([[1.0, -0.7, 0.5, 0.8]], &device);
        ((x.narrow(1, 0, 4) * 2.0).sin() * weights).sum_dim(1)
    });
    let (noise, size) = (0.3f64, 2.0f64);
    // The mean of cos(2(x + ε)) over ε is cos(2x) exp(-2σ²).
    let right: Vec<f64> = [0.3f64, -0.2, 0.5, 0.1]
        .iter()
        .zip(weights)
        .map(|(x, weight)| size * weight * (size * x).cos() * (-2.0 * noise * noise).exp())
        .collect();
    let whole: f64 = right.iter().map(|value| value.abs()).sum();
    let close = (0..100).filter(|&seed| {
        let explainer =
            SmoothGrad::default().with_noise(NoiseScale::Absolute(noise)).with_seed(seed);
        let map = explainer.with_tolerance(0.05).attribute(&model, input.clone()).unwrap();
        assert_eq!(map.converged.unwrap(), [true]);
        let found = saliency_testkit::values(&map.values);
        let off = found.iter().zip(&right).map(|(found, right)| (f64::from(*found) - right).abs());
        off.sum::<f64>() < 0.1 * whole
    });
    let close = close.count();
    assert!(close >= 95, "{close} of 100 seeds");
}
