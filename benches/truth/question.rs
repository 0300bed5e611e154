//! A question, and maps that know nothing of its answer.

use std::collections::BTreeMap;

use burn::module::{ModuleMapper, Param};
use burn::tensor::{Device, Distribution, Tensor};
use saliency::metrics::{Experiment, Units};
use saliency::{Schedule, Target};
use saliency_program::regions::{Regions, Tolerance};

use crate::cells::{CELLS, Cells, Maps, cells, middle, moved};
use crate::network::Network;
use crate::photo::{Photo, SIDE};
use crate::random::{Random, hash};

/// The name of the default of `explain`.
pub const DEFAULT: &str = "00 regions, the default, at most 12";

/// What is explained.
pub struct Question<'a, N> {
    pub net: &'a N,
    /// The same network with random weights.
    pub untrained: &'a N,
    pub photo: &'a Photo,
    pub other: &'a Photo,
    pub class: usize,
}

impl<N: Network> Question<'_, N> {
    /// Makes the default's map, with a value for each place of the layer. With a limit, it takes as
    /// many gradients as that; otherwise as many as the default.
    pub fn regions(&self, limit: Option<usize>) -> Tensor<4> {
        let regions = match limit {
            Some(limit) => Regions::new().with_tolerance(Tolerance { error: 1e-9, limit }),
            None => Regions::new(),
        };
        self.net.regions(&regions, &self.photo.input, self.class)
    }

    /// Makes the default, and maps that know nothing of the model, of the class or of the photo.
    pub fn controls(&self) -> Maps {
        let mut random = Random(hash(&self.photo.name) ^ self.class as u64);
        let others = self.net.forward(self.other.input.clone()).argmax(1).into_scalar::<i64>();
        let random_class = (self.class + 1 + random.below(999)) % 1000;
        let regions = cells(&self.regions(None), false);
        let off = self.photo.input.clone() - self.photo.fills.blur.clone();
        BTreeMap::from(
            [
                ("z1 edges", sobel(self.photo)),
                ("z2 middle", middle()),
                ("z3 abs(photo - blur)", cells(&off, true)),
                ("z4 another photo's map", regions_in_cells(self.net, self.other, others as usize)),
                ("z5 a random class", regions_in_cells(self.net, self.photo, random_class)),
                ("z6 untrained network", regions_in_cells(self.untrained, self.photo, self.class)),
                ("z7 the map, moved", moved(&regions, &mut random)),
                (DEFAULT, regions),
            ]
            .map(|(name, cells)| (name.to_owned(), cells)),
        )
    }
}

fn regions_in_cells<N: Network>(net: &N, photo: &Photo, class: usize) -> Cells {
    cells(&net.regions(&Regions::new(), &photo.input, class), false)
}

/// Prepares to cover cells of a photo.
pub fn experiment<'m, N: Network + 'm>(net: &N, photo: &Photo, class: usize) -> Experiment<'m> {
    let units = Units::cells([3, SIDE, SIDE], [CELLS, CELLS]).expect("cells");
    Experiment::new(net, photo.input.clone(), Target::Class(class), units, Schedule::new())
        .expect("an experiment")
}

/// Filters edges.
fn sobel(photo: &Photo) -> Cells {
    let grey = photo.input.clone().sum_dim(1);
    let shifted = |dim, by| {
        let start = if by { 2 } else { 0 };
        grey.clone().narrow(dim, start, SIDE - 2)
    };
    let down = (shifted(2, true) - shifted(2, false)).narrow(3, 1, SIDE - 2);
    let across = (shifted(3, true) - shifted(3, false)).narrow(2, 1, SIDE - 2);
    let edges = (down.powi_scalar(2) + across.powi_scalar(2)).sqrt();
    cells(&edges.pad((1, 1, 1, 1), 0.0), false)
}

/// Returns the same network with random weights.
pub fn untrained<N: Network>(net: &N) -> N {
    struct Shuffle;
    impl ModuleMapper for Shuffle {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| {
                let deviation = tensor.clone().powi_scalar(2).mean().sqrt().into_scalar::<f32>();
                let noise = Distribution::Normal(0.0, f64::from(deviation).max(1e-6));
                tensor.random_like(noise)
            })
        }
    }
    let device = Device::flex();
    device.seed(0);
    net.clone().map(&mut Shuffle)
}
