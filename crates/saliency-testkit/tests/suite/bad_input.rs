//! Bad input ends in an error that says what is wrong.

use burn::tensor::{Int, Tensor};
use saliency_core::methods::{Family, OverNoise, Variance};
use saliency_core::{
    Attribution, Baseline, Counted, Error, ExpectedGradients, Explainer, Fixed, Gradient, Inputs,
    IntegratedGradients, MemoryBudget, Method, MethodOptions, Model, NoiseScale, Parallelism,
    Result, Rows, Schedule, Score, Share, SmoothGrad, SmoothGradSquared, Stage, Target,
    attribute_good_rows, pure_function,
};
use saliency_testkit::{assert_error, device, square, values};

fn ones(shape: [usize; 2]) -> Tensor<2> {
    Tensor::ones(shape, &device())
}

/// Checks that every method refuses `input` with the same error.
fn all_refuse(model: &impl Model<Tensor<2>>, input: &Tensor<2>, target: &Target) -> Error {
    fn error<M>(
        explainer: &dyn Explainer<M, Tensor<2>>,
        model: &M,
        x: &Tensor<2>,
        t: &Target,
    ) -> Error {
        let error = explainer.attribute_to(model, x.clone(), t.clone()).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("expected") && text.contains("found"), "{text}");
        error
    }
    let options = MethodOptions::new().with_baseline_sampler(|_| Baseline::zeros());
    let first = error(&Gradient::new(), model, input, target);
    // Those that ask for no gradient answer without one.
    let needs_gradient =
        |method: &Method| first != Error::Independent || method.family() != Family::Perturbation;
    for method in Method::fitting(&[1, 1]).filter(needs_gradient) {
        assert_eq!(error(&*method.explainer(&options), model, input, target), first, "{method}");
    }
    let to_tolerance = IntegratedGradients::new().with_tolerance(0.1);
    assert_eq!(error(&to_tolerance, model, input, target), first);
    println!("{first}");
    first
}

#[test]
fn an_empty_batch() {
    let error = all_refuse(&square(), &ones([0, 3]), &Target::Predicted);
    assert_error!(error, Error::EmptyInput { tensor: 0, shape: vec![0, 3] });
    let error = all_refuse(&square(), &ones([2, 0]), &Target::Predicted);
    assert_error!(error, Error::EmptyInput { tensor: 0, shape: vec![2, 0] });
}

#[test]
fn tuples_of_unequal_batches() {
    let model = pure_function(|(a, b): (Tensor<2>, Tensor<2>)| a + b);
    let error = Gradient::new().attribute(&model, (ones([2, 1]), ones([3, 1]))).unwrap_err();
    assert_error!(error, Error::UnequalRows { tensor: 1, expected: 2, found: 3 });
}

#[test]
fn an_input_that_is_not_finite() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let input = Tensor::<2>::from_data([[0.0, 1.0], [bad, 1.0]], &device());
        let error = all_refuse(&square(), &input, &Target::Class(0));
        assert_error!(error, Error::NotFinite { stage: Stage::Input, row: 1 });
    }
}

#[test]
fn a_score_that_is_not_finite() {
    let model = pure_function(|x: Tensor<2>| x.log());
    let input = Tensor::<2>::from_data([[1.0], [0.0]], &device());
    for target in [Target::Predicted, Target::Class(0)] {
        let error = all_refuse(&model, &input, &target);
        assert_error!(error, Error::NotFinite { stage: Stage::Score, row: 1 });
        // The row is that of the batch, not of the chunk in which it was found.
        let one = Schedule::new().with_chunk(1);
        let error = Gradient::new().with_schedule(one).attribute_to(&model, input.clone(), target);
        assert_error!(error.unwrap_err(), Error::NotFinite { stage: Stage::Score, row: 1 });
    }
}

