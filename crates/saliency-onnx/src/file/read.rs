//! Reading a file.

use std::path::{Path, PathBuf};

use burn::tensor::TensorData;
use onnx_ir::{Message, ModelProto};

use crate::check::{self, Check};
use crate::error::{Error, Result};
use crate::file::{Element, Port, external};
use crate::graph::Graph;
use crate::values::{Constant, Numbers};

/// The versions of ONNX's operators that are supported.
pub(crate) const LEAST: i64 = 1;
pub(crate) const MOST: i64 = 24;

/// An ONNX file that was read, but is on no device yet: its inputs, its outputs, and its metadata.
///
/// # Example
/// ```no_run
/// use burn::tensor::Device;
/// use saliency_onnx::OnnxFile;
///
/// let file = OnnxFile::read("shop.onnx")?;
/// for input in file.inputs() {
///     println!("{input}"); // photo: numbers [N, 3, 224, 224]
/// }
/// let model = file.load(&Device::flex())?;
/// # Ok::<(), saliency_onnx::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct OnnxFile {
    pub(crate) graph: Graph,
    metadata: Vec<(String, String)>,
    producer: String,
    files: Vec<PathBuf>,
}

impl OnnxFile {
    /// Reads a file. Weights may lie in other files, in the same folder or below it.
    ///
    /// # Errors
    /// [`Error::Read`] if the file cannot be read; otherwise what is wrong with its contents.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes =
            std::fs::read(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let mut file = Self::parse(&bytes, Some(folder.unwrap_or(Path::new("."))))?;
        file.files.insert(0, path.to_owned());
        Ok(file)
    }

    /// Reads the bytes of a file. All weights must be in them.
    ///
    /// # Errors
    /// As [`OnnxFile::read`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Self::parse(bytes, None)
    }

    /// Lists all operators of a file, and those that are not supported, without any other work.
    pub(crate) fn check(path: &Path) -> Result<Check> {
        let bytes =
            std::fs::read(path).map_err(|cause| Error::Read { path: path.to_owned(), cause })?;
        Ok(Check::of(decode(&bytes)?.graph.get_or_default()))
    }

    fn parse(bytes: &[u8], folder: Option<&Path>) -> Result<Self> {
        let model = decode(bytes)?;
        let version = version(&model)?;
        let proto = model.graph.get_or_default();
        check::refuse_unsupported(proto)?;
        let graph = Graph::read(proto, folder, version)?;
        let metadata =
            model.metadata_props.iter().map(|it| (it.key.clone(), it.value.clone())).collect();
        let beside = external::locations(proto);
        let files = beside.iter().filter_map(|it| Some(folder?.join(it))).collect();
        Ok(Self { graph, metadata, producer: model.producer_name.clone(), files })
    }

    /// Returns the files that were read: the file itself, and those of weights beside it.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Returns the inputs of the model.
    pub fn inputs(&self) -> &[Port] {
        &self.graph.inputs
    }

    /// Returns the outputs of the model.
    pub fn outputs(&self) -> &[Port] {
        &self.graph.outputs
    }

    /// Returns the names and values that the exporter has stored beside the graph, such as the names
    /// of classes.
    pub fn metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        self.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the name of the program that wrote the file, such as "pytorch". It may be empty.
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// Fixes an input, for inputs that are options rather than data, such as the sampling rate of a
    /// sound or the first state of a recurrent network. It is then no longer an input of the model.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if there is no such input; [`Error::Inputs`] if the numbers do not fit.
    ///
    /// # Example
    /// ```no_run
    /// use burn::tensor::TensorData;
    /// use saliency_onnx::OnnxFile;
    ///
    /// let file = OnnxFile::read("voice.onnx")?.with_constant("rate", TensorData::from([16_000]))?;
    /// # Ok::<(), saliency_onnx::Error>(())
    /// ```
    pub fn with_constant(mut self, input: &str, numbers: TensorData) -> Result<Self> {
        let at = self.graph.inputs.iter().position(|port| port.name == input);
        let Some(at) = at else {
            let known = self.graph.inputs.iter().map(|port| port.name.clone()).collect();
            return Err(Error::UnknownName { kind: "input", name: input.into(), known });
        };
        let port = &self.graph.inputs[at];
        let mut dims = numbers.shape().to_vec();
        // A single number may have any number of ones around it.
        if dims.iter().product::<usize>() == 1
            && let Some(shape) = &port.shape
        {
            dims = vec![1; shape.len()];
        }
        if port.shape.as_ref().is_some_and(|shape| shape.len() != dims.len()) {
            let found = format!("numbers of the shape {dims:?}");
            return Err(Error::Inputs { expected: vec![port.to_string()], found });
        }
        let numbers = match port.element {
            Element::Float => Numbers::Floats(numbers.iter().collect()),
            Element::Integer => Numbers::Integers(numbers.iter().collect()),
            Element::Boolean => {
                Numbers::Booleans(numbers.iter::<i64>().map(|it| it != 0).collect())
            }
        };
        self.graph.inputs.remove(at);
        self.graph.constants.insert(input.to_owned(), Constant { dims, numbers, range: None });
        Ok(self)
    }
}

