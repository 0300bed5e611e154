//! Runs the program as its users do.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use saliency::viz::write_picture;
use saliency_models::photos;

use support::{Folder, text};

#[test]
fn without_arguments_it_says_what_to_try() {
    let folder = Folder::new();
    let said = folder.said(&[]);
    for command in ["explain", "compare", "audit", "evaluate", "model", "text", "devices"] {
        assert!(said.contains(&format!("  saliency {command}")), "{said}");
    }
    let help = folder.said(&["--help"]);
    assert!(help.starts_with("Shows where a model looked"), "{help}");
    assert!(help.contains("130  ended by Ctrl-C"), "{help}");
    assert!(folder.said(&["--version"]).starts_with("saliency 0."));
    // The help of each command is about the command.
    let help = folder.said(&["explain", "--help"]);
    assert!(help.starts_with("Show where the model looked in photos"), "{help}");
    assert!(help.contains("--labels <FILE>") && help.contains("--compare"), "{help}");
    let help = folder.said(&["audit", "--help"]);
    assert!(help.starts_with("Find out where the model looks"), "{help}");
}

#[test]
fn a_photo_becomes_pictures_and_a_page_under_names_that_every_system_accepts() {
    let folder = Folder::new();
    let name = if cfg!(windows) { "a cat.png" } else { "12:30 a cat?.png" };
    folder.photo(name);
    let said = folder.said(&["explain", name, "--method=gradient", "--mode=overlay", "--page"]);
    assert!(said.contains("explained: Egyptian cat"), "{said}");
    let stem = if cfg!(windows) { "a cat" } else { "12_30 a cat_" };
    let expected = [format!("{stem}-gradient-overlay.png"), format!("{stem}-page.html")];
    assert_eq!(folder.files("maps"), expected);
}

#[test]
fn exit_codes_are_those_of_the_help() {
    let folder = Folder::new();
    folder.photo("cat.png");
    folder.write("broken.png", "no photo");
    let error = folder.refused(1, &["explain", "cat.png", "broken.png", "--method=gradient"]);
    assert!(error.contains("expected to explain 2 photos, found 1 that could not"), "{error}");
    assert!(folder.files("maps").contains(&"cat-gradient-panel.png".to_owned()));
    for wrong in [
        &["explain", "--target=egiptian cat"][..],
        &["explain", "--method=magic"],
        &["explain", "--target=1000"],
        &["compare", "--target=1000"],
        &["explain", "--device=opencl"],
        &["explain", "--labels=labels.txt"],
        &["evaluate"],
        &["nothing"],
    ] {
        folder.refused(2, wrong);
    }
    let error = folder.refused(2, &["explain", "--model=shop.onnx"]);
    assert!(error.contains("shop.onnx"), "{error}");
}

#[test]
fn options_come_from_a_file_and_the_command_line_wins() {
    let folder = Folder::new();
    let options = "no-cover = true\n[explain]\nmethod = \"gradient\"\nmode = [\"overlay\"]\n\
                   target = [\"tabby\", \"285\"]\nout = \"own\"\n";
    folder.write("saliency.toml", options);
    let said = folder.said(&["explain"]);
    assert!(
        said.contains("explained: tabby") && said.contains("explained: Egyptian cat"),
        "{said}"
    );
    let files = [
        "chelsea-gradient-281-overlay.png",
        "chelsea-gradient-285-overlay.png",
        "chelsea-grid.png",
    ];
    assert_eq!(folder.files("own"), files);
    let answer = folder.json(&["explain", "--json", "--method=input-x-gradient", "--target=285"]);
    let [explained] = &answer["explained"].as_array().unwrap()[..] else {
        panic!("expected one answer, found {answer}");
    };
    assert_eq!(explained["method"], "input-x-gradient");
    assert!(folder.path("own/chelsea-input-x-gradient-overlay.png").exists());

    // A file of another folder, whose paths start there.
    fs::create_dir(folder.path("other")).unwrap();
    folder.write("other/options.toml", "[explain]\nout = \"here\"\nmethod = \"gradient\"\n");
    folder.said(&["explain", "--config", "other/options.toml"]);
    assert_eq!(folder.files("other/here").len(), 3);
}

#[test]
fn a_wrong_file_of_options_is_refused_and_named() {
    let folder = Folder::new();
    folder.write("saliency.toml", "metod = \"gradient\"\n");
    let error = folder.refused(2, &["explain"]);
    let expected = "error: saliency.toml: there is no option `metod`; did you mean `method`?\n";
    assert_eq!(error, expected);
    folder.write("saliency.toml", "method = \"magic\"\n");
    let error = folder.refused(2, &["explain"]);
    assert!(error.contains("'magic'") && error.contains("note: some options may come"), "{error}");
    assert!(error.contains("saliency.toml"), "{error}");
    let error = folder.refused(2, &["explain", "--config", "nowhere.toml"]);
    assert!(error.contains("cannot read the options in nowhere.toml"), "{error}");
    // What needs no options needs no file.
    folder.said(&[]);
}

