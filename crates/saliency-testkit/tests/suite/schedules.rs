//! Chunks, workers, progress, cancelling, and models that panic.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use burn::tensor::Tensor;
use saliency_core::{
    Cancel, Error, Explainer, Gradient, IntegratedGradients, MemoryBudget, Method, MethodOptions,
    Model, NoiseScale, Parallelism, Progress, Rule, Schedule, SmoothGrad, Target, pure_function,
};
use saliency_models::CifarCnn;
use saliency_testkit::{Golden, assert_error, device, square, values};

fn workers(count: usize) -> Schedule {
    Schedule::new().with_parallelism(Parallelism::Workers(count))
}

type Named<M> = (&'static str, Box<dyn Explainer<M, Tensor<4>>>);

/// Returns every method, with quick options and a schedule.
fn every_method<M: Model<Tensor<4>>>(schedule: &Schedule, device_of: &Tensor<4>) -> Vec<Named<M>> {
    let s = || schedule.clone();
    let baselines = Tensor::cat(vec![device_of.zeros_like(), device_of.ones_like()], 0);
    let options = MethodOptions::new().with_schedule(s()).with_baselines(baselines);
    let options = options.with_steps(7).with_samples(5);
    let mut all: Vec<Named<M>> = Vec::new();
    for method in Method::fitting(&[1, 3, 32, 32]) {
        all.push((method.name(), method.explainer(&options)));
    }
    let ig = || IntegratedGradients::new().with_steps(7).with_schedule(s());
    let smooth = || SmoothGrad::default().with_schedule(s());
    all.push(("IG placed", Box::new(ig().with_rule(Rule::Placed))));
    all.push(("IG to a tolerance", Box::new(ig().with_tolerance(0.2).with_max_gradients(30))));
    all.push((
        "SmoothGrad of IG",
        Box::new(SmoothGrad::new(ig()).with_samples(3).with_schedule(s())),
    ));
    all.push((
        "SmoothGrad to a tolerance",
        Box::new(smooth().with_tolerance(0.5).with_max_samples(40)),
    ));
    all
}

#[test]
fn any_number_of_workers_gives_the_same_bits() {
    let net = CifarCnn::embedded(&device());
    let input: Tensor<4> = Golden::cifar_zero_baseline().tensor("input", &device());
    for chunk in [1, 3, 1000] {
        let explain = |schedule: Schedule| {
            let methods = every_method(&schedule.with_chunk(chunk), &input);
            let explain = |(name, explainer): &Named<CifarCnn>| {
                let map = explainer.attribute(&net, input.clone()).unwrap();
                let error = map.standard_error.map(|error| values(&error));
                let all = (values(&map.values), error, map.completeness_gap, map.error_estimate);
                (*name, all, map.evaluations)
            };
            methods.iter().map(explain).collect::<Vec<_>>()
        };
        let one = explain(workers(1));
        for count in [2, 7] {
            for (one, many) in one.iter().zip(explain(workers(count))) {
                assert_eq!(*one, many, "{count} workers, chunks of {chunk}");
            }
        }
        assert_eq!(one, explain(workers(2)), "a second time");
    }
}

#[test]
fn progress_is_told_in_order_and_ends_at_the_total() {
    for schedule in [workers(1), workers(3), Schedule::new()] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let log = seen.clone();
        let schedule = schedule.with_chunk(2).with_progress(move |progress: Progress| {
            log.lock().unwrap().push((progress.done, progress.total));
        });
        let x = Tensor::<2>::ones([1, 1], &device());
        let explainer = IntegratedGradients::new().with_steps(7).with_schedule(schedule.clone());
        explainer.attribute(&square(), x.clone()).unwrap();
        let seen_now = std::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(seen_now, [(0, 7), (2, 7), (4, 7), (6, 7), (7, 7)]);

        // Towards a tolerance the total is a guess that is right in the end.
        let bends = pure_function(|x: Tensor<2>| (x * 20.0).sin());
        let explainer = IntegratedGradients::new().with_tolerance(0.05).with_schedule(schedule);
        let map = explainer.attribute(&bends, x).unwrap();
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        assert!(seen.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        assert_eq!(*seen.last().unwrap(), (map.evaluations[0], map.evaluations[0]));
        assert!(seen.len() > 5, "{seen:?}");
        falls_never(&seen);
    }
}

/// Panics if the share that is done falls, or reaches the whole before the end.
fn falls_never(seen: &[(usize, usize)]) {
    let share = |&(done, total): &(usize, usize)| done as f64 / total as f64;
    for pair in seen.windows(2) {
        assert!(share(&pair[0]) <= share(&pair[1]) + 1e-9, "{seen:?}");
        assert!(pair[0].0 < pair[0].1, "{seen:?}");
    }
}

#[test]
fn the_share_that_is_done_never_falls() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let schedule = Schedule::new().with_chunk(3).with_progress(move |progress: Progress| {
        log.lock().unwrap().push((progress.done, progress.total));
    });
    let x = Tensor::<2>::from_data([[0.2], [1.0], [3.0], [10.0]], &device());
    let bends = pure_function(|x: Tensor<2>| (x.clone() * 5.0).sin() + x * 3.0);
    let noise = NoiseScale::Absolute(0.5);
    let smooth = SmoothGrad::default().with_noise(noise).with_tolerance(0.05);
    let path = IntegratedGradients::new().with_tolerance(0.01);
    let explainers: [Box<dyn Explainer<_, Tensor<2>>>; 2] =
        [Box::new(smooth.with_schedule(schedule.clone())), Box::new(path.with_schedule(schedule))];
    for explainer in explainers {
        let map = explainer.attribute_to(&bends, x.clone(), Target::Class(0)).unwrap();
        let seen = std::mem::take(&mut *seen.lock().unwrap());
        falls_never(&seen);
        let all = map.evaluations.iter().sum::<usize>();
        assert_eq!(*seen.last().unwrap(), (all, all));
    }
}

