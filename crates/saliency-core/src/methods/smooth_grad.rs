use burn::tensor::Tensor;

use crate::attribution::Attribution;
use crate::error::{Error, Place, Result, check_count};
use crate::explainer::Explainer;
use crate::gradient::Probe;
use crate::inputs::{Flat, Inputs};
use crate::methods::Gradient;
use crate::model::Model;
use crate::noise;
use crate::schedule::Schedule;
use crate::target::Target;

/// How strong the noise of [`SmoothGrad`] is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum NoiseScale {
    /// The standard deviation, in units of the input.
    Absolute(f64),
    /// The standard deviation as a fraction of the range (largest value minus smallest) of each
    /// row of each input tensor.
    OfRange(f64),
}

impl NoiseScale {
    /// The number, whatever it is a multiple of.
    fn strength(self) -> f64 {
        let (Self::Absolute(strength) | Self::OfRange(strength)) = self;
        strength
    }
}

/// The mean of an explainer's maps over noisy copies of the input, with its standard error.
///
/// ```text
///            1   n
/// A(x)   =  ---  Σ  E(x + ε_k),     ε_k ~ N(0, σ²)
///            n  k=1
/// ```
///
/// Around [`Gradient`] this is SmoothGrad as published; any other explainer may stand inside.
///
/// # Shapes and units
/// Values and standard errors have the input's shape and the units of the explainer inside.
///
/// # Parameters and defaults
/// - samples: 50
/// - noise: Gaussian, its standard deviation 15 % of each row's value range
/// - seed: 0. The noise depends on seed, row and sample alone: it is the same on every device.
///
/// # Cost
/// `samples` times that of the explainer inside, and a forward pass.
///
/// # Errors
/// Those of the explainer inside; [`Error::InvalidOption`] for samples outside their range or
/// a noise that is negative or not finite; [`Error::ExplainerShape`] where the explainer inside returns values of
/// another shape.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Gradient, NoiseScale, SmoothGrad, pure_function};
///
/// let square = pure_function(|x: Tensor<2>| x.powi_scalar(2));
/// let x = Tensor::<2>::from_data([[3.0]], &Device::flex());
/// let explainer = SmoothGrad::new(Gradient::new()).with_noise(NoiseScale::Absolute(0.5));
/// let map = explainer.attribute(&square, x)?;
///
/// let mean = map.values.into_scalar::<f32>();
/// let error = map.standard_error.unwrap().into_scalar::<f32>();
/// assert!((mean - 6.0).abs() < 4.0 * error);
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// # Source
/// Smilkov, Thorat, Kim, Viégas and Wattenberg, *SmoothGrad: removing noise by adding noise*,
/// 2017, <https://arxiv.org/abs/1706.03825>.
#[derive(Clone, Debug)]
pub struct SmoothGrad<E = Gradient> {
    explainer: E,
    samples: usize,
    noise: NoiseScale,
    seed: u64,
    schedule: Schedule,
}

impl Default for SmoothGrad {
    fn default() -> Self {
        Self::new(Gradient::new())
    }
}

impl<E> SmoothGrad<E> {
    /// Averages `explainer` over noise, with the defaults above.
    pub fn new(explainer: E) -> Self {
        Self {
            explainer,
            samples: 50,
            noise: NoiseScale::OfRange(0.15),
            seed: 0,
            schedule: Schedule::default(),
        }
    }

    /// Sets the number of noisy copies: from 1 to 1,000,000.
    pub fn with_samples(mut self, samples: usize) -> Self {
        self.samples = samples;
        self
    }

    /// Sets the strength of the noise; not negative.
    pub fn with_noise(mut self, noise: NoiseScale) -> Self {
        self.noise = noise;
        self
    }

    /// Sets the seed of the noise.
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets progress, counted in samples, and the chunks in which the clean input is scored.
    ///
    /// The explainer inside is given the whole batch once per sample. It has a schedule of its
    /// own, whose chunks decide how much memory gradients take.
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }
}

/// More samples than this make no difference in single precision.
const MOST_SAMPLES: usize = 1_000_000;

