//! Blur IG, Guided IG and IDGI: paths in scale space, paths that are found on the way, and the squares
//! of the gradient.

use std::sync::{Arc, Mutex};

use burn::tensor::{DType, Device, FloatDType, Tensor};
use saliency_core::methods::{Blur, BlurKernel, BlurSpacing, Border, Guided, IdgiAlong};
use saliency_core::{
    Attribution, Baseline, BlurIg, Error, Explainer, Fixed, GuidedIg, Idgi, IntegratedGradients,
    Parallelism, Progress, Rows, Rule, Schedule, Stage, Target, Warning, pure_function,
};
use saliency_models::CifarCnn;
use saliency_testkit::{
    Counting, Golden, Kind, assert_close, assert_error, device, largest_error, linear,
    on_every_device, relative_l1, schedule, square, values,
};

/// The CIFAR network in double precision, with three photos.
struct Cifar {
    golden: Golden,
    net: CifarCnn,
    input: Tensor<4>,
    target: Target,
}

impl Cifar {
    fn new(device: &Device) -> Self {
        let golden = Golden::cifar_methods();
        let input = golden.tensor::<4>("input", device).cast(DType::F64);
        let target = Target::Classes(golden.targets());
        Self { net: CifarCnn::embedded_in(device, DType::F64), input, target, golden }
    }

    fn explain(&self, explainer: &dyn Explainer<CifarCnn, Tensor<4>>) -> Attribution<Tensor<4>> {
        explainer.attribute_to(&self.net, self.input.clone(), self.target.clone()).unwrap()
    }

    /// Compares every row with golden values.
    fn compare(&self, name: &str, map: &Attribution<Tensor<4>>) {
        let expected: Tensor<4> = self.golden.tensor(name, &self.input.device());
        let expected = expected.cast(DType::F64);
        for row in 0..3 {
            let of_row = |map: &Tensor<4>| map.clone().narrow(0, row, 1);
            let name = format!("{name}, row {row}");
            assert_close(&name, &of_row(&map.values), &of_row(&expected), 1e-5);
        }
    }
}

type Small = Box<dyn Explainer<CifarCnn, Tensor<4>>>;

/// Returns Blur IG as PAIR's library computes it.
fn blur_as_pair(steps: usize) -> BlurIg {
    BlurIg::new()
        .with_max_sigma(8.0)
        .with_border(Border::Zeros)
        .with_spacing(BlurSpacing::Linear)
        .with_kernel(BlurKernel::Truncated { difference: 0.01 })
        .with_rule(Rule::Right)
        .with_steps(steps)
}

fn guided(fraction: f64, distance: f64, moves: usize) -> GuidedIg {
    GuidedIg::new().with_fraction(fraction).with_max_distance(distance).with_moves(moves)
}

#[test]
fn blur_ig_and_guided_ig_agree_with_pair_in_double_precision() {
    on_every_device(|compute| {
        if !compute.supports(FloatDType::F64) {
            return;
        }
        let cifar = Cifar::new(compute.device());
        let map = cifar.explain(&blur_as_pair(60).with_schedule(schedule(compute)));
        cifar.compare("blur_ig_60_sigma_8", &map);
        let map = cifar.explain(&guided(0.25, 0.1, 100).with_schedule(schedule(compute)));
        cifar.compare("guided_ig_100_fraction_0.25_dist_0.1", &map);
        assert_eq!(map.evaluations, [101; 3]);
    });
}

#[test]
fn a_photo_without_details_gets_zeros_from_reflected_borders() {
    on_every_device(|compute| {
        let device = compute.device();
        let net = CifarCnn::embedded(device);
        // The second photo has another colour in each channel.
        let colours = Tensor::<2>::from_data([[0.3, 0.3, 0.3], [0.7, -0.2, 0.1]], device);
        let plain = colours.reshape([2, 3, 1, 1]).repeat(&[1, 1, 32, 32]);
        let explainer = BlurIg::new().with_steps(5).with_schedule(schedule(compute));
        let map = explainer.clone().attribute(&net, plain.clone()).unwrap();
        assert!(values(&map.values).iter().all(|value| *value == 0.0));
        let same = |row| matches!(map.warnings[row], Warning::BaselineIsInput { row: at, .. } if at == row);
        assert!(same(0) && same(1), "{:?}", map.warnings);
        assert_eq!(map.completeness_gap.unwrap(), [0.0; 2]);
        // Zeros beyond the border darken the photo at its edges.
        let map = explainer.with_border(Border::Zeros).attribute(&net, plain).unwrap();
        assert!(values(&map.values).iter().any(|value| *value != 0.0));
    });
}

