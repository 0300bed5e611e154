//! Audits of a model that reads a mark in a corner: photos are covered, and grouped by place.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use image::{Rgb, RgbImage};
use saliency_audit::{
    Audit, ClassNames, CoverSample, Effort, Error, Event, Findings, PhotoBox, PhotoInput, Recipe,
    Subject, photo_input, write_boxes,
};
use saliency_core::{InputTimesGradient, Model, pure_function};
use saliency_photo::{Reduce, Region, blurred};
use saliency_viz::write_picture;

/// The side of a photo: 14 cells of 4 pixels.
const SIDE: u32 = 56;
const PHOTOS: u32 = 36;
/// Every third photo has the mark.
const MARKED: u32 = 12;

struct Folder(tempfile::TempDir);

impl Folder {
    /// Photos with a green product near the middle. Every third has a red mark in a corner.
    fn with_photos(count: u32) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for number in 0..count {
            write_picture(folder.path("photos").join(name(number)), &photo(number)).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn table(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.path("out/audit.csv")).unwrap();
        let lines = reader.deserialize::<BTreeMap<String, String>>().map(Result::unwrap);
        lines.map(|line| (line["file"].clone(), line)).collect()
    }

    fn page(&self) -> String {
        fs::read_to_string(self.path("out/audit.html")).unwrap()
    }

    fn audit(&self) -> Audit<impl Model<Tensor<4>> + use<>> {
        let subject = Subject::new("A reader of marks", "1", reads_the_mark, whole_photo())
            .with_classes(ClassNames::new(["mug", "bottle"]));
        self.of(Audit::new(subject, recipe()))
    }

    fn of<M: Model<Tensor<4>> + 'static>(&self, audit: Audit<M>) -> Audit<M> {
        audit.with_devices(["flex".parse().unwrap()]).with_output_folder(self.path("out"))
    }

    fn run<M: Model<Tensor<4>> + 'static>(&self, audit: Audit<M>) -> Findings {
        audit.run(self.path("photos")).unwrap()
    }
}

fn name(number: u32) -> String {
    format!("{number:02}.png")
}

fn is_marked(number: u32) -> bool {
    number.is_multiple_of(3)
}

fn product(number: u32) -> Region {
    Region { x: 20 + number % 5, y: 18 + number * 7 % 11, width: 12, height: 12 }
}

const MARK: Region = Region { x: 4, y: 44, width: 8, height: 8 };

fn photo(number: u32) -> RgbImage {
    let inside = |it: Region, x: u32, y: u32| {
        (it.x..it.x + it.width).contains(&x) && (it.y..it.y + it.height).contains(&y)
    };
    RgbImage::from_fn(SIDE, SIDE, |x, y| {
        if is_marked(number) && inside(MARK, x, y) {
            Rgb([255, 0, 0])
        } else if inside(product(number), x, y) {
            Rgb([0, 200, 0])
        } else {
            Rgb([0, 0, 60 + (x % 4) as u8])
        }
    })
}

fn whole_photo() -> impl PhotoInput {
    let tensor = |photo: &RgbImage, device: &Device| {
        let channel = |at: usize| photo.pixels().map(move |pixel| f32::from(pixel.0[at]) / 255.0);
        let values: Vec<f32> = (0..3).flat_map(channel).collect();
        let (width, height) = photo.dimensions();
        Tensor::from_data(TensorData::new(values, [1, 3, height as usize, width as usize]), device)
    };
    photo_input("every pixel, from 0 to 1", tensor, Region::whole)
}

/// The red of the mark's place speaks for a mug, and green for a bottle. Bright red wins.
fn reads_the_mark(_: &Device) -> impl Model<Tensor<4>> + use<> {
    pure_function(|photos: Tensor<4>| {
        let mark = photos.clone().narrow(1, 0, 1).narrow(2, 44, 8).narrow(3, 4, 8);
        let green = photos.narrow(1, 1, 1);
        let sum = |part: Tensor<4>| part.sum_dim(3).sum_dim(2).squeeze_dims::<2>(&[2, 3]);
        // 64 pixels of the mark, 144 of the product.
        Tensor::cat(vec![sum(mark) * (5.0 / 64.0), sum(green) * (5.0 / 144.0)], 1)
    })
}

fn recipe<M: Model<Tensor<4>>>() -> Recipe<M> {
    Recipe::new("input-x-gradient", "Input x Gradient", Effort::Steps(1), |_, schedule| {
        Box::new(InputTimesGradient::new().with_schedule(schedule))
    })
    .with_reduction(Reduce::Positive)
}

