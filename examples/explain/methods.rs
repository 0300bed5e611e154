//! From options to an explainer, and from that to an attribution.

use std::time::Instant;

use burn::tensor::Tensor;
use indicatif::{ProgressBar, ProgressStyle};
use saliency::backends::ComputeDevice;
use saliency::photo::{Preparation, blurred};
use saliency::{
    Attribution, Baseline, ExpectedGradients, Explainer, Gradient, InputTimesGradient,
    IntegratedGradients, Schedule, Score, SmoothGrad, SmoothGradSquared, Target, VarGrad,
};
use saliency_models::EfficientNetLite0;

use crate::Result;
use crate::args::{Args, BaselineKind, Method, ScoreKind};

/// What one photo takes with all activations of the network, as measured.
const BYTES_PER_PHOTO: u64 = 120 << 20;

pub fn attribute(
    args: &Args,
    (compute, net): (&ComputeDevice, &EfficientNetLite0),
    method: Method,
    input: &Tensor<4>,
    (class, other): (usize, Option<usize>),
) -> Result<Attribution<Tensor<4>>> {
    let target = match other {
        Some(other) => Target::Difference(class, other),
        None => Target::Class(class),
    };
    let target = target.with_score(match args.score {
        ScoreKind::Logit => Score::Output,
        ScoreKind::LogProbability => Score::LogProbability,
        ScoreKind::Probability => Score::Probability,
    });
    let bar = ProgressBar::new(0)
        .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len}, {eta} left")?);
    let schedule = compute.schedule().with_progress({
        let bar = bar.clone();
        move |progress| {
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
        }
    });
    let schedule = match compute.memory_budget(BYTES_PER_PHOTO) {
        Some(budget) => schedule.with_memory(budget),
        None => schedule,
    };
    let start = Instant::now();
    let explainer = explainer(args, method, schedule, input)?;
    let map = explainer.attribute_to(net, input.clone(), target)?;
    bar.finish_and_clear();
    println!("time: {:.1} s, gradients: {}", start.elapsed().as_secs_f64(), map.gradients[0]);
    Ok(map)
}

/// What is known of how sure a map is, a line each.
pub fn certainty(args: &Args, map: &Attribution<Tensor<4>>) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    if let (Some(gap), Some(baseline)) = (&map.completeness_gap, &map.baseline_scores) {
        let change = map.scores[0] - baseline[0];
        lines.push(format!("completeness gap: {:+.3} of a score change of {change:.3}", gap[0]));
    }
    if let Some(error) = &map.error_estimate {
        lines.push(format!("estimated error of the map: {:.1} %", 100.0 * error[0]));
    }
    if let Some(error) = map.median_relative_error()? {
        let percent = 100.0 * error[0];
        lines.push(format!("standard error of the median pixel: {percent:.0} % of its value"));
    }
    if map.converged.as_ref().is_some_and(|converged| !converged[0]) {
        let limit = args.limit;
        lines.push(format!("warning: the tolerance was not reached within {limit} gradients"));
    }
    lines.extend(map.warnings.iter().map(|warning| format!("warning: {warning}")));
    Ok(lines)
}

type BoxedExplainer = Box<dyn Explainer<EfficientNetLite0, Tensor<4>>>;

fn explainer(
    args: &Args,
    method: Method,
    schedule: Schedule,
    input: &Tensor<4>,
) -> Result<BoxedExplainer> {
    // The methods that draw samples have their options in common.
    macro_rules! sampled {
        ($explainer:expr) => {{
            let explainer = $explainer.with_samples(args.samples).with_schedule(schedule);
            match args.tolerance {
                Some(tolerance) => {
                    Box::new(explainer.to_tolerance(tolerance).with_limit(args.limit))
                }
                None => Box::new(explainer),
            }
        }};
    }
    Ok(match method {
        Method::Gradient => Box::new(Gradient::new().with_schedule(schedule)),
        Method::InputXGradient => Box::new(InputTimesGradient::new().with_schedule(schedule)),
        Method::IntegratedGradients => {
            let explainer = IntegratedGradients::new()
                .with_baseline(baseline(args, input)?)
                .with_steps(args.steps)
                .with_schedule(schedule);
            match args.tolerance {
                Some(tolerance) => {
                    Box::new(explainer.to_tolerance(tolerance).with_limit(args.limit))
                }
                None => Box::new(explainer),
            }
        }
        Method::ExpectedGradients => {
            let noise = |seed| Baseline::uniform(-1.0, 1.0, seed);
            sampled!(ExpectedGradients::from_sampler(noise))
        }
        Method::SmoothGrad => sampled!(SmoothGrad::default()),
        Method::SmoothGradSquared => sampled!(SmoothGradSquared::default()),
        Method::VarGrad => sampled!(VarGrad::default()),
    })
}

fn baseline(args: &Args, input: &Tensor<4>) -> Result<Baseline> {
    let preparation = Preparation::imagenet();
    Ok(match args.baseline {
        BaselineKind::Grey => Baseline::zeros(),
        BaselineKind::Black => Baseline::constant(preparation.level(0)),
        BaselineKind::White => Baseline::constant(preparation.level(255)),
        BaselineKind::Blurred => Baseline::tensor(blurred(input, 20.0)?),
        BaselineKind::Noise => Baseline::uniform(preparation.level(0), preparation.level(255), 0),
    })
}