#[test]
fn cancelling_reaches_the_explainer_inside() {
    // All copies of the row are one chunk of the outer explainer: one call of the inner one.
    for inside in [workers(1), workers(3), Schedule::new()] {
        let (cancel, calls) = (Cancel::new(), Arc::new(AtomicUsize::new(0)));
        let (counted, token) = (calls.clone(), cancel.clone());
        let model = pure_function(move |x: Tensor<2>| {
            if counted.fetch_add(1, Ordering::Relaxed) == 20 {
                token.cancel();
            }
            x.powi_scalar(3)
        });
        let path = IntegratedGradients::new().with_steps(1000);
        let path = path.with_schedule(inside.with_chunk(2));
        let around = SmoothGrad::new(path).with_samples(4);
        let around = around.with_schedule(Schedule::new().with_cancel(cancel));
        let error = around.attribute(&model, Tensor::ones([1, 1], &device())).unwrap_err();
        assert!(matches!(error, Error::Cancelled { done: 0, .. }), "{error:?}");
        assert!(calls.load(Ordering::Relaxed) < 60, "{calls:?}");
    }
}

#[test]
fn work_is_called_off_between_chunks() {
    for count in [1, 2, 7] {
        let (cancel, calls) = (Cancel::new(), Arc::new(AtomicUsize::new(0)));
        let counted = calls.clone();
        let model = pure_function(move |x: Tensor<2>| {
            counted.fetch_add(1, Ordering::Relaxed);
            x.clone() * x
        });
        let token = cancel.clone();
        let schedule = workers(count).with_chunk(1).with_cancel(cancel.clone()).with_progress(
            move |progress: Progress| {
                if progress.done == 5 {
                    token.cancel();
                }
            },
        );
        let explainer = IntegratedGradients::new().with_steps(1000).with_schedule(schedule);
        let error = explainer.attribute(&model, Tensor::ones([1, 1], &device())).unwrap_err();
        let Error::Cancelled { done, total: 1000, .. } = error else { panic!("{error}") };
        assert!((5..40).contains(&done), "{done}");
        assert!(calls.load(Ordering::Relaxed) < 60, "{calls:?}");
        assert!(cancel.is_cancelled());
    }
}

