//! The derivatives of Burn's activation functions, on which every gradient of a network rests.

use burn::tensor::{DType, Device, Tensor, activation};
use saliency_testkit::{device, on_every_device};

/// An activation, and how far its derivative may be from the right one.
struct Activation {
    name: &'static str,
    call: fn(Tensor<1>) -> Tensor<1>,
    allowed: f64,
}

const ROUNDING: f64 = 2e-6;

/// Returns the activations, for a backend that has its own derivative of GELU or that of Burn.
fn activations(has_own_gelu: bool) -> Vec<Activation> {
    let activation = |name, call: fn(Tensor<1>) -> Tensor<1>| {
        // Burn's derivative is that of the approximation by tanh: docs/upstream.md.
        let is_approximate = name == "gelu" && !has_own_gelu;
        Activation { name, call, allowed: if is_approximate { 9e-4 } else { ROUNDING } }
    };
    vec![
        activation("gelu", activation::gelu),
        activation("gelu_approximate", activation::gelu_approximate),
        activation("silu", activation::silu),
        activation("mish", activation::mish),
        activation("sigmoid", activation::sigmoid),
        activation("log_sigmoid", activation::log_sigmoid),
        activation("softplus", |x| activation::softplus(x, 1.0)),
        activation("softsign", activation::softsign),
        activation("tanh", activation::tanh),
        activation("hard_swish", activation::hard_swish),
        activation("elu", |x| activation::elu(x, 1.0)),
        activation("celu", |x| activation::celu(x, 0.7)),
        activation("selu", activation::selu),
        activation("leaky_relu", |x| activation::leaky_relu(x, 0.1)),
        activation("erf", Tensor::erf),
    ]
}

/// Numbers on both sides of zero, none of them where a function has a corner.
fn points() -> Vec<f64> {
    (0..81).map(|k| (k as f64 - 40.0) / 9.9 + 0.013).collect()
}

/// Returns the derivatives by differences in double precision.
fn differences(call: fn(Tensor<1>) -> Tensor<1>) -> Vec<f64> {
    const STEP: f64 = 1e-5;
    let at = |by: f64| {
        let points: Vec<f64> = points().iter().map(|x| x + by).collect();
        let found = call(Tensor::from_data(&points[..], (&device(), DType::F64)));
        found.into_data().iter::<f64>().collect::<Vec<_>>()
    };
    let ends = at(STEP).into_iter().zip(at(-STEP));
    ends.map(|(above, below)| (above - below) / (2.0 * STEP)).collect()
}

fn gradients(call: fn(Tensor<1>) -> Tensor<1>, device: &Device) -> Vec<f64> {
    let points: Vec<f32> = points().iter().map(|x| *x as f32).collect();
    let x = Tensor::<1>::from_data(&points[..], &device.clone().autodiff()).require_grad();
    let gradients = call(x.clone()).sum().backward();
    x.grad(&gradients).expect("a gradient").into_data().iter::<f64>().collect()
}

#[test]
fn burns_activations_have_the_right_derivatives() {
    on_every_device(|compute| {
        let has_own_gelu = compute.backend().to_string() == "flex";
        for Activation { name, call, allowed } in activations(has_own_gelu) {
            let pairs = gradients(call, compute.device()).into_iter().zip(differences(call));
            let error = pairs.map(|(found, right)| (found - right).abs()).fold(0.0, f64::max);
            println!("{name}: {error:.1e}");
            assert!(error <= allowed, "{name} on {}: {error}", compute.backend());
        }
    });
}
