//! The audit: explains every photo of a folder, and writes tables and a page about them.

use std::fmt;
use std::path::{Path, PathBuf};

use burn::tensor::Tensor;
use saliency_backends::Backend;
use saliency_core::Model;
use saliency_viz::write_file;

use crate::boxes::{BoxFacts, Boxes, Drawing, DrawnOn};
use crate::digest;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::findings::{BoxCounts, CoverCounts, Findings, GroupFound};
use crate::folder::Folder;
use crate::groups;
use crate::link;
use crate::parts::Parts;
use crate::recipe::Recipe;
use crate::remarks::about_boxes;
use crate::row::{Concern, Row};
use crate::sample::CoverSample;
use crate::stages::{Coverings, Stages, Waiting, Watcher};
use crate::subject::Subject;
use crate::summary::Report;
use crate::tables::{self, TableRow};

/// An audit of a model: explains every photo of a folder, and writes tables and a page about them.
///
/// An audit may be stopped at any time, and resumes when it is started again. The results of each
/// photo are kept in the folder `parts` of the output folder. They are used as long as the photo,
/// its boxes, the model and the recipe stay the same.
///
/// # The stages
/// 1. Every photo is explained, and its map is measured.
/// 2. A sample of photos is covered and shown to the model again: the brightest places, the boxes,
///    and the border. See [`CoverTest`](saliency_metrics::CoverTest): a map is confirmed if the
///    score falls more than if as much is covered elsewhere.
/// 3. Photos whose maps agree in place are grouped, and the places of the groups are covered.
///
/// # Defaults
/// - boxes: none
/// - categories: all
/// - expected share: the share of the area that a photo's boxes cover
/// - covered: 50 photos, drawn by a digest of their names; all, if there are fewer
/// - devices: the preferred device ([`Backend::open_preferred`])
/// - output folder: `audit`
/// - stop: never
///
/// # Cost
/// The gradients of the recipe for every photo. About 50 forward passes for each covered photo, and 25
/// more for its boxes, its border and the place of its group each.
///
/// # Example
/// See the [crate's documentation](crate).
pub struct Audit<M> {
    subject: Subject<M>,
    recipe: Recipe<M>,
    boxes: Option<PathBuf>,
    categories: Vec<String>,
    expected: Option<f64>,
    cover: CoverSample,
    devices: Vec<Backend>,
    out: PathBuf,
    observer: Box<dyn Fn(&Event)>,
    is_stopped: Box<dyn Fn() -> bool>,
}

