//! The smallest use: a Burn model of your own, explained.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use saliency::{Explainer, IntegratedGradients, Model};

#[derive(Module, Debug)]
struct Net {
    hidden: Linear,
    output: Linear,
}

impl Model<Tensor<2>> for Net {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        self.output.forward(relu(self.hidden.forward(input)))
    }
}

fn main() -> saliency::Result<()> {
    let device = Device::flex();
    device.seed(0);
    let net = Net {
        hidden: LinearConfig::new(4, 16).init(&device),
        output: LinearConfig::new(16, 3).init(&device),
    };
    let input = Tensor::<2>::from_data([[5.1, 3.5, 1.4, 0.2]], &device);

    let map = IntegratedGradients::new().attribute(&net, input)?;

    println!("class {:?}, score {:.3}", map.targets[0], map.scores[0]);
    println!("what each input contributed: {}", map.values);
    Ok(())
}