#[test]
fn a_panic_in_the_model_is_an_error_that_names_the_work_item() {
    // Panics if a value is above 0.7, as it is from the eighth of ten midpoints on.
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let model = pure_function(move |x: Tensor<2>| {
        counted.fetch_add(1, Ordering::Relaxed);
        let largest = x.clone().inner().max().into_scalar::<f32>();
        assert!(!(0.71..0.999).contains(&largest), "no more than {}", 0.7);
        x.clone() * x
    });
    let x = Tensor::<2>::from_data([[0.1], [1.0]], &device());
    let check = |found: Error, rows, item, total, count| {
        println!("{count} workers: {found}");
        let message = "no more than 0.7";
        assert_error!(found, Error::Panicked { rows, item, total, message });
    };
    for count in [1, 2, 7] {
        let schedule = workers(count).with_chunk(1);
        let explainer = IntegratedGradients::new().with_steps(10).with_rule(Rule::Midpoint);
        let explainer = explainer.with_schedule(schedule.clone());
        check(explainer.attribute(&model, x.clone()).unwrap_err(), 1..2, 17, 20, count);
        let explainer = IntegratedGradients::new().with_tolerance(0.01).with_schedule(schedule);
        // The total is what is expected at first: 30 gradients for each row.
        check(explainer.attribute(&model, x.clone()).unwrap_err(), 1..2, 8, 60, count);
    }
    let explainer = IntegratedGradients::new().with_steps(10).with_rule(Rule::Midpoint);
    let explainer = explainer.with_schedule(workers(1).with_chunk(1));
    let text = explainer.attribute(&model, x.clone()).unwrap_err().to_string();
    let start = "the model panicked on rows 1 to 1 (work item 17 of 20)";
    assert!(text.starts_with(start), "{text}");

    // Inside another explainer the rows are still those of the batch.
    let inside = IntegratedGradients::new().with_steps(10).with_rule(Rule::Midpoint);
    for chunk in [1, 3, 100] {
        let around = SmoothGrad::new(inside.clone())
            .with_noise(NoiseScale::Absolute(0.0))
            .with_samples(4)
            .with_schedule(workers(2).with_chunk(chunk));
        let error = around.attribute(&model, x.clone()).unwrap_err();
        let Error::Panicked { rows, .. } = error else { panic!("{error}") };
        assert!(rows.contains(&1) && rows.end == 2, "{rows:?}");
    }

    // On the calling thread too, and in the pass that only scores.
    let broken = pure_function(|_: Tensor<2>| -> Tensor<2> { panic!("broken") });
    for error in [
        Gradient::new().attribute(&broken, x.clone()).unwrap_err(),
        SmoothGrad::default().attribute(&broken, x.clone()).unwrap_err(),
    ] {
        let Error::Panicked { rows, message, .. } = error else { panic!("{error}") };
        assert_eq!((rows, message.as_str()), (0..2, "broken"));
    }
}

#[test]
fn a_panic_in_the_callback_is_passed_on_and_nothing_hangs() {
    for count in [1, 2, 7] {
        let schedule = workers(count).with_chunk(1).with_progress(|progress: Progress| {
            assert!(progress.done < 3, "the callback's own");
        });
        let explainer = IntegratedGradients::new().with_schedule(schedule);
        let run = || explainer.attribute(&square(), Tensor::ones([1, 1], &device()));
        let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_err();
        assert_eq!(*panic.downcast_ref::<&str>().unwrap(), "the callback's own");
    }
}

