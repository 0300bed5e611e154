//! Pictures of another size. Every axis is a weighted sum of picked positions, so that any mode has
//! its exact gradient.

use burn::tensor::{Tensor, TensorData};

use crate::values::{Array, Floats, RANK};

use super::Entry;
use super::call::{Call, Outputs, one};
use super::layout::pick;

pub(super) const TABLE: &[Entry] = &[("Resize", resize), ("Upsample", upsample)];

/// The way in which positions of the result are mapped to the input.
struct Sampling<'a> {
    coordinates: &'a str,
    mode: &'a str,
    nearest: &'a str,
    cubic: f64,
    exclude_outside: bool,
}

fn resize(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let old = call.settings.version < 11;
    let sampling = Sampling {
        coordinates: call
            .text("coordinate_transformation_mode", if old { "asymmetric" } else { "half_pixel" }),
        mode: call.text("mode", "nearest"),
        nearest: call.text("nearest_mode", if old { "floor" } else { "round_prefer_floor" }),
        cubic: call.float("cubic_coeff_a", -0.75),
        exclude_outside: call.integer("exclude_outside", 0) != 0,
    };
    if call.integer("antialias", 0) != 0 {
        return Err("`antialias` is not supported".into());
    }
    let policy = call.text("keep_aspect_ratio_policy", "stretch");
    if policy != "stretch" {
        return Err(format!("the policy `{policy}` is not supported"));
    }
    let axes = match call.list("axes") {
        Some(axes) => axes
            .iter()
            .map(|&axis| crate::values::resolve(axis, x.rank))
            .collect::<Result<Vec<_>, _>>()?,
        None => (0..x.rank).collect(),
    };
    let given = |at: usize| call.has(at) && call.dims(at).is_ok_and(|dims| dims != [0]);
    let scales_at = if old { 1 } else { 2 };
    if given(3) {
        let sizes = call.read_integers(3)?;
        let scale = |(at, &size): (usize, &i64)| Scaled::to_size(&x, axes.get(at), size);
        let scaled = sizes.iter().enumerate().map(scale).collect::<Result<Vec<_>, _>>()?;
        return resized(call, x, &axes, &scaled, &sampling);
    }
    if !given(scales_at) {
        return Err("neither scales nor sizes are given".into());
    }
    let scales = call.read(scales_at)?;
    let scale = |(at, &scale): (usize, &f64)| Scaled::by(&x, axes.get(at), scale);
    let scaled = scales.numbers.iter().enumerate().map(scale).collect::<Result<Vec<_>, _>>()?;
    resized(call, x, &axes, &scaled, &sampling)
}

/// The old name of `Resize`.
fn upsample(call: &mut Call) -> Outputs {
    let x = call.floats(0)?;
    let scales: Vec<f64> = match call.float_list("scales") {
        Some(scales) => scales.iter().map(|&it| f64::from(it)).collect(),
        None => call.read(1)?.numbers.clone(),
    };
    let sampling = Sampling {
        coordinates: "asymmetric",
        mode: call.text("mode", "nearest"),
        nearest: "floor",
        cubic: -0.75,
        exclude_outside: false,
    };
    let axes: Vec<usize> = (0..x.rank).collect();
    let scale = |(at, &scale): (usize, &f64)| Scaled::by(&x, axes.get(at), scale);
    let scaled = scales.iter().enumerate().map(scale).collect::<Result<Vec<_>, _>>()?;
    resized(call, x, &axes, &scaled, &sampling)
}

/// The new size of an axis.
struct Scaled {
    size: usize,
    new: usize,
    scale: f64,
}

impl Scaled {
    fn to_size(x: &Floats, axis: Option<&usize>, new: i64) -> Result<Self, String> {
        let size = *axis
            .and_then(|&axis| x.tensor.dims().get(RANK - x.rank + axis).copied().as_ref().copied())
            .as_ref()
            .ok_or("there are more sizes than axes")?;
        let new = usize::try_from(new).ok().filter(|&new| new > 0).ok_or("a size is zero")?;
        Ok(Self { size, new, scale: new as f64 / size as f64 })
    }

    fn by(x: &Floats, axis: Option<&usize>, scale: f64) -> Result<Self, String> {
        let size = axis.and_then(|&axis| x.tensor.dims().get(RANK - x.rank + axis).copied());
        let size = size.ok_or("there are more scales than axes")?;
        let new = (size as f64 * scale).floor();
        if !(1.0..=16_777_216.0).contains(&new) {
            return Err(format!("{size} values cannot be scaled by {scale}"));
        }
        Ok(Self { size, new: new as usize, scale })
    }
}

