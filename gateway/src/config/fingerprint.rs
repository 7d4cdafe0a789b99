//! Whether a configuration is another than it was.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::fragment::drop_ins;

/// The SHA-256 of the drop-ins of a directory, names and contents. One that cannot be read counts as empty; what that
/// means is told by whoever loads them.
pub fn fingerprint(directory: &Path) -> [u8; 32] {
    let mut hash = Sha256::new();
    for path in drop_ins(directory).unwrap_or_default() {
        let text = std::fs::read(&path).unwrap_or_default();
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        for part in [name, &text] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_contents_and_nothing_else_make_the_fingerprint() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(directory.path().join(name), text).unwrap();
            fingerprint(directory.path())
        };
        let first = write("10-a.toml", "one");
        assert_eq!(write("10-a.toml", "one"), first, "written anew, and the same");
        assert_eq!(write(".10-a.toml.swp", "an editor's"), first);
        let mut seen =
            vec![first, write("10-a.toml", "two"), write("20-b.toml", ""), write("20-b.toml", "x")];
        std::fs::rename(directory.path().join("20-b.toml"), directory.path().join("30-b.toml")).unwrap();
        seen.push(fingerprint(directory.path()));
        let all = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), all);
    }
}
