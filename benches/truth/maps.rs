//! All maps that might have become the default.

use burn::tensor::Tensor;
use saliency::metrics::{Cover, Experiment};
use saliency::{Baseline, Explainer, Gradient, IntegratedGradients, Rule, SmoothGrad, Target};

use crate::cells::{CELLS, COUNT, Cells, Maps, added, cells, smoothed};
use crate::layer::PathAtLayer;
use crate::network::{Effort, Network};
use crate::photo::{Fills, Photo};
use crate::question::Question;

/// Makes all maps that might have become the default. The number at the end of a name is the number
/// of gradients or passes that the map takes.
pub fn candidates<N: Network>(question: &Question<'_, N>, experiment: &Experiment<'_>) -> Maps {
    let &Question { net, photo, class, .. } = question;
    let mut maps = pixels(question);
    maps.insert("c1 Grad-CAM 1".to_owned(), cells(&net.grad_cam(&photo.input, class), false));
    for layer in N::LAYERS {
        for start in N::STARTS {
            for &points in layer.points {
                let path = PathAtLayer {
                    input: &photo.input,
                    start: named(&photo.fills, start),
                    class,
                    points,
                };
                let map = net.integrated(layer.name, &path);
                let name = format!("d{} layer {} {start} {points}", layer.sort, layer.name);
                maps.insert(name, cells(&map, false));
            }
        }
    }
    maps.insert("f1 occlusion 196".to_owned(), occlusion(experiment, photo));
    if N::EFFORT == Effort::All {
        combine::<N>(&mut maps);
    }
    maps
}

fn named<'a>(fills: &'a Fills, name: &str) -> &'a Tensor<4> {
    match name {
        "blur" => &fills.blur,
        "noise" => &fills.noise,
        "mean" => &fills.mean,
        "grey" => &fills.grey,
        _ => panic!("no fill {name}"),
    }
}

/// Makes the maps that have a value for each pixel.
fn pixels<N: Network>(question: &Question<'_, N>) -> Maps {
    let &Question { net, photo, class, .. } = question;
    let Fills { blur, grey, noise, .. } = &photo.fills;
    let mut maps = Maps::new();
    let mut add = |name: &str, cells: Cells| maps.insert(name.to_owned(), cells);
    let explained = |explainer: &dyn Explainer<N, Tensor<4>>| {
        let map = explainer.attribute_to(net, photo.input.clone(), Target::Class(class));
        map.expect("a map").values
    };
    let from_grey = explained(&path_from(grey, 50));
    add("a1 IG grey abs 50", cells(&from_grey, true));
    add("a2 IG grey signed 50", cells(&from_grey, false));
    add("a3 gradient abs 1", cells(&explained(&Gradient::new()), true));
    let from_blur = cells(&explained(&path_from(blur, 8)), false);
    add("b1 IG blur signed 8", from_blur.clone());
    if N::EFFORT == Effort::All {
        let smooth = SmoothGrad::default().with_samples(25);
        add("a4 SmoothGrad abs 25", cells(&explained(&smooth), true));
        add("b2 IG blur signed 8, smoothed", smoothed(&from_blur));
        add("b3 IG noise signed 8", cells(&explained(&path_from(noise, 8)), false));
    }
    maps
}

/// Integrates gradients of pixels from a baseline.
pub fn path_from(baseline: &Tensor<4>, points: usize) -> IntegratedGradients {
    IntegratedGradients::new()
        .with_baseline(Baseline::tensor(baseline.clone()))
        .with_rule(Rule::GaussLegendre)
        .with_steps(points)
}

