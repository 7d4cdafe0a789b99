//! Every file of the fuzz corpora, seeds and what fuzzing found, through the body of its target.

use std::fs;
use std::path::{Path, PathBuf};

#[expect(unreachable_pub, reason = "the same file is a library for libFuzzer")]
#[path = "../fuzz/targets/mod.rs"]
mod targets;

#[test]
fn every_file_of_the_corpora_passes_through_its_target() {
    for (name, target) in targets::ALL {
        let seeds = files(&corpora().join(name));
        assert!(!seeds.is_empty(), "{name} has no seeds");
        for seed in seeds {
            eprintln!("{}", seed.display());
            target(&fs::read(seed).unwrap());
        }
    }
}

#[test]
fn every_corpus_and_every_fuzz_target_is_in_the_list() {
    let listed: Vec<_> = targets::ALL.iter().map(|(name, _)| name.to_string()).collect();
    let stems = |folder: &Path| -> Vec<String> {
        files(folder).iter().map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
    };
    assert_eq!(stems(&corpora()), listed);
    assert_eq!(stems(&corpora().with_file_name("fuzz_targets")), listed);
}

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .expect("a readable folder");
    files.sort();
    files
}
