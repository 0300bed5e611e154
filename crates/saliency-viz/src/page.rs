use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use half::f16;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::color::ColorMap;
use crate::error::{Error, Result};
use crate::map::{Map, Reduce, Scaled};
use crate::picture::Region;
use crate::place::{Found, Place};
use crate::text::{number, percent};

/// One HTML file that shows where a model looked, to people who do not program: no network, nothing
/// to install, from disk.
///
/// The photo with the map over it, sliders for opacity and threshold, a choice of methods and classes,
/// the value under the pointer, and on top a sentence in plain words whose figures are computed:
/// "The model says Egyptian cat (38 %). Half of what made it say so lies in 6 % of the picture: the
/// face." A place is named only where one was marked that holds two thirds of that half or more. Every
/// text is escaped, and a content security policy lets nothing run but the page's own script.
///
/// # Parameters and defaults
/// - colours: [`ColorMap::Inferno`], or [`ColorMap::RedBlue`] for signed maps
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use image::RgbImage;
/// use saliency_viz::{Layer, Map, Page, Reduce, Region};
///
/// let values = Tensor::<4>::from_data([[[[0.0, 3.0], [0.0, 1.0]]]], &Device::flex());
/// let map = Map::of_row(&values, 0, Reduce::default())?.clip(100.0)?;
/// let photo = RgbImage::new(40, 40);
/// let layer = Layer::new("gradient", "tabby", map).predicted_with(0.8);
/// let page = Page::new(&photo, Region::whole(&photo)).with_title("a cat").with_layer(layer);
/// assert!(page.to_html()?.contains(
///     "The model says tabby (80 %). Half of what made it say so lies in 25 % of the picture."
/// ));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Page<'a> {
    photo: &'a RgbImage,
    seen: Region,
    title: String,
    colors: Option<ColorMap>,
    layers: Vec<Layer>,
    places: Vec<Place>,
}

/// A map on a [`Page`]: how one method explains one class.
#[derive(Clone, Debug)]
pub struct Layer {
    method: String,
    class: String,
    map: Scaled,
    probability: Option<f64>,
    predicted: bool,
    notes: Vec<String>,
}

impl Layer {
    /// A map with the names of its method and class.
    pub fn new(method: impl Into<String>, class: impl Into<String>, map: Scaled) -> Self {
        let (method, class) = (method.into(), class.into());
        Self { method, class, map, probability: None, predicted: false, notes: Vec::new() }
    }

    /// The probability, from 0 to 1, that the model gives the class.
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.probability = Some(probability);
        self
    }

    /// The same for the class that the model predicts.
    pub fn predicted_with(mut self, probability: f64) -> Self {
        self.predicted = true;
        self.with_probability(probability)
    }

    /// Adds what is to be said about how sure the map is: an estimated error, a warning.
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// The shortest and the longest that the longer side of a photo on a page is, in pixels.
const PHOTO_SIDES: (u32, u32) = (960, 1400);
/// The longest side of a map on a page; larger ones are averaged.
const MAP_SIDE: usize = 256;

impl<'a> Page<'a> {
    /// A page about a photo of which the model was shown a region.
    pub fn new(photo: &'a RgbImage, seen: Region) -> Self {
        let title = "A picture".to_owned();
        Self { photo, seen, title, colors: None, layers: Vec::new(), places: Vec::new() }
    }

    /// Sets the title, for instance the name of the file.
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the colours.
    pub fn with_colors(mut self, colors: ColorMap) -> Self {
        self.colors = Some(colors);
        self
    }

