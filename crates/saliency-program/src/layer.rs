//! Methods that explain a layer: a value for each of its places.

use std::fmt;
use std::sync::Arc;

use burn::tensor::Tensor;
use saliency::kit::Batch;
use saliency::{Attribution, Error, Explainer, Method, MethodOptions, Result, Rows, Target};

use crate::network::PhotoNetwork;

/// A method that needs a layer, for any network: it explains the part behind the layer at which
/// [`Regions`](crate::regions::Regions) are explained.
///
/// # Shapes
/// Photos are `[rows, 3, height, width]`, prepared for the network. Values are `[rows, 1, down,
/// across]`: those of the method, added up over the channels of the layer.
///
/// # Errors
/// Those of the method; [`Error::InvalidOption`] for a network without such a layer.
pub struct LayerOf<N> {
    network: Arc<N>,
    method: Method,
    options: MethodOptions,
}

impl<N: PhotoNetwork> LayerOf<N> {
    /// Explains a layer by the given method.
    pub fn new(network: Arc<N>, method: Method, options: MethodOptions) -> Self {
        Self { network, method, options }
    }
}

/// Explains photos at a network's layer.
///
/// # Errors
/// See [`LayerOf`].
pub fn attribute_layer<N: PhotoNetwork>(
    network: &N,
    model: &N::Model,
    method: Method,
    options: &MethodOptions,
    photos: Tensor<4>,
    target: Target,
) -> Result<Attribution<Tensor<4>>> {
    let Some(halves) = network.cut(model) else {
        let expected =
            "one that explains the input, because the network has no layer with height and width";
        return Err(Error::invalid_option("method", expected.to_owned(), method.name()));
    };
    let activation = halves.before(photos, options.schedule())?;
    let explainer = method.explainer(options);
    let map = explainer.attribute_to(halves.behind(), activation, target)?;
    map.try_map(|values: Tensor<4>| Ok(values.sum_dim(1)))
}

impl<N: PhotoNetwork> Explainer<N::Model, Tensor<4>> for LayerOf<N> {
    fn attribute_to(
        &self,
        model: &N::Model,
        photos: Tensor<4>,
        target: Target,
    ) -> Result<Attribution<Tensor<4>>> {
        let rows = Rows::all(photos.dims()[0]);
        self.attribute_rows(model, photos, target, &rows)
    }

    fn attribute_rows(
        &self,
        model: &N::Model,
        photos: Tensor<4>,
        target: Target,
        rows: &Rows,
    ) -> Result<Attribution<Tensor<4>>> {
        let Self { network, method, options } = self;
        rows.check_count(photos.dims()[0])?;
        let map = attribute_layer(&**network, model, *method, options, photos, target)?;
        // Shares are those of the map, which has one channel.
        Ok(map.try_map(Batch::new)?.with_shares(rows, None)?.into_inputs())
    }
}

impl<N> fmt::Debug for LayerOf<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerOf").field("method", &self.method).finish_non_exhaustive()
    }
}
