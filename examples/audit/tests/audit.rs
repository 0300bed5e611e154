//! Runs the program `audit` as its users do.

#[path = "../../tests/common/mod.rs"]
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::{example, text};
use image::RgbImage;
use image::imageops::{FilterType, crop_imm, resize};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use saliency::viz::write_picture;
use saliency_models::photos;

struct Folder(tempfile::TempDir);

impl Folder {
    /// Makes a folder with `count` small photos in `photos`. Each shows another part of the cat.
    fn with_photos(count: u32) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::create_dir(folder.path("photos")).unwrap();
        for at in 0..count {
            write_picture(folder.path(&format!("photos/{at:03}.jpg")), &photo(at)).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Returns a command that audits `photos`, with one gradient for each photo.
    fn command(&self, out: &str, options: &[&str]) -> Command {
        let mut command = audit(options);
        command.arg(self.path("photos")).arg("--out").arg(self.path(out));
        command
    }

    /// Runs the program and returns its output.
    fn audit(&self, out: &str, options: &[&str]) -> String {
        said(&self.command(out, options).output().unwrap())
    }

    /// Checks that the program fails with one line that says what was expected and found.
    fn refused(&self, out: &str, options: &[&str]) -> String {
        refusal(&self.command(out, options).output().unwrap())
    }

    /// The same check, for a wrong option.
    fn unusable(&self, out: &str, options: &[&str]) -> String {
        refusal_with(2, &self.command(out, options).output().unwrap())
    }

    /// Writes a file of boxes, audits with it, and returns the warnings.
    fn warnings(&self, name: &str, boxes: impl AsRef<[u8]>, options: &[&str]) -> String {
        let path = self.path(name);
        fs::write(&path, boxes).unwrap();
        let options = [&["--boxes", path.to_str().unwrap()], options].concat();
        let output = self.command("out", &options).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stderr)
    }

    fn file(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Reads the lines of the table, by file name.
    fn table(&self, out: &str) -> BTreeMap<String, Line> {
        let mut reader = csv::Reader::from_path(self.path(out).join("audit.csv")).unwrap();
        let lines: Vec<Line> = reader.deserialize().map(Result::unwrap).collect();
        let count = lines.len();
        let table: BTreeMap<_, _> =
            lines.into_iter().map(|line| (line["file"].clone(), line)).collect();
        assert_eq!(table.len(), count, "every file once");
        table
    }
}

type Line = BTreeMap<String, String>;

/// Returns a command that audits on the CPU. If `options` name no method, it takes one gradient for
/// each photo. If they do not say which photos are covered, none are.
fn audit(options: &[&str]) -> Command {
    let mut command = example("audit", &["--device=flex"]);
    if !options.iter().any(|option| option.starts_with("--method")) {
        command.arg("--method=gradient");
    }
    if !options.iter().any(|option| option.starts_with("--cover")) {
        command.arg("--cover=0");
    }
    command.args(options);
    command
}

fn photo(at: u32) -> RgbImage {
    let cat = photos::chelsea();
    let part = crop_imm(&cat, 4 * (at % 30), 3 * (at / 30), 300, 250).to_image();
    resize(&part, 180, 150, FilterType::Triangle)
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

fn refusal(output: &Output) -> String {
    refusal_with(1, output)
}

/// Returns the last line of the output, which says why the program failed. Checks the exit code.
fn refusal_with(code: i32, output: &Output) -> String {
    let error = text(&output.stderr);
    print!("{error}");
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.starts_with("error: expected ") && error.contains("found"), "{error}");
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    error
}

/// Returns the number of rows that were kept so far.
fn parts(out: &Path) -> usize {
    let files = fs::read_dir(out.join("parts")).into_iter().flatten();
    files
        .filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|it| it == "json"))
        .count()
}

/// Starts the program, and ends it as soon as `until` is true.
fn killed(mut command: Command, until: impl Fn() -> bool) {
    let mut program = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !until() && program.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    program.kill().unwrap();
    program.wait().unwrap();
}

