//! The kernels beside Burn's in double precision, and their bits.

use burn::backend::ops::FloatTensorOps as _;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Flex, TensorMetadata as _};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Device, Slice, Tensor, TensorData};

use super::convolution;
use super::direct::Packed;
use super::size::Size;
use super::winograd::{self, Tile};

type Values = FloatTensor<Flex>;

/// Returns the same numbers between -1 and 1 each time.
fn random(shape: [usize; 4], seed: u64) -> Vec<f32> {
    let mut state = seed;
    let number = |_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..shape.iter().product()).map(number).collect()
}

fn tensor(values: Vec<f32>, shape: [usize; 4]) -> Values {
    Values::from_data(TensorData::new(values, shape))
}

fn double(x: &Values) -> Values {
    Flex::float_cast(x.clone(), DType::F64.into())
}

fn numbers(x: Values) -> Vec<f64> {
    x.into_data().iter().collect()
}

/// Checks that the error is at most 1e-5 of the largest value.
fn near(found: Values, right: Values, what: &str) {
    assert_eq!(found.shape(), right.shape(), "{what}");
    let (found, right) = (numbers(found), numbers(right));
    let largest = right.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let error = found.iter().zip(&right).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(error <= 1e-5 * largest, "{what}: {error:e} of {largest}");
}

/// Checks that rows alone, and other numbers of threads, give the same bits.
fn same_bits(x: &Values, compute: impl Fn(Values) -> Values + Send + Sync, what: &str) {
    let all = numbers(compute(x.clone()));
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        assert!(pool.install(|| numbers(compute(x.clone()))) == all, "{what}: {threads} threads");
    }
    let [rows, ..] = x.shape().dims::<4>();
    let alone = (0..rows).flat_map(|row| {
        let slices = [Slice::from(row..row + 1), Slice::full(), Slice::full(), Slice::full()];
        numbers(compute(Flex::float_slice(x.clone(), &slices)))
    });
    assert!(alone.collect::<Vec<f64>>() == all, "{what}: rows alone");
}

#[derive(Clone, Copy, Debug)]
struct Case {
    rows: usize,
    /// Input and output channels.
    channels: [usize; 2],
    size: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [(usize, usize); 2],
    dilation: [usize; 2],
    groups: usize,
}

impl Case {
    fn new(channels: [usize; 2], kernel: usize, stride: usize) -> Self {
        Self {
            rows: 2,
            channels,
            size: [9, 11],
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [(kernel / 2, kernel / 2); 2],
            dilation: [1; 2],
            groups: 1,
        }
    }

    fn check(self) {
        let Self { rows, channels: [inputs, outputs], size: [height, width], .. } = self;
        let what = format!("{self:?}");
        let shape = [rows, inputs, height, width];
        let x = tensor(random(shape, 1), shape);
        let shape = [outputs, inputs / self.groups, self.kernel[0], self.kernel[1]];
        let weight = tensor(random(shape, 2), shape);
        let bias = Values::from_data(TensorData::new(random([1, 1, 1, outputs], 3), [outputs]));
        let options =
            ConvOptions::new_with_padding(self.stride, self.padding, self.dilation, self.groups);
        let packed = Packed::default();
        let convolve =
            |x| convolution::convolve(x, weight.clone(), bias.clone(), options.clone(), &packed);
        let right = convolution::convolve(
            double(&x),
            double(&weight),
            double(&bias),
            options.clone(),
            &packed,
        );
        let shape = right.shape().dims();
        near(convolve(x.clone()), right, &what);
        same_bits(&x, convolve, &what);

        let (y, size) = (tensor(random(shape, 4), shape), Size { height, width });
        let gradient = |y| convolution::gradient(y, weight.clone(), &options, size, &packed);
        let right = convolution::gradient(double(&y), double(&weight), &options, size, &packed);
        near(gradient(y.clone()), right, &what);
        same_bits(&y, gradient, &what);
    }
}