#[test]
fn a_memory_budget_lowers_workers_first_and_then_the_chunk() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (present, peak) = (now.clone(), most.clone());
    let model = pure_function(move |x: Tensor<2>| {
        let rows = x.dims()[0];
        let together = present.fetch_add(rows, Ordering::SeqCst) + rows;
        peak.fetch_max(together, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(2));
        present.fetch_sub(rows, Ordering::SeqCst);
        x.clone() * x
    });
    for (inputs, chunk, expected) in [(100, 4, 16), (8, 4, 8), (5, 4, 4), (3, 4, 3), (1, 4, 1)] {
        let budget = MemoryBudget::new(inputs * 1000 + 999, 1000);
        let schedule = workers(4).with_chunk(chunk).with_memory(budget);
        let explainer = IntegratedGradients::new().with_steps(48).with_schedule(schedule);
        explainer.attribute(&model, Tensor::ones([1, 1], &device())).unwrap();
        let peak = most.swap(0, Ordering::SeqCst);
        assert!(peak <= expected, "room for {inputs}: {peak} at once");
        assert!(inputs >= 100 || peak == expected, "room for {inputs}: only {peak} at once");
    }
}

#[test]
fn explainers_inside_others_keep_what_is_given_per_row() {
    // Each row has a baseline of its own, and noise that depends on the row.
    let x = Tensor::<2>::from_data([[1.0], [2.0], [3.0]], &device());
    let baseline = Tensor::<2>::from_data([[0.0], [1.0], [5.0]], &device());
    let inside = IntegratedGradients::new()
        .with_steps(3)
        .with_baseline(saliency_core::Baseline::tensor(baseline));
    for chunk in [1, 2, 3, 7, 100] {
        let schedule = Schedule::new().with_chunk(chunk);
        let around = SmoothGrad::new(inside.clone())
            .with_noise(NoiseScale::Absolute(0.0))
            .with_schedule(schedule);
        let map = around.attribute_to(&square(), x.clone(), Target::Class(0)).unwrap();
        let found = values(&map.values);
        for (found, expected) in found.iter().zip([1.0, 3.0, -16.0]) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
    let noisy = |chunk| {
        let schedule = || Schedule::new().with_chunk(chunk);
        let inner = SmoothGrad::default().with_samples(3).with_seed(1);
        let outer = SmoothGrad::new(inner.with_schedule(schedule())).with_samples(4);
        let map = outer.with_schedule(schedule()).attribute_to(
            &square(),
            x.clone().repeat_dim(1, 2),
            Target::Class(0),
        );
        values(&map.unwrap().values)
    };
    assert_eq!(noisy(1), noisy(3));
    assert_eq!(noisy(1), noisy(100));
}

#[test]
fn a_panic_inside_a_wrapped_explainer_names_the_rows_outside() {
    // The third of three rows panics; chunks inside go across the samples outside.
    let model = pure_function(|x: Tensor<2>| {
        let largest = x.clone().inner().max().into_scalar::<f32>();
        assert!(largest < 3.0, "too large");
        x.clone() * x
    });
    let x = Tensor::<2>::from_data([[1.0], [2.0], [4.0]], &device());
    // The clean input is scored first, and would panic as well.
    let model = saliency_core::ModelFn::new(saliency_core::NoModule {}, {
        let calls = Arc::new(AtomicUsize::new(0));
        move |_: &saliency_core::NoModule, x: Tensor<2>| match calls.fetch_add(1, Ordering::SeqCst)
        {
            0 => x.clone() * x,
            _ => model.forward(x),
        }
    });
    let inside = Gradient::new().with_schedule(Schedule::new().with_chunk(2));
    let around = SmoothGrad::new(inside).with_noise(NoiseScale::Absolute(0.0)).with_samples(4);
    let error = around.attribute(&model, x).unwrap_err();
    let message = "too large".to_owned();
    assert_error!(error, Error::Panicked { rows: 0..3, item: 0, total: 12, message });
}

#[test]
fn work_is_called_off_from_another_thread() {
    let (cancel, started) = (Cancel::new(), Arc::new(std::sync::Barrier::new(2)));
    let (token, barrier) = (cancel.clone(), started.clone());
    let first = AtomicUsize::new(0);
    let model = pure_function({
        let first = Arc::new(first);
        move |x: Tensor<2>| {
            // The third call waits until the work is cancelled.
            if first.fetch_add(1, Ordering::SeqCst) == 2 {
                barrier.wait();
                barrier.wait();
            }
            x.clone() * x
        }
    });
    let canceller = std::thread::spawn(move || {
        started.wait();
        token.cancel();
        started.wait();
    });
    let schedule = workers(2).with_chunk(1).with_cancel(cancel.clone());
    let explainer = IntegratedGradients::new().with_steps(20_000).with_schedule(schedule);
    let error = explainer.attribute(&model, Tensor::ones([1, 1], &device())).unwrap_err();
    assert!(matches!(error, Error::Cancelled { total: 20_000, .. }), "{error}");
    canceller.join().unwrap();
}

#[test]
fn calls_from_a_rayon_pool_give_the_same_bits() {
    let net = CifarCnn::embedded(&device());
    let input: Tensor<4> = Golden::cifar_zero_baseline().tensor("input", &device());
    let explain = || {
        let explainer =
            IntegratedGradients::new().with_steps(7).with_schedule(Schedule::new().with_chunk(2));
        values(&explainer.attribute(&net, input.clone()).unwrap().values)
    };
    let outside = explain();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(explain), outside, "{threads} threads");
    }
}

