use std::borrow::Cow;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Tensor;
use image::{ImageBuffer, ImageFormat, Luma};
use npyz::WriterBuilder as _;
use safetensors::Dtype;
use safetensors::tensor::View;
use saliency_core::Attribution;
use saliency_photo::{Map, ScaledMap, Size};
use serde_json::{Map as Json, Value, json};

use crate::error::{Error, Result};
use crate::files::write_file;

/// The facts about one row of an attribution, enough to make the same picture again. They are
/// written as JSON beside the exported values.
///
/// [`Record::new`] fills in the facts that the attribution holds. Add other facts with
/// [`Record::with_fact`], such as the name of the model, the options and the seed.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::Attribution;
/// use saliency_viz::Record;
///
/// let values = Tensor::<4>::zeros([1, 3, 8, 8], &Device::flex());
/// let map = Attribution::new(values, vec![1.5], vec![Some(285)]);
/// let record = Record::new(&map, 0)?.with_fact("method", "smooth-grad").with_fact("seed", 7);
/// assert!(record.to_json().contains("\"score\": 1.5"));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Record(Json<String, Value>);

/// The version of Burn that this crate depends on. A test of the testkit compares it with the
/// version of the workspace.
const BURN: &str = "0.22";

impl Record {
    /// Creates a record of one row: score, target, gap, errors, warnings and versions.
    ///
    /// # Errors
    /// [`Error::Row`] if the attribution has no such row.
    pub fn new<I>(attribution: &Attribution<I>, row: usize) -> Result<Self> {
        let rows = attribution.scores.len();
        if row >= rows {
            return Err(Error::Row { rows, row });
        }
        let of_row = |values: &Option<Vec<f64>>| values.as_ref().map(|values| values[row]);
        let warnings = attribution.warnings.iter().filter(|warning| warning.row() == row);
        let warnings: Vec<_> = warnings.map(ToString::to_string).collect();
        let record = json!({
            "row": row,
            "target": attribution.targets[row],
            "score": attribution.scores[row],
            "baseline_score": of_row(&attribution.baseline_scores),
            "completeness_gap": of_row(&attribution.completeness_gap),
            "error_estimate": of_row(&attribution.error_estimate),
            "converged": attribution.converged.as_ref().map(|converged| converged[row]),
            "gradients": attribution.evaluations[row],
            "warnings": warnings,
            "versions": { "saliency": env!("CARGO_PKG_VERSION"), "burn": BURN },
        });
        match record {
            Value::Object(record) => Ok(Self(record)),
            _ => unreachable!("it was just made as an object"),
        }
    }

    /// Adds a fact, or replaces it.
    pub fn with_fact(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Formats the record as JSON.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.0).expect("every value is one of JSON");
        text.push('\n');
        text
    }
}

/// The values of one row of an attribution, for Python and image programs.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::Attribution;
/// use saliency_photo::{Map, Reduce};
/// use saliency_viz::{Export, Record};
///
/// # let folder = tempfile::tempdir().unwrap();
/// let values = Tensor::<4>::from_data([[[[0.0, 3.0], [0.0, 1.0]]]], &Device::flex());
/// let map = Map::of_row(&values, 0, Reduce::default())?.clip_beyond(0.9)?;
/// let record = Record::new(&Attribution::new(values.clone(), vec![1.0], vec![Some(0)]), 0)?;
/// let export = Export { values: &values, row: 0, map: &map, record };
/// let paths = export.write(folder.path(), "cat")?;
/// assert!(paths.iter().all(|path| path.exists()));
/// # Ok::<(), saliency_viz::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Export<'a> {
    /// The attributions: `[rows, channels, height, width]`.
    pub values: &'a Tensor<4>,
    /// The row to write.
    pub row: usize,
    /// The map of that row.
    pub map: &'a ScaledMap,
    /// The facts about that row.
    pub record: Record,
}

impl Export<'_> {
    /// Writes four files in single precision, and returns their paths:
    ///
    /// - `NAME.npy`: the values, as `[channels, height, width]`
    /// - `NAME.safetensors`: the same as `attribution`, and the reduced map as `map`
    /// - `NAME-map.png`: the reduced map with 16 bits
    /// - `NAME.json`: the record, with facts for reading the picture and the way in which
    ///   the map was reduced and scaled
    ///
    /// The value of a pixel is `(step - zero) * value_per_step`. `step` is the pixel's number in
    /// the picture; `zero` and `value_per_step` are in the JSON. No value is clipped.
    ///
    /// # Errors
    /// [`Error::Row`] if there is no such row, [`Error::Device`] if the values cannot be read,
    /// [`Error::Encode`], and [`Error::Unwritable`]. Files that were written before an error stay.
    pub fn write(self, folder: impl AsRef<Path>, name: &str) -> Result<Vec<PathBuf>> {
        let [rows, channels, height, width] = self.values.dims();
        if self.row >= rows {
            return Err(Error::Row { rows, row: self.row });
        }
        let row = self.values.clone().inner().narrow(0, self.row, 1);
        let values = row
            .try_into_vec_as::<f32>()
            .map_err(|error| Error::Device { cause: Arc::new(error) })?;

        // Encode everything before the first file is written.
        let (shape, map) = (vec![channels, height, width], self.map.map());
        let png = DeepPng::new(map)?;
        let record = self
            .record
            .with_fact("reduce", format!("{:?}", map.reduction()))
            .with_fact("scale", self.map.scale())
            .with_fact("shape", shape.clone())
            .with_fact(
                "map_png",
                json!({ "zero": png.zero, "value_per_step": png.value_per_step }),
            );
        let files = [
            (".npy", npy(&values, &shape).map_err(Error::encode)?),
            (".safetensors", safetensors(&values, shape, map)?),
            ("-map.png", png.bytes),
            (".json", record.to_json().into_bytes()),
        ];
        let mut paths = Vec::new();
        for (ending, bytes) in files {
            let path = folder.as_ref().join(format!("{name}{ending}"));
            write_file(&path, bytes)?;
            paths.push(path);
        }
        Ok(paths)
    }
}

