mod content;
mod data;
mod page_map;
mod page_test;
mod photo;
mod sentence;
mod words;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use askama::Template as _;
use saliency_photo::{Footprint, MarkedArea, Size, View, percent};

use self::content::{AreaRow, Html, MapRow, PaletteOption, TestBlock};
use self::data::{Data, MAP_SIDE, MapData, Outline, Palette, relative};
pub use self::page_map::PageMap;
pub use self::page_test::{Outcome, PageTest, Trial, Trials};
use self::photo::photo_base64;
use self::sentence::{Marked, Sentence};
use self::words::{ENGLISH, Words, filled};
use crate::color::ColorMap;
use crate::encoded::policy_hash;
use crate::error::{Error, Result};

const SCRIPT: &str = include_str!("../../templates/page.js");
const STYLE: &str = include_str!("../../templates/page.css");
/// The words of every page.
const WORDS: &Words = &ENGLISH;

/// One HTML file that shows people who do not program which parts of a photo led to a model's
/// decision. It opens from disk, and needs neither a network connection nor any installation.
///
/// The first screen says what the model answered, where it looked, whether that was tested, and how
/// sure all of it is:
///
/// - a sentence in plain words with computed figures: "The model says Egyptian cat (38 %). Half of
///   what made it say so lies in 6 % of the picture: the face." It names a marked area only if the
///   area holds two thirds of that half or more.
/// - the photo. For a map [of regions](PageMap::with_regions) it has lines around the strongest
///   places, with their shares. For other maps the photo is grey with the map over it.
/// - the result of a [test](PageMap::with_test), with three small pictures and what the model
///   answers for each.
///
/// Below are sliders for opacity and threshold, a choice of methods and classes, the value under the
/// pointer, and tables of everything. Every text is escaped, and a content security policy allows
/// only the page's own script to run. All words of the page itself are in one file, `words.rs`.
///
/// # Parameters and defaults
/// - title: "A picture"
/// - colours: [`ColorMap::Inferno`], or [`ColorMap::RedBlue`] for signed maps
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use image::RgbImage;
/// use saliency_photo::{Map, Reduce, View};
/// use saliency_viz::{Page, PageMap};
///
/// let values = Tensor::<4>::from_data([[[[0.0, 3.0], [0.0, 1.0]]]], &Device::flex());
/// let map = Map::of_row(&values, 0, Reduce::default())?.clip_beyond(1.0)?;
/// let photo = RgbImage::new(40, 40);
/// let map = PageMap::new("gradient", "tabby", map).with_prediction(0.8);
/// let page = Page::new(View::whole(&photo)).with_title("a cat").with_map(map);
/// assert!(page.to_html()?.contains(
///     "The model says tabby (80 %). Half of what made it say so lies in 25 % of the picture."
/// ));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Page<'a> {
    view: View<'a>,
    title: String,
    colors: Option<ColorMap>,
    maps: Vec<PageMap>,
    areas: Vec<MarkedArea>,
}

/// The parts of a page that each map has.
#[derive(Default)]
struct Parts<'a> {
    rows: Vec<MapRow<'a>>,
    areas: Vec<AreaRow<'a>>,
    maps: Vec<MapData<'a>>,
    tests: Vec<TestBlock<'a>>,
    sentences: Vec<Sentence>,
}

impl<'a> Page<'a> {
    /// Creates a page about a photo and the region of it that the model was shown.
    pub fn new(view: View<'a>) -> Self {
        let title = WORDS.untitled.to_owned();
        Self { view, title, colors: None, maps: Vec::new(), areas: Vec::new() }
    }

    /// Sets the title, for instance the name of the file.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Sets the colours with which the page begins. People can choose others.
    #[must_use]
    pub fn with_colors(mut self, colors: ColorMap) -> Self {
        self.colors = Some(colors);
        self
    }

    /// Adds a map. The first one is shown at the beginning.
    #[must_use]
    pub fn with_map(mut self, map: PageMap) -> Self {
        self.maps.push(map);
        self
    }

    /// Adds a marked area.
    #[must_use]
    pub fn with_marked_area(mut self, area: MarkedArea) -> Self {
        self.areas.push(area);
        self
    }

