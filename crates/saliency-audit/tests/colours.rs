//! Audits of a model with a closed form: the score of a colour is its mean over the photo.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::fs;
use std::path::PathBuf;
use std::rc::Rc;

use burn::tensor::{Device, Tensor, TensorData};
use image::{Rgb, RgbImage};
use saliency_audit::{
    Audit, ClassNames, Effort, Error, Event, PhotoBox, PhotoInput, Recipe, Subject, photo_input,
    write_boxes,
};
use saliency_core::{InputTimesGradient, Model, pure_function};
use saliency_photo::{Fit, Interpolation, Layout, Preparation, Region, read_photo};
use saliency_viz::write_picture;

/// A folder with photos, boxes and what the audit writes.
struct Folder(tempfile::TempDir);

impl Folder {
    /// Photos of 40 x 20 pixels: dark, with a square of one colour in the upper left quarter.
    fn with_photos(photos: &[(&str, [u8; 3])]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, colour) in photos {
            let photo = RgbImage::from_fn(40, 20, |x, y| {
                if (4..14).contains(&x) && (5..10).contains(&y) {
                    Rgb(*colour)
                } else {
                    Rgb([0; 3])
                }
            });
            write_picture(folder.path("photos").join(name), &photo).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Boxes around the upper left quarter of each photo.
    fn with_boxes(self, files: &[&str]) -> Self {
        let region = Region { x: 0, y: 0, width: 20, height: 10 };
        let boxed =
            |file: &&str| PhotoBox { file: (*file).to_owned(), name: "square".to_owned(), region };
        let boxes: Vec<PhotoBox> = files.iter().map(boxed).collect();
        write_boxes(self.path("boxes.csv"), &boxes).unwrap();
        self
    }

    /// The table by file.
    fn table(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.path("out/audit.csv")).unwrap();
        let lines = reader.deserialize::<BTreeMap<String, String>>().map(Result::unwrap);
        lines.map(|line| (line["file"].clone(), line)).collect()
    }
}

/// The whole photo, pixel by pixel, with values from 0 to 1.
fn tensor(photo: &RgbImage, device: &Device) -> Tensor<4> {
    let channel = |at: usize| photo.pixels().map(move |pixel| f32::from(pixel.0[at]) / 255.0);
    let values: Vec<f32> = (0..3).flat_map(channel).collect();
    let (width, height) = photo.dimensions();
    Tensor::from_data(TensorData::new(values, [1, 3, height as usize, width as usize]), device)
}

fn whole_photo() -> impl PhotoInput {
    photo_input("every pixel, from 0 to 1", tensor, Region::whole)
}

fn mean_colours(_: &Device) -> impl Model<Tensor<4>> + use<> {
    pure_function(|photos: Tensor<4>| photos.mean_dims(&[2, 3]).squeeze_dims::<2>(&[2, 3]))
}

fn subject<M: Model<Tensor<4>> + 'static>(model: fn(&Device) -> M) -> Subject<M> {
    Subject::new("A classifier of colours", "no weights", model, whole_photo())
        .with_classes(ClassNames::new(["red", "green", "blue"]))
}

fn recipe<M: Model<Tensor<4>>>() -> Recipe<M> {
    Recipe::new("input-x-gradient", "Input x Gradient", Effort::Steps(1), |_, schedule| {
        Box::new(InputTimesGradient::new().with_schedule(schedule))
    })
}

fn audit(folder: &Folder) -> Audit<impl Model<Tensor<4>> + use<>> {
    let audit = Audit::new(subject(mean_colours), recipe());
    audit.with_devices(["flex".parse().unwrap()]).with_output_folder(folder.path("out"))
}

/// Returns the numbers of photos that are explained and that the folder has.
fn started(audit: Audit<impl Model<Tensor<4>> + 'static>, folder: &Folder) -> (usize, usize) {
    let counts = Rc::new(RefCell::new((0, 0)));
    let seen = Rc::clone(&counts);
    let observer = move |event: &Event| {
        if let Event::Started { waiting, photos, .. } = event {
            *seen.borrow_mut() = (*waiting, *photos);
        }
    };
    audit.with_observer(observer).run(folder.path("photos")).unwrap();
    *counts.borrow()
}

