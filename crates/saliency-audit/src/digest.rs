use sha2::{Digest as _, Sha256};

/// Returns the SHA-256 of some bytes as 64 hexadecimal digits.
///
/// # Example
/// ```
/// assert!(saliency_audit::digest(b"weights").starts_with("9a12"));
/// ```
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
