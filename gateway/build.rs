//! Gives the program the time it was built: no certificate check and no wall time before it is believed.
//! `SOURCE_DATE_EPOCH` (reproducible builds) decides where it is set.

use std::time::{SystemTime, UNIX_EPOCH};

fn main() {
    println!("cargo::rerun-if-env-changed=SOURCE_DATE_EPOCH");
    println!("cargo::rerun-if-changed=build.rs");
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seconds = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|s| s.parse().ok()).unwrap_or_else(now);
    println!("cargo::rustc-env=VARDE_BUILT={seconds}");
}
