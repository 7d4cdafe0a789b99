//! `varde`: see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    varde::command::run()
}