#[test]
fn every_measurement_has_its_closed_form() {
    let folder = Folder::with_photos(&[("red.png", [255, 0, 0]), ("blue.png", [0, 0, 255])]);
    let folder = folder.with_boxes(&["red.png"]);
    let findings = audit(&folder)
        .with_boxes(folder.path("boxes.csv"))
        .with_expected_share(0.9)
        .run(folder.path("photos"))
        .unwrap();
    assert!(findings.summary[0].starts_with("In all of 1 photo with a marked box, it holds 90"));
    assert_eq!(findings.files.len(), 3);
    assert!(findings.files.iter().all(|file| file.is_file()));

    let table = folder.table();
    let value = |file: &str, column: &str| table[file][column].parse::<f64>().unwrap();
    assert_eq!(table["red.png"]["class_name"], "red");
    assert_eq!(table["blue.png"]["class_name"], "blue");
    // All of the attribution is in the square, all of the square is in the box: a quarter.
    assert!((value("red.png", "inside") - 1.0).abs() < 1e-6);
    assert!((value("red.png", "inside_area") - 0.25).abs() < 1e-6);
    assert_eq!(table["red.png"]["peak_inside"], "true");
    assert_eq!(table["blue.png"]["inside"], "");
    // Nothing reaches into the border of 4 and 2 pixels; half of the square is 25 of 800 pixels.
    assert_eq!(value("red.png", "border"), 0.0);
    assert!((value("red.png", "half_area") - 25.0 / 800.0).abs() < 1e-6);
    assert_eq!(value("red.png", "gradients"), 1.0);
    // The softmax of one mean of 50 / 800, and two of zero.
    let red = (50.0f64 / 800.0).exp();
    assert!((value("red.png", "probability") - red / (red + 2.0)).abs() < 1e-6);

    let page = fs::read_to_string(folder.path("out/audit.html")).unwrap();
    assert!(page.contains("A classifier of colours; Input x Gradient."));
    assert_eq!(page.matches("<li class=\"photo").count(), 2);
}

#[test]
fn a_photo_that_is_not_square_keeps_its_shape_on_the_page() {
    let folder = Folder::with_photos(&[("red.png", [255, 0, 0])]);
    audit(&folder).run(folder.path("photos")).unwrap();
    let parts = fs::read_dir(folder.path("out/parts")).unwrap().map(|it| it.unwrap().path());
    let jpeg = parts.into_iter().find(|it| it.extension().is_some_and(|it| it == "jpg")).unwrap();
    let pair = read_photo(&jpeg).unwrap();
    assert_eq!(pair.dimensions(), (400, 200));
    // The photo is 200 x 100, in the middle of its square; the square in it is where it was.
    let is_red = |x, y| pair.get_pixel(x, y).0[0] > 128;
    assert!(is_red(30, 50 + 30) && is_red(60, 50 + 40));
    assert!(!is_red(30, 40) && !is_red(30, 50 + 60) && !is_red(100, 80));
}

/// An audit of the colours of photos that are prepared in another way.
fn audit_of(input: Preparation, folder: &Folder) -> Audit<impl Model<Tensor<4>> + use<>> {
    let subject = Subject::new("A classifier of colours", "no weights", mean_colours, input);
    let audit = Audit::new(subject, recipe());
    audit.with_devices(["flex".parse().unwrap()]).with_output_folder(folder.path("out"))
}

#[test]
fn maps_of_stretched_photos_are_measured_where_they_are_on_the_photo() {
    let folder = Folder::with_photos(&[("red.png", [255, 0, 0])]).with_boxes(&["red.png"]);
    // Photos of 40 x 20 pixels in inputs of 20 x 20.
    let squeezed =
        Preparation::new(20).with_fit(Fit::Stretch).with_interpolation(Interpolation::Box);
    audit_of(squeezed, &folder)
        .with_boxes(folder.path("boxes.csv"))
        .run(folder.path("photos"))
        .unwrap();
    let table = folder.table();
    let value = |column: &str| table["red.png"][column].parse::<f64>().unwrap();
    assert_eq!(table["red.png"]["class_name"], "class 0");
    assert!((value("inside") - 1.0).abs() < 1e-6);
    assert!((value("inside_area") - 0.25).abs() < 1e-6);
    assert!((value("half_area") - 25.0 / 800.0).abs() < 0.002);
}

#[test]
fn inputs_that_show_more_than_the_photo_are_refused() {
    let folder = Folder::with_photos(&[("red.png", [255, 0, 0])]);
    let channels_last = Preparation::new(20).with_layout(Layout::ChannelsLast);
    for (wrong, words) in [
        (Preparation::yolo().with_size(20), "photos do not fill the input; stretch them"),
        (Preparation::new(20).with_fit(Fit::ShorterSide(10)), "photos do not fill the input"),
        (channels_last, "the channels come last"),
        (Preparation::new(0), "the input has 0 x 0 pixels"),
    ] {
        let error = audit_of(wrong, &folder).run(folder.path("photos")).unwrap_err();
        assert!(matches!(error, Error::Input { .. }));
        assert!(error.to_string().contains(words), "{error}");
    }
    let good = Preparation::torchvision().with_size(20).with_fit(Fit::ShorterSide(22));
    audit_of(good, &folder).run(folder.path("photos")).unwrap();
}

