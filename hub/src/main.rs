//! `varde-hub`: see the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    varde_hub::main()
}
