mod pictures;
mod sentence;

use askama::Template as _;
use image::RgbImage;
use saliency_photo::{Map, Reduce, Size, percent};

use self::pictures::{Drawn, legend_png, within_bounds};
use self::sentence::sentence;
use crate::color::ColorMap;
use crate::encoded::policy_hash;
use crate::error::{Error, Result};
use crate::legend::Legend;

const SCRIPT: &str = include_str!("../../templates/slices.js");
const STYLE: &str = include_str!("../../templates/slices.css");

/// Full colour begins where values up to it hold this share of the total, as on other pages.
const HELD_BELOW_FULL_COLOUR: f64 = 0.9;

/// A page shows at most this many slices. Of more, it shows every second, every third, and so on.
const MOST_SLICES: usize = 200;

/// One HTML file that shows the slices of a volume, or the frames of a video, with their maps, and a
/// slider to go through them. It opens from disk, and needs neither a network connection nor any
/// installation.
///
/// - A sentence says in which slices the map is strongest: "The model says lesion (93 %). Half of
///   what made it say so lies in 3 of 40 slices: 17 to 19, most of all in 18."
/// - The slider begins at the strongest slice. It works by mouse, touch and keys. Without JavaScript
///   all slices stand one below the other.
/// - All maps share one scale of colours, so that slices can be compared.
/// - Bars above the slider show the share of the map that each slice holds: of what speaks for the
///   class, if the map is signed. A table has the numbers.
///
/// The file has at most about 8 megabytes: pictures are made smaller until they fit. Of more than
/// 200 slices, only every second, third and so on is shown. The page says both.
///
/// # Parameters and defaults
/// - title: "A volume" or "A video"
/// - colours: [`ColorMap::Inferno`], or [`ColorMap::RedBlue`] for signed maps
/// - numbers of slices: from 1
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_photo::{Map, Reduce, slice_pictures};
/// use saliency_viz::SlicePage;
///
/// // One row of one channel, two slices of 2 x 2 voxels.
/// let shape = [1, 1, 2, 2, 2];
/// let volume = Tensor::<1>::from_data([0., 1., 2., 3., 4., 5., 6., 7.], &Device::flex());
/// let values = Tensor::<1>::from_data([0., 0., 1., 0., 0., 9., 0., 0.], &Device::flex());
/// let maps = Map::of_slices(&values.reshape(shape), 0, Reduce::Sum)?;
/// let pictures = slice_pictures(&volume.reshape(shape), 0)?;
/// let page = SlicePage::volume("lesion", pictures, maps).with_prediction(0.93);
/// assert!(page.to_html()?.contains(
///     "The model says lesion (93 %). Half of what made it say so lies in 1 of 2 slices: 2."
/// ));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SlicePage {
    class: String,
    pictures: Vec<RgbImage>,
    maps: Vec<Map>,
    kind: Kind,
    title: Option<String>,
    method: Option<String>,
    prediction: Option<f64>,
    colors: Option<ColorMap>,
    notes: Vec<String>,
}

/// Of what there are slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Volume,
    Video,
}

impl Kind {
    /// Returns the words for the whole, and for a part of it.
    fn words(self) -> KindWords {
        match self {
            Self::Volume => KindWords { whole: "volume", part: "slice", parts: "slices" },
            Self::Video => KindWords { whole: "video", part: "frame", parts: "frames" },
        }
    }
}

/// The words for a volume or a video.
#[derive(Clone, Copy, Debug)]
struct KindWords {
    whole: &'static str,
    part: &'static str,
    parts: &'static str,
}

/// The page.
#[derive(askama::Template)]
#[template(path = "slices.html")]
struct Html<'a> {
    words: KindWords,
    title: &'a str,
    version: &'a str,
    sentence: String,
    /// The method, and what the colours mean.
    about: String,
    /// Of what slices hold shares.
    share_of: &'static str,
    slices: Vec<SliceHtml>,
    /// The position in `slices` of the one that is shown first.
    first: usize,
    /// Says that slices are left out or made smaller.
    reduced: Vec<String>,
    notes: &'a [String],
    least: String,
    middle: Option<String>,
    most: String,
    legend: String,
    script: &'a str,
    style: &'a str,
    script_hash: String,
    style_hash: String,
}