#[test]
fn an_audit_that_is_killed_several_times_gives_the_same_bytes() {
    let folder = Folder::with_photos(27);
    let whole = folder.audit("whole", &[]);
    assert!(whole.contains("photos to explain: 27 of 27"), "{whole}");
    let out = folder.path("broken");
    for more in [1, 3, 5] {
        let enough = parts(&out) + more;
        killed(folder.command("broken", &[]), || parts(&out) >= enough);
    }
    let known = parts(&out);
    assert!((9..27).contains(&known), "{known}");
    let rest = folder.audit("broken", &[]);
    print!("{rest}");
    assert!(rest.contains(&format!("photos to explain: {} of 27", 27 - known)), "{rest}");
    for name in ["audit.csv", "audit.parquet", "audit.html"] {
        let [whole, broken] = ["whole", "broken"].map(|out| folder.file(&format!("{out}/{name}")));
        assert!(whole == broken, "{name} differs");
    }
    let left = fs::read_dir(out.join("parts")).unwrap();
    let left =
        left.filter(|it| it.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
    assert_eq!(left.count(), 0, "nothing half written is left");
}

/// Prints the figures of the example's report: `cargo test --test audit -- --ignored --nocapture`.
#[test]
#[ignore = "takes most of a minute"]
fn two_hundred_photos_survive_ten_kills_in_flat_memory() {
    let folder = Folder::with_photos(200);
    let mut whole = folder.command("whole", &[]).stdout(Stdio::null()).spawn().unwrap();
    let (mut most, mut next) = (0, 8);
    while whole.try_wait().unwrap().is_none() {
        // The largest amount of memory that it has held so far.
        let status = fs::read_to_string(format!("/proc/{}/status", whole.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let held = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        most = held.unwrap_or(most);
        let known = parts(&folder.path("whole"));
        if known >= next {
            println!("{known} photos, at most {} MB", most / 1024);
            next += 50;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("at the end, at most {} MB", most / 1024);

    let out = folder.path("broken");
    // End it at irregular moments that are the same in every run.
    for kill in 0..10u64 {
        let moment = Duration::from_millis(200 + kill * 7919 % 1500);
        let start = std::time::Instant::now();
        killed(folder.command("broken", &[]), || start.elapsed() >= moment);
        println!("killed after {moment:?}: {} photos are known", parts(&out));
    }
    folder.audit("broken", &[]);
    assert_eq!(folder.table("broken").len(), 200);
    for name in ["audit.csv", "audit.parquet", "audit.html"] {
        let [whole, broken] = ["whole", "broken"].map(|out| folder.file(&format!("{out}/{name}")));
        assert!(whole == broken, "{name} differs");
    }
}

#[test]
fn what_is_no_photo_becomes_a_line_with_the_reason() {
    let folder = Folder::with_photos(1);
    let at = |name: &str| folder.path("photos").join(name);
    let good = folder.file("photos/000.jpg");
    fs::write(at("empty.png"), b"").unwrap();
    fs::write(at("text.webp"), b"no photo at all").unwrap();
    fs::write(at("cut.JPG"), &good[..good.len() / 2]).unwrap();
    fs::write(at("notes.txt"), b"left out").unwrap();
    fs::write(at(".hidden.jpg"), &good).unwrap();
    fs::create_dir(at("folder.jpg")).unwrap();
    fs::write(at("folder.jpg").join("inside.jpg"), &good).unwrap();
    let mut files = vec!["000.jpg", "cut.JPG", "empty.png", "text.webp"];
    let mut bad = vec!["cut.JPG", "empty.png", "text.webp"];
    #[cfg(unix)]
    {
        use std::ffi::OsStr;
        use std::os::unix::{ffi::OsStrExt as _, fs::symlink};
        fs::write(at("<img src=x onerror=alert(1)>\"'&.jpg"), &good).unwrap();
        fs::write(at("<b>bad</b>.jpg".replace('/', "\\").as_str()), b"").unwrap();
        fs::write(at("a,\"b\"\nc.jpg"), &good).unwrap();
        fs::write(at("no text ").with_file_name(OsStr::from_bytes(b"\xff.jpg")), &good).unwrap();
        symlink(at("000.jpg"), at("link.jpg")).unwrap();
        symlink(at("nowhere"), at("lost.jpg")).unwrap();
        symlink("/dev/zero", at("endless.jpg")).unwrap();
        symlink(at("folder.jpg"), at("linked folder.jpg")).unwrap();
        files.extend(["<img src=x onerror=alert(1)>\"'&.jpg", "<b>bad<\\b>.jpg", "\\xff.jpg"]);
        files.extend(["a,\"b\"\nc.jpg", "link.jpg", "lost.jpg", "endless.jpg"]);
        bad.extend(["<b>bad<\\b>.jpg", "lost.jpg", "endless.jpg"]);
    }
    files.sort_unstable();

    let output = folder.command("out", &[]).output().unwrap();
    print!("{}", text(&output.stdout));
    let error = format!("error: expected to explain {} photos, found {} ", files.len(), bad.len());
    assert!(text(&output.stderr).contains(&error), "{}", text(&output.stderr));
    assert_eq!(output.status.code(), Some(1));
    let table = folder.table("out");
    assert_eq!(table.keys().collect::<Vec<_>>(), files);
    for (file, line) in &table {
        println!("{file}: {}", line["error"]);
        let failed = bad.contains(&&file[..]);
        assert_eq!(line["error"].starts_with("expected "), failed, "{file}");
        assert_eq!(line["class"].is_empty(), failed, "{file}");
    }
    let page = text(&folder.file("out/audit.html"));
    assert!(!page.contains("<img src=x") && !page.contains("<b>bad"), "names are text");
    assert_eq!(page.matches("<script").count(), 1);

    let file = fs::File::open(folder.path("out/audit.parquet")).unwrap();
    let reader = SerializedFileReader::new(file).unwrap();
    let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.iter().map(|row| row.get_string(0).unwrap()).collect::<Vec<_>>(), files);
    for row in &rows {
        let line = &table[row.get_string(0).unwrap()];
        assert_eq!(
            row.get_double(3).map_or(String::new(), |it| it.to_string()),
            line["probability"]
        );
    }
}

#[test]
fn boxes_come_from_a_table_or_from_coco() {
    let folder = Folder::with_photos(3);
    let csv = folder.path("boxes.csv");
    let lines = "file,name,x,y,width,height\n000.jpg,all,0,0,180,150\n\
                 001.jpg,left,0,0,90,150\n001.jpg,top,0,0,180,75\n";
    // A CSV as a spreadsheet writes it.
    fs::write(&csv, format!("\u{feff}{lines}")).unwrap();
    let coco = folder.path("coco.json");
    let json = r#"{
        "images": [
            {"id": 7, "file_name": "train/000.jpg", "width": 180, "height": 150},
            {"id": 9, "file_name": "001.jpg", "width": 180, "height": 150}
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 1, "bbox": [0, 0, 180, 150]},
            {"id": 2, "image_id": 9, "category_id": 2, "bbox": [0.2, 0.0, 89.9, 150.0]},
            {"id": 3, "image_id": 9, "category_id": 3, "bbox": [0, 0, 180, 75]}
        ],
        "categories": [{"id": 1, "name": "all"}, {"id": 2, "name": "left"}, {"id": 3, "name": "top"}]
    }"#;
    fs::write(&coco, json).unwrap();
    let said = folder.audit("csv", &["--boxes", csv.to_str().unwrap()]);
    assert!(said.contains(" of 2 photos with a marked box, "), "{said}");
    let table = folder.table("csv");
    assert_eq!([&table["000.jpg"]["inside"], &table["000.jpg"]["peak_inside"]], ["1.0", "true"]);
    assert!(table["000.jpg"]["inside_area"].starts_with('1'));
    // The box covers three quarters of the photo, and nearly three quarters of the square in it.
    let [share, area] =
        ["inside", "inside_area"].map(|column| table["001.jpg"][column].parse::<f64>().unwrap());
    assert!((0.6..0.9).contains(&share) && (area - 0.75).abs() < 0.01, "{share} {area}");
    assert_eq!(table["002.jpg"]["inside"], "");
    folder.audit("coco", &["--boxes", coco.to_str().unwrap()]);
    assert_eq!(text(&folder.file("csv/audit.csv")), text(&folder.file("coco/audit.csv")));

    for (name, content, reason) in [
        (
            "a.csv",
            "file,name,x,y,width\n000.jpg,it,0,0,9\n",
            "columns must be file,name,x,y,width,height",
        ),
        ("c.csv", "file,name,x,y,width,height\nother.jpg,it,0,0,9,9\n", "such as other.jpg"),
        ("d.json", "{}", "JSON of a kind that is not known here"),
        ("e.json", &json.replace("images", "pictures"), "a file without \"images\""),
        ("f.json", r#"{"images": [], "annotations": [], "categories": []}"#, "found none"),
        ("empty.csv", "", "found none"),
        ("titles.csv", "file,name,x,y,width,height\n", "found none"),
        (
            "none.csv",
            "file,name,x,y,width,height\n000.jpg,a,,,,\n",
            "found none: line 2 has no number",
        ),
        ("untitled.csv", "000.jpg,a,0,0,90,90\n", "the first line must say what the columns are"),
        ("x.json", r#"[{"image_id": 1, "bbox": [0, 0, 9, 9]}]"#, "a list of COCO results"),
    ] {
        let path = folder.path(name);
        fs::write(&path, content).unwrap();
        let error = folder.refused("out", &["--boxes", path.to_str().unwrap()]);
        assert!(error.contains(reason) && error.contains(name), "{error}");
    }
    folder.refused("out", &["--boxes", folder.path("missing.csv").to_str().unwrap()]);
}

const TITLES: &str = "file,name,x,y,width,height\n";

#[test]
fn odd_boxes_are_clipped_or_left_out_and_counted_in_one_warning() {
    let folder = Folder::with_photos(3);
    let lines = "000.jpg,a,-0.0000005,0,90,150\n000.jpg,b,-0.5,0,90,150\n001.jpg,it,100,0,80.6,50\n\
                 002.jpg,empty,5,5,0,0\n002.jpg,good,0,0,90,90\n002.jpg,none,,,,\n";
    let warnings = folder.warnings("boxes.csv", format!("{TITLES}{lines}"), &[]);
    let odd: Vec<&str> = warnings.lines().filter(|it| it.starts_with("warning: ")).collect();
    let [warning] = odd[..] else { panic!("{warnings}") };
    assert!(
        warning.contains("3 of 6 boxes were clipped to the photo, 2 were left out; first: "),
        "{warning}"
    );
    let table = folder.table("out");
    assert!(table.values().all(|line| line["error"].is_empty() && !line["inside"].is_empty()));
    // If a box is in a part that the model is not shown, the page says so.
    folder.warnings("boxes.csv", format!("{TITLES}001.jpg,it,0,0,10,50\n"), &[]);
    assert!(folder.table("out")["001.jpg"]["warnings"].contains("not-shown"));
}

#[test]
fn a_coco_file_that_is_odd_in_places_is_used() {
    let folder = Folder::with_photos(2);
    let json = r#"{"images": [{"id": 1, "file_name": "000.jpg", "extra": NaN}, {"id": "2", "file_name": "001.jpg"}],
        "annotations": [
            {"image_id": 1, "category_id": 1, "bbox": [0, 0, 90, 150]},
            {"image_id": "1", "category_id": 9, "bbox": [90, 0, 50, 50]},
            {"image_id": 2.0, "category_id": 1, "bbox": [0, 0, 90, 150]},
            {"image_id": 2, "category_id": 1, "bbox": null}, {"image_id": 2, "category_id": 1, "bbox": []},
            {"image_id": 2, "category_id": 1}, {"image_id": 7, "category_id": 1, "bbox": [0, 0, 9, 9]},
            {"image_id": 2, "category_id": 1, "bbox": [0, 0, 180, 150], "iscrowd": 1}],
        "categories": [{"id": 1, "name": "cat"}]}"#;
    for name in ["boxes.json", "boxes", "boxes.csv"] {
        let warnings = folder.warnings(name, format!("\u{feff}{json}"), &[]);
        assert!(warnings.contains("boxes: 3 in 2 photos, read as COCO\n"), "{warnings}");
        assert!(
            warnings.contains("warning: 5 of 8 boxes were left out, 1 has a category "),
            "{warnings}"
        );
    }
    let area = |file: &str| folder.table("out")[file]["inside_area"].parse::<f64>().unwrap();
    let both = area("000.jpg");
    // One category only.
    let warnings = folder.warnings("boxes.json", json, &["--category=CAT"]);
    assert!(warnings.contains("boxes: 2 in 2 photos"), "{warnings}");
    assert!(area("000.jpg") < both && area("000.jpg") == area("001.jpg"));
    let path = folder.path("boxes.json");
    let unknown = folder.refused("out", &["--boxes", path.to_str().unwrap(), "--category=dog"]);
    assert!(unknown.contains("(cat, category 9), found dog"), "{unknown}");
}

#[test]
fn boxes_on_another_size_are_scaled_or_left_out() {
    let folder = Folder::with_photos(1);
    let coco = |size: [u32; 2], bbox: [u32; 4]| {
        let ([width, height], [x, y, across, down]) = (size, bbox);
        format!(
            r#"{{"images": [{{"id": 1, "file_name": "000.jpg", "width": {width}, "height": {height}}}],
                "annotations": [{{"image_id": 1, "category_id": 1, "bbox": [{x}, {y}, {across}, {down}]}}],
                "categories": [{{"id": 1, "name": "it"}}]}}"#
        )
    };
    let mut tables = Vec::new();
    for (size, bbox) in [([180, 150], [40, 40, 60, 60]), ([90, 75], [20, 20, 30, 30])] {
        let warnings = folder.warnings("boxes.json", coco(size, bbox), &[]);
        let scaled = "of 1 photo were drawn on a picture of another size and were scaled; first: 000.jpg, \
                      drawn on 90 x 75, the photo has 180 x 150.";
        assert_eq!(warnings.contains(scaled), size == [90, 75], "{warnings}");
        tables.push(folder.table("out")["000.jpg"].clone());
    }
    assert_eq!(tables[0]["boxes_note"], "");
    tables[0].insert("boxes_note".to_owned(), "drawn on 90 x 75, scaled".to_owned());
    assert_eq!(tables[0], tables[1]);
    for (size, reason) in
        [([150, 180], "width and height are swapped"), ([99, 33], "another aspect")]
    {
        let warnings = folder.warnings("boxes.json", coco(size, [9, 9, 9, 9]), &[]);
        assert!(
            warnings.contains("were left out because") && warnings.contains(reason),
            "{warnings}"
        );
        assert_eq!(folder.table("out")["000.jpg"]["inside"], "");
    }
}

#[test]
fn files_of_offices_and_of_tools_give_the_same_table() {
    let folder = Folder::with_photos(1);
    fs::rename(folder.path("photos/000.jpg"), folder.path("photos/Blüte.jpg")).unwrap();
    let utf16 = |text: &str| {
        [vec![0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat()
    };
    let cp1252 = |text: &str| text.chars().map(|it| it as u8).collect::<Vec<u8>>();
    let office = "File;Name;X;Y;Width;Height\r\nBlüte.jpg;it;40,0;40;60;60\r\n".to_owned();
    let mut tables = Vec::new();
    for (name, bytes) in [
        ("a.csv", format!("{TITLES}Blüte.jpg,it,40,40,60,60\n").into_bytes()),
        ("b.csv", office.clone().into_bytes()),
        ("c.csv", cp1252(&office)),
        ("d.txt", utf16(&office.replace(';', "\t"))),
        ("e.csv", b"file,name,x,y,width,height\nC:\\Users\\me\\Blu\xcc\x88te.JPG,it,40,40,60,60\n".to_vec()),
        ("f.csv", "filename,width,height,class,xmin,ymin,xmax,ymax\nBlüte.jpg,180,150,it,40,40,100,100\n".into()),
        ("g.csv", "a/Blüte.jpg,40,40,100,100,it\n".into()),
        ("h.csv", "it,40,40,60,60,Blüte.jpg,180,150\n".into()),
        ("Blüte.txt", "0 0.388888889 0.466666667 0.333333333 0.4\n".into()),
        ("Blüte.xml", "<annotation><filename>Blüte.jpg</filename><object><name>it</name><bndbox><xmin>40</xmin>\
            <ymin>40</ymin><xmax>100</xmax><ymax>100</ymax></bndbox></object></annotation>".into()),
        ("Blüte.json", r#"{"imagePath": "Blüte.jpg", "imageWidth": 180, "imageHeight": 150, "shapes":
            [{"label": "it", "points": [[40, 40], [100, 100]], "shape_type": "rectangle"}]}"#.into()),
        ("via.json", r#"{"_via_img_metadata": {"x": {"filename": "Blüte.jpg", "regions": [{"shape_attributes":
            {"name": "rect", "x": 40, "y": 40, "width": 60, "height": 60}, "region_attributes": {}}]}}}"#.into()),
    ] {
        let said = folder.warnings(name, bytes, &[]);
        assert!(said.contains("boxes: 1 in 1 photo, ") && !said.contains("warning"), "{name}: {said}");
        tables.push((name, text(&folder.file("out/audit.csv"))));
    }
    for (name, table) in &tables {
        assert_eq!(*table, tables[0].1, "{name}");
    }
}