#[test]
fn guided_ig_of_a_fraction_of_one_or_no_distance_is_integrated_gradients() {
    let cifar = Cifar::new(&device());
    let straight = IntegratedGradients::new().with_rule(Rule::Left).with_steps(40);
    let expected = cifar.explain(&straight);
    for explainer in [guided(1.0, 1.0, 40), guided(1.0, 0.02, 40), guided(0.3, 0.0, 40)] {
        let map = cifar.explain(&explainer);
        assert_close("guided", &map.values, &expected.values, 1e-6);
    }
    // To a tolerance too: the path is the same.
    let expected = cifar.explain(&IntegratedGradients::new().with_tolerance(0.002));
    let found = cifar.explain(&guided(1.0, 1.0, 100).with_tolerance(0.01));
    assert_eq!(found.converged.as_deref(), Some(&[true; 3][..]));
    for row in 0..3 {
        let of_row = |map: &Tensor<4>| values(&map.clone().narrow(0, row, 1));
        let off = relative_l1(&of_row(&found.values), &of_row(&expected.values));
        println!("row {row}: {off:.5} from {} gradients", found.evaluations[row]);
        assert!(off < 0.012, "row {row}: {off}");
    }
}

#[test]
fn all_paths_agree_on_a_linear_model() {
    on_every_device(|compute| {
        let device = compute.device();
        let weights = [2.0, -1.0, 0.5, 3.0];
        let model = linear(&weights, 4.0, device);
        let x = Tensor::<2>::from_data([[1.0, 2.0, -3.0, 0.0], [0.5, 0.0, 8.0, -1.0]], device);
        let w = Tensor::<2>::from_data([weights], device);
        let baseline = Baseline::constant(0.5);
        let expected = (x.clone() - 0.5) * w.clone();
        for explainer in [guided(0.25, 1.0, 7), guided(0.6, 0.1, 7).with_tolerance(0.01)] {
            let explainer = explainer.with_baseline(baseline.clone());
            let map = explainer.attribute(&model, x.clone()).unwrap();
            assert_close("guided", &map.values, &expected, 1e-5);
            map.completeness_gap.unwrap().iter().for_each(|gap| assert!(gap.abs() < 1e-4));
        }
        // IDGI: the change of score in shares of the squared weights, along every path.
        let squares = (w.clone() * w.clone()) / 14.25;
        let change = expected.sum_dim(1) * squares;
        let straight = Idgi::new().with_baseline(baseline.clone()).with_steps(3);
        let map = straight.attribute(&model, x.clone()).unwrap();
        assert_close("IDGI", &map.values, &change, 1e-5);
        let guided = IdgiAlong::<Guided>::new().with_baseline(baseline).with_moves(7);
        let map = guided.attribute(&model, x.clone()).unwrap();
        assert_close("IDGI, guided", &map.values, &change, 1e-5);
        // Blur IG: the weights times what the blur takes away. Of two values of a line the blur
        // leaves their mean.
        let line = pure_function(|x: Tensor<3>| {
            let weights = Tensor::<3>::from_data([[[2.0, -1.0]]], &x.device());
            (x * weights).sum_dim(2).flatten::<2>(1, 2)
        });
        let x = Tensor::<3>::from_data([[[5.0, 1.0]]], device);
        let blur = BlurIg::new().with_max_sigma(2.0).with_tolerance(0.001).with_max_gradients(400);
        let map = blur.attribute(&line, x.clone()).unwrap();
        let expected = Tensor::<3>::from_data([[[4.0, 2.0]]], device);
        // exp(-(π σ / 2)² / 2) of the difference is left.
        let left = 1.0 - (-0.5 * std::f64::consts::PI.powi(2)).exp();
        assert_close("blur", &map.values, &(expected * left), 2e-3);
    });
}

