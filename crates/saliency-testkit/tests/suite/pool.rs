//! One batch, several devices.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use burn::tensor::Tensor;
use saliency_backends::{Backend, ComputeDevice, DevicePool, PoolEvent};
use saliency_core::{
    Attribution, Baseline, Cancel, Counted, Error, Explainer, Gradient, IntegratedGradients, Model,
    NoiseScale, Rows, Share, SmoothGrad, Stage, Target, pure_function,
};
use saliency_testkit::{assert_close, assert_error, device, devices, square, values};

fn flex() -> ComputeDevice {
    Backend::Flex.open().unwrap()
}

fn x(rows: usize) -> Tensor<2> {
    let values: Vec<f32> = (0..rows * 3).map(|at| (at as f32 * 0.7).sin()).collect();
    Tensor::<1>::from_data(&values[..], &device()).reshape([rows, 3])
}

#[test]
fn a_pool_answers_as_one_device_does_for_every_row_in_order() {
    let input = x(13);
    let baseline = Baseline::tensor(x(13) * 0.5);
    let path = IntegratedGradients::new().with_steps(5).with_baseline(baseline);
    let explainer = SmoothGrad::new(path).with_samples(4).with_seed(9);
    let target = Target::Classes((0..13).map(|row| row % 3).collect());
    let alone = explainer.attribute_to(&square(), input.clone(), target.clone()).unwrap();
    for together in [1, 2, 5, 100] {
        let pool = DevicePool::new([flex(), flex(), flex()], |_| explainer.clone());
        let pool = pool.with_rows_at_once(together);
        let map = pool.attribute_to(&square(), input.clone(), target.clone()).unwrap();
        assert_close("pool", &map.values, &alone.values, 1e-6);
        let errors = (map.standard_error.unwrap(), alone.standard_error.clone().unwrap());
        assert_close("standard errors", &errors.0, &errors.1, 1e-5);
        assert_eq!((&map.scores, &map.targets), (&alone.scores, &alone.targets));
        assert_eq!((&map.evaluations, &map.warnings), (&alone.evaluations, &alone.warnings));
    }
}

#[test]
fn every_device_of_the_build_works_in_one_pool() {
    let pool = DevicePool::new(devices().to_vec(), |device| {
        IntegratedGradients::new().with_schedule(device.schedule())
    });
    let map = pool.with_rows_at_once(1).attribute_to(&square(), x(8), Target::Class(1)).unwrap();
    let alone = IntegratedGradients::new().attribute_to(&square(), x(8), Target::Class(1)).unwrap();
    assert_close("pool", &map.values, &alone.values, 1e-5);
    assert_eq!(map.values.device(), device());
}

#[test]
fn a_pool_tells_what_is_done() {
    let events: Arc<Mutex<Vec<PoolEvent>>> = Arc::default();
    let pool = DevicePool::new([flex()], |_| Gradient::new()).with_rows_at_once(3);
    let pool = pool.with_observer({
        let events = Arc::clone(&events);
        move |event| events.lock().unwrap().push(event.clone())
    });
    pool.attribute(&square(), x(7)).unwrap();
    let events = events.lock().unwrap();
    let fields = events.iter().map(|event| match event {
        PoolEvent::RowsDone { device, rows, done, total, .. } => {
            (device.clone(), rows.clone(), *done, *total)
        }
        event => panic!("{event:?}"),
    });
    let event = |rows, done| (Backend::Flex, rows, done, 7);
    let expected = [event(0..3, 3), event(3..6, 6), event(6..7, 7)];
    assert_eq!(fields.collect::<Vec<_>>(), expected);
}

#[test]
fn errors_name_the_row_of_the_whole_batch() {
    let pool = || DevicePool::new([flex(), flex()], |_| Gradient::new()).with_rows_at_once(2);
    let mut bad = values(&x(9));
    bad[5 * 3] = f32::NAN;
    let bad = Tensor::<1>::from_data(&bad[..], &device()).reshape([9, 3]);
    let error = pool().attribute(&square(), bad).unwrap_err();
    assert_error!(error, Error::NotFinite { stage: Stage::Input, row: 5 });

    let error = pool().attribute_to(&square(), x(4), Target::Classes(vec![0; 3])).unwrap_err();
    assert_error!(error, Error::TargetCount { expected: 4, found: 3 });

    for shape in [[0, 3], [2, 0]] {
        let empty = Tensor::<2>::zeros(shape, &device());
        let error = pool().attribute(&square(), empty).unwrap_err();
        assert_error!(error, Error::EmptyInput { tensor: 0, shape: shape.to_vec() });
    }

    let first = pure_function(|(a, _): (Tensor<2>, Tensor<2>)| a);
    let error = pool().attribute(&first, (x(4), x(3))).unwrap_err();
    assert_error!(error, Error::UnequalRows { tensor: 1, expected: 4, found: 3 });
}

/// A gradient on a device whose memory may be too small for it.
struct OnSmallDevice {
    full: bool,
}

