//! What is remembered of the runs before this one.

use serde::{Deserialize, Serialize};

/// Starts without a long life, and what was installed at the last of them. To be saved each time it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    starts: u32,
    last: Option<Installed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Installed {
    version: String,
    /// SHA-256 of the program's file, as it was when this version ran first.
    program: Option<[u8; 32]>,
    configuration: [u8; 32],
}

/// What is another than it was at the last start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The program.
    Software {
        /// Its version before.
        from: String,
        /// Its version now.
        to: String,
    },
    /// The configuration.
    Configuration,
}

impl Past {
    /// The program has started: in this version, with a configuration of this SHA-256. Gives what is another than before.
    pub fn handle_start(&mut self, version: &str, configuration: [u8; 32]) -> Vec<Change> {
        self.starts = self.starts.saturating_add(1);
        let now = Installed { version: version.to_owned(), program: None, configuration };
        let Some(before) = self.last.replace(now) else { return Vec::new() };
        let mut changes = Vec::new();
        if before.version == version {
            self.keep_program(before.program);
        } else {
            changes.push(Change::Software { from: before.version, to: version.to_owned() });
        }
        if before.configuration != configuration {
            changes.push(Change::Configuration);
        }
        changes
    }

    /// The SHA-256 of the program's file was found. Whether it is another than when this version ran first: then the file
    /// was damaged or altered, and only its own bytes, or another version, end that.
    pub fn handle_program(&mut self, sha256: [u8; 32]) -> bool {
        let first = self.last.as_ref().and_then(|last| last.program);
        self.keep_program(first.or(Some(sha256)));
        first.is_some_and(|first| first != sha256)
    }

    /// The program has lived long, or is stopped because somebody wants it to: the next start is the first in a row.
    pub fn handle_good_life(&mut self) {
        self.starts = 0;
    }

    /// Starts in a row after none of which the program lived long; 0 after it has.
    pub fn starts(&self) -> u32 {
        self.starts
    }

    fn keep_program(&mut self, program: Option<[u8; 32]>) {
        if let Some(last) = &mut self.last {
            last.program = program;
        }
    }
}