#[test]
fn an_output_that_nobody_reads_ends_nothing() {
    let folder = Folder::with_photos(2);
    let mut program = folder.command("out", &[]);
    let mut program = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(program.stdout.take());
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!text(&output.stderr).contains("panicked"));
    for name in ["audit.csv", "audit.html", "audit.parquet"] {
        assert!(folder.path("out").join(name).exists(), "{name}");
    }
}

#[test]
fn what_is_kept_of_photos_is_renewed_and_removed() {
    let folder = Folder::with_photos(2);
    folder.audit("out", &[]);
    let kept = || -> Vec<PathBuf> {
        let files = fs::read_dir(folder.path("out/parts")).unwrap();
        files.map(|it| it.unwrap().path()).filter(|it| it.extension().is_some()).collect()
    };
    assert_eq!(kept().len(), 4);
    let small = kept().into_iter().find(|it| it.extension().unwrap() == "jpg").unwrap();
    fs::write(&small, b"").unwrap();
    assert!(folder.audit("out", &[]).contains("photos to explain: 1 of 2"));
    assert!(fs::metadata(&small).unwrap().len() > 0);
    fs::remove_file(folder.path("photos/001.jpg")).unwrap();
    folder.audit("out", &[]);
    assert_eq!(kept().len(), 2);
}

