//! Links the daemon so that its log can be frames for defmt-print. Does nothing in builds without
//! the features `defmt` and `host`.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_DEFMT").is_none() || env::var_os("CARGO_FEATURE_HOST").is_none() {
        return;
    }

    // Whether a message is wanted is decided when the daemon runs. defmt decides when it is built,
    // by default for errors alone.
    println!("cargo::rerun-if-env-changed=DEFMT_LOG");
    if env::var_os("DEFMT_LOG").is_none() {
        println!("cargo::rustc-env=DEFMT_LOG=trace");
    }

    let script = variable("CARGO_MANIFEST_DIR") + "/src/host/log/frames.x";
    println!("cargo::rerun-if-changed={script}");
    println!("cargo::rustc-link-arg-bins=-T{script}");

    // A frame names its message by the address of a symbol: where the program is loaded must not
    // change that. Of a program that is linked statically the linker alone can't see to it, since
    // rustc has chosen its start-up code by then.
    let asked_for =
        variable("CARGO_CFG_TARGET_FEATURE").split(',').any(|feature| feature == "crt-static");
    let is_static = asked_for || variable("CARGO_CFG_TARGET_ENV") == "musl";
    if !is_static {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    } else if !variable("CARGO_ENCODED_RUSTFLAGS").contains("relocation-model=static") {
        println!(
            "cargo::error=the feature defmt needs -Crelocation-model=static in RUSTFLAGS when linking statically"
        );
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}
