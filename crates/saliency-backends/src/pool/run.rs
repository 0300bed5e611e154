//! One call of a pool, from the batch to the answer.

use std::ops::Range;

use burn::tensor::{Device, Tensor};
use saliency_core::{Attribution, Error, Explainer, Inputs, Model, Result, Rows, Target, Warning};

use super::errors;
use super::event::{Observer, PoolEvent};
use super::host::Host;
use super::job::{Finished, Job};
use super::member::Member;
use crate::compute::ComputeDevice;
use crate::panics;

/// If this many devices are lost with the same rows, the rows are to blame.
const MOST_LOST: usize = 3;

/// A call of an explainer.
pub(super) struct Question<'a, M, I> {
    pub model: &'a M,
    pub input: I,
    pub target: Target,
    /// The rows of a larger batch that these are; all of this one if `None`.
    pub rows: Option<&'a Rows>,
}

impl<M, I: Inputs> Question<'_, M, I> {
    /// Returns the device of the input, or `None` if there are no rows or no values.
    pub fn home(&self) -> Option<Device> {
        if self.input.shapes().iter().any(|shape| shape.contains(&0)) {
            return None;
        }
        self.input.clone().into_rows().first().map(Tensor::device)
    }
}

/// A call that is under way.
pub(super) struct Run<'a> {
    batch: Host,
    target: Target,
    rows: Rows,
    job: Job,
    observer: Option<&'a Observer>,
}

impl<'a> Run<'a> {
    /// Checks a question, cuts its rows into pieces for `devices`, and reads its input.
    pub fn new<M, I: Inputs>(
        question: Question<'_, M, I>,
        devices: usize,
        rows_at_once: Option<usize>,
        observer: Option<&'a Observer>,
    ) -> Result<Self> {
        let Question { input, target, rows, .. } = question;
        let shapes = input.shapes();
        let total = shapes[0].first().copied().unwrap_or(0);

        // Refuse here what a device could refuse only for its own rows.
        target.check_rows(total)?;
        let rows = rows.cloned().unwrap_or_else(|| Rows::all(total));
        if rows.of().len() != total {
            return Err(errors::unequal_rows(0, rows.of().len(), total));
        }
        let rows_at_once = rows_at_once.unwrap_or_else(|| total.div_ceil(4 * devices));
        if rows_at_once == 0 {
            return Err(errors::no_rows_at_once());
        }
        for (tensor, shape) in shapes.iter().enumerate() {
            let found = shape.first().copied().unwrap_or(0);
            if found != total {
                return Err(errors::unequal_rows(tensor, total, found));
            }
        }

        let job = Job::new(total, rows_at_once);
        Ok(Self { batch: Host::read(input)?, target, rows, job, observer })
    }

    /// Lets all devices work until nothing is left, rows fail, or every device is lost.
    pub fn work<M, I, E>(&self, members: &[Member<E>], model: &M)
    where
        M: Model<I>,
        I: Inputs,
        E: Explainer<M, I>,
    {
        // Copy the model here, and finish before other threads touch the copies.
        let copies: Vec<Result<M>> =
            members.iter().map(|member| copy_of::<M, I>(model, &member.device)).collect();

        std::thread::scope(|scope| {
            for (member, copy) in members.iter().zip(copies) {
                match copy {
                    Ok(copy) => {
                        scope.spawn(move || self.work_on::<M, I, E>(member, copy));
                    }
                    Err(error) => self.lose(&member.device, 0..0, error.to_string()),
                }
            }
        });
    }

    /// Returns the answer on the input's device.
    pub fn finish<I: Inputs>(self, home: &Device) -> Result<Attribution<I>> {
        let Finished { maps, lost } = self.job.finish()?;
        let at_home =
            |map: Attribution<Host>| map.try_map(|host| Ok(host.write::<I>(0..host.rows(), home)));
        let maps = maps.into_iter().map(at_home).collect::<Result<Vec<_>>>()?;
        let mut map = Attribution::stack_rows(maps).expect("at least one row");
        map.warnings.extend(lost.into_iter().map(Warning::device_lost));
        Ok(map)
    }

    /// Explains rows on a device until nothing is left, rows fail, or the device is lost.
    fn work_on<M, I, E>(&self, member: &Member<E>, model: M)
    where
        M: Model<I>,
        I: Inputs,
        E: Explainer<M, I>,
    {
        let device = &member.device;
        while let Some(rows) = self.job.take() {
            match attempt(|| self.explain::<M, I, E>(member, &model, &rows)) {
                Ok(map) => {
                    let (done, total) = (self.job.done(&rows, map), self.job.total());
                    let device = device.backend.clone();
                    self.notify(PoolEvent::RowsDone { device, rows, done, total });
                }
                Err(error) => {
                    self.fail(device, rows, error);
                    break;
                }
            }
        }
        drop(model);
        // A GPU keeps memory apart for every thread, and this thread ends here.
        let _ = attempt(|| {
            device.device.memory_cleanup();
            Ok(())
        });
    }

    /// Explains some rows on a device.
    fn explain<M, I, E>(
        &self,
        member: &Member<E>,
        model: &M,
        piece: &Range<usize>,
    ) -> Result<Attribution<Host>>
    where
        M: Model<I>,
        I: Inputs,
        E: Explainer<M, I>,
    {
        let which: Vec<usize> = piece.clone().collect();
        let input = self.batch.write(piece.clone(), &member.device.device);
        let (target, rows) = (self.target.select(&which), self.rows.select(&which));
        member.explainer.attribute_rows(model, input, target, &rows)?.try_map(Host::read)
    }

    /// Gives rows back if an error shows that the device is lost; otherwise ends the job.
    fn fail(&self, device: &ComputeDevice, rows: Range<usize>, error: Error) {
        let lost = match &error {
            // Another device may have more.
            Error::OutOfMemory { .. } => Some("no memory for one row".to_owned()),
            // A device that still answers is not to blame.
            _ => attempt(|| synchronize(&device.device)).err().map(|lost| lost.to_string()),
        };
        match lost {
            // Rows that take every device with them are to blame themselves.
            Some(reason) if self.job.lost_with(&rows) + 1 < MOST_LOST => {
                self.lose(device, rows, format!("{reason} (after: {error})"));
            }
            _ => self.job.fail(rows.start, error.with_rows(|row| rows.start + row)),
        }
    }

    /// Goes on without a device.
    fn lose(&self, device: &ComputeDevice, rows: Range<usize>, reason: String) {
        let device = device.backend.clone();
        self.job.give_back(rows.clone(), format!("{device}: {reason}"));
        self.notify(PoolEvent::DeviceLost { device, rows, reason });
    }

    fn notify(&self, event: PoolEvent) {
        if let Some(observer) = self.observer {
            observer(&event);
        }
    }
}

/// Copies a model in inference mode to a device, and waits until it is there.
fn copy_of<M: Model<I>, I: Inputs>(model: &M, device: &ComputeDevice) -> Result<M> {
    attempt(|| {
        let copy = model.valid().to_device(&device.device);
        synchronize(&device.device).map(|()| copy)
    })
}

/// Waits for a device, because it reports errors only then.
fn synchronize(device: &Device) -> Result<()> {
    device.sync().map_err(|error| errors::device(error.reason()))
}

fn attempt<T>(call: impl FnOnce() -> Result<T>) -> Result<T> {
    panics::attempt(call, errors::device)
}