#[test]
fn nothing_is_explained_twice_and_new_names_of_classes_are_used_at_once() {
    let folder = Folder::with_photos(&[("a.png", [255, 0, 0]), ("b.png", [0, 255, 0])]);
    assert_eq!(started(audit(&folder), &folder), (2, 2));
    assert_eq!(started(audit(&folder), &folder), (0, 2));
    // Other names, from a file: the maps stay as they are.
    let names = folder.path("classes.txt");
    fs::write(&names, "rot\ngrün\nblau\n").unwrap();
    let with_names = |names| {
        let subject = subject(mean_colours).with_classes(names);
        let audit = Audit::new(subject, recipe()).with_devices(["flex".parse().unwrap()]);
        audit.with_output_folder(folder.path("out"))
    };
    let named = ClassNames::read(&names).unwrap();
    assert_eq!(started(with_names(named), &folder), (0, 2));
    assert_eq!(folder.table()["b.png"]["class_name"], "grün");
    assert_eq!(started(with_names(ClassNames::default()), &folder), (0, 2));
    assert_eq!(folder.table()["b.png"]["class_name"], "class 1");
    // Another photo, other weights.
    fs::copy(folder.path("photos/a.png"), folder.path("photos/c.png")).unwrap();
    assert_eq!(started(audit(&folder), &folder), (1, 3));
    let subject = Subject::new("A classifier of colours", "others", mean_colours, whole_photo());
    let others = Audit::new(subject, recipe()).with_devices(["flex".parse().unwrap()]);
    assert_eq!(started(others.with_output_folder(folder.path("out")), &folder), (3, 3));
}

#[test]
fn a_photo_with_an_input_of_another_shape_becomes_a_line_with_the_reason() {
    let folder = Folder::with_photos(&[("a.png", [255, 0, 0]), ("b.png", [0, 255, 0])]);
    write_picture(folder.path("photos/large.png"), &RgbImage::new(41, 20)).unwrap();
    audit(&folder).run(folder.path("photos")).unwrap();
    let table = folder.table();
    assert_eq!(table["b.png"]["error"], "");
    let error = &table["large.png"]["error"];
    assert!(error.contains("[1, 3, 20, 40]") && error.contains("[1, 3, 20, 41]"), "{error}");
}

#[test]
fn what_cannot_be_audited_is_refused_with_its_cause() {
    let folder = Folder::with_photos(&[("a.png", [255, 0, 0])]);
    let refused = |audit: Audit<_>| audit.run(folder.path("photos")).unwrap_err();
    let error = refused(audit(&folder).with_expected_share(1.5));
    assert!(matches!(error, Error::Share { found: 1.5, .. }), "{error}");
    let error = audit(&folder).run(folder.path("nowhere")).unwrap_err();
    assert!(matches!(error, Error::Folder { .. }) && error.source().is_some(), "{error}");
    let error = refused(audit(&folder).with_boxes(folder.path("nowhere.csv")));
    assert!(matches!(error, Error::Boxes { .. }) && error.source().is_some(), "{error}");
    let lock = fs::File::create(folder.path("out/parts/lock")).unwrap();
    lock.lock().unwrap();
    assert!(matches!(refused(audit(&folder)), Error::InUse { .. }));
    drop(lock);
    // What is left of a program that was killed while it wrote is removed.
    fs::write(folder.path("out/parts/.saliency-abc"), b"half").unwrap();
    audit(&folder).run(folder.path("photos")).unwrap();
    assert!(!folder.path("out/parts/.saliency-abc").exists());
}

#[test]
fn an_audit_that_is_stopped_keeps_what_is_finished() {
    let names: Vec<String> = (0..20).map(|at| format!("{at:02}.png")).collect();
    let photos: Vec<_> = names.iter().map(|name| (&name[..], [255, 0, 0])).collect();
    let folder = Folder::with_photos(&photos);
    let asked = Rc::new(RefCell::new(0));
    let is_stopped = {
        let asked = Rc::clone(&asked);
        move || {
            *asked.borrow_mut() += 1;
            *asked.borrow() > 1
        }
    };
    let stopped = audit(&folder).with_stop(is_stopped).run(folder.path("photos")).unwrap_err();
    // Eight photos are explained together.
    assert!(matches!(stopped, Error::Stopped { done: 8, all: 20, .. }), "{stopped:?}");
    assert!(stopped.to_string().contains("after 8 of 20 photos"), "{stopped}");
    assert!(!folder.path("out/audit.html").exists());
    assert_eq!(started(audit(&folder), &folder), (12, 20));
    assert_eq!(folder.table().len(), 20);
}
