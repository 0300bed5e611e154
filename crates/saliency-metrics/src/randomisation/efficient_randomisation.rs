//! Efficient model randomisation: does the map of a random model become more complex?

use burn::module::Module;
use saliency_core::{Explainer, Inputs, Model, Target};

use super::maps_of;
use super::parameters::{RandomParameters, Replacement, layers};
use super::similarity::check_alike;
use crate::error::{Error, Result};
use crate::estimate::{Reason, RowValues};
use crate::maps::fixed_target;
use crate::units::all_equal;

/// Compares how complex the map of a row is before and after all parameters are replaced by random
/// ones (eMPRT).
///
/// ```text
/// value = (H(φ(f random)) - H(φ(f))) / H(φ(f))
/// ```
///
/// H is the entropy of the histogram of a map's values, with bins of equal width from the smallest
/// to the largest value. Large is good: a map of a model that has learned something has structure,
/// and a random model's has less. An edge filter has 0. It needs two attributions only, and compares
/// no layers. A map of noise for the random model alone has a large value too, so that a method that
/// is wrong in another way than before is praised; and a histogram does not know where values are.
///
/// It is the efficient MPRT of Quantus 0.6.0 for the same maps.
///
/// # Shapes
/// Any explainer, model and input.
///
/// # Defaults
/// - bins: 100
/// - replacement: normal numbers; seed 0
///
/// # Cost
/// Two attributions.
///
/// # Errors
/// [`Error::InvalidOption`] for fewer than two bins, [`Error::Layer`] for a model without
/// parameters, and those of the explainer. A row has no value if all values of its map are equal.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use burn::nn::LinearConfig;
/// use saliency_core::{InputTimesGradient, ModelFn, Target};
/// use saliency_metrics::EfficientRandomisation;
///
/// let device = Device::flex();
/// let linear = LinearConfig::new(50, 2).init(&device);
/// let net = ModelFn::new(linear, |net: &burn::nn::Linear, x: Tensor<2>| net.forward(x));
/// let x = Tensor::<2>::ones([1, 50], &device);
/// let test = EfficientRandomisation::new();
/// let found = test.values(&InputTimesGradient::new(), &net, x, Target::Class(0))?;
/// assert!(found.mean().is_some());
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// A. Hedström et al., "Sanity Checks Revisited: An Exploration to Repair the Model Parameter
/// Randomisation Test", 2024.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EfficientRandomisation {
    bins: usize,
    replacement: Replacement,
    seed: u64,
}

impl Default for EfficientRandomisation {
    fn default() -> Self {
        Self { bins: 100, replacement: Replacement::default(), seed: 0 }
    }
}

impl EfficientRandomisation {
    /// Tests with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts values in this many bins.
    #[must_use]
    pub fn with_bins(mut self, bins: usize) -> Self {
        self.bins = bins;
        self
    }

    /// Replaces parameters by other values.
    #[must_use]
    pub fn with_replacement(mut self, replacement: Replacement) -> Self {
        self.replacement = replacement;
        self
    }

    /// Draws parameters from another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Returns the relative rise of complexity of each row.
    ///
    /// # Errors
    /// See [`EfficientRandomisation`].
    pub fn values<M: Model<I>, I: Inputs>(
        &self,
        explainer: &impl Explainer<M, I>,
        model: &M,
        input: I,
        target: Target,
    ) -> Result<RowValues> {
        let target = fixed_target(model, input.clone(), target)?;
        self.values_of(model, |model| maps_of(explainer, model, input.clone(), target.clone()))
    }

    /// Returns the relative rise of complexity of each row, of maps that a function makes of a
    /// model: one map for each row, which may have any number of values.
    ///
    /// # Errors
    /// See [`EfficientRandomisation`]; [`Error::MapUnits`] if maps of the random model have another
    /// shape.
    pub fn values_of<M: Module>(
        &self,
        model: &M,
        maps: impl Fn(&M) -> Result<Vec<Vec<f64>>>,
    ) -> Result<RowValues> {
        if self.bins < 2 {
            let (expected, found) = ("at least 2", self.bins.to_string());
            return Err(Error::InvalidOption { option: "bins", expected, found });
        }
        let layers = layers(model);
        if layers.is_empty() {
            return Err(Error::Layer { known: layers, found: "none".to_owned() });
        }
        let (replacement, seed) = (self.replacement, self.seed);
        let random = RandomParameters { layers: &layers, replacement, seed };
        let before = maps(model)?;
        let after = maps(&random.put_into(model, |_| true)?)?;
        check_alike(&before, &after)?;
        let value = |(before, after): (&Vec<f64>, &Vec<f64>)| {
            let before = histogram_entropy(before, self.bins)?;
            // Values that are not all equal have the smallest and the largest in two bins.
            Ok((histogram_entropy(after, self.bins)? - before) / before)
        };
        Ok(RowValues::new(before.iter().zip(&after).map(value)))
    }
}

