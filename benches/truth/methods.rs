//! The maps of every method of the library.

use burn::tensor::Tensor;
use saliency::methods::{Family, Needs};
use saliency::{Baseline, Explainer, Method, MethodOptions, Target};

use crate::cells::{Maps, cells};
use crate::network::Network;
use crate::question::Question;

/// How much of each method is enough to place it: differences between methods are larger.
const STEPS: usize = 25;

/// Makes a map by each method: at the input, or at two layers if it needs one. The table shows how
/// many gradients or passes it took.
pub fn maps<N: Network>(question: &Question<'_, N>) -> Maps {
    let &Question { net, photo, class, .. } = question;
    let options = MethodOptions::new()
        .with_steps(STEPS)
        .with_samples(STEPS)
        .with_baseline_sampler(|seed| Baseline::uniform(-1.0, 1.0, seed));
    let mut maps = Maps::new();
    for (at, method) in Method::ALL.iter().copied().enumerate() {
        // Shapley sampling estimates the values of KernelSHAP, with twenty times as many passes. Some
        // methods need a series.
        if method == Method::ShapleySampling || !method.fits(&[1, 3, 224, 224]) {
            continue;
        }
        // The table is sorted by the first two characters, which it does not show.
        let sort = char::from_u32('A' as u32 + at as u32).expect("a character");
        if method.needs() == Needs::Layer {
            for (place, layer) in N::METHOD_LAYERS.iter().enumerate() {
                let map = net.method_at(layer, method, &options, &photo.input, class);
                let name = format!("{sort}{place} {} at {layer}", method.title());
                maps.insert(name, cells(&map, false));
            }
            continue;
        }
        let explainer: Box<dyn Explainer<N, Tensor<4>>> = method.explainer(&options);
        let map = explainer.attribute_to(net, photo.input.clone(), Target::Class(class));
        let map = map.unwrap_or_else(|error| panic!("{method}: {error}"));
        let name = |place: usize, sums: &str| {
            // AGI takes another number for each photo.
            let count = match method.needs() {
                Needs::Classes => String::new(),
                _ => format!(" {}", map.evaluations[0]),
            };
            format!("{sort}{place} {}{sums}{count}", method.title())
        };
        if matches!(method.family(), Family::Gradient | Family::Noise) {
            maps.insert(name(0, ", absolute"), cells(&map.values, true));
        }
        maps.insert(name(1, ""), cells(&map.values, false));
    }
    maps
}
