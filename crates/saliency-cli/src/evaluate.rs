//! Measures which methods are true of the model, over photos, beside maps that know nothing.

use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::Tensor;
use clap::Args as Options;
use saliency::metrics::{
    Better, Comparison, ComparisonTable, Deletion, Experiment, Kind, SaCo, Units,
};
use saliency::photo::{blurred, read_photo};
use saliency::viz::write_file;
use saliency::{Baseline, MethodOptions, Schedule, Target};
use saliency_program::args::photo_method_parser;
use saliency_program::method::{PhotoMethod, PhotoQuestion};
use saliency_program::network::PhotoNetwork;
use saliency_program::output::{Words, answer, say_aside};
use saliency_program::program::{Stopped, check_writable, is_stopped, unusable};
use saliency_program::progress::Progress;
use saliency_program::{Result, devices};
use serde::Serialize;

use crate::network::ForNetwork;
use crate::network_args::NetworkArgs;

/// The options of `evaluate`.
#[derive(Debug, Options)]
pub struct EvaluateArgs {
    /// JPEG, PNG or WebP photos: at least two, and about twenty to tell methods apart. Several crops
    /// of one photo count as one photo
    #[arg(required = true)]
    pub photos: Vec<PathBuf>,
    /// The methods, separated by commas [default: all]
    #[arg(long, value_parser = photo_method_parser(), value_delimiter = ',')]
    pub methods: Vec<PhotoMethod>,
    /// Points on the path of integrated-gradients. Differences between methods are larger than the
    /// errors of few points
    #[arg(long, default_value_t = 8)]
    pub steps: usize,
    /// Samples for the methods that draw them
    #[arg(long, default_value_t = 8)]
    pub samples: usize,
    /// The device that computes [default: the one that SALIENCY_DEVICE names, or the best of the
    /// machine]
    #[arg(long)]
    pub device: Option<String>,
    /// Write the tables as evaluate.csv and pairs.csv into this folder too
    #[arg(short, long)]
    pub out: Option<PathBuf>,
    /// Print the tables as JSON instead of words: one object, on stdout
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// Cells of a photo, down and across. Maps are added up in them.
const CELLS: usize = 14;
/// The blur of the photo that covers cells, as a share of its width.
const BLUR: f64 = 0.04;

/// The tables for programs.
#[derive(Serialize)]
struct Report {
    rows: usize,
    /// The fewest rows with which a difference can be sure.
    rows_needed: usize,
    failed: usize,
    metrics: Vec<MetricReport>,
}

#[derive(Serialize)]
struct MetricReport {
    name: String,
    high_is_good: bool,
    entries: Vec<EntryReport>,
}

/// A method or a control, measured by one metric.
#[derive(Serialize)]
struct EntryReport {
    name: String,
    is_control: bool,
    mean: Option<f64>,
    /// The 95 % interval of the mean.
    low: Option<f64>,
    high: Option<f64>,
    /// Those that share a group cannot be told apart.
    groups: Vec<usize>,
}

impl ForNetwork for EvaluateArgs {
    fn run_for<N: PhotoNetwork>(&self, network: &Arc<N>) -> Result<()> {
        if let Some(out) = &self.out {
            check_writable(out)?;
        }
        let compute = devices::open(self.device.as_deref()).map_err(unusable)?;
        let model = network.model(compute.device());
        let mut inputs = Vec::new();
        for path in &self.photos {
            match read_photo(path) {
                Ok(photo) => {
                    inputs.push(network.preparation().tensor(&photo, compute.device()));
                }
                Err(error) => say_aside(format_args!("error: {error}")),
            }
        }
        let failed = self.photos.len() - inputs.len();
        if inputs.len() < 2 {
            let found = inputs.len();
            return Err(format!("expected at least two photos to compare, found {found}").into());
        }
        let budget = network.bytes_per_photo().and_then(|bytes| compute.memory_budget(bytes));
        let schedule = match budget {
            Some(budget) => compute.schedule().with_memory(budget),
            None => compute.schedule(),
        };
        let program = Program { args: self, network: &**network, model, schedule };
        let table = program.compare(&Tensor::cat(inputs, 0))?;
        self.report(&table, failed)?;
        match failed {
            0 => Ok(()),
            _ => Err(format!("found {failed} photos that could not be read").into()),
        }
    }
}

impl EvaluateArgs {
    /// Prints the tables, and writes them.
    fn report(&self, table: &ComparisonTable, failed: usize) -> Result<()> {
        let words = Words::beside(self.json);
        words.say(table);
        if let Some(out) = &self.out {
            for (name, text) in
                [("evaluate.csv", table.to_csv()), ("pairs.csv", table.pairs_to_csv())]
            {
                let path = out.join(name);
                write_file(&path, text.as_bytes())?;
                words.say(format_args!("wrote {}", path.display()));
            }
        }
        if self.json {
            answer(serde_json::to_string(&Report::new(table, failed))?)?;
        }
        Ok(())
    }
}

/// The options, and the network on its device.
struct Program<'a, N: PhotoNetwork> {
    args: &'a EvaluateArgs,
    network: &'a N,
    model: N::Model,
    schedule: Schedule,
}

