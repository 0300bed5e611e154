//! Photos of a list of files, one after the other.

use std::path::{Path, PathBuf};
use std::time::Instant;

use image::RgbImage;
use saliency::photo::read_photo;
use saliency_models::photos;
use serde::Serialize;

use crate::Result;
use crate::file_names::FileNames;
use crate::output::{answer, say_aside, time_left};
use crate::program::{Stopped, UnusableArguments, blamed, is_stopped};

/// A photo with its name.
#[derive(Clone, Copy, Debug)]
pub struct NamedPhoto<'a> {
    /// The beginning of the names of its files.
    pub name: &'a str,
    /// The photo's file; none for the photo that ships.
    pub path: Option<&'a Path>,
    /// The photo.
    pub pixels: &'a RgbImage,
}

/// A photo that could not be explained. A line of JSON.
#[derive(Clone, Debug, Serialize)]
struct PhotoError<'a> {
    photo: &'a Path,
    error: String,
}

/// Reads photos, and does something with each. Without any, takes the one that ships.
///
/// One bad photo does not keep the others from being read. With `json`, it becomes a line on stdout.
///
/// # Errors
/// An error if something went wrong with a photo, [`Stopped`] if a person ended the program.
pub fn each(
    photos: &[PathBuf],
    json: bool,
    mut explain: impl FnMut(&NamedPhoto<'_>) -> Result<()>,
) -> Result<()> {
    if photos.is_empty() {
        let pixels = &photos::chelsea();
        return explain(&NamedPhoto { name: "chelsea", path: None, pixels }).map_err(blamed);
    }
    let all = photos.len();
    let mut names = FileNames::default();
    let mut failed = 0;
    let start = Instant::now();
    for (at, path) in photos.iter().enumerate() {
        if is_stopped() {
            return Err(Stopped::new(at, all, "photos").into());
        }
        let name = names.unused(path);
        if all > 1 {
            let (number, left) = (at + 1, time_left(start, at, all));
            say_aside(format_args!("photo {number} of {all}: {}, as {name}{left}", path.display()));
        }
        let photo = read_photo(path).map_err(Into::into);
        let explained = photo.and_then(|pixels| {
            explain(&NamedPhoto { name: &name, path: Some(path), pixels: &pixels })
        });
        if let Err(error) = explained {
            // A bad photo does not stop the others. A bad option does.
            let error = blamed(error);
            let ends_all = error.is::<UnusableArguments>();
            if json && !ends_all {
                let line = PhotoError { photo: path, error: error.to_string() };
                answer(serde_json::to_string(&line)?)?;
            }
            if all == 1 || ends_all {
                return Err(error);
            }
            say_aside(format_args!("error: {name}: {error}"));
            failed += 1;
        }
    }
    if failed > 0 {
        let error =
            format!("expected to explain {all} photos, found {failed} that could not be explained");
        return Err(error.into());
    }
    Ok(())
}