#[test]
fn values_sum_to_the_change_of_score_and_the_gap_is_within_the_error() {
    let cifar = Cifar::new(&device());
    let explainers: [(&str, f64, Small); 5] = [
        ("blur", 0.05, Box::new(BlurIg::new().with_tolerance(0.05))),
        ("guided", 0.05, Box::new(GuidedIg::new().with_moves(60).with_tolerance(0.05))),
        ("IDGI", 0.05, Box::new(Idgi::new().with_tolerance(0.05))),
        ("IDGI of blur", 0.1, Box::new(IdgiAlong::<Blur>::new().with_tolerance(0.1))),
        (
            "IDGI, guided",
            0.1,
            Box::new(IdgiAlong::<Guided>::new().with_moves(60).with_tolerance(0.1)),
        ),
    ];
    for (name, tolerance, explainer) in explainers {
        let map = cifar.explain(&explainer);
        let (errors, gaps) = (map.error_estimate.unwrap(), map.completeness_gap.unwrap());
        let met = map.converged.unwrap();
        for row in 0..3 {
            let sizes = values(&map.values.clone().narrow(0, row, 1));
            let size: f64 = sizes.iter().map(|value| f64::from(value.abs())).sum();
            let (gap, gradients) = (gaps[row].abs() / size, map.evaluations[row]);
            println!("{name}, row {row}: {gap:.4} of {:.4}, {gradients} gradients", errors[row]);
            assert!(gap <= errors[row], "{name}, row {row}");
            assert_eq!(met[row], errors[row] <= tolerance, "{name}, row {row}");
        }
    }
}

/// Asks for the estimated error of each row, and for its distance from a map that is as good as
/// exact.
struct Judged {
    held: usize,
    all: usize,
    estimated: f64,
    right: f64,
}

fn judge(
    found: &Attribution<Tensor<2>>,
    right: &Attribution<Tensor<2>>,
    width: usize,
    judged: &mut Judged,
) {
    let (found_values, right_values) = (values(&found.values), values(&right.values));
    let rows = found_values.chunks(width).zip(right_values.chunks(width));
    for ((found, right), estimated) in rows.zip(found.error_estimate.as_ref().unwrap()) {
        let off = relative_l1(found, right);
        judged.held += usize::from(*estimated + 1e-6 >= off);
        judged.all += 1;
        judged.estimated += estimated;
        judged.right += off;
    }
}

#[test]
fn the_estimate_is_an_upper_bound_along_the_path_that_was_taken() {
    let (mut held, mut all) = (0, 0);
    let kinds = ["ReLU 13-32-3", "ReLU 13-32-32-32-3", "tanh 13-32-32-3", "sum of 200 sines"];
    for kind in Kind::ALL.iter().filter(|kind| kinds.contains(&kind.name)) {
        for (name, tolerance) in [("on the way", None), ("to 5 %", Some(0.05))] {
            let mut judged = Judged { held: 0, all: 0, estimated: 0.0, right: 0.0 };
            for model in 0..2 {
                let questions = kind.questions(model);
                let explain = |tolerance: Option<f64>, limit: usize| {
                    let explainer = guided(0.25, 0.1, 25).with_max_gradients(limit);
                    let explainer = match tolerance {
                        Some(tolerance) => explainer.with_tolerance(tolerance),
                        None => explainer,
                    };
                    let input = questions.input.clone().cast(DType::F64);
                    let target = questions.target.clone();
                    explainer.attribute_to(&questions.model(), input, target).unwrap()
                };
                let right = explain(Some(1e-4), 8_000);
                let width = questions.input.dims()[1];
                judge(&explain(tolerance, 1_000), &right, width, &mut judged);
            }
            let rows = judged.all as f64;
            println!(
                "{}, {name}: {} of {}, {:.4} estimated, {:.4} right",
                kind.name,
                judged.held,
                judged.all,
                judged.estimated / rows,
                judged.right / rows
            );
            assert!(judged.held * 100 >= judged.all * 75, "{}, {name}", kind.name);
            held += judged.held;
            all += judged.all;
        }
    }
    assert!(held * 100 >= all * 88, "{held} of {all}");
}

