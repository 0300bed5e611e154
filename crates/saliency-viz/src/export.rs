use std::borrow::Cow;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use burn::tensor::Tensor;
use image::{ImageBuffer, ImageFormat, Luma};
use npyz::WriterBuilder as _;
use safetensors::Dtype;
use safetensors::tensor::View;
use saliency_core::Attribution;
use serde_json::{Map as Json, Value, json};

use crate::error::{Error, Result};
use crate::files::write_file;
use crate::map::{Map, Scaled};

/// What is known of a row of an attribution, enough to make the same picture again: it lies as JSON
/// beside the exported values.
///
/// [`Record::of`] fills in what the attribution knows; what only you know, the model's name, the
/// options and the seed, is added by [`Record::with`].
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::Attribution;
/// use saliency_viz::Record;
///
/// let values = Tensor::<4>::zeros([1, 3, 8, 8], &Device::flex());
/// let map = Attribution::new(values, vec![1.5], vec![Some(285)]);
/// let record = Record::of(&map, 0)?.with("method", "smooth-grad").with("seed", 7);
/// assert!(record.to_json().contains("\"score\": 1.5"));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Record(Json<String, Value>);

/// The version of Burn that this crate asks for.
const BURN: &str = "0.22";

impl Record {
    /// Score, target, gap, errors, warnings and versions of one row.
    ///
    /// # Errors
    /// [`Error::Row`].
    pub fn of<I>(attribution: &Attribution<I>, row: usize) -> Result<Self> {
        let rows = attribution.scores.len();
        if row >= rows {
            return Err(Error::Row { rows, row });
        }
        let of = |values: &Option<Vec<f64>>| values.as_ref().map(|values| values[row]);
        let warnings = attribution.warnings.iter().filter(|warning| warning.row() == row);
        let warnings: Vec<_> = warnings.map(ToString::to_string).collect();
        let record = json!({
            "row": row,
            "target": attribution.targets[row],
            "score": attribution.scores[row],
            "baseline_score": of(&attribution.baseline_scores),
            "completeness_gap": of(&attribution.completeness_gap),
            "error_estimate": of(&attribution.error_estimate),
            "converged": attribution.converged.as_ref().map(|converged| converged[row]),
            "gradients": attribution.gradients[row],
            "warnings": warnings,
            "versions": { "saliency": env!("CARGO_PKG_VERSION"), "burn": BURN },
        });
        match record {
            Value::Object(record) => Ok(Self(record)),
            _ => unreachable!("it was just made as an object"),
        }
    }

    /// Adds a fact, or replaces it.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// The record as text.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.0).expect("every value is one of JSON");
        text.push('\n');
        text
    }
}

/// Writes one row's values for Python and image programs, in single precision: `NAME.npy` (as
/// `[channels, height, width]`), `NAME.safetensors` (the same as `attribution`, and the reduced map as
/// `map`), `NAME-map.png` (the reduced map with 16 bits) and `NAME.json`, the record with how to read the
/// picture, how it was reduced and scaled. Returns the paths.
///
/// A value of the picture is `(step - zero) * value_per_step`, both numbers of the JSON; all of the map
/// fits, nothing is clipped.
///
/// # Errors
/// [`Error::Row`], [`Error::Device`], [`Error::Encode`], and [`Error::Unwritable`], where files written
/// before are left.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::Attribution;
/// use saliency_viz::{Map, Record, Reduce, export};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let values = Tensor::<4>::from_data([[[[0.0, 3.0], [0.0, 1.0]]]], &Device::flex());
/// let scaled = Map::of_row(&values, 0, Reduce::default())?.clip(99.0)?;
/// let record = Record::of(&Attribution::new(values.clone(), vec![1.0], vec![Some(0)]), 0)?;
/// let paths = export(folder.path(), "cat", &values, 0, &scaled, record)?;
/// assert!(paths.iter().all(|path| path.exists()));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
pub fn export(
    folder: &Path,
    name: &str,
    values: &Tensor<4>,
    row: usize,
    map: &Scaled,
    record: Record,
) -> Result<Vec<PathBuf>> {
    let [rows, channels, height, width] = values.dims();
    if row >= rows {
        return Err(Error::Row { rows, row });
    }
    let values = values.clone().inner().narrow(0, row, 1).try_into_vec_as::<f32>();
    let values = values.map_err(|error| Error::Device { reason: error.to_string() })?;
    let encode = |error: &dyn std::fmt::Display| Error::Encode { reason: error.to_string() };

    let shape = [channels, height, width];
    let npy = npy(&values, &shape).map_err(|error| encode(&error))?;
    let reduced: Vec<f32> = map.map().values().iter().map(|value| *value as f32).collect();
    let (columns, lines) = map.map().dimensions();
    let tensors = [
        ("attribution", Numbers { shape: shape.to_vec(), values: &values }),
        ("map", Numbers { shape: vec![lines, columns], values: &reduced }),
    ];
    let safetensors = safetensors::serialize(tensors, None).map_err(|error| encode(&error))?;
    let (png, zero, step) = deep_png(map.map())?;
    let record = record
        .with("reduce", format!("{:?}", map.map().reduce()))
        .with("scale", map.scale())
        .with("shape", shape.to_vec())
        .with("map_png", json!({ "zero": zero, "value_per_step": step }));
    let files: [(&str, Cow<[u8]>); 4] = [
        (".npy", npy.into()),
        (".safetensors", safetensors.into()),
        ("-map.png", png.into()),
        (".json", record.to_json().into_bytes().into()),
    ];
    files
        .into_iter()
        .map(|(ending, bytes)| {
            let path = folder.join(format!("{name}{ending}"));
            write_file(&path, &bytes).map(|()| path)
        })
        .collect()
}

