//! Compares the layers with Burn's own.

mod activations;
mod batch_norm;
mod conv;
mod fold;
mod max_pool;
mod records;

use burn::tensor::{Tensor, TensorData};

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter().collect()
}

/// Returns the gradients of a sum weighted by position, so that no two gradients are the same.
fn gradient<const D: usize>(x: &Tensor<D>, f: impl Fn(Tensor<D>) -> Tensor<D>) -> Vec<f64> {
    let leaf = x.clone().autodiff().require_grad();
    let y = f(leaf.clone());
    let count = y.dims().iter().product::<usize>();
    let weights: Vec<f64> = (0..count).map(|at| (at as f64).sin()).collect();
    let data = TensorData::new(weights, y.dims());
    let weights = Tensor::<D>::from_data(data, (&x.device(), x.dtype()));
    let gradients = (y * weights).sum().backward();
    values(leaf.grad(&gradients).unwrap())
}

fn alike(a: &[f64], b: &[f64]) {
    within(a, b, 2e-5);
}

fn within(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        assert!((a - b).abs() < tolerance, "{a} {b}");
    }
}
