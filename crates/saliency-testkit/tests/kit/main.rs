//! Methods of somebody else, on the public interface alone: they get from the engine everything
//! that the built-in methods get (workers, memory, cancelling, progress).
//!
//! A path method ([`bent_path`]) and a method of forward passes alone ([`ablation`]), and the
//! conductance of a layer ([`conductance`]).

mod ablation;
mod bent_path;
mod conductance;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use burn::tensor::{Device, Tensor};
use saliency_core::{
    Attribution, Cancel, Error, Explainer, Model, Parallelism, Schedule, Target, pure_function,
};
use saliency_testkit::assert_error;

use ablation::Ablation;
use bent_path::BentGradients;

type Method<M> = Box<dyn Explainer<M, Tensor<2>>>;

/// Returns both methods, with a schedule.
fn methods<M: Model<Tensor<2>>>(schedule: &Schedule) -> [Method<M>; 2] {
    [
        Box::new(BentGradients::new().with_schedule(schedule.clone())),
        Box::new(Ablation::new().with_schedule(schedule.clone())),
    ]
}

/// Returns the model f(x, y) = x · y² + x, and some rows.
fn model_and_input() -> (impl Model<Tensor<2>>, Tensor<2>) {
    let model = pure_function(|x: Tensor<2>| {
        let (x, y) = (x.clone().narrow(1, 0, 1), x.narrow(1, 1, 1));
        x.clone() * y.powi_scalar(2) + x
    });
    let input = [[1.0, 2.0], [-3.0, 0.5], [2.0, -1.0], [0.25, 4.0], [1.5, 1.5]];
    (model, Tensor::from_data(input, &Device::flex()))
}

fn bits<M: Model<Tensor<2>>>(model: &M, explainer: &Method<M>, input: &Tensor<2>) -> Vec<u32> {
    let map = explainer.attribute_to(model, input.clone(), Target::Class(0)).unwrap();
    map.values.into_data().iter::<f32>().map(f32::to_bits).collect()
}

#[test]
fn any_number_of_workers_gives_the_same_bits() {
    let (model, input) = model_and_input();
    let of = |workers| {
        let schedule = Schedule::new().with_chunk(2);
        methods(&schedule.with_parallelism(Parallelism::Workers(workers)))
    };
    let one = of(1).map(|explainer| bits(&model, &explainer, &input));
    for workers in [3, 16] {
        let found = of(workers).map(|explainer| bits(&model, &explainer, &input));
        assert_eq!(found, one, "{workers} workers");
    }
}

#[test]
fn chunks_are_halved_until_they_fit_into_memory() {
    let largest = Arc::new(AtomicUsize::new(0));
    let seen = largest.clone();
    let model = pure_function(move |x: Tensor<2>| {
        assert!(x.dims()[0] <= 3, "Out of memory");
        seen.fetch_max(x.dims()[0], Ordering::Relaxed);
        x.clone().sum_dim(1) * x.narrow(1, 0, 1)
    });
    let (_, input) = model_and_input();
    for explainer in methods(&Schedule::new().with_chunk(100)) {
        largest.store(0, Ordering::Relaxed);
        explainer.attribute_to(&model, input.clone(), Target::Class(0)).unwrap();
        assert!((1..=3).contains(&largest.load(Ordering::Relaxed)));
    }
}

#[test]
fn work_is_cancelled() {
    let (model, input) = model_and_input();
    let cancel = Cancel::new();
    let schedule = Schedule::new().with_chunk(1).with_cancel(cancel.clone());
    // After the first few chunks.
    let schedule = schedule.with_progress(move |progress| {
        if progress.done >= 4 {
            cancel.cancel();
        }
    });
    for explainer in methods(&schedule) {
        let error = explainer.attribute_to(&model, input.clone(), Target::Class(0)).unwrap_err();
        assert!(matches!(error, Error::Cancelled { .. }), "{error}");
    }
}

#[test]
fn progress_counts_every_evaluation() {
    let (model, input) = model_and_input();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let reported = seen.clone();
    let schedule = Schedule::new().with_chunk(3).with_progress(move |progress| {
        reported.lock().unwrap().push((progress.done, progress.total));
    });
    for explainer in methods(&schedule) {
        seen.lock().unwrap().clear();
        let map: Attribution<_> =
            explainer.attribute_to(&model, input.clone(), Target::Class(0)).unwrap();
        let total = map.evaluations.iter().sum();
        let seen = seen.lock().unwrap();
        assert_eq!((seen.first(), seen.last()), (Some(&(0, total)), Some(&(total, total))));
        assert!(seen.is_sorted(), "{seen:?}");
    }
}

#[test]
fn rows_in_errors_are_those_of_the_batch() {
    let model = pure_function(|x: Tensor<2>| {
        assert!(x.clone().max().into_scalar::<f32>() < 3.5, "too large");
        x.sum_dim(1)
    });
    let (_, input) = model_and_input();
    for explainer in methods(&Schedule::new().with_chunk(1)) {
        let error = explainer.attribute_to(&model, input.clone(), Target::Class(0)).unwrap_err();
        assert_error!(error, Error::Panicked { rows: 3..4, message: "too large" });
    }
}
