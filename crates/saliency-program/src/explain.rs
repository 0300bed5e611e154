//! Explains photos: the program `explain`.

use std::time::Instant;

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use indicatif::{ProgressBar, ProgressStyle};
use saliency::backends::ComputeDevice;
use saliency::photo::{Map, Placement, Reduce, blurred};
use saliency::{Attribution, Baseline, MethodOptions, Model as _, Schedule, Score, Target};

use crate::args::{BaselineKind, ExplainArgs, ReduceKind, ScoreKind};
use crate::boxes::areas;
use crate::certainty::Certainty;
use crate::cover::{CoverQuestion, CoverTested, cover_test};
use crate::lite0::Lite0;
use crate::method::{PhotoMethod, PhotoQuestion, Tolerance};
use crate::network::PhotoNetwork;
use crate::output::answer;
use crate::photo_files::{self, NamedPhoto};
use crate::pictures::{Explained, NetworkFacts, PhotoPictures};
use crate::program::{check_writable, unusable};
use crate::report::{HalfOfRegions, LikelyClass, PhotoReport};
use crate::{Result, devices, percent};

/// Explains every photo of the arguments for the network that ships, and writes what they ask for.
///
/// # Errors
/// Those of [`run_for`].
pub fn run(args: &ExplainArgs) -> Result<()> {
    run_for(&Lite0::new(), args)
}

/// Explains every photo of the arguments for a network, and writes what they ask for.
///
/// # Errors
/// An error if an argument cannot be used, or if a photo could not be explained. One bad photo does
/// not keep the others from being explained. [`Stopped`](crate::program::Stopped) if a person ended
/// the program.
pub fn run_for<N: PhotoNetwork>(network: &N, args: &ExplainArgs) -> Result<()> {
    if args.list_devices {
        devices::list();
        return Ok(());
    }
    // All arguments are checked before any work.
    let classes = network.classes();
    let targets = args.target.iter().map(|name| classes.find(name));
    let targets = targets.collect::<std::result::Result<Vec<_>, _>>().map_err(unusable)?;
    let targets = once_each(targets);
    let instead_of = args.instead_of.as_deref().map(|name| classes.find(name));
    let instead_of = instead_of.transpose().map_err(unusable)?;
    check_writable(&args.out)?;

    let compute = devices::open(args.device.as_deref()).map_err(unusable)?;
    let model = network.model(compute.device());
    let program = Program { args, compute, network, model, targets, instead_of };
    photo_files::each(&args.photos, args.json, |photo| program.explain(photo))
}

/// The arguments, and the network on its device.
struct Program<'a, N: PhotoNetwork> {
    args: &'a ExplainArgs,
    compute: ComputeDevice,
    network: &'a N,
    model: N::Model,
    /// The classes to explain; if there are none, the one that the network predicts.
    targets: Vec<usize>,
    /// The class that all others are compared with.
    instead_of: Option<usize>,
}

/// A photo as the network is shown it, and the network's answer.
struct Asked {
    /// Where the input is on the photo.
    placement: Placement,
    input: Tensor<4>,
    probabilities: Tensor<2>,
    predicted: usize,
}

