//! Models of other programs: this program itself, started with a name as its argument.

use std::io::{BufRead, Read, Write};
use std::time::{Duration, Instant};

use burn::tensor::{Device, Tensor};
use saliency_core::{
    Error as CoreError, Explainer, FeatureAblation, Gradient, KernelShap, Occlusion, Rise,
    ShapleySampling, Stage, Target, Window,
};
use saliency_process::{Error, ExternalModel};

/// The argument that makes this program an external model.
const MODEL: &str = "--as-model";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, kind] = &arguments[..]
        && flag == MODEL
    {
        serve(kind);
        return;
    }
    let filters: Vec<&String> = arguments.iter().filter(|it| !it.starts_with('-')).collect();
    let tests: [(&str, fn()); 9] = [
        ("a_program_gives_the_same_maps_as_the_function", the_same_maps),
        ("a_program_takes_several_tensors", several_tensors),
        ("a_program_is_started_once", started_once),
        ("gradients_of_a_program_are_refused", gradients_are_refused),
        ("a_program_that_ends_is_an_error_and_is_started_again", program_that_ends),
        ("a_program_that_prints_rubbish_is_an_error", rubbish),
        ("another_number_of_rows_and_reported_errors_are_errors", other_answers),
        ("a_program_that_takes_too_long_is_ended", too_long),
        ("scores_that_are_not_finite_name_their_row", not_finite),
    ];
    for (name, test) in tests {
        if filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str())) {
            test();
            println!("test {name} ... ok");
        }
    }
}

/// Answers as an external model of a kind.
fn serve(kind: &str) {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    let mut line = String::new();
    let mut batches = 0;
    while input.read_line(&mut line).expect("a line") > 0 {
        let numbers = |text: &str| -> Vec<usize> {
            let parts = text.split(|c: char| !c.is_ascii_digit());
            parts.filter(|part| !part.is_empty()).map(|part| part.parse().unwrap()).collect()
        };
        let shapes: Vec<Vec<usize>> =
            line.split("],[").map(numbers).filter(|it| !it.is_empty()).collect();
        line.clear();
        let rows = shapes[0][0];
        let mut scores = vec![[0.0; 2]; rows];
        for shape in &shapes {
            let width: usize = shape[1..].iter().product();
            for score in &mut scores {
                let mut bytes = vec![0; 8 * width];
                input.read_exact(&mut bytes).expect("numbers");
                let values = bytes.as_chunks().0.iter().copied().map(f64::from_le_bytes);
                let values: Vec<f64> = values.collect();
                score[0] += values.iter().sum::<f64>();
                score[1] += values.iter().product::<f64>();
            }
        }
        batches += 1;
        let mut shape = [rows, 2];
        match kind {
            "batches" => scores.iter_mut().for_each(|score| score[0] = f64::from(batches)),
            "dies" if batches == 2 => {
                eprintln!("the sensor is gone");
                std::process::exit(3);
            }
            "rubbish" => println!("loading the weights"),
            "rows" => shape[0] += 1,
            "reports" => {
                writeln!(output, "{{\"error\": \"no such sensor\"}}").unwrap();
                output.flush().unwrap();
                continue;
            }
            "slow" => std::thread::sleep(Duration::from_secs(600)),
            "nan" => scores[rows - 1][0] = f64::NAN,
            _ => {}
        }
        writeln!(output, "{{\"shape\": {shape:?}}}").unwrap();
        let values = scores.iter().flatten().flat_map(|score| score.to_le_bytes());
        output.write_all(&values.collect::<Vec<u8>>()).unwrap();
        output.flush().unwrap();
    }
}

fn model(kind: &str) -> ExternalModel {
    let itself = std::env::current_exe().expect("this program");
    ExternalModel::new([itself.into_os_string(), MODEL.into(), kind.into()])
}

fn table() -> Tensor<2> {
    Tensor::from_data([[1.0, 2.0, 3.0], [0.5, -1.0, 4.0]], &Device::flex())
}

fn values(tensor: Tensor<2>) -> Vec<f64> {
    tensor.try_into_vec_as().expect("values")
}

