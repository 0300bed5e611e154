//! Targets for detectors, segmentation networks and encoders, whose right answer is known on paper.

use burn::tensor::{Device, Tensor, TensorData};
use saliency_core::{
    Baseline, Detection, Error, ExpectedGradients, Explainer, Gradient, IntegratedGradients, Model,
    NoiseScale, Pixels, Rectangle, Schedule, Score, Similarity, SmoothGrad, Stage, Target, Warning,
    attribute_good_rows, pure_function,
};
use saliency_metrics::{CoverTest, Experiment, Finding, RandomTarget, Units};
use saliency_testkit::{assert_close, assert_error, device, on_every_device, values};

const EXACT: f32 = 1e-5;

/// Two inputs, and two boxes of two classes: `[boxes, 4 + classes]`. The score of a box and class is
/// linear in the inputs, with these weights.
const WEIGHTS: [[[f32; 2]; 2]; 2] = [[[1.0, 0.5], [0.25, -1.0]], [[0.5, 2.0], [-2.0, 0.75]]];

/// The boxes, each as its middle, width and height.
const BOXES: [[f32; 4]; 2] = [[2.0, 2.0, 4.0, 4.0], [8.0, 3.0, 2.0, 2.0]];

fn tensor<const D: usize>(numbers: Vec<f32>, shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

/// Returns the boxes of a linear detector, `[rows, boxes, 4 + classes]`.
fn boxes(x: Tensor<2>) -> Tensor<3> {
    let (rows, device) = (x.dims()[0], x.device());
    let weights = WEIGHTS.as_flattened().as_flattened();
    let weights = tensor(weights.to_vec(), [4, 2], &device).transpose();
    let scores = x.matmul(weights).reshape([rows, 2, 2]);
    let places = tensor(BOXES.concat(), [1, 2, 4], &device).expand([rows, 2, 4]);
    Tensor::cat(vec![places, scores], 2)
}

fn boxes_first() -> impl Model<Tensor<2>> {
    pure_function(|x: Tensor<2>| boxes(x).flatten(1, 2))
}

fn boxes_last() -> impl Model<Tensor<2>> {
    pure_function(|x: Tensor<2>| boxes(x).swap_dims(1, 2).flatten(1, 2))
}

/// The best of all boxes and classes is another one in each row.
const INPUTS: [[f32; 2]; 4] = [[3.0, 0.0], [0.0, 3.0], [1.0, -3.0], [-3.0, 1.0]];
const BEST: [(usize, usize); 4] = [(0, 0), (1, 0), (0, 1), (1, 1)];

fn inputs(device: &Device) -> Tensor<2> {
    Tensor::from_data(INPUTS, device)
}

/// The weights of the best box and class of each row.
fn best_weights(device: &Device) -> Tensor<2> {
    let weights = BEST.iter().flat_map(|&(number, class)| WEIGHTS[number][class]);
    tensor(weights.collect(), [4, 2], device)
}

/// Checks that every method explains the best box of each row, whatever rows are beside it.
fn explains_the_best(model: &impl Model<Tensor<2>>, detection: &Detection, device: &Device) {
    let (x, weights) = (inputs(device), best_weights(device));
    let target = || Target::detection(detection.clone());
    for chunk in [1, 3, 100] {
        let schedule = || Schedule::new().with_chunk(chunk);
        let gradient = Gradient::new().with_schedule(schedule());
        let map = gradient.attribute_to(model, x.clone(), target()).unwrap();
        assert_close("gradient = w", &map.values, &weights, EXACT);
        assert_eq!(map.targets, BEST.map(|(_, class)| Some(class)));
        for (row, score) in map.scores.iter().enumerate() {
            let (number, class) = BEST[row];
            let [a, b] = WEIGHTS[number][class];
            let right = f64::from(a * INPUTS[row][0] + b * INPUTS[row][1]);
            assert!((score - right).abs() < 1e-5, "row {row}: {score}, {right}");
        }
        // At the end of the path, and under noise, other boxes are the best.
        let path = IntegratedGradients::new().with_steps(3).with_schedule(schedule());
        let map = path.attribute_to(model, x.clone(), target()).unwrap();
        assert_close("IG = x w", &map.values, &(x.clone() * weights.clone()), EXACT);
        let noise = SmoothGrad::default().with_noise(NoiseScale::Absolute(9.0)).with_samples(5);
        let noise = noise.with_schedule(schedule());
        let map = noise.attribute_to(model, x.clone(), target()).unwrap();
        assert_close("SmoothGrad = w", &map.values, &weights, EXACT);
    }
    let baselines = Tensor::<2>::from_data([[1.0, 1.0], [-1.0, 2.0]], device);
    let expected = ExpectedGradients::new(baselines).with_samples(3);
    let map = expected.attribute_to(model, x.clone(), target()).unwrap();
    for (row, found) in map.baseline_scores.unwrap().into_iter().enumerate() {
        let (number, class) = BEST[row];
        let [a, b] = WEIGHTS[number][class];
        // The mean of the baselines is (0, 1.5).
        let right = f64::from(a * 0.0 + b * 1.5);
        assert!((found - right).abs() < 1e-5, "row {row}: {found}, {right}");
    }
    for row in 0..4 {
        let alone = x.clone().narrow(0, row, 1);
        let map = Gradient::new().attribute_to(model, alone, target()).unwrap();
        assert_close("alone", &map.values, &weights.clone().narrow(0, row, 1), EXACT);
    }
}

#[test]
fn a_detection_explains_the_best_box_of_each_row() {
    on_every_device(|compute| {
        let device = compute.device();
        explains_the_best(&boxes_first(), &Detection::new(2), device);
        explains_the_best(&boxes_last(), &Detection::new(2).with_boxes_last(), device);
    });
}

#[test]
fn a_detection_explains_the_box_and_class_that_are_asked_for() {
    let (x, model) = (inputs(&device()), boxes_first());
    let explain = |detection: Detection| {
        let target = Target::detection(detection);
        let map = Gradient::new().attribute_to(&model, x.clone(), target).unwrap();
        (map.targets, map.values)
    };
    for (number, of_box) in WEIGHTS.iter().enumerate() {
        for (class, weights) in of_box.iter().enumerate() {
            let (targets, found) = explain(Detection::new(2).with_box(number).with_class(class));
            assert_eq!(targets, [Some(class); 4]);
            let right = Tensor::<2>::from_data([*weights], &device()).repeat_dim(0, 4);
            assert_close("w", &found, &right, 0.0);
        }
    }
    let lists = Detection::new(2).with_boxes(vec![0, 1, 1, 0]).with_classes(vec![1, 0, 1, 0]);
    let (targets, found) = explain(lists);
    assert_eq!(targets, [1, 0, 1, 0].map(Some));
    let right = [WEIGHTS[0][1], WEIGHTS[1][0], WEIGHTS[1][1], WEIGHTS[0][0]];
    assert_close("w", &found, &Tensor::<2>::from_data(right, &device()), 0.0);
    // The best box of a class: of the second class, -1 to 0.75 and so on.
    let (targets, found) = explain(Detection::new(2).with_class(1));
    assert_eq!(targets, [Some(1); 4]);
    let right = [WEIGHTS[0][1], WEIGHTS[1][1], WEIGHTS[0][1], WEIGHTS[1][1]];
    assert_close("w", &found, &Tensor::<2>::from_data(right, &device()), 0.0);
}

#[test]
fn of_the_boxes_near_a_rectangle_the_best_is_explained() {
    let (x, model) = (inputs(&device()), boxes_first());
    // The first box is at 0 to 4; the second at 7 to 9, and 2 to 4.
    let (left, right) = (Rectangle::new(0.0, 0.0, 4.0, 3.0), Rectangle::new(7.0, 2.0, 9.0, 4.0));
    let found = |detection: &Detection| detection.find(&model.forward(x.clone())).unwrap();
    let first = Detection::new(2).with_rectangle(left);
    assert_eq!(found(&first).iter().map(|it| it.number).collect::<Vec<_>>(), [0; 4]);
    assert_eq!(found(&first).iter().map(|it| it.class).collect::<Vec<_>>(), [0, 0, 1, 1]);
    assert_eq!(found(&first)[0].rectangle, Rectangle::new(0.0, 0.0, 4.0, 4.0));
    assert_eq!((found(&first)[0].score, found(&first)[1].score), (3.0, 1.5));
    let each = Detection::new(2).with_rectangles(vec![left, right, left, right]);
    assert_eq!(found(&each).iter().map(|it| it.number).collect::<Vec<_>>(), [0, 1, 0, 1]);
    assert_eq!(found(&each)[1].rectangle, right);

    let target = Target::detection(each.clone());
    let map = Gradient::new().attribute_to(&model, x.clone(), target).unwrap();
    let weights = [WEIGHTS[0][0], WEIGHTS[1][0], WEIGHTS[0][1], WEIGHTS[1][1]];
    assert_close("w", &map.values, &Tensor::<2>::from_data(weights, &device()), 0.0);

    // The rectangle covers three quarters of the box.
    let strict = first.clone().with_least_overlap(0.76);
    let error = strict.find(&model.forward(x.clone())).unwrap_err();
    assert_error!(&error, Error::NotFound { row: 0, others: vec![1, 2, 3] });
    assert_eq!(
        error.to_string(),
        "expected a box that overlaps the given rectangle by at least 0.76 in the output of rows 0, \
         1, 2, 3, found none"
    );
    assert_eq!(found(&first.with_least_overlap(0.75)).len(), 4);

    // Rows without such a box do not stop the others.
    let nowhere = Rectangle::new(20.0, 20.0, 21.0, 21.0);
    let some = Detection::new(2).with_rectangles(vec![left, nowhere, right, nowhere]);
    let target = Target::detection(some);
    let good = attribute_good_rows(&Gradient::new(), &model, x, target).unwrap();
    assert_eq!(good.rows, [0, 2]);
    assert_eq!(good.errors.iter().map(|it| it.row).collect::<Vec<_>>(), [1, 3]);
    assert_error!(&good.errors[1].error, Error::NotFound { row: 3 });
    let weights = Tensor::<2>::from_data([WEIGHTS[0][0], WEIGHTS[1][1]], &device());
    assert_close("w", &good.map.unwrap().values, &weights, 0.0);
}

#[test]
fn boxes_may_be_given_by_their_corners() {
    let model = pure_function(|x: Tensor<2>| {
        let places = tensor(vec![0.0, 0.0, 4.0, 4.0, 7.0, 2.0, 9.0, 4.0], [1, 2, 4], &x.device());
        let scores = Tensor::stack::<3>(vec![x.clone(), x * 2], 1);
        Tensor::cat(vec![places.expand([scores.dims()[0], 2, 4]), scores], 2).flatten(1, 2)
    });
    let x = Tensor::<2>::ones([1, 1], &device());
    let near = Detection::new(1).with_corners().with_rectangle(Rectangle::new(0.0, 0.0, 4.0, 4.0));
    let found = near.find(&model.forward(x.clone())).unwrap();
    assert_eq!((found[0].number, found[0].score), (0, 1.0));
    let best = Detection::new(1).with_corners().find(&model.forward(x)).unwrap();
    assert_eq!((best[0].number, best[0].score), (1, 2.0));
    assert_eq!(best[0].rectangle, Rectangle::new(7.0, 2.0, 9.0, 4.0));
}

#[test]
fn an_objectness_is_a_factor_of_the_score() {
    // One box, with the objectness x and the classes y and 2y.
    let model = pure_function(|x: Tensor<2>| {
        let [rows, _] = x.dims();
        let (o, s) = (x.clone().narrow(1, 0, 1), x.narrow(1, 1, 1));
        let place = Tensor::<2>::zeros([rows, 4], &o.device());
        Tensor::cat(vec![place, o, s.clone(), s * 2], 1)
    });
    let detection = || Detection::new(2).with_objectness();
    let x = Tensor::<2>::from_data([[0.5, 3.0], [2.0, -1.0]], &device());
    let map =
        Gradient::new().attribute_to(&model, x.clone(), Target::detection(detection())).unwrap();
    // f = x · 2y in the first row, x · y in the second.
    assert_eq!(map.scores, [3.0, -2.0]);
    assert_eq!(map.targets, [Some(1), Some(0)]);
    assert_eq!(values(&map.values), [6.0, 1.0, -1.0, 2.0]);
    // ln(x · 2y) has the gradient (1/x, 1/y).
    let target = Target::detection(detection()).with_score(Score::LogOutput);
    let first = x.clone().narrow(0, 0, 1);
    let map = Gradient::new().attribute_to(&model, first.clone(), target).unwrap();
    assert!((map.scores[0] - 3f64.ln()).abs() < 1e-6);
    let right = Tensor::<2>::from_data([[2.0, 1.0 / 3.0]], &device());
    assert_close("1/x", &map.values, &right, EXACT);
    // A softmax of products means nothing.
    for score in [Score::Probability, Score::LogProbability] {
        let target = Target::detection(detection()).with_score(score);
        let error = Gradient::new().attribute_to(&model, first.clone(), target).unwrap_err();
        assert_error!(error, Error::InvalidOption { option: "score" });
    }
}

#[test]
fn the_probability_of_a_detection_is_taken_among_the_classes_of_its_box() {
    let x = inputs(&device()).narrow(0, 0, 1);
    let target = Target::detection(Detection::new(2)).with_score(Score::Probability);
    let map = Gradient::new().attribute_to(&boxes_first(), x, target).unwrap();
    // The classes of the first box have the scores 3 and 0.75.
    let p = 1.0 / (1.0 + (0.75f64 - 3.0).exp());
    assert!((map.scores[0] - p).abs() < 1e-6, "{:?}", map.scores);
    let [[a, b], [c, d]] = WEIGHTS[0];
    let slope = (p * (1.0 - p)) as f32;
    let right = Tensor::<2>::from_data([[slope * (a - c), slope * (b - d)]], &device());
    assert_close("p (1 - p)", &map.values, &right, EXACT);
}

#[test]
fn a_detection_that_does_not_fit_is_refused() {
    let (x, model) = (inputs(&device()), boxes_first());
    let refused = |detection: Detection| {
        let target = Target::detection(detection);
        let error = Gradient::new().attribute_to(&model, x.clone(), target).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("expected") && text.contains("found"), "{text}");
        error
    };
    let error = refused(Detection::new(3));
    assert_error!(&error, Error::OutputLayout { found: 12 });
    assert_eq!(
        error.to_string(),
        "expected each row of the model's output to have a multiple of 7 numbers (for each box 4 \
         coordinates, and the scores of 3 classes), found 12 numbers: check the number of classes, \
         and that the model flattens its output to `[rows, scores]`"
    );
    assert_error!(refused(Detection::new(2).with_objectness()), Error::OutputLayout { found: 12 });
    let option = "classes of a detection";
    assert_error!(refused(Detection::new(0)), Error::InvalidOption { option });
    let class = Detection::new(2).with_class(2);
    assert_error!(refused(class), Error::ClassOutOfRange { class: 2, scores: 2 });
    let error = refused(Detection::new(2).with_box(2));
    assert_eq!(error.to_string(), "expected box below 2, the number of boxes in a row, found 2");
    for bad in [
        Detection::new(2).with_boxes(vec![0; 3]),
        Detection::new(2).with_classes(vec![0; 3]),
        Detection::new(2).with_rectangles(vec![Rectangle::new(0.0, 0.0, 1.0, 1.0); 3]),
    ] {
        assert_error!(refused(bad), Error::TargetCount { expected: 4, found: 3 });
    }
    let empty = Detection::new(2).with_rectangle(Rectangle::new(0.0, 0.0, 0.0, 1.0));
    assert_error!(refused(empty), Error::InvalidOption { option: "rectangle" });
    for overlap in [0.0, 1.5, f64::NAN] {
        let bad = Detection::new(2).with_least_overlap(overlap);
        assert_error!(refused(bad), Error::InvalidOption { option: "least overlap" });
    }
}