    /// Returns the content of the HTML file.
    ///
    /// # Errors
    /// [`Error::NoMaps`] without a map, [`Error::Photo`] if a region or a marked area is not in the
    /// photo, a map does not fit its region or a small picture has no pixels, [`Error::Encode`] if a
    /// picture cannot be encoded.
    pub fn to_html(&self) -> Result<String> {
        if self.maps.is_empty() {
            return Err(Error::NoMaps);
        }
        let frame = self.view.frame();
        frame.check()?;
        let Parts { rows, areas, maps, tests, sentences } = self.parts()?;
        let seen = percent(frame.region_share());
        let page = Html {
            words: WORDS,
            title: &self.title,
            page_title: filled(WORDS.title, &[("title", &self.title)]),
            photo_name: filled(WORDS.picture.photo, &[("title", &self.title)]),
            version: env!("CARGO_PKG_VERSION"),
            seen: (!self.view.is_whole()).then(|| filled(WORDS.picture.seen, &[("share", &seen)])),
            photo: photo_base64(self.view.photo)?,
            sentence: &sentences[0],
            tests,
            rows,
            places: areas,
            signed: self.maps.iter().any(|it| it.scaled.map().is_signed()),
            first_has_regions: self.maps[0].of_regions,
            has_regions: self.maps.iter().any(|it| it.of_regions),
            palettes: PaletteOption::all(WORDS, self.colors),
            coarse: self.maps.iter().any(|it| it.scaled.map().longer_side() > MAP_SIDE),
            data: Data {
                words: &WORDS.script,
                seen: relative(frame.region, frame),
                palettes: Palette::all(),
                suited: [false, true].map(|signed| Palette::number(ColorMap::suited_to(signed))),
                maps,
                outlines: self.outlines(),
            },
            script_hash: policy_hash(SCRIPT),
            style_hash: policy_hash(STYLE),
            script: SCRIPT,
            style: STYLE,
        };
        page.render().map_err(Error::encode)
    }

