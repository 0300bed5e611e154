//! Photos for a demonstration. They are cut from the two photos that are part of the library. In
//! three of them something is wrong.

use std::fs;
use std::path::{Path, PathBuf};

use image::RgbImage;
use image::imageops::{FilterType, crop_imm, flip_horizontal, overlay, resize};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng as _;
use rand_distr::{Distribution as _, Uniform};
use saliency::photo::Region;
use saliency::viz::{write_file, write_picture};
use saliency_audit::{PhotoBox, write_boxes};
use saliency_models::photos;
use saliency_program::Result;

/// Eyes and nose of the cat.
const FACE: Region = Region { x: 135, y: 85, width: 210, height: 180 };
const CATS: usize = 7;
const CUPS: usize = 3;
/// The position of the small cat in the cup's photo.
const CORNERS: [(u32, u32); 3] = [(110, 10), (110, 250), (290, 250)];

/// The photos of a demonstration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demonstration {
    /// The folder of photos.
    pub folder: PathBuf,
    /// The file of boxes around the cat's face.
    pub boxes: PathBuf,
}

/// Writes photos of cats and cups into `out/photos`, and the boxes around the cat's face into
/// `out/boxes.csv`.
///
/// # Errors
/// An error if a file cannot be written.
pub fn write(out: &Path) -> Result<Demonstration> {
    let mut writer = Writer {
        folder: out.join("photos"),
        boxes: Vec::new(),
        random: ChaCha8Rng::seed_from_u64(0),
    };
    let (cat, cup) = (photos::chelsea(), photos::coffee());
    writer.write_cats(&cat)?;
    writer.write_cups(&cup)?;
    writer.write_cats_with_cups(&cat, &cup)?;
    // A file that is cut off, for instance because a memory card was full.
    let whole = fs::read(writer.folder.join("cup-1.jpg"))?;
    write_file(writer.folder.join("cut-off.jpg"), &whole[..whole.len() / 2])?;

    let boxes = out.join("boxes.csv");
    write_boxes(&boxes, &writer.boxes)?;
    Ok(Demonstration { folder: writer.folder, boxes })
}

/// Writes photos, and collects the boxes in them.
struct Writer {
    folder: PathBuf,
    boxes: Vec<PhotoBox>,
    random: ChaCha8Rng,
}

impl Writer {
    /// Draws a random number. Both ends of the range are included.
    fn between(&mut self, low: u32, high: u32) -> u32 {
        let interval = Uniform::new_inclusive(low, high).expect("an interval");
        interval.sample(&mut self.random)
    }

    /// Writes a photo, with a box around the cat's face if there is one.
    fn write(&mut self, file: &str, photo: &RgbImage, face: Option<Region>) -> Result<()> {
        write_picture(self.folder.join(file), photo)?;
        let named = |region| PhotoBox { file: file.to_owned(), name: "face".to_owned(), region };
        self.boxes.extend(face.map(named));
        Ok(())
    }

    /// Cuts parts that contain the whole face from the cat's photo, and mirrors each part.
    fn write_cats(&mut self, cat: &RgbImage) -> Result<()> {
        for number in 1..=CATS {
            let width = self.between(290, cat.width());
            let height = self.between(220, cat.height());
            let start = |face: u32, face_length: u32, length: u32, all: u32| {
                let (first, last) = ((face + face_length).saturating_sub(length), all - length);
                (first, face.min(last))
            };
            let (first, last) = start(FACE.x, FACE.width, width, cat.width());
            let x = self.between(first, last);
            let (first, last) = start(FACE.y, FACE.height, height, cat.height());
            let y = self.between(first, last);
            let part = crop_imm(cat, x, y, width, height).to_image();
            let face = Region { x: FACE.x - x, y: FACE.y - y, ..FACE };
            self.write(&format!("cat-{number}.jpg"), &part, Some(face))?;
            let mirrored = Region { x: width - face.x - face.width, ..face };
            let file = format!("cat-{number}-mirrored.jpg");
            self.write(&file, &flip_horizontal(&part), Some(mirrored))?;
        }
        Ok(())
    }

    /// Cuts parts from the cup's photo, and mirrors each part.
    fn write_cups(&mut self, cup: &RgbImage) -> Result<()> {
        for number in 1..=CUPS {
            let width = self.between(400, cup.width());
            let height = self.between(320, cup.height());
            let x = self.between(0, cup.width() - width);
            let y = self.between(0, cup.height() - height);
            let part = crop_imm(cup, x, y, width, height).to_image();
            self.write(&format!("cup-{number}.jpg"), &part, None)?;
            self.write(&format!("cup-{number}-mirrored.jpg"), &flip_horizontal(&part), None)?;
        }
        Ok(())
    }

    /// Lays a small cat over the cup's photo. The name says that it is a cat, but the cup is
    /// larger.
    fn write_cats_with_cups(&mut self, cat: &RgbImage, cup: &RgbImage) -> Result<()> {
        let small = |length: u32| length * 2 / 5;
        let (width, height) = (small(cat.width()), small(cat.height()));
        let small_cat = resize(cat, width, height, FilterType::Triangle);
        for (number, (x, y)) in (1..).zip(CORNERS) {
            let mut both = cup.clone();
            overlay(&mut both, &small_cat, x.into(), y.into());
            let face = Region {
                x: x + small(FACE.x),
                y: y + small(FACE.y),
                width: small(FACE.width),
                height: small(FACE.height),
            };
            self.write(&format!("cat-with-cup-{number}.jpg"), &both, Some(face))?;
        }
        Ok(())
    }
}