#[test]
fn a_box_whose_score_is_not_a_number_ends_the_call() {
    let model = pure_function(|x: Tensor<2>| {
        let place = Tensor::<2>::zeros([x.dims()[0], 4], &x.device());
        Tensor::cat(vec![place, x.log()], 1)
    });
    let x = Tensor::<2>::from_data([[1.0], [-1.0], [0.0]], &device());
    let target = Target::detection(Detection::new(1));
    let error = Gradient::new().attribute_to(&model, x, target).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Score, row: 1, others: vec![2] });
}

/// Two classes in three pixels: twice the pixel, and 3 minus the pixel.
fn segmenter() -> impl Model<Tensor<2>> {
    pure_function(|x: Tensor<2>| Tensor::cat(vec![x.clone() * 2, x * -1 + 3], 1))
}

/// The same, with the classes of a pixel beside each other.
fn segmenter_with_classes_last() -> impl Model<Tensor<2>> {
    pure_function(|x: Tensor<2>| {
        Tensor::stack::<3>(vec![x.clone() * 2, x * -1 + 3], 2).flatten(1, 2)
    })
}

#[test]
fn pixels_explain_the_mean_score_of_a_class_where_it_is_the_highest() {
    fn check(model: &impl Model<Tensor<2>>, pixels: impl Fn(usize) -> Pixels, device: &Device) {
        // 2x > 3 - x where x > 1: in two pixels of the first row, and in one of the second.
        let x = Tensor::<2>::from_data([[2.0, 0.0, 3.0], [0.5, 4.0, -1.0]], device);
        for chunk in [1, 100] {
            let explainer = Gradient::new().with_schedule(Schedule::new().with_chunk(chunk));
            let target = Target::pixels(pixels(0));
            let map = explainer.attribute_to(model, x.clone(), target).unwrap();
            assert_eq!(map.targets, [Some(0); 2]);
            assert_eq!(map.scores, [5.0, 8.0]);
            assert_eq!(values(&map.values), [1.0, 0.0, 1.0, 0.0, 2.0, 0.0]);
            assert_eq!(map.outputs, None);
            let map = explainer.attribute_to(model, x.clone(), Target::pixels(pixels(1))).unwrap();
            assert_eq!(map.scores, [3.0, 3.25]);
            assert_eq!(values(&map.values), [0.0, -1.0, 0.0, -0.5, 0.0, -0.5]);
        }
        // The pixels stay, although at zero all pixels are of the second class.
        let path = IntegratedGradients::new().with_steps(3);
        let map = path.attribute_to(model, x.clone(), Target::pixels(pixels(0))).unwrap();
        let right = Tensor::<2>::from_data([[2.0, 0.0, 3.0], [0.0, 8.0, 0.0]], device);
        assert_close("x · w", &map.values, &right, EXACT);
        // Given pixels.
        let mask = pixels(1).with_mask(vec![true, true, false]);
        let map = Gradient::new().attribute_to(model, x.clone(), Target::pixels(mask)).unwrap();
        assert_eq!(map.scores, [2.0, 0.75]);
        assert_eq!(values(&map.values), [-0.5, -0.5, 0.0, -0.5, -0.5, 0.0]);
        let each = vec![vec![true, false, false], vec![false, false, true]];
        let target = Target::pixels(pixels(1).with_masks(each));
        let map = Gradient::new().attribute_to(model, x.clone(), target).unwrap();
        assert_eq!(values(&map.values), [-1.0, 0.0, 0.0, 0.0, 0.0, -1.0]);
        // The mean of a probability: each pixel has 3 p (1 - p) as its slope.
        let mask = vec![true, false, true];
        let target = Target::pixels(pixels(0).with_mask(mask)).with_score(Score::Probability);
        let row = x.narrow(0, 0, 1);
        let map = Gradient::new().attribute_to(model, row, target).unwrap();
        let p = |x: f64| 1.0 / (1.0 + (3.0 - 3.0 * x).exp());
        assert!((map.scores[0] - (p(2.0) + p(3.0)) / 2.0).abs() < 1e-6);
        let slope = |x: f64| (1.5 * p(x) * (1.0 - p(x))) as f32;
        let right = Tensor::<2>::from_data([[slope(2.0), 0.0, slope(3.0)]], device);
        assert_close("3 p (1 - p) / 2", &map.values, &right, 1e-4);
    }
    on_every_device(|compute| {
        let device = compute.device();
        check(&segmenter(), |class| Pixels::new(2, class), device);
        let last = |class| Pixels::new(2, class).with_classes_last();
        check(&segmenter_with_classes_last(), last, device);
    });
}