    /// Makes the parts of the page that each map has.
    fn parts(&self) -> Result<Parts<'_>> {
        let frame = self.view.frame();
        // Most maps have the same size, so the footprints of the marked areas are computed once per
        // size.
        let mut footprints: HashMap<Size, Vec<Footprint>> = HashMap::new();
        let mut parts = Parts::default();
        for (index, page_map) in self.maps.iter().enumerate() {
            let map = page_map.scaled.map();
            frame.check_map(map)?;
            let footprints = match footprints.entry(map.size()) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(self.footprints(map.size())?),
            };
            let method = self.method_name(index);
            let sentence = self.sentence(page_map, footprints);
            for (area, footprint) in self.areas.iter().zip(&*footprints) {
                let coverage = footprint.coverage_of(map);
                let row = AreaRow::new(area.name(), page_map, &method, coverage, WORDS);
                parts.areas.push(row);
            }
            parts.rows.push(MapRow::new(page_map, &method, &sentence));
            parts.tests.push(TestBlock::new(page_map, WORDS)?);
            parts.maps.push(MapData::new(page_map, method, sentence.clone()));
            parts.sentences.push(sentence);
        }
        Ok(parts)
    }

    /// Writes the sentence about a map, given the footprints of the marked areas.
    fn sentence(&self, map: &PageMap, footprints: &[Footprint]) -> Sentence {
        let region_share = self.view.frame().region_share();
        Sentence::new(map, &self.marked(footprints), region_share, &WORDS.sentence)
    }

    /// Computes the share of each pixel that each marked area covers, for maps of the given size.
    fn footprints(&self, size: Size) -> Result<Vec<Footprint>> {
        let footprints = self.areas.iter().map(|area| area.footprint(size, self.view));
        Ok(footprints.collect::<saliency_photo::Result<_>>()?)
    }

    /// Joins each marked area with its footprint.
    fn marked<'b>(&'b self, footprints: &'b [Footprint]) -> Vec<Marked<'b>> {
        let pairs = self.areas.iter().zip(footprints);
        pairs.map(|(area, footprint)| Marked { area, footprint }).collect()
    }

    /// Returns the boxes that the page draws around marked areas.
    fn outlines(&self) -> Vec<Outline<'_>> {
        let mut outlines = Vec::new();
        for area in &self.areas {
            for region in area.outlines() {
                let r#box = relative(region, self.view.frame());
                outlines.push(Outline { name: area.name(), r#box });
            }
        }
        outlines
    }

    /// Returns the name of a map's method, with a number if an earlier map has the same method and
    /// class.
    fn method_name(&self, index: usize) -> String {
        let PageMap { method, class, .. } = &self.maps[index];
        let same = |it: &&PageMap| it.method == *method && it.class == *class;
        match self.maps[..index].iter().filter(same).count() {
            0 => method.clone(),
            before => format!("{method} ({})", before + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Tensor, TensorData};
    use image::RgbImage;
    use saliency_photo::{Error as PhotoError, Map, Reduce, Region};

    const SEEN: Region = Region { x: 20, y: 0, width: 40, height: 40 };

    fn map(values: [[f32; 2]; 2], reduce: Reduce) -> PageMap {
        let values = Tensor::<4>::from_data([[values]], &Device::flex());
        let map = Map::of_row(&values, 0, reduce).unwrap().clip_beyond(1.0).unwrap();
        PageMap::new("gradient", "tabby", map)
    }

    fn sentence(page: &Page) -> String {
        let map = &page.maps[0];
        let footprints = page.footprints(map.scaled.map().size()).unwrap();
        page.sentence(map, &footprints).to_string()
    }

    #[test]
    fn the_sentence_is_computed() {
        let photo = RgbImage::new(80, 40);
        let page = |map: PageMap| Page::new(View::new(&photo, SEEN)).with_map(map);
        let values = [[6.0, -1.0], [2.0, 2.0]];
        let predicted = page(map(values, Reduce::Sum).with_prediction(0.384));
        // The model was shown half of the photo. A quarter of that half is 12 % of the picture.
        let said =
            "The model says tabby (38 %). Half of what made it say so lies in 12 % of the picture";
        assert_eq!(sentence(&predicted), format!("{said}."));
        let region = |x, y| Region { x, y, width: 20, height: 20 };
        let other = MarkedArea::boxes("the tail", [region(40, 20)]);
        let face = MarkedArea::boxes("the face", [region(20, 0)]);
        assert_eq!(
            sentence(&predicted.clone().with_marked_area(other.clone())),
            format!("{said}.")
        );
        // The sentence names the smallest area that holds most of it, not an area that holds all of
        // it.
        let all = MarkedArea::boxes("all", [SEEN]);
        let every = predicted.with_marked_area(all).with_marked_area(other).with_marked_area(face);
        assert_eq!(sentence(&every), format!("{said}: the face."));
        let against = page(map(values, Reduce::Negative).with_prediction(0.384));
        let said = "The model says tabby (38 %). Half of what spoke against it lies in 12 % of the picture.";
        assert_eq!(sentence(&against), said);

        let asked = page(map(values, Reduce::Sum).with_probability(0.004));
        let said = "The model gives tabby 0.4 %. Half of what speaks for that lies in 12 % of the picture.";
        assert_eq!(sentence(&asked), said);
        let nothing = page(map([[-1.0; 2]; 2], Reduce::Sum));
        assert_eq!(
            sentence(&nothing),
            "This is about tabby. Nothing in the picture speaks for that."
        );
    }

    #[test]
    fn the_sentence_counts_regions_and_places() {
        let photo = RgbImage::new(80, 40);
        let said = |values: &[f32]| {
            let values = Tensor::<1>::from_data(values, &Device::flex());
            let values = values.reshape([1, 1, 14, 14]);
            let map = Map::of_row(&values, 0, Reduce::Sum).unwrap().clip_beyond(1.0).unwrap();
            let map = PageMap::new("regions", "tabby", map).with_prediction(0.4).with_regions();
            let page = Page::new(View::new(&photo, SEEN)).with_map(map);
            let said = sentence(&page);
            let start = "The model says tabby (40 %). Half of what made it say so lies in ";
            said.strip_prefix(start).expect(&said).to_owned()
        };
        let mut values = vec![0.0; 14 * 14];
        values[0] = 4.0;
        assert_eq!(said(&values), "1 of 196 regions (0.3 % of the picture), in one place.");
        // Regions that touch at a corner are one place.
        (values[15], values[42], values[195]) = (4.0, 3.0, 3.0);
        assert_eq!(said(&values), "2 of 196 regions (0.5 % of the picture), in one place.");
        values[195] = 5.0;
        assert_eq!(said(&values), "2 of 196 regions (0.5 % of the picture), in two places.");
        // Every second region of every second row: 49, of which none touches another.
        let mut values: Vec<f32> =
            (0..14 * 14).map(|at| f32::from(at % 2 == 0 && at / 14 % 2 == 0)).collect();
        assert_eq!(said(&values), "25 of 196 regions (6.4 % of the picture), in 25 places.");
        // Small places are not counted if large ones hold most.
        values[0] = 10.0;
        assert_eq!(said(&values), "20 of 196 regions (5.1 % of the picture), in 20 places.");
        values[0] = 30.0;
        let most = "10 of 196 regions (2.6 % of the picture), most of it in one place.";
        assert_eq!(said(&values), most);
    }

    #[test]
    fn names_with_markup_in_them_are_text() {
        let photo = RgbImage::new(40, 40);
        let hostile = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&";
        let mut map = map([[1.0, 0.0], [0.0, 0.0]], Reduce::Max).with_note(hostile);
        (map.method, map.class) = (hostile.to_owned(), hostile.to_owned());
        let trial = || Trial::new(RgbImage::new(8, 8), [hostile, hostile]);
        let trials = Trials { shown: trial(), covered: trial(), elsewhere: trial() };
        let map = map.with_test(PageTest::new(Outcome::Unsure, hostile).with_trials(trials));
        let whole = Region::whole(&photo);
        let page = Page::new(View::new(&photo, whole)).with_title(hostile).with_map(map);
        let html = page.with_marked_area(MarkedArea::boxes(hostile, [whole])).to_html().unwrap();
        assert!(!html.contains("<script>alert") && !html.contains("<img src=x"));
        assert_eq!(html.matches("</script>").count(), 2);
    }

    #[test]
    fn a_page_of_twelve_large_maps_stays_small() {
        // Noise, which is the hardest to compress.
        let noise = |x: u32, y: u32| (x.wrapping_mul(2654435761) ^ y.wrapping_mul(40503)) as u8;
        let photo = RgbImage::from_fn(1400, 1400, |x, y| image::Rgb([noise(x, y); 3]));
        let values: Vec<f32> = (0..512 * 512u32).map(|at| f32::from(noise(at, 7))).collect();
        let values =
            Tensor::<4>::from_data(TensorData::new(values, [1, 1, 512, 512]), &Device::flex());
        let map = Map::of_row(&values, 0, Reduce::Sum).unwrap().clip_beyond(0.9).unwrap();
        let mut page = Page::new(View::whole(&photo));
        for number in 0..12 {
            page = page.with_map(PageMap::new(format!("method {number}"), "class", map.clone()));
        }
        let html = page.to_html().unwrap();
        println!("{} bytes", html.len());
        assert!(html.len() < 5_000_000, "{}", html.len());
        assert!(html.contains("are shown here as averages"));
    }

    #[test]
    fn a_page_without_maps_or_outside_its_photo_is_an_error() {
        let photo = RgbImage::new(40, 40);
        let page = Page::new(View::whole(&photo));
        assert!(matches!(page.to_html(), Err(Error::NoMaps)));
        let map = map([[1.0; 2]; 2], Reduce::Sum);
        let outside = Page::new(View::new(&photo, SEEN)).with_map(map.clone()).to_html();
        assert!(matches!(outside, Err(Error::Photo(PhotoError::Region { .. }))));
        let trial = |side| Trial::new(RgbImage::new(side, side), ["tabby 80 %"]);
        let trials = Trials { shown: trial(8), covered: trial(8), elsewhere: trial(0) };
        let test = PageTest::new(Outcome::Confirmed, "Confirmed.").with_trials(trials);
        let empty = Page::new(View::whole(&photo)).with_map(map.clone().with_test(test)).to_html();
        assert!(matches!(empty, Err(Error::Photo(PhotoError::Region { .. }))));
        let flat = Region { x: 0, y: 0, width: 40, height: 10 };
        let flat = Page::new(View::new(&photo, flat)).with_map(map).to_html();
        assert!(matches!(flat, Err(Error::Photo(PhotoError::Aspect { .. }))));
    }
}