/// A slice on the page.
struct SliceHtml {
    number: usize,
    share: String,
    /// The share of the strongest slice's share, in percent: the height of the bar.
    bar: u32,
    picture: String,
    overlay: String,
}

impl SlicePage {
    /// Creates a page about the slices of a volume: for each slice a picture and the map of `class`.
    pub fn volume(class: impl Into<String>, pictures: Vec<RgbImage>, maps: Vec<Map>) -> Self {
        Self::new(class.into(), pictures, maps, Kind::Volume)
    }

    /// Creates a page about the frames of a video: for each frame a picture and the map of `class`.
    pub fn video(class: impl Into<String>, pictures: Vec<RgbImage>, maps: Vec<Map>) -> Self {
        Self::new(class.into(), pictures, maps, Kind::Video)
    }

    fn new(class: String, pictures: Vec<RgbImage>, maps: Vec<Map>, kind: Kind) -> Self {
        let (title, method, prediction, colors) = (None, None, None, None);
        let notes = Vec::new();
        Self { class, pictures, maps, kind, title, method, prediction, colors, notes }
    }

    /// Sets the title, for instance the name of the file.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the name of the method.
    #[must_use]
    pub fn with_method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Says that the model predicts the class, and with which probability.
    #[must_use]
    pub fn with_prediction(mut self, probability: f64) -> Self {
        self.prediction = Some(probability);
        self
    }

    /// Sets the colours.
    #[must_use]
    pub fn with_colors(mut self, colors: ColorMap) -> Self {
        self.colors = Some(colors);
        self
    }

    /// Adds a sentence below the slices, such as the error of the map.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Returns the content of the HTML file.
    ///
    /// # Errors
    /// [`Error::NoMaps`] without slices, [`Error::Slices`] unless there is one map for each picture,
    /// [`Error::UnlikeSlice`] if slices differ in size or in the reduction of their maps,
    /// [`Error::Photo`] if a picture has no pixels or maps have another aspect ratio than pictures,
    /// [`Error::Encode`] if a picture cannot be encoded.
    pub fn to_html(&self) -> Result<String> {
        self.check()?;
        let words = self.kind.words();
        let strengths: Vec<f64> = self.maps.iter().map(|map| map.positive_values().sum()).collect();
        let strongest = strongest(&strengths);
        let step = self.maps.len().div_ceil(MOST_SLICES);
        // Every so many slices, the strongest among them.
        let shown: Vec<usize> = (strongest % step..self.maps.len()).step_by(step).collect();
        let reduction = self.maps[0].reduction();
        let maps: Vec<&Map> = self.maps.iter().collect();
        let scale = Map::shared_scale(&maps, HELD_BELOW_FULL_COLOUR)?;
        let colors = self.colors.unwrap_or(ColorMap::suited_to(reduction == Reduce::Sum));
        let table = colors.table(reduction == Reduce::Sum);
        // The whole map is scaled, so that the labels say whether any slice has values beyond.
        let scaled = self.maps.iter().map(|map| Ok(map.with_scale(scale)?));
        let scaled = scaled.collect::<Result<Vec<_>>>()?;
        let labels = scaled.iter().find(|map| map.is_clipped()).unwrap_or(&scaled[0]);
        let labels = Legend::new(labels, table).labels();
        let slices: Vec<_> =
            shown.iter().map(|&slice| (&self.pictures[slice], &scaled[slice])).collect();
        let drawn = within_bounds(&slices, colors)?;
        let total = strengths.iter().sum::<f64>();
        let share = |slice: usize| if total > 0.0 { strengths[slice] / total } else { 0.0 };
        let bar = |slice: usize| match share(strongest) {
            0.0 => 0,
            most => (100.0 * share(slice) / most).round() as u32,
        };
        let reduced = self.reduced(shown.len(), step, &drawn);
        let html = |(&slice, drawn): (&usize, pictures::Encoded)| SliceHtml {
            number: slice + 1,
            share: percent(share(slice)),
            bar: bar(slice),
            picture: drawn.picture,
            overlay: drawn.overlay,
        };
        let untitled = format!("A {}", words.whole);
        let page = Html {
            words,
            title: self.title.as_deref().unwrap_or(&untitled),
            version: env!("CARGO_PKG_VERSION"),
            sentence: sentence(&self.class, self.prediction, reduction, words, &strengths),
            about: self.about(reduction),
            share_of: share_of(reduction),
            first: shown.iter().position(|slice| *slice == strongest).expect("shown"),
            slices: shown.iter().zip(drawn.slices).map(html).collect(),
            reduced,
            notes: &self.notes,
            least: labels.left,
            middle: labels.middle,
            most: labels.right,
            legend: legend_png(&table)?,
            script_hash: policy_hash(SCRIPT),
            style_hash: policy_hash(STYLE),
            script: SCRIPT,
            style: STYLE,
        };
        page.render().map_err(Error::encode)
    }

