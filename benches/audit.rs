//! How many photos does an audit explain in a minute, with each method and tolerance?
//!
//! ```text
//! cargo bench --profile dev --bench audit              # every method
//! cargo bench --profile dev --bench audit -- regions   # some methods
//! ```
//!
//! EfficientNet-Lite0, parts of the two photos that ship. Each figure is from a process of its own,
//! less the time of a process with a single photo: so the start of the program does not count.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use image::imageops::crop_imm;
use saliency_models::photos;
use saliency_program::method::PhotoMethod;
use saliency_program::program;
use saliency_program_audit::args::AuditArgs;
use saliency_program_audit::audit;
use tempfile::tempdir;

/// The photos of a quick method, and of a slow one.
const MANY: u32 = 9;
const FEW: u32 = 3;
/// A method is slow if the program takes longer than this for a single photo.
const SLOW_SECONDS: f64 = 4.0;
const TOLERANCES: [&str; 3] = ["0.1", "0.05", "0.02"];

/// Writes photos, each another part of a photo that ships.
fn write_photos(folder: &Path, count: u32) {
    std::fs::create_dir_all(folder).expect("a folder");
    for at in 0..count {
        let whole = if at % 2 == 0 { photos::chelsea() } else { photos::coffee() };
        let part = crop_imm(&whole, 4 * (at / 2), 2 * (at / 2), 390, 260).to_image();
        part.save(folder.join(format!("{at:02}.png"))).expect("a photo");
    }
}

/// Returns the seconds of a process that audits `count` photos.
fn audited(options: &[&str], count: u32) -> f64 {
    let folder = tempdir().expect("a folder");
    let photos = folder.path().join("photos");
    write_photos(&photos, count);
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.env("AUDIT", "1").arg(&photos).arg("--out").arg(folder.path().join("out"));
    command.args(options).stdout(Stdio::null()).stderr(Stdio::null());
    saliency_benches::seconds(|| {
        let status = command.status().expect("a process");
        assert!(status.success(), "an audit with {options:?} failed");
    })
}

/// Returns the photos that are audited in a minute.
fn per_minute(options: &[&str]) -> f64 {
    let one = audited(options, 1);
    let count = if one > SLOW_SECONDS { FEW } else { MANY };
    60.0 * f64::from(count - 1) / (audited(options, count) - one)
}

fn main() -> ExitCode {
    if std::env::var_os("AUDIT").is_some() {
        return program::run::<AuditArgs>(audit::run);
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
    println!("| Method | Effort | Photos in a minute |\n|---|---|---|");
    let line = |title: &str, effort: &str, options: &[&str]| {
        println!("| {title} | {effort} | {:.0} |", per_minute(options));
    };
    for method in PhotoMethod::all() {
        let (name, title) = (method.name(), method.title());
        if !wanted.is_empty() && !wanted.iter().any(|it| it == name) {
            continue;
        }
        let options = ["--method", name, "--cover", "0"];
        line(title, "default", &options);
        // Methods of a single pass have no tolerance, and methods that draw samples take minutes.
        if method.has_fixed_effort() || method.draws_samples() {
            continue;
        }
        for tolerance in TOLERANCES {
            let effort = format!("tolerance {tolerance}");
            line(title, &effort, &[&options[..], &["--tolerance", tolerance]].concat());
        }
        if method == PhotoMethod::Regions {
            line(
                title,
                "default, and every photo is covered",
                &["--method", name, "--cover", "all"],
            );
        }
    }
    ExitCode::SUCCESS
}