#[test]
fn the_page_names_the_boxes_and_opens_the_photos() {
    let folder = Folder::with_photos(3);
    let lines =
        "000.jpg,the left,15,0,75,150\n001.jpg,everything,0,0,180,150\n002.jpg,corner,20,0,20,20\n";
    folder.warnings("boxes.csv", format!("{TITLES}{lines}"), &[]);
    let page = text(&folder.file("out/audit.html"));
    for name in ["the left", "everything", "href=\"../photos/000.jpg\""] {
        assert!(page.contains(name), "{name}");
    }
    // Boxes around everything say nothing about the model, so these photos come last.
    let place = |photo: &str| page.find(&format!(">{photo}<")).unwrap();
    assert!(place("001.jpg") > place("000.jpg") && place("001.jpg") > place("002.jpg"));
}

#[test]
fn other_photos_and_folders_are_named() {
    let folder = Folder::with_photos(0);
    fs::write(folder.path("photos/IMG_1.HEIC"), b"").unwrap();
    fs::create_dir(folder.path("photos/more")).unwrap();
    let refused = folder.refused("out", &[]);
    assert!(refused.contains("found 1 HEIC, 1 folder; save such photos as JPEG"), "{refused}");
    // A file that is named like a photo.
    fs::write(folder.path("photos/x.jpg"), b"\0\0\0\x18ftypheic\0\0\0\0mif1heic").unwrap();
    write_picture(folder.path("photos/good.jfif.png"), &photo(0)).unwrap();
    let output = folder.command("out", &[]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = &folder.table("out")["x.jpg"]["error"];
    assert!(error.ends_with("a HEIC photo, as iPhones take them; save it as JPEG"), "{error}");
    assert!(text(&folder.file("out/audit.html")).contains("1 HEIC, 1 folder"));
}

#[test]
fn the_findings_are_printed_as_json_if_asked() {
    let folder = Folder::with_photos(1);
    fs::write(folder.path("photos/bad.jpg"), b"no photo").unwrap();
    let output = folder.command("out", &["--json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["explained"].as_u64(), json["failed"].as_u64()), (Some(1), Some(1)));
    assert_eq!(json["files"].as_array().unwrap().len(), 3);
    assert!(json["concerns"]["border"].is_u64() && json["boxes"].is_null());
    let version = audit(&["--version"]).output().unwrap();
    assert!(version.status.success());
    assert_eq!(audit(&["--magic"]).output().unwrap().status.code(), Some(2));
}

#[test]
fn what_has_changed_is_explained_anew_and_nothing_else() {
    let folder = Folder::with_photos(3);
    let explained = |options: &[&str]| {
        let said = folder.audit("out", options);
        said.lines().next().unwrap().to_owned()
    };
    assert_eq!(explained(&[]), "photos to explain: 3 of 3");
    let first = folder.file("out/audit.csv");
    assert_eq!(explained(&[]), "photos to explain: 0 of 3");
    assert_eq!(folder.file("out/audit.csv"), first);
    assert_eq!(explained(&["--expect=90"]), "photos to explain: 0 of 3");
    assert_eq!(explained(&["--method=input-x-gradient"]), "photos to explain: 3 of 3");
    assert_eq!(
        explained(&["--method=integrated-gradients", "--steps=2"]),
        "photos to explain: 3 of 3"
    );
    assert_eq!(
        explained(&["--method=integrated-gradients", "--steps=3"]),
        "photos to explain: 3 of 3"
    );
    // Regions were not the default of earlier audits, and are not taken for their maps.
    assert_eq!(explained(&["--method=regions", "--steps=3"]), "photos to explain: 3 of 3");
    assert_eq!(explained(&[]), "photos to explain: 3 of 3");
    let csv = folder.path("boxes.csv");
    fs::write(&csv, "file,name,x,y,width,height\n001.jpg,it,50,0,50,50\n").unwrap();
    let boxes = ["--boxes", csv.to_str().unwrap()];
    assert_eq!(explained(&boxes), "photos to explain: 1 of 3");
    // Write one photo again with the same content, and another one with new content.
    fs::write(folder.path("photos/000.jpg"), folder.file("photos/000.jpg")).unwrap();
    assert_eq!(explained(&boxes), "photos to explain: 0 of 3");
    write_picture(folder.path("photos/000.jpg"), &photo(99)).unwrap();
    assert_eq!(explained(&boxes), "photos to explain: 1 of 3");
    // Remove a photo and add another one. Then damage all parts.
    fs::remove_file(folder.path("photos/000.jpg")).unwrap();
    write_picture(folder.path("photos/003.jpg"), &photo(3)).unwrap();
    assert_eq!(explained(&boxes), "photos to explain: 1 of 3");
    assert_eq!(folder.table("out").keys().collect::<Vec<_>>(), ["001.jpg", "002.jpg", "003.jpg"]);
    for part in fs::read_dir(folder.path("out/parts")).unwrap() {
        fs::write(part.unwrap().path(), b"{\"fingerprint\":").unwrap();
    }
    assert_eq!(explained(&boxes), "photos to explain: 3 of 3");
}

#[test]
fn the_default_explains_regions_and_covers_the_photos() {
    let folder = Folder::with_photos(2);
    let by_default = |options: &[&str]| {
        let mut command = example("audit", &["--device=flex"]);
        command.args(options).arg(folder.path("photos")).arg("--out").arg(folder.path("out"));
        said(&command.output().unwrap())
    };
    let said = by_default(&[]);
    assert!(said.contains("photos to cover: 2"), "{said}");
    assert!(said.contains("Confirmed by covering: "), "{said}");
    let gradients = |line: &Line| line["gradients"].parse::<usize>().unwrap();
    for line in folder.table("out").values() {
        assert_eq!((&line["method"][..], &line["converged"][..]), ("regions", ""), "{line:?}");
        assert!(gradients(line) <= 12 && !line["cover_verdict"].is_empty(), "{line:?}");
    }
    // Fewer photos are covered: nothing is explained or covered again.
    let said = by_default(&["--cover=1"]);
    assert!(said.starts_with("photos to explain: 0 of 2") && !said.contains("to cover"), "{said}");
    let table = folder.table("out");
    assert_eq!(table.values().filter(|line| line["cover_verdict"].is_empty()).count(), 1);
    // A tolerance that was asked for is reported.
    by_default(&["--cover=0", "--tolerance=0.9"]);
    assert!(folder.table("out").values().all(|line| line["converged"] == "true"));
    let wrong = audit(&["--cover=2.5"]).arg(folder.path("photos")).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let error = text(&wrong.stderr);
    assert!(error.contains("a share (20% or 0.2) or all, found 2.5"), "{error}");
}

#[test]
fn values_do_not_depend_on_devices_and_neighbours() {
    let folder = Folder::with_photos(5);
    for options in [&[][..], &["--method=smooth-grad", "--steps=3"]] {
        folder.audit("one", options);
        folder.audit("two", &[options, &["--device=flex"]].concat());
        assert_eq!(text(&folder.file("one/audit.csv")), text(&folder.file("two/audit.csv")));
        // Audit a single photo.
        fs::create_dir_all(folder.path("alone")).unwrap();
        fs::copy(folder.path("photos/003.jpg"), folder.path("alone/003.jpg")).unwrap();
        let mut alone = audit(options);
        alone.arg(folder.path("alone")).arg("--out").arg(folder.path("three"));
        said(&alone.output().unwrap());
        assert_eq!(folder.table("three")["003.jpg"], folder.table("one")["003.jpg"]);
    }
}

#[test]
fn a_folder_that_cannot_be_audited_is_refused() {
    let folder = Folder::with_photos(0);
    let empty = folder.refused("out", &[]);
    assert!(empty.contains("at least one .jpg, .jpeg, .png or .webp file"), "{empty}");
    fs::remove_dir(folder.path("photos")).unwrap();
    let missing = folder.refused("out", &[]);
    assert!(missing.contains("expected a folder of photos at "), "{missing}");
    assert!(!folder.path("out").exists(), "a mistyped name leaves nothing behind");
    for option in ["--steps=5", "--tolerance=0.1", "--limit=5"] {
        let method = folder.unusable("out", &[option]);
        assert!(method.contains("found gradient"), "{method}");
    }

    let folder = Folder::with_photos(1);
    fs::write(folder.path("file"), b"").unwrap();
    let file = folder.refused("file", &[]);
    assert!(file.contains("expected a folder to write to at "), "{file}");
    fs::create_dir_all(folder.path("out/parts")).unwrap();
    let lock = fs::File::create(folder.path("out/parts/lock")).unwrap();
    lock.lock().unwrap();
    let busy = folder.refused("out", &[]);
    assert!(busy.contains("found another audit"), "{busy}");
    let wrong = folder.unusable("other", &["--method=integrated-gradients", "--tolerance=2"]);
    assert!(wrong.contains("tolerance above 0 and at most 1"), "{wrong}");
}

#[test]
fn without_a_folder_photos_are_made_and_what_is_wrong_in_them_is_found() {
    let folder = Folder::with_photos(0);
    let said =
        said(&audit(&["--expect=20"]).arg("--out").arg(folder.path("out")).output().unwrap());
    print!("{said}");
    assert!(said.contains("photos to explain: 24 of 24"), "{said}");
    let table = folder.table("out");
    assert_eq!(table.values().filter(|line| !line["error"].is_empty()).count(), 1);
    for (file, line) in &table {
        println!("{file}: {} {} {}", line["class_name"], line["inside"], line["warnings"]);
        let wrong = file.starts_with("cat-with-cup");
        assert_eq!(line["warnings"].contains("elsewhere"), wrong, "{file}");
    }
    let page = text(&folder.file("out/audit.html"));
    let policy = "default-src &#39;none&#39;";
    assert!(page.contains("content=\"default-src 'none'; img-src data:;") || page.contains(policy));
    // The three photos in which something is wrong come first.
    let first = page.find("cat-with-cup").unwrap();
    assert!(page.find(">cat-1.jpg<").is_none_or(|at| at > first));
    assert_eq!(page.matches("<li class=\"photo").count(), 23);
}
