//! Methods that cover values and ask the model again: forward passes only, for models without
//! gradients too.

mod coalitions;
mod feature_ablation;
mod feature_permutation;
mod kernel_shap;
mod lime;
mod local_sizes;
mod occlusion;
mod over_covers;
mod rise;
mod shapley_sampling;

pub use feature_ablation::FeatureAblation;
pub use feature_permutation::FeaturePermutation;
pub use kernel_shap::{KernelShap, PairsOfCoalitions};
pub use lime::{Lime, LocalCoalitions};
pub use occlusion::Occlusion;
pub use over_covers::{Covers, OverCovers, Sampling};
pub use rise::{RandomMasks, Rise};
pub use shapley_sampling::{Permutations, ShapleySampling};
