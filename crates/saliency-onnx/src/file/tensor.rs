//! The numbers of a weight.

use std::path::Path;

use half::{bf16, f16};
use onnx_ir::TensorProto;

use crate::values::{Constant, Numbers};

use super::external;

/// Reads the numbers of a weight. Half precision becomes single precision, and all integers become
/// 64 bits wide.
///
/// Nothing is reserved for a shape before the bytes for it are found.
pub(crate) fn read(tensor: &TensorProto, folder: Option<&Path>) -> Result<Constant, String> {
    let dims = tensor
        .dims
        .iter()
        .map(|&size| usize::try_from(size).map_err(|_| format!("its shape is {:?}", tensor.dims)))
        .collect::<Result<Vec<usize>, String>>()?;
    let count = dims
        .iter()
        .try_fold(1usize, |count, &size| count.checked_mul(size))
        .ok_or_else(|| format!("its shape, {dims:?}, is too large"))?;
    if tensor.segment.is_some() {
        return Err("it is stored in pieces".into());
    }
    let numbers = numbers(tensor, folder, count)?;
    let found = numbers.len();
    if found != count {
        return Err(format!(
            "its shape, {dims:?}, needs {count} numbers, and the file has {found}"
        ));
    }
    let range = match tensor.data_type {
        2 => Some((0.0, 255.0)),
        3 => Some((-128.0, 127.0)),
        4 => Some((0.0, 65_535.0)),
        5 => Some((-32_768.0, 32_767.0)),
        _ => None,
    };
    Ok(Constant { dims, numbers, range })
}

fn numbers(tensor: &TensorProto, folder: Option<&Path>, count: usize) -> Result<Numbers, String> {
    let kind = tensor.data_type;
    let external = tensor.data_location.value() == 1;
    let raw: Option<Vec<u8>> = if external {
        let size = bytes_of(kind)?;
        let expected = count.checked_mul(size).ok_or("its shape is too large")?;
        Some(external::bytes(tensor, folder, expected)?)
    } else {
        (!tensor.raw_data.is_empty()).then(|| tensor.raw_data.to_vec())
    };
    // Without raw bytes, the numbers are in a list, whose name depends on their type.
    let small = &tensor.int32_data;
    let half = |bits: i32| f32::from(f16::from_bits(bits as u16));
    let brain = |bits: i32| f32::from(bf16::from_bits(bits as u16));
    Ok(match (kind, raw) {
        (1, Some(raw)) => Numbers::Floats(parts(&raw, f32::from_le_bytes)),
        (1, None) => Numbers::Floats(tensor.float_data.clone()),
        (10, Some(raw)) => Numbers::Floats(parts(&raw, |it| f32::from(f16::from_le_bytes(it)))),
        (10, None) => Numbers::Floats(small.iter().map(|&bits| half(bits)).collect()),
        (16, Some(raw)) => Numbers::Floats(parts(&raw, |it| f32::from(bf16::from_le_bytes(it)))),
        (16, None) => Numbers::Floats(small.iter().map(|&bits| brain(bits)).collect()),
        (11, Some(raw)) => Numbers::Doubles(parts(&raw, f64::from_le_bytes)),
        (11, None) => Numbers::Doubles(tensor.double_data.clone()),
        (2, Some(raw)) => Numbers::Integers(parts(&raw, |it: [u8; 1]| i64::from(it[0]))),
        (3, Some(raw)) => Numbers::Integers(parts(&raw, |it| i64::from(i8::from_le_bytes(it)))),
        (4, Some(raw)) => Numbers::Integers(parts(&raw, |it| i64::from(u16::from_le_bytes(it)))),
        (5, Some(raw)) => Numbers::Integers(parts(&raw, |it| i64::from(i16::from_le_bytes(it)))),
        (6, Some(raw)) => Numbers::Integers(parts(&raw, |it| i64::from(i32::from_le_bytes(it)))),
        (12, Some(raw)) => Numbers::Integers(parts(&raw, |it| i64::from(u32::from_le_bytes(it)))),
        (2..=6, None) => Numbers::Integers(small.iter().map(|&it| i64::from(it)).collect()),
        (7, Some(raw)) => Numbers::Integers(parts(&raw, i64::from_le_bytes)),
        (7, None) => Numbers::Integers(tensor.int64_data.clone()),
        (13, Some(raw)) => Numbers::Integers(parts(&raw, |it| u64::from_le_bytes(it) as i64)),
        (12 | 13, None) => {
            Numbers::Integers(tensor.uint64_data.iter().map(|&it| it as i64).collect())
        }
        (9, Some(raw)) => Numbers::Booleans(raw.iter().map(|&it| it != 0).collect()),
        (9, None) => Numbers::Booleans(small.iter().map(|&it| it != 0).collect()),
        (8, _) => return Err("it holds texts rather than numbers".into()),
        (other, _) => return Err(format!("its numbers are of the unsupported type {other}")),
    })
}

/// Returns how many bytes a number of a type takes.
fn bytes_of(kind: i32) -> Result<usize, String> {
    match kind {
        2 | 3 | 9 => Ok(1),
        4 | 5 | 10 | 16 => Ok(2),
        1 | 6 | 12 => Ok(4),
        7 | 11 | 13 => Ok(8),
        other => Err(format!("its numbers are of the unsupported type {other}")),
    }
}

/// Reads numbers of `N` bytes each. Bytes that are left over make the count wrong, which the caller
/// finds.
fn parts<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    let whole = bytes.len() / N + usize::from(!bytes.len().is_multiple_of(N)) * usize::from(N > 1);
    let mut numbers = Vec::with_capacity(whole);
    for part in bytes.chunks(N) {
        let mut padded = [0; N];
        padded[..part.len()].copy_from_slice(part);
        numbers.push(number(padded));
    }
    numbers
}