#[test]
fn a_score_of_the_baseline_that_is_not_finite() {
    // Normalised by its length, which is zero at the default baseline.
    let model = pure_function(|x: Tensor<2>| {
        let length = x.clone().powi_scalar(2).sum_dim(1).sqrt();
        x / length
    });
    let error = IntegratedGradients::new().attribute(&model, ones([2, 3])).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::BaselineScore, row: 0 });
}

#[test]
fn a_gradient_that_is_not_finite() {
    let model = pure_function(|x: Tensor<2>| x.sqrt());
    let input = Tensor::<2>::from_data([[1.0], [0.0]], &device());
    let gradient = Gradient::new().attribute(&model, input.clone()).unwrap_err();
    assert_error!(gradient, Error::NotFinite { stage: Stage::Gradient, row: 1 });
    let ig = IntegratedGradients::new().attribute(&model, input).unwrap_err();
    assert_error!(ig, Error::NotFinite { stage: Stage::Gradient, row: 1 });
}

#[test]
fn a_class_out_of_range() {
    let error = all_refuse(&square(), &ones([2, 3]), &Target::Class(3));
    assert_error!(error, Error::ClassOutOfRange { class: 3, scores: 3 });
    let error = all_refuse(&square(), &ones([2, 3]), &Target::Classes(vec![0, 7]));
    assert_error!(error, Error::ClassOutOfRange { class: 7, scores: 3 });
}

#[test]
fn classes_that_are_not_one_for_each_row() {
    for classes in [vec![], vec![0], vec![0, 1, 2]] {
        let found = classes.len();
        let error = all_refuse(&square(), &ones([2, 3]), &Target::Classes(classes));
        assert_error!(error, Error::TargetCount { expected: 2, found });
    }
}

#[test]
fn a_target_function_of_another_length() {
    let error = all_refuse(&square(), &ones([2, 3]), &Target::function(|y| y.reshape([-1])));
    assert_error!(error, Error::TargetFunctionRows { expected: 2, found: 6 });
}

#[test]
fn a_model_that_returns_the_wrong_number_of_rows() {
    let model = pure_function(|x: Tensor<2>| x.sum_dim(0));
    let error = all_refuse(&model, &ones([2, 3]), &Target::Predicted);
    assert_error!(error, Error::OutputShape { rows: 2, found: [1, 3] });
}

#[test]
fn a_model_that_does_not_depend_on_its_input() {
    let constant = pure_function(|x: Tensor<2>| Tensor::ones(x.dims(), &device()));
    assert_eq!(all_refuse(&constant, &ones([2, 3]), &Target::Class(0)), Error::Independent);
    let detached = pure_function(|x: Tensor<2>| x.detach());
    assert_eq!(all_refuse(&detached, &ones([2, 3]), &Target::Class(0)), Error::Independent);
    let rounded = pure_function(|x: Tensor<2>| {
        let rounded: Tensor<2, Int> = x.int();
        rounded.float()
    });
    assert_eq!(all_refuse(&rounded, &ones([2, 3]), &Target::Class(0)), Error::Independent);
    // Something else is on the tape, but not the input.
    let other = ones([1, 1]).autodiff().require_grad();
    let elsewhere = pure_function(move |x: Tensor<2>| other.clone().repeat_dim(0, x.dims()[0]));
    assert_eq!(all_refuse(&elsewhere, &ones([2, 3]), &Target::Class(0)), Error::Independent);
}

#[test]
fn a_baseline_that_does_not_fit() {
    let refuse = |baseline| {
        let explainer = IntegratedGradients::new().with_baseline(baseline);
        explainer.attribute(&square(), ones([2, 3])).unwrap_err()
    };
    for found in [[2, 4], [3, 3], [0, 3]] {
        let error = refuse(Baseline::tensor(ones(found)));
        let (expected, found) = (vec![2, 3], found.to_vec());
        assert_error!(error, Error::BaselineShape { tensor: 0, expected, found });
    }
    for shape in [[2, 3, 1], [2, 3, 0], [0, 3, 1]] {
        let error = refuse(Baseline::tensor(Tensor::<3>::zeros(shape, &device())));
        assert!(matches!(error, Error::BaselineShape { .. }), "{error}");
    }
    let error = refuse(Baseline::each([Baseline::zeros(), Baseline::zeros()]));
    assert_error!(error, Error::BaselineCount { expected: 1, found: 2 });
    let error = refuse(Baseline::constant(f64::NAN));
    assert_error!(error, Error::NotFinite { stage: Stage::Baseline, row: 0 });
}

