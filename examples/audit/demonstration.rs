//! Photos for a try: cut from the two that ship, and three in which something is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;
use image::imageops::{FilterType, crop_imm, flip_horizontal, overlay, resize};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rand_distr::{Distribution as _, Uniform};
use saliency::photo::Region;
use saliency::viz::{write_file, write_picture};
use saliency_examples::audit::write_boxes;
use saliency_models::photos;

use crate::Result;

/// Eyes and nose of the cat.
const FACE: Region = Region { x: 135, y: 85, width: 210, height: 180 };
const CATS: usize = 7;
const CUPS: usize = 3;
/// Where the small cat covers a part of the cup's photo.
const CORNERS: [(u32, u32); 3] = [(110, 10), (110, 250), (290, 250)];

/// Writes the photos and the boxes around the cat's face into a folder; where they are.
pub fn write(out: &Path) -> Result<(PathBuf, PathBuf)> {
    let folder = out.join("photos");
    let (cat, cup) = (photos::chelsea(), photos::coffee());
    let mut random = ChaCha8Rng::seed_from_u64(0);
    let mut between = |low: u32, high: u32| {
        Uniform::new_inclusive(low, high).expect("an interval").sample(&mut random)
    };
    let mut boxes = Vec::new();
    let mut write = |name: &str, photo: &RgbImage, face: Option<Region>| -> Result<()> {
        write_picture(folder.join(name), photo)?;
        boxes.extend(face.map(|face| (name.to_owned(), "face", face)));
        Ok(())
    };
    for number in 1..=CATS {
        let (width, height) = (between(290, cat.width()), between(220, cat.height()));
        // The whole face stays in.
        let mut start = |face: u32, face_end: u32, length: u32, all: u32| {
            between(face_end.saturating_sub(length), face.min(all - length))
        };
        let x = start(FACE.x, FACE.x + FACE.width, width, cat.width());
        let y = start(FACE.y, FACE.y + FACE.height, height, cat.height());
        let part = crop_imm(&cat, x, y, width, height).to_image();
        let face = Region { x: FACE.x - x, y: FACE.y - y, ..FACE };
        write(&format!("cat-{number}.jpg"), &part, Some(face))?;
        let mirrored = Region { x: width - face.x - face.width, ..face };
        let name = format!("cat-{number}-mirrored.jpg");
        write(&name, &flip_horizontal(&part), Some(mirrored))?;
    }
    for number in 1..=CUPS {
        let (width, height) = (between(400, cup.width()), between(320, cup.height()));
        let (x, y) = (between(0, cup.width() - width), between(0, cup.height() - height));
        let part = crop_imm(&cup, x, y, width, height).to_image();
        write(&format!("cup-{number}.jpg"), &part, None)?;
        write(&format!("cup-{number}-mirrored.jpg"), &flip_horizontal(&part), None)?;
    }
    // Filed as a cat, but the cup is larger.
    let small = resize(&cat, cat.width() * 2 / 5, cat.height() * 2 / 5, FilterType::Triangle);
    for (number, (x, y)) in (1..).zip(CORNERS) {
        let mut both = cup.clone();
        overlay(&mut both, &small, x.into(), y.into());
        let [left, top, width, height] =
            [FACE.x, FACE.y, FACE.width, FACE.height].map(|length| length * 2 / 5);
        let face = Region { x: x + left, y: y + top, width, height };
        write(&format!("cat-with-cup-{number}.jpg"), &both, Some(face))?;
    }
    // Cut off, as by a full memory card.
    let whole = fs::read(folder.join("cup-1.jpg"))?;
    write_file(folder.join("cut-off.jpg"), &whole[..whole.len() / 2])?;

    let path = out.join("boxes.csv");
    write_boxes(&path, &boxes)?;
    Ok((folder, path))
}
