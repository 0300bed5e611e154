//! The tokens of a vision transformer as a grid of places.

use burn::tensor::Tensor;

use crate::error::{Error, Result};

/// The tokens of a transformer, of which all but the first few stand for places of a picture.
///
/// Methods that explain height and width, such as Grad-CAM, need a grid. [`split`](Self::split)
/// makes one, and [`join`](Self::join) makes tokens of it again. A model that is cut between two
/// blocks returns the grid from [`before`](crate::Cut::before), with the other tokens as
/// [`Fixed`](crate::Fixed): they are not places, and get no map.
///
/// # Shapes
/// Tokens `[rows, tokens, channels]`; a grid `[rows, channels, height, width]`, row by row from the
/// top.
///
/// # Errors
/// [`Error::TokenGrid`] if there are more or fewer tokens than places and leading tokens.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Distribution, Tensor};
/// use saliency_core::TokenGrid;
///
/// // A class token, and 2 x 3 places.
/// let grid = TokenGrid::new(2, 3).with_leading(1);
/// let tokens = Tensor::<3>::random([1, 7, 5], Distribution::Default, &Device::flex());
/// let (class, places) = grid.split(tokens.clone())?;
/// assert_eq!((class.dims(), places.dims()), ([1, 1, 5], [1, 5, 2, 3]));
/// assert_eq!(grid.join(class, places)?.into_data(), tokens.into_data());
/// # Ok::<(), saliency_core::Error>(())
/// ```
///
/// A cut in a transformer:
/// ```
/// use burn::module::Module;
/// use burn::nn::{Linear, LinearConfig};
/// use burn::tensor::activation::gelu;
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::methods::GradCam;
/// use saliency_core::{Cut, Explainer, Fixed, Model, Split, TokenGrid};
///
/// #[derive(Module, Debug)]
/// struct Net {
///     block: Linear,
///     head: Linear,
/// }
///
/// /// The point behind the block.
/// struct Block;
///
/// const GRID: TokenGrid = TokenGrid::new(2, 2).with_leading(1);
///
/// impl Cut<Tensor<3>, Block> for Net {
///     type Activation = (Tensor<4>, Fixed<Tensor<3>>);
///
///     fn before(&self, tokens: Tensor<3>) -> Self::Activation {
///         let tokens = gelu(self.block.forward(tokens));
///         let (class, grid) = GRID.split(tokens).expect("five tokens");
///         (grid, Fixed(class))
///     }
///
///     fn after(&self, (grid, Fixed(class)): Self::Activation) -> Tensor<2> {
///         let tokens = GRID.join(class, grid).expect("five tokens");
///         self.head.forward(tokens.mean_dim(1).squeeze_dim::<2>(1))
///     }
/// }
///
/// impl Model<Tensor<3>> for Net {
///     fn forward(&self, tokens: Tensor<3>) -> Tensor<2> {
///         self.after(self.before(tokens))
///     }
/// }
///
/// let device = Device::flex();
/// let net = Net {
///     block: LinearConfig::new(8, 8).init(&device),
///     head: LinearConfig::new(8, 3).init(&device),
/// };
/// let split = Split::at(&net, Block);
/// let activation = split.before(Tensor::ones([1, 5, 8], &device));
/// let (map, _) = GradCam::new().attribute(split.after(), activation)?.values;
/// assert_eq!(map.dims(), [1, 8, 2, 2]);
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TokenGrid {
    height: usize,
    width: usize,
    leading: usize,
}

impl TokenGrid {
    /// Returns a grid of height times width tokens, without other tokens.
    pub const fn new(height: usize, width: usize) -> Self {
        Self { height, width, leading: 0 }
    }

    /// Sets the number of tokens before those of the grid: class, distillation and register tokens.
    #[must_use]
    pub const fn with_leading(mut self, leading: usize) -> Self {
        self.leading = leading;
        self
    }

    /// Splits tokens into the leading ones, `[rows, leading, channels]`, and the grid.
    ///
    /// # Errors
    /// [`Error::TokenGrid`].
    pub fn split(&self, tokens: Tensor<3>) -> Result<(Tensor<3>, Tensor<4>)> {
        let [rows, found, channels] = tokens.dims();
        self.check(found)?;
        let places = tokens.clone().narrow(1, self.leading, self.height * self.width);
        let grid = places.swap_dims(1, 2).reshape([rows, channels, self.height, self.width]);
        let leading = if self.leading == 0 {
            Tensor::zeros([rows, 0, channels], (&tokens.device(), tokens.dtype()))
        } else {
            tokens.narrow(1, 0, self.leading)
        };
        Ok((leading, grid))
    }

    /// Returns the grid alone: for maps of tokens that were explained as they are.
    ///
    /// # Errors
    /// [`Error::TokenGrid`].
    pub fn places(&self, tokens: Tensor<3>) -> Result<Tensor<4>> {
        Ok(self.split(tokens)?.1)
    }

    /// Joins what [`split`](Self::split) returned.
    ///
    /// # Errors
    /// [`Error::TokenGrid`].
    pub fn join(&self, leading: Tensor<3>, grid: Tensor<4>) -> Result<Tensor<3>> {
        let [rows, channels, height, width] = grid.dims();
        self.check(leading.dims()[1] + height * width)?;
        let places = grid.reshape([rows, channels, height * width]).swap_dims(1, 2);
        Ok(if self.leading == 0 { places } else { Tensor::cat(vec![leading, places], 1) })
    }

    fn check(&self, found: usize) -> Result<()> {
        let Self { height, width, leading } = *self;
        if found == leading + height * width && found > leading {
            return Ok(());
        }
        Err(Error::TokenGrid { height, width, leading, found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn tokens_fill_the_grid_row_by_row() {
        let tokens = Tensor::<1>::from_data([9.0, 1.0, 2.0, 3.0, 4.0], &Device::flex());
        let grid = TokenGrid::new(2, 2).with_leading(1);
        let (class, places) = grid.split(tokens.reshape([1, 5, 1])).unwrap();
        assert_eq!(class.try_into_vec_as::<f32>().unwrap(), [9.0]);
        assert_eq!(places.try_into_vec_as::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn a_grid_without_leading_tokens_is_all_tokens() {
        let tokens = Tensor::<3>::ones([2, 4, 3], &Device::flex());
        let grid = TokenGrid::new(1, 4);
        let (class, places) = grid.split(tokens.clone()).unwrap();
        assert_eq!((class.dims(), places.dims()), ([2, 0, 3], [2, 3, 1, 4]));
        assert_eq!(grid.join(class, places).unwrap().dims(), tokens.dims());
    }

    #[test]
    fn another_number_of_tokens_is_refused() {
        let error = TokenGrid::new(2, 2).places(Tensor::ones([1, 5, 3], &Device::flex()));
        let said = error.unwrap_err().to_string();
        assert!(said.contains("2 x 2") && said.contains("with_leading(1)"), "{said}");
        let error =
            TokenGrid::new(3, 3).with_leading(1).places(Tensor::ones([1, 5, 3], &Device::flex()));
        let said = error.unwrap_err().to_string();
        assert!(said.contains("found 5") && !said.contains("with_leading"), "{said}");
        let error = TokenGrid::new(0, 2).places(Tensor::ones([1, 1, 3], &Device::flex()));
        assert!(matches!(error, Err(Error::TokenGrid { .. })));
    }
}
