//! The stages of an audit that ask the model: photos are explained, and then some are covered.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use burn::tensor::Tensor;
use saliency_backends::Backend;
use saliency_core::Model;

use crate::boxes::{Boxes, Drawing};
use crate::cover::Coverable;
use crate::digest;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::explain::{Auditor, Explained, Photo};
use crate::folder::PhotoFile;
use crate::groups::{self, Place};
use crate::parts::Parts;
use crate::recipe::Recipe;
use crate::row::Row;
use crate::subject::Subject;

/// The stages of one audit. The devices are opened when a stage needs them.
pub(crate) struct Stages<'a, M> {
    subject: &'a Subject<M>,
    recipe: &'a Recipe<M>,
    /// None for the preferred device.
    devices: &'a [Backend],
    watcher: Watcher<'a>,
    parts: &'a Parts,
    auditor: OnceCell<Auditor<'a, M>>,
}

/// The person who watches the audit, and who may stop it.
#[derive(Clone, Copy)]
pub(crate) struct Watcher<'a> {
    pub observer: &'a dyn Fn(&Event),
    pub is_stopped: &'a dyn Fn() -> bool,
}

impl Watcher<'_> {
    fn report(&self, event: &Event) {
        (self.observer)(event);
    }

    /// Returns an error if the audit is to stop after `done` of `all` photos of a stage.
    fn check(&self, done: usize, all: usize) -> Result<()> {
        if (self.is_stopped)() { Err(Error::Stopped { done, all }) } else { Ok(()) }
    }
}

/// A photo that is to be explained.
pub(crate) struct Waiting<'a> {
    pub photo: &'a PhotoFile,
    pub boxes: Option<&'a Drawing>,
    pub fingerprint: String,
}

/// The photos of the folder, and those of them that are covered.
pub(crate) struct Coverings<'a> {
    pub photos: &'a [PhotoFile],
    pub boxes: &'a Boxes,
    pub sample: &'a BTreeSet<&'a str>,
}

/// A photo that is to be covered.
struct Uncovered<'a> {
    photo: &'a PhotoFile,
    boxes: Option<&'a Drawing>,
    /// The place of its group. Without one, the photo's own brightest places are covered, its boxes
    /// and its border.
    place: Option<Place>,
}

impl<'a, M: Model<Tensor<4>> + 'static> Stages<'a, M> {
    pub fn new(
        subject: &'a Subject<M>,
        recipe: &'a Recipe<M>,
        devices: &'a [Backend],
        watcher: Watcher<'a>,
        parts: &'a Parts,
    ) -> Self {
        Self { subject, recipe, devices, watcher, parts, auditor: OnceCell::new() }
    }

    /// Returns the model on its devices.
    fn auditor(&self) -> Result<&Auditor<'a, M>> {
        if let Some(auditor) = self.auditor.get() {
            return Ok(auditor);
        }
        let devices = if self.devices.is_empty() {
            vec![Backend::open_preferred()?]
        } else {
            self.devices.iter().map(Backend::open).collect::<Result<_, _>>()?
        };
        let auditor = Auditor::new(self.subject, self.recipe, devices);
        Ok(self.auditor.get_or_init(|| auditor))
    }

    /// Explains photos, a few at a time.
    pub fn explain(&self, waiting: &[Waiting]) -> Result<()> {
        let auditor = self.auditor()?;
        let devices = self.devices.len().max(1);
        let at_once = self.recipe.photos_at_once() * devices;
        let mut photos = 0;
        self.watcher.report(&Event::Explained { photos });
        for batch in waiting.chunks(at_once) {
            self.watcher.check(photos, waiting.len())?;
            explain_together(auditor, self.parts, batch)?;
            photos += batch.len();
            self.watcher.report(&Event::Explained { photos });
        }
        Ok(())
    }

    /// Covers the photos of the sample that are not covered yet. Then groups all photos, and covers
    /// the place of each group in those of its photos that are in the sample.
    pub fn cover(&self, coverings: &Coverings) -> Result<()> {
        let mut uncovered = Vec::new();
        for photo in coverings.photos {
            if coverings.sample.contains(&photo.name[..])
                && is_uncovered(&self.parts.row(&photo.name)?)
            {
                let boxes = coverings.boxes.of(&photo.name);
                uncovered.push(Uncovered { photo, boxes, place: None });
            }
        }
        self.cover_all(&uncovered)?;
        if coverings.sample.is_empty() {
            return Ok(());
        }

        let names = coverings.photos.iter().map(|it| self.parts.row(&it.name));
        let rows = names.collect::<Result<Vec<_>>>()?;
        let mut uncovered = Vec::new();
        for group in groups::of_rows(&rows) {
            for &member in &group.members {
                let photo = &coverings.photos[member];
                let is_sampled = coverings.sample.contains(&photo.name[..]);
                if is_sampled && is_uncovered_at(&rows[member], group.place) {
                    let (boxes, place) = (coverings.boxes.of(&photo.name), Some(group.place));
                    uncovered.push(Uncovered { photo, boxes, place });
                }
            }
        }
        self.cover_all(&uncovered)
    }

    /// Covers photos, one after the other, and keeps the answers of each.
    fn cover_all(&self, uncovered: &[Uncovered]) -> Result<()> {
        if uncovered.is_empty() {
            return Ok(());
        }
        let all = uncovered.len();
        let auditor = self.auditor()?;
        self.watcher.report(&Event::Covered { photos: 0, all });
        for (at, it) in uncovered.iter().enumerate() {
            self.watcher.check(at, all)?;
            cover_photo(auditor, self.parts, it)?;
            self.watcher.report(&Event::Covered { photos: at + 1, all });
        }
        Ok(())
    }
}