#[test]
fn a_slow_item_is_waited_for_and_the_others_do_not_run_away() {
    let (calls, ahead) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, most) = (calls.clone(), ahead.clone());
    let model = pure_function(move |x: Tensor<2>| {
        counted.fetch_add(1, Ordering::SeqCst);
        // The first point of a hundred, whichever worker has it and whenever; the baseline is 0.
        let at = x.clone().into_data().iter::<f64>().next().unwrap();
        if 0.0 < at && at < 0.01 {
            std::thread::sleep(std::time::Duration::from_millis(200));
            // Input and baseline are scored first.
            most.store(counted.load(Ordering::SeqCst) - 2, Ordering::SeqCst);
        }
        x.clone() * x
    });
    let schedule = workers(3).with_chunk(1);
    let explainer = IntegratedGradients::new().with_rule(Rule::Midpoint).with_steps(100);
    let explainer = explainer.with_schedule(schedule);
    let map = explainer.attribute(&model, Tensor::ones([1, 1], &device())).unwrap();
    assert!((values(&map.values)[0] - 1.0).abs() < 1e-5);
    let ahead = ahead.load(Ordering::SeqCst);
    assert!((2..=6).contains(&ahead), "{ahead} items begun beside the slow one");
}

/// Returns a model that sleeps and counts the inputs that are given to it at once, and the most so
/// far.
fn slow_model() -> (impl Model<Tensor<2>>, Arc<AtomicUsize>) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let peak = most.clone();
    let model = pure_function(move |x: Tensor<2>| {
        let rows = x.dims()[0];
        peak.fetch_max(now.fetch_add(rows, Ordering::SeqCst) + rows, Ordering::SeqCst);
        std::thread::sleep(std::time::Duration::from_millis(5));
        now.fetch_sub(rows, Ordering::SeqCst);
        x.powi_scalar(2).sum_dim(1)
    });
    (model, most)
}