impl OnnxFile {
    /// Takes photos with their channels first, `[rows, channels, height, width]`, where the file takes
    /// them last, as TensorFlow exports them. So maps have the same form for all models.
    ///
    /// # Errors
    /// [`Error::UnknownName`] if there is no such input; [`Error::Inputs`] if it has not four
    /// dimensions.
    pub fn with_channels_first(mut self, input: &str) -> Result<Self> {
        let known = self.graph.inputs.iter().map(|port| port.name.clone()).collect();
        let port = self.graph.inputs.iter_mut().find(|port| port.name == input);
        let unknown = || Error::UnknownName { kind: "input", name: input.into(), known };
        let port = port.ok_or_else(unknown)?;
        let expected = port.to_string();
        let Some([_, _, _, _]) = port.shape.as_deref() else {
            let found = "a photo of four dimensions".into();
            return Err(Error::Inputs { expected: vec![expected], found });
        };
        if let Some(shape) = &mut port.shape {
            let channels = shape.remove(3);
            shape.insert(1, channels);
        }
        self.graph.turn_input(input, vec![0, 2, 3, 1]);
        Ok(self)
    }
}

/// Decodes the outer format, and refuses what is not a model.
fn decode(bytes: &[u8]) -> Result<ModelProto> {
    if bytes.is_empty() {
        return Err(Error::not_onnx("the file is empty"));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(Error::not_onnx(
            "it is a zip archive; a PyTorch file (.pt, .pth) is one, and must be exported first",
        ));
    }
    if bytes.starts_with(b"\x89HDF") {
        return Err(Error::not_onnx("it is an HDF5 file, as Keras writes them: export it first"));
    }
    if bytes.starts_with(b"version https://git-lfs") {
        return Err(Error::not_onnx("it is a pointer of Git LFS: fetch the file itself"));
    }
    let model = ModelProto::parse_from_bytes(bytes)
        .map_err(|error| Error::not_onnx(format!("its bytes are cut off or damaged ({error})")))?;
    let graph = model.graph.get_or_default();
    if !model.training_info.is_empty() {
        return Err(Error::Training);
    }
    if graph.output.is_empty() && graph.node.is_empty() {
        return Err(Error::not_onnx("it has no graph"));
    }
    Ok(model)
}

/// Returns the version of the operators.
fn version(model: &ModelProto) -> Result<i64> {
    let own = |domain: &str| matches!(domain, "" | "ai.onnx");
    let found = model.opset_import.iter().find(|it| own(&it.domain)).map_or(1, |it| it.version);
    if !(LEAST..=MOST).contains(&found) {
        return Err(Error::Version { found, least: LEAST, most: MOST });
    }
    Ok(found)
}