#[test]
fn no_points_and_no_samples_or_too_many() {
    for count in [0, 20_001, usize::MAX] {
        let error = IntegratedGradients::new().with_steps(count).attribute(&square(), ones([1, 1]));
        let expected = format!("expected steps from 1 to 20000, found {count}");
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
    for count in [0, 1_000_001, usize::MAX] {
        let error = SmoothGrad::default().with_samples(count).attribute(&square(), ones([1, 1]));
        let expected = format!("expected samples from 1 to 1000000, found {count}");
        assert_eq!(error.unwrap_err().to_string(), expected);
    }
}

fn message(explainer: &impl Explainer<Square, Tensor<2>>) -> String {
    explainer.attribute(&Square, ones([1, 1])).unwrap_err().to_string()
}

/// x², as a type that can be named.
#[derive(burn::module::Module, Debug, Default)]
struct Square;

impl Model<Tensor<2>> for Square {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        input.clone() * input
    }
}

#[test]
fn tolerances_that_are_no_shares() {
    for tolerance in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
        let expected = format!("expected tolerance above 0 and at most 1, found {tolerance}");
        assert_eq!(message(&IntegratedGradients::new().with_tolerance(tolerance)), expected);
        assert_eq!(message(&SmoothGrad::default().with_tolerance(tolerance)), expected);
        let baselines = || ExpectedGradients::new(ones([1, 1]));
        assert_eq!(message(&baselines().with_tolerance(tolerance)), expected);
    }
}

#[test]
fn limits_outside_their_range() {
    for limit in [0, 4, 20_001] {
        let explainer = IntegratedGradients::new().with_tolerance(0.1).with_max_gradients(limit);
        assert_eq!(message(&explainer), format!("expected limit from 5 to 20000, found {limit}"));
    }
    for limit in [0, 1_000_001] {
        let explainer = SmoothGrad::default().with_tolerance(0.1).with_max_samples(limit);
        assert_eq!(message(&explainer), format!("expected limit from 1 to 1000000, found {limit}"));
    }
    // A limit without a tolerance is not used, nor are steps with one.
    let fine = IntegratedGradients::new().with_max_gradients(0);
    assert!(fine.attribute(&Square, ones([1, 1])).is_ok());
    let fine = IntegratedGradients::new().with_steps(0).with_tolerance(0.1);
    assert!(fine.attribute(&Square, ones([1, 1])).is_ok());
}

#[test]
fn a_variance_of_one_sample() {
    let expected = "expected samples from 2 to 1000000, found 1";
    let variance = OverNoise::<Gradient, Variance>::default().with_samples(1);
    assert_eq!(message(&variance), expected);
    assert!(SmoothGradSquared::default().with_samples(1).attribute(&Square, ones([1, 1])).is_ok());
}

