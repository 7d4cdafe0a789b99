//! `cargo demo`.

use std::process::ExitCode;

use varde_tests::demo::{self, Options};

const USAGE: &str = "\
Shows a whole home on this machine: simulated devices, the real gateway, a network that breaks, the real hub.

Usage: cargo demo [--keep-going]

  --keep-going   again and again until Ctrl-C, instead of for about a minute
";

fn main() -> ExitCode {
    let mut options = Options::default();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--keep-going" => options.keep_going = true,
            "--help" | "-h" => return say(&mut std::io::stdout(), USAGE, 0),
            other => return say(&mut std::io::stderr(), &format!("no such option: {other}\n\n{USAGE}"), 64),
        }
    }
    match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime.block_on(demo::run(options)),
        Err(error) => say(&mut std::io::stderr(), &format!("no event loop: {error}\n"), 69),
    }
}

fn say(to: &mut dyn std::io::Write, text: &str, code: u8) -> ExitCode {
    // Nobody may be listening; the exit code remains.
    let _ = to.write_all(text.as_bytes());
    let _ = to.flush();
    ExitCode::from(code)
}
