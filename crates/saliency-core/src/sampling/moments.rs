//! The mean and variance of a stream of maps, with standard errors, numerically stable.

use crate::error::Result;
use crate::input::batch::{Batch, to_host};
use crate::sampling::aggregate::Aggregate;
use crate::sampling::certainty::RowCertainty;
use crate::sampling::device_moments::{DeviceMoments, largest_values};
use crate::sampling::host_moments::HostMoments;

/// The moments of rows with more values are kept on the device, where an operation takes less than
/// the host for as many values. It depends on the width alone, so that a row's answer does not depend
/// on the other rows.
const HOST_WIDTH: usize = 1 << 10;

/// The mean of a stream of maps and the sums of powers of deviations from it.
#[derive(Clone, Debug)]
pub(crate) enum Moments {
    /// For small rows: on the host, in double precision.
    Host(HostMoments),
    /// For large rows: on their device, in their precision.
    Device(DeviceMoments),
}

/// The maps of some rows in several samples: all rows in the first sample, all rows in the next.
#[derive(Clone, Debug)]
pub(crate) enum Maps {
    /// The values of each tensor.
    Host(Vec<Vec<f64>>),
    /// The maps, and the largest absolute value of each.
    Device(Batch, Vec<f64>),
}

impl Maps {
    /// Reads maps back if their moments are kept on the host.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device).
    pub fn of(maps: &Batch) -> Result<Self> {
        if maps.width() <= HOST_WIDTH {
            return Ok(Self::Host(maps.parts.iter().cloned().map(to_host).collect::<Result<_>>()?));
        }
        Self::on_device(maps.widened())
    }

    fn on_device(maps: Batch) -> Result<Self> {
        let largest = largest_values(&maps)?;
        Ok(Self::Device(maps, largest))
    }

    /// Returns the maps of one of `samples` samples.
    pub fn sample(&self, at: usize, samples: usize) -> Self {
        match self {
            Self::Host(parts) => Self::Host(
                parts
                    .iter()
                    .map(|part| {
                        let count = part.len() / samples;
                        part[at * count..(at + 1) * count].to_vec()
                    })
                    .collect(),
            ),
            Self::Device(maps, largest) => {
                let rows = largest.len() / samples;
                let own = largest[at * rows..(at + 1) * rows].to_vec();
                Self::Device(maps.narrow(at * rows, rows), own)
            }
        }
    }

    /// Returns `a` times these maps plus `b` times others of the same rows.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device).
    pub fn combined(&self, a: f64, others: &Self, b: f64) -> Result<Self> {
        match (self, others) {
            (Self::Host(own), Self::Host(others)) => {
                let combine = |(own, others): (&Vec<f64>, &Vec<f64>)| {
                    own.iter().zip(others).map(|(own, other)| a * own + b * other).collect()
                };
                Ok(Self::Host(own.iter().zip(others).map(combine).collect()))
            }
            (Self::Device(own, _), Self::Device(others, _)) => Self::on_device(
                own.zip(others, |own, other| own.mul_scalar(a) + other.mul_scalar(b)),
            ),
            _ => unreachable!("maps of the same width"),
        }
    }

    /// Returns the maps of the given rows, of `all` rows of one sample.
    pub fn select(&self, rows: &[usize], all: usize) -> Self {
        match self {
            Self::Host(parts) => Self::Host(
                parts
                    .iter()
                    .map(|part| {
                        let width = part.len() / all;
                        rows.iter()
                            .flat_map(|row| &part[row * width..(row + 1) * width])
                            .copied()
                            .collect()
                    })
                    .collect(),
            ),
            Self::Device(maps, largest) => {
                let own = rows.iter().map(|&row| largest[row]).collect();
                Self::Device(maps.select(rows), own)
            }
        }
    }

