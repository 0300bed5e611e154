use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use saliency_core::Model;

/// A multilayer perceptron for rows of a table, with random weights. It is for measuring.
///
/// # Shapes
/// - input: `[rows, 64]`
/// - output: `[rows, 10]` logits
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::Model;
/// use saliency_models::Mlp;
///
/// let device = Device::flex();
/// let net = Mlp::new(&device);
/// assert_eq!(net.forward(Tensor::<2>::zeros([3, 64], &device)).dims(), [3, 10]);
/// ```
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
}

impl Mlp {
    /// Builds a network with two hidden layers of 256.
    pub fn new(device: &Device) -> Self {
        let layer = |[from, to]: [usize; 2]| LinearConfig::new(from, to).init(device);
        Self { layers: [[64, 256], [256, 256], [256, 10]].map(layer).into() }
    }
}

impl Model<Tensor<2>> for Mlp {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        let (last, hidden) = self.layers.split_last().expect("there are layers");
        last.forward(hidden.iter().fold(input, |x, layer| relu(layer.forward(x))))
    }
}