/// NumPy's format.
fn npy(values: &[f32], shape: &[usize]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let shape: Vec<u64> = shape.iter().map(|side| *side as u64).collect();
    let writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes);
    let mut writer = writer.begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}

/// The map with 16 bits, the step that stands for zero, and the value of a step.
fn deep_png(map: &Map) -> Result<(Vec<u8>, u16, f64)> {
    let most = map.most();
    let (zero, steps) = if map.is_signed() { (32768, 32767.0) } else { (0, 65535.0) };
    let step = |value: &f64| match most {
        0.0 => zero,
        _ => (f64::from(zero) + value / most * steps).round() as u16,
    };
    let pixels: Vec<u16> = map.values().iter().map(step).collect();
    let (width, height) = map.dimensions();
    let picture = ImageBuffer::<Luma<u16>, _>::from_raw(width as u32, height as u32, pixels);
    let picture = picture.expect("as many values as pixels");
    let mut bytes = Cursor::new(Vec::new());
    let written = picture.write_to(&mut bytes, ImageFormat::Png);
    written.map_err(|error| Error::Encode { reason: error.to_string() })?;
    Ok((bytes.into_inner(), zero, most / steps))
}

/// Single-precision numbers for a safetensors file.
struct Numbers<'a> {
    shape: Vec<usize>,
    values: &'a [f32],
}

impl View for Numbers<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        4 * self.values.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Reduce;
    use burn::tensor::Device;
    use safetensors::SafeTensors;

    #[test]
    fn what_is_written_can_be_read_back() {
        let values = [[[[9.0; 2]; 2]; 2], [[[1.0, -2.0], [0.0, 0.5]], [[0.0, -1.0], [0.0, 0.5]]]];
        let values = Tensor::<4>::from_data(values, &Device::flex());
        let map = Map::of_row(&values, 1, Reduce::Sum).unwrap().clip(50.0).unwrap();
        let attribution = Attribution::new(values.clone(), vec![0.0, 2.5], vec![None, Some(3)]);
        let record = Record::of(&attribution, 1).unwrap();
        let record = record.with("method", "gradient").with("seed", 5);
        let folder = tempfile::tempdir().unwrap();
        let paths = export(folder.path(), "it", &values, 1, &map, record).unwrap();
        let read = |at: usize| std::fs::read(&paths[at]).unwrap();
        let row = [1.0, -2.0, 0.0, 0.5, 0.0, -1.0, 0.0, 0.5];

        let bytes = read(0);
        let npy = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!(npy.shape(), [2, 2, 2]);
        assert_eq!(npy.into_vec::<f32>().unwrap(), row);

        let bytes = read(1);
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let of = |name| {
            let bytes = tensors.tensor(name).unwrap().data();
            let numbers = bytes.chunks(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            numbers.collect::<Vec<_>>()
        };
        assert_eq!(of("attribution"), row);
        assert_eq!(of("map"), [1.0, -3.0, 0.0, 1.0]);

        let json: Value = serde_json::from_slice(&read(3)).unwrap();
        assert_eq!(
            (&json["target"], &json["score"], &json["seed"]),
            (&3.into(), &2.5.into(), &5.into())
        );
        assert_eq!(json["scale"], map.scale());
        assert_eq!((&json["reduce"], &json["warnings"]), (&"Sum".into(), &json!([])));
        let picture = image::load_from_memory(&read(2)).unwrap().into_luma16();
        let [zero, step] =
            ["zero", "value_per_step"].map(|key| json["map_png"][key].as_f64().unwrap());
        for (pixel, value) in picture.iter().zip([1.0, -3.0, 0.0, 1.0]) {
            assert!(((f64::from(*pixel) - zero) * step - value).abs() <= step, "{pixel} {value}");
        }
        assert_eq!(f64::from(picture.as_raw()[2]), zero, "zero stays exactly zero");
    }

    #[test]
    fn warnings_are_those_of_the_row_and_versions_those_asked_for() {
        let values = Tensor::<4>::zeros([2, 1, 2, 2], &Device::flex());
        let mut attribution = Attribution::new(values, vec![0.0; 2], vec![None; 2]);
        attribution.warnings = vec![saliency_core::Warning::BaselineIsInput { row: 0 }];
        let warnings = |row| Record::of(&attribution, row).unwrap().0["warnings"].clone();
        assert_eq!(warnings(0).as_array().map(Vec::len), Some(1));
        assert_eq!(warnings(1), json!([]));
        let workspace = include_str!("../../../Cargo.toml");
        assert!(workspace.contains(&format!("burn = {{ version = \"{BURN}.")));
    }

    #[test]
    fn a_row_that_is_not_there_is_an_error_and_so_is_a_folder_that_is_a_file() {
        let values = Tensor::<4>::zeros([1, 1, 2, 2], &Device::flex());
        let map = Map::of_row(&values, 0, Reduce::Max).unwrap().clip(99.0).unwrap();
        let attribution = Attribution::new(values.clone(), vec![0.0], vec![None]);
        assert!(matches!(Record::of(&attribution, 1), Err(Error::Row { rows: 1, row: 1 })));
        let record = Record::of(&attribution, 0).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let wrong = export(folder.path(), "it", &values, 1, &map, record.clone());
        assert!(matches!(wrong, Err(Error::Row { rows: 1, row: 1 })));
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let wrong = export(&file, "it", &values, 0, &map, record);
        assert!(matches!(wrong, Err(Error::Unwritable { .. })));
    }
}
