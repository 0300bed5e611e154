//! Where did the classifier look in each photo of a folder? An audit writes a page for people who
//! do not program, and tables for spreadsheets and programs. It may be stopped at any time, and
//! resumes when it is started again.
//!
//! ```text
//! cargo run --example audit                                     # 24 photos made for a try
//! cargo run --example audit -- FOLDER --boxes boxes.csv         # boxes around what matters
//! cargo run --example audit -- FOLDER --method gradient --cover 0  # a quick first look
//! cargo run --example audit -- FOLDER --cover 20%               # covers a fifth of the photos
//! cargo run --example audit -- FOLDER --tolerance 0.05 --device cuda:0 --device flex
//! ```
//!
//! The crate `saliency-audit` does the work, for any classifier of photos; this file names the
//! classifier.

use std::error::Error;
use std::process::ExitCode;

use saliency_audit::{Audit, ClassNames, Subject};
use saliency_cli::program::{self, unusable};
use saliency_cli::{Result, subject};
use saliency_example_audit::args::AuditArgs;
use saliency_example_audit::demonstration::{self, Demonstration};
use saliency_example_audit::progress;

fn main() -> ExitCode {
    program::run::<AuditArgs>(audit)
}

fn audit(args: &AuditArgs) -> Result<()> {
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
    // Without a folder, make photos for a demonstration. One of them is cut off, so that the page
    // shows such a file.
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