/// Adds combinations of the maps that there are.
fn combine<N: Network>(maps: &mut Maps) {
    let layer = |name: &str, rest: &str| {
        let layer = N::LAYERS.iter().find(|layer| layer.name == name).expect("a layer");
        format!("d{} layer {name} {rest}", layer.sort)
    };
    let [early, middle] = N::COMBINED;
    let e = |rest: &str| layer(early, rest);
    let m = |rest: &str| layer(middle, rest);
    let [cam, blur, smooth, occlusion] = [
        "c1 Grad-CAM 1",
        "b1 IG blur signed 8",
        "b2 IG blur signed 8, smoothed",
        "f1 occlusion 196",
    ]
    .map(str::to_owned);
    let ranks = |sort: &str, text: String, of: Vec<String>| (format!("{sort} ranks: {text}"), of);
    let combinations = [
        ranks("e1", "CAM + IG blur 8".to_owned(), vec![cam.clone(), blur.clone()]),
        ranks("e2", format!("layer {middle} noise 4 + blur 4"), vec![m("noise 4"), m("blur 4")]),
        ranks(
            "e3",
            format!("layer {middle} noise 4 + blur 4 + mean 4"),
            vec![m("noise 4"), m("blur 4"), m("mean 4")],
        ),
        ranks("e4", format!("layer {middle} noise 8 + CAM"), vec![m("noise 8"), cam.clone()]),
        ranks(
            "e5",
            format!("layer {middle} noise 4 + layer {early} noise 4 + CAM"),
            vec![m("noise 4"), e("noise 4"), cam.clone()],
        ),
        ranks(
            "e6",
            format!("layer {middle} noise 4 + layer {early} blur 4 + CAM"),
            vec![m("noise 4"), e("blur 4"), cam.clone()],
        ),
        ranks(
            "e7",
            format!("CAM, layers {early} and {middle} blur, IG blur 25"),
            vec![cam.clone(), e("blur 8"), m("blur 8"), blur.clone()],
        ),
        ranks(
            "e8",
            format!("CAM, layers {early} and {middle} noise, IG blur 25"),
            vec![cam.clone(), e("noise 8"), m("noise 8"), blur.clone()],
        ),
        ranks(
            "e9",
            format!("CAM, layer {early} blur, layer {middle} noise, IG blur 25"),
            vec![cam.clone(), e("blur 8"), m("noise 8"), blur],
        ),
        ranks(
            "eB",
            format!("layer {middle} noise 8 + smoothed IG blur"),
            vec![m("noise 8"), smooth],
        ),
        ranks(
            "eC",
            format!("layer {middle} noise 4 + layer {early} blur 4"),
            vec![m("noise 4"), e("blur 4")],
        ),
        ranks("eD", format!("layer {middle} noise 8 + grey 8"), vec![m("noise 8"), m("grey 8")]),
        ranks(
            "eE",
            format!("layer {middle} noise 8 + occlusion"),
            vec![m("noise 8"), occlusion.clone()],
        ),
        ranks("f2", "CAM + occlusion".to_owned(), vec![cam, occlusion]),
    ];
    let smooth_middle = smoothed(&maps[&m("noise 8")]);
    maps.insert(format!("eA layer {middle} noise 8, smoothed"), smooth_middle);
    for (name, of) in combinations {
        let parts: Option<Vec<&Cells>> = of.iter().map(|name| maps.get(name)).collect();
        if let Some(parts) = parts {
            let sum = added(&parts);
            maps.insert(name, sum);
        }
    }
}

/// Covers squares, and adds up how much the score falls.
fn occlusion(experiment: &Experiment<'_>, photo: &Photo) -> Cells {
    // Squares of 2 x 2 cells, a cell apart; a cell has the falls of all squares over it.
    let fill = experiment.fill(photo.fills.blur.clone()).expect("a fill");
    let squares: Vec<Vec<usize>> = (0..COUNT)
        .map(|cell| {
            let (y, x) = (cell / CELLS, cell % CELLS);
            let corners = [(y, x), (y + 1, x), (y, x + 1), (y + 1, x + 1)];
            corners
                .iter()
                .filter(|(y, x)| *y < CELLS && *x < CELLS)
                .map(|(y, x)| y * CELLS + x)
                .collect()
        })
        .collect();
    let covers: Vec<Cover> = squares.iter().map(|square| Cover::of(0, COUNT, square)).collect();
    let scores = experiment.covered_scores(&fill, &covers).expect("scores");
    let mut cells = vec![0.0; COUNT];
    for (square, score) in squares.iter().zip(scores) {
        for &cell in square {
            cells[cell] += experiment.scores()[0] - score;
        }
    }
    cells
}
