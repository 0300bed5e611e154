use super::*;

const TIMM: &str = r#"{"input_size": [3, 32, 24], "mean": [0.5, 0.4, 0.3], "std": [0.25]}"#;
const HUGGING_FACE: &str = r#"{"do_resize": true, "size": {"height": 32, "width": 24},
    "resample": 3, "do_rescale": true, "do_normalize": true, "image_mean": [0.5, 0.4, 0.3],
    "image_std": 0.25, "image_processor_type": "ViTImageProcessorFast"}"#;

/// Returns the text of an object with other values for some keys; null takes a key away.
fn with(text: &str, changes: &str) -> String {
    let mut all: serde_json::Value = serde_json::from_str(text).unwrap();
    let changes: serde_json::Value = serde_json::from_str(changes).unwrap();
    let fields = all.as_object_mut().unwrap();
    for (key, value) in changes.as_object().unwrap() {
        fields.insert(key.clone(), value.clone());
    }
    all.to_string()
}

#[test]
fn timm_and_hugging_face_are_told_apart_and_read() {
    let size = Size { width: 24, height: 32 };
    let expected = Preparation::new(size)
        .with_channels(Channels::colour([0.5, 0.4, 0.3], [0.25; 3]))
        .with_interpolation(Interpolation::Bicubic);
    let timm = Preparation::from_json(TIMM).unwrap();
    assert_eq!(timm, expected.with_fit(Fit::CropFraction(0.875)));
    let inside = format!(r#"{{"pretrained_cfg": {TIMM}, "num_classes": 7, "model_args": {{}}}}"#);
    assert_eq!(Preparation::from_json(&inside).unwrap(), timm);
    let hugging_face = Preparation::from_json(HUGGING_FACE).unwrap();
    assert_eq!(hugging_face, expected.with_fit(Fit::Stretch).centred_down());
    // A file, with the mark that some editors write.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    std::fs::write(&path, format!("\u{feff}{inside}")).unwrap();
    assert_eq!(Preparation::read(&path).unwrap(), timm);
}

#[test]
fn a_size_of_one_number_is_what_its_class_takes_it_for() {
    let fit =
        |changes: &str| Preparation::from_json(&with(HUGGING_FACE, changes)).map(|it| it.fit());
    let clip = r#"{"image_processor_type": "CLIPImageProcessor", "size": 28,
        "do_center_crop": true, "crop_size": 24}"#;
    assert_eq!(fit(clip).unwrap(), Fit::ShorterSide(28));
    let deit = clip.replace("CLIPImageProcessor", "DeiTFeatureExtractor");
    assert_eq!(fit(&deit).unwrap(), Fit::StretchAndCrop(28.into()));
    let said = clip.replace("28,", r#"28, "default_to_square": true,"#);
    assert_eq!(fit(&said).unwrap(), Fit::StretchAndCrop(28.into()));
    let convnext = r#"{"image_processor_type": "ConvNextImageProcessor", "size": 384}"#;
    assert_eq!(fit(convnext).unwrap(), Fit::Stretch);
    let unnamed = clip.replace("\"CLIPImageProcessor\"", "null");
    let error = fit(&unnamed).unwrap_err().to_string();
    assert!(error.contains("is one number, which is the shorter side for some"), "{error}");
}

#[test]
fn a_factor_other_than_1_of_255_moves_into_the_mean_and_the_deviation() {
    let changes = r#"{"rescale_factor": 0.00784313725490196, "image_mean": 1.0, "image_std": 1.0}"#;
    let preparation = Preparation::from_json(&with(HUGGING_FACE, changes)).unwrap();
    let [black, white] = [0, 255].map(|byte| preparation.level(byte).unwrap());
    assert!((black + 1.0).abs() < 1e-6 && (white - 1.0).abs() < 1e-6, "{black} {white}");
    let bytes = with(HUGGING_FACE, r#"{"do_rescale": false, "do_normalize": false}"#);
    let bytes = Preparation::from_json(&bytes).unwrap();
    assert_eq!(bytes.levels(200), [200.0; 3]);
    let last = with(HUGGING_FACE, r#"{"data_format": "channels_last"}"#);
    assert_eq!(Preparation::from_json(&last).unwrap().shape(), [1, 32, 24, 3]);
}

#[test]
fn keys_that_change_nothing_are_passed_over() {
    let off = r#"{"do_pad": false, "processor_class": "X", "do_convert_rgb": true,
        "do_sharpen": false, "crop_size": null, "pad_size": {"height": 9, "width": 9}}"#;
    let read = |text: &str| Preparation::from_json(text).unwrap();
    assert_eq!(read(&with(HUGGING_FACE, off)), read(HUGGING_FACE));
    let off = r#"{"url": "x", "test_input_size": [3, 64, 64], "pool_size": [7, 7], "new": null}"#;
    assert_eq!(read(&with(TIMM, off)), read(TIMM));
}

#[test]
fn what_is_wrong_in_a_file_is_said_with_its_key() {
    for (file, changes, words) in [
        (TIMM, r#"{"input_size": null}"#, "`input_size` is missing"),
        (TIMM, r#"{"input_size": [3, 32]}"#, "expected [channels, height, width]"),
        (TIMM, r#"{"input_size": [3, 32, 1e9]}"#, "expected 1 to 16384 pixels"),
        (TIMM, r#"{"input_size": [4, 32, 32]}"#, "`input_size` has 4 channels"),
        (TIMM, r#"{"mean": [1, 2]}"#, "`mean` is [1,2]; expected one number or three"),
        (TIMM, r#"{"std": [0]}"#, "the standard deviation 0"),
        (TIMM, r#"{"crop_pct": 2}"#, "the crop fraction is 2"),
        (TIMM, r#"{"crop_pct": "x"}"#, "`crop_pct` is \"x\"; expected a number"),
        (TIMM, r#"{"crop_mode": "tiles"}"#, "`crop_mode` is \"tiles\""),
        (TIMM, r#"{"interpolation": "random"}"#, "`interpolation` is \"random\""),
        (
            TIMM,
            r#"{"naflex": 7}"#,
            "keys that are not known here and may change the input: `naflex`: 7",
        ),
        (HUGGING_FACE, r#"{"do_resize": false}"#, "`do_resize` is false"),
        (HUGGING_FACE, r#"{"do_resize": "yes"}"#, "expected true or false"),
        (HUGGING_FACE, r#"{"size": null}"#, "`size` is missing"),
        (
            HUGGING_FACE,
            r#"{"size": {"shortest_edge": 800, "longest_edge": 1333}}"#,
            "are supported",
        ),
        (HUGGING_FACE, r#"{"size": {"shortest_edge": 8}}"#, "depends on the photo"),
        (
            HUGGING_FACE,
            r#"{"size": {"height": 0, "width": 3}}"#,
            "`size` is 0; expected 1 to 16384",
        ),
        (HUGGING_FACE, r#"{"resample": null}"#, "`resample` is missing"),
        (HUGGING_FACE, r#"{"resample": 9}"#, "`resample` is 9"),
        (HUGGING_FACE, r#"{"rescale_factor": 0}"#, "`rescale_factor` is 0"),
        (HUGGING_FACE, r#"{"image_mean": null}"#, "`image_mean` is missing"),
        (HUGGING_FACE, r#"{"image_std": null}"#, "`image_std` is missing"),
        (HUGGING_FACE, r#"{"data_format": "none"}"#, "`data_format` is \"none\""),
        (HUGGING_FACE, r#"{"do_pad": true}"#, "`do_pad` is true"),
        (HUGGING_FACE, r#"{"do_center_crop": true}"#, "this class ignores"),
        (HUGGING_FACE, r#"{"do_grayscale": true}"#, "`do_grayscale`: true"),
        (HUGGING_FACE, r#"{"rescale_offset": 1}"#, "`rescale_offset`: 1"),
        (
            HUGGING_FACE,
            r#"{"image_processor_type": "DPTImageProcessor"}"#,
            "DPTImageProcessor are not known",
        ),
        (
            HUGGING_FACE,
            r#"{"image_processor_type": "TimmWrapperImageProcessor"}"#,
            "give timm's config.json",
        ),
        (
            HUGGING_FACE,
            r#"{"image_processor_type": "CLIPImageProcessor", "crop_size": 9}"#,
            "add `do_center_crop`",
        ),
        (
            HUGGING_FACE,
            r#"{"image_processor_type": "CLIPImageProcessor", "do_center_crop": true}"#,
            "`crop_size` is missing",
        ),
        (
            HUGGING_FACE,
            r#"{"image_processor_type": "ConvNextImageProcessor"}"#,
            "must have a `shortest_edge`",
        ),
    ] {
        let error = Preparation::from_json(&with(file, changes)).unwrap_err();
        assert!(matches!(error, Error::PreparationFile { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(words), "{changes}: {text}");
    }
    let args = format!(r#"{{"pretrained_cfg": {TIMM}, "model_args": {{"in_chans": 1}}}}"#);
    for (text, words) in [
        (&args[..], "`model_args` says `in_chans`: 1, and `pretrained_cfg` says 3"),
        (r#"{"pretrained_cfg": 3}"#, "expected an object"),
        ("{", "it is no JSON: "),
        ("[]", "it is no JSON object"),
        ("{}", "it has neither the keys of Hugging Face's"),
    ] {
        let error = Preparation::from_json(text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let missing = Preparation::read("no/such/file.json").unwrap_err().to_string();
    assert!(missing.starts_with("cannot read how photos are prepared from no"), "{missing}");
}

#[test]
fn a_broken_file_gives_a_preparation_that_works_or_an_error() {
    let photo = image::RgbImage::new(3, 2);
    for text in [TIMM, HUGGING_FACE] {
        for at in 0..text.len() {
            for sign in ["", "-", "9", "0", "\"", "}", "null", "e9", "[", "."] {
                let broken = format!("{}{sign}{}", &text[..at], &text[at + 1..]);
                let Ok(preparation) = Preparation::from_json(&broken) else { continue };
                preparation.check().unwrap();
                let placement = preparation.placement(&photo);
                placement.frame().check().unwrap();
                assert!(placement.content().is_inside(preparation.size()), "{broken}");
            }
        }
    }
}