#[test]
fn convolutions_are_right_to_the_last_digits() {
    for (kernel, stride) in [(1, 1), (1, 2), (3, 1), (3, 2), (3, 3), (5, 1), (5, 2), (7, 2)] {
        for channels in [[1, 1], [3, 20], [17, 9], [8, 8]] {
            Case::new(channels, kernel, stride).check();
        }
    }
    let base = Case::new([12, 16], 3, 2);
    Case { groups: 4, ..base }.check();
    Case { groups: 2, kernel: [1; 2], padding: [(0, 0); 2], stride: [1; 2], ..base }.check();
    Case { dilation: [2, 1], ..base }.check();
    Case { dilation: [3, 2], stride: [1, 2], ..base }.check();
    Case { padding: [(0, 1), (2, 0)], ..base }.check();
    Case { padding: [(3, 3); 2], kernel: [2, 3], ..base }.check();
    Case { size: [7, 50], rows: 1, ..base }.check();
    Case { size: [1, 1], ..base }.check();
    Case { size: [1, 1], kernel: [1; 2], padding: [(0, 0); 2], rows: 5, ..base }.check();
    Case { channels: [512, 24], size: [7, 7], ..Case::new([512, 24], 3, 2) }.check();
    Case { rows: 0, ..base }.check();
}

#[test]
fn depthwise_convolutions_are_right_to_the_last_digits() {
    for (kernel, stride) in [(3, 1), (3, 2), (5, 1), (5, 2)] {
        let case = Case { groups: 6, ..Case::new([6, 6], kernel, stride) };
        case.check();
        Case { dilation: [2; 2], ..case }.check();
        Case { size: [7, 7], ..case }.check();
    }
}

#[test]
fn winograds_convolutions_are_right_to_the_last_digits() {
    let options = ConvOptions::new([1; 2], [1; 2], [1; 2], 1);
    for ([inputs, outputs], [height, width], rows) in [
        ([1, 1], [1, 1], 1),
        ([3, 5], [2, 3], 3),
        ([8, 16], [7, 7], 5),
        ([9, 7], [13, 18], 2),
        ([16, 8], [56, 56], 2),
        ([4, 4], [5, 90], 1),
        ([512, 16], [14, 14], 2),
        ([512, 8], [7, 7], 2),
        ([3, 3], [9, 9], 0),
    ] {
        for tile in [Tile::Two, Tile::Four] {
            let what = format!("{inputs} to {outputs}, {height} x {width}, {tile:?}");
            let shape = [rows, inputs, height, width];
            // Values after a ReLU: they do not cancel.
            let x = random(shape, 1).into_iter().map(|value| value.max(0.0)).collect();
            let x = tensor(x, shape);
            let shape = [outputs, inputs, 3, 3];
            let weight = random(shape, 2);
            let data = TensorData::new(weight.clone(), shape);
            let kernels = winograd::transform(Tensor::from_data(data, &Device::flex()), tile);
            let shape_of_kernels = kernels.dims();
            let kernels = tensor(kernels.into_data().iter().collect(), shape_of_kernels);
            let weight = double(&tensor(weight, shape));
            let bias = Values::from_data(TensorData::new(random([1, 1, 1, outputs], 3), [outputs]));

            let burn = |x, weight, bias| {
                convolution::convolve(x, weight, bias, options.clone(), &Packed::default())
            };
            let convolve = |x: Values| winograd::convolve(&x, &kernels, &bias);
            let right = burn(double(&x), weight.clone(), double(&bias));
            near(convolve(x.clone()), right, &what);
            same_bits(&x, convolve, &what);

            let shape = [rows, outputs, height, width];
            let y = tensor(random(shape, 4), shape);
            let gradient = |y: Values| winograd::gradient(&y, &kernels, inputs);
            let size = Size { height, width };
            let right = if rows > 0 {
                convolution::gradient(
                    double(&y),
                    weight.clone(),
                    &options,
                    size,
                    &Packed::default(),
                )
            } else {
                double(&x)
            };
            near(gradient(y.clone()), right, &what);
            same_bits(&y, gradient, &what);
        }
    }
}

/// A value that is not finite changes only the results that read it.
#[test]
fn infinity_stays_where_it_is_read() {
    let shape = [1, 3, 6, 6];
    let mut x = random(shape, 1);
    x[2 * 36 + 35] = f32::INFINITY;
    let weight = tensor(vec![1.0; 5 * 3 * 9], [5, 3, 3, 3]);
    let bias = Values::from_data(TensorData::new(vec![0.0_f32; 5], [5]));
    let options = ConvOptions::new([1; 2], [0; 2], [1; 2], 1);
    let packed = Packed::default();
    let found = convolution::convolve(tensor(x, shape), weight, bias, options, &packed);
    let found = numbers(found);
    for (at, value) in found.iter().enumerate() {
        assert_eq!(value.is_finite(), at % 16 != 15, "{at}: {value}");
    }
}
