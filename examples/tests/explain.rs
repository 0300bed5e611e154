//! Runs the program `explain` as its users do.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use common::{example, text};
use saliency::photo::read_photo;
use saliency::viz::write_picture;
use saliency_models::photos;

/// Runs the program.
fn explain(args: &[&str]) -> Output {
    example("explain", args).output().unwrap()
}

/// Checks that the program fails with exit code 1 and one line that says what is wrong.
fn refused(args: &[&str]) -> String {
    refused_with(1, args)
}

/// The same check for a wrong option, which has exit code 2.
fn unusable(args: &[&str]) -> String {
    refused_with(2, args)
}

fn refused_with(code: i32, args: &[&str]) -> String {
    let output = explain(args);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    let says_what_is_wrong = error.starts_with("error: cannot read ")
        || error.starts_with("error: the region of ")
        || (error.starts_with("error: expected ") && error.contains("found"));
    assert!(says_what_is_wrong, "{error}");
    print!("{error}");
    error
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn out(&self) -> String {
        self.path("out").display().to_string()
    }
}

#[test]
fn without_arguments_regions_of_the_cat_are_explained_and_tested() {
    let folder = Folder::new();
    let output = explain(&["--out", &folder.out()]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.contains("explained: Egyptian cat (38."), "{said}");
    assert!(said.contains("completeness gap: ") && said.contains("time: "), "{said}");
    assert!(said.contains(". If the brightest "), "{said}");
    assert!(
        said.contains("half of it lies in ") && said.contains(" of 196 regions, in "),
        "{said}"
    );
    let gradients = said.split("gradients: ").nth(1).unwrap().lines().next().unwrap();
    assert!(gradients.parse::<usize>().unwrap() <= 12, "{said}");
    let kinds = ["heat-map", "overlay", "panel"];
    let names = kinds.map(|kind| format!("chelsea-regions-{kind}.png"));
    assert_eq!(files(&folder.path("out")), names);
}

