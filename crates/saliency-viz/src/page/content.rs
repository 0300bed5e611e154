//! The data for the template of a page and for its script.

use askama::Template;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use half::f16;
use saliency_photo::{Coverage, Frame, Map, Region};
use serde::Serialize;

use super::page_map::PageMap;
use crate::color::ColorMap;
use crate::legend::Legend;
use crate::text::number;
use saliency_photo::percent;

/// The longest side of a map on a page. Larger maps are averaged.
pub(super) const MAP_SIDE: usize = 256;

/// The page.
#[derive(Template)]
#[template(path = "page.html")]
pub(super) struct Html<'a> {
    pub(super) title: &'a str,
    pub(super) version: &'a str,
    /// The share of the photo that the model was shown, unless that is the whole photo.
    pub(super) seen: Option<String>,
    /// A JPEG in Base64.
    pub(super) photo: String,
    pub(super) rows: Vec<MapRow<'a>>,
    pub(super) places: Vec<AreaRow<'a>>,
    pub(super) signed: bool,
    /// Whether a map is larger than the averaged map that the page shows.
    pub(super) coarse: bool,
    pub(super) data: Data<'a>,
    pub(super) script: &'a str,
    pub(super) style: &'a str,
    pub(super) script_hash: String,
    pub(super) style_hash: String,
}

/// A row of the table of maps.
pub(super) struct MapRow<'a> {
    method: String,
    class: &'a str,
    probability: String,
    sentence: String,
    scale: String,
    verdict: &'a str,
    notes: &'a [String],
}

/// A row of the table of marked areas.
pub(super) struct AreaRow<'a> {
    name: &'a str,
    method: String,
    class: &'a str,
    share: String,
    area: String,
    peak: &'static str,
}

/// The data that the script reads.
#[derive(Serialize)]
pub(super) struct Data<'a> {
    pub(super) seen: Box4,
    #[serde(rename = "layers")]
    pub(super) maps: Vec<MapData<'a>>,
    #[serde(rename = "places")]
    pub(super) outlines: Vec<Outline<'a>>,
}

/// Left, top, width and height as shares of the photo's width and height.
pub(super) type Box4 = [f64; 4];

#[derive(Serialize)]
pub(super) struct MapData<'a> {
    method: String,
    class: &'a str,
    sentence: String,
    verdict: &'a str,
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
    colors: String,
}

#[derive(Serialize)]
pub(super) struct Outline<'a> {
    pub(super) name: &'a str,
    pub(super) r#box: Box4,
}

impl<'a> MapRow<'a> {
    pub(super) fn new(map: &'a PageMap, method: &str, sentence: &str) -> Self {
        Self {
            method: method.to_owned(),
            class: &map.class,
            probability: map.probability.map_or(String::new(), percent),
            sentence: sentence.to_owned(),
            scale: number(map.scaled.scale()),
            verdict: &map.verdict,
            notes: &map.notes,
        }
    }
}

impl<'a> AreaRow<'a> {
    pub(super) fn new(name: &'a str, map: &'a PageMap, method: &str, coverage: Coverage) -> Self {
        Self {
            name,
            method: method.to_owned(),
            class: &map.class,
            share: percent(coverage.share),
            area: percent(coverage.area),
            peak: if coverage.peak { "yes" } else { "no" },
        }
    }
}

impl<'a> MapData<'a> {
    pub(super) fn new(
        map: &'a PageMap,
        method: String,
        sentence: String,
        colors: Option<ColorMap>,
    ) -> Self {
        let (scale, signed) = (map.scaled.scale(), map.scaled.map().is_signed());
        let table = colors.unwrap_or(ColorMap::suited_to(signed)).table(signed);
        let labels = Legend::new(&map.scaled, table).labels();
        // Numbers near 1 lose the least when they are rounded to half precision.
        let small = map.scaled.map().averaged(MAP_SIDE);
        let unit = [scale, small.largest()].into_iter().find(|unit| *unit > 0.0).unwrap_or(1.0);
        Self {
            method,
            class: &map.class,
            sentence,
            verdict: &map.verdict,
            width: small.size().width,
            height: small.size().height,
            values: half_base64(&small, unit),
            unit,
            scale,
            signed,
            least: labels.left,
            most: labels.right,
            colors: BASE64_STANDARD.encode(table.concat()),
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
