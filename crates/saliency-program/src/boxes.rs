//! Boxes around parts of a photo, as they are given on the command line.

use std::str::FromStr;

use saliency::photo::{MarkedArea, Region};

/// A box with a name, written as `NAME=X,Y,WIDTH,HEIGHT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedBox {
    /// The name of what is inside.
    pub name: String,
    /// The box, in pixels of the photo.
    pub region: Region,
}

impl FromStr for NamedBox {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected NAME=X,Y,WIDTH,HEIGHT in whole pixels, found {text}");
        let (name, numbers) = text.rsplit_once('=').ok_or_else(wrong)?;
        let numbers: Result<Vec<u32>, _> = numbers.split(',').map(|it| it.trim().parse()).collect();
        match numbers.as_deref() {
            Ok(&[x, y, width, height]) if !name.is_empty() => {
                Ok(Self { name: name.to_owned(), region: Region { x, y, width, height } })
            }
            _ => Err(wrong()),
        }
    }
}

/// Joins the boxes of each name to one area, in the order of the names.
pub fn areas(boxes: &[NamedBox]) -> Vec<MarkedArea> {
    let mut names: Vec<&str> = Vec::new();
    for NamedBox { name, .. } in boxes {
        if !names.contains(&&name[..]) {
            names.push(name);
        }
    }
    let area = |name: &str| {
        let own = boxes.iter().filter(|it| it.name == name).map(|it| it.region);
        MarkedArea::boxes(name, own)
    };
    names.into_iter().map(area).collect()
}
