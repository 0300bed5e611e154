//! Smooth model randomisation: the noise of maps is averaged away before they are compared.

use burn::module::Module;
use saliency_core::{Explainer, Inputs, Model, NoiseScale, SmoothGrad, Target};

use super::layer_similarities::{LayerOrder, LayerSimilarities};
use super::model_randomisation::ModelRandomisation;
use crate::error::Result;

/// Compares maps that are averaged over noisy copies of the input, before and after parameters are
/// replaced by random ones (sMPRT).
///
/// ```text
/// similarity(k) = Spearman's rank correlation of |mean φ(f, x + ε)| and
///                 |mean φ(f random in k layers, x + ε)|
/// ```
///
/// Small is good. Maps of single gradients are full of noise, and two noisy maps of the same model
/// have a small correlation already: the plain [`ModelRandomisation`] praises them for it. Here the
/// noise is averaged away first. What fools it is the same: random maps, once averaged, have 0.
///
/// Quantus 0.6.0 draws no noise in the last of its samples; here every sample has noise.
///
/// # Shapes
/// Any explainer, model and input.
///
/// # Defaults
/// - samples: 50
/// - noise: normal, with 10 % of the range of each row as its deviation; seed 0
/// - layers: replaced from the input to the output
/// - all else as in [`ModelRandomisation`]
///
/// # Cost
/// `samples` attributions for each layer and for the model as it is.
///
/// # Errors
/// Those of [`ModelRandomisation`] and [`SmoothGrad`].
///
/// # Example
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{InputTimesGradient, Model, Target};
/// use saliency_metrics::SmoothRandomisation;
///
/// #[derive(Module, Debug)]
/// struct Net {
///     output: Linear,
/// }
///
/// impl Model<Tensor<2>> for Net {
///     fn forward(&self, x: Tensor<2>) -> Tensor<2> {
///         self.output.forward(x.powi_scalar(2))
///     }
/// }
///
/// let device = Device::flex();
/// let net = Net { output: LinearConfig::new(6, 3).init(&device) };
/// let x = Tensor::<2>::from_data([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]], &device);
/// let test = SmoothRandomisation::new().with_samples(5);
/// let found = test.values(&InputTimesGradient::new(), &net, x, Target::Class(0))?;
/// assert_eq!(found.steps.len(), 1);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// A. Hedström et al., "Sanity Checks Revisited: An Exploration to Repair the Model Parameter
/// Randomisation Test", 2024.
#[derive(Clone, Debug, PartialEq)]
pub struct SmoothRandomisation {
    randomisation: ModelRandomisation,
    samples: usize,
    noise: NoiseScale,
    seed: u64,
}

impl Default for SmoothRandomisation {
    fn default() -> Self {
        Self {
            randomisation: ModelRandomisation::new().with_order(LayerOrder::BottomUp),
            samples: 50,
            noise: NoiseScale::OfRange(0.1),
            seed: 0,
        }
    }
}

impl SmoothRandomisation {
    /// Tests with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces parameters in another way.
    #[must_use]
    pub fn with_randomisation(mut self, randomisation: ModelRandomisation) -> Self {
        self.randomisation = randomisation;
        self
    }

    /// Averages maps over this many noisy copies.
    #[must_use]
    pub fn with_samples(mut self, samples: usize) -> Self {
        self.samples = samples;
        self
    }

    /// Adds noise of another strength.
    #[must_use]
    pub fn with_noise(mut self, noise: NoiseScale) -> Self {
        self.noise = noise;
        self
    }

    /// Draws noise from another seed.
    #[must_use]
    pub fn with_noise_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Returns the similarity of each row in each step.
    ///
    /// # Errors
    /// See [`SmoothRandomisation`].
    pub fn values<M: Model<I> + Module, I: Inputs>(
        &self,
        explainer: &impl Explainer<M, I>,
        model: &M,
        input: I,
        target: Target,
    ) -> Result<LayerSimilarities> {
        // The mean over noisy copies, of any explainer's maps.
        let smooth = SmoothGrad::new(explainer)
            .with_samples(self.samples)
            .with_noise(self.noise.clone())
            .with_seed(self.seed);
        self.randomisation.values(&smooth, model, input, target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge_filter::EdgeFilter;
    use crate::fixtures::{Net, photos};
    use crate::randomisation::Dependence;
    use saliency_core::Gradient;

    #[test]
    fn the_default_noise_is_that_of_the_paper_and_layers_start_at_the_input() {
        let (net, photos) = (Net::random(0), photos(6));
        let test = SmoothRandomisation::new().with_samples(5);
        let found = test.values(&Gradient::new(), &net, photos.clone(), Target::Predicted).unwrap();
        assert_eq!(found.steps[0].layer, "first");
        assert_eq!(found.dependence(), Dependence::Depends);
        // The edges of noisy copies are the same for all models.
        let edges = test.values(&EdgeFilter::new(), &net, photos, Target::Predicted).unwrap();
        assert_eq!(edges.steps[2].similarity.values(), [Some(1.0); 6]);
    }

    #[test]
    fn without_noise_it_is_the_plain_test() {
        let (net, photos) = (Net::random(0), photos(2));
        let plain = ModelRandomisation::new().with_seed(9);
        let smooth = SmoothRandomisation::new()
            .with_randomisation(plain.clone())
            .with_samples(2)
            .with_noise(NoiseScale::Absolute(0.0));
        let explainer = Gradient::new();
        let found = smooth.values(&explainer, &net, photos.clone(), Target::Class(1)).unwrap();
        assert_eq!(
            found,
            plain.values(&explainer, &net, photos.clone(), Target::Class(1)).unwrap()
        );
        let noise = |seed| {
            let test = SmoothRandomisation::new().with_samples(3).with_noise_seed(seed);
            test.values(&explainer, &net, photos.clone(), Target::Class(1)).unwrap()
        };
        assert_ne!(noise(0), noise(1));
        let none = SmoothRandomisation::new().with_samples(0);
        assert!(none.values(&explainer, &net, photos, Target::Class(1)).is_err());
    }
}
