//! The networks that the examples of this package train and explain, each with its data: products
//! of a shop ([`shop`], [`shop_network`]), [`wines`], [`sentences`] and [`heartbeats`].
//! [`training`] trains them.

pub mod heartbeats;
pub mod sentences;
pub mod shop;
pub mod shop_network;
pub mod training;
pub mod wines;