    /// Adds a map; the first is shown at the beginning.
    pub fn with_layer(mut self, layer: Layer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Adds a marked place.
    pub fn with_place(mut self, place: Place) -> Self {
        self.places.push(place);
        self
    }

    /// The file's text.
    ///
    /// # Errors
    /// [`Error::NoLayers`] without a map, [`Error::Region`], [`Error::Mask`] and [`Error::Aspect`] where
    /// something does not lie in the photo, [`Error::Encode`] where the photo cannot be encoded.
    pub fn to_html(&self) -> Result<String> {
        if self.layers.is_empty() {
            return Err(Error::NoLayers);
        }
        let size @ (width, height) = self.photo.dimensions();
        let (mut rows, mut places, mut layers) = (Vec::new(), Vec::new(), Vec::new());
        self.seen.inside(size)?;
        // Most maps have one size, so that what a place covers is worked out once.
        let mut covered: Vec<Covered> = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let map = layer.map.map();
            self.seen.fitting(map)?;
            let dimensions = map.dimensions();
            if !covered.iter().any(|it| it.dimensions == dimensions) {
                let of = |place: &Place| place.coverage(dimensions, self.seen, size);
                let places = self.places.iter().map(of).collect::<Result<_>>()?;
                covered.push(Covered { dimensions, places });
            }
            let covered = covered.iter().find(|it| it.dimensions == dimensions);
            let covered = &covered.expect("it was just added").places;
            let method = self.method_name(index);
            let sentence = self.sentence(layer, covered);
            for (place, coverage) in self.places.iter().zip(covered) {
                let found = Found::of(map, coverage);
                places.push(PlaceRow {
                    name: place.name(),
                    method: method.clone(),
                    class: &layer.class,
                    share: percent(found.share),
                    area: percent(found.area),
                    peak: if found.peak { "yes" } else { "no" },
                });
            }
            layers.push(self.layer_data(layer, method.clone(), sentence.clone()));
            rows.push(Row {
                method,
                class: &layer.class,
                probability: layer.probability.map_or(String::new(), percent),
                sentence,
                scale: number(layer.map.scale()),
                notes: &layer.notes,
            });
        }
        let share = |region: Region| {
            let [x, width_of] = [region.x, region.width].map(|it| f64::from(it) / f64::from(width));
            let [y, height_of] =
                [region.y, region.height].map(|it| f64::from(it) / f64::from(height));
            [x, y, width_of, height_of]
        };
        let outlines = self.places.iter().flat_map(|place| {
            let name = place.name();
            place.outlines().into_iter().map(move |it| Outline { name, r#box: share(it) })
        });
        let script = include_str!("../templates/page.js");
        let style = include_str!("../templates/page.css");
        let page = Html {
            title: &self.title,
            version: env!("CARGO_PKG_VERSION"),
            seen: (self.seen != Region::whole(self.photo)).then(|| percent(self.seen_share())),
            photo: self.photo_data()?,
            signed: self.layers.iter().any(|layer| layer.map.map().is_signed()),
            coarse: self.layers.iter().any(|layer| layer.map.map().side() > MAP_SIDE),
            data: Data { seen: share(self.seen), layers, places: outlines.collect() },
            script_hash: BASE64_STANDARD.encode(Sha256::digest(script)),
            style_hash: BASE64_STANDARD.encode(Sha256::digest(style)),
            rows,
            places,
            script,
            style,
        };
        page.render().map_err(|error| Error::Encode { reason: error.to_string() })
    }

    /// The share of the photo that the model was shown.
    fn seen_share(&self) -> f64 {
        let area = |(width, height): (u32, u32)| f64::from(width) * f64::from(height);
        area((self.seen.width, self.seen.height)) / area(self.photo.dimensions())
    }

    /// The name of a layer's method, with a number where an earlier layer has the same and its class.
    fn method_name(&self, index: usize) -> String {
        let Layer { method, class, .. } = &self.layers[index];
        let same = |it: &&Layer| it.method == *method && it.class == *class;
        match self.layers[..index].iter().filter(same).count() {
            0 => method.clone(),
            before => format!("{method} ({})", before + 1),
        }
    }

    /// What a map says, in plain words.
    fn sentence(&self, layer: &Layer, covered: &[Vec<f64>]) -> String {
        let Layer { class, map, .. } = layer;
        let map = map.map();
        let probability = layer.probability.map(percent);
        let says = match (&probability, layer.predicted) {
            (Some(probability), true) => format!("The model says {class} ({probability})."),
            (Some(probability), false) => format!("The model gives {class} {probability}."),
            (None, _) => format!("This is about {class}."),
        };
        let reason = match (map.reduce(), layer.predicted) {
            (Reduce::Negative, true) => "spoke against it",
            (Reduce::Negative, false) => "speaks against that",
            (_, true) => "made it say so",
            (_, false) => "speaks for that",
        };
        let Some((area, level)) = map.area_holding(0.5) else {
            return format!("{says} Nothing in the picture {reason}.");
        };
        let area = percent(area * self.seen_share());
        let place = match self.place_of_half(map, level, covered) {
            Some(name) => format!(": {name}"),
            None => String::new(),
        };
        format!("{says} Half of what {reason} lies in {area} of the picture{place}.")
    }

    /// The smallest marked place that holds at least two thirds of what lies at or above a level.
    fn place_of_half(&self, map: &Map, level: f64, covered: &[Vec<f64>]) -> Option<&str> {
        let holds_it = |(_, coverage): &(&Place, &Vec<f64>)| {
            let strong = map.weights().zip(*coverage).filter(|(weight, _)| *weight >= level);
            let (all, inside) = strong.fold((0.0, 0.0), |(all, inside), (weight, covered)| {
                (all + weight, inside + weight * covered)
            });
            inside >= all * 2.0 / 3.0
        };
        let area = |coverage: &[f64]| coverage.iter().sum::<f64>();
        let holding = self.places.iter().zip(covered).filter(holds_it);
        let smallest = holding.min_by(|a, b| area(a.1).total_cmp(&area(b.1)));
        smallest.map(|(place, _)| place.name())
    }

    /// The photo as JPEG, no larger than a screen and no smaller than a hand.
    fn photo_data(&self) -> Result<String> {
        let (width, height) = self.photo.dimensions();
        let longest = width.max(height);
        let side = f64::from(longest.clamp(PHOTO_SIDES.0, PHOTO_SIDES.1));
        let to =
            |length: u32| (f64::from(length) * side / f64::from(longest)).round().max(1.0) as u32;
        let mut bytes = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut bytes, 88);
        let written = resized(self.photo, (to(width), to(height))).write_with_encoder(encoder);
        written.map_err(|error| Error::Encode { reason: error.to_string() })?;
        Ok(BASE64_STANDARD.encode(bytes))
    }

    fn layer_data<'b>(&self, layer: &'b Layer, method: String, sentence: String) -> LayerData<'b> {
        let (map, scale) = (layer.map.map(), layer.map.scale());
        let small = map.averaged(MAP_SIDE);
        let ((width, height), most) = (small.dimensions(), small.most());
        let unit = [scale, most].into_iter().find(|unit| *unit > 0.0).unwrap_or(1.0);
        let largest = f64::from(f16::MAX);
        let half = |value: &f64| f16::from_f64((value / unit).clamp(-largest, largest));
        let bytes = small.values().iter().flat_map(|value| half(value).to_le_bytes());
        let bytes: Vec<u8> = bytes.collect();
        let signed = map.is_signed();
        let beyond = |sign| if layer.map.is_clipped() { sign } else { "" };
        LayerData {
            method,
            class: &layer.class,
            sentence,
            width,
            height,
            values: BASE64_STANDARD.encode(bytes),
            unit,
            scale,
            signed,
            least: match signed {
                true => format!("{}{}", beyond("≤ "), number(-scale)),
                false => "0".to_owned(),
            },
            most: format!("{}{}", beyond("≥ "), number(scale)),
            colors: BASE64_STANDARD.encode(ColorMap::table_of(map, self.colors).concat()),
        }
    }
}

