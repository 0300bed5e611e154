//! Weights that lie beside the file, in files of their own.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Component, Path};

use onnx_ir::{GraphProto, TensorProto};

/// Reads the bytes of a weight from a file in the model's own folder, or below it.
///
/// `expected` is the number of bytes that the shape needs: no other size is read.
pub(crate) fn bytes(
    tensor: &TensorProto,
    folder: Option<&Path>,
    expected: usize,
) -> Result<Vec<u8>, String> {
    let entry = |key: &str| {
        tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str())
    };
    let location = entry("location").ok_or("it lies in another file, which is not named")?;
    let folder = folder.ok_or("it lies in another file, and the model was not read from a file")?;
    let path = Path::new(location);
    let inside =
        path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !inside || location.contains(['\0', '\\']) {
        return Err(format!("it lies at `{location}`, outside the folder of the model"));
    }
    // A link may lead out of the folder.
    let place = folder.join(path);
    let real = place.canonicalize().map_err(|error| format!("{}: {error}", place.display()))?;
    if !folder.canonicalize().is_ok_and(|folder| real.starts_with(folder)) {
        return Err(format!("it lies at `{location}`, outside the folder of the model"));
    }

    let number = |key: &str| match entry(key) {
        None => Ok(None),
        Some(text) => text.parse::<u64>().map(Some).map_err(|_| format!("`{key}` is `{text}`")),
    };
    let offset = number("offset")?.unwrap_or(0);
    if number("length")?.is_some_and(|length| length != expected as u64) {
        return Err(format!("its shape needs {expected} bytes, and the file says otherwise"));
    }
    let cannot = |error: std::io::Error| format!("{}: {error}", place.display());
    let mut file = File::open(&real).map_err(cannot)?;
    let size = file.metadata().map_err(cannot)?.len();
    if offset.checked_add(expected as u64).is_none_or(|end| end > size) {
        return Err(format!(
            "{} has {size} bytes, too few for {expected} bytes from {offset}",
            place.display()
        ));
    }
    file.seek(SeekFrom::Start(offset)).map_err(cannot)?;
    let mut bytes = vec![0; expected];
    file.read_exact(&mut bytes).map_err(cannot)?;
    Ok(bytes)
}

/// Returns the locations of all weights that lie in other files. The depth of graphs inside graphs is
/// limited by the decoder.
pub(crate) fn locations(graph: &GraphProto) -> BTreeSet<String> {
    let attributes = || graph.node.iter().flat_map(|node| &node.attribute);
    let tensors = graph.initializer.iter().chain(attributes().filter_map(|it| it.t.as_ref()));
    let named = tensors.flat_map(|tensor| &tensor.external_data).filter(|it| it.key == "location");
    let inside = attributes().filter_map(|it| it.g.as_ref()).flat_map(locations);
    named.map(|it| it.value.clone()).chain(inside).collect()
}