#[test]
fn methods_are_compared_beside_each_other() {
    let folder = Folder::new();
    folder.photo("cat.png");
    let said = folder.said(&["compare", "cat.png", "--methods=gradient", "--no-cover"]);
    assert!(said.contains("| Gradient | ") && said.contains("cat-compare.png"), "{said}");
    let answer = folder.json(&["compare", "--json", "--methods", "regions,gradient,regions"]);
    assert_eq!((&answer["class"], &answer["class_name"]), (&285.into(), &"Egyptian cat".into()));
    let [regions, gradient] = &answer["methods"].as_array().unwrap()[..] else {
        panic!("expected two methods, found {answer}");
    };
    assert_eq!((&regions["method"], &gradient["gradients"]), (&"regions".into(), &1.into()));
    assert!(regions["p"].as_f64().unwrap() <= 1.0, "{answer}");
    let file = answer["files"][0].as_str().unwrap();
    assert_eq!(Path::new(file), Path::new("maps").join("chelsea-compare.png"));
    assert!(folder.path(file).exists());
}

#[test]
fn methods_are_measured_beside_maps_that_know_nothing() {
    let folder = Folder::new();
    folder.photo("cat.png");
    write_picture(folder.path("cup.png"), &photos::coffee()).unwrap();
    folder.write("broken.png", "no photo");
    let photos = ["evaluate", "cat.png", "cup.png"];
    let table = folder.json(&[&photos[..], &["--methods=regions", "--json", "--out=o"]].concat());
    assert_eq!((&table["rows"], &table["failed"]), (&2.into(), &0.into()));
    let [deletion, saco] = &table["metrics"].as_array().unwrap()[..] else {
        panic!("expected two metrics, found {table}");
    };
    assert_eq!(saco["name"], "SaCo");
    let entries = deletion["entries"].as_array().unwrap();
    assert!(entries.iter().any(|it| it["name"] == "Regions" && it["is_control"] == false));
    assert!(entries.iter().any(|it| it["is_control"] == true));
    assert!(entries.iter().all(|it| it["low"].as_f64() <= it["mean"].as_f64()));
    assert_eq!(folder.files("o"), ["evaluate.csv", "pairs.csv"]);

    let error = folder.refused(1, &["evaluate", "cat.png", "broken.png"]);
    assert!(error.contains("expected at least two photos to compare, found 1"), "{error}");
}

#[test]
fn devices_are_listed_for_people_and_for_programs() {
    let folder = Folder::new();
    let said = folder.said(&["devices"]);
    assert!(said.contains("flex         CPU ") && said.contains("remote:URL"), "{said}");
    let devices = folder.json(&["devices", "--json"]);
    let devices = devices.as_array().unwrap();
    assert!(devices.iter().any(|it| it["name"] == "flex" && it["hardware"] == "CPU"));
    assert_eq!(devices.iter().filter(|it| it["is_default"] == true).count(), 1);
}

#[test]
fn options_are_completed_in_every_shell() {
    let folder = Folder::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = folder.said(&["completions", shell]);
        assert!(script.contains("explain") && script.contains("labels"), "{shell}");
    }
}

#[test]
fn a_folder_is_audited() {
    let folder = Folder::new();
    fs::create_dir(folder.path("photos")).unwrap();
    folder.photo("photos/cat.png");
    let options = ["audit", "photos", "--method=gradient", "--cover=0", "--json"];
    let findings = folder.json(&options);
    assert_eq!((&findings["explained"], &findings["failed"]), (&1.into(), &0.into()));
    assert!(folder.path("audit/audit.html").exists());
}

#[cfg(not(feature = "remote-server"))]
#[test]
fn a_program_without_a_server_says_how_to_build_one() {
    let error = Folder::new().refused(2, &["serve"]);
    assert!(error.contains("--features remote-server"), "{error}");
}

/// Ctrl-C, as a terminal sends it.
#[cfg(unix)]
mod interrupted {
    use super::*;
    use std::process::{Child, Stdio};
    use std::time::{Duration, Instant};

    /// Starts the program, and interrupts it once something is true.
    fn interrupted(mut command: Command, until: impl Fn() -> bool) -> Output {
        let program = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let start = Instant::now();
        while !until() {
            assert!(start.elapsed() < Duration::from_secs(120), "nothing happens");
            std::thread::sleep(Duration::from_millis(1));
        }
        interrupt(&program);
        program.wait_with_output().unwrap()
    }

    fn interrupt(program: &Child) {
        let id = program.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    }

    #[test]
    fn the_photo_in_work_is_finished_and_its_files_are_kept() {
        let folder = Folder::new();
        let names: Vec<String> = (0..60).map(|at| format!("{at:02}.png")).collect();
        names.iter().for_each(|name| folder.photo(name));
        let mut command = folder.command(&["explain", "--method=gradient", "--mode=overlay"]);
        command.args(&names);
        let output = interrupted(command, || folder.files("maps").len() >= 2);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{error}");
        let done = folder.files("maps").len();
        assert!((2..60).contains(&done), "{done}");
        assert!(error.contains(&format!("stopped after {done} of 60 photos")), "{error}");
    }

    #[test]
    fn an_audit_goes_on_where_it_was_stopped() {
        let folder = Folder::new();
        fs::create_dir(folder.path("photos")).unwrap();
        (0..60).for_each(|at| folder.photo(&format!("photos/{at:02}.png")));
        let options = ["audit", "photos", "--method=gradient", "--cover=0"];
        let parts =
            || folder.files("audit/parts").iter().filter(|it| it.ends_with(".json")).count();
        let output = interrupted(folder.command(&options), || parts() > 2);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{error}");
        assert!(error.contains("the same command goes on there"), "{error}");
        let done = parts();
        assert!((3..60).contains(&done), "{done}");
        let said = folder.said(&options);
        assert!(said.contains(&format!("photos to explain: {} of 60", 60 - done)), "{said}");
        assert!(folder.path("audit/audit.html").exists());
    }
}