/// The photo at another size.
fn resized(photo: &RgbImage, (width, height): (u32, u32)) -> RgbImage {
    let from = ImageRef::new(photo.width(), photo.height(), photo, PixelType::U8x3);
    let mut to = Image::new(width, height, PixelType::U8x3);
    let linear = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let from = from.expect("as many bytes as pixels");
    Resizer::new().resize(&from, &mut to, &linear).expect("both have pixels");
    RgbImage::from_raw(width, height, to.into_vec()).expect("as many bytes as pixels")
}

/// How far each place covers the pixels of a map of some size.
struct Covered {
    dimensions: (usize, usize),
    places: Vec<Vec<f64>>,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Html<'a> {
    title: &'a str,
    version: &'a str,
    /// The share of the photo that the model was shown, where that is not all.
    seen: Option<String>,
    photo: String,
    rows: Vec<Row<'a>>,
    places: Vec<PlaceRow<'a>>,
    signed: bool,
    coarse: bool,
    data: Data<'a>,
    script: &'a str,
    style: &'a str,
    script_hash: String,
    style_hash: String,
}

struct Row<'a> {
    method: String,
    class: &'a str,
    probability: String,
    sentence: String,
    scale: String,
    notes: &'a [String],
}

struct PlaceRow<'a> {
    name: &'a str,
    method: String,
    class: &'a str,
    share: String,
    area: String,
    peak: &'a str,
}

/// What the script reads. Boxes are left, top, width and height as shares of the photo's.
#[derive(Serialize)]
struct Data<'a> {
    seen: [f64; 4],
    layers: Vec<LayerData<'a>>,
    places: Vec<Outline<'a>>,
}

#[derive(Serialize)]
struct LayerData<'a> {
    method: String,
    class: &'a str,
    sentence: String,
    width: usize,
    height: usize,
    /// Half-precision numbers, in units of `unit`.
    values: String,
    unit: f64,
    scale: f64,
    signed: bool,
    /// What the ends of the colours stand for.
    least: String,
    most: String,
    colors: String,
}