impl<M: Model<Tensor<4>> + 'static> Audit<M> {
    /// Creates an audit of a model. The recipe says how photos are explained.
    pub fn new(subject: Subject<M>, recipe: Recipe<M>) -> Self {
        Self {
            subject,
            recipe,
            boxes: None,
            categories: Vec::new(),
            expected: None,
            cover: CoverSample::default(),
            devices: Vec::new(),
            out: PathBuf::from("audit"),
            observer: Box::new(|_| {}),
            is_stopped: Box::new(|| false),
        }
    }

    /// Reads boxes around the things that the model should look at. They are in a file, or in all
    /// files of a folder. The kind of file is found from its content: a CSV with the columns
    /// file,name,x,y,width,height (in pixels of the upright photos) or
    /// file,name,xmin,ymin,xmax,ymax, COCO, Pascal VOC, YOLO, LabelMe or VIA. Photos without boxes
    /// are explained too.
    ///
    /// A file may be up to 1 GiB large. While it is read, it takes several times as much memory.
    ///
    /// Boxes are clipped to their photos. If the file states the size of the picture on which the
    /// boxes were drawn, the boxes are scaled to the photo. If the photo has another aspect ratio,
    /// its boxes are left out.
    #[must_use]
    pub fn with_boxes(mut self, path: impl Into<PathBuf>) -> Self {
        self.boxes = Some(path.into());
        self
    }

    /// Uses only boxes of the given categories. Capitals and small letters count as equal. Default:
    /// boxes of all categories are used, and the boxes of a photo count together.
    #[must_use]
    pub fn with_categories<S: Into<String>>(
        mut self,
        categories: impl IntoIterator<Item = S>,
    ) -> Self {
        self.categories = categories.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the share of the attribution that the boxes of a photo should hold together. If it is
    /// not from 0 to 1, [`run`](Self::run) returns an error.
    #[must_use]
    pub fn with_expected_share(mut self, share: f64) -> Self {
        self.expected = Some(share);
        self
    }

    /// Sets which photos are covered and shown to the model again. `CoverSample::Photos(0)` covers
    /// nothing. If a share is not from 0 to 1, [`run`](Self::run) returns an error.
    #[must_use]
    pub fn with_cover(mut self, sample: CoverSample) -> Self {
        self.cover = sample;
        self
    }

    /// Sets the devices that share the photos. The first of them is also shown the covered photos.
    #[must_use]
    pub fn with_devices(mut self, devices: impl IntoIterator<Item = Backend>) -> Self {
        self.devices = devices.into_iter().collect();
        self
    }

    /// Sets the folder to write to.
    #[must_use]
    pub fn with_output_folder(mut self, out: impl Into<PathBuf>) -> Self {
        self.out = out.into();
        self
    }

    /// Sets a function that is called with everything that the audit reports while it runs.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Fn(&Event) + 'static) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Sets a function that says whether a person wants the audit to stop. It is asked between
    /// photos. Then [`run`](Self::run) returns [`Error::Stopped`], and everything that is finished is
    /// kept for the next audit.
    #[must_use]
    pub fn with_stop(mut self, is_stopped: impl Fn() -> bool + 'static) -> Self {
        self.is_stopped = Box::new(is_stopped);
        self
    }

    /// Explains the photos of a folder that are not explained yet, and writes the tables and the
    /// page.
    ///
    /// # Errors
    /// [`Error::Share`] if the expected share or the share of covered photos is not from 0 to 1.
    /// [`Error::Stopped`] if a person stopped the audit. Another [`Error`] if the folder, the boxes,
    /// the output folder or a device cannot be used, or if the model cannot be explained. A photo
    /// that cannot be explained is not an error.
    pub fn run(&self, folder: impl AsRef<Path>) -> Result<Findings> {
        let covered = match self.cover {
            CoverSample::Share(share) => Some(share),
            CoverSample::Photos(_) => None,
        };
        let mut shares = self.expected.into_iter().chain(covered);
        if let Some(found) = shares.find(|share| !(0.0..=1.0).contains(share)) {
            return Err(Error::Share { found });
        }
        if let Some(reason) = self.subject.input.objection() {
            return Err(Error::Input { reason });
        }
        let path = folder.as_ref();
        let folder = Folder::read(path)?;
        let parts = Parts::open(&self.out)?;
        let boxes = match &self.boxes {
            Some(path) => self.boxes_of(path, &folder)?,
            None => Boxes::default(),
        };

        (self.observer)(&Event::Reading { photos: folder.photos.len() });
        let waiting = self.waiting(&parts, &folder, &boxes)?;
        (self.observer)(&Event::Started { waiting: waiting.len(), photos: folder.photos.len() });
        let (subject, recipe) = (&self.subject, &self.recipe);
        let watcher = Watcher { observer: &*self.observer, is_stopped: &*self.is_stopped };
        let stages = Stages::new(subject, recipe, &self.devices, watcher, &parts);
        if !waiting.is_empty() {
            stages.explain(&waiting)?;
            (self.observer)(&Event::Finished);
        }
        parts.keep_only(folder.photos.iter().map(|it| &it.name[..]))?;
        let names: Vec<&str> = folder.photos.iter().map(|it| &it.name[..]).collect();
        let sample = self.cover.draw(&names);
        let coverings = Coverings { photos: &folder.photos, boxes: &boxes, sample: &sample };
        stages.cover(&coverings)?;
        let facts = self.boxes.as_ref().map(|_| &boxes.facts);
        self.report(&coverings, &folder, &parts, facts)
    }

    /// Reads boxes, and reports boxes of photos that are not in the folder.
    fn boxes_of(&self, path: &Path, folder: &Folder) -> Result<Boxes> {
        let boxes = Boxes::read(path, folder, &self.categories)?;
        let BoxFacts { format, boxes: count, photos, without_photo, .. } = &boxes.facts;
        (self.observer)(&Event::BoxesRead { format, boxes: *count, photos: *photos });
        if let Some(first) = without_photo.first() {
            (self.observer)(&Event::BoxesWithoutPhoto { files: without_photo.len(), first });
        }
        Ok(boxes)
    }

    /// Returns the photos that are not explained yet.
    fn waiting<'a>(
        &self,
        parts: &Parts,
        folder: &'a Folder,
        boxes: &'a Boxes,
    ) -> Result<Vec<Waiting<'a>>> {
        let mut waiting = Vec::new();
        for photo in &folder.photos {
            let boxes = boxes.of(&photo.name);
            match photo.digest() {
                Ok(digest) => {
                    let fingerprint = self.fingerprint(&digest, boxes);
                    if !parts.has(&photo.name, &fingerprint) {
                        waiting.push(Waiting { photo, boxes, fingerprint });
                    }
                }
                Err(reason) => parts.keep_failure(&photo.name, reason)?,
            }
        }
        Ok(waiting)
    }

    /// Returns a digest of everything that a photo's row depends on. The device is left out: an
    /// audit may be continued on another device, whose values differ by rounding.
    fn fingerprint(&self, photo_digest: &str, boxes: Option<&Drawing>) -> String {
        let version = env!("CARGO_PKG_VERSION");
        let subject = &self.subject;
        let model = (&subject.description, &subject.weights, subject.input.fingerprint());
        let plan = self.recipe.plan();
        let json = match boxes {
            None => serde_json::to_vec(&(version, model, plan, photo_digest, [(); 0])),
            // The form of the first audits.
            Some(Drawing { drawn_on: DrawnOn::Unknown, boxes }) => {
                serde_json::to_vec(&(version, model, plan, photo_digest, boxes))
            }
            Some(Drawing { drawn_on, boxes }) => {
                serde_json::to_vec(&(version, model, plan, photo_digest, boxes, drawn_on))
            }
        };
        digest(&json.expect("texts and numbers have a form in JSON"))
    }

    /// Writes the tables and the page. They are made only from the parts, so that the result is the
    /// same no matter how often the audit was stopped.
    fn report(
        &self,
        coverings: &Coverings,
        folder: &Folder,
        parts: &Parts,
        facts: Option<&BoxFacts>,
    ) -> Result<Findings> {
        let rows = self.rows(coverings, parts)?;
        let groups = groups::of_rows(&rows);
        let remarks = facts.map(|facts| about_boxes(facts, &rows)).unwrap_or_default();
        let boxes = facts.map(|facts| BoxCounts::new(facts, &rows));
        let title = folder.path.file_name().unwrap_or(folder.path.as_os_str()).to_string_lossy();
        let report = Report {
            title: &title,
            model: &self.subject.description,
            method: &self.recipe.title,
            effort: self.recipe.effort,
            expected: self.expected,
            rows: &rows,
            groups: &groups,
            classes: &self.subject.classes,
            links: &self.links(folder),
            remarks: &remarks,
            others: &folder.others,
        };
        // Write the files.
        let table: Vec<TableRow> = (0..rows.len()).map(|at| TableRow::new(&report, at)).collect();
        let mut files = Vec::new();
        for (name, bytes) in [
            ("audit.csv", tables::csv(&table)?),
            ("audit.parquet", tables::parquet(&table, boxes.as_ref())?),
            ("audit.html", report.to_html(parts)?.into_bytes()),
        ] {
            let path = self.out.join(name);
            write_file(&path, &bytes)?;
            files.push(path);
        }
        // Return the findings in short.
        let explained = report.measured().count();
        let concerns = Concern::ALL.into_iter().map(|it| (it.code(), report.count(it)));
        Ok(Findings {
            summary: report.summary(),
            explained,
            failed: rows.len() - explained,
            concerns: concerns.collect(),
            cover: CoverCounts::of(&report),
            groups: groups.iter().map(|group| GroupFound::new(group, &report)).collect(),
            boxes,
            files,
            warnings: remarks,
        })
    }

    /// Reads the rows of all photos. The names of their classes are those of this audit, and so is
    /// the choice of covered photos.
    fn rows(&self, coverings: &Coverings, parts: &Parts) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        for photo in coverings.photos {
            let mut row = parts.row(&photo.name)?;
            if let Ok(measured) = &mut row.outcome {
                measured.class_name = self.subject.classes.name(measured.class);
                if !coverings.sample.contains(&photo.name[..]) {
                    measured.tested = None;
                }
            }
            rows.push(row);
        }
        Ok(rows)
    }

    /// Returns the address of each photo, relative to the page. Returns no addresses if the page is
    /// too far away.
    fn links(&self, folder: &Folder) -> Vec<String> {
        let way = self.out.canonicalize().ok().and_then(|out| link::between(&out, &folder.path));
        let link = |way: String| folder.photos.iter().map(move |it| format!("{way}{}", it.link()));
        way.into_iter().flat_map(link).collect()
    }
}

