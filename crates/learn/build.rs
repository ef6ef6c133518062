//! Builds with the shipped model where the repository has one.

use std::path::Path;

fn main() {
    const MODEL: &str = "models/default.safetensors";
    println!("cargo::rerun-if-changed={MODEL}");
    println!("cargo::rustc-check-cfg=cfg(has_built_in_model)");
    if Path::new(MODEL).exists() {
        println!("cargo::rustc-cfg=has_built_in_model");
    }
}
