//! The fonts that letters are drawn with. One font is part of this crate, so that a picture is the
//! same on every machine. The fonts of the machine are used for characters that this font lacks.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use resvg::usvg::fontdb::{Database, FaceInfo, ID, Style, Weight};
use ttf_parser::Face;

/// Latin, Greek and Cyrillic.
pub(crate) const ROBOTO: &[u8] = include_bytes!("../data/Roboto-Regular.ttf");

/// Only the font of this crate.
static SHIPPED: LazyLock<Fonts> = LazyLock::new(|| Fonts::new(&[ROBOTO]));
/// The font of this crate, then the fonts of the machine. Finding the fonts of the machine takes
/// time, so this is done only if they are needed.
static OF_MACHINE: LazyLock<Fonts> = LazyLock::new(|| {
    let mut database = database(&[ROBOTO]);
    database.load_system_fonts();
    Fonts::of(database)
});

/// Some fonts, and the characters that were looked up in them.
#[derive(Debug)]
pub(crate) struct Fonts {
    database: Arc<Database>,
    /// All faces, in the order in which they are searched for a character.
    faces: Vec<ID>,
    /// The characters that were looked up so far.
    known: Mutex<HashMap<char, Option<Glyph>>>,
}

/// A character in the first font that has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glyph {
    pub(crate) face: ID,
    /// Its width, relative to the size of letters.
    pub(crate) width: f64,
}

impl Fonts {
    /// Returns the fonts for a text or a drawing. The fonts of the machine are used only if the
    /// font of this crate lacks a character.
    pub(crate) fn suited_to(text: &str) -> &'static Self {
        let lacking = |c: char| !c.is_ascii() && SHIPPED.glyph(c).is_none();
        if text.chars().any(lacking) { &OF_MACHINE } else { &SHIPPED }
    }

    /// Takes fonts from files that are in memory.
    pub(crate) fn new(files: &[&[u8]]) -> Self {
        Self::of(database(files))
    }

    /// Sorts faces: the first one stays the first, and upright ones of usual weight come before
    /// slanted and bold ones.
    fn of(database: Database) -> Self {
        let mut faces: Vec<&FaceInfo> = database.faces().collect();
        let unusual = |face: &FaceInfo| {
            (face.style != Style::Normal, face.weight.0.abs_diff(Weight::NORMAL.0))
        };
        faces.get_mut(1..).unwrap_or_default().sort_by_key(|face| unusual(face));
        let faces = faces.into_iter().map(|face| face.id).collect();
        Self { database: Arc::new(database), faces, known: Mutex::default() }
    }

    /// Returns the fonts, for drawing.
    pub(crate) fn database(&self) -> Arc<Database> {
        self.database.clone()
    }

    /// Returns a character in the first font that has it.
    pub(crate) fn glyph(&self, c: char) -> Option<Glyph> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        *known.entry(c).or_insert_with(|| self.faces.iter().find_map(|face| self.look_up(*face, c)))
    }

    fn look_up(&self, face: ID, c: char) -> Option<Glyph> {
        let width = |data: &[u8], index: u32| {
            let face = Face::parse(data, index).ok()?;
            let advance = face.glyph_hor_advance(face.glyph_index(c)?).unwrap_or(0);
            Some(f64::from(advance) / f64::from(face.units_per_em()))
        };
        let width = self.database.with_face_data(face, width)??;
        Some(Glyph { face, width })
    }
}

/// Makes a database of fonts that are in memory. The first one is the default.
fn database(files: &[&[u8]]) -> Database {
    let mut database = Database::new();
    for file in files {
        database.load_font_data(file.to_vec());
    }
    database.set_sans_serif_family("Roboto");
    database
}