fn resized(
    call: &Call,
    mut x: Floats,
    axes: &[usize],
    scaled: &[Scaled],
    sampling: &Sampling,
) -> Outputs {
    if scaled.len() != axes.len() {
        return Err(format!("{} scales do not fit {} axes", scaled.len(), axes.len()));
    }
    let mut dims = x.dims();
    for (&axis, scaled) in axes.iter().zip(scaled) {
        dims[axis] = scaled.new;
        call.check_size(&dims)?;
        if scaled.new == scaled.size && (scaled.scale - 1.0).abs() < 1e-9 {
            continue;
        }
        let taps = taps(scaled, sampling)?;
        x = summed(x, RANK - dims.len() + axis, &taps);
    }
    one(x)
}

/// For each position of the result, a position of the input and its weight.
struct Tap {
    positions: Vec<usize>,
    weights: Vec<f64>,
}

/// Returns the place in the input of a position of the result.
fn place(at: usize, scaled: &Scaled, coordinates: &str) -> Result<f64, String> {
    let (at, scale) = (at as f64, scaled.scale);
    let (old, new) = (scaled.size as f64, scaled.new as f64);
    Ok(match coordinates {
        "half_pixel" => (at + 0.5) / scale - 0.5,
        "pytorch_half_pixel" if scaled.new == 1 => 0.0,
        "pytorch_half_pixel" => (at + 0.5) / scale - 0.5,
        "asymmetric" => at / scale,
        "align_corners" if scaled.new == 1 => 0.0,
        "align_corners" => at * (old - 1.0) / (new - 1.0),
        "half_pixel_symmetric" => {
            let adjustment = new / (scale * old);
            old / 2.0 * (1.0 - adjustment) + (at + 0.5) / scale - 0.5
        }
        other => return Err(format!("the coordinates `{other}` are not supported")),
    })
}

fn taps(scaled: &Scaled, sampling: &Sampling) -> Result<Vec<Tap>, String> {
    let places = (0..scaled.new)
        .map(|at| place(at, scaled, sampling.coordinates))
        .collect::<Result<Vec<_>, _>>()?;
    let last = scaled.size as i64 - 1;
    if sampling.mode == "nearest" {
        let round = |x: f64| match sampling.nearest {
            "floor" => Ok(x.floor()),
            "ceil" => Ok(x.ceil()),
            "round_prefer_floor" => Ok((x - 0.5).ceil()),
            "round_prefer_ceil" => Ok((x + 0.5).floor()),
            other => Err(format!("the mode `{other}` is not supported")),
        };
        let positions = places
            .into_iter()
            .map(|place| Ok((round(place)? as i64).clamp(0, last) as usize))
            .collect::<Result<Vec<_>, String>>()?;
        let weights = vec![1.0; positions.len()];
        return Ok(vec![Tap { positions, weights }]);
    }
    // The offsets of the neighbours, and the weight of one at a distance.
    let (offsets, weight): (std::ops::Range<i64>, Box<dyn Fn(f64) -> f64>) = match sampling.mode {
        "linear" => (0..2, Box::new(|distance: f64| (1.0 - distance.abs()).max(0.0))),
        "cubic" => (-1..3, Box::new(|distance| cubic(distance, sampling.cubic))),
        other => return Err(format!("the mode `{other}` is not supported")),
    };
    let mut taps: Vec<Tap> = offsets
        .map(|offset| {
            let neighbour = |place: f64| place.floor() as i64 + offset;
            let positions =
                places.iter().map(|&place| neighbour(place).clamp(0, last) as usize).collect();
            let weights = places.iter().map(|&place| {
                let at = neighbour(place);
                let outside = sampling.exclude_outside && !(0..=last).contains(&at);
                if outside { 0.0 } else { weight(place - at as f64) }
            });
            Tap { positions, weights: weights.collect() }
        })
        .collect();
    if sampling.exclude_outside {
        for at in 0..scaled.new {
            let total: f64 = taps.iter().map(|tap| tap.weights[at]).sum();
            taps.iter_mut().for_each(|tap| tap.weights[at] /= total);
        }
    }
    Ok(taps)
}

/// Returns the weight of Keys' cubic interpolation, 1981.
fn cubic(distance: f64, a: f64) -> f64 {
    let x = distance.abs();
    if x <= 1.0 {
        ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((a * x - 5.0 * a) * x + 8.0 * a) * x - 4.0 * a
    } else {
        0.0
    }
}

/// Sums the picked positions with their weights.
fn summed(x: Floats, axis: usize, taps: &[Tap]) -> Floats {
    let rank = x.rank;
    let options = x.like();
    let part = |tap: &Tap| {
        let picked = pick(x.clone(), axis, &tap.positions).tensor;
        if tap.weights.iter().all(|&weight| weight == 1.0) {
            return picked;
        }
        let mut dims = [1; RANK];
        dims[axis] = tap.weights.len();
        let weights = TensorData::new(tap.weights.clone(), dims);
        picked * Tensor::from_data(weights, options.clone())
    };
    let sum = taps.iter().map(part).reduce(|sum, part| sum + part);
    sum.map_or(x.clone(), |tensor| Array::new(tensor, rank))
}
