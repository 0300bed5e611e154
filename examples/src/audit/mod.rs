//! Where did a classifier look, in every photo of a folder? An audit that may be ended at any time and
//! goes on where it was, with a page for people who do not program and tables for the others.
//!
//! The data flow, and the modules that hold it, in order: options (`args`), files of the folder
//! (`folder`), `boxes`, from photos to maps (`explain`), what is measured of a map (`row`), a file for
//! each photo (`parts`), and from these a `summary`, `tables` and a `page`.

mod args;
mod boxes;
mod explain;
mod folder;
mod page;
mod parts;
mod row;
mod summary;
mod tables;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

pub use args::{Args, Method};
pub use boxes::write as write_boxes;
use boxes::{Boxes, Marked};
use burn::tensor::Tensor;
pub use explain::Subject;
use explain::{Auditor, Plan};
use folder::PhotoFile;
use indicatif::{ProgressBar, ProgressStyle};
use parts::Parts;
use row::Row;
use saliency::Model;
use saliency::backends::Backend;
use saliency::viz::write_file;
use sha2::{Digest as _, Sha256};
use summary::Report;
use tables::Line;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Explains every photo of a folder, and writes tables and a page about them.
pub fn run<N: Model<Tensor<4>> + 'static>(
    subject: &Subject<N>,
    args: &Args,
    (path, boxes): (&Path, Option<&Path>),
) -> Result<()> {
    let plan = Plan::new(args)?;
    let folder = folder::photos_of(path)?;
    let parts = Parts::open(&args.out)?;
    let boxes = match boxes {
        Some(path) => boxes_of(path, &folder.photos)?,
        None => Boxes::new(),
    };

    explain(subject, (args, plan), &parts, &folder.photos, &boxes)?;

    // From the parts alone, so that it does not matter how often the audit was ended.
    let rows = folder.photos.iter().map(|photo| parts.row(&photo.name));
    let rows: Vec<Row> = rows.collect::<Result<_>>()?;
    let expected = args.expect.map(|percent| f64::from(percent) / 100.0);
    let lines: Vec<Line> = rows.iter().map(|row| Line::new(row, expected)).collect();
    let title = path.canonicalize()?;
    let title = title.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let report = Report {
        title: &title,
        model: &subject.description,
        plan,
        expected,
        rows: &rows,
        others: folder.others,
    };
    for line in report.summary() {
        println!("{line}");
    }
    for (name, bytes) in [
        ("audit.csv", tables::csv(&lines)?),
        ("audit.parquet", tables::parquet(&lines)?),
        ("audit.html", report.to_html(&parts)?.into_bytes()),
    ] {
        let path = args.out.join(name);
        write_file(&path, &bytes)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// Explains the photos of which nothing is known yet.
fn explain<N: Model<Tensor<4>> + 'static>(
    subject: &Subject<N>,
    (args, plan): (&Args, Plan),
    parts: &Parts,
    photos: &[PhotoFile],
    boxes: &Boxes,
) -> Result<()> {
    let mut waiting = Vec::new();
    for photo in photos {
        let boxes = boxes.get(&photo.name).map_or(&[][..], Vec::as_slice);
        match photo.digest() {
            Ok(digest) => {
                let fingerprint = fingerprint(subject, plan, &digest, boxes)?;
                if !parts.has(&photo.name, &fingerprint) {
                    waiting.push(Waiting { photo, boxes, fingerprint });
                }
            }
            Err(error) => fail(parts, photo, error)?,
        }
    }
    println!("photos to explain: {} of {}", waiting.len(), photos.len());
    if waiting.is_empty() {
        return Ok(());
    }
    let devices = match args.devices.is_empty() {
        true => vec![Backend::open_preferred()?],
        false => args.devices.iter().map(Backend::open).collect::<std::result::Result<_, _>>()?,
    };
    let at_once = plan.photos_at_once() * devices.len();
    let auditor = Auditor::new(subject, devices, plan);
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} photos, {eta} left")?;
    let bar = ProgressBar::new(waiting.len() as u64).with_style(style);
    bar.enable_steady_tick(Duration::from_secs(1));
    let start = Instant::now();
    for batch in waiting.chunks(at_once) {
        explain_together(&auditor, parts, batch)?;
        bar.inc(batch.len() as u64);
    }
    bar.finish_and_clear();
    println!("time: {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}

/// A photo that is to be explained.
struct Waiting<'a> {
    photo: &'a PhotoFile,
    boxes: &'a [Marked],
    fingerprint: String,
}

fn explain_together<N: Model<Tensor<4>> + 'static>(
    auditor: &Auditor<N>,
    parts: &Parts,
    batch: &[Waiting],
) -> Result<()> {
    let (mut read, mut shown) = (Vec::new(), Vec::new());
    for it in batch {
        let photo = it.photo.read();
        match photo.and_then(|photo| auditor.show(&it.photo.name, &photo, it.boxes)) {
            Ok(photo) => {
                read.push(it);
                shown.push(photo);
            }
            Err(error) => fail(parts, it.photo, error)?,
        }
    }
    let explained = match auditor.explain(shown.clone()) {
        Ok(explained) => explained.into_iter().map(Ok).collect(),
        Err(error) if is_of_a_photo(&*error) => {
            // One of them: each by itself.
            let alone = |photo| Ok(auditor.explain(vec![photo])?.remove(0));
            shown.into_iter().map(alone).collect::<Vec<Result<_>>>()
        }
        Err(error) => return Err(error),
    };
    for (it, explained) in read.into_iter().zip(explained) {
        match explained {
            Ok((measured, thumbnail)) => {
                let row = Row { file: it.photo.name.clone(), outcome: Ok(measured) };
                parts.keep(&it.fingerprint, row, Some(&thumbnail))?;
            }
            Err(error) if is_of_a_photo(&*error) => fail(parts, it.photo, error.to_string())?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether an error is a photo's own: others may still be explained.
fn is_of_a_photo(error: &(dyn Error + 'static)) -> bool {
    use saliency::Error::{NotFinite, Panicked};
    matches!(error.downcast_ref(), Some(NotFinite { .. } | Panicked { .. }))
}

/// Keeps why a photo could not be explained; it is tried again by the next audit.
fn fail(parts: &Parts, photo: &PhotoFile, error: String) -> Result<()> {
    parts.keep("", Row { file: photo.name.clone(), outcome: Err(error) }, None)
}

/// Reads boxes, and tells which of them are for no photo of the folder.
fn boxes_of(path: &Path, photos: &[PhotoFile]) -> Result<Boxes> {
    let boxes = boxes::read(path)?;
    let missing = |file: &&String| photos.binary_search_by(|it| it.name.cmp(file)).is_err();
    let lost: Vec<&String> = boxes.keys().filter(missing).collect();
    match lost.first() {
        Some(first) if lost.len() == boxes.len() => Err(format!(
            "expected boxes for photos of the folder in {}, found only others, such as {first}",
            path.display()
        )
        .into()),
        Some(first) => {
            let count = lost.len();
            eprintln!("warning: {count} files with boxes are not in the folder, such as {first}");
            Ok(boxes)
        }
        None => Ok(boxes),
    }
}

/// Stands for everything that a photo's row depends on. The device is none of it: an audit may go on
/// on another one, whose values differ by rounding.
fn fingerprint<N>(
    subject: &Subject<N>,
    plan: Plan,
    digest: &str,
    boxes: &[Marked],
) -> Result<String> {
    let version = env!("CARGO_PKG_VERSION");
    let model = (&subject.description, &subject.weights, format!("{:?}", subject.preparation));
    let made_from = serde_json::to_vec(&(version, model, plan, digest, boxes))?;
    Ok(self::digest(&made_from))
}

/// The SHA-256 of bytes, in letters and digits.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