#[derive(Serialize)]
struct Outline<'a> {
    name: &'a str,
    r#box: [f64; 4],
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reduce;
    use burn::tensor::{Device, Tensor, TensorData};

    const SEEN: Region = Region { x: 20, y: 0, width: 40, height: 40 };

    fn layer(values: [[f32; 2]; 2], reduce: Reduce) -> Layer {
        let values = Tensor::<4>::from_data([[values]], &Device::flex());
        let map = Map::of_row(&values, 0, reduce).unwrap().clip(100.0).unwrap();
        Layer::new("gradient", "tabby", map)
    }

    fn sentence(page: &Page) -> String {
        let layer = &page.layers[0];
        let of =
            |place: &Place| place.coverage(layer.map.map().dimensions(), SEEN, (80, 40)).unwrap();
        page.sentence(layer, &page.places.iter().map(of).collect::<Vec<_>>())
    }

    #[test]
    fn the_sentence_is_computed() {
        let photo = RgbImage::new(80, 40);
        let page = |layer: Layer| Page::new(&photo, SEEN).with_layer(layer);
        let values = [[6.0, -1.0], [2.0, 2.0]];
        let predicted = page(layer(values, Reduce::Sum).predicted_with(0.384));
        // One quarter of the half of the photo that the model was shown.
        let said =
            "The model says tabby (38 %). Half of what made it say so lies in 12 % of the picture";
        assert_eq!(sentence(&predicted), format!("{said}."));
        let region = |x, y| Region { x, y, width: 20, height: 20 };
        let other = Place::boxes("the tail", [region(40, 20)]);
        let face = Place::boxes("the face", [region(20, 0)]);
        assert_eq!(sentence(&predicted.clone().with_place(other.clone())), format!("{said}."));
        // The smallest that holds most of it, and not whatever holds all.
        let all = Place::boxes("all", [SEEN]);
        let every = predicted.with_place(all).with_place(other).with_place(face);
        assert_eq!(sentence(&every), format!("{said}: the face."));
        let against = page(layer(values, Reduce::Negative).predicted_with(0.384));
        let said = "The model says tabby (38 %). Half of what spoke against it lies in 12 % of the picture.";
        assert_eq!(sentence(&against), said);

        let asked = page(layer(values, Reduce::Sum).with_probability(0.004));
        let said = "The model gives tabby 0.4 %. Half of what speaks for that lies in 12 % of the picture.";
        assert_eq!(sentence(&asked), said);
        let nothing = page(layer([[-1.0; 2]; 2], Reduce::Sum));
        assert_eq!(
            sentence(&nothing),
            "This is about tabby. Nothing in the picture speaks for that."
        );
    }

    #[test]
    fn names_with_markup_in_them_are_text() {
        let photo = RgbImage::new(40, 40);
        let hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
        let mut layer = layer([[1.0, 0.0], [0.0, 0.0]], Reduce::Max).with_note(hostile);
        (layer.method, layer.class) = (hostile.to_owned(), hostile.to_owned());
        let whole = Region::whole(&photo);
        let page = Page::new(&photo, whole).with_title(hostile).with_layer(layer);
        let html = page.with_place(Place::boxes(hostile, [whole])).to_html().unwrap();
        assert!(!html.contains("<script>alert") && !html.contains("<img src=x"));
        assert_eq!(html.matches("</script>").count(), 2);
    }

    #[test]
    fn a_page_of_twelve_large_maps_stays_small() {
        // Noise: the worst that can be compressed.
        let noise = |x: u32, y: u32| (x.wrapping_mul(2654435761) ^ y.wrapping_mul(40503)) as u8;
        let photo = RgbImage::from_fn(1400, 1400, |x, y| image::Rgb([noise(x, y); 3]));
        let values: Vec<f32> = (0..512 * 512u32).map(|at| f32::from(noise(at, 7))).collect();
        let values =
            Tensor::<4>::from_data(TensorData::new(values, [1, 1, 512, 512]), &Device::flex());
        let map = Map::of_row(&values, 0, Reduce::Sum).unwrap().clip(99.0).unwrap();
        let mut page = Page::new(&photo, Region::whole(&photo));
        for number in 0..12 {
            page = page.with_layer(Layer::new(format!("method {number}"), "class", map.clone()));
        }
        let html = page.to_html().unwrap();
        println!("{} bytes", html.len());
        assert!(html.len() < 5_000_000, "{}", html.len());
        assert!(html.contains("are shown here as averages"));
    }

    #[test]
    fn a_page_without_maps_or_outside_its_photo_is_an_error() {
        let photo = RgbImage::new(40, 40);
        let page = Page::new(&photo, Region::whole(&photo));
        assert!(matches!(page.to_html(), Err(Error::NoLayers)));
        let layer = layer([[1.0; 2]; 2], Reduce::Sum);
        let outside = Page::new(&photo, SEEN).with_layer(layer.clone()).to_html();
        assert!(matches!(outside, Err(Error::Region { .. })));
        let flat = Region { x: 0, y: 0, width: 40, height: 10 };
        let flat = Page::new(&photo, flat).with_layer(layer).to_html();
        assert!(matches!(flat, Err(Error::Aspect { .. })));
    }
}