#[test]
fn integrated_gradients_of_the_cat_light_its_face() {
    let folder = Folder::new();
    let output = explain(&["--method=integrated-gradients", "--out", &folder.out()]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(said.contains("explained: Egyptian cat (38."), "{said}");
    assert!(said.contains("completeness gap: ") && said.contains("time: "), "{said}");
    let kinds = ["heat-map", "overlay", "panel"];
    let names = kinds.map(|kind| format!("chelsea-integrated-gradients-{kind}.png"));
    assert_eq!(files(&folder.path("out")), names);

    // Both eyes, and the region from the left eye down to the nose: 23 % of the square that the
    // model was shown.
    let heat = read_photo(folder.path("out").join(&names[0])).unwrap();
    assert_eq!(heat.dimensions(), photos::chelsea().dimensions());
    let face = [(135, 85, 210, 150), (290, 105, 345, 160), (195, 130, 290, 265)];
    let inside = |x, y| face.iter().any(|&(x0, y0, x1, y1)| x0 <= x && x < x1 && y0 <= y && y < y1);
    let (mut lit, mut lit_face, mut area, mut area_face) = (0u32, 0u32, 0u32, 0u32);
    // The model was shown the centred square.
    for (x, y, pixel) in heat.enumerate_pixels().filter(|(x, ..)| (75..375).contains(x)) {
        let bright = u32::from(pixel.0.map(u32::from).iter().sum::<u32>() > 450);
        let in_face = u32::from(inside(x, y));
        (lit, lit_face) = (lit + bright, lit_face + bright * in_face);
        (area, area_face) = (area + 1, area_face + in_face);
    }
    let shares = (f64::from(lit_face) / f64::from(lit), f64::from(area_face) / f64::from(area));
    println!(
        "{:.0} % of the bright pixels lie in {:.0} % of the picture",
        100.0 * shares.0,
        100.0 * shares.1
    );
    assert!(shares.0 > 0.7, "{shares:?}");
}

#[test]
fn photos_of_every_kind_are_explained_for_the_class_asked_for() {
    let folder = Folder::new();
    let coffee = photos::coffee();
    let jpeg = folder.path("cup.jpg");
    coffee.save(&jpeg).unwrap();
    fs::create_dir(folder.path("other")).unwrap();
    let webp = folder.path("other/cup.webp");
    coffee.save(&webp).unwrap();
    let output = explain(&[
        jpeg.to_str().unwrap(),
        webp.to_str().unwrap(),
        "--method=gradient",
        "--target=ESPRESSO",
        "--out",
        &folder.out(),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout).matches("explained: espresso (9").count(), 2);
    let written = files(&folder.path("out"));
    assert_eq!(written.len(), 6, "{written:?}");
    assert!(written.contains(&"cup-2-gradient-panel.png".to_owned()), "{written:?}");
    // The panel contains the photo pixel by pixel, between a title and a scale.
    let (photo, panel) = (read_photo(&jpeg).unwrap(), folder.path("out/cup-gradient-panel.png"));
    let panel = read_photo(&panel).unwrap();
    assert!(panel.width() > 3 * 600 && panel.height() > 400 + 80, "{:?}", panel.dimensions());
    let stands_at = |x, y| {
        let mut pixels = photo.enumerate_pixels();
        pixels.all(|(right, down, pixel)| panel.get_pixel(x + right, y + down) == pixel)
    };
    let gap = (panel.width() - 3 * 600) / 4;
    assert!((40..panel.height() - 400).any(|y| stands_at(gap, y)));
}

#[test]
fn a_page_figures_and_values_are_written_for_what_is_asked() {
    let folder = Folder::new();
    let explain = |options: &[&str]| explain(&[options, &["--out", &folder.out()]].concat());
    let output = explain(&[
        "--compare=gradient,input-x-gradient",
        "--target=tabby",
        "--target=Egyptian cat",
        "--boxes=the face=135,85,210,180",
        "--mode=masked,contours,panel",
        "--reduce=sum",
        "--page",
        "--svg",
        "--export",
    ]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(said.matches("the face (").count(), 4, "{said}");
    let written = files(&folder.path("out"));
    let of = |ending: &str| written.iter().filter(|name| name.ends_with(ending)).count();
    for (ending, count) in [
        ("-masked.png", 4),
        ("-contours.png", 4),
        ("-contours.svg", 4),
        ("-panel.png", 4),
        ("-panel.svg", 4),
        ("-map.png", 4),
        (".npy", 4),
        (".safetensors", 4),
        (".json", 4),
        ("chelsea-grid.png", 1),
        ("chelsea-grid.svg", 1),
        ("chelsea-page.html", 1),
    ] {
        assert_eq!(of(ending), count, "{ending}: {written:?}");
    }
    let page = fs::read_to_string(folder.path("out/chelsea-page.html")).unwrap();
    assert!(page.contains("The model says Egyptian cat (39 %). Half of what made it say so lies"));
    assert!(page.contains("The model gives tabby "));
    assert_eq!(page.matches("<th scope=\"row\">the face</th>").count(), 4);
    let json = fs::read_to_string(folder.path("out/chelsea-gradient-285.json")).unwrap();
    for fact in
        ["\"target\": 285", "\"method\": \"gradient\"", "\"reduce\": \"Sum\"", "\"device\": \""]
    {
        assert!(json.contains(fact), "{fact}: {json}");
    }

    let outside = refused(&["--boxes=it=400,0,100,100", "--out", &folder.out()]);
    assert!(outside.contains("reaches out of the photo of 451 x 300 pixels"), "{outside}");
    let wrong = explain(&["--boxes=it=1,2,3"]);
    let wrong = text(&wrong.stderr);
    assert!(wrong.contains("expected NAME=X,Y,WIDTH,HEIGHT in whole pixels, found it=1,2,3"));
}

/// Checks the error if the disk is full. A limit on the size of files takes the place of a full
/// disk.
#[cfg(target_os = "linux")]
#[test]
fn where_a_file_cannot_be_written_to_its_end_nothing_is_left() {
    let folder = Folder::new();
    let out = folder.out();
    let program = example("explain", &[]);
    let limited =
        "trap '' XFSZ; ulimit -f 4; exec \"$0\" --device=flex --method=gradient --out \"$1\"";
    let mut shell = std::process::Command::new("bash");
    let output = shell.arg("-c").arg(limited).arg(program.get_program()).arg(&out).output();
    let output = output.unwrap();
    let error = text(&output.stderr);
    print!("{error}");
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("error: cannot write "), "{error}");
    assert_eq!(files(&folder.path("out")), [""; 0]);
}

#[test]
fn other_methods_are_chosen_by_name() {
    let folder = Folder::new();
    for (options, gradients) in [
        (&["--method=input-x-gradient"][..], 1),
        (&["--method=integrated-gradients", "--steps=2"], 2),
        (&["--method=smooth-grad", "--samples=2"], 2),
        (&["--method=smooth-grad-squared", "--samples=2"], 2),
        (&["--method=var-grad", "--samples=3"], 3),
        (&["--method=expected-gradients", "--samples=2"], 2),
        (&["--method=integrated-gradients", "--tolerance=1"], 5),
    ] {
        let output = explain(&[options, &["--out", &folder.out()]].concat());
        let said = text(&output.stdout);
        assert!(said.contains(&format!(" s, gradients: {gradients}\n")), "{said}");
    }
    assert_eq!(files(&folder.path("out")).len(), 3 * 6);
}

#[test]
fn another_class_another_score_and_another_baseline_are_explained() {
    let folder = Folder::new();
    let explain = |options: &[&str]| {
        let output = explain(&[options, &["--out", &folder.out()]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let said = explain(&["--method=smooth-grad", "--tolerance=0.1", "--limit=4"]);
    assert!(said.contains("estimated error of the map: "), "{said}");
    assert!(said.contains("warning: the tolerance was not reached within 4 gradients"), "{said}");
    let said = explain(&["--steps=2", "--instead-of=tabby", "--baseline=blurred"]);
    assert!(said.contains("explained: Egyptian cat (38."), "{said}");
    assert!(said.contains("instead of: tabby"), "{said}");
    assert!(said.contains("estimated error of the map: "), "{said}");
    for baseline in ["black", "white", "noise"] {
        let baseline = format!("--baseline={baseline}");
        let said = explain(&["--steps=2", "--score=log-probability", &baseline]);
        assert!(said.contains("completeness gap: "), "{said}");
    }
    // A class is as likely as itself: there is nothing to explain.
    let same = ["--method=gradient", "--target=tabby", "--instead-of=tabby"];
    assert!(explain(&same).contains("explained: tabby"));
}

#[test]
fn a_bad_photo_is_refused_and_leaves_nothing_behind() {
    let folder = Folder::new();
    let photo = folder.path("photo.png");
    fs::write(&photo, &photos::CHELSEA_PNG[..100_000]).unwrap();
    let jpeg = folder.path("photo.jpg");
    photos::coffee().save(&jpeg).unwrap();
    let whole = fs::read(&jpeg).unwrap();
    fs::write(&jpeg, &whole[..whole.len() / 2]).unwrap();
    for path in [&photo, &jpeg, &folder.path("missing.jpg")] {
        let error = refused(&[path.to_str().unwrap(), "--out", &folder.out()]);
        assert!(error.contains(" as a JPEG, PNG or WebP photo: "), "{error}");
        assert_eq!(files(&folder.path("out")), [""; 0]);
    }
}

#[test]
fn one_bad_photo_does_not_keep_the_others_from_being_explained() {
    let folder = Folder::new();
    let good = folder.path("good.png");
    write_picture(&good, &photos::chelsea()).unwrap();
    let missing = folder.path("missing.png");
    let photos = [missing.to_str().unwrap(), good.to_str().unwrap()];
    let options = ["--method=gradient", "--out", &folder.out()];
    let output = explain(&[&photos[..], &options].concat());
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("\nerror: missing: cannot read "), "{error}");
    assert!(error.contains(&format!("photo 2 of 2: {}, as good\n", good.display())), "{error}");
    assert!(
        error.ends_with(
            "error: expected to explain 2 photos, found 1 that could not be explained\n"
        )
    );
    assert_eq!(files(&folder.path("out")).len(), 3);
}

#[test]
fn a_class_that_does_not_exist_is_answered_with_the_nearest() {
    let out = Folder::new().out();
    let error = unusable(&["--target", "egyptian kat", "--out", &out]);
    assert!(error.contains("the nearest are \"Egyptian cat\", "), "{error}");
    unusable(&["--target", "1000", "--out", &out]);
}

#[test]
fn options_outside_their_range_are_refused() {
    let folder = Folder::new();
    let steps = unusable(&["--steps", "0", "--out", &folder.out()]);
    assert_eq!(steps, "error: expected steps from 1 to 20000, found 0\n");
    let samples = unusable(&["--method=smooth-grad", "--samples=0", "--out", &folder.out()]);
    assert_eq!(samples, "error: expected samples from 1 to 1000000, found 0\n");
    let tolerance = unusable(&["--tolerance", "1.5", "--out", &folder.out()]);
    assert_eq!(tolerance, "error: expected tolerance above 0 and at most 1, found 1.5\n");
    unusable(&["--instead-of", "egyptian kat", "--out", &folder.out()]);
    assert_eq!(files(&folder.path("out")), [""; 0]);
    let unknown = explain(&["--method", "magic"]);
    assert_eq!(unknown.status.code(), Some(2));
    let error = text(&unknown.stderr);
    assert!(error.contains("[possible values: regions, gradient, "), "{error}");
    assert!(error.starts_with("error: invalid value 'magic'"), "{error}");
    let help = explain(&["--help"]);
    assert!(help.status.success() && text(&help.stdout).contains("Usage: explain"));
    assert!(text(&help.stdout).contains("Exit codes:"));
    let version = explain(&["--version"]);
    assert!(version.status.success());
    assert!(text(&version.stdout).ends_with(concat!(env!("CARGO_PKG_VERSION"), "\n")));
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_any_work() {
    let folder = Folder::new();
    fs::write(folder.path("file"), b"").unwrap();
    refused(&["--out", folder.path("file").to_str().unwrap()]);
    refused(&["--out", folder.path("file/below").to_str().unwrap()]);
}

#[test]
fn devices_are_listed_and_what_is_not_there_is_named() {
    let output = explain(&["--list-devices"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{}", text(&output.stderr));
    print!("{said}");
    assert!(said.contains("flex         CPU "), "{said}");
    assert_eq!(said.matches("(default)").count(), 1, "{said}");
    for backend in ["ndarray", "wgpu", "vulkan", "metal", "webgpu", "cuda", "rocm", "remote:URL"] {
        let listed = said.lines().any(|line| line.starts_with(backend));
        assert!(listed, "{backend}: {said}");
    }

    let unknown = unusable(&["--device", "opencl"]);
    assert!(unknown.contains("a backend such as flex"), "{unknown}");
    unusable(&["--device", "flex:2"]);
    // No machine has that many GPUs.
    let many = unusable(&["--device", "cuda:1000"]);
    assert!(many.contains("cuda:1000") && many.contains("flex"), "{many}");
}

/// Checks the error if the graphics drivers are hidden from the program, or if it was built without
/// them.
#[cfg(target_os = "linux")]
#[test]
fn without_a_driver_the_cpu_is_there_and_the_error_says_what_to_do() {
    let hidden = |args: &[&str]| {
        let mut program = example("explain", args);
        for variable in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "__EGL_VENDOR_LIBRARY_FILENAMES"] {
            program.env(variable, "/nowhere");
        }
        program.env_remove("SALIENCY_DEVICE").output().unwrap()
    };
    let listed = text(&hidden(&["--list-devices"]).stdout);
    assert!(listed.contains("flex         CPU ") && listed.contains("(default)"), "{listed}");
    for device in ["wgpu", "vulkan", "wgpu:integrated"] {
        let output = hidden(&["--device", device]);
        let error = text(&output.stderr);
        print!("{error}");
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains("expected ") && error.contains(device), "{error}");
        let helps = error.contains("Cargo feature") || error.contains("driver");
        assert!(helps && error.contains("here are: ") && error.contains("flex"), "{error}");
    }
}

#[test]
fn the_device_may_be_named_by_the_environment() {
    let named = example("explain", &[]).env("SALIENCY_DEVICE", "opencl").output().unwrap();
    let error = text(&named.stderr);
    assert!(error.contains("found `opencl`"), "{error}");
}

#[test]
fn an_output_that_nobody_reads_ends_nothing() {
    let folder = Folder::new();
    let mut program =
        example("explain", &["--device=flex", "--method=gradient", "-o", &folder.out()]);
    let mut program = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(program.stdout.take());
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    assert_eq!(files(&folder.path("out")).len(), 3);
}

#[test]
fn a_wide_photo_has_a_panel_too() {
    let folder = Folder::new();
    let wide = folder.path("wide.png");
    write_picture(&wide, &image::RgbImage::from_pixel(30_000, 40, image::Rgb([9, 99, 200])))
        .unwrap();
    let output = explain(&[
        wide.to_str().unwrap(),
        "--method=gradient",
        "--page",
        "--export",
        "--out",
        &folder.out(),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let heat_map = read_photo(folder.path("out/wide-gradient-heat-map.png")).unwrap();
    assert_eq!(heat_map.dimensions(), (30_000, 40));
    let panel = read_photo(folder.path("out/wide-gradient-panel.png")).unwrap();
    assert!((1000..=2000).contains(&panel.width()), "{}", panel.width());
    assert!(folder.path("out/wide-page.html").exists());
    // The JSON says which file was explained.
    let json = fs::read_to_string(folder.path("out/wide-gradient.json")).unwrap();
    assert!(json.contains(&format!("\"photo_file\": \"{}\"", wide.display())), "{json}");
}

#[test]
fn a_box_that_the_model_was_not_shown_is_said() {
    let folder = Folder::new();
    let output = explain(&["--method=gradient", "--boxes=it=0,0,20,20", "--out", &folder.out()]);
    let warning = text(&output.stderr);
    assert!(warning.contains("warning: the model was shown nothing of it"), "{warning}");
}

#[test]
fn the_answers_as_json_are_a_line_for_each_photo() {
    let folder = Folder::new();
    let (cat, broken) = (folder.path("cat.png"), folder.path("broken.png"));
    write_picture(&cat, &photos::chelsea()).unwrap();
    fs::write(&broken, b"not a photo").unwrap();
    let [cat, broken] = [cat, broken].map(|path| path.display().to_string());
    let output = explain(&[
        &cat,
        &broken,
        "--json",
        "--compare=gradient,input-x-gradient",
        "--mode=heat-map",
        "--boxes=the face=135,85,210,180",
        "--out",
        &folder.out(),
    ]);
    // Text for people, including the error of the broken photo, is on stderr.
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("the five likeliest classes"));
    let lines = text(&output.stdout);
    let [answers, error] = lines.lines().collect::<Vec<_>>()[..] else {
        panic!("expected two lines, found {lines}");
    };
    let answers: serde_json::Value = serde_json::from_str(answers).unwrap();
    assert_eq!(answers["photo"], *cat);
    assert_eq!(answers["likeliest"].as_array().unwrap().len(), 5);
    assert_eq!(answers["likeliest"][0]["name"], "Egyptian cat");
    let [gradient, product] = &answers["explained"].as_array().unwrap()[..] else {
        panic!("expected two answers, found {answers}");
    };
    assert_eq!(gradient["method"], "gradient");
    assert_eq!(product["method"], "input-x-gradient");
    assert_eq!((&gradient["class"], &gradient["gradients"]), (&285.into(), &1.into()));
    assert_eq!(gradient["boxes"][0]["name"], "the face");
    let share = gradient["boxes"][0]["share"].as_f64().unwrap();
    assert!(share > 0.3 && share < 1.0, "{share}");
    for file in answers["files"].as_array().unwrap() {
        assert!(Path::new(file.as_str().unwrap()).is_file(), "{file}");
    }
    let error: serde_json::Value = serde_json::from_str(error).unwrap();
    assert_eq!(error["photo"], *broken);
    assert!(error["error"].as_str().unwrap().starts_with("cannot read "), "{error}");
}

#[test]
fn regions_are_explained_and_covered() {
    let folder = Folder::new();
    let output = explain(&[
        "--method=regions",
        "--tolerance=0.3",
        "--mode=overlay",
        "--page",
        "--json",
        "--out",
        &folder.out(),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let answer: serde_json::Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    let regions = &answer["explained"][0];
    assert_eq!(regions["method"], "regions");
    assert!(regions["error_estimate"].as_f64().unwrap() <= 0.3, "{regions}");
    let cover = &regions["cover_test"];
    let sentence = cover["sentence"].as_str().unwrap();
    println!("{sentence}");
    assert!(sentence.contains("of the picture are covered, the model "), "{sentence}");
    assert!(
        ["confirmed", "fills-disagree", "not-confirmed"]
            .contains(&cover["finding"].as_str().unwrap())
    );
    let p = cover["p"].as_f64().unwrap();
    assert!((1.0 / 21.0..=1.0).contains(&p), "{p}");
    // The answers of the sentence, and the few regions that hold half of the map.
    assert_eq!(cover["shown"]["name"], "Egyptian cat");
    assert_eq!(cover["shown"]["probability"], cover["shown"]["explained"]);
    for answer in ["covered", "elsewhere"] {
        let [most, explained] = ["probability", "explained"].map(|of| cover[answer][of].as_f64());
        assert!(most.unwrap() >= explained.unwrap(), "{cover}");
    }
    let half = &regions["half"];
    let places = half["places"].as_array().unwrap();
    let sum = |of: &str| places.iter().map(|place| place[of].as_f64().unwrap()).sum::<f64>();
    assert_eq!((half["of"].as_u64(), half["regions"].as_f64()), (Some(196), Some(sum("regions"))));
    assert!((0.5..0.6).contains(&sum("share")), "{half}");
    // The words say it too, and so does the page.
    assert!(text(&output.stderr).contains(sentence));
    let page = fs::read_to_string(folder.path("out/chelsea-page.html")).unwrap();
    let start = sentence.split(['(', '>']).next().unwrap();
    assert!(page.contains(start), "{start}");
    assert!(page.contains("of 196 regions (") && page.contains("Tested: "));
    assert_eq!(page.matches("<figure><img").count(), 3);
    assert!(page.contains("As shown</span> <b>Egyptian cat 39\u{a0}%</b>"));
    assert!(folder.path("out/chelsea-regions-overlay.png").exists());
    // What speaks against the class is not tested, and nothing is if that is asked for.
    for option in ["--reduce=negative", "--no-cover"] {
        let output = explain(&[option, "--json", "--out", &folder.out()]);
        let answer: serde_json::Value = serde_json::from_str(&text(&output.stdout)).unwrap();
        assert_eq!(answer["explained"][0]["cover_test"], serde_json::Value::Null, "{option}");
    }
}