impl<M: Model<Tensor<2>>> Explainer<M, Tensor<2>> for OnSmallDevice {
    fn attribute_to(
        &self,
        model: &M,
        input: Tensor<2>,
        target: Target,
    ) -> saliency_core::Result<Attribution<Tensor<2>>> {
        if self.full {
            return Err(Error::out_of_memory("no bytes left"));
        }
        Gradient::new().attribute_to(model, input, target)
    }
}

#[test]
fn what_one_device_has_no_memory_for_another_one_explains() {
    let seen = AtomicUsize::new(0);
    let pool = DevicePool::new([flex(), flex()], |_| OnSmallDevice {
        full: seen.fetch_add(1, Ordering::Relaxed) == 0,
    });
    let map = pool.with_rows_at_once(1).attribute(&square(), x(20)).unwrap();
    let alone = Gradient::new().attribute(&square(), x(20)).unwrap();
    assert_eq!(values(&map.values), values(&alone.values));
    // If the other device is quick, the first gets no row.
    assert!(map.warnings.len() <= 1, "{:?}", map.warnings);

    let pool = DevicePool::new([flex(), flex()], |_| OnSmallDevice { full: true });
    let error = pool.attribute(&square(), x(2)).unwrap_err().to_string();
    assert!(error.contains("every device was lost (flex: no memory for one row"), "{error}");
    assert!(error.contains("no bytes left"), "{error}");
}

#[test]
fn a_model_that_panics_is_not_taken_for_a_lost_device() {
    let model =
        pure_function(|_: Tensor<2>| -> Tensor<2> { panic!("whatever it is given, it is wrong") });
    let pool = DevicePool::new([flex(), flex()], |_| Gradient::new()).with_rows_at_once(2);
    match pool.attribute(&model, x(5)).unwrap_err() {
        Error::Panicked { message, .. } => assert_eq!(message, "whatever it is given, it is wrong"),
        error => panic!("{error}"),
    }
}

#[test]
fn a_pool_without_devices_and_pieces_without_rows_are_refused() {
    let nobody = DevicePool::new([], |_| Gradient::new());
    let error = nobody.attribute(&square(), x(2)).unwrap_err();
    assert_eq!(error.to_string(), "expected a pool of at least one device, found none");
    let nothing = DevicePool::new([flex()], |_| Gradient::new()).with_rows_at_once(0);
    let error = nothing.attribute(&square(), x(2)).unwrap_err();
    assert_eq!(error.to_string(), "expected rows at once at least 1, found 0");
}

/// A gradient on a device that does not begin before it is told to, if it is held.
struct Held(Option<Mutex<Receiver<()>>>);

impl<M: Model<Tensor<2>>> Explainer<M, Tensor<2>> for Held {
    fn attribute_to(
        &self,
        model: &M,
        input: Tensor<2>,
        target: Target,
    ) -> saliency_core::Result<Attribution<Tensor<2>>> {
        if let Some(held) = &self.0 {
            // It ends when the test does.
            let _ = held.lock().unwrap().recv();
        }
        Gradient::new().attribute_to(model, input, target)
    }
}

/// Makes a pool of devices of which the first ones are held until the senders are dropped.
fn held(held: usize, free: usize) -> (DevicePool<Held>, Vec<std::sync::mpsc::Sender<()>>) {
    let (senders, gates): (Vec<_>, Vec<_>) = (0..held).map(|_| channel()).unzip();
    let gates = Mutex::new(gates);
    let pool = DevicePool::new(vec![flex(); held + free], |_| {
        Held(gates.lock().unwrap().pop().map(Mutex::new))
    });
    (pool, senders)
}

#[test]
fn no_row_waits_for_a_device_that_never_answers() {
    for (slow, free, rows) in [(1, 1, 1), (1, 1, 20), (2, 1, 20), (3, 2, 50)] {
        let (pool, gates) = held(slow, free);
        let alone = Gradient::new().attribute(&square(), x(rows)).unwrap();
        // Twice, because the devices are still held in the second call.
        for _ in 0..2 {
            let map = pool.attribute(&square(), x(rows)).unwrap();
            assert_eq!(values(&map.values), values(&alone.values));
            assert_eq!(map.warnings, []);
        }
        drop(gates);
    }
}

#[test]
fn a_pool_is_cancelled_while_every_device_is_held() {
    let (pool, gates) = held(2, 0);
    let cancel = Cancel::new();
    let pool = pool.with_cancel(cancel.clone());
    std::thread::spawn(move || cancel.cancel());
    let error = pool.attribute(&square(), x(5)).unwrap_err();
    assert_error!(error, Error::Cancelled { done: 0, total: 5 });
    drop(gates);
}

#[test]
fn rows_that_were_done_before_an_error_are_kept() {
    let mut bad = values(&x(9));
    bad[5 * 3] = f32::NAN;
    let bad = Tensor::<1>::from_data(&bad[..], &device()).reshape([9, 3]);
    let pool = DevicePool::new([flex()], |_| Gradient::new()).with_rows_at_once(2);
    let answer = pool.attribute_partly(&square(), bad, Target::Predicted, &Rows::all(9));
    assert_eq!(answer.rows, [0, 1, 2, 3]);
    assert_error!(answer.error.unwrap(), Error::NotFinite { stage: Stage::Input, row: 5 });
    let alone = Gradient::new().attribute(&square(), x(4)).unwrap();
    assert_eq!(values(&answer.map.unwrap().values), values(&alone.values));
}

