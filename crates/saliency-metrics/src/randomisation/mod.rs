//! Does a map change if the model's parameters, or the class that is explained, are replaced by
//! random ones?

mod efficient_randomisation;
mod layer_similarities;
mod model_randomisation;
mod parameters;
mod random_target;
mod similarity;
mod smooth_randomisation;

pub use efficient_randomisation::EfficientRandomisation;
pub use layer_similarities::{Dependence, LayerOrder, LayerSimilarities, LayerSimilarity};
pub use model_randomisation::ModelRandomisation;
pub use parameters::{Replacement, layers};
pub use random_target::RandomTarget;
pub use smooth_randomisation::SmoothRandomisation;

use saliency_core::kit::Batch;
use saliency_core::{Explainer, Inputs, Model, Target};

use crate::error::Result;
use crate::maps::explained_rows;

/// Returns the map of each row.
fn maps_of<M: Model<I>, I: Inputs>(
    explainer: &impl Explainer<M, I>,
    model: &M,
    input: I,
    target: Target,
) -> Result<Vec<Vec<f64>>> {
    let found = explainer.attribute_to(model, input, target)?;
    explained_rows(&Batch::new(found.values)?)
}