impl<M> fmt::Debug for Audit<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit")
            .field("subject", &self.subject)
            .field("recipe", &self.recipe)
            .field("boxes", &self.boxes)
            .field("categories", &self.categories)
            .field("expected", &self.expected)
            .field("cover", &self.cover)
            .field("devices", &self.devices)
            .field("out", &self.out)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boxes::DrawnBox;
    use crate::recipe::Effort;
    use crate::subject::photo_input;
    use burn::tensor::Device;
    use saliency_core::{Gradient, pure_function};
    use saliency_photo::Region;

    /// Audits that were begun by version 0.1.0 have fingerprints of this form. At that time, this
    /// code was not yet a separate library.
    #[test]
    fn fingerprints_stay_what_they_were() {
        let model = |_: &Device| pure_function(|photos: Tensor<4>| photos.flatten::<2>(1, 3));
        let tensor = |_: &_, device: &_| Tensor::zeros([1, 3, 2, 2], device);
        let subject =
            Subject::new("a \"net\"", "embedded", model, photo_input("p", tensor, Region::whole));
        let recipe = Recipe::new("gradient", "Gradient", Effort::Steps(1), |_, schedule| {
            Box::new(Gradient::new().with_schedule(schedule))
        });
        let audit = Audit::new(subject, recipe);
        let json = r#"{"name":"face","x":1,"y":2,"width":3,"height":4}"#;
        let [x, y, width, height] = [1.0, 2.0, 3.0, 4.0];
        let boxes = vec![DrawnBox { name: "face".to_owned(), x, y, width, height }];
        let drawing = Drawing { drawn_on: DrawnOn::Unknown, boxes };
        let made_from = format!(
            r#"["{}",["a \"net\"","embedded","p"],{{"method":"Gradient","effort":{{"Steps":1}}}},"00ff",[{json}]]"#,
            env!("CARGO_PKG_VERSION")
        );
        assert_eq!(audit.fingerprint("00ff", Some(&drawing)), digest(made_from.as_bytes()));
        let without = made_from.replace(json, "");
        assert_eq!(audit.fingerprint("00ff", None), digest(without.as_bytes()));
        // Photos are measured again if earlier audits took their boxes for pixels of the photo.
        let scaled = Drawing { drawn_on: DrawnOn::Pixels { width: 8, height: 8 }, ..drawing };
        assert_ne!(audit.fingerprint("00ff", Some(&scaled)), digest(made_from.as_bytes()));
    }
}
