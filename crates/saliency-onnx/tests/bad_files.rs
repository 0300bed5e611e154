//! Broken and hostile files end in one sentence: no panic, no endless work, no memory.

mod support;

use burn::tensor::{Device, TensorData};
use proptest::prelude::*;
use saliency_onnx::{Check, Error, OnnxFile, OnnxModel};

use support::committed;

/// Opens a file and runs it on ones.
fn run(path: &std::path::Path) -> Result<(), Error> {
    let model = OnnxModel::open(path, &Device::flex())?;
    compute(&model)
}

fn compute(model: &OnnxModel) -> Result<(), Error> {
    let inputs = model.inputs().iter().map(|port| {
        let shape = port.shape.clone().unwrap_or_default();
        let sizes: Vec<usize> = shape
            .iter()
            .map(|size| match size {
                saliency_onnx::Dimension::Fixed(size) => (*size).min(64),
                saliency_onnx::Dimension::Open(_) => 2,
            })
            .collect();
        let count = sizes.iter().product();
        if count > 1 << 20 {
            return TensorData::new(vec![1.0f32], vec![1; sizes.len()]);
        }
        TensorData::new(vec![1.0f32; count], sizes)
    });
    model.compute(inputs.collect()).map(|_| ())
}

/// Files that need not be refused: see `tests/files/README.md`.
const ACCEPTED: [&str; 7] = [
    "tiny_good",
    "tiny_external",
    "wrong_order",
    "duplicate_weights",
    "opset_missing",
    "input_negative",
    "input_huge",
];

#[test]
fn every_bad_file_is_refused_in_a_sentence() {
    let mut files: Vec<_> =
        std::fs::read_dir(committed("bad")).unwrap().map(|it| it.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|it| it == "onnx"));
    files.sort();
    assert!(files.len() >= 70, "{}", files.len());
    let mut accepted = Vec::new();
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        match run(&path) {
            Ok(()) if ACCEPTED.contains(&name.as_str()) => {}
            Ok(()) => accepted.push(name),
            Err(error) => {
                eprintln!("{name}: {error}");
                assert!(!error.to_string().contains('\n'), "{name}: {error}");
                assert!(error.to_string().len() < 700, "{name}: {error}");
            }
        }
    }
    assert!(accepted.is_empty(), "{accepted:?}");
}

#[test]
fn weights_beside_the_file_are_read() {
    let path = committed("bad").join("tiny_external.onnx");
    run(&path).unwrap();
    let weights = committed("bad/weights").join("tiny_external.bin");
    assert_eq!(OnnxFile::read(&path).unwrap().files(), [path, weights]);
}

#[test]
#[cfg(unix)]
fn a_link_does_not_lead_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let secret = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(committed("bad/weights").join("tiny_external.bin")).unwrap();
    std::fs::write(secret.path().join("tiny_external.bin"), bytes).unwrap();
    std::fs::copy(committed("bad").join("tiny_external.onnx"), folder.path().join("it.onnx"))
        .unwrap();
    std::os::unix::fs::symlink(secret.path(), folder.path().join("weights")).unwrap();
    let error = run(&folder.path().join("it.onnx")).unwrap_err().to_string();
    assert!(error.contains("outside the folder of the model"), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let error = OnnxModel::open("no/such/file.onnx", &Device::flex()).unwrap_err();
    assert!(error.to_string().starts_with("no/such/file.onnx cannot be read: "), "{error}");
    assert!(matches!(error, Error::Read { .. }));
}

#[test]
fn an_unknown_operator_is_named_with_its_node_and_its_line() {
    let path = committed("bad").join("unknown_operator.onnx");
    let check = Check::file(&path).unwrap();
    assert_eq!(check.unsupported.len(), 1);
    let error = OnnxModel::open(&path, &Device::flex()).unwrap_err().to_string();
    assert!(error.contains("line ") && error.contains("saliency_onnx::operators()"), "{error}");
}

/// A file with a bit of everything, which mutations break.
fn good_files() -> Vec<Vec<u8>> {
    let names =
        ["resnet18_norm_dynamic", "crnn_script_dynamic", "vit_script_fixed", "bert_script_fixed"];
    let mut files: Vec<Vec<u8>> = names
        .iter()
        .map(|name| std::fs::read(committed("pytorch").join(format!("{name}.onnx"))).unwrap())
        .collect();
    files.push(std::fs::read(committed("bad").join("tiny_good.onnx")).unwrap());
    files
}

/// A change of the bytes of a file.
#[derive(Clone, Debug)]
enum Mutation {
    Flip(prop::sample::Index, u8),
    Cut(prop::sample::Index),
    Remove(prop::sample::Index, usize),
    Repeat(prop::sample::Index, usize),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let at = any::<prop::sample::Index>;
    prop_oneof![
        8 => (at(), 1u8..).prop_map(|(at, bits)| Mutation::Flip(at, bits)),
        1 => at().prop_map(Mutation::Cut),
        1 => (at(), 1usize..32).prop_map(|(at, count)| Mutation::Remove(at, count)),
        1 => (at(), 1usize..32).prop_map(|(at, count)| Mutation::Repeat(at, count)),
    ]
}

/// Most nodes are among so many first bytes.
const NODES: usize = 8192;

fn mutated(mut bytes: Vec<u8>, mutations: &[Mutation]) -> Vec<u8> {
    for mutation in mutations {
        if bytes.is_empty() {
            break;
        }
        match mutation {
            // Nodes come first, and changes of weights do not matter.
            Mutation::Flip(at, bits) => {
                let at = at.index(bytes.len().min(NODES));
                bytes[at] ^= bits;
            }
            Mutation::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Mutation::Remove(at, count) => {
                let at = at.index(bytes.len().min(NODES));
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Mutation::Repeat(at, count) => {
                let at = at.index(bytes.len().min(NODES));
                let part = bytes[at..(at + count).min(bytes.len())].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
    bytes
}

fn cases() -> u32 {
    std::env::var("SALIENCY_ONNX_MUTATIONS").ok().and_then(|it| it.parse().ok()).unwrap_or(200)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// `SALIENCY_ONNX_MUTATIONS=10000` tries more.
    #[test]
    fn mutated_files_never_panic(
        which in 0usize..5,
        mutations in prop::collection::vec(mutation(), 1..6),
    ) {
        let bytes = mutated(good_files().swap_remove(which), &mutations);
        let computed = OnnxFile::from_bytes(&bytes)
            .and_then(|file| file.load(&Device::flex()))
            .and_then(|model| compute(&model));
        if let Err(error) = computed {
            prop_assert!(!error.to_string().is_empty());
        }
    }
}
