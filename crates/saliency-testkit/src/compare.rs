use burn::tensor::Tensor;

/// Returns the values of a tensor, in order.
pub fn values<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.clone().into_data().iter().collect()
}

/// Returns the largest difference between two tensors, relative to the largest absolute value of
/// the second.
pub fn largest_error<const D: usize>(found: &Tensor<D>, expected: &Tensor<D>) -> f32 {
    assert_eq!(found.dims(), expected.dims(), "shapes");
    let (found, expected) = (values(found), values(expected));
    let largest = expected.iter().fold(0.0, |largest: f32, value| largest.max(value.abs()));
    let errors = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    // In this order NaN is larger than every number, so that a NaN is not mistaken for a small
    // error.
    errors.max_by(f32::total_cmp).unwrap_or(0.0) / largest
}

/// Returns the relative L1 error of a map: Σ |value - right value| / Σ |right value|.
pub fn relative_l1<T: Copy + Into<f64>, U: Copy + Into<f64>>(found: &[T], right: &[U]) -> f64 {
    let pairs = found.iter().zip(right);
    let off: f64 = pairs.map(|(&found, &right)| (found.into() - right.into()).abs()).sum();
    off / right.iter().map(|&value| value.into().abs()).sum::<f64>()
}

/// Panics if two tensors differ by more than `tolerance` times the largest value of the second.
#[track_caller]
pub fn assert_close<const D: usize>(
    what: &str,
    found: &Tensor<D>,
    expected: &Tensor<D>,
    tolerance: f32,
) {
    let error = largest_error(found, expected);
    println!("{what}: {error:.2e} of the largest value, {tolerance:.0e} allowed");
    assert!(error <= tolerance, "{what}: {error:.2e} of the largest value");
}

/// Returns the cosine of the angle between two tensors.
pub fn cosine<const D: usize>(a: &Tensor<D>, b: &Tensor<D>) -> f64 {
    let (a, b) = (values(a), values(b));
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_error_is_found_and_nan_is_the_largest_of_all() {
        let tensor = |values: [f32; 3]| Tensor::<1>::from_data(values, &crate::device());
        let expected = tensor([1.0, -2.0, 0.0]);
        assert_eq!(largest_error(&tensor([1.5, -2.0, 0.1]), &expected), 0.25);
        for at in 0..3 {
            let mut values = [1.0, -2.0, 0.0];
            values[at] = f32::NAN;
            assert!(largest_error(&tensor(values), &expected).is_nan());
        }
    }
}