impl<N: PhotoNetwork> Program<'_, N> {
    /// Explains a photo by every method and for every class that was asked for.
    fn explain(&self, photo: &NamedPhoto<'_>) -> Result<()> {
        let NamedPhoto { name, path, pixels: photo } = *photo;
        for area in areas(&self.args.boxes) {
            area.check(photo.dimensions())?;
        }
        let preparation = self.network.preparation();
        let input = preparation.tensor(photo, self.compute.device());
        let probabilities = softmax(self.model.forward(input.clone()), 1);
        let likeliest = self.likeliest(&probabilities);
        let words = self.args.words();
        words.say(format_args!("{name}: the {} likeliest classes", in_words(likeliest.len())));
        for class in &likeliest {
            words.say(format_args!("  {:5.1} %  {}", 100.0 * class.probability, class.name));
        }
        let placement = preparation.placement(photo);
        let asked = Asked { placement, input, probabilities, predicted: likeliest[0].class };
        let predicted = [asked.predicted];
        let targets = if self.targets.is_empty() { &predicted[..] } else { &self.targets };
        let methods = once_each(if self.args.compare.is_empty() {
            vec![self.args.method()]
        } else {
            self.args.compare.clone()
        });
        let mut explained = Vec::new();
        for &class in targets {
            for &method in &methods {
                explained.push(self.explained(&asked, class, method)?);
            }
        }
        let pictures = PhotoPictures {
            args: self.args,
            name,
            path,
            photo,
            seen: preparation.region(photo),
            network: NetworkFacts {
                description: self.network.description(),
                weights: self.network.weights(),
            },
            classes: self.network.classes(),
            device: self.compute.backend().to_string(),
            instead_of: self.instead_of,
            explained,
        };
        let written = pictures.write()?;
        if self.args.json {
            let report = PhotoReport::new(&pictures, &likeliest, written);
            answer(serde_json::to_string(&report)?)?;
        }
        Ok(())
    }

    /// Explains one class by one method, tests the map, and prints what was found.
    fn explained(&self, asked: &Asked, class: usize, method: PhotoMethod) -> Result<Explained> {
        let Asked { input, probabilities, predicted, .. } = asked;
        let words = self.args.words();
        let map = self.attribute(method, input, class)?;
        let classes = self.network.classes();
        if class >= probabilities.dims()[1] {
            let [_, count] = probabilities.dims();
            let error = format!("expected a class from 0 to {}, found {class}", count - 1);
            return Err(unusable(error));
        }
        let (name, percent) = (classes.name(class), percent_of(probabilities, class));
        words.say(format_args!("explained: {name} ({percent})"));
        if let Some(other) = self.instead_of {
            let probability = percent_of(probabilities, other);
            words.say(format_args!("instead of: {} ({probability})", classes.name(other)));
        }
        let certainty = Certainty::of(&map).lines(self.args.limit);
        let reduction = self.args.reduce.map_or_else(|| method.reduction(), ReduceKind::into);
        let reduced = asked.placement.map(&map.values, 0, reduction)?;
        if method.maps_regions() {
            words.say(HalfOfRegions::of(&reduced));
        }
        // To cover parts that speak against the class would raise its score, so these are not
        // tested.
        let tests = !self.args.no_cover && reduction != Reduce::Negative;
        let cover = tests.then(|| self.cover(input, class, &reduced)).transpose()?;
        if let Some(cover) = &cover {
            words.say(&cover.sentence);
        }
        certainty.iter().for_each(|line| words.say(line));
        Ok(Explained {
            method,
            class,
            reduced,
            map,
            certainty,
            cover,
            probability: probability(probabilities, class),
            is_predicted: class == *predicted,
        })
    }

    /// Explains one class by one method, behind a progress bar.
    fn attribute(
        &self,
        method: PhotoMethod,
        input: &Tensor<4>,
        class: usize,
    ) -> Result<Attribution<Tensor<4>>> {
        let bar = ProgressBar::new(0)
            .with_style(ProgressStyle::with_template("{bar:40} {pos}/{len}, {eta} left")?);
        let schedule = self.schedule(&bar);
        let options = self.options(input, schedule.clone())?;

        let start = Instant::now();
        let map = method.attribute(PhotoQuestion {
            network: self.network,
            model: &self.model,
            input,
            target: self.target(class),
            options: &options,
            tolerance: self.args.tolerance.map(|error| Tolerance { error, limit: self.args.limit }),
            schedule: &schedule,
        })?;
        bar.finish_and_clear();
        let (seconds, count) = (start.elapsed().as_secs_f64(), map.evaluations[0]);
        let counted = method.counted_in();
        let words = self.args.words();
        words.say(format_args!("time: {seconds:.1} s, {counted}: {count}"));
        Ok(map)
    }

    /// Covers what a map calls important. `--instead-of` has no effect here, because people ask
    /// what the model answers when the parts are covered.
    fn cover(&self, input: &Tensor<4>, class: usize, map: &Map) -> Result<CoverTested> {
        let schedule = self.compute.schedule();
        cover_test(CoverQuestion {
            network: self.network,
            model: &self.model,
            input,
            target: Target::Class(class),
            map,
            schedule: &schedule,
        })
    }

    /// Returns the score that is explained.
    fn target(&self, class: usize) -> Target {
        let target = match self.instead_of {
            Some(other) => Target::Difference(class, other),
            None => Target::Class(class),
        };
        target.with_score(match self.args.score {
            ScoreKind::Logit => Score::Output,
            ScoreKind::LogProbability => Score::LogProbability,
            ScoreKind::Probability => Score::Probability,
        })
    }

    /// Returns the device's schedule, which moves a progress bar.
    fn schedule(&self, bar: &ProgressBar) -> Schedule {
        let bar = bar.clone();
        let schedule = self.compute.schedule().with_progress(move |progress| {
            bar.set_length(progress.total as u64);
            bar.set_position(progress.done as u64);
        });
        let budget = self.network.bytes_per_photo();
        match budget.and_then(|bytes| self.compute.memory_budget(bytes)) {
            Some(budget) => schedule.with_memory(budget),
            None => schedule,
        }
    }

    fn options(&self, input: &Tensor<4>, schedule: Schedule) -> Result<MethodOptions> {
        let args = self.args;
        let [low, high] = self.network.value_range(self.compute.device());
        let options = MethodOptions::new()
            .with_schedule(schedule)
            .with_baseline(self.baseline(args.baseline(), input)?)
            .with_steps(args.steps())
            .with_samples(args.samples)
            .with_baseline_sampler(move |seed| Baseline::uniform(low, high, seed));
        Ok(match args.tolerance {
            Some(tolerance) => options.with_tolerance(tolerance).with_max_evaluations(args.limit),
            None => options,
        })
    }
    /// Makes the baseline of a photo's input.
    fn baseline(&self, kind: BaselineKind, input: &Tensor<4>) -> Result<Baseline> {
        let device = self.compute.device();
        Ok(match kind {
            BaselineKind::Grey => Baseline::zeros(),
            BaselineKind::Black => Baseline::tensor(self.network.plain(0, device)),
            BaselineKind::White => Baseline::tensor(self.network.plain(255, device)),
            BaselineKind::Blurred => Baseline::tensor(blurred(input, 20.0)?),
            BaselineKind::Noise => {
                let [low, high] = self.network.value_range(device);
                Baseline::uniform(low, high, 0)
            }
        })
    }

    /// Returns the five likeliest classes, the likeliest first.
    fn likeliest(&self, probabilities: &Tensor<2>) -> Vec<LikelyClass> {
        let count = probabilities.dims()[1].min(5);
        let (values, classes) = probabilities.clone().topk_with_indices(count, 1);
        let (values, classes) = (values.into_data(), classes.into_data());
        let classes = classes.iter::<i64>().map(|class| class as usize);
        values
            .iter::<f32>()
            .zip(classes)
            .map(|(value, class)| LikelyClass {
                class,
                name: self.network.classes().name(class),
                probability: f64::from(value),
            })
            .collect()
    }
}

/// Returns a small number as a word.
fn in_words(number: usize) -> String {
    match number {
        5 => "five".to_owned(),
        _ => number.to_string(),
    }
}

fn probability(probabilities: &Tensor<2>, class: usize) -> f64 {
    let probability = probabilities.clone().slice([0..1, class..class + 1]);
    f64::from(probability.into_scalar::<f32>())
}

fn percent_of(probabilities: &Tensor<2>, class: usize) -> String {
    percent(probability(probabilities, class))
}

/// Removes values that were given before.
fn once_each<T: PartialEq>(values: Vec<T>) -> Vec<T> {
    let mut once = Vec::new();
    for value in values {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    once
}
