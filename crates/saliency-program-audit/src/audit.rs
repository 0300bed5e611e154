//! Audits a folder of photos: the program `audit`.

use std::error::Error;
use std::sync::Arc;

use saliency_audit::{Audit, Subject};
use saliency_program::Result;
use saliency_program::lite0::Lite0;
use saliency_program::network::PhotoNetwork;
use saliency_program::program::{Stopped, is_stopped, unusable};

use crate::args::AuditArgs;
use crate::demonstration::{self, Demonstration};
use crate::progress;

/// Audits the network that ships over the folder of the arguments. Without a folder, makes photos
/// for a demonstration.
///
/// # Errors
/// Those of [`run_for`].
pub fn run(args: &AuditArgs) -> Result<()> {
    run_for(&Arc::new(Lite0::new()), args)
}

/// Audits a network over the folder of the arguments. Without a folder, makes photos for a
/// demonstration.
///
/// # Errors
/// An error if an argument cannot be used, or if a photo could not be explained. [`Stopped`] if a
/// person ended the program.
pub fn run_for<N: PhotoNetwork>(network: &Arc<N>, args: &AuditArgs) -> Result<()> {
    let mut audit = Audit::new(subject(network), args.recipe(network).map_err(unusable)?)
        .with_devices(args.devices.clone())
        .with_cover(args.cover)
        .with_stop(is_stopped)
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

/// Describes a network to the audit.
fn subject<N: PhotoNetwork>(network: &Arc<N>) -> Subject<N::Model> {
    let model = Arc::clone(network);
    let subject = Subject::new(
        network.description(),
        network.weights(),
        move |device| model.model(device),
        *network.preparation(),
    );
    let subject = subject.with_classes(network.classes().clone());
    match network.bytes_per_photo() {
        Some(bytes) => subject.with_bytes_per_photo(bytes),
        None => subject,
    }
}

/// Marks an error if a wrong option has caused it, or if a person ended the program.
fn blamed(error: Box<dyn Error>) -> Box<dyn Error> {
    match error.downcast_ref() {
        Some(saliency_audit::Error::Explain(saliency::Error::InvalidOption { .. })) => {
            unusable(error)
        }
        Some(saliency_audit::Error::Stopped { done, all, .. }) => {
            Stopped::new(*done, *all, "photos").with_way_on().into()
        }
        _ => error,
    }
}
