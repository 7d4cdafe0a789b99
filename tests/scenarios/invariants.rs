//! Invariants that no single life of a home shows.

#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;
use varde_tests::sim::{
    enocean::{Rocker, Telegram},
    home::{Device, Home, Plan},
};

const LIMIT: Duration = Duration::from_secs(60);
const PENDANT: [u8; 4] = [0xFE, 0xFB, 0x9A, 0x1C];

/// Invariant 8. `tokio::time` is let be: it tells how long to sleep, and no time.
#[test]
fn only_clock_rs_reads_a_clock() {
    const CLOCKS: [&str; 6] =
        ["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now", "clock_gettime(", "/proc/uptime"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folders = ["gateway/src", "gateway/core/src", "gateway/wire/src", "drivers/src", "drivers/link/src"];
    let sources: Vec<_> = folders.iter().flat_map(|folder| sources(&root.join(folder))).collect();
    assert!(sources.len() > 50, "only {} sources were found", sources.len());
    let mut readers = BTreeMap::new();
    for source in &sources {
        let text = fs::read_to_string(source).unwrap();
        // Tests may read what they like.
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for clock in CLOCKS {
            if code.contains(clock) {
                readers.insert(source.strip_prefix(root).unwrap().to_owned(), clock);
            }
        }
    }
    let only: Vec<_> = readers.keys().map(PathBuf::as_path).collect();
    assert_eq!(only, [Path::new("gateway/src/clock.rs")], "{readers:?}");
}

/// Invariant 10.
#[tokio::test]
async fn looking_in_is_read_only() {
    let devices = vec![Device::pendant("pendant-1", PENDANT)];
    let mut home = Home::prepare(Plan { devices, ..Plan::default() }).await.unwrap();
    home.gateway.start().await.unwrap();
    home.stick.opened().await.unwrap();
    assert!(home.stick.hear(&Telegram::pressed(PENDANT, Rocker::Ai)).await.unwrap());
    // The press, that an alarm was raised, and that it is announced; until that is announced again, and the anchor of the
    // start, nothing writes by itself.
    let settled = |status: &Value| {
        status["lanes"]["urgent"]["committed"] == 3 && status["lanes"]["routine"]["committed"] == 1
    };
    let before = home.gateway.wait_for("alarm and anchor", LIMIT, settled).await.unwrap();
    let on_disk = state(home.gateway.state());
    let tables = home.gateway.committed().unwrap();

    let page = home.gateway.command().args(["status", "--state"]).arg(home.gateway.state()).output();
    let page = String::from_utf8(page.await.unwrap().stdout).unwrap();
    assert!(page.contains("gw-1") && page.contains("pendant-1"), "{page}");
    for words in [b"release 0".as_slice(), b"{\"stop\": true}\n", &[0xFF; 64]] {
        let mut stream = UnixStream::connect(home.gateway.state().join("status.sock")).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        // It hears nothing, and answers what it always does.
        let _ = stream.write_all(words);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        drop(stream);
    }
    for _ in 0..20 {
        home.gateway.status().await.unwrap();
    }
    let after = home.gateway.status().await.unwrap();
    for key in ["gateway", "lanes", "devices"] {
        let without_age = |status: &Value| {
            let mut part = status[key].clone();
            for lane in part.as_object_mut().into_iter().flat_map(|lanes| lanes.values_mut()) {
                if let Some(lane) = lane.as_object_mut() {
                    lane.remove("oldest_age_s");
                }
            }
            part
        };
        assert_eq!(without_age(&after), without_age(&before));
    }
    assert_eq!(state(home.gateway.state()), on_disk, "looking in has written");
    assert_eq!(home.gateway.committed().unwrap(), tables);
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let found = entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] });
    let is_code = |path: &PathBuf| {
        path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs")
    };
    found.filter(is_code).filter(|path| !path.components().any(|part| part.as_os_str() == "tests")).collect()
}

/// What lies in the state directory: names and bytes. The index of the write-ahead log is shared memory.
fn state(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| !path.to_string_lossy().ends_with("-shm"));
    files.map(|path| (path.clone(), fs::read(&path).unwrap_or_default())).collect()
}