/// This one needs samples that are counted for each row alone.
#[test]
fn to_a_tolerance_a_pool_draws_the_samples_that_one_device_draws() {
    // Rows of very different certainty: the numbers of samples differ between them.
    let model = pure_function(|x: Tensor<2>| x.clone().powi_scalar(2) + (x * 4.0).sin());
    let noise = NoiseScale::Absolute(0.7);
    let smooth = SmoothGrad::new(Gradient::new()).with_noise(noise).with_seed(7);
    let smooth = smooth.with_tolerance(0.05).with_max_samples(3000);
    let path = IntegratedGradients::new().with_tolerance(0.01);
    let explainers: [Arc<dyn Explainer<_, Tensor<2>>>; 2] = [Arc::new(smooth), Arc::new(path)];
    for explainer in explainers {
        let alone = explainer.attribute_to(&model, x(12), Target::Class(1)).unwrap();
        let counts: std::collections::BTreeSet<_> = alone.evaluations.iter().collect();
        assert!(counts.len() > 3, "{counts:?}");
        for at_once in [1, 5] {
            let pool = DevicePool::new([flex(), flex()], |_| Shared(explainer.clone()));
            let pool = pool.with_rows_at_once(at_once);
            let map = pool.attribute_to(&model, x(12), Target::Class(1)).unwrap();
            assert_eq!(map.evaluations, alone.evaluations);
            assert_eq!(values(&map.values), values(&alone.values));
            assert_eq!(map.error_estimate, alone.error_estimate);
            assert_eq!(map.warnings, alone.warnings);
        }
    }
}

#[test]
fn a_pool_estimates_shares_as_one_device_does() {
    let share = |row: usize| Share::new([1.0, row as f64 / 8.0, 0.0], Counted::Absolute).unwrap();
    let rows = Rows::all(8).with_shares((0..8).map(|row| vec![share(row)]).collect());
    let model = pure_function(|x: Tensor<2>| (x * 4.0).sin());
    let path: Arc<dyn Explainer<_, _>> =
        Arc::new(IntegratedGradients::new().with_share_tolerance(0.01));
    let smooth = SmoothGrad::new(Gradient::new()).with_noise(NoiseScale::Absolute(0.7));
    let smooth: Arc<dyn Explainer<_, _>> = Arc::new(smooth.with_share_tolerance(0.05));
    for explainer in [path, smooth] {
        let alone = explainer.attribute_rows(&model, x(8), Target::Class(1), &rows).unwrap();
        let pool = DevicePool::new([flex(), flex()], |_| Shared(explainer.clone()));
        let pool = pool.with_rows_at_once(3);
        let map = pool.attribute_rows(&model, x(8), Target::Class(1), &rows).unwrap();
        assert_eq!(map.shares, alone.shares);
        assert_eq!(map.evaluations, alone.evaluations);
    }
    let wrong = Rows::all(8).with_shares(vec![vec![share(0)]]);
    let pool = DevicePool::new([flex()], |_| Gradient::new());
    let error = pool.attribute_rows(&square(), x(8), Target::Class(1), &wrong).unwrap_err();
    assert_error!(error, Error::InvalidOption { option: "shares", found: "1" });
}

/// An explainer of any type.
struct Shared<M>(Arc<dyn Explainer<M, Tensor<2>>>);

impl<M: Model<Tensor<2>>> Explainer<M, Tensor<2>> for Shared<M> {
    fn attribute_to(&self, model: &M, input: Tensor<2>, target: Target) -> Attributed {
        self.0.attribute_to(model, input, target)
    }

    fn attribute_rows(
        &self,
        model: &M,
        input: Tensor<2>,
        target: Target,
        rows: &Rows,
    ) -> Attributed {
        self.0.attribute_rows(model, input, target, rows)
    }
}

type Attributed = saliency_core::Result<Attribution<Tensor<2>>>;

#[test]
fn a_model_that_has_changed_is_copied_again() {
    let pool = DevicePool::new([flex(), flex()], |_| Gradient::new());
    for factor in [2.0, 3.0] {
        let model = pure_function(move |x: Tensor<2>| x * factor);
        let map = pool.attribute_to(&model, x(4), Target::Class(0)).unwrap();
        assert_eq!(values(&map.values)[0], factor as f32);
    }
}

#[test]
fn cpus_in_one_pool_share_the_cores() {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let pool =
        DevicePool::new(vec![flex(); 2], |device| Gradient::new().with_schedule(device.schedule()));
    let workers = format!("Workers({})", (cores / 2).max(1));
    let shown = format!("{pool:?}");
    assert_eq!(shown.matches(&workers).count(), 2, "{shown}");
}

#[test]
fn no_patience_is_refused() {
    let pool = DevicePool::new([flex()], |_| Gradient::new());
    let error = pool.with_patience(std::time::Duration::ZERO).attribute(&square(), x(2));
    assert_eq!(error.unwrap_err().to_string(), "expected patience above 0, found 0 s");
}