#[test]
fn rules_of_one_side_have_an_error_that_holds() {
    let (mut held, mut all) = (0, 0);
    for kind in Kind::ALL.iter().step_by(3) {
        let questions = kind.questions(0);
        let right = questions.right();
        for rule in [Rule::Left, Rule::Right] {
            // The gradient of some models is infinite at zero.
            let explainer = IntegratedGradients::new().with_rule(rule).with_steps(30);
            if kind.name.contains('√') && rule == Rule::Left {
                continue;
            }
            let errors = questions.errors(&explainer, &right);
            let pairs = errors.estimated.iter().zip(&errors.right);
            held += pairs.filter(|(estimated, right)| estimated >= right).count();
            all += errors.right.len();
        }
    }
    println!("{held} of {all}");
    assert!(held * 100 >= all * 88, "{held} of {all}");
}

#[test]
fn lines_pictures_and_volumes_are_blurred_and_tables_beside_them_are_fixed() {
    on_every_device(|compute| {
        let device = compute.device();
        let squares = |x: Tensor<2>| x.powi_scalar(2).sum_dim(1);
        let explainer = BlurIg::new().with_steps(20);
        let wave = |count: usize| {
            let values: Vec<f32> = (0..count).map(|at| (at as f32 * 1.3).sin()).collect();
            Tensor::<1>::from_data(&values[..], device)
        };
        let gap = |gaps: Option<Vec<f64>>| gaps.unwrap().iter().all(|gap| gap.abs() < 0.02);

        let model = pure_function(move |x: Tensor<3>| squares(x.flatten(1, 2)));
        let map = explainer.attribute(&model, wave(2 * 3 * 20).reshape([2, 3, 20])).unwrap();
        assert!(gap(map.completeness_gap));
        let model = pure_function(move |x: Tensor<5>| squares(x.flatten(1, 4)));
        let volume = wave(2 * 2 * 4 * 5 * 6).reshape([2, 2, 4, 5, 6]);
        let map = explainer.attribute(&model, volume).unwrap();
        assert_eq!(map.values.dims(), [2, 2, 4, 5, 6]);
        assert!(gap(map.completeness_gap));

        let model = pure_function(move |(x, table): (Tensor<4>, Fixed<Tensor<2>>)| {
            squares(x.flatten(1, 3)) + table.0.sum_dim(1)
        });
        let photo = || wave(2 * 3 * 8 * 6).reshape([2, 3, 8, 6]);
        let table = || Tensor::<2>::ones([2, 4], device);
        let map = explainer.attribute(&model, (photo(), Fixed(table()))).unwrap();
        assert!(gap(map.completeness_gap));
        assert_eq!(values(&map.values.1.0), [0.0; 8]);
        // A table that is not fixed cannot be blurred.
        let model = pure_function(move |(x, table): (Tensor<4>, Tensor<2>)| {
            squares(x.flatten(1, 3)) + table.sum_dim(1)
        });
        let error = explainer.attribute(&model, (photo(), table())).unwrap_err();
        assert_error!(error, Error::NoSpatialAxis { tensor: 1, shape: vec![2, 4] });
    });
}

#[test]
fn options_outside_their_range_are_refused_with_advice() {
    let photo = || Tensor::<4>::ones([1, 1, 6, 9], &device());
    let score = pure_function(|x: Tensor<4>| x.flatten::<2>(1, 3).sum_dim(1));
    let refused = |error: Error, option: &'static str, expected: &str| {
        assert_error!(error, Error::InvalidOption { option, expected: expected.to_owned() });
    };
    let blur = |explainer: BlurIg| explainer.attribute(&score, photo()).unwrap_err();
    refused(
        blur(BlurIg::new().with_max_sigma(9.5)),
        "the largest sigma",
        "at most 9, the longest axis of the input",
    );
    for sigma in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        refused(blur(BlurIg::new().with_max_sigma(sigma)), "the largest sigma", "above 0");
    }
    let kernel = BlurKernel::Truncated { difference: 0.0 };
    refused(blur(BlurIg::new().with_kernel(kernel)), "the difference of sigma", "above 0");
    let long = Tensor::<3>::ones([1, 1, 5000], &device());
    let line = pure_function(|x: Tensor<3>| x.flatten::<2>(1, 2).sum_dim(1));
    let error = BlurIg::new().attribute(&line, long).unwrap_err();
    refused(error, "the axes to blur", "of at most 4096 values; pool or cut the input");
    let flat = Tensor::<2>::ones([2, 3], &device());
    let error = BlurIg::new().attribute(&square(), flat.clone()).unwrap_err();
    assert_error!(error, Error::NoSpatialAxis { tensor: 0, shape: vec![2, 3] });

    let refuse = |explainer: GuidedIg| explainer.attribute(&square(), flat.clone()).unwrap_err();
    for fraction in [0.0, -0.1, 1.1, f64::NAN] {
        let error = refuse(GuidedIg::new().with_fraction(fraction));
        refused(error, "fraction", "above 0 and at most 1");
    }
    for distance in [-0.1, 1.1, f64::NAN] {
        let error = refuse(GuidedIg::new().with_max_distance(distance));
        refused(error, "max distance", "from 0 to 1");
    }
    refused(refuse(GuidedIg::new().with_moves(0)), "moves", "from 1 to 19999");
    refused(
        refuse(GuidedIg::new().with_steps(10)),
        "steps",
        "to be left out for a path that is found on the way; set the number of its moves instead \
         (`with_moves`)",
    );
    let few = GuidedIg::new().with_tolerance(0.1).with_max_gradients(200);
    refused(refuse(few), "limit", "from 201 to 20000");
}

