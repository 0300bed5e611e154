//! Explains photos by several methods, and draws one picture of each: every method's map, its cost,
//! how sure it is, and whether it passed the cover test.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use clap::Args as Options;
use saliency::backends::ComputeDevice;
use saliency::photo::Map;
use saliency::viz::{Figure, Picture, Tile, write_picture};
use saliency::{Attribution, Baseline, MethodOptions, Model as _, Schedule, Target};
use saliency_program::args::photo_method_parser;
use saliency_program::certainty::Certainty;
use saliency_program::cover::{CoverQuestion, CoverTested, cover_test};
use saliency_program::method::{PhotoMethod, PhotoQuestion};
use saliency_program::network::PhotoNetwork;
use saliency_program::output::{Words, answer};
use saliency_program::photo_files::{self, NamedPhoto};
use saliency_program::program::{check_writable, unusable};
use saliency_program::{Result, devices, percent};
use serde::Serialize;

use crate::network::ForNetwork;
use crate::network_args::NetworkArgs;
use crate::result_args::ResultArgs;

/// The options of `compare`.
#[derive(Debug, Options)]
pub struct CompareArgs {
    /// JPEG, PNG or WebP photos; without any, the cat that is part of the program
    pub photos: Vec<PathBuf>,
    /// The methods, separated by commas [default: all]
    #[arg(long, value_parser = photo_method_parser(), value_delimiter = ',')]
    pub methods: Vec<PhotoMethod>,
    /// The class to explain, by name or index [default: the one that the model predicts]
    #[arg(long)]
    pub target: Option<String>,
    /// Points on the path of integrated-gradients
    #[arg(long, default_value_t = 50)]
    pub steps: usize,
    /// Samples for the methods that draw them
    #[arg(long, default_value_t = 50)]
    pub samples: usize,
    /// Do not cover the brightest parts of each map to test it
    #[arg(long)]
    pub no_cover: bool,
    #[command(flatten)]
    pub result: ResultArgs,
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// The answers about one photo. A line of JSON.
#[derive(Serialize)]
struct Report<'a> {
    photo: Option<&'a std::path::Path>,
    name: &'a str,
    class: usize,
    class_name: String,
    probability: f64,
    methods: Vec<MethodReport>,
    files: Vec<PathBuf>,
}

/// What one method answers, and what it takes.
#[derive(Serialize)]
struct MethodReport {
    method: &'static str,
    seconds: f64,
    gradients: usize,
    error_estimate: Option<f64>,
    completeness_gap: Option<f64>,
    /// Whether the model's score falls if the brightest parts are covered.
    cover_test: Option<&'static str>,
    /// The probability that a map which knows nothing of the model does as well.
    p: Option<f64>,
    /// The mean fall of the score.
    fall: Option<f64>,
}

impl ForNetwork for CompareArgs {
    fn run_for<N: PhotoNetwork>(&self, network: &Arc<N>) -> Result<()> {
        let target = self.target.as_deref().map(|name| network.classes().find(name));
        let target = target.transpose().map_err(unusable)?;
        check_writable(&self.result.out)?;
        let compute = devices::open(self.result.device.as_deref()).map_err(unusable)?;
        let model = network.model(compute.device());
        let program = Program { args: self, network: &**network, model, compute, target };
        photo_files::each(&self.photos, self.result.json, |photo| program.compare(photo))
    }
}

/// The options, and the network on its device.
struct Program<'a, N: PhotoNetwork> {
    args: &'a CompareArgs,
    network: &'a N,
    model: N::Model,
    compute: ComputeDevice,
    target: Option<usize>,
}

/// One method's answer.
struct Compared {
    method: PhotoMethod,
    map: Attribution<Tensor<4>>,
    reduced: Map,
    seconds: f64,
    cover: Option<CoverTested>,
}

