//! The networks of the study.

use burn::tensor::Tensor;
use saliency::{Explainer, Method, MethodOptions, Model, Rows, Split, Target};
use saliency_models::{AfterBlock, AfterFire, EfficientNetLite0, LastConvolution, SqueezeNet};
use saliency_program::regions::Regions;

use crate::layer::{PathAtLayer, by_method};

/// A network that is asked.
pub trait Network: Model<Tensor<4>> {
    /// How much is asked.
    const EFFORT: Effort;
    /// The layers at which maps are made.
    const LAYERS: &'static [Layer];
    /// What the paths at layers start from.
    const STARTS: &'static [&'static str];
    /// The names of an early layer and of the layer of the default, whose maps are combined.
    const COMBINED: [&'static str; 2];

    /// The layers at which methods are tried that need one: that of the default, and the last one.
    const METHOD_LAYERS: [&'static str; 2];

    /// Explains a layer by a method.
    ///
    /// # Panics
    /// Panics if the network has no such layer.
    fn method_at(
        &self,
        layer: &str,
        method: Method,
        options: &MethodOptions,
        input: &Tensor<4>,
        class: usize,
    ) -> Tensor<4>;

    /// Explains regions as the default of `explain` does.
    fn regions(&self, regions: &Regions, input: &Tensor<4>, class: usize) -> Tensor<4>;

    /// Integrates gradients along a path at a layer.
    ///
    /// # Panics
    /// Panics if the network has no such layer.
    fn integrated(&self, layer: &str, path: &PathAtLayer<'_>) -> Tensor<4>;

    /// Returns the map of Grad-CAM: `[1, 1, height, width]`.
    fn grad_cam(&self, input: &Tensor<4>, class: usize) -> Tensor<4>;
}

/// How much a network is asked.
#[derive(Clone, Copy, PartialEq)]
pub enum Effort {
    /// All maps of the two likeliest classes, and the cover test.
    All,
    /// The most important maps of the likeliest class.
    Few,
}

/// A layer at which maps are made.
pub struct Layer {
    pub name: &'static str,
    /// A letter that sorts the table.
    pub sort: char,
    /// The numbers of points on the path.
    pub points: &'static [usize],
}

impl Network for EfficientNetLite0 {
    const EFFORT: Effort = Effort::All;
    const LAYERS: &'static [Layer] = &[
        Layer { name: "4", sort: '4', points: &[4, 8] },
        Layer { name: "7", sort: '7', points: &[8] },
        Layer { name: "10", sort: 'A', points: &[4, 8] },
        Layer { name: "head", sort: 'H', points: &[8] },
    ];
    const STARTS: &'static [&'static str] = &["blur", "noise", "mean", "grey"];
    const COMBINED: [&'static str; 2] = ["4", "10"];
    const METHOD_LAYERS: [&'static str; 2] = ["10", "head"];

    fn method_at(
        &self,
        layer: &str,
        method: Method,
        options: &MethodOptions,
        input: &Tensor<4>,
        class: usize,
    ) -> Tensor<4> {
        match layer {
            "10" => by_method(self, AfterBlock::<10>, method, options, input, class),
            "head" => by_method(self, LastConvolution, method, options, input, class),
            _ => panic!("no layer {layer}"),
        }
    }

    fn regions(&self, regions: &Regions, input: &Tensor<4>, class: usize) -> Tensor<4> {
        let map = regions.attribute_to(self, input.clone(), Target::Class(class));
        map.expect("a map").values
    }

    fn integrated(&self, layer: &str, path: &PathAtLayer<'_>) -> Tensor<4> {
        match layer {
            "4" => path.at(self, AfterBlock::<4>),
            "7" => path.at(self, AfterBlock::<7>),
            "10" => path.at(self, AfterBlock::<10>),
            "head" => path.at(self, LastConvolution),
            _ => panic!("no layer {layer}"),
        }
    }

    fn grad_cam(&self, input: &Tensor<4>, class: usize) -> Tensor<4> {
        crate::layer::grad_cam(self, LastConvolution, input, class)
    }
}

impl Network for SqueezeNet {
    const EFFORT: Effort = Effort::Few;
    const LAYERS: &'static [Layer] = &[
        Layer { name: "4", sort: '4', points: &[8] },
        Layer { name: "6", sort: '6', points: &[8] },
        Layer { name: "8", sort: '8', points: &[8] },
        Layer { name: "9", sort: '9', points: &[8] },
    ];
    const STARTS: &'static [&'static str] = &["noise", "grey"];
    const COMBINED: [&'static str; 2] = ["4", "8"];
    const METHOD_LAYERS: [&'static str; 2] = ["8", "9"];

    fn method_at(
        &self,
        layer: &str,
        method: Method,
        options: &MethodOptions,
        input: &Tensor<4>,
        class: usize,
    ) -> Tensor<4> {
        match layer {
            "8" => by_method(self, AfterFire::<8>, method, options, input, class),
            "9" => by_method(self, AfterFire::<9>, method, options, input, class),
            _ => panic!("no layer {layer}"),
        }
    }

    fn regions(&self, regions: &Regions, input: &Tensor<4>, class: usize) -> Tensor<4> {
        let split = Split::at(self, AfterFire::<8>);
        let rows = Rows::all(1);
        let map = regions.attribute_at(&split, input.clone(), Target::Class(class), &rows);
        map.expect("a map").values
    }

    fn integrated(&self, layer: &str, path: &PathAtLayer<'_>) -> Tensor<4> {
        match layer {
            "4" => path.at(self, AfterFire::<4>),
            "6" => path.at(self, AfterFire::<6>),
            "8" => path.at(self, AfterFire::<8>),
            "9" => path.at(self, AfterFire::<9>),
            _ => panic!("no layer {layer}"),
        }
    }

    fn grad_cam(&self, input: &Tensor<4>, class: usize) -> Tensor<4> {
        crate::layer::grad_cam(self, AfterFire::<9>, input, class)
    }
}
