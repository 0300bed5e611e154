//! How do time and memory grow with the work?
//!
//! ```text
//! cargo bench --profile dev --bench growth
//! ```
//!
//! EfficientNet-Lite0, and a network of one hidden layer for the features of a table; every figure is from a process of its own. Prints a table and draws it as
//! `docs/images/growth.svg`. Memory is read from Linux's `/proc`; elsewhere it says so and stops.

use std::path::Path;
use std::process::Command;

use burn::nn::LinearConfig;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Distribution, Tensor};
use plotters::prelude::*;
use saliency::{Explainer, Gradient, IntegratedGradients, Parallelism, Schedule, pure_function};
use saliency_benches::{median, process_memory, seconds};
use saliency_models::{EfficientNetLite0, photos};

/// The rows of a table whose features grow.
const TABLE_ROWS: usize = 1000;

/// Returns the work of a question, of the given size.
fn work(question: &str, size: usize) -> Box<dyn Fn()> {
    let device = Device::flex();
    if question == "features" {
        let layer = |from, to| LinearConfig::new(from, to).init(&device);
        let (first, second) = (layer(size, 32), layer(32, 3));
        let net = pure_function(move |x: Tensor<2>| second.forward(relu(first.forward(x))));
        let table = Tensor::<2>::random([TABLE_ROWS, size], Distribution::Default, &device);
        let ig = IntegratedGradients::new().with_steps(50);
        return Box::new(move || drop(ig.attribute(&net, table.clone()).expect("a map")));
    }
    let net = EfficientNetLite0::embedded(&device);
    let side = if question == "pixels a side" { size as u32 } else { 224 };
    let input = saliency::photo::Preparation::imagenet().with_size(side);
    let input = input.tensor(&photos::chelsea(), &device);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = if question == "workers" { size } else { cores };
    let schedule = Schedule::new().with_parallelism(Parallelism::Workers(workers)).with_chunk(1);
    if let "points" | "workers" = question {
        let points = if question == "points" { size } else { 50 };
        let ig = IntegratedGradients::new().with_steps(points).with_schedule(schedule);
        return Box::new(move || drop(ig.attribute(&net, input.clone()).expect("a map")));
    }
    let rows = if question == "rows" { size } else { 1 };
    let input = input.repeat_dim(0, rows);
    let gradient = Gradient::new().with_schedule(schedule);
    Box::new(move || drop(gradient.attribute(&net, input.clone()).expect("a map")))
}

/// Works in this process, and prints the seconds and the peak in MiB.
fn one(work: &dyn Fn()) {
    work();
    let times = (0..3).map(|_| seconds(work)).collect();
    println!("{} {}", median(times), process_memory("VmHWM").expect("Linux"));
}

/// Returns the seconds and the peak of a process that does the work.
fn measured(question: &str, size: usize) -> (f64, f64) {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).env("WORK", format!("{question} {size}")).output();
    let text = String::from_utf8(output.expect("a run").stdout).expect("text");
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|it| it.parse().ok()).collect();
    (numbers[0], numbers[1])
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Ok(asked) = std::env::var("WORK") {
        let (question, size) = asked.rsplit_once(' ').expect("a question and a size");
        one(&*work(question, size.parse()?));
        return Ok(());
    }
    if !Path::new("/proc/self/status").exists() {
        println!("skipped: this system does not tell a process's memory in /proc");
        return Ok(());
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let questions: [(&str, Vec<usize>); 5] = [
        ("points", vec![1, 3, 10, 30, 100, 300, 1000]),
        ("rows", vec![1, 2, 4, 8, 16, 32, 64]),
        ("pixels a side", vec![64, 96, 128, 192, 256, 384, 512]),
        ("workers", (1..=cores).collect()),
        ("features", vec![4, 13, 30, 100, 300, 1000]),
    ];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/images/growth.svg");
    let area = SVGBackend::new(&path, (1500, 560)).into_drawing_area();
    area.fill(&WHITE)?;
    let panels = area.split_evenly((2, 5));
    println!("| what | size | seconds | MiB |\n|---|---|---|---|");
    for (column, (question, sizes)) in questions.iter().enumerate() {
        let rows: Vec<_> = sizes.iter().map(|size| (*size, measured(question, *size))).collect();
        for (size, (seconds, mebibytes)) in &rows {
            println!("| {question} | {size} | {seconds:.3} | {mebibytes:.0} |");
        }
        let first = rows[0].0 as f64;
        let last = (rows[rows.len() - 1].0 as f64).max(first * 1.5);
        for (row, (unit, value)) in
            [("seconds", (|it| it.0) as fn((f64, f64)) -> f64), ("MiB", |it| it.1)]
                .into_iter()
                .enumerate()
        {
            let points = || rows.iter().map(|(size, it)| (*size as f64, value(*it)));
            let most = points().fold(0.0, |most: f64, it| most.max(it.1));
            let least = points().fold(f64::INFINITY, |least: f64, it| least.min(it.1));
            let mut chart = ChartBuilder::on(&panels[row * 5 + column])
                .margin(10)
                .caption(format!("{unit} by {question}"), ("sans-serif", 15))
                .x_label_area_size(28)
                .y_label_area_size(48)
                .build_cartesian_2d(
                    (first..last).log_scale(),
                    (least / 2.0..most * 2.0).log_scale(),
                )?;
            chart.configure_mesh().x_labels(6).y_labels(6).draw()?;
            chart.draw_series(LineSeries::new(points(), BLUE.stroke_width(2)))?;
            chart.draw_series(points().map(|at| Circle::new(at, 3, BLUE.filled())))?;
        }
    }
    area.present()?;
    println!("\nwrote {}", path.display());
    Ok(())
}