#[test]
fn a_gradient_that_is_not_finite_is_reported_with_its_row() {
    let roots = pure_function(|x: Tensor<2>| x.sqrt().sum_dim(1));
    let x = Tensor::<2>::from_data([[1.0, 4.0], [4.0, 9.0]], &device());
    let explainer = GuidedIg::new().with_moves(5).with_schedule(Schedule::new().with_chunk(1));
    let error = explainer.attribute(&roots, x.clone()).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Gradient, row: 0 });
    // Only the second row starts at zero.
    let baseline = Tensor::<2>::from_data([[0.5, 0.5], [0.0, 0.0]], &device());
    for explainer in [explainer.clone(), explainer.with_tolerance(0.1)] {
        let explainer = explainer.with_baseline(Baseline::tensor(baseline.clone()));
        let error = explainer.attribute(&roots, x.clone()).unwrap_err();
        assert_error!(error, Error::NotFinite { stage: Stage::Gradient, row: 1 });
    }
}

fn every_path(schedule: &Schedule) -> Vec<(&'static str, Small)> {
    let s = || schedule.clone();
    let guided = || GuidedIg::new().with_moves(9).with_schedule(s());
    vec![
        ("blur", Box::new(BlurIg::new().with_steps(7).with_schedule(s()))),
        ("blur to a tolerance", Box::new(BlurIg::new().with_tolerance(0.3).with_schedule(s()))),
        ("guided", Box::new(guided())),
        ("guided to a tolerance", Box::new(guided().with_tolerance(0.2).with_max_gradients(60))),
        ("IDGI", Box::new(Idgi::new().with_steps(7).with_schedule(s()))),
        ("IDGI, guided", Box::new(IdgiAlong::<Guided>::new().with_moves(9).with_schedule(s()))),
    ]
}

#[test]
fn any_number_of_workers_gives_the_same_bits_along_these_paths() {
    let net = CifarCnn::embedded(&device());
    let input: Tensor<4> = Golden::cifar_methods().tensor("input", &device());
    for chunk in [1, 2, 1000] {
        let explain = |workers: usize| {
            let schedule = Schedule::new().with_parallelism(Parallelism::Workers(workers));
            let methods = every_path(&schedule.with_chunk(chunk));
            let explain = |(name, explainer): &(&'static str, Small)| {
                let map = explainer.attribute(&net, input.clone()).unwrap();
                let all = (values(&map.values), map.completeness_gap, map.error_estimate);
                (*name, all, map.evaluations)
            };
            methods.iter().map(explain).collect::<Vec<_>>()
        };
        let one = explain(1);
        for count in [2, 7] {
            for (one, many) in one.iter().zip(explain(count)) {
                assert_eq!(*one, many, "{count} workers, chunks of {chunk}");
            }
        }
    }
}

