//! The map of the first principal direction of a tensor's channels.

use burn::tensor::{Tensor, TensorData};

use crate::error::Result;
use crate::execution::schedule::Schedule;
use crate::execution::work::Work;
use crate::input::batch::{Batch, to_host};
use crate::methods::layer::feature_maps::Layout;
use crate::methods::layer::principal_direction::PrincipalDirection;
use crate::warning::Warning;

/// If the second direction of a row explains as much as the first up to this share, the direction
/// depends on rounding.
const TIE: f64 = 1e-3;

/// Values whose sum over channels is the projection of each place on the first principal direction.
pub(super) struct Projection {
    pub values: Batch,
    pub warnings: Vec<Warning>,
}

impl Projection {
    /// Centres each channel over its places, and projects on the direction of the channels in which
    /// the places of a row differ most. Runs on the host, in double precision.
    pub fn of(batch: &Batch, schedule: &Schedule) -> Result<Self> {
        let layouts = Layout::of(batch)?;
        let (mut parts, mut warnings) = (Vec::new(), Vec::new());
        let work = Work::start(schedule, batch, batch.rows())?;
        work.run(
            &work.chunks(batch.rows(), 0..1),
            |chunk| project(batch.narrow(chunk.rows.start, chunk.rows.len()), &layouts),
            |chunk, projected: Self| {
                let start = chunk.rows.start;
                parts.push(projected.values);
                warnings.extend(projected.warnings.iter().map(|it| it.with_row(|row| start + row)));
                Ok(())
            },
        )?;
        Ok(Self { values: Batch::stack(&parts), warnings })
    }
}

/// Projects the rows of a chunk.
fn project(rows: Batch, layouts: &[Option<Layout>]) -> Result<Projection> {
    let mut warnings = Vec::new();
    let mut parts = Vec::new();
    for (part, layout) in rows.parts().iter().zip(layouts) {
        let Some(layout) = layout else {
            parts.push(part.zeros_like());
            continue;
        };
        let mut values = to_host(part.clone())?;
        for (row, values) in values.chunks_mut(layout.channels * layout.places).enumerate() {
            if project_row(values, layout.places) < TIE {
                Warning::DirectionIsTied { row }.add_to(&mut warnings);
            }
        }
        let data = TensorData::new(values, part.dims());
        parts.push(Tensor::from_data(data, (&part.device(), part.dtype())));
    }
    let mut parts = parts.into_iter();
    let values = rows.map(|_| parts.next().expect("as many as there are tensors"));
    Ok(Projection { values, warnings })
}

/// Replaces the values of a row by their projections; returns by how much the first direction
/// explains more than the second.
fn project_row(values: &mut [f64], places: usize) -> f64 {
    let centred = |channel: &[f64]| -> Vec<f64> {
        let mean = channel.iter().sum::<f64>() / places as f64;
        channel.iter().map(|value| value - mean).collect()
    };
    let channels: Vec<Vec<f64>> = values.chunks(places).map(centred).collect();
    let PrincipalDirection { direction, gap } = PrincipalDirection::of(&channels);
    let weighed = channels.iter().zip(direction);
    let projected = weighed.flat_map(|(channel, weight)| channel.iter().map(move |it| weight * it));
    values.iter_mut().zip(projected).for_each(|(value, projected)| *value = projected);
    gap
}