/// Returns whether a photo has a map, and was not covered.
fn is_uncovered(row: &Row) -> bool {
    row.outcome.as_ref().is_ok_and(|it| it.grid.is_some() && it.tested.is_none())
}

/// Returns whether a photo was covered, but not at this place.
fn is_uncovered_at(row: &Row, place: Place) -> bool {
    let tested = row.outcome.as_ref().ok().and_then(|it| it.covered());
    tested.is_some_and(|it| it.place.as_ref().is_none_or(|it| it.place != place.start()))
}

/// Covers a photo, and keeps the answers, or the reason why there are none.
fn cover_photo<M: Model<Tensor<4>> + 'static>(
    auditor: &Auditor<M>,
    parts: &Parts,
    it: &Uncovered,
) -> Result<()> {
    let mut row = parts.row(&it.photo.name)?;
    let Ok(measured) = &mut row.outcome else { return Ok(()) };
    let Some(grid) = &measured.grid else { return Ok(()) };
    let shown = it.photo.read().and_then(|pixels| {
        let shown = auditor.show(&Photo { pixels: &pixels, boxes: it.boxes })?;
        Ok((pixels, shown))
    });
    let (pixels, shown) = match shown {
        Ok(shown) => shown,
        Err(reason) => {
            measured.tested = Some(Err(reason));
            return parts.replace(row);
        }
    };
    let (class, seed) = (measured.class, seed_of(&it.photo.name));
    let photo = Coverable { pixels: &pixels, shown: &shown, class, grid, seed };
    let coverer = auditor.coverer();
    match it.place {
        None => measured.tested = Some(of_one_photo(coverer.test(&photo))?),
        Some(place) => {
            let tested = of_one_photo(coverer.test_place(&photo, place))?;
            if let (Ok(tested), Some(Ok(kept))) = (tested, &mut measured.tested) {
                kept.place = Some(tested);
            }
        }
    }
    parts.replace(row)
}

/// Returns a number that depends on the name of a photo.
fn seed_of(name: &str) -> u64 {
    u64::from_str_radix(&digest(name.as_bytes())[..16], 16).expect("a digest in hexadecimal digits")
}

/// Turns an error that concerns a single photo into a reason, because it does not end the audit.
fn of_one_photo<T>(tested: Result<Result<T, String>>) -> Result<Result<T, String>> {
    match tested {
        Err(error) if error.is_of_one_photo() => Ok(Err(error.to_string())),
        tested => tested,
    }
}

/// Explains a few photos together, and keeps the results of each.
fn explain_together<M: Model<Tensor<4>> + 'static>(
    auditor: &Auditor<M>,
    parts: &Parts,
    batch: &[Waiting],
) -> Result<()> {
    // A photo that cannot be read is recorded as a failure. The others are still explained.
    let (mut readable, mut shown) = (Vec::new(), Vec::new());
    for it in batch {
        let show = |pixels| auditor.show(&Photo { pixels: &pixels, boxes: it.boxes });
        match it.photo.read().and_then(show) {
            Ok(photo) => {
                readable.push(it);
                shown.push(photo);
            }
            Err(reason) => parts.keep_failure(&it.photo.name, reason)?,
        }
    }
    // If one photo makes the model fail, explain each photo by itself.
    let explained: Vec<Result<Explained>> = match auditor.explain(shown.clone()) {
        Ok(explained) => explained.into_iter().map(Ok).collect(),
        Err(error) if error.is_of_one_photo() => {
            let alone = |photo| Ok(auditor.explain(vec![photo])?.remove(0));
            shown.into_iter().map(alone).collect()
        }
        Err(error) => return Err(error),
    };
    for (it, explained) in readable.into_iter().zip(explained) {
        match explained {
            Ok(Explained { measured, thumbnail }) => {
                let row = Row { file: it.photo.name.clone(), outcome: Ok(measured) };
                parts.keep(&it.fingerprint, row, &thumbnail)?;
            }
            Err(error) if error.is_of_one_photo() => {
                parts.keep_failure(&it.photo.name, error.to_string())?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