#[test]
fn baselines_for_expected_gradients_that_do_not_fit() {
    let refuse =
        |explainer: ExpectedGradients| explainer.attribute(&square(), ones([2, 3])).unwrap_err();
    let (expected, found) = (vec![2, 3], vec![5, 4]);
    let error = refuse(ExpectedGradients::new(ones([5, 4])));
    assert_error!(error, Error::BaselineShape { tensor: 0, expected, found });
    let error = refuse(ExpectedGradients::new((ones([5, 3]), ones([5, 3]))));
    assert_error!(error, Error::BaselineCount { expected: 1, found: 2 });
    let error = refuse(ExpectedGradients::new(ones([0, 3])));
    assert_error!(error, Error::EmptyInput { tensor: 0, shape: vec![0, 3] });
    let error = refuse(ExpectedGradients::new(ones([1, 3]) * f32::NAN));
    assert_error!(error, Error::NotFinite { stage: Stage::Baseline, row: 0 });
    let error = refuse(ExpectedGradients::from_sampler(|_| Baseline::tensor(ones([1, 4]))));
    assert!(matches!(error, Error::BaselineShape { .. }), "{error}");
    let error = refuse(ExpectedGradients::new(ones([1, 3])).with_noise(NoiseScale::OfRange(-1.0)));
    assert_eq!(error.to_string(), "expected noise finite and not negative, found -1");
    let samples = ExpectedGradients::new(ones([1, 3])).with_samples(0);
    assert_eq!(refuse(samples).to_string(), "expected samples from 1 to 1000000, found 0");
    // Scores that are infinite at a baseline.
    let log = pure_function(|x: Tensor<2>| x.log());
    let zeros = ExpectedGradients::new(Tensor::cat(vec![ones([1, 3]), ones([1, 3]) * 0.0], 0));
    let error = zeros.with_samples(1).attribute(&log, ones([2, 3])).unwrap_err();
    assert!(matches!(error, Error::NotFinite { .. }), "{error}");
}

#[test]
fn a_random_baseline_without_a_range() {
    for (low, high) in [(1.0, 0.0), (f64::NAN, 1.0), (0.0, f64::INFINITY)] {
        let baseline = Baseline::uniform(low, high, 0);
        let error = message(&IntegratedGradients::new().with_baseline(baseline));
        let range = "expected range of the baseline finite and ascending";
        assert_eq!(error, format!("{range}, found {low} to {high}"));
    }
}

#[test]
fn workers_outside_their_range() {
    for count in [0, 1025] {
        let schedule = Schedule::new().with_parallelism(Parallelism::Workers(count));
        let error = message(&Gradient::new().with_schedule(schedule));
        assert_eq!(error, format!("expected workers from 1 to 1024, found {count}"));
    }
}

#[test]
fn a_memory_budget_without_room_for_one_input() {
    let refused = |bytes, per_input| {
        let schedule = Schedule::new().with_memory(MemoryBudget::new(bytes, per_input));
        message(&Gradient::new().with_schedule(schedule))
    };
    for bytes in [0, 99] {
        let expected = "expected memory budget of at least the 100 bytes of one input";
        assert_eq!(refused(bytes, 100), format!("{expected}, found {bytes} bytes"));
    }
    assert_eq!(refused(100, 0), "expected bytes per input at least 1, found 0");
}

#[test]
fn a_difference_of_classes_out_of_range() {
    for target in [Target::Difference(0, 3), Target::Difference(3, 0)] {
        let error = all_refuse(&square(), &ones([2, 3]), &target);
        assert_error!(error, Error::ClassOutOfRange { class: 3, scores: 3 });
        let error = all_refuse(&square(), &ones([2, 3]), &target.with_score(Score::Probability));
        assert_error!(error, Error::ClassOutOfRange { class: 3, scores: 3 });
    }
    let classes = Target::Classes(vec![0]).with_score(Score::LogProbability);
    let error = all_refuse(&square(), &ones([2, 3]), &classes);
    assert_error!(error, Error::TargetCount { expected: 2, found: 1 });
}

#[test]
fn inputs_that_are_all_fixed() {
    let model = pure_function(|(x, y): (Fixed<Tensor<2>>, Fixed<Tensor<2>>)| x.0 + y.0);
    let input = (Fixed(ones([1, 1])), Fixed(ones([1, 1])));
    assert_eq!(Gradient::new().attribute(&model, input).unwrap_err(), Error::Independent);
}