#[test]
fn the_audit_itself_finds_that_a_mark_in_a_corner_decides() {
    let folder = Folder::with_photos(PHOTOS);
    let boxes = (0..PHOTOS).map(|number| PhotoBox {
        file: name(number),
        name: "product".to_owned(),
        region: product(number),
    });
    write_boxes(folder.path("boxes.csv"), &boxes.collect::<Vec<_>>()).unwrap();
    let findings = folder.run(folder.audit().with_boxes(folder.path("boxes.csv")));
    println!("{:#?}", findings.summary);
    // One group: the photos with the mark, and no other.
    let [group] = &findings.groups[..] else { panic!("{:?}", findings.groups) };
    assert_eq!(group.place, "lower left corner");
    let marked: Vec<String> = (0..PHOTOS).filter(|it| is_marked(*it)).map(name).collect();
    assert_eq!(group.photos, marked);
    assert!(group.share > 0.99 && group.share_of_others < 0.01);
    // If its place is covered, the answer changes in all of them.
    let cover = group.cover.unwrap();
    assert_eq!((cover.tested, cover.changed, cover.tries), (12, 12, 12 * 20));
    // One of the other places may hit the mark by chance.
    assert!(cover.decides && cover.confirmed >= 7, "{cover:?}");
    let line = "12 of your 36 photos: lower left corner. Their maps agree in one place, 4.6\u{a0}% of \
                the picture: it holds 100\u{a0}% of these maps, and 0\u{a0}% of the others. The model \
                calls all of them “mug”. If this place is covered, the answer changes in 12 of 12 photos \
                (100\u{a0}%, between 76 and 100\u{a0}%); if as much is covered elsewhere, in ";
    let said = findings.summary.iter().find(|it| it.starts_with(line)).unwrap();
    assert!(said.ends_with(": it decides."), "{said}");
    let headline = "In 12 of 36 photos the model goes by one place: lower left corner.";
    assert_eq!(findings.summary[0], headline);
    assert!(findings.summary[2].starts_with("In 12 of 36 photos with a marked box, "));
    // The product, in its box, decides in the other photos, and only in these. A cover elsewhere may
    // hit it by chance, so that not all are confirmed.
    let (table, mut decided_by_box) = (folder.table(), 0);
    for number in 0..PHOTOS {
        let line = &table[&name(number)];
        let (answer, group) =
            if is_marked(number) { ("mug", "lower left corner") } else { ("bottle", "") };
        assert_eq!((&line["class_name"][..], &line["group"][..]), (answer, group));
        let by_box = line["boxes_cover_verdict"] == "confirmed";
        decided_by_box += usize::from(by_box);
        assert!(!(by_box && is_marked(number)), "{line:?}");
        assert_eq!(line["cover_error"], "");
    }
    assert!(decided_by_box >= 20, "{decided_by_box} of 24");
    let page = folder.page();
    assert!(page.contains(headline));
    assert!(page.contains("<h3>12 of your 36 photos: lower left corner</h3>"));
    assert!(page.contains("data-show=\"group-1\"") && page.contains("value=\"group-1\""));
    let of_group =
        page.split("<li class=\"photo").filter(|card| card.contains("group-1\" data-inside"));
    assert_eq!(of_group.count(), MARKED as usize);
}

#[test]
fn the_figures_are_those_of_an_occlusion_by_hand() {
    let folder = Folder::with_photos(6);
    // Its product fills 3 x 3 cells, and nothing else.
    let (number, side) = (5, 12);
    assert_eq!(product(number), Region { x: 20, y: 20, width: 12, height: 12 });
    let boxed =
        PhotoBox { file: name(number), name: "product".to_owned(), region: product(number) };
    write_boxes(folder.path("boxes.csv"), &[boxed]).unwrap();
    folder.run(folder.audit().with_boxes(folder.path("boxes.csv")));
    let device = Device::flex();
    let input = whole_photo().tensor(&photo(number), &device);
    let blur = blurred(&input, 0.04 * f64::from(SIDE)).unwrap();
    let place = [0..1, 0..3, 20..20 + side, 20..20 + side];
    let covered = input.slice_assign(place.clone(), blur.slice(place));
    let probabilities = softmax(reads_the_mark(&device).forward(covered), 1);
    let by_hand = probabilities.slice([0..1, 1..2]).into_scalar::<f32>();
    let line = &folder.table()[&name(number)];
    let found: f64 = line["boxes_cover_probability"].parse().unwrap();
    assert!((found - f64::from(by_hand)).abs() < 1e-6, "{found} {by_hand}");
}

