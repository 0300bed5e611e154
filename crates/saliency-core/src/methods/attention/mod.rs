//! Methods that read the attention weights of a transformer.

mod le_grad;
mod maps;
mod rollout;

pub use le_grad::LeGrad;
pub use maps::AttentionMaps;
pub use rollout::attention_rollout;
