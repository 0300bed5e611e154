//! The model that another program computes.

use std::ffi::OsString;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use burn::module::{Module, ModuleMapper, ModuleVisitor};
use burn::tensor::{Device, Tensor};
use saliency_core::{Inputs, Model};

use crate::conversation::{Conversation, name_of};
use crate::error::{Error, Result};
use crate::message::question;

/// A model that another program computes: a list of arguments, of which the first is the program.
/// No shell reads them.
///
/// The program is started with the first batch, and answers all batches after it. One program serves
/// all workers, one batch at a time. It is ended when the last clone of the model is dropped, and
/// after an error, so that the next batch starts it again.
///
/// It has no gradient. Explain it by methods that need only forward passes; the others report
/// [`Error::Independent`](saliency_core::Error::Independent).
///
/// # Protocol
/// A question is a line of JSON with the shape of each tensor, and then all values: numbers of 8
/// bytes (IEEE double precision, little-endian), tensor by tensor, row by row.
///
/// ```text
/// {"shapes":[[2,3,32,32]]}\n   and 2 * 3 * 32 * 32 numbers
/// ```
///
/// The answer is a line of JSON with the shape `[rows, scores]`, and then the scores in the same
/// form; or a line with an error.
///
/// ```text
/// {"shape":[2,10]}\n           and 2 * 10 numbers
/// {"error":"no such sensor"}\n
/// ```
///
/// The program flushes its output after each answer, and ends when its input ends. It writes
/// nothing else to its standard output. `examples/model.py` is such a program in Python.
///
/// # Parameters and defaults
/// - time limit: 60 seconds for each batch, the start of the program included
///
/// # Errors
/// [`scores`](Self::scores) returns an [`Error`]. Inside an explainer the error is reported as
/// [`saliency_core::Error::Panicked`], whose message is that of the error;
/// [`last_error`](Self::last_error) returns the error itself. Scores that are not finite are
/// [`saliency_core::Error::NotFinite`].
///
/// # Example
/// ```no_run
/// use burn::tensor::{Device, Tensor};
/// use saliency_core::{Explainer, Groups, KernelShap};
/// use saliency_process::ExternalModel;
///
/// let model = ExternalModel::new(["python3", "model.py"]);
/// let photo = Tensor::<4>::zeros([1, 3, 224, 224], &Device::flex());
/// let explainer = KernelShap::new().with_groups(Groups::grid([7, 7]));
/// let map = explainer.attribute(&model, photo)?;
/// # Ok::<(), saliency_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ExternalModel {
    limit: Duration,
    program: Arc<Program>,
}

/// The program, which runs or not.
struct Program {
    arguments: Vec<OsString>,
    running: Mutex<Option<Conversation>>,
    last_error: Mutex<Option<Error>>,
}

impl ExternalModel {
    /// Takes the program and its arguments. Starts nothing yet.
    pub fn new(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let arguments = arguments.into_iter().map(Into::into).collect();
        let (running, last_error) = (Mutex::new(None), Mutex::new(None));
        let program = Arc::new(Program { arguments, running, last_error });
        Self { limit: Duration::from_secs(60), program }
    }

    /// Sets the time that the program may take for a batch.
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Scores a batch: returns `[rows, scores]` on the device of the input's first tensor, in its
    /// precision.
    ///
    /// # Errors
    /// Any [`Error`]. The program is ended then.
    pub fn scores<I: Inputs>(&self, inputs: I) -> Result<Tensor<2>> {
        let found = self.ask(inputs);
        if let Err(error) = &found {
            *locked(&self.program.last_error) = Some(error.clone());
        }
        found
    }

    /// Returns the last error, for instance after an explainer reported a panic. `None` if there was
    /// none.
    pub fn last_error(&self) -> Option<Error> {
        locked(&self.program.last_error).clone()
    }

    fn ask<I: Inputs>(&self, inputs: I) -> Result<Tensor<2>> {
        let name = || name_of(&self.program.arguments);
        let input = |cause| Error::Input { program: name(), cause };
        let shapes = inputs.shapes();
        let tensors = inputs.into_rows();
        let [first, ..] = &tensors[..] else {
            let expected = "at least one tensor";
            return Err(input(saliency_core::Error::invalid_option("input", expected, "none")));
        };
        let (device, precision, rows) = (first.device().inner(), first.dtype(), first.dims()[0]);
        let read = |tensor: Tensor<2>| {
            let values = tensor.inner().try_into_vec_as::<f64>();
            values.map_err(|error| input(saliency_core::Error::device(error)))
        };
        let tensors = tensors.into_iter().map(read).collect::<Result<Vec<_>>>()?;
        let question = question(&shapes, &tensors);
        let mut running = locked(&self.program.running);
        let mut program = match running.take() {
            Some(program) => program,
            None => Conversation::start(&self.program.arguments)?,
        };
        let scores = program.ask(question, rows, self.limit)?;
        // After an error it is dropped instead.
        *running = Some(program);
        let values = Tensor::<1>::from_data(&scores.values[..], (&device, precision));
        Ok(values.reshape(scores.shape))
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<I: Inputs> Model<I> for ExternalModel {
    fn forward(&self, input: I) -> Tensor<2> {
        // A model has no way to return an error; the engine catches panics.
        self.scores(input).unwrap_or_else(|error| panic!("{error}"))
    }
}

/// A module without parameters, which is the same on every device.
impl Module for ExternalModel {
    fn collect_devices(&self, devices: Vec<Device>) -> Vec<Device> {
        devices
    }

    fn fork(self, _: &Device) -> Self {
        self
    }

    fn to_device(self, _: &Device) -> Self {
        self
    }

    fn train(self) -> Self {
        self
    }

    fn valid(&self) -> Self {
        self.clone()
    }

    fn materialize(self) -> Self {
        self
    }

    fn visit<Visitor: ModuleVisitor>(&self, _: &mut Visitor) {}

    fn map<Mapper: ModuleMapper>(self, _: &mut Mapper) -> Self {
        self
    }
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let running = locked(&self.running).is_some();
        f.debug_struct("Program")
            .field("arguments", &self.arguments)
            .field("running", &running)
            .finish_non_exhaustive()
    }
}
