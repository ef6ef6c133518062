//! Builds the binary anew when a file of the catalogue inside it changes.

fn main() {
    println!("cargo::rerun-if-changed=catalogue");
}
