//! Versions that stand in two places.

/// Checks that exported records name the version of Burn that the workspace asks for.
#[test]
fn the_record_of_an_export_names_the_version_of_burn() {
    let workspace = include_str!("../../../Cargo.toml");
    let export = include_str!("../../saliency-viz/src/export.rs");
    let (_, rest) = export.split_once("const BURN: &str = \"").expect("the version is a constant");
    let (version, _) = rest.split_once('"').expect("the constant is a string");
    assert!(workspace.contains(&format!("burn = {{ version = \"{version}.")), "{version}");
}