fn the_same_maps() {
    let function = saliency_core::pure_function(|x: Tensor<2>| {
        Tensor::cat(vec![x.clone().sum_dim(1), x.prod_dim(1)], 1)
    });
    let program = model("right");
    let compare = |here: &dyn Explainer<_, Tensor<2>>, there: &dyn Explainer<_, Tensor<2>>| {
        let here = here.attribute_to(&function, table(), Target::Class(1)).expect("a map");
        let there = there.attribute_to(&program, table(), Target::Class(1)).expect("a map");
        for (here, there) in values(here.values).into_iter().zip(values(there.values)) {
            assert!((here - there).abs() < 1e-5, "{here} {there}");
        }
    };
    compare(&KernelShap::new(), &KernelShap::new());
    compare(&FeatureAblation::new(), &FeatureAblation::new());
    let occlusion = Occlusion::new(Window::new([2]).with_stride([1]));
    compare(&occlusion, &occlusion);
    let rise = Rise::new().with_samples(20);
    compare(&rise, &rise);
    let sampling = ShapleySampling::new().with_samples(3);
    compare(&sampling, &sampling);
}

fn several_tensors() {
    let input = (table(), Tensor::<3>::ones([2, 1, 2], &Device::flex()));
    assert_eq!(values(model("right").scores(input).unwrap()), [8.0, 7.0, 5.5, -1.0]);
}

fn started_once() {
    let program = model("batches");
    for batch in 1..4 {
        let scores = values(program.clone().scores(table()).unwrap());
        assert_eq!(scores[0], f64::from(batch));
    }
    assert!(program.last_error().is_none());
}

fn gradients_are_refused() {
    let error = Gradient::new().attribute(&model("right"), table()).unwrap_err();
    assert_eq!(error, CoreError::Independent);
}

fn program_that_ends() {
    let error = ExternalModel::new(Vec::<String>::new()).scores(table()).unwrap_err();
    assert!(matches!(error, Error::NoProgram), "{error}");
    let error = ExternalModel::new(["/no/such/program"]).scores(table()).unwrap_err();
    assert!(matches!(error, Error::NotStarted { .. }), "{error}");
    assert!(error.to_string().starts_with("cannot start `/no/such/program`: "), "{error}");

    let program = model("dies");
    assert!(program.scores(table()).is_ok());
    let error = program.scores(table()).unwrap_err();
    assert!(matches!(error, Error::Ended { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("3") && text.ends_with("It wrote: the sensor is gone"), "{text}");
    assert!(program.scores(table()).is_ok(), "started again");
    // Inside an explainer it is a panic of the model, with the same message.
    let error = KernelShap::new().attribute(&model("dies"), table()).unwrap_err();
    assert!(matches!(error, CoreError::Panicked { .. }), "{error}");
    assert!(error.to_string().contains("the sensor is gone"), "{error}");
}

fn rubbish() {
    let program = model("rubbish");
    let error = KernelShap::new().attribute(&program, table()).unwrap_err();
    assert!(error.to_string().contains("\"loading the weights\" in place of an answer"), "{error}");
    let error = program.last_error().expect("an error");
    assert!(matches!(error, Error::NoAnswer { .. }), "{error}");
}

fn other_answers() {
    let error = model("rows").scores(table()).unwrap_err();
    assert!(matches!(error, Error::Shape { rows: 2, .. }), "{error}");
    assert!(error.to_string().contains("[3, 2]: expected [2, scores]"), "{error}");
    let error = model("reports").scores(table()).unwrap_err();
    assert!(error.to_string().ends_with("reports: no such sensor"), "{error}");
}

fn too_long() {
    let start = Instant::now();
    let program = model("slow").with_time_limit(Duration::from_millis(100));
    let error = program.scores(table()).unwrap_err();
    assert!(matches!(error, Error::TimeLimit { .. }), "{error}");
    assert!(error.to_string().contains("no answer within 0.1 seconds"), "{error}");
    assert!(start.elapsed() < Duration::from_secs(60));
}

fn not_finite() {
    let error = FeatureAblation::new().attribute_to(&model("nan"), table(), Target::Class(0));
    let error = error.unwrap_err();
    let expected = "the score of row 1";
    assert!(matches!(error, CoreError::NotFinite { stage: Stage::Score, .. }), "{error}");
    assert!(error.to_string().ends_with(expected), "{error}");
}