impl<N: PhotoNetwork> Program<'_, N> {
    fn compare(&self, photo: &NamedPhoto<'_>) -> Result<()> {
        let input = self.network.preparation().tensor(photo.pixels, self.compute.device());
        let probabilities = softmax(self.model.forward(input.clone()), 1);
        let predicted = probabilities.clone().argmax(1).into_scalar::<i64>() as usize;
        let class = self.target.unwrap_or(predicted);
        let count = probabilities.dims()[1];
        if class >= count {
            let error = format!("expected a class from 0 to {}, found {class}", count - 1);
            return Err(unusable(error));
        }
        let probability = probabilities.slice([0..1, class..class + 1]).into_scalar::<f32>();
        let (class_name, probability) =
            (self.network.classes().name(class), f64::from(probability));

        let words = Words::beside(self.args.result.json);
        words.say(format_args!("{}: {class_name} ({})\n", photo.name, percent(probability)));
        words.say(
            "| Method | Seconds | Gradients or passes | Error | Covered |\n|---|---|---|---|---|",
        );
        let mut compared = Vec::new();
        for method in self.methods() {
            let it = self.explain(method, photo, &input, class)?;
            words.say(it.row());
            compared.push(it);
        }
        let path = self.args.result.out.join(format!("{}-compare.png", photo.name));
        let title = format!("Why \"{class_name}\" ({})?", percent(probability));
        write_picture(&path, &self.figure(title, photo, &compared)?.to_picture()?)?;
        words.say(format_args!("\nwrote {}", path.display()));
        if self.args.result.json {
            let report = Report {
                photo: photo.path,
                name: photo.name,
                class,
                class_name,
                probability,
                methods: compared.iter().map(Compared::report).collect(),
                files: vec![path],
            };
            answer(serde_json::to_string(&report)?)?;
        }
        Ok(())
    }

    fn methods(&self) -> Vec<PhotoMethod> {
        let mut methods = Vec::new();
        let asked = self.args.methods.iter().copied();
        let all = asked.chain(PhotoMethod::all().filter(|_| self.args.methods.is_empty()));
        for method in all {
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        methods
    }

    fn explain(
        &self,
        method: PhotoMethod,
        photo: &NamedPhoto<'_>,
        input: &Tensor<4>,
        class: usize,
    ) -> Result<Compared> {
        let schedule = self.schedule();
        let [low, high] = self.network.value_range(self.compute.device());
        let options = MethodOptions::new()
            .with_schedule(schedule.clone())
            .with_steps(self.args.steps)
            .with_samples(self.args.samples)
            .with_baseline_sampler(move |seed| Baseline::uniform(low, high, seed));
        let start = Instant::now();
        let map = method.attribute(PhotoQuestion {
            network: self.network,
            model: &self.model,
            input,
            target: Target::Class(class),
            options: &options,
            tolerance: None,
            schedule: &schedule,
        })?;
        let seconds = start.elapsed().as_secs_f64();
        let placement = self.network.preparation().placement(photo.pixels);
        let reduced = placement.map(&map.values, 0, method.reduction())?;
        let test = || {
            cover_test(CoverQuestion {
                network: self.network,
                model: &self.model,
                input,
                target: Target::Class(class),
                map: &reduced,
                schedule: &schedule,
            })
        };
        let cover = (!self.args.no_cover).then(test).transpose()?;
        Ok(Compared { method, map, reduced, seconds, cover })
    }

    fn schedule(&self) -> Schedule {
        let budget = self.network.bytes_per_photo();
        match budget.and_then(|bytes| self.compute.memory_budget(bytes)) {
            Some(budget) => self.compute.schedule().with_memory(budget),
            None => self.compute.schedule(),
        }
    }

    /// Draws the photo and all maps, four in a row. Every map has its own scale, because the units of
    /// the methods differ.
    fn figure(
        &self,
        title: String,
        photo: &NamedPhoto<'_>,
        compared: &[Compared],
    ) -> Result<Figure> {
        let view = self.network.preparation().view(photo.pixels);
        let mut tiles = vec![Tile::new("photo", photo.pixels.clone())];
        for it in compared {
            let scaled = it.reduced.clone().clip_beyond(it.method.clip_beyond())?;
            let picture = Picture::new(view, &scaled)?;
            let cost = format!("{:.2} s, gradients: {}", it.seconds, it.map.evaluations[0]);
            let tile = Tile::new(it.method.title(), picture.overlay());
            let tile = tile.with_legend(picture.legend()).with_note(cost);
            tiles.push(it.notes().into_iter().fold(tile, Tile::with_note));
        }
        let rows = tiles.chunks(4).map(<[Tile]>::to_vec);
        Ok(rows.fold(Figure::new(title), Figure::with_row))
    }
}

impl Compared {
    /// Returns what the method says of its error, and what the cover test says of the map.
    fn notes(&self) -> Vec<String> {
        let mut notes = Certainty::of(&self.map).short_lines();
        notes.extend(self.cover.as_ref().map(|cover| format!("covered: {}", in_words(cover))));
        notes
    }

    /// Returns a row of the table.
    fn row(&self) -> String {
        let certainty = Certainty::of(&self.map).short_lines().join(", ");
        let cover = self.cover.as_ref().map_or_else(|| "-".to_owned(), in_words);
        let (title, gradients) = (self.method.title(), self.map.evaluations[0]);
        format!("| {title} | {:.2} | {gradients} | {certainty} | {cover} |", self.seconds)
    }

    fn report(&self) -> MethodReport {
        let (map, verdict) = (&self.map, self.cover.as_ref().map(|cover| &cover.verdict));
        MethodReport {
            method: self.method.name(),
            seconds: self.seconds,
            gradients: map.evaluations[0],
            error_estimate: map.error_estimate.as_ref().map(|errors| errors[0]),
            completeness_gap: map.completeness_gap.as_ref().map(|gaps| gaps[0]),
            cover_test: verdict.map(|verdict| verdict.finding.name()),
            p: verdict.map(|verdict| verdict.p),
            fall: verdict.map(|verdict| verdict.fall),
        }
    }
}

/// Says the finding of a cover test in few words.
fn in_words(cover: &CoverTested) -> String {
    let verdict = &cover.verdict;
    format!("{} (p = {:.2})", verdict.finding.name().replace('-', " "), verdict.p)
}
