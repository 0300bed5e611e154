use saliency_photo::ScaledMap;

use crate::color::Table;
use crate::text::number;

/// The colours of a map with their attributions, drawn as a bar below a picture.
///
/// [`Picture::legend`](crate::Picture::legend) returns a legend, and
/// [`Tile::with_legend`](crate::Tile::with_legend) adds it to a picture.
#[derive(Clone, Debug)]
pub struct Legend {
    table: Table,
    scale: f64,
    signed: bool,
    clipped: bool,
}

/// The texts at the left end, in the middle and at the right end of a legend.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Labels {
    pub(crate) left: String,
    pub(crate) middle: Option<String>,
    pub(crate) right: String,
}

impl Legend {
    /// Creates the legend of a map that is drawn in the given colours.
    pub(crate) fn new(map: &ScaledMap, table: Table) -> Self {
        let (scale, signed) = (map.scale(), map.map().is_signed());
        Self { table, scale, signed, clipped: map.is_clipped() }
    }

    /// Returns the colours, from the left to the right.
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// Returns the labels. If values are clipped, the labels at the ends say so with "≤" and "≥".
    pub(crate) fn labels(&self) -> Labels {
        let [below, above] = if self.clipped { ["≤ ", "≥ "] } else { [""; 2] };
        let zero = "0".to_owned();
        let right = format!("{above}{}", number(self.scale));
        if self.signed {
            let left = format!("{below}{}", number(-self.scale));
            Labels { left, middle: Some(zero), right }
        } else {
            Labels { left: zero, middle: None, right }
        }
    }
}
