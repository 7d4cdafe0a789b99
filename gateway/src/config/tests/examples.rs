//! Every shipped example, and whatever chance makes of one.

use std::{fs, path::Path, sync::OnceLock};

use proptest::prelude::*;

use super::Home;
use crate::config::{Problem, Settings, fragment::Fragment, judge::Judge};

/// The drop-ins that are shipped, by the names under which they are read. `CREDENTIALS` stands for the home's.
fn shipped() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/config.d");
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap());
    let mut texts: Vec<(String, String)> = files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            let text = fs::read_to_string(file.path()).unwrap();
            let text = text.replace("/var/lib/varde/credentials", "CREDENTIALS");
            (name.trim_end_matches(".example").to_owned(), text)
        })
        .collect();
    texts.sort();
    texts
}

/// The same with every key that stands at its default, and so is a comment without a space before it.
fn explained(text: &str) -> String {
    let lines = text.lines().map(|line| match line.strip_prefix('#') {
        Some(key) if key.starts_with(|c: char| c.is_ascii_lowercase()) => key,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn every_shipped_example_passes_as_it_is_and_with_every_key_that_it_explains() {
    let shipped = shipped();
    for every_key in [false, true] {
        let home = Home::new();
        for (name, text) in &shipped {
            home.write(name, &if every_key { explained(text) } else { text.clone() });
        }
        let settings = home.load().unwrap_or_else(|faults| panic!("{faults}"));
        assert!(!settings.serial.is_empty() && !settings.ble.is_empty());
        assert_eq!(settings.capture_directory.is_some(), every_key);
        assert_eq!(settings.store.max_size, 1_024_000_000, "the examples show the defaults");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Slips anywhere in a shipped file: it passes, or every fault is one line that names the file and the line, but
    /// for what is missing altogether.
    #[test]
    fn chance_never_makes_a_configuration_that_is_refused_without_a_place(
        file in any::<prop::sample::Index>(),
        slips in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..12, "[ -~\n\"\\[\\]=#é]{0,6}"), 1..4),
    ) {
        static HOME: OnceLock<Home> = OnceLock::new();
        let home = HOME.get_or_init(Home::new);
        let (name, text) = file.get(&shipped()).clone();
        let without_comments = explained(&text).lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n");
        let mut letters: Vec<char> = without_comments.chars().collect();
        for (at, length, instead) in slips {
            let at = at.index(letters.len() + 1);
            let end = (at + length).min(letters.len());
            letters.splice(at..end, instead.chars());
        }
        let text = String::from_iter(letters).replace("CREDENTIALS", home.credentials().to_str().unwrap());
        let lines = text.lines().count() + 1;
        let (fragment, faults) = Fragment::of_text(Path::new(&name), &text);
        let directory = home.config();
        if let Err(faults) = Settings::of_fragment(fragment, Judge::new(&directory, faults)) {
            prop_assert!(faults.iter().count() > 0);
            prop_assert_eq!(faults.to_string().lines().count(), faults.iter().count());
            for fault in faults.iter() {
                if fault.place.file == Path::new(&name) {
                    prop_assert!(fault.place.line.is_some_and(|line| (1..=lines).contains(&line)), "{}", fault);
                } else {
                    prop_assert!(matches!(fault.problem, Problem::Missing { .. } | Problem::Absent { .. }), "{}", fault);
                }
            }
        }
    }
}
