use super::*;
use crate::error::Error;
use crate::preparation::{Channel, ChannelOrder, Channels, Fit, Layout, ValueRange};
use crate::region::Size;

fn facts(shape: [usize; 4]) -> ModelFacts {
    // Zero stands for an open dimension.
    ModelFacts::new("input", shape.map(|side| (side > 0).then_some(side)))
}

fn preparation(facts: &ModelFacts) -> Preparation {
    Guess::of(facts).unwrap().preparation
}

#[test]
fn ultralytics_files_are_taken_at_their_word() {
    let file = facts([1, 3, 0, 0]).with_metadata("author", "Ultralytics");
    let detector =
        file.clone().with_metadata("task", "detect").with_metadata("imgsz", "[480, 640]");
    let guess = Guess::of(&detector).unwrap();
    let size = Size { width: 640, height: 480 };
    assert_eq!(guess.preparation, Preparation::yolo().with_size(size));
    assert!(guess.is_certain(), "{guess}");
    let classifier = file.with_metadata("task", "classify").with_metadata("imgsz", "[224, 224]");
    let expected = Preparation::new(224).with_fit(Fit::ShorterSide(224));
    assert_eq!(preparation(&classifier), expected);
    // Older files have class names and a stride.
    let old =
        facts([1, 3, 320, 320]).with_metadata("names", "{0: 'x'}").with_metadata("stride", "32");
    assert_eq!(preparation(&old), Preparation::yolo().with_size(320));
}

#[test]
fn networks_without_a_word_are_taken_for_those_of_torchvision() {
    let guess = Guess::of(&facts([0, 3, 224, 224]).with_producer("pytorch 2.8.0")).unwrap();
    let expected = Preparation::torchvision().with_fit(Fit::CropFraction(0.875));
    assert_eq!(guess.preparation, expected);
    // The pixels are those of the preset.
    let [a, b] = [expected, Preparation::torchvision()].map(|it| it.placement((601, 403)));
    assert_eq!(a, b);
    assert!(!guess.is_certain());
    let words = guess.to_string();
    assert!(words.starts_with("preparation: 224 x 224: "), "{words}");
    assert!(words.contains("\n  read from the file: the input has 224 x 224 pixels"), "{words}");
    assert!(words.contains("\n  assumed: pytorch 2.8.0 wrote it: the shorter side"), "{words}");
    let named = ModelFacts::new("pixel_values", [None, Some(3), None, None]);
    let words = Guess::of(&named).unwrap().to_string();
    assert!(words.contains("preprocessor_config.json"), "{words}");
    assert!(words.contains("assumed: the input's size is open: 224 x 224 pixels"), "{words}");
}

#[test]
fn other_families_are_known_by_their_outputs_and_producers() {
    let keras = facts([0, 299, 299, 3]).with_producer("tf2onnx 1.16");
    assert_eq!(preparation(&keras), Preparation::tensorflow().with_size(299));
    let open = facts([0, 0, 0, 0]).with_producer("tf2onnx 1.16");
    assert_eq!(preparation(&open), Preparation::tensorflow());
    let clip = facts([0, 3, 224, 224]).with_output("image_embeds", [None, Some(512)]);
    assert_eq!(preparation(&clip), Preparation::clip());
    for output in [[Some(1), Some(84), Some(8_400)], [Some(1), Some(25_200), Some(85)]] {
        let detector = facts([1, 3, 640, 640]).with_output("output0", output);
        assert_eq!(preparation(&detector), Preparation::yolo());
    }
    let digits = facts([1, 1, 28, 28]);
    let grey = Preparation::new(28).with_fit(Fit::Stretch);
    assert_eq!(preparation(&digits), grey.with_channels(Channels::Grey(Channel::PLAIN)));
    let small = preparation(&facts([1, 3, 32, 32]));
    assert_eq!((small.size(), small.fit(), small.level(0)), (32.into(), Fit::Stretch, Some(-1.0)));
    // A text model's output is no detector's.
    let tokens = facts([1, 3, 224, 224]).with_output("x", [Some(1), Some(197), Some(768)]);
    assert_ne!(preparation(&tokens).fit(), Preparation::yolo().fit());
}

#[test]
fn the_keys_that_onnx_defines_overrule_the_family() {
    let file = facts([1, 3, 224, 224])
        .with_metadata("Image.BitmapPixelFormat", "Bgr8")
        .with_metadata("Image.NominalPixelRange", "NominalRange_0_255");
    let expected = Preparation::torchvision()
        .with_fit(Fit::CropFraction(0.875))
        .with_order(ChannelOrder::Bgr)
        .with_range(ValueRange::Bytes)
        .with_channels(Channels::Colour([Channel::PLAIN; 3]));
    assert_eq!(preparation(&file), expected);
    let signed = facts([1, 1, 64, 64]).with_metadata("Image.NominalPixelRange", "Normalized_1_1");
    assert_eq!(preparation(&signed).levels(255), [1.0]);
    let video =
        facts([1, 3, 64, 64]).with_metadata("Image.NominalPixelRange", "NominalRange_16_235");
    assert!(Guess::of(&video).unwrap().to_string().contains("NominalRange_16_235"));
}

#[test]
fn every_photo_input_gives_a_preparation_of_its_shape() {
    for channels in [0, 1, 3] {
        for [height, width] in [[0, 0], [224, 0], [0, 32], [48, 320], [640, 640]] {
            for producer in ["", "pytorch", "tf2onnx", "keras", "ultralytics"] {
                for shape in [[0, channels, height, width], [1, height, width, channels]] {
                    let file = facts(shape).with_producer(producer);
                    let Ok(guess) = Guess::of(&file) else { continue };
                    for (given, found) in file.input_shape.iter().zip(guess.preparation.shape()) {
                        assert!(given.is_none_or(|given| given == found), "{file:?}: {guess}");
                    }
                }
            }
        }
    }
}

#[test]
fn an_input_that_takes_no_photos_is_refused_with_its_shape() {
    for (shape, words) in [
        (vec![None, Some(13)], "\"x\" of shape [?, 13] takes no photos: a photo has four"),
        (vec![Some(1), Some(4), Some(64), Some(64)], "[1, 4, 64, 64]"),
        (vec![], "of shape []"),
        (vec![None, Some(3), Some(1 << 40), Some(2)], "1 to 16384 pixels"),
        (vec![None, Some(3), Some(0), Some(2)], "1 to 16384 pixels"),
    ] {
        let error = Guess::of(&ModelFacts::new("x", shape)).unwrap_err();
        assert!(matches!(error, Error::NotAPhotoInput { .. }));
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(Layout::default(), Layout::ChannelsFirst);
}
