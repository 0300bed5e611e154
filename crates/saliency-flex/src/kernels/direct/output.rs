//! The planes that are computed, and how sums are written to them.

use crate::kernels::geometry::{Axes, Phase};
use crate::kernels::product::{SIDE, Strip};

/// Some output channels of one group, in all rows.
pub(super) struct Planes<'a> {
    pub group: usize,
    /// The first channel within the group: a multiple of [`SIDE`].
    pub first: usize,
    /// The channel behind the last one.
    pub end: usize,
    /// The planes, channel by channel in each row.
    planes: Vec<&'a mut [f32]>,
}

impl<'a> Planes<'a> {
    /// Splits an output of so many channels into at least as many parts as there are threads, if
    /// there are enough channels.
    pub fn split(
        output: &'a mut [f32],
        channels: usize,
        groups: usize,
        rows: usize,
        threads: usize,
    ) -> Vec<Self> {
        let per_group = channels / groups;
        let blocks = per_group.div_ceil(SIDE);
        let width = SIDE * blocks.div_ceil(threads.div_ceil(groups));
        let firsts = (0..per_group).step_by(width);
        let mut parts: Vec<Self> = (0..groups)
            .flat_map(|group| firsts.clone().map(move |first| (group, first)))
            .map(|(group, first)| {
                let end = per_group.min(first + width);
                Self { group, first, end, planes: Vec::with_capacity(rows * (end - first)) }
            })
            .collect();
        let in_group = parts.len() / groups;
        let area = output.len() / (rows * channels);
        for (plane, values) in output.chunks_exact_mut(area).enumerate() {
            let channel = plane % channels;
            let part = channel / per_group * in_group + channel % per_group / width;
            parts[part].planes.push(values);
        }
        parts
    }
}

/// Writes the sums of a wanted phase to their positions.
pub(super) struct Writer {
    rows: usize,
    /// The distances from one row of the batch, and from one line, to the next, in columns of the
    /// product.
    area: usize,
    pitch: usize,
    /// The numbers of lines, and of values in a line, that belong to the phase.
    lines: usize,
    values: usize,
    /// Where the phase begins in a plane, and the distances of its lines and values there.
    first: usize,
    line_step: usize,
    step: usize,
}

/// Sums that follow one another in a strip, and belong to one line.
struct Run {
    row: usize,
    from: usize,
    count: usize,
    to: usize,
}

impl Writer {
    pub fn new(axes: &Axes, phase: &Phase, rows: usize) -> Self {
        let Axes { y, x } = axes;
        let of_phase = |count: usize, phase: usize, phases: usize| {
            count.saturating_sub(phase).div_ceil(phases)
        };
        let lines = of_phase(y.wanted.count, phase.y, y.wanted.phases);
        let values = of_phase(x.wanted.count, phase.x, x.wanted.phases);
        let width = x.wanted.count;
        let (area, first) = (axes.area(), phase.y * width + phase.x);
        let (line_step, step) = (y.wanted.phases * width, x.wanted.phases);
        // Lines without zeros between them are one line.
        if values == x.span && step == 1 && line_step == width {
            let values = lines * values;
            return Self { rows, area, pitch: area, lines: 1, values, first, line_step, step };
        }
        Self { rows, area, pitch: x.span, lines, values, first, line_step, step }
    }

    /// Returns the number of columns of the product.
    pub fn columns(&self) -> usize {
        if self.lines == 0 || self.values == 0 {
            return 0;
        }
        (self.rows - 1) * self.area + (self.lines - 1) * self.pitch + self.values
    }

    /// Writes the columns of a strip.
    pub fn write(&self, planes: &mut Planes, sums: &[f32], strip: Strip) {
        let channels = planes.end - planes.first;
        for Run { row, from, count, to } in self.runs(strip) {
            let planes = planes.planes[row * channels..][..channels].iter_mut();
            for (plane, sums) in planes.zip(sums.chunks_exact(strip.width)) {
                let sums = &sums[from..][..count];
                if self.step == 1 {
                    plane[to..][..count].copy_from_slice(sums);
                    continue;
                }
                for (value, sum) in plane[to..].iter_mut().step_by(self.step).zip(sums) {
                    *value = *sum;
                }
            }
        }
    }

    /// Lists the runs of a strip.
    fn runs(&self, strip: Strip) -> Vec<Run> {
        let end = self.columns().min(strip.start + strip.width);
        let mut runs = Vec::new();
        let mut column = strip.start;
        while column < end {
            let (row, within) = (column / self.area, column % self.area);
            let (line, at) = (within / self.pitch, within % self.pitch);
            if line < self.lines && at < self.values {
                let count = (self.values - at).min(end - column);
                let to = self.first + line * self.line_step + at * self.step;
                runs.push(Run { row, from: column - strip.start, count, to });
            }
            // Go on at the next line.
            column += self.pitch - at;
        }
        runs
    }
}