/// Returns the entropy, in nats, of the shares of values in bins of equal width.
///
/// # Errors
/// [`Reason::NotFinite`] and [`Reason::MapAllEqual`].
fn histogram_entropy(map: &[f64], bins: usize) -> Result<f64, Reason> {
    if !map.iter().all(|value| value.is_finite()) {
        return Err(Reason::NotFinite);
    }
    if all_equal(map) {
        return Err(Reason::MapAllEqual);
    }
    let low = map.iter().copied().fold(f64::INFINITY, f64::min);
    let high = map.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let edge =
        |bin: usize| if bin == bins { high } else { low + bin as f64 * step(low, high, bins) };
    let mut counts = vec![0usize; bins];
    for &value in map {
        let mut bin = ((value - low) / (high - low) * bins as f64) as usize;
        // Rounding may have gone across an edge. The last bin holds the largest value.
        bin = bin.min(bins - 1);
        if value < edge(bin) {
            bin -= 1;
        } else if bin + 1 < bins && value >= edge(bin + 1) {
            bin += 1;
        }
        counts[bin] += 1;
    }
    let share = |&count: &usize| count as f64 / map.len() as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(share);
    Ok(-shares.map(|share| share * share.ln()).sum::<f64>())
}

fn step(low: f64, high: f64, bins: usize) -> f64 {
    (high - low) / bins as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edge_filter::EdgeFilter;
    use crate::fixtures::{Net, photos};
    use saliency_core::{InputTimesGradient, pure_function};

    #[test]
    fn a_histogram_has_the_entropy_of_its_shares() {
        let found = histogram_entropy(&[0.0, 1.0, 2.0, 3.0], 4).unwrap();
        assert!((found - 4f64.ln()).abs() < 1e-12);
        // Three in the first bin, one in the last.
        let found = histogram_entropy(&[0.0, 0.0, 0.4, 1.0], 2).unwrap();
        let by_hand = 0.75 * (4.0f64 / 3.0).ln() + 0.25 * 4f64.ln();
        assert!((found - by_hand).abs() < 1e-12);
        // A value at an edge belongs to the bin above it.
        let thirds = histogram_entropy(&[0.0, 0.1, 0.2, 0.3], 3).unwrap();
        assert!((thirds - (0.5 * 4f64.ln() + 0.5 * 2f64.ln())).abs() < 1e-12);
        assert_eq!(histogram_entropy(&[2.0; 3], 10), Err(Reason::MapAllEqual));
        assert_eq!(histogram_entropy(&[2.0, f64::INFINITY], 10), Err(Reason::NotFinite));
    }

    #[test]
    fn the_rise_is_relative_and_an_edge_filter_has_none() {
        let (net, photos) = (Net::random(0), photos(3));
        let test = EfficientRandomisation::new();
        let edges = test.values(&EdgeFilter::new(), &net, photos.clone(), Target::Predicted);
        assert_eq!(edges.unwrap().values(), [Some(0.0); 3]);
        let explainer = InputTimesGradient::new();
        let found = |test: EfficientRandomisation| {
            test.values(&explainer, &net, photos.clone(), Target::Predicted).unwrap()
        };
        assert!(found(test).values().iter().all(|value| value.is_some_and(|it| it != 0.0)));
        assert_ne!(found(test), found(test.with_seed(1)));
        assert_ne!(found(test), found(test.with_replacement(Replacement::Permuted)));

        let calls = std::cell::Cell::new(0);
        let maps = |_: &Net| {
            calls.set(calls.get() + 1);
            Ok(match calls.get() {
                1 => vec![vec![0.0, 0.0, 1.0, 1.0], vec![1.0; 4]],
                _ => vec![vec![0.0, 1.0, 2.0, 3.0], vec![0.0, 1.0, 2.0, 3.0]],
            })
        };
        let found = test.with_bins(4).values_of(&net, maps).unwrap();
        // From ln 2 to ln 4.
        assert!((found.values()[0].unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(found.notes()[0].reason, Reason::MapAllEqual);
    }

    #[test]
    fn few_bins_and_models_without_parameters_are_refused() {
        let maps = |_: &_| Ok(vec![vec![1.0, 2.0]]);
        let function = pure_function(|x: burn::tensor::Tensor<4>| x.sum_dim(3).flatten(1, 3));
        let error = EfficientRandomisation::new().values_of(&function, maps).unwrap_err();
        assert_eq!(error, Error::Layer { known: vec![], found: "none".to_owned() });
        let few = EfficientRandomisation::new().with_bins(1);
        let error = few.values_of(&Net::random(0), |_| Ok(Vec::new())).unwrap_err();
        assert_eq!(error.to_string(), "expected bins to be at least 2, found 1");
    }
}