#[test]
fn a_gradient_that_is_not_finite_on_the_way_to_a_tolerance() {
    // √(x² - 1/4) is not a number between -1/2 and 1/2: the second row goes through there.
    let model = pure_function(|x: Tensor<2>| (x.powi_scalar(2) - 0.25).sqrt());
    let input = Tensor::<2>::from_data([[0.6], [-1.0]], &device());
    let explainer = IntegratedGradients::new().with_baseline(Baseline::constant(1.0));
    let error = explainer.with_tolerance(0.1).attribute(&model, input).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Gradient, row: 1 });
}

#[test]
fn a_chunk_of_nothing() {
    let schedule = Schedule::new().with_chunk(0);
    let error = Gradient::new().with_schedule(schedule).attribute(&square(), ones([1, 1]));
    assert_eq!(error.unwrap_err().to_string(), "expected chunk at least 1, found 0");
}

#[test]
fn a_model_without_scores() {
    let model = pure_function(|x: Tensor<2>| Tensor::zeros([x.dims()[0], 0], &x.device()));
    let error = all_refuse(&model, &ones([2, 3]), &Target::Predicted);
    assert_error!(error, Error::OutputShape { rows: 2, found: [2, 0] });
    let error = Target::Predicted.resolve(&Tensor::zeros([2, 0], &device())).unwrap_err();
    assert_error!(error, Error::OutputShape { rows: 2, found: [2, 0] });
}

#[test]
fn noise_that_is_negative_or_not_finite() {
    let scales: [fn(f64) -> NoiseScale; 2] = [NoiseScale::Absolute, NoiseScale::OfRange];
    for (scale, strength) in scales.into_iter().zip([-0.1, f64::NAN, f64::INFINITY].repeat(2)) {
        let explainer = SmoothGrad::default().with_noise(scale(strength));
        let error = explainer.attribute(&square(), ones([1, 1])).unwrap_err().to_string();
        assert_eq!(error, format!("expected noise finite and not negative, found {strength}"));
    }
}

#[test]
fn noise_that_overflows() {
    let explainer = SmoothGrad::default().with_noise(NoiseScale::Absolute(1e300));
    let error = explainer.attribute(&square(), ones([2, 1])).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::NoisyInput, row: 0 });
}

/// An explainer that drops the last value of every row, or spoils it.
struct Careless(f32);

impl<M> Explainer<M, Tensor<2>> for Careless {
    fn attribute_to(&self, _: &M, x: Tensor<2>, _: Target) -> Result<Attribution<Tensor<2>>> {
        let [rows, width] = x.dims();
        let values = match self.0 {
            0.0 => x.narrow(1, 0, width - 1),
            factor => x * factor,
        };
        Ok(Attribution::new(values, vec![0.0; rows], vec![None; rows]))
    }
}

#[test]
fn a_wrapped_explainer_that_returns_another_shape_or_infinity() {
    let error = SmoothGrad::new(Careless(0.0)).attribute(&square(), ones([2, 3])).unwrap_err();
    // All 50 noisy copies of the two rows fit into one chunk.
    let (expected, found) = (vec![vec![100, 3]], vec![vec![100, 2]]);
    assert_error!(error, Error::ExplainerShape { expected, found });
    let infinite = SmoothGrad::new(Careless(f32::INFINITY)).attribute(&square(), ones([2, 3]));
    let error = infinite.unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Attribution, row: 0 });
}

