//! `saliency table`: which columns of a table decide.

use std::path::{Path, PathBuf};

use burn::tensor::{Tensor, TensorData};
use clap::{Args as Options, ValueEnum};
use saliency::viz::{Chart, write_picture};
use saliency::{Attribution, Baseline, Explainer as _, IntegratedGradients, Target};
use saliency_onnx::{Element, OnnxFile, OnnxModel};
use saliency_program::output::{Words, answer};
use saliency_program::program::{check_writable, unusable};
use saliency_program::{Result, devices};
use serde::Serialize;

use crate::result_args::ResultArgs;

/// The options of `table`.
#[derive(Clone, Debug, Options)]
pub struct TableArgs {
    /// A CSV file with a header; each row is explained
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// An ONNX file whose input is [rows, columns]
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// A column that the model does not take, such as a name or the true answer; may be given several
    /// times
    #[arg(long, value_name = "COLUMN")]
    pub ignore: Vec<String>,
    /// The output of the model to explain, by its name [default: the first one]
    #[arg(long, value_name = "NAME")]
    pub output: Option<String>,
    /// The score to explain, by its number [default: the largest one of each row]
    #[arg(long, value_name = "NUMBER")]
    pub target: Option<usize>,
    /// What each row is compared with
    #[arg(long, value_enum, default_value_t = Start::Mean)]
    pub baseline: Start,
    /// Go on until the estimated relative error is at most this
    #[arg(long, default_value_t = 0.01)]
    pub tolerance: f64,
    #[command(flatten)]
    pub result: ResultArgs,
}

/// What each row is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Start {
    /// The mean of each column
    Mean,
    /// Zero in each column
    Zero,
}

/// The numbers of a CSV file.
struct Table {
    columns: Vec<String>,
    /// One row after the other.
    numbers: Vec<f64>,
    rows: usize,
}

impl Table {
    fn read(path: &Path, ignored: &[String]) -> Result<Self> {
        let name = path.display();
        let mut reader = csv::Reader::from_path(path)
            .map_err(|error| unusable(format!("{name} cannot be read: {error}")))?;
        let header =
            reader.headers().map_err(|error| unusable(format!("{name}: {error}")))?.clone();
        let trimmed = |text: &str| text.trim_start_matches('\u{feff}').trim().to_owned();
        let all: Vec<String> = header.iter().map(trimmed).collect();
        if let Some(unknown) = ignored.iter().find(|column| !all.contains(column)) {
            return Err(unusable(format!("{name} has no column {unknown:?}: {}", all.join(", "))));
        }
        let kept: Vec<usize> = (0..all.len()).filter(|&at| !ignored.contains(&all[at])).collect();
        let (mut numbers, mut rows) = (Vec::new(), 0);
        for (at, record) in reader.records().enumerate() {
            let record = record.map_err(|error| unusable(format!("{name}: {error}")))?;
            for &column in &kept {
                let text = record.get(column).unwrap_or_default().trim();
                let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
                numbers.push(number.ok_or_else(|| {
                    unusable(format!(
                        "{name}, row {}: {text:?} in the column {:?} is not a number; --ignore {:?} \
                         leaves the column out",
                        at + 1,
                        all[column],
                        all[column],
                    ))
                })?);
            }
            rows += 1;
        }
        if rows == 0 {
            return Err(unusable(format!("{name} has no rows")));
        }
        Ok(Self { columns: kept.into_iter().map(|at| all[at].clone()).collect(), numbers, rows })
    }

    fn means(&self) -> Vec<f64> {
        let count = self.columns.len();
        let sum = |column| self.numbers.iter().skip(column).step_by(count).sum::<f64>();
        (0..count).map(|column| sum(column) / self.rows as f64).collect()
    }
}

/// How much a column matters.
#[derive(Debug, Serialize)]
struct Column {
    name: String,
    /// The mean of the magnitudes of its attributions.
    mean_magnitude: f64,
    /// The mean of its attributions.
    mean: f64,
}

