//! What can keep a simulation from running. None of it says anything about the programs under test.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

/// A simulated piece could not be set up, driven or taken down.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The operating system refused something; `what` was being done.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path or address it was done to.
        what: String,
        /// The refusal.
        source: io::Error,
    },
    /// A program ended although it was still needed.
    #[error("{program} ended with {status}; see its log in {log}")]
    Ended {
        /// The file name of the program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// The file with its output.
        log: PathBuf,
    },
    /// A command did not do what it was asked for.
    #[error("{program} ended with {status} and said: {said}")]
    Refused {
        /// The program.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// Its standard error.
        said: String,
    },
    /// Something awaited did not come.
    #[error("{what} did not happen within {limit:?}")]
    TooLate {
        /// What was awaited.
        what: String,
        /// How long.
        limit: Duration,
    },
    /// A file of another program did not hold what was expected.
    #[error("{what}: expected {expected}, got {got:?}")]
    Unexpected {
        /// Where it was read.
        what: String,
        /// What should have stood there.
        expected: &'static str,
        /// What stood there.
        got: String,
    },
    /// The private D-Bus failed.
    #[error("D-Bus: {0}")]
    Bus(#[from] zbus::Error),
}

impl SimError {
    /// Adds to an I/O error what was being done: `file.read().map_err(SimError::io("reading x"))`.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}
