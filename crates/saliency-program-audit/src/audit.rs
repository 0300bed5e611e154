//! Audits a folder of photos: the program `audit`.

use std::error::Error;

use saliency_audit::{Audit, ClassNames, Subject};
use saliency_program::program::unusable;
use saliency_program::{Result, subject};

use crate::args::AuditArgs;
use crate::demonstration::{self, Demonstration};
use crate::progress;

/// Audits the folder of the arguments. Without a folder, makes photos for a demonstration.
///
/// # Errors
/// An error if an argument cannot be used, or if a photo could not be explained.
pub fn run(args: &AuditArgs) -> Result<()> {
    // The network, the preparation of its input, and the names of its classes.
    let subject = Subject::new(
        subject::DESCRIPTION,
        subject::WEIGHTS,
        subject::network,
        subject::preparation(),
    )
    .with_classes(ClassNames::new(subject::class_names()))
    .with_bytes_per_photo(subject::BYTES_PER_PHOTO);

    let mut audit = Audit::new(subject, args.recipe().map_err(unusable)?)
        .with_devices(args.devices.clone())
        .with_cover(args.cover)
        .with_output_folder(&args.out);
    if let Some(percent) = args.expect {
        audit = audit.with_expected_share(f64::from(percent) / 100.0);
    }
    if let Some(folder) = &args.folder {
        if let Some(boxes) = &args.boxes {
            audit = audit.with_boxes(boxes).with_categories(args.categories.clone());
        }
        let findings = progress::run(audit, folder, args.json).map_err(blamed)?;
        return match (findings.failed, findings.failed + findings.explained) {
            (0, _) => Ok(()),
            (failed, all) => Err(format!(
                "expected to explain {all} photos, found {failed} that could not be explained; the \
                 page says why"
            )
            .into()),
        };
    }
    // One of the photos of a demonstration is cut off, so that the page shows such a file.
    let Demonstration { folder, boxes } = demonstration::write(&args.out)?;
    progress::run(audit.with_boxes(boxes), &folder, args.json).map_err(blamed)?;
    Ok(())
}

/// Marks an error if a wrong option has caused it.
fn blamed(error: Box<dyn Error>) -> Box<dyn Error> {
    match error.downcast_ref() {
        Some(saliency_audit::Error::Explain(saliency::Error::InvalidOption { .. })) => {
            unusable(error)
        }
        _ => error,
    }
}
