//! An audit of the biased network. The audit does not know about the mark, and finds it.

use std::path::{Path, PathBuf};

use burn::module::Module as _;
use saliency::IntegratedGradients;
use saliency::viz::write_picture;
use saliency_audit::{
    Audit, ClassNames, Effort, Findings, GroupFound, PhotoBox, Recipe, Subject, write_boxes,
};
use saliency_examples_training::shop::{CLASSES, MUG};
use saliency_examples_training::shop_network::{Marked, Net, photos, preparation};
use saliency_program::Result;
use saliency_program_audit::progress;

const AUDITED: std::ops::Range<u64> = 20_001..20_037;
const TOLERANCE: f64 = 0.1;
const MOST_GRADIENTS: usize = 200;

/// Audits the network on photos with boxes around all products. A third of the photos are mugs with
/// the mark. The audit groups them by the place of the mark, covers it, and finds that it decides.
pub fn run(net: Net, out: &Path) -> Result<()> {
    let Prepared { audit, photos } = prepare(net, out)?;
    let findings = progress::run(audit, &photos, false)?;
    for group in deciding(&findings) {
        let mugs = group.photos.iter().filter(|file| file.starts_with(CLASSES[MUG])).count();
        println!(
            "\nNobody told the audit of the mark. It found that the {} decides in {} photos, of which \
             {mugs} are mugs.",
            group.place,
            group.photos.len()
        );
    }
    Ok(())
}

/// Audits a network without printing anything. Returns the places that decide in a group of photos.
pub fn deciding_places(net: Net, out: &Path) -> Result<Vec<&'static str>> {
    let Prepared { audit, photos } = prepare(net, out)?;
    Ok(deciding(&audit.run(photos)?).map(|group| group.place).collect())
}

fn deciding(findings: &Findings) -> impl Iterator<Item = &GroupFound> {
    findings.groups.iter().filter(|group| group.cover.is_some_and(|cover| cover.decides))
}

/// An audit, and the folder of the photos that it is for.
struct Prepared {
    audit: Audit<Net>,
    photos: PathBuf,
}

fn prepare(net: Net, out: &Path) -> Result<Prepared> {
    // The photos, and a box around each product.
    let (folder, boxes) = (out.join("photos"), out.join("boxes.csv"));
    let mut outlines = Vec::new();
    for (number, product) in photos(AUDITED, Marked::Mugs).iter().enumerate() {
        let file = format!("{}-{number:02}.png", CLASSES[product.class]);
        write_picture(folder.join(&file), &product.photo)?;
        outlines.push(PhotoBox { file, name: "product".to_owned(), region: product.outline() });
    }
    write_boxes(&boxes, &outlines)?;

    // The network, the preparation of its input, and the names of its classes.
    let weights = net.digest();
    let model = move |device: &_| net.clone().to_device(device);
    let description = "A network that tells mugs, bottles and shirts apart";
    let subject = Subject::new(description, weights, model, preparation())
        .with_classes(ClassNames::new(CLASSES));

    let effort = Effort::Tolerance { tolerance: TOLERANCE, limit: MOST_GRADIENTS };
    let recipe =
        Recipe::new("integrated-gradients", "Integrated Gradients", effort, |_, schedule| {
            let explainer = IntegratedGradients::new().with_schedule(schedule);
            Box::new(explainer.with_tolerance(TOLERANCE).with_max_gradients(MOST_GRADIENTS))
        });
    let audit = Audit::new(subject, recipe)
        .with_boxes(boxes)
        .with_devices(["flex".parse()?])
        .with_output_folder(out);
    Ok(Prepared { audit, photos: folder })
}