#[test]
fn all_bad_rows_are_named_and_the_good_ones_are_explained() {
    // log is not defined at zero, and the model panics at 9.
    let model = pure_function(|x: Tensor<2>| {
        let values = x.clone().inner().into_data().iter::<f32>().collect::<Vec<_>>();
        assert!(!values.contains(&9.0), "no nines");
        x.log()
    });
    let column = |values: &[f32]| Tensor::<1>::from_data(values, &device()).reshape([-1, 1]);
    let input = column(&[1.0, 0.0, 2.0, f32::NAN, 4.0, 0.0, f32::NAN]);
    let target = || Target::Class(0);
    let error = Gradient::new().attribute_to(&model, input.clone(), target()).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Input, row: 3, others: vec![6] });
    let zeros = column(&[1.0, 0.0, 0.0]);
    let error = Gradient::new().attribute_to(&model, zeros, target()).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Score, row: 1, others: vec![2] });

    let found = attribute_good_rows(&Gradient::new(), &model, input, target()).unwrap();
    assert_eq!(found.rows, [0, 2, 4]);
    assert_eq!(values(&found.map.unwrap().values), [1.0, 0.5, 0.25]);
    let bad: Vec<(usize, Error)> = found.errors.into_iter().map(|it| (it.row, it.error)).collect();
    assert_eq!(
        bad,
        [(1, Stage::Score), (3, Stage::Input), (5, Stage::Score), (6, Stage::Input)]
            .map(|(row, stage)| (row, Error::not_finite(stage, row)))
    );

    // Random numbers are those of the whole batch.
    let smooth = SmoothGrad::default().with_noise(NoiseScale::Absolute(0.01));
    let whole = smooth.attribute_to(&model, column(&[1.0, 2.0, 4.0]), target()).unwrap();
    let with_bad = column(&[1.0, 2.0, 4.0, 9.0, 0.0]);
    let found = attribute_good_rows(&smooth, &model, with_bad, target()).unwrap();
    assert_eq!(found.rows, [0, 1, 2]);
    assert_eq!(values(&found.map.unwrap().values), values(&whole.values));
    assert!(matches!(&found.errors[0].error, Error::Panicked { rows, .. } if *rows == (3..4)));

    let none = attribute_good_rows(&smooth, &model, column(&[0.0]), target()).unwrap();
    assert!(none.map.is_none() && none.rows.is_empty() && none.errors.len() == 1);
    let option = Gradient::new().with_schedule(Schedule::new().with_chunk(0));
    let error = attribute_good_rows(&option, &model, column(&[1.0]), target()).unwrap_err();
    assert!(matches!(error, Error::InvalidOption { .. }), "{error}");
}

#[test]
fn integers_that_floats_cannot_hold() {
    let parity = pure_function(|(x, ids): (Tensor<2>, Fixed<Tensor<2, Int>>)| {
        x * ids.0.remainder_scalar(2).float()
    });
    let x = Tensor::<2>::ones([1, 2], &device());
    let ids = |ids: [i64; 2]| Fixed(Tensor::<2, Int>::from_data([ids], &device()));
    let target = || Target::Class(0);
    let fine = (x.clone(), ids([16_777_216, 16_777_215]));
    Gradient::new().attribute_to(&parity, fine, target()).unwrap();
    let large = (x, ids([16_777_215, -16_777_217]));
    let error = Gradient::new().attribute_to(&parity, large, target()).unwrap_err();
    assert_error!(&error, Error::IntegerTooLarge { tensor: 1, most: 1 << 24, found: -16_777_217 });
    assert!(error.to_string().contains("number them from 0"), "{error}");
}

/// An input of the user's own that announces other tensors than it returns.
#[derive(Clone, Debug)]
struct Lying {
    tensor: Tensor<2>,
    shapes: Vec<Vec<usize>>,
    fixed: Vec<bool>,
}

impl Inputs for Lying {
    fn shapes(&self) -> Vec<Vec<usize>> {
        self.shapes.clone()
    }

    fn into_rows(self) -> Vec<Tensor<2>> {
        vec![self.tensor]
    }

    fn from_rows(rows: &mut dyn Iterator<Item = (Tensor<2>, &[usize])>) -> Self {
        let (tensor, shape) = rows.next().expect("a tensor");
        Self { tensor, shapes: vec![shape.to_vec()], fixed: vec![false] }
    }

    fn fixed(&self) -> Vec<bool> {
        self.fixed.clone()
    }
}

