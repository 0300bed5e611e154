//! The model that is audited, and the facts about it that the audit needs.

use std::fmt;

use burn::tensor::{Device, Tensor};
use image::RgbImage;
use saliency_photo::{ClassNames, Fit, Layout, Map, Preparation, Reduce, Region, Result, Size};

/// Turns a photo into the input of a model.
///
/// [`Preparation`] implements this trait. For another preparation, implement the trait, or call
/// [`photo_input`] with two closures.
pub trait PhotoInput {
    /// Returns the input of one photo, `[1, channels, height, width]`. The inputs of all photos of
    /// an audit have the same shape.
    fn tensor(&self, photo: &RgbImage, device: &Device) -> Tensor<4>;

    /// Returns the part of the photo that the input shows. It has the aspect ratio of the input,
    /// unless [`map`](Self::map) makes stretched maps.
    fn region(&self, photo: &RgbImage) -> Region;

    /// Returns the map of one row of attributions of the input of a photo of the given size. The map
    /// covers the [region](Self::region) of that photo. Default: [`Map::of_row`].
    ///
    /// # Errors
    /// Those of [`Map::of_row`].
    fn map(
        &self,
        _photo: Size,
        attributions: &Tensor<4>,
        row: usize,
        reduction: Reduce,
    ) -> Result<Map> {
        Map::of_row(attributions, row, reduction)
    }

    /// Returns why an audit cannot work with these inputs. Default: `None`, it can.
    fn objection(&self) -> Option<String> {
        None
    }

    /// Returns a text that changes whenever the same photo would give a different input. Photos are
    /// explained again if the text differs from that of an earlier audit.
    fn fingerprint(&self) -> String;
}

/// Makes a [`PhotoInput`] from a fingerprint and two closures. The first closure returns the input
/// of a photo, and the second returns the part of the photo that the input shows.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor, TensorData};
/// use image::RgbImage;
/// use saliency_audit::{PhotoInput, photo_input};
/// use saliency_photo::{Preparation, Region};
///
/// // The whole photo, 8 x 8 pixels, values from 0 to 1.
/// let tensor = |photo: &RgbImage, device: &Device| {
///     let small = image::imageops::thumbnail(photo, 8, 8);
///     let channel = |at: usize| small.pixels().map(move |it| f32::from(it.0[at]) / 255.0);
///     let values: Vec<f32> = (0..3).flat_map(channel).collect();
///     Tensor::from_data(TensorData::new(values, [1, 3, 8, 8]), device)
/// };
/// let input = photo_input("8 x 8, from 0 to 1", tensor, Region::whole);
/// let photo = RgbImage::new(40, 40);
/// assert_eq!(input.tensor(&photo, &Device::flex()).dims(), [1, 3, 8, 8]);
/// assert_eq!(input.region(&photo).width, 40);
/// ```
pub fn photo_input(
    fingerprint: impl Into<String>,
    tensor: impl Fn(&RgbImage, &Device) -> Tensor<4> + 'static,
    region: impl Fn(&RgbImage) -> Region + 'static,
) -> impl PhotoInput {
    Closures { fingerprint: fingerprint.into(), tensor, region }
}

impl PhotoInput for Preparation {
    fn tensor(&self, photo: &RgbImage, device: &Device) -> Tensor<4> {
        self.tensor(photo, device)
    }

    fn region(&self, photo: &RgbImage) -> Region {
        self.region(photo)
    }

    fn map(
        &self,
        photo: Size,
        attributions: &Tensor<4>,
        row: usize,
        reduction: Reduce,
    ) -> Result<Map> {
        self.placement(photo).map(attributions, row, reduction)
    }

    /// An audit covers cells of the input, which are places of the photo only if the photo fills it.
    fn objection(&self) -> Option<String> {
        if let Err(error) = self.check() {
            return Some(error.to_string());
        }
        if self.layout() == Layout::ChannelsLast {
            return Some("the channels come last; give the model its channels first".to_owned());
        }
        let may_pad = matches!(self.fit(), Fit::Letterbox(_) | Fit::ShorterSide(_));
        // The longest photos in either direction are those that leave most of an input empty.
        let shapes = [(1, 1), (1, 10_000), (10_000, 1)];
        let pads = may_pad && shapes.iter().any(|it| !self.placement(*it).fills_input());
        pads.then(|| {
            "photos do not fill the input; stretch them or cut out their centre instead".to_owned()
        })
    }

    fn fingerprint(&self) -> String {
        format!("{self:?}")
    }
}

struct Closures<T, R> {
    fingerprint: String,
    tensor: T,
    region: R,
}

impl<T, R> PhotoInput for Closures<T, R>
where
    T: Fn(&RgbImage, &Device) -> Tensor<4>,
    R: Fn(&RgbImage) -> Region,
{
    fn tensor(&self, photo: &RgbImage, device: &Device) -> Tensor<4> {
        (self.tensor)(photo, device)
    }

    fn region(&self, photo: &RgbImage) -> Region {
        (self.region)(photo)
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }
}

/// The model that is audited, and the facts about it that the audit needs.
pub struct Subject<M> {
    pub(crate) description: String,
    pub(crate) weights: String,
    pub(crate) model: Box<dyn Fn(&Device) -> M>,
    pub(crate) input: Box<dyn PhotoInput>,
    pub(crate) classes: ClassNames,
    pub(crate) bytes_per_photo: Option<u64>,
}

impl<M> Subject<M> {
    /// Describes a model: `model` puts it on a device, and `input` turns a photo into its input.
    ///
    /// `description` says in a few words which model it is, for the page. `weights` is a text that
    /// changes whenever the weights change, such as a [digest](crate::digest) of their file. If it
    /// changes, photos are explained again.
    ///
    /// Classes are numbered unless [names](Self::with_classes) are given.
    pub fn new(
        description: impl Into<String>,
        weights: impl Into<String>,
        model: impl Fn(&Device) -> M + 'static,
        input: impl PhotoInput + 'static,
    ) -> Self {
        Self {
            description: description.into(),
            weights: weights.into(),
            model: Box::new(model),
            input: Box::new(input),
            classes: ClassNames::default(),
            bytes_per_photo: None,
        }
    }

    /// Names the classes. Default: "class 0", "class 1" and so on.
    #[must_use]
    pub fn with_classes(mut self, classes: ClassNames) -> Self {
        self.classes = classes;
        self
    }

    /// Sets the number of bytes that one photo takes with all activations of the model. The audit
    /// then explains only as many photos at the same time as fit into a device's memory. Default:
    /// unknown, without a limit.
    #[must_use]
    pub fn with_bytes_per_photo(mut self, bytes: u64) -> Self {
        self.bytes_per_photo = Some(bytes);
        self
    }
}

impl<M> fmt::Debug for Subject<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("description", &self.description)
            .field("weights", &self.weights)
            .field("input", &self.input.fingerprint())
            .field("classes", &self.classes)
            .field("bytes_per_photo", &self.bytes_per_photo)
            .finish_non_exhaustive()
    }
}
