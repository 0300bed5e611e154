//! Which maps are in the mark if the mark decides, and only then?

use burn::tensor::{Device, Tensor};
use saliency::metrics::{Cover, Experiment, Units};
use saliency::photo::{Reduce, blurred};
use saliency::{
    Baseline, Cut, Explainer, Gradient, IntegratedGradients, Rows, Rule, Schedule, SmoothGrad,
    Split, Target,
};
use saliency_examples_training::shop::{MUG, Product, SIDE};
use saliency_examples_training::shop_network::{AfterConvolution, Marked, Net, tensor};
use saliency_program::Result;
use saliency_program::regions::Regions;

use crate::scored::Scored;

/// Cells for occlusion, as many down as across.
const CELLS: usize = 12;
/// The blur of a photo that stands for nothing, in pixels: the same share of the side as in the
/// bench `truth`.
const BLUR: f64 = 2.0;

/// Maps of photos, and how they are read.
struct Maps {
    name: &'static str,
    values: Tensor<4>,
    reduction: Reduce,
}

/// Trains pairs of networks, and prints how much of each map is in the mark.
pub fn print(pairs: u64, mugs: &[Product], device: &Device) -> Result<()> {
    let mut table: Vec<Row> = Vec::new();
    for seed in 0..pairs {
        for (at, marked) in [Marked::Mugs, Marked::Nothing].into_iter().enumerate() {
            let net = Net::trained(marked, seed, device)?;
            for (place, maps) in maps(&net, mugs)?.into_iter().enumerate() {
                if table.len() == place {
                    table.push(Row { name: maps.name, area: 0.0, found: [[0.0; 2]; 2] });
                }
                let scored = Scored::of_maps(&maps.values, maps.reduction, mugs)?;
                let row = &mut table[place];
                row.area = scored.mark.area;
                row.found[at][0] += scored.mark.share / pairs as f64;
                row.found[at][1] += scored.mark_hits / pairs as f64;
            }
        }
    }
    println!("{} photos of mugs, {pairs} pairs of networks", mugs.len());
    println!(
        "| Map | in the mark, biased | strongest point in it | in the mark, retrained | strongest \
         point in it |\n|---|---|---|---|---|"
    );
    for Row { name, area, found } in table {
        let [biased, retrained] = found.map(|[share, hits]| {
            let (times, hits) = (share / area, super::percent(hits));
            format!("{} ({times:.1} times) | {hits}", super::percent(share))
        });
        println!("| {name} | {biased} | {retrained} |");
    }
    Ok(())
}

/// A line of the table.
struct Row {
    name: &'static str,
    /// The share of the picture that is the mark.
    area: f64,
    /// Of the biased and of the retrained network: the share of the map that is in the mark, and of
    /// the photos whose strongest point is in it.
    found: [[f64; 2]; 2],
}

/// Makes all maps of a network.
fn maps(net: &Net, mugs: &[Product]) -> Result<Vec<Maps>> {
    let input = tensor(mugs.iter().map(|it| it.photo.clone()).collect(), &Device::flex());
    let target = || Target::Class(MUG);
    let blur = blurred(&input, BLUR)?;
    let from_blur = IntegratedGradients::new()
        .with_baseline(Baseline::tensor(blur.clone()))
        .with_rule(Rule::GaussLegendre)
        .with_steps(8);
    let explained = |explainer: &dyn Explainer<Net, Tensor<4>>| {
        Ok::<_, saliency::Error>(explainer.attribute_to(net, input.clone(), target())?.values)
    };
    let from_grey = explained(&IntegratedGradients::new())?;
    let signed = |name, values| Maps { name, values, reduction: Reduce::Positive };
    let unsigned = |name, values| Maps { name, values, reduction: Reduce::AbsoluteSum };
    Ok(vec![
        signed(
            "**regions, the default** (behind the second convolution, 12 x 12)",
            regions(&Split::at(net, AfterConvolution::<2>), &input)?,
        ),
        signed(
            "regions behind the first convolution, 24 x 24",
            regions(&Split::at(net, AfterConvolution::<1>), &input)?,
        ),
        signed(
            "regions behind the third convolution, 6 x 6",
            regions(&Split::at(net, AfterConvolution::<3>), &input)?,
        ),
        unsigned("Integrated Gradients, grey abs", from_grey.clone()),
        signed("Integrated Gradients, grey signed", from_grey),
        signed("Integrated Gradients, blur signed 8", explained(&from_blur)?),
        unsigned("gradient abs 1", explained(&Gradient::new())?),
        unsigned("SmoothGrad abs 25", explained(&SmoothGrad::default().with_samples(25))?),
        signed("Grad-CAM 1", grad_cam(net, &input)?),
        signed("occlusion", occlusion(net, &input, &blur)?),
    ])
}

/// Explains regions behind a layer.
fn regions<P: 'static>(split: &Split<Net, Tensor<4>, P>, input: &Tensor<4>) -> Result<Tensor<4>>
where
    Net: Cut<Tensor<4>, P, Activation = Tensor<4>>,
{
    let rows = Rows::all(input.dims()[0]);
    Ok(Regions::new().attribute_at(split, input.clone(), Target::Class(MUG), &rows)?.values)
}

/// Makes the maps of Grad-CAM at the last convolution.
fn grad_cam(net: &Net, input: &Tensor<4>) -> Result<Tensor<4>> {
    let split: Split<Net, Tensor<4>, AfterConvolution<3>> = Split::at(net, AfterConvolution);
    let activation = split.before(input.clone());
    let target = Target::Class(MUG);
    let gradient = Gradient::new().attribute_to(split.after(), activation.clone(), target)?.values;
    let weights = gradient.mean_dim(3).mean_dim(2);
    Ok((activation * weights).sum_dim(1).clamp_min(0.0))
}

/// Covers squares of 2 x 2 cells, a cell apart, with a blurred photo. A cell has the falls of the
/// score of all squares over it.
fn occlusion(net: &Net, input: &Tensor<4>, blur: &Tensor<4>) -> Result<Tensor<4>> {
    let (rows, side) = (input.dims()[0], SIDE as usize);
    let units = Units::cells([3, side, side], [CELLS; 2])?;
    let count = units.count();
    let experiment =
        Experiment::new(net, input.clone(), Target::Class(MUG), units, Schedule::new())?;
    let fill = experiment.fill(blur.clone())?;
    let square = |cell: usize| -> Vec<usize> {
        let (y, x) = (cell / CELLS, cell % CELLS);
        let down = y..(y + 2).min(CELLS);
        down.flat_map(|y| (x..(x + 2).min(CELLS)).map(move |x| y * CELLS + x)).collect()
    };
    let mut falls = vec![0.0; rows * count];
    for row in 0..rows {
        let covers: Vec<Cover> =
            (0..count).map(|cell| Cover::of(row, count, &square(cell))).collect();
        let scores = experiment.covered_scores(&fill, &covers)?;
        for (cell, score) in scores.into_iter().enumerate() {
            for covered in square(cell) {
                falls[row * count + covered] += experiment.scores()[row] - score;
            }
        }
    }
    let values = Tensor::<1>::from_data(&falls[..], &input.device());
    Ok(values.reshape([rows, 1, CELLS, CELLS]))
}
