//! The points at which the network can be cut, named as in PyTorch.

use burn::tensor::Tensor;
use saliency_core::Cut;

use super::CifarCnn;

/// The point of [`CifarCnn`] behind its first ReLU: `[rows, 6, 28, 28]`.
#[derive(Clone, Copy, Debug)]
pub struct Relu1;

/// The point of [`CifarCnn`] behind its second convolution, before the ReLU: `[rows, 16, 10, 10]`.
#[derive(Clone, Copy, Debug)]
pub struct Conv2;

/// The point of [`CifarCnn`] behind its second ReLU: `[rows, 16, 10, 10]`.
#[derive(Clone, Copy, Debug)]
pub struct Relu2;

/// The point of [`CifarCnn`] behind its fourth ReLU, before the last layer: `[rows, 84]`.
#[derive(Clone, Copy, Debug)]
pub struct Relu4;

impl Cut<Tensor<4>, Relu1> for CifarCnn {
    type Activation = Tensor<4>;

    fn before(&self, input: Tensor<4>) -> Tensor<4> {
        self.activate(self.conv1.forward(input))
    }

    fn after(&self, activation: Tensor<4>) -> Tensor<2> {
        let second = self.conv2.forward(self.pool(activation));
        Cut::<Tensor<4>, Conv2>::after(self, second)
    }
}

impl Cut<Tensor<4>, Conv2> for CifarCnn {
    type Activation = Tensor<4>;

    fn before(&self, input: Tensor<4>) -> Tensor<4> {
        let first = Cut::<Tensor<4>, Relu1>::before(self, input);
        self.conv2.forward(self.pool(first))
    }

    fn after(&self, activation: Tensor<4>) -> Tensor<2> {
        Cut::<Tensor<4>, Relu2>::after(self, self.activate(activation))
    }
}

impl Cut<Tensor<4>, Relu2> for CifarCnn {
    type Activation = Tensor<4>;

    fn before(&self, input: Tensor<4>) -> Tensor<4> {
        self.activate(Cut::<Tensor<4>, Conv2>::before(self, input))
    }

    fn after(&self, activation: Tensor<4>) -> Tensor<2> {
        Cut::<Tensor<4>, Relu4>::after(self, self.units(activation))
    }
}

impl Cut<Tensor<4>, Relu4> for CifarCnn {
    type Activation = Tensor<2>;

    fn before(&self, input: Tensor<4>) -> Tensor<2> {
        let activation = Cut::<Tensor<4>, Relu2>::before(self, input);
        self.units(activation)
    }

    fn after(&self, units: Tensor<2>) -> Tensor<2> {
        self.fc3.forward(units)
    }
}
