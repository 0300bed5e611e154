//! Runs the program on ONNX files.

mod support;

use std::path::PathBuf;

use support::Folder;

/// Returns the path of a file of the tests of `saliency-onnx`.
fn file(name: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../saliency-onnx/tests/files");
    folder.join(name).display().to_string()
}

fn network() -> String {
    file("pytorch/resnet18_norm_dynamic.onnx")
}

const NAMES: &str = "mug\nbottle\ncup\nspoon\nfork\nknife\nplate\nbowl\npan\npot\n";

#[test]
fn a_file_says_what_it_is() {
    let folder = Folder::new();
    let said = folder.said(&["model", &network()]);
    for part in
        ["image: numbers [rows, 3, 64, 64]", "Conv 20", "BatchNormalization 20", "(default)"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let json = folder.json(&["model", &network(), "--json"]);
    assert_eq!(json["inputs"][0], "image: numbers [rows, 3, 64, 64]");
    assert!(json["layers"].as_array().unwrap().len() > 10);

    let error = folder.refused(2, &["model", &file("bad/unknown_operator.onnx")]);
    assert!(error.contains("not supported"), "{error}");
    let error = folder.refused(2, &["model", &file("bad/truncated.onnx")]);
    assert!(error.starts_with("error: ") && error.lines().count() == 1, "{error}");
}

#[test]
fn a_photo_is_explained_by_a_file_with_names_and_a_layer() {
    let folder = Folder::new();
    folder.photo("cat.png");
    folder.write("labels.txt", NAMES);
    let (network, run) = (network(), ["explain", "cat.png", "--labels", "labels.txt", "--model"]);
    let said = folder.said(&[&run[..], &[&network, "--page", "--target", "spoon"]].concat());
    assert!(said.contains("explained: spoon"), "{said}");
    assert!(folder.files("maps").contains(&"cat-page.html".to_owned()));

    let layer = [&run[..], &[&network, "--layer", "layer2.0", "--json"]].concat();
    assert!(folder.json(&layer)["explained"].is_array());
    let error = folder.refused(2, &[&run[..], &[&network, "--layer", "layer9"]].concat());
    assert!(error.contains("there is no layer `layer9`"), "{error}");
    let error = folder.refused(2, &[&run[..], &[&network, "--preparation", "nothing"]].concat());
    assert!(error.contains("torchvision"), "{error}");
    folder.write("labels.txt", &NAMES.repeat(2));
    let error = folder.refused(2, &[&run[..], &[&network]].concat());
    assert!(error.contains("20 names for the 10 classes"), "{error}");
}

#[test]
fn rules_change_the_map_of_a_transformer_and_not_its_scores() {
    let folder = Folder::new();
    folder.photo("cat.png");
    let network = file("pytorch/vit_dynamo_dynamic.onnx");
    let run = ["explain", "cat.png", "--model", &network, "--method", "input-x-gradient"];
    let run = [&run[..], &["--json"]].concat();
    let map = |folder: &Folder| {
        let files = folder.files("maps");
        let picture = files.iter().find(|name| name.ends_with(".png")).expect("a picture");
        std::fs::read(folder.path(&format!("maps/{picture}"))).unwrap()
    };
    let plain = folder.json(&run);
    let plain_map = map(&folder);
    let libra = folder.json(&[&run[..], &["--rules", "libra"]].concat());
    assert_eq!(libra["explained"][0]["score"], plain["explained"][0]["score"], "{libra}");
    assert_ne!(map(&folder), plain_map);
    let error = folder.refused(2, &["explain", "cat.png", "--rules", "libra"]);
    assert!(error.contains("--model"), "{error}");
}

#[test]
fn what_classifies_no_photos_is_refused() {
    let folder = Folder::new();
    folder.photo("cat.png");
    let run = |name: &str| folder.refused(2, &["explain", "cat.png", "--model", &file(name)]);
    let error = run("pytorch/unet_script_dynamic.onnx");
    assert!(error.contains("does not classify photos"), "{error}");
    let error = run("pytorch/tabular_script_dynamic.onnx");
    assert!(error.contains("takes 2 inputs"), "{error}");
    let error = run("bad/tiny_good.onnx");
    assert!(error.contains("no photo") || error.contains("four dimensions"), "{error}");
}

#[test]
fn an_audit_takes_a_file_and_goes_on() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("photos")).unwrap();
    (0..3).for_each(|at| folder.photo(&format!("photos/{at}.png")));
    folder.write("labels.txt", NAMES);
    let network = network();
    let run = ["audit", "photos", "--model", &network, "--labels", "labels.txt", "--out", "found"];
    folder.said(&run);
    let again = folder.said(&run);
    assert!(again.contains("0 of 3"), "{again}");
    let table = std::fs::read_to_string(folder.path("found/audit.csv")).unwrap();
    assert_eq!(table.lines().count(), 4, "{table}");
}

#[test]
fn the_columns_of_a_table_are_explained() {
    let folder = Folder::new();
    folder.write("customers.csv", "name,a,b,c,d\nAnna,1,2,3,4\nBert,4,0,-1,2\nCara,0.5,1,1,0\n");
    let model = file("bad/tiny_good.onnx");
    let run = ["table", "customers.csv", "--model", &model];
    let said = folder.said(&[&run[..], &["--ignore", "name"]].concat());
    assert!(said.contains("3 rows, compared with the mean of each column"), "{said}");
    assert_eq!(folder.files("maps"), ["attributions.csv", "columns.png"]);
    let table = std::fs::read_to_string(folder.path("maps/attributions.csv")).unwrap();
    assert!(table.starts_with("row,target,score,a,b,c,d\n1,"), "{table}");
    let json = folder.json(&[&run[..], &["--ignore", "name", "--json", "--target", "1"]].concat());
    assert_eq!(json["columns"].as_array().unwrap().len(), 4);

    let error = folder.refused(2, &run);
    assert!(error.contains("\"Anna\" in the column \"name\" is not a number"), "{error}");
    let error = folder.refused(2, &[&run[..], &["--ignore", "name", "--ignore", "a"]].concat());
    assert!(error.contains("takes 4 columns, and the file has 3"), "{error}");
    let error = folder.refused(2, &[&run[..], &["--ignore", "nobody"]].concat());
    assert!(error.contains("no column \"nobody\""), "{error}");
}

#[test]
fn the_words_of_a_text_are_explained() {
    let Some(files) = std::env::var_os("SALIENCY_ONNX_FILES").map(PathBuf::from) else {
        eprintln!("not fetched: SALIENCY_ONNX_FILES is not set");
        return;
    };
    let folder = Folder::new();
    let path = |name: &str| files.join(name).display().to_string();
    let (model, tokenizer) = (path("minilm_l6.onnx"), path("minilm_tokenizer.json"));
    let run = ["text", "The staff were lovely.", "--model", &model, "--tokenizer", &tokenizer];
    let json = folder.json(&[&run[..], &["--like", "friendly people", "--json"]].concat());
    let words = json["words"].as_array().unwrap();
    let value = |word: &str| {
        let found = words.iter().find(|it| it["word"] == word).unwrap();
        found["value"].as_f64().unwrap()
    };
    assert!(value("lovely") > value("were"), "{json}");
    assert_eq!(folder.files("maps"), ["text.html"]);
    let error = folder.refused(2, &["text", "Hello", "--model", &model]);
    assert!(error.contains("tokenizer.json"), "{error}");
}
