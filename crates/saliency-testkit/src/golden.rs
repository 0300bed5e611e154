use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;

/// A file of golden values: see `golden/README.md`.
#[derive(Debug)]
pub struct Golden(SafeTensors<'static>);

impl Golden {
    /// Reads the values of the CIFAR network from a zero baseline: three rows.
    pub fn cifar_zero_baseline() -> Self {
        Self::new(include_bytes!("../golden/cifar_cnn_zero_baseline.safetensors"))
    }

    /// Reads the values of the CIFAR network from a black baseline: two rows.
    pub fn cifar_black_baseline() -> Self {
        Self::new(include_bytes!("../golden/cifar_cnn_black_baseline.safetensors"))
    }

    /// Reads the values of EfficientNet-Lite0 on the photo of a cup of coffee.
    pub fn lite0_coffee() -> Self {
        Self::new(include_bytes!("../golden/lite0_coffee.safetensors"))
    }

    /// Reads the values of metrics for the CIFAR network: three rows.
    pub fn cifar_metrics() -> Self {
        Self::new(include_bytes!("../golden/cifar_metrics.safetensors"))
    }

    /// Reads the values of randomisation metrics and axioms for the CIFAR network: three rows.
    pub fn cifar_randomisation() -> Self {
        Self::new(include_bytes!("../golden/cifar_randomisation.safetensors"))
    }

    /// Reads the values of many methods for the CIFAR network, from a zero baseline: three rows.
    pub fn cifar_methods() -> Self {
        Self::new(include_bytes!("../golden/cifar_methods.safetensors"))
    }

    /// Reads the values of transformers under LibraGrad's rules: two rows.
    pub fn libra() -> Self {
        Self::new(include_bytes!("../golden/libra.safetensors"))
    }

    /// Reads the values of more methods at a layer of the CIFAR network: three rows.
    pub fn cifar_layers() -> Self {
        Self::new(include_bytes!("../golden/cifar_layers.safetensors"))
    }

    /// Reads the values of methods for tokens, on a small network: two rows.
    pub fn tokens() -> Self {
        Self::new(include_bytes!("../golden/tokens.safetensors"))
    }

    fn new(bytes: &'static [u8]) -> Self {
        Self(SafeTensors::deserialize(bytes).expect("a golden file"))
    }

    /// Returns a tensor of floats.
    pub fn tensor<const D: usize>(&self, name: &str, device: &Device) -> Tensor<D> {
        let view = self.0.tensor(name).expect("a golden tensor");
        let numbers = view.data().as_chunks().0.iter().copied().map(f32::from_le_bytes);
        let data = TensorData::new(numbers.collect::<Vec<f32>>(), view.shape().to_vec());
        Tensor::from_data(data, device)
    }

    /// Returns, for each row, the class that the golden values explain.
    pub fn targets(&self) -> Vec<usize> {
        let view = self.0.tensor("target").expect("golden targets");
        let numbers = view.data().as_chunks().0.iter().copied().map(i32::from_le_bytes);
        numbers.map(|class| class as usize).collect()
    }
}
