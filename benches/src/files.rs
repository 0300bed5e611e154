//! Values in files that Python reads and writes too: raw float32, little-endian.

use std::path::Path;

/// Writes values to a file.
///
/// # Panics
/// Panics if the file cannot be written.
pub fn write_floats(path: &Path, values: &[f32]) {
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(path, bytes).expect("a file");
}

/// Reads the values of a file.
///
/// # Panics
/// Panics if the file cannot be read.
pub fn read_floats(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).expect("a file");
    bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect()
}