#[test]
fn a_verdict_is_counted_shown_and_written_to_the_tables() {
    let folder = Folder::with_photos(9);
    let findings = folder.run(folder.audit());
    let cover = findings.cover.unwrap();
    assert_eq!(cover.tested, 9);
    let table = folder.table();
    let with = |verdict: &str| table.values().filter(|it| it["cover_verdict"] == verdict).count();
    let counts = (with("confirmed"), with("fills-disagree"), with("not-confirmed"));
    assert_eq!(counts, (cover.confirmed, cover.fills_disagree, cover.not_confirmed));
    assert_eq!(findings.concerns["not-confirmed"], cover.not_confirmed);
    for line in table.values() {
        let number = |column: &str| line[column].parse::<f64>().unwrap();
        assert!((1.0 / 21.0 - 1e-9..=1.0).contains(&number("cover_p")), "{line:?}");
        assert!(number("cover_probability") < number("probability"), "{line:?}");
        assert!(["mug", "bottle"].contains(&&line["cover_answer"][..]));
        assert!(!line["border_cover_verdict"].is_empty() && line["boxes_cover_p"].is_empty());
    }
    let confirmed = format!("Confirmed by covering: {} of 9 photos (", cover.confirmed);
    let line = findings.summary.iter().find(|it| it.starts_with(&confirmed)).unwrap();
    assert!(line.contains(", between "), "{line}");
    // The page begins with photos whose map is not confirmed, and has every sentence.
    let page = folder.page();
    let ranks: Vec<u8> =
        page.split("data-unconfirmed=\"").skip(1).map(|rest| rest[..1].parse().unwrap()).collect();
    assert_eq!(ranks.len(), 9);
    assert!(ranks.is_sorted(), "{ranks:?}");
    assert_eq!(page.matches("<details class=\"small\">").count(), 9);
    assert!(page.contains("If the border is covered, the model still says “"), "no sentence");
}

/// Returns the number of photos that are covered.
fn covered<M: Model<Tensor<4>> + 'static>(folder: &Folder, audit: Audit<M>) -> usize {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let observer = move |event: &Event| {
        if let Event::Covered { photos: 0, all, .. } = event {
            seen.fetch_add(*all, Ordering::Relaxed);
        }
    };
    folder.run(audit.with_observer(observer));
    count.load(Ordering::Relaxed)
}

#[test]
fn a_sample_of_photos_is_covered_and_none_of_them_twice() {
    let folder = Folder::with_photos(10);
    let with = |sample| covered(&folder, folder.audit().with_cover(sample));
    let tested = || folder.table().values().filter(|it| !it["cover_verdict"].is_empty()).count();
    assert_eq!((with(CoverSample::Photos(3)), tested()), (3, 3));
    let three = fs::read(folder.path("out/audit.html")).unwrap();
    let line = "Tested were 3 of 10 photos, drawn by their names.";
    assert!(String::from_utf8_lossy(&three).contains(line));
    assert_eq!((with(CoverSample::Photos(3)), tested()), (0, 3));
    assert_eq!((with(CoverSample::Photos(0)), tested()), (0, 0));
    assert_eq!((with(CoverSample::Share(0.75)), tested()), (5, 8));
    // What was covered before is not shown if it is not asked for.
    assert_eq!((with(CoverSample::Photos(3)), tested()), (0, 3));
    assert!(fs::read(folder.path("out/audit.html")).unwrap() == three);
    let error = folder.audit().with_cover(CoverSample::Share(1.5)).run(folder.path("photos"));
    assert!(matches!(error, Err(Error::Share { found: 1.5, .. })));
}

#[test]
fn a_photo_on_which_the_model_fails_when_it_is_covered_stays_explained() {
    let folder = Folder::with_photos(3);
    // No photo has grey, except where it is covered.
    let model = |_: &Device| {
        pure_function(|photos: Tensor<4>| {
            let grey = photos.clone().equal_elem(128.0_f32 / 255.0).any();
            assert!(!grey.into_scalar::<bool>(), "grey");
            photos.mean_dims(&[2, 3]).squeeze_dims::<2>(&[2, 3])
        })
    };
    let subject = Subject::new("No grey", "1", model, whole_photo());
    let findings = folder.run(folder.of(Audit::new(subject, recipe())));
    assert_eq!((findings.explained, findings.failed, findings.cover), (3, 0, None));
    for line in folder.table().values() {
        assert!(line["cover_error"].contains("grey"), "{line:?}");
        assert!(line["error"].is_empty() && line["cover_verdict"].is_empty());
    }
    assert!(folder.page().contains("Not tested: "));
}

#[test]
fn a_model_with_one_score_is_covered_too() {
    let folder = Folder::with_photos(3);
    let model = |_: &Device| {
        pure_function(|photos: Tensor<4>| photos.mean_dims(&[1, 2, 3]).squeeze_dims::<2>(&[2, 3]))
    };
    let subject = Subject::new("Brightness", "1", model, whole_photo());
    let findings = folder.run(folder.of(Audit::new(subject, recipe())));
    assert_eq!(findings.cover.unwrap().tested, 3);
    for line in folder.table().values() {
        assert!(!line["cover_p"].is_empty() && line["cover_probability"].is_empty(), "{line:?}");
    }
    assert!(folder.page().contains("(score "));
}