#[test]
fn a_row_alone_gets_the_same_bits_as_in_a_batch() {
    let net = CifarCnn::embedded(&device());
    let input: Tensor<4> = Golden::cifar_methods().tensor("input", &device());
    // One row at a time, because the layers of a network may round differently for more.
    for (name, explainer) in every_path(&Schedule::new().with_chunk(1)) {
        let together = explainer.attribute(&net, input.clone()).unwrap();
        for row in 0..3 {
            let alone = explainer.attribute(&net, input.clone().narrow(0, row, 1)).unwrap();
            let of_row = values(&together.values.clone().narrow(0, row, 1));
            assert_eq!(values(&alone.values), of_row, "{name}, row {row}");
            assert_eq!(alone.evaluations[0], together.evaluations[row], "{name}, row {row}");
        }
        // In another chunk they are as good as equal.
        let [(_, wide)] = every_path(&Schedule::new().with_chunk(1000))
            .into_iter()
            .filter(|(other, _)| *other == name)
            .collect::<Vec<_>>()
            .try_into()
            .unwrap_or_else(|_| panic!("one {name}"));
        let found = wide.attribute(&net, input.clone()).unwrap();
        let error = largest_error(&found.values, &together.values);
        println!("{name}: {error:.1e} in another chunk");
    }
}

#[test]
fn a_path_of_n_moves_takes_n_and_one_gradients() {
    let counting = Counting::default();
    let model = counting.square();
    let x = Tensor::<2>::from_data([[1.0], [2.0], [3.0]], &device());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let schedule = Schedule::new().with_chunk(2).without_row_check().with_progress(
        move |progress: Progress| log.lock().unwrap().push((progress.done, progress.total)),
    );
    let explainer = GuidedIg::new().with_moves(5).with_schedule(schedule);
    let map = explainer.attribute(&model, x.clone()).unwrap();
    // Six gradients of each row, and the scores at both ends.
    assert_eq!(counting.take().1, 3 * (6 + 2));
    assert_eq!(map.evaluations, [6; 3]);
    assert_eq!(*seen.lock().unwrap().last().unwrap(), (18, 18));
    // A sum of left ends: (1 + 3 + 5 + 7 + ...) is known on paper. The error says how far off it is.
    let found = values(&map.values);
    for (row, x) in [1.0, 2.0, 3.0].into_iter().enumerate() {
        assert!((f64::from(found[row]) - 0.8 * x * x).abs() < 1e-5, "{found:?}");
        let error = map.error_estimate.as_ref().unwrap()[row];
        assert!((0.25..0.5).contains(&error), "{error}");
    }

    seen.lock().unwrap().clear();
    counting.take();
    let map = explainer.with_tolerance(0.01).attribute(&model, x).unwrap();
    let gradients: usize = map.evaluations.iter().sum();
    assert_eq!(counting.take().1, gradients + 6);
    assert_eq!(*seen.lock().unwrap().last().unwrap(), (gradients, gradients));
    assert!(map.error_estimate.unwrap().iter().all(|error| *error <= 0.01));
    assert_eq!(map.converged.unwrap(), [true; 3]);
}

#[test]
fn shares_along_a_guided_path_have_errors() {
    let questions = Kind::ALL[4].questions(0);
    let rows: Rows = questions.rows_with_shares();
    let explain = |explainer: GuidedIg| {
        let (input, target) = (questions.input.clone(), questions.target.clone());
        explainer.attribute_rows(&questions.model(), input, target, &rows).unwrap()
    };
    let fixed = explain(guided(0.25, 0.1, 25));
    let known = explain(guided(0.25, 0.1, 25).with_share_tolerance(0.01));
    let (fixed, known) = (fixed.shares.unwrap(), known.shares.unwrap());
    for (fixed, known) in fixed.iter().flatten().zip(known.iter().flatten()) {
        let (error, small) = (fixed.error.unwrap(), known.error.unwrap());
        assert!((fixed.share - known.share).abs() <= error + small, "{fixed:?} {known:?}");
    }
}

#[test]
fn a_row_that_equals_its_baseline_has_no_guided_path() {
    let x = Tensor::<2>::from_data([[0.0, 0.0], [1.0, 2.0]], &device());
    let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
    for explainer in
        [GuidedIg::new().with_moves(8), GuidedIg::new().with_moves(8).with_tolerance(0.1)]
    {
        let map = explainer.attribute(&model, x.clone()).unwrap();
        assert_eq!(values(&map.values)[..2], [0.0, 0.0]);
        assert!(matches!(map.warnings[..], [Warning::BaselineIsInput { row: 0, .. }]));
        assert_eq!(map.error_estimate.unwrap()[0], 0.0);
    }
}