    /// Concatenates the maps of several blocks of rows of one sample.
    pub fn stack(blocks: Vec<Self>) -> Self {
        let (mut host, mut device, mut all) = (Vec::<Vec<f64>>::new(), Vec::new(), Vec::new());
        for block in blocks {
            match block {
                Self::Host(parts) => {
                    host.resize(parts.len(), Vec::new());
                    host.iter_mut().zip(parts).for_each(|(all, part)| all.extend(part));
                }
                Self::Device(maps, largest) => {
                    device.push(maps);
                    all.extend(largest);
                }
            }
        }
        match device.is_empty() {
            true => Self::Host(host),
            false => Self::Device(Batch::stack(&device), all),
        }
    }
}

impl Moments {
    /// Adds the maps of some rows in `samples` samples to those before them, if there are any. `like`
    /// is an input with the form of the maps.
    pub fn push(
        before: Option<Self>,
        aggregate: Aggregate,
        maps: Maps,
        samples: usize,
        like: &Batch,
    ) -> Self {
        match (before, maps) {
            (before, Maps::Host(values)) => {
                let mut moments = match before {
                    Some(Self::Host(moments)) => moments,
                    _ => {
                        let rows = values[0].len() / (samples * like.parts[0].dims()[1]);
                        HostMoments::new(aggregate, rows, like)
                    }
                };
                moments.push(&values);
                Self::Host(moments)
            }
            (before, Maps::Device(maps, largest)) => {
                let rows = maps.rows() / samples;
                let mut moments = match before {
                    Some(Self::Device(moments)) => Some(moments),
                    _ => None,
                };
                for start in (0..maps.rows()).step_by(rows) {
                    let sample = maps.narrow(start, rows);
                    let largest = &largest[start..start + rows];
                    moments = Some(DeviceMoments::push(moments, aggregate, sample, largest));
                }
                Self::Device(moments.expect("at least one sample"))
            }
        }
    }

    /// Returns the aggregate of every value, and its standard error if there are two or more
    /// samples.
    pub fn finish(&self) -> (Batch, Option<Batch>) {
        match self {
            Self::Host(moments) => moments.finish(),
            Self::Device(moments) => moments.finish(),
        }
    }

    /// Returns how sure each row is. Ignores fixed inputs.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device).
    pub fn certainty(&self) -> Result<Vec<RowCertainty>> {
        match self {
            Self::Host(moments) => Ok(moments.certainty()),
            Self::Device(moments) => moments.certainty(),
        }
    }

    /// Returns how sure each row is, given the standard errors, if they are known. Ignores fixed
    /// inputs.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device).
    pub fn certainty_with(&self, errors: Option<&Batch>) -> Result<Vec<RowCertainty>> {
        let Some(errors) = errors else {
            return Ok(vec![RowCertainty::UNKNOWN; self.rows()]);
        };
        match self {
            Self::Host(moments) => {
                let errors = errors.parts.iter().cloned().map(to_host).collect::<Result<Vec<_>>>();
                Ok(moments.certainty_with(&errors?))
            }
            Self::Device(moments) => moments.certainty_with(errors),
        }
    }

    /// Returns the number of samples.
    pub fn count(&self) -> usize {
        match self {
            Self::Host(moments) => moments.count(),
            Self::Device(moments) => moments.count(),
        }
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Host(moments) => moments.rows(),
            Self::Device(moments) => moments.rows(),
        }
    }

    /// Returns the moments of the given rows.
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Host(moments) => Self::Host(moments.select(rows)),
            Self::Device(moments) => Self::Device(moments.select(rows)),
        }
    }

    /// Concatenates the moments of several blocks of rows, of the same samples.
    pub fn stack(blocks: Vec<Self>) -> Self {
        let (mut host, mut device) = (Vec::new(), Vec::new());
        for block in blocks {
            match block {
                Self::Host(moments) => host.push(moments),
                Self::Device(moments) => device.push(moments),
            }
        }
        if device.is_empty() {
            Self::Host(HostMoments::stack(host))
        } else {
            Self::Device(DeviceMoments::stack(&device))
        }
    }
}