/// Explains each row of a table.
///
/// # Errors
/// What is wrong with a file or an option.
pub fn run(args: &TableArgs) -> Result<()> {
    let table = Table::read(&args.file, &args.ignore)?;
    let model = opened(args, &table)?;
    check_writable(&args.result.out)?;
    let compute = devices::open(args.result.device.as_deref()).map_err(unusable)?;
    let device = compute.device();
    let count = table.columns.len();
    let rows = |numbers: &[f64], rows: usize| {
        Tensor::<2>::from_data(TensorData::new(numbers.to_vec(), [rows, count]), device)
    };
    let baseline = match args.baseline {
        Start::Mean => Baseline::tensor(rows(&table.means(), 1)),
        Start::Zero => Baseline::zeros(),
    };
    let explainer = IntegratedGradients::new()
        .with_baseline(baseline)
        .with_tolerance(args.tolerance)
        .with_schedule(compute.schedule());
    let target = args.target.map_or(Target::Predicted, Target::Class);
    let map = explainer
        .attribute_to(&model, rows(&table.numbers, table.rows), target)
        .map_err(unusable)?;
    let values: Vec<f64> = map.values.clone().try_into_vec_as()?;
    let columns = ranked(&table.columns, &values);
    let written = written(args, &table, &map, &values, &columns)?;
    if args.result.json {
        return answer(
            serde_json::json!({ "rows": table.rows, "columns": columns, "wrote": written }),
        );
    }
    let words = Words::beside(false);
    words.say(format_args!(
        "{} rows, compared with {}",
        table.rows,
        match args.baseline {
            Start::Mean => "the mean of each column",
            Start::Zero => "zeros",
        }
    ));
    for Column { name, mean_magnitude, mean } in &columns {
        words.say(format_args!("  {name}: {mean_magnitude:.4} (mean {mean:+.4})"));
    }
    for warning in &map.warnings {
        words.say(format_args!("warning: {warning}"));
    }
    written.iter().for_each(|path| words.say(format_args!("wrote {path}")));
    Ok(())
}

fn opened(args: &TableArgs, table: &Table) -> Result<OnnxModel> {
    let file = OnnxFile::read(&args.model).map_err(unusable)?;
    let [input] = file.inputs() else {
        let inputs: Vec<String> = file.inputs().iter().map(ToString::to_string).collect();
        return Err(unusable(format!("the model takes several inputs: {}", inputs.join("; "))));
    };
    let sizes = input.shape.as_deref().unwrap_or_default();
    let (2, Element::Float) = (sizes.len(), input.element) else {
        return Err(unusable(format!("the model does not take a table of numbers: {input}")));
    };
    if let saliency_onnx::Dimension::Fixed(columns) = sizes[1]
        && columns != table.columns.len()
    {
        return Err(unusable(format!(
            "the model takes {columns} columns, and the file has {}: {}; --ignore leaves one out",
            table.columns.len(),
            table.columns.join(", "),
        )));
    }
    let model = file.load(&burn::tensor::Device::flex()).map_err(unusable)?;
    match &args.output {
        Some(output) => model.with_output(output).map_err(unusable),
        None => Ok(model),
    }
}

/// Returns the columns, those that matter most first.
fn ranked(names: &[String], values: &[f64]) -> Vec<Column> {
    let rows = (values.len() / names.len().max(1)) as f64;
    let mut columns: Vec<Column> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let of_column = || values.iter().skip(at).step_by(names.len());
            let mean_magnitude = of_column().map(|it| it.abs()).sum::<f64>() / rows;
            Column { name: name.clone(), mean_magnitude, mean: of_column().sum::<f64>() / rows }
        })
        .collect();
    columns.sort_by(|a, b| b.mean_magnitude.total_cmp(&a.mean_magnitude));
    columns
}

/// Writes the attributions and a chart, and returns the paths.
fn written(
    args: &TableArgs,
    table: &Table,
    map: &Attribution<Tensor<2>>,
    values: &[f64],
    columns: &[Column],
) -> Result<Vec<String>> {
    let path = args.result.out.join("attributions.csv");
    let mut file = tempfile::NamedTempFile::new_in(&args.result.out)?;
    {
        let mut writer = csv::Writer::from_writer(file.as_file_mut());
        let header = ["row", "target", "score"].map(str::to_owned);
        writer.write_record(header.iter().chain(&table.columns))?;
        for row in 0..table.rows {
            let target = map.targets.get(row).copied().flatten();
            let target = target.map(|class| class.to_string()).unwrap_or_default();
            let score = map.scores.get(row).map(|score| format!("{score:.6}")).unwrap_or_default();
            let count = table.columns.len();
            let own = values[row * count..(row + 1) * count].iter().map(|it| format!("{it:.6}"));
            writer.write_record([(row + 1).to_string(), target, score].into_iter().chain(own))?;
        }
        writer.flush()?;
    }
    file.persist(&path)?;
    let bars: Vec<(&str, f64)> =
        columns.iter().map(|column| (column.name.as_str(), column.mean_magnitude)).collect();
    let chart = Chart::bars("How much each column matters", &bars)?;
    let picture = args.result.out.join("columns.png");
    write_picture(&picture, &chart.to_picture())?;
    Ok([path, picture].map(|path| path.display().to_string()).to_vec())
}