#[test]
fn pixels_of_a_network_with_one_class_are_those_above_zero() {
    let model = pure_function(|x: Tensor<2>| x * 2);
    let x = Tensor::<2>::from_data([[2.0, -1.0, 0.0, 4.0]], &device());
    let target = Target::pixels(Pixels::new(1, 0));
    let map = Gradient::new().attribute_to(&model, x, target).unwrap();
    assert_eq!(values(&map.values), [1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn scores_outside_of_the_mask_may_be_infinite() {
    let model = pure_function(|x: Tensor<2>| x.log());
    let x = Tensor::<2>::from_data([[2.0, 0.5]], &device());
    let path = IntegratedGradients::new().with_steps(200);
    let baseline = Tensor::<2>::from_data([[1.0, 0.0]], &device());
    let path = path.with_baseline(Baseline::tensor(baseline));
    let target = Target::pixels(Pixels::new(1, 0).with_mask(vec![true, false]));
    let map = path.attribute_to(&model, x, target).unwrap();
    // From ln 1 to ln 2; the second pixel is minus infinity at the baseline.
    let right = Tensor::<2>::from_data([[2f32.ln(), 0.0]], &device());
    assert_close("ln 2", &map.values, &right, EXACT);
}

#[test]
fn pixels_that_do_not_fit_are_refused() {
    let x = Tensor::<2>::from_data([[2.0, 0.0, 3.0], [0.5, 0.0, -1.0]], &device());
    let refused = |pixels: Pixels| {
        let target = Target::pixels(pixels);
        Gradient::new().attribute_to(&segmenter(), x.clone(), target).unwrap_err()
    };
    assert_error!(refused(Pixels::new(4, 0)), Error::OutputLayout { found: 6 });
    let option = "classes of pixels";
    assert_error!(refused(Pixels::new(0, 0)), Error::InvalidOption { option });
    assert_error!(refused(Pixels::new(2, 2)), Error::ClassOutOfRange { class: 2, scores: 2 });
    // The second row has no pixel of the first class.
    let error = refused(Pixels::new(2, 0));
    assert_error!(&error, Error::NotFound { row: 1 });
    assert_eq!(error.to_string(), "expected a pixel of class 0 in the output of row 1, found none");
    let error = refused(Pixels::new(2, 0).with_mask(vec![false; 3]));
    assert_error!(&error, Error::NotFound { row: 0, others: vec![1] });
    let error = refused(Pixels::new(2, 0).with_mask(vec![true; 4]));
    assert_eq!(
        error.to_string(),
        "expected mask of 3 pixels, as many as the model returns, found 4"
    );
    let masks = Pixels::new(2, 0).with_masks(vec![vec![true; 3]; 3]);
    assert_error!(refused(masks), Error::TargetCount { expected: 2, found: 3 });
}

#[test]
fn pixels_of_probabilities_have_the_same_warning_as_classes_of_probabilities() {
    let model = pure_function(|x: Tensor<2>| Tensor::cat(vec![x.clone(), x * -1 + 1], 1));
    let x = Tensor::<2>::from_data([[0.25, 0.75]], &device());
    let target = Target::pixels(Pixels::new(2, 0));
    let map = Gradient::new().attribute_to(&model, x.clone(), target.clone()).unwrap();
    assert_eq!(map.warnings, [Warning::outputs_are_probabilities(0)]);
    let target = target.with_score(Score::Probability);
    let error = Gradient::new().attribute_to(&model, x, target).unwrap_err();
    assert_eq!(error, Error::Probabilities);
}

#[test]
fn the_gradient_of_a_similarity_is_the_part_of_the_reference_across_the_embedding() {
    on_every_device(|compute| {
        let device = compute.device();
        let encoder = pure_function(|x: Tensor<2>| x);
        let x = Tensor::<2>::from_data([[3.0, 4.0], [1.0, 0.0]], device);
        let explain = |similarity: Similarity| {
            let target = Target::similarity(similarity);
            Gradient::new().attribute_to(&encoder, x.clone(), target).unwrap()
        };
        // (r / |r| - cos y / |y|) / |y|
        let map = explain(Similarity::to(Tensor::from_data([0.0, 7.0], device)));
        let right = Tensor::<2>::from_data([[-0.096, 0.072], [0.0, 1.0]], device);
        assert_close("one reference", &map.values, &right, EXACT);
        assert!((map.scores[0] - 0.8).abs() < 1e-6 && map.scores[1].abs() < 1e-6);
        assert_eq!((map.targets, map.outputs), (vec![None; 2], None));
        let each = Tensor::<2>::from_data([[0.0, 7.0], [-2.0, 0.0]], device);
        let map = explain(Similarity::to_each(each.clone()));
        let right = Tensor::<2>::from_data([[-0.096, 0.072], [0.0, 0.0]], device);
        assert_close("a reference for each row", &map.values, &right, EXACT);
        assert!((map.scores[1] + 1.0).abs() < 1e-6);
        // In chunks of one row, each row keeps its reference.
        let explainer = IntegratedGradients::new()
            .with_baseline(Baseline::constant(1.0))
            .with_schedule(Schedule::new().with_chunk(1));
        let target = Target::similarity(Similarity::to_each(each));
        let map = explainer.attribute_to(&encoder, x.clone(), target).unwrap();
        let gaps = map.completeness_gap.unwrap();
        assert!(gaps.iter().all(|gap| gap.abs() < 1e-4), "{gaps:?}");
        let half = 0.5f64.sqrt();
        let found = map.baseline_scores.unwrap();
        assert!((found[0] - half).abs() < 1e-6 && (found[1] + half).abs() < 1e-6, "{found:?}");
    });
}

#[test]
fn a_similarity_that_does_not_fit_is_refused() {
    let encoder = pure_function(|x: Tensor<2>| x);
    let x = Tensor::<2>::from_data([[3.0, 4.0], [0.0, 0.0]], &device());
    let refused = |target: Target| {
        Gradient::new().attribute_to(&encoder, x.clone().narrow(0, 0, 1), target).unwrap_err()
    };
    let to = |reference: &[f32]| {
        let reference = Tensor::<1>::from_data(reference, &device());
        Target::similarity(Similarity::to(reference))
    };
    let error = refused(to(&[1.0, 2.0, 3.0]));
    assert_error!(&error, Error::OutputLayout { found: 2 });
    assert!(error.to_string().contains("3 numbers, as many as the reference"), "{error}");
    for bad in [[0.0, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 1.0]] {
        let option = "reference of a similarity";
        assert_error!(refused(to(&bad)), Error::InvalidOption { option });
    }
    let each = Similarity::to_each(Tensor::<2>::ones([3, 2], &device()));
    let error = refused(Target::similarity(each));
    assert_error!(error, Error::TargetCount { expected: 1, found: 3 });
    for score in [Score::Probability, Score::LogProbability, Score::LogOutput] {
        let error = refused(to(&[1.0, 2.0]).with_score(score));
        assert_error!(error, Error::InvalidOption { option: "score" });
    }
    // An embedding of zero has no direction.
    let error = Gradient::new().attribute_to(&encoder, x, to(&[1.0, 2.0])).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Score, row: 1 });
}

#[test]
fn the_cover_test_follows_the_box_and_the_class_that_are_explained() {
    // Two boxes of two classes: the second class of the second box looks at the upper left corner.
    let model = pure_function(|x: Tensor<4>| {
        let [rows, ..] = x.dims();
        let corner = x.narrow(2, 0, 2).narrow(3, 0, 2).sum_dim(3).sum_dim(2).reshape([rows, 1]);
        let place = Tensor::<2>::ones([rows, 4], &corner.device()) * 100;
        let half = place.clone().narrow(1, 0, 2) * 0.005;
        Tensor::cat(vec![place.clone(), half.clone(), place, half.narrow(1, 0, 1), corner], 1)
    });
    let x = Tensor::<4>::ones([1, 1, 8, 8], &device());
    let units = Units::cells([1, 8, 8], [8, 8]).unwrap();
    let experiment = |target| {
        let units = units.clone();
        Experiment::new(&model, x.clone(), target, units, Schedule::new()).unwrap()
    };
    let boxes = experiment(Target::detection(Detection::new(2)));
    assert_eq!(boxes.scores(), [4.0]);
    let black = boxes.fill(x.zeros_like()).unwrap();
    let mut map = vec![0.0; 64];
    for pixel in [0, 1, 8, 9] {
        map[pixel] = 1.0;
    }
    let verdict = CoverTest::new().brightest(&boxes, &[black], &[map]).unwrap().remove(0);
    assert_eq!((verdict.finding, verdict.class), (Finding::Confirmed, 1));
    assert_eq!((verdict.original.answer, verdict.original.score), (1, 4.0));
    // A detector rates each class apart, so there is no softmax of its scores.
    assert_eq!(verdict.original.probability, None);
    // If the whole corner is covered, the box is of the first class.
    let covered = verdict.sizes[1].covered[0];
    assert_eq!((covered.answer, covered.score), (0, 0.0));
    let error = RandomTarget::new().values(
        &Gradient::new(),
        &model,
        x.clone(),
        Target::detection(Detection::new(2)),
    );
    assert!(error.unwrap_err().to_string().contains("boxes, pixels or an embedding"));
}
