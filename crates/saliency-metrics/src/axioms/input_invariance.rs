//! Input invariance: does a shift of the input that the model takes back change the map?

use burn::module::{Module, ModuleMapper, ModuleVisitor};
use burn::tensor::{Device, Tensor};
use saliency_core::kit::Batch;
use saliency_core::{Explainer, Inputs, Model, Target};

use crate::error::{Error, Result};
use crate::estimate::RowValues;
use crate::maps::{explained_rows, fixed_target, relative_distance};

/// Adds a constant to the input, and explains a model that first takes it away again.
///
/// For the shift s, and the model g(x) = f(x - s), which does the same as f but for this:
///
/// ```text
/// value = ‖φ(g, x + s) - φ(f, x)‖₂ / ‖φ(f, x)‖₂
/// ```
///
/// Small is good: both models see the same, so that both maps should be the same. Gradients have 0,
/// but for rounding. Methods with a fixed point of reference, such as zero, do not: for them the
/// shift moves the input away from it. That is a matter of choice, not always an error: black means
/// something in a photo. A map that ignores the model, such as an edge filter, has 0 as well.
///
/// Quantus 0.6.0 changes the bias of the first layer instead, and returns whether all values are
/// close. It does not shift the first value of a row, so that it says of gradients that they change.
///
/// # Shapes
/// An explainer of every model, as those of the library are; any model and input. Fixed tensors are
/// not shifted.
///
/// # Defaults
/// - shift: -1, for all values
///
/// # Cost
/// Two attributions, and a forward pass.
///
/// # Errors
/// [`Error::InvalidOption`] if the shift is not finite, and those of the explainer. If the map of the
/// input is zero, the distance is not divided.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Gradient, Target, pure_function};
/// use saliency_metrics::InputInvariance;
///
/// let square = pure_function(|x: Tensor<2>| x.powi_scalar(2).sum_dim(1));
/// let x = Tensor::<2>::from_data([[1.0, 2.0]], &Device::flex());
/// let found = InputInvariance::new().values(&Gradient::new(), &square, x, Target::Class(0))?;
/// assert_eq!(found.values(), [Some(0.0)]);
/// # Ok::<(), saliency_metrics::Error>(())
/// ```
///
/// # Source
/// P.-J. Kindermans et al., "The (Un)reliability of Saliency Methods", 2017.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputInvariance {
    shift: f64,
}

/// A model that first takes a constant away from its input.
#[derive(Clone, Debug)]
pub struct ShiftedModel<M> {
    model: M,
    shift: f64,
}

impl<M: Model<I>, I: Inputs> Model<I> for ShiftedModel<M> {
    fn forward(&self, input: I) -> Tensor<2> {
        self.model.forward(shifted(input, -self.shift))
    }
}

impl<M> ShiftedModel<M> {
    fn map_model(self, map: impl FnOnce(M) -> M) -> Self {
        Self { model: map(self.model), shift: self.shift }
    }
}

// Written by hand, because a derive would require that the model can be displayed.
impl<M: Module> Module for ShiftedModel<M> {
    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        self.model.collect_devices(devices)
    }

    fn fork(self, device: &Device) -> Self {
        self.map_model(|model| model.fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_model(|model| model.to_device(device))
    }

    fn train(self) -> Self {
        self.map_model(M::train)
    }

    fn valid(&self) -> Self {
        Self { model: self.model.valid(), shift: self.shift }
    }

    fn materialize(self) -> Self {
        self.map_model(M::materialize)
    }

    fn visit<Visitor: ModuleVisitor>(&self, visitor: &mut Visitor) {
        self.model.visit(visitor);
    }

    fn map<Mapper: ModuleMapper>(self, mapper: &mut Mapper) -> Self {
        self.map_model(|model| model.map(mapper))
    }
}

impl Default for InputInvariance {
    fn default() -> Self {
        Self { shift: -1.0 }
    }
}

impl InputInvariance {
    /// Measures with the defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds this to every value of the input.
    #[must_use]
    pub fn with_shift(mut self, shift: f64) -> Self {
        self.shift = shift;
        self
    }