#[test]
fn a_wrapped_explainer_keeps_all_workers_busy() {
    let (model, most) = slow_model();
    let x = Tensor::<2>::ones([1, 3], &device());
    let noise = NoiseScale::Absolute(0.1);
    // One chunk of copies outside; two chunks, each of which has half of the workers.
    for (chunk, least) in [(100, 8), (5, 6)] {
        let inside =
            IntegratedGradients::new().with_steps(8).with_schedule(workers(8).with_chunk(1));
        let around = SmoothGrad::new(inside).with_samples(10).with_noise(noise.clone());
        let around = around.with_schedule(workers(8).with_chunk(chunk));
        around.attribute_to(&model, x.clone(), Target::Class(0)).unwrap();
        let most = most.swap(0, Ordering::SeqCst);
        // The copies themselves are scored at once first.
        assert!((least..=10).contains(&most), "{most} at once, chunks of {chunk}");
    }
}

#[test]
fn a_memory_budget_reaches_the_explainer_inside() {
    let (model, most) = slow_model();
    let x = Tensor::<2>::ones([1, 3], &device());
    let explain = |outside: Schedule, inside: Schedule| {
        let inside = IntegratedGradients::new().with_steps(6).with_schedule(inside);
        let around = SmoothGrad::new(inside).with_samples(8).with_schedule(outside);
        let around = around.with_noise(NoiseScale::Absolute(0.1));
        let map = around.attribute_to(&model, x.clone(), Target::Class(0)).unwrap();
        (most.swap(0, Ordering::SeqCst), values(&map.values))
    };
    let budget = |inputs: u64| MemoryBudget::new(inputs * 1000, 1000);
    for (inputs, chunk) in [(8, 100), (8, 4), (4, 4), (2, 1), (1, 1)] {
        let outside = || workers(4).with_chunk(chunk).with_memory(budget(inputs));
        let (peak, found) = explain(outside(), workers(4).with_chunk(3));
        assert!(peak <= inputs as usize, "room for {inputs}, chunks of {chunk}: {peak} at once");
        // The same bits for any number of workers.
        let alone = outside().with_parallelism(Parallelism::Workers(1));
        assert_eq!(found, explain(alone, workers(1).with_chunk(3)).1);
    }
}

#[test]
fn a_row_of_a_table_has_the_answer_that_it_has_alone() {
    // 1,500 rows, more than a chunk holds; each is a question of its own.
    let numbers: Vec<f32> = (0..4500).map(|at| (at as f32 * 0.37).sin() * 3.0).collect();
    let x = Tensor::<1>::from_data(&numbers[..], &device()).reshape([1500, 3]);
    let bends =
        pure_function(|x: Tensor<2>| ((x.clone() * 4.0).sin() + x.powi_scalar(2)).sum_dim(1));
    let explainers: [Box<dyn Explainer<_, Tensor<2>>>; 3] = [
        Box::new(IntegratedGradients::new().with_tolerance(0.02)),
        Box::new(SmoothGrad::default().with_tolerance(0.2)),
        Box::new(SmoothGrad::default()),
    ];
    for explainer in explainers {
        let all = explainer.attribute_to(&bends, x.clone(), Target::Class(0)).unwrap();
        let found = values(&all.values);
        // Noise depends on the row's number, so that the first row is the one to compare.
        let alone = x.clone().narrow(0, 0, 1);
        let alone = explainer.attribute_to(&bends, alone, Target::Class(0)).unwrap();
        assert_eq!(values(&alone.values), found[..3]);
        assert_eq!(alone.evaluations[0], all.evaluations[0]);
        assert_eq!(alone.error_estimate.unwrap()[0], all.error_estimate.unwrap()[0]);
    }
    let explainer = IntegratedGradients::new().with_tolerance(0.02);
    let all = explainer.attribute_to(&bends, x.clone(), Target::Class(0)).unwrap();
    let found = values(&all.values);
    for row in [7, 700, 1499] {
        let alone = x.clone().narrow(0, row, 1);
        let alone = explainer.attribute_to(&bends, alone, Target::Class(0)).unwrap();
        assert_eq!(values(&alone.values), found[3 * row..][..3]);
        assert_eq!(alone.evaluations[0], all.evaluations[row]);
    }
}
