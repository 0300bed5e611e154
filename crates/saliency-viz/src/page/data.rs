//! The data for the script of a page.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use half::f16;
use saliency_photo::{Frame, Map, Place, Region};
use serde::Serialize;

use super::page_map::PageMap;
use super::sentence::Sentence;
use super::words::ScriptWords;
use crate::color::ColorMap;
use crate::legend::Legend;
use crate::outline::{border, corner};
use crate::places::{MOST, label, to_draw};

/// The longest side of a map on a page. Larger maps are averaged.
pub(super) const MAP_SIDE: usize = 256;

/// The data that the script reads.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    pub(super) words: &'a ScriptWords,
    pub(super) seen: Box4,
    pub(super) palettes: Vec<Palette>,
    /// The palettes that suit unsigned and signed maps.
    pub(super) suited: [Option<usize>; 2],
    #[serde(rename = "layers")]
    pub(super) maps: Vec<MapData<'a>>,
    #[serde(rename = "places")]
    pub(super) outlines: Vec<Outline<'a>>,
}

/// Left, top, width and height as shares of the photo's width and height.
pub(super) type Box4 = [f64; 4];

/// A colour map: 257 colours in Base64, for unsigned and for signed maps.
#[derive(Serialize)]
pub(super) struct Palette {
    unsigned: String,
    signed: String,
}

#[derive(Serialize)]
pub(super) struct MapData<'a> {
    method: String,
    class: &'a str,
    answer: String,
    place: String,
    width: u32,
    height: u32,
    /// Half-precision numbers in Base64, in units of `unit`.
    values: String,
    unit: f64,
    scale: f64,
    signed: bool,
    /// The labels at the ends of the legend.
    least: String,
    most: String,
    /// The lines around regions, if the map is one of regions.
    regions: Option<RegionLines>,
}

/// Lines around the strongest regions of a map, and their shares.
#[derive(Serialize)]
struct RegionLines {
    width: u32,
    height: u32,
    /// The commands of an SVG path. A region is one unit wide and high.
    path: String,
    /// The regions inside, numbered row by row.
    cells: Vec<usize>,
    labels: Vec<RegionLabel>,
}

/// The share of a place, beside its upper left corner.
#[derive(Serialize)]
struct RegionLabel {
    column: u32,
    row: u32,
    text: String,
}

#[derive(Serialize)]
pub(super) struct Outline<'a> {
    pub(super) name: &'a str,
    pub(super) r#box: Box4,
}

impl<'a> MapData<'a> {
    pub(super) fn new(map: &'a PageMap, method: String, sentence: Sentence) -> Self {
        let (scale, signed) = (map.scaled.scale(), map.scaled.map().is_signed());
        let table = ColorMap::suited_to(signed).table(signed);
        let labels = Legend::new(&map.scaled, table).labels();
        // Numbers near 1 lose the least when they are rounded to half precision.
        let small = map.scaled.map().averaged(MAP_SIDE);
        let unit = [scale, small.largest()].into_iter().find(|unit| *unit > 0.0).unwrap_or(1.0);
        Self {
            method,
            class: &map.class,
            answer: sentence.answer,
            place: sentence.place,
            width: small.size().width,
            height: small.size().height,
            values: half_base64(&small, unit),
            unit,
            scale,
            signed,
            least: labels.left,
            most: labels.right,
            regions: map.of_regions.then(|| RegionLines::new(map.scaled.map())),
        }
    }
}

impl Palette {
    /// Returns all colour maps, in the order of [`ColorMap::ALL`].
    pub(super) fn all() -> Vec<Self> {
        let encoded =
            |colors: ColorMap, signed| BASE64_STANDARD.encode(colors.table(signed).concat());
        let palette =
            |colors| Self { unsigned: encoded(colors, false), signed: encoded(colors, true) };
        ColorMap::ALL.map(palette).into()
    }

    /// Returns the number of a colour map in [`Palette::all`].
    pub(super) fn number(colors: ColorMap) -> Option<usize> {
        ColorMap::ALL.iter().position(|it| *it == colors)
    }
}

impl RegionLines {
    fn new(map: &Map) -> Self {
        let size = map.size();
        let units = Region { x: 0, y: 0, width: size.width, height: size.height };
        let places = to_draw(map, MOST);
        let written = |place: &Place| {
            let [column, row] = corner(&place.pixels, size);
            label(place).map(|text| RegionLabel { column, row, text })
        };
        Self {
            width: size.width,
            height: size.height,
            path: places.iter().map(|place| border(&place.pixels, size, units)).collect(),
            labels: places.iter().filter_map(written).collect(),
            cells: places.into_iter().flat_map(|place| place.pixels).collect(),
        }
    }
}

/// Encodes values in half precision, little-endian. Values that are too large become the largest
/// half-precision number.
fn half_base64(map: &Map, unit: f64) -> String {
    let largest = f64::from(f16::MAX);
    let half = |value: &f64| f16::from_f64((value / unit).clamp(-largest, largest));
    let bytes = map.values().iter().flat_map(|value| half(value).to_le_bytes());
    BASE64_STANDARD.encode(bytes.collect::<Vec<u8>>())
}

/// Returns a region as shares of the photo's width and height.
pub(super) fn relative(region: Region, frame: Frame) -> Box4 {
    let [width, height] = [frame.photo.width, frame.photo.height].map(f64::from);
    let [x, wide] = [region.x, region.width].map(|length| f64::from(length) / width);
    let [y, high] = [region.y, region.height].map(|length| f64::from(length) / height);
    [x, y, wide, high]
}
