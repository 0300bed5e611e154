//! Trains a network with Burn's own training loop, behind a progress bar.

use std::fmt::Debug;

use burn::data::dataloader::DataLoaderBuilder;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::InMemDataset;
use burn::module::{Module, ModuleDisplay};
use burn::nn::loss::CrossEntropyLossConfig;
use burn::tensor::{Device, Int, Tensor};
use burn_optim::AdamConfig;
use burn_train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn_train::metric::{AccuracyMetric, MetricDefinition};
use burn_train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation,
    MetricsRendererTraining,
};
use burn_train::{
    ClassificationOutput, InferenceStep, Learner, LearnerSummary, SupervisedTraining, TrainOutput,
    TrainStep,
};
use indicatif::{ProgressBar, ProgressStyle};

/// A classifier that can be trained.
pub trait Learns: Module + ModuleDisplay + Sync + 'static {
    /// A batch of examples.
    type Input: Clone + Debug + Send + 'static;

    /// Returns scores `[rows, classes]` for a batch.
    fn scores(&self, input: Self::Input) -> Tensor<2>;
}

/// The length and the pace of training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Training {
    /// The number of passes over all examples.
    pub epochs: usize,
    /// Adam's learning rate.
    pub rate: f64,
    /// The number of examples per step.
    pub batch: usize,
}

/// Trains a network on examples, each with its class, and returns it in inference mode.
///
/// `tensor` makes a batch of examples. The order is shuffled with a fixed seed. So on the same
/// device, the same call gives the same network.
///
/// # Errors
/// An error if Burn's loop fails.
pub fn train<N, T>(
    net: N,
    examples: &[(T, usize)],
    tensor: fn(Vec<T>, &Device) -> N::Input,
    training: Training,
) -> Result<N, Box<dyn std::error::Error>>
where
    N: Learns,
    T: Clone + Debug + Send + Sync + 'static,
{
    let device = net.devices().into_iter().next().unwrap_or_default();
    let loader = |shuffle: bool| {
        let loader = DataLoaderBuilder::new(Batches { tensor }).batch_size(training.batch);
        let loader = if shuffle {
            loader.set_device(device.clone().autodiff()).shuffle(0)
        } else {
            loader.set_device(device.clone())
        };
        loader.build(InMemDataset::new(examples.to_vec()))
    };
    // Burn's loop writes its metrics to files. They are not needed here.
    let folder = tempfile::tempdir()?;
    let bar = ProgressBar::new(0)
        .with_style(ProgressStyle::with_template("training {bar:40} epoch {prefix}, {msg}")?);
    let trained = SupervisedTraining::new(folder.path(), loader(true), loader(false))
        .metric_valid_numeric(AccuracyMetric::new())
        .renderer(Box::new(Bar(bar.clone())))
        .with_application_logger(None)
        .num_epochs(training.epochs)
        .launch(Learner::new(
            Classifier { net: net.train() },
            AdamConfig::new().init(),
            training.rate,
        ));
    bar.finish_and_clear();
    match trained.error {
        Some(error) => Err(error.to_string().into()),
        None => Ok(trained.model.net),
    }
}

/// Returns the share of examples whose highest score is that of their class.
pub fn accuracy<N: Learns, T: Clone>(
    net: &N,
    examples: &[(T, usize)],
    tensor: fn(Vec<T>, &Device) -> N::Input,
) -> f64 {
    let device = net.devices().into_iter().next().unwrap_or_default();
    let right = examples.chunks(64).map(|some| {
        let input = tensor(some.iter().map(|(example, _)| example.clone()).collect(), &device);
        let found: Vec<i64> = net.scores(input).argmax(1).into_data().iter().collect();
        found.iter().zip(some).filter(|(found, (_, class))| **found == *class as i64).count()
    });
    right.sum::<usize>() as f64 / examples.len() as f64
}

/// The network with its loss, as Burn's loop trains it.
#[derive(Module, Debug)]
struct Classifier<N: Module + ModuleDisplay> {
    net: N,
}

/// A batch with the right answers.
#[derive(Clone, Debug)]
struct Batch<I> {
    input: I,
    classes: Tensor<1, Int>,
}

struct Batches<T, I> {
    tensor: fn(Vec<T>, &Device) -> I,
}

impl<T: Send + Sync, I: Send> Batcher<(T, usize), Batch<I>> for Batches<T, I> {
    fn batch(&self, examples: Vec<(T, usize)>, device: &Device) -> Batch<I> {
        let (examples, classes): (Vec<T>, Vec<usize>) = examples.into_iter().unzip();
        let classes: Vec<i64> = classes.into_iter().map(|class| class as i64).collect();
        let classes = Tensor::from_data(&classes[..], device);
        Batch { input: (self.tensor)(examples, device), classes }
    }
}

impl<N: Learns> Classifier<N> {
    fn output(&self, batch: Batch<N::Input>) -> ClassificationOutput {
        let output = self.net.scores(batch.input);
        let loss = CrossEntropyLossConfig::new().init(&output.device());
        let loss = loss.forward(output.clone(), batch.classes.clone());
        ClassificationOutput::new(loss, output, batch.classes)
    }
}

impl<N: Learns> TrainStep for Classifier<N> {
    type Input = Batch<N::Input>;
    type Output = ClassificationOutput;

    fn step(&self, batch: Self::Input) -> TrainOutput<ClassificationOutput> {
        let output = self.output(batch);
        TrainOutput::new(self, output.loss.backward(), output)
    }
}

impl<N: Learns> InferenceStep for Classifier<N> {
    type Input = Batch<N::Input>;
    type Output = ClassificationOutput;

    fn step(&self, batch: Self::Input) -> ClassificationOutput {
        self.output(batch)
    }
}

/// Shows Burn's progress on one line, which disappears at the end.
struct Bar(ProgressBar);

impl MetricsRendererTraining for Bar {
    fn update_train(&mut self, _: MetricState) {}

    fn update_valid(&mut self, state: MetricState) {
        if let MetricState::Numeric(entry, _) = state {
            let value = &entry.serialized_entry.formatted;
            self.0.set_message(value.lines().next().unwrap_or_default().to_owned());
        }
    }

    fn on_train_end(
        &mut self,
        _: Option<LearnerSummary>,
    ) -> Result<(), Box<dyn std::error::Error>> {
        Ok(())
    }
}

impl TrainingProgressLogger for Bar {
    fn start(&mut self, epochs: usize, _: usize, _: Option<usize>, _: Option<&str>) {
        self.0.set_length(epochs as u64);
        self.0.set_prefix(format!("1 of {epochs}"));
    }

    fn update_epoch(&mut self, epoch: usize) {
        self.0.set_position(epoch as u64);
        self.0.set_prefix(format!("{epoch} of {}", self.0.length().unwrap_or_default()));
    }

    fn start_split(&mut self, _: &str, _: usize) {}

    fn update_split(&mut self, _: usize) {}

    fn end_split(&mut self) {}

    fn end(&mut self) {}

    fn log_event_training(&mut self, _: String) {}
}

// The loop requires these methods, but does not call them.
impl MetricsRendererEvaluation for Bar {
    fn update_test(&mut self, _: EvaluationName, _: MetricState) {}
}

impl EvaluationProgressLogger for Bar {
    fn start_global_progress(&mut self, _: usize) {}

    fn start_test(&mut self, _: &str, _: usize) {}

    fn update_test_progress(&mut self, _: usize) {}

    fn end_test(&mut self) {}

    fn end_global_progress(&mut self) {}

    fn log_event_evaluation(&mut self, _: String) {}
}

impl MetricsRenderer for Bar {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, _: MetricDefinition) {}
}
