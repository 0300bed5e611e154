//! Methods that explain an activation inside a network: class activation maps, and paths through
//! input space that are followed at a layer.
//!
//! The methods of the CAM family explain a model whose input is an activation: the part of a
//! network [after a cut](crate::Split::after). [`ScoreCam`], [`Conductance`] and
//! [`InternalInfluence`] need the part before the cut too, and take the whole
//! [`Split`](crate::Split).

mod ablation_cam;
mod channels;
mod conductance;
mod eigen_cam;
mod eigen_grad_cam;
mod feature_maps;
mod grad_cam;
mod grad_cam_element_wise;
mod grad_cam_plus_plus;
mod hi_res_cam;
mod internal_influence;
mod layer_cam;
mod layer_path;
mod path_at_layer;
mod place_map;
mod principal_direction;
mod projection;
mod resize;
mod score_cam;
mod token_grid;
mod x_grad_cam;

pub use ablation_cam::AblationCam;
pub use conductance::Conductance;
pub use eigen_cam::EigenCam;
pub use eigen_grad_cam::EigenGradCam;
pub use grad_cam::GradCam;
pub use grad_cam_element_wise::GradCamElementWise;
pub use grad_cam_plus_plus::GradCamPlusPlus;
pub use hi_res_cam::HiResCam;
pub use internal_influence::{GradientAlone, InternalInfluence};
pub use layer_cam::LayerCam;
pub use layer_path::UnitChange;
pub use path_at_layer::PathAtLayer;
pub use place_map::{KeepSign, place_map};
pub use resize::Corners;
pub use score_cam::ScoreCam;
pub use token_grid::TokenGrid;
pub use x_grad_cam::XGradCam;