/// Encodes values and their map in the safetensors format.
fn safetensors(values: &[f32], shape: Vec<usize>, map: &Map) -> Result<Vec<u8>> {
    let reduced: Vec<f32> = map.values().iter().map(|value| *value as f32).collect();
    let size = map.size();
    let map_shape = vec![size.height as usize, size.width as usize];
    let tensors = [
        ("attribution", Numbers { shape, values }),
        ("map", Numbers { shape: map_shape, values: &reduced }),
    ];
    safetensors::serialize(tensors, None).map_err(Error::encode)
}

/// Encodes values in NumPy's format.
fn npy(values: &[f32], shape: &[usize]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let shape: Vec<u64> = shape.iter().map(|side| *side as u64).collect();
    let writer = npyz::WriteOptions::new().default_dtype().shape(&shape).writer(&mut bytes);
    let mut writer = writer.begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}

/// A map as a PNG with 16 bits, and the numbers for reading it.
struct DeepPng {
    bytes: Vec<u8>,
    /// The step of the value zero.
    zero: u16,
    value_per_step: f64,
}

impl DeepPng {
    /// Encodes a map without clipping it: its largest absolute value becomes the last step.
    fn new(map: &Map) -> Result<Self> {
        let largest = map.largest();
        let (zero, steps) = if map.is_signed() { (32768, 32767.0) } else { (0, 65535.0) };
        let step = |value: &f64| match largest {
            0.0 => zero,
            _ => (f64::from(zero) + value / largest * steps).round() as u16,
        };
        let pixels: Vec<u16> = map.values().iter().map(step).collect();
        let Size { width, height } = map.size();
        let picture = ImageBuffer::<Luma<u16>, _>::from_raw(width, height, pixels);
        let picture = picture.expect("as many values as pixels");
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).map_err(Error::encode)?;
        Ok(Self { bytes: bytes.into_inner(), zero, value_per_step: largest / steps })
    }
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
    use burn::tensor::Device;
    use safetensors::SafeTensors;
    use saliency_photo::Reduce;

    #[test]
    fn what_is_written_can_be_read_back() {
        let values = [[[[9.0; 2]; 2]; 2], [[[1.0, -2.0], [0.0, 0.5]], [[0.0, -1.0], [0.0, 0.5]]]];
        let values = Tensor::<4>::from_data(values, &Device::flex());
        let map = Map::of_row(&values, 1, Reduce::Sum).unwrap().clip_beyond(0.4).unwrap();
        let attribution = Attribution::new(values.clone(), vec![0.0, 2.5], vec![None, Some(3)]);
        let record = Record::new(&attribution, 1).unwrap();
        let record = record.with_fact("method", "gradient").with_fact("seed", 5);
        let folder = tempfile::tempdir().unwrap();
        let export = Export { values: &values, row: 1, map: &map, record };
        let paths = export.write(folder.path(), "it").unwrap();
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
        attribution.warnings = vec![saliency_core::Warning::baseline_is_input(0)];
        let warnings = |row| Record::new(&attribution, row).unwrap().0["warnings"].clone();
        assert_eq!(warnings(0).as_array().map(Vec::len), Some(1));
        assert_eq!(warnings(1), json!([]));
        assert_eq!(Record::new(&attribution, 0).unwrap().0["versions"]["burn"], BURN);
    }

    #[test]
    fn a_row_that_is_not_there_is_an_error_and_so_is_a_folder_that_is_a_file() {
        let values = Tensor::<4>::zeros([1, 1, 2, 2], &Device::flex());
        let map = Map::of_row(&values, 0, Reduce::Max).unwrap().clip_beyond(0.9).unwrap();
        let attribution = Attribution::new(values.clone(), vec![0.0], vec![None]);
        assert!(matches!(Record::new(&attribution, 1), Err(Error::Row { rows: 1, row: 1 })));
        let record = Record::new(&attribution, 0).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let export = |row| Export { values: &values, row, map: &map, record: record.clone() };
        let wrong = export(1).write(folder.path(), "it");
        assert!(matches!(wrong, Err(Error::Row { rows: 1, row: 1 })));
        let file = folder.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let wrong = export(0).write(&file, "it");
        assert!(matches!(wrong, Err(Error::Unwritable { .. })));
    }
}