impl<N: PhotoNetwork> Program<'_, N> {
    fn compare(&self, input: &Tensor<4>) -> Result<ComparisonTable> {
        let [rows, channels, height, width] = input.dims();
        let grid = [height, width].map(|side| side.min(CELLS));
        let units = Units::cells([channels, height, width], grid)?;
        let (target, schedule) = (Target::Predicted, self.schedule.clone());
        let experiment = Experiment::new(&self.model, input.clone(), target, units, schedule)?;
        let classes = experiment.scored().target.classes(rows);

        let methods = if self.args.methods.is_empty() {
            PhotoMethod::all().collect()
        } else {
            self.args.methods.clone()
        };
        let progress = Progress::begin(rows * methods.len(), "maps")?;
        let mut comparison = Comparison::new(&experiment);
        for (place, method) in methods.iter().enumerate() {
            let mut maps = Vec::with_capacity(rows);
            for (row, class) in classes.iter().enumerate() {
                let done = place * rows + row;
                if is_stopped() {
                    return Err(Stopped::new(done, rows * methods.len(), "maps").into());
                }
                let class = class.expect("a predicted class");
                let photo = input.clone().narrow(0, row, 1);
                maps.push(self.map(*method, &photo, class, [height, width], grid)?);
                progress.advance(done + 1);
            }
            comparison = comparison.with_maps(method.title(), maps)?;
        }
        progress.end();

        say_aside("measuring the maps");
        let blur = experiment.fill(blurred(input, BLUR * width as f64)?)?;
        let grey = experiment.fill(input.zeros_like())?;
        let block = (grid[0] * grid[1]).div_ceil(7);
        let deletion = Deletion::new().with_block(block);
        let comparison = comparison
            .with_metric("deletion, least - most relevant first", Better::Higher, |maps| {
                deletion.area_between(&experiment, &blur, maps)
            })?
            .with_metric("SaCo", Better::Higher, |maps| {
                SaCo::new().with_groups(7).values(&experiment, &grey, maps)
            })?;
        Ok(comparison.table()?)
    }

    /// Explains a photo by one method, and adds the map up in cells.
    fn map(
        &self,
        method: PhotoMethod,
        photo: &Tensor<4>,
        class: usize,
        [height, width]: [usize; 2],
        grid: [usize; 2],
    ) -> Result<Vec<f64>> {
        let [low, high] = self.network.value_range(&photo.device());
        let options = MethodOptions::new()
            .with_schedule(self.schedule.clone())
            .with_steps(self.args.steps)
            .with_samples(self.args.samples)
            .with_baseline_sampler(move |seed| Baseline::uniform(low, high, seed));
        let map = method.attribute(PhotoQuestion {
            network: self.network,
            model: &self.model,
            input: photo,
            target: Target::Class(class),
            options: &options,
            tolerance: None,
            schedule: &self.schedule,
        })?;
        cells(&map.values, [height, width], grid)
    }
}

/// Adds a map up in cells. A map with fewer places than there are cells is repeated in them.
fn cells(values: &Tensor<4>, size: [usize; 2], grid: [usize; 2]) -> Result<Vec<f64>> {
    let [_, channels, height, width] = values.dims();
    let numbers: Vec<f64> = values.to_data().iter().collect();
    if [height, width] == size || (height >= grid[0] && width >= grid[1]) {
        return Ok(Units::cells([channels, height, width], grid)?.sums(&numbers));
    }
    let [down, across] = grid;
    let value = |cell: usize| {
        let (row, column) = (cell / across * height / down, cell % across * width / across);
        let place = row * width + column;
        (0..channels).map(|channel| numbers[channel * height * width + place]).sum()
    };
    Ok((0..down * across).map(value).collect())
}

impl Report {
    fn new(table: &ComparisonTable, failed: usize) -> Self {
        let metrics = table.metrics.iter().map(|metric| MetricReport {
            name: metric.name.clone(),
            high_is_good: metric.better == Better::Higher,
            entries: metric
                .entries
                .iter()
                .map(|entry| EntryReport {
                    name: entry.name.clone(),
                    is_control: entry.kind == Kind::Control,
                    mean: entry.values.mean(),
                    low: entry.values.interval().map(|it| it.low),
                    high: entry.values.interval().map(|it| it.high),
                    groups: entry.groups.clone(),
                })
                .collect(),
        });
        Self {
            rows: table.rows,
            rows_needed: table.rows_needed(),
            failed,
            metrics: metrics.collect(),
        }
    }
}
