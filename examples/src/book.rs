//! The code that the book shows, run as documentation tests.

#[doc = include_str!("../../docs/README.md")]
struct StartHere;

#[doc = include_str!("../../docs/methods.md")]
struct Methods;

#[doc = include_str!("../../docs/methods-transformers.md")]
struct Transformers;

#[doc = include_str!("../../docs/methods-layers.md")]
struct MethodsLayers;

#[doc = include_str!("../../docs/methods-noise.md")]
struct MethodsNoise;

#[doc = include_str!("../../docs/series-and-volumes.md")]
struct SeriesAndVolumes;

#[doc = include_str!("../../docs/methods-distributions.md")]
struct MethodsDistributions;

#[doc = include_str!("../../docs/baselines.md")]
struct Baselines;

#[doc = include_str!("../../docs/metrics.md")]
struct Metrics;

#[doc = include_str!("../../docs/devices.md")]
struct Devices;

#[doc = include_str!("../../docs/own-model.md")]
struct OwnModel;

#[doc = include_str!("../../docs/truth.md")]
struct Truth;

#[doc = include_str!("../../docs/upstream.md")]
struct Upstream;

#[doc = include_str!("../../docs/methods-blur-guided.md")]
struct BlurAndGuided;
