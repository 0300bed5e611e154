//! Maps at a layer of a network.

use burn::tensor::Tensor;
use saliency::{
    Baseline, Cut, Explainer, GradCam, IntegratedGradients, Method, MethodOptions, Rule, Split,
    Target,
};

/// A path at a layer, between the activations of two photos.
pub struct PathAtLayer<'a> {
    pub input: &'a Tensor<4>,
    pub start: &'a Tensor<4>,
    pub class: usize,
    pub points: usize,
}

impl PathAtLayer<'_> {
    /// Integrates gradients along the path at a layer.
    pub fn at<M: Cut<Tensor<4>, P, Activation = Tensor<4>>, P>(
        &self,
        net: &M,
        point: P,
    ) -> Tensor<4> {
        let split = Split::at(net, point);
        let activation = split.before(self.input.clone());
        let explainer = IntegratedGradients::new()
            .with_baseline(Baseline::tensor(split.before(self.start.clone())))
            .with_rule(Rule::GaussLegendre)
            .with_steps(self.points);
        let target = Target::Class(self.class);
        explainer.attribute_to(split.after(), activation, target).expect("a map").values
    }
}

/// Explains a layer by a method, added up over the channels, and without its negative part.
pub fn by_method<M: Cut<Tensor<4>, P, Activation = Tensor<4>>, P>(
    net: &M,
    point: P,
    method: Method,
    options: &MethodOptions,
    input: &Tensor<4>,
    class: usize,
) -> Tensor<4> {
    let split = Split::at(net, point);
    let explainer = method.explainer(options);
    let activation = split.before(input.clone());
    let map = explainer.attribute_to(split.after(), activation, Target::Class(class));
    map.expect("a map").values.sum_dim(1).clamp_min(0.0)
}

/// Returns the map of Grad-CAM at a layer.
pub fn grad_cam<M: Cut<Tensor<4>, P, Activation = Tensor<4>>, P>(
    net: &M,
    point: P,
    input: &Tensor<4>,
    class: usize,
) -> Tensor<4> {
    let split = Split::at(net, point);
    let activation = split.before(input.clone());
    let map = GradCam::new().attribute_to(split.after(), activation, Target::Class(class));
    map.expect("a map").values.sum_dim(1).clamp_min(0.0)
}
