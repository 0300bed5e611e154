use burn::nn::PaddingConfig2d;

/// Returns the padding before and after a picture, for its height and its width.
pub(super) fn around(
    padding: &PaddingConfig2d,
    size: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
) -> [(usize, usize); 2] {
    match *padding {
        PaddingConfig2d::Valid => [(0, 0); 2],
        PaddingConfig2d::Explicit(top, left, bottom, right) => [(top, bottom), (left, right)],
        // As many results as steps fit into the picture. If the padding is odd, the end gets one
        // more. Burn does not count the dilation either.
        PaddingConfig2d::Same => [0, 1].map(|axis| {
            let steps = size[axis].div_ceil(stride[axis]).saturating_sub(1);
            let padding = (steps * stride[axis] + kernel[axis]).saturating_sub(size[axis]);
            (padding / 2, padding - padding / 2)
        }),
    }
}
