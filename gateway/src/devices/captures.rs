//! Capture files: what devices say, for whoever has to find out why one is not understood.

use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use varde_link::CaptureWriter;

use crate::clock;

/// A capture file that is being written.
pub type CaptureFile = CaptureWriter<BufWriter<File>>;

/// Begins a capture of this line in a file of its own. None where that fails: a technician's wish must not cost a reading.
pub fn begin(directory: &Path, line: &str) -> Option<CaptureFile> {
    create(directory, line)
        .and_then(|file| CaptureWriter::begin(BufWriter::new(file), clock::boot_ms))
        .inspect_err(|error| tracing::warn!("{line}: the capture cannot be begun: {error}"))
        .ok()
}

/// A capture holds health data in clear: only its owner may read it.
fn create(directory: &Path, line: &str) -> std::io::Result<File> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let name: String = line.chars().map(plain).collect();
    let path = directory.join(format!("{name}-{}.capture", clock::wall().as_unix_millis()));
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}