    /// Returns the relative distance of the maps of each row.
    ///
    /// # Errors
    /// See [`InputInvariance`].
    pub fn values<M: Model<I>, I: Inputs>(
        &self,
        explainer: &(impl Explainer<M, I> + Explainer<ShiftedModel<M>, I>),
        model: &M,
        input: I,
        target: Target,
    ) -> Result<RowValues> {
        let shift = self.shift;
        if !shift.is_finite() {
            let (expected, found) = ("finite", shift.to_string());
            return Err(Error::InvalidOption { option: "shift", expected, found });
        }
        // An input that can not be flattened is refused, rather than shifted.
        Batch::new(input.clone())?;
        let moved = shifted(input.clone(), shift);
        // Rounding must not change the class.
        let target = fixed_target(model, input.clone(), target)?;
        let before = explainer.attribute_to(model, input, target.clone())?;
        let model = ShiftedModel { model: model.clone(), shift };
        let after = explainer.attribute_to(&model, moved, target)?;
        let before = explained_rows(&Batch::new(before.values)?)?;
        let after = explained_rows(&Batch::new(after.values)?)?;
        let distance =
            |(before, after): (&Vec<f64>, &Vec<f64>)| Ok(relative_distance(before, after));
        Ok(RowValues::new(before.iter().zip(&after).map(distance)))
    }
}

/// Adds a constant to every value that is not fixed.
fn shifted<I: Inputs>(input: I, shift: f64) -> I {
    let (shapes, fixed) = (input.shapes(), input.fixed());
    let parts = input.into_rows().into_iter().zip(fixed);
    let moved = parts.map(|(part, is_fixed)| if is_fixed { part } else { part.add_scalar(shift) });
    I::from_rows(&mut moved.zip(shapes.iter().map(Vec::as_slice)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use saliency_core::{Fixed, Gradient, InputTimesGradient, IntegratedGradients, pure_function};

    #[test]
    fn a_method_with_a_point_of_reference_moves_with_the_shift() {
        let weighted = pure_function(|x: Tensor<2>| {
            let weights = Tensor::<2>::from_data([[3.0], [4.0]], &x.device().inner());
            x.matmul(weights)
        });
        let x = Tensor::<2>::from_data([[1.0, 1.0], [0.0, 2.0]], &Device::flex());
        let metric = InputInvariance::new().with_shift(2.0);
        let target = || Target::Class(0);
        let gradient = metric.values(&Gradient::new(), &weighted, x.clone(), target()).unwrap();
        assert_eq!(gradient.values(), [Some(0.0), Some(0.0)]);
        // (3 x, 4 y) becomes (3 (x + 2), 4 (y + 2)): 10 more, of 5 and of 8.
        let times = metric.values(&InputTimesGradient::new(), &weighted, x.clone(), target());
        assert_eq!(times.unwrap().values(), [Some(2.0), Some(1.25)]);
        let from_zero = IntegratedGradients::new();
        let found = metric.values(&from_zero, &weighted, x, target()).unwrap().defined();
        assert!((found[0] - 2.0).abs() < 1e-5 && (found[1] - 1.25).abs() < 1e-5, "{found:?}");
    }

    #[test]
    fn fixed_tensors_are_not_shifted_and_prediction_stays() {
        let scaled = pure_function(|(x, Fixed(by)): (Tensor<2>, Fixed<Tensor<2>>)| {
            Tensor::cat(vec![x.clone() * by.clone(), x * by * -1], 1)
        });
        let device = Device::flex();
        let input = (Tensor::<2>::ones([1, 1], &device), Fixed(Tensor::ones([1, 1], &device) * 3));
        let metric = InputInvariance::new().with_shift(-5.0);
        let found = metric.values(&Gradient::new(), &scaled, input, Target::Predicted).unwrap();
        assert_eq!(found.values(), [Some(0.0)]);
        let input = Tensor::<2>::ones([1, 1], &device);
        let same = pure_function(|x: Tensor<2>| x);
        let endless = InputInvariance::new().with_shift(f64::NAN);
        let error = endless.values(&Gradient::new(), &same, input, Target::Class(0)).unwrap_err();
        assert_eq!(error.to_string(), "expected shift to be finite, found NaN");
    }
}