    /// Refuses slices that do not fit together.
    fn check(&self) -> Result<()> {
        let (pictures, maps) = (self.pictures.len(), self.maps.len());
        if pictures != maps {
            return Err(Error::Slices { pictures, maps });
        }
        let Some((picture, map)) = self.pictures.first().zip(self.maps.first()) else {
            return Err(Error::NoMaps);
        };
        let of = |picture: &RgbImage, map: &Map| (Size::of(picture), map.size(), map.reduction());
        let expected = of(picture, map);
        let mut slices = self.pictures.iter().zip(&self.maps);
        match slices.position(|(picture, map)| of(picture, map) != expected) {
            None => Ok(()),
            Some(slice) => Err(Error::UnlikeSlice { slice }),
        }
    }

    /// Says by which method the map was made, and what its colours mean.
    fn about(&self, reduction: Reduce) -> String {
        let colors = match (reduction, self.colors) {
            (Reduce::Sum, None | Some(ColorMap::RedBlue)) => {
                "What is red spoke for the answer, and what is blue against it"
            }
            (Reduce::Sum, Some(_)) => {
                "One end of the colours spoke for the answer, and the other against it"
            }
            (Reduce::Negative, _) => "What is bright spoke against the answer",
            _ => "What is bright mattered for the answer",
        };
        let parts = self.kind.words().parts;
        let method = self.method.as_ref().map_or(String::new(), |method| format!("{method}. "));
        format!("{method}{colors}. All {parts} share one scale.")
    }

    /// Says that slices are left out, or that their pictures are smaller than they were.
    fn reduced(&self, shown: usize, step: usize, drawn: &Drawn) -> Vec<String> {
        let KindWords { part, parts, .. } = self.kind.words();
        let mut reduced = Vec::new();
        if step > 1 {
            let all = self.maps.len();
            reduced.push(format!(
                "Of {all} {parts}, this page shows {shown}: one of every {step}. The sentence and \
                 the shares count all of them."
            ));
        }
        let longer = self.pictures[0].width().max(self.pictures[0].height());
        if drawn.longer_side < longer {
            reduced.push(format!(
                "Each {part} is shown with {} pixels on its longer side instead of {longer}, to keep \
                 the file small.",
                drawn.longer_side
            ));
        }
        reduced
    }
}

/// Says of what slices hold shares.
fn share_of(reduction: Reduce) -> &'static str {
    match reduction {
        Reduce::Sum | Reduce::Positive => "of what speaks for the answer",
        Reduce::Negative => "of what speaks against the answer",
        _ => "of the map",
    }
}

/// Returns the strongest slice: the first, if several are equally strong.
fn strongest(strengths: &[f64]) -> usize {
    let better = |best: usize, at: usize| if strengths[at] > strengths[best] { at } else { best };
    (0..strengths.len()).reduce(better).expect("at least one slice")
}

#[cfg(test)]
mod tests;