#[test]
fn an_input_that_contradicts_itself() {
    let model = pure_function(|x: Lying| x.tensor.sum_dim(1));
    let input = |shapes: &[[usize; 2]], fixed: &[bool]| Lying {
        tensor: Tensor::ones([1, 2], &device()),
        shapes: shapes.iter().map(|shape| shape.to_vec()).collect(),
        fixed: fixed.to_vec(),
    };
    Gradient::new().attribute(&model, input(&[[1, 2]], &[false])).unwrap();
    for (lie, said) in [
        (input(&[[1, 2], [1, 2]], &[false; 2]), "tensors of [[1, 2], [1, 2]]"),
        (input(&[[1, 3]], &[false]), "tensors of [[1, 3]]"),
        (input(&[[1, 2]], &[]), "1 tensors, and `fixed` as many answers"),
    ] {
        let error = Gradient::new().attribute(&model, lie).unwrap_err();
        assert!(matches!(error, Error::InconsistentInputs { .. }), "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[test]
fn shares_that_do_not_fit() {
    let share = |weights: &[f64]| Share::new(weights, Counted::Positive).unwrap();
    let ask = |explainer: &dyn Explainer<_, Tensor<2>>, shares: Vec<Vec<Share>>| {
        let rows = Rows::all(2).with_shares(shares);
        explainer.attribute_rows(&square(), ones([2, 3]), Target::Class(0), &rows).unwrap_err()
    };
    let gradient = Gradient::new();
    let error = ask(&gradient, vec![vec![share(&[1.0; 3])]]);
    assert_error!(error, Error::InvalidOption { option: "shares", found: "1" });
    let error = ask(&gradient, vec![vec![], vec![share(&[1.0, 0.0])]]);
    assert_error!(error, Error::InvalidOption { option: "weights of a share", found: "2" });
    // A tolerance of shares needs shares, and must be a share itself.
    let smooth = || SmoothGrad::new(Gradient::new());
    for none in [vec![vec![], vec![share(&[1.0; 3])]], vec![vec![], vec![]]] {
        let error = ask(&IntegratedGradients::new().with_share_tolerance(0.1), none.clone());
        assert_error!(error, Error::InvalidOption { option: "share tolerance" });
        let error = ask(&smooth().with_share_tolerance(0.1), none);
        assert_error!(error, Error::InvalidOption { option: "share tolerance" });
    }
    let options = MethodOptions::new().with_share_tolerance(0.1);
    for method in [Method::IntegratedGradients, Method::SmoothGrad] {
        let explainer = method.explainer(&options);
        let error = explainer.attribute(&square(), ones([2, 3])).unwrap_err();
        assert_error!(error, Error::InvalidOption { option: "share tolerance" });
    }
    for bad in [0.0, 1.5, f64::NAN] {
        let path = IntegratedGradients::new().with_share_tolerance(bad);
        assert_error!(
            path.check().unwrap_err(),
            Error::InvalidOption { option: "share tolerance" }
        );
        let noise = smooth().with_share_tolerance(bad);
        assert_error!(
            noise.check().unwrap_err(),
            Error::InvalidOption { option: "share tolerance" }
        );
    }
}

#[test]
fn a_share_of_a_map_in_which_nothing_counts_is_zero() {
    // Nothing speaks for the score.
    let model = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1) * -1);
    let share = Share::new([1.0, 0.0], Counted::Positive).unwrap();
    let rows = Rows::all(1).with_shares(vec![vec![share]]);
    let path = IntegratedGradients::new().with_share_tolerance(0.1).with_max_gradients(20);
    let map = path.attribute_rows(&model, ones([1, 2]), Target::Class(0), &rows).unwrap();
    let found = map.shares.unwrap()[0][0];
    let error = found.error.expect("an estimate");
    assert!(found.share == 0.0 && error <= 0.1, "{found:?}");
    assert_eq!(map.converged, Some(vec![true]));
    assert!(map.evaluations[0] < 20, "{:?}", map.evaluations);
    // A single gradient has no estimate of its error.
    let map =
        Gradient::new().attribute_rows(&model, ones([1, 2]), Target::Class(0), &rows).unwrap();
    assert_eq!(map.shares.unwrap()[0][0].error, None);
}
