use burn::nn;
use burn::tensor::{DType, Device, Distribution, Tensor, activation};

use super::super::relu::{Relu, Relu6, relu, relu6};
use super::{alike, gradient, values};

#[test]
fn rectifiers_are_those_of_burn() {
    let device = Device::flex();
    let clamped = |x: Tensor<4>| activation::relu(x.clone()) - activation::relu(x - 6.0);
    for dtype in [DType::F32, DType::F64] {
        let data = [[[[-1.0, 0.0, 3.0, 5.9], [6.1, 7.0, 0.1, -0.0]]]];
        let x = Tensor::<4>::from_data(data, (&device, dtype));
        alike(&gradient(&x, relu6), &gradient(&x, clamped));
        let all = [0.0, 0.0, 3.0, 5.9, 6.0, 6.0, 0.1, 0.0];
        alike(&values(relu6(x.clone())), &all);
        alike(&gradient(&x, relu), &gradient(&x, activation::relu));
        alike(&values(relu(x)), &[0.0, 0.0, 3.0, 5.9, 6.1, 7.0, 0.1, 0.0]);
        // At the corners the gradient is 0, as in PyTorch.
        let corners = Tensor::<4>::from_data([[[[0.0, 6.0]]]], (&device, dtype));
        alike(&gradient(&corners, relu6), &[0.0, 0.0]);
    }
    // More values than fit into one block of bits. The last block is not full.
    let long = Tensor::<4>::random([1, 1, 3, 333], Distribution::Uniform(-9.0, 9.0), &device);
    alike(&gradient(&long, relu6), &gradient(&long, clamped));
    // Infinity passes a ReLU, which has no ceiling.
    for dtype in [DType::F32, DType::F64] {
        let data = [[[[1.0, f32::INFINITY, f32::NEG_INFINITY, 1.0]]]];
        let infinite = Tensor::<4>::from_data(data, (&device, dtype));
        alike(&gradient(&infinite, relu), &gradient(&infinite, activation::relu));
        alike(&gradient(&infinite, relu6), &[0.0, 0.0, 0.0, 3.0_f64.sin()]);
    }
    let nan = Tensor::<4>::from_data([[[[f32::NAN, 1.0]]]], &device);
    assert!(values(relu6(nan))[0].is_nan());
}

#[test]
fn layers_apply_the_functions_to_tensors_of_every_rank() {
    let device = Device::flex();
    let x = Tensor::<2>::from_data([[-1.0, 2.0, 7.0]], &device);
    let burn = nn::Relu::new();
    alike(&values(Relu::new().forward(x.clone())), &values(burn.forward(x.clone())));
    alike(&values(Relu6::new().forward(x.clone())), &[0.0, 2.0, 6.0]);
    alike(&gradient(&x, |x| Relu::new().forward(x)), &gradient(&x, |x| burn.forward(x)));
    let none = Tensor::<3>::zeros([2, 0, 3], &device);
    assert_eq!(relu(none.clone()).dims(), [2, 0, 3]);
    assert!(gradient(&none, relu6).is_empty());
    assert_eq!([format!("{}", Relu::new()), format!("{burn}")], ["Relu", "Relu"]);
}