impl<M: Model<I>, I: Inputs, E: Explainer<M, I>> Explainer<M, I> for SmoothGrad<E> {
    fn attribute_to(&self, model: &M, input: I, target: Target) -> Result<Attribution<I>> {
        check_count("samples", self.samples, MOST_SAMPLES)?;
        let input = Flat::new(input)?;
        let deviations = self.deviations(&input)?;
        let probe = Probe::<M, I>::new(model, &input, &target)?;
        let scored = probe.scores(&self.schedule, &input, &target)?;

        let mut average = RunningMean::default();
        let mut gradients = vec![0; input.rows()];
        self.schedule.clone().with_chunk(1).run(
            input.width(),
            self.samples,
            |sample| {
                let noisy = self.noisy(&input, &deviations, sample.start).into_inputs();
                let sample = self.explainer.attribute_to(model, noisy, scored.target.clone());
                // The clean input is finite: what was found in this one is the noise's doing.
                sample.map_err(|error| error.relocated(Place::Input, Place::NoisyInput))
            },
            |_, sample| {
                let found = sample.values.shapes();
                if found != input.shapes {
                    return Err(Error::ExplainerShape { expected: input.shapes.clone(), found });
                }
                average.push(Flat::new(sample.values)?.widened());
                for (total, gradients) in gradients.iter_mut().zip(sample.gradients) {
                    *total += gradients;
                }
                Ok(())
            },
        )?;
        let (values, standard_error) = average.finish();
        values.check_finite(Place::Attribution)?;
        if let Some(standard_error) = &standard_error {
            standard_error.check_finite(Place::Attribution)?;
        }
        Ok(Attribution {
            standard_error: standard_error.map(Flat::into_inputs),
            gradients,
            ..Attribution::of(values, scored, 0)
        })
    }
}

impl<E> SmoothGrad<E> {
    /// The noise's standard deviation: `[rows, 1]` for each tensor of the input.
    fn deviations(&self, input: &Flat) -> Result<Flat> {
        let scale = self.noise.strength();
        if !(scale.is_finite() && scale >= 0.0) {
            let expected = "finite and not negative".to_owned();
            return Err(Error::InvalidOption {
                option: "noise",
                expected,
                found: scale.to_string(),
            });
        }
        Ok(input.map(|part| match self.noise {
            NoiseScale::Absolute(deviation) => {
                Tensor::full([part.dims()[0], 1], deviation, (&part.device(), part.dtype()))
            }
            NoiseScale::OfRange(fraction) => {
                (part.clone().max_dim(1) - part.min_dim(1)).mul_scalar(fraction)
            }
        }))
    }

    /// The input with the noise of one sample.
    fn noisy(&self, input: &Flat, deviations: &Flat, sample: usize) -> Flat {
        if self.noise.strength() == 0.0 {
            // Adding zeros would turn a negative zero positive.
            return input.clone();
        }
        let mut tensor = 0;
        input.zip(deviations, |part, deviation| {
            let [rows, width] = part.dims();
            let draw = |row| noise::normal(self.seed, row, sample, tensor, width);
            let noise: Vec<f32> = (0..rows).flat_map(draw).collect();
            tensor += 1;
            let noise = Tensor::<1>::from_data(&noise[..], (&part.device(), part.dtype()));
            part + noise.reshape([rows, width]) * deviation
        })
    }
}

/// Mean and variance of a stream of maps, by Welford's method: stable, and where all maps are the
/// same exact to the last bit, the sign of zeros included.
#[derive(Default)]
struct RunningMean {
    count: usize,
    /// Mean, and sum of squared deviations from it.
    state: Option<(Flat, Flat)>,
}

impl RunningMean {
    fn push(&mut self, sample: Flat) {
        self.count += 1;
        self.state = Some(match self.state.take() {
            None => {
                let none = sample.map(|part| part.zeros_like());
                (sample, none)
            }
            Some((mean, squares)) => {
                let before = mean.zip(&sample, |mean, sample| mean - sample);
                let share = 1.0 / self.count as f64;
                let mean = mean.zip(&before, |mean, before| mean - before.mul_scalar(share));
                let after = mean.zip(&sample, |mean, sample| mean - sample);
                let product = before.zip(&after, |before, after| before * after);
                (mean, squares.zip(&product, |squares, product| squares + product))
            }
        });
    }

    /// The mean and its standard error; the latter from two samples on.
    fn finish(self) -> (Flat, Option<Flat>) {
        let (mean, squares) = self.state.expect("at least one sample");
        let count = self.count as f64;
        let error = || squares.map(|part| part.div_scalar(count * (count - 1.0)).sqrt());
        let error = (self.count > 1).then(error);
        (mean, error)
    }
}
