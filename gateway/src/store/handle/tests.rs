//! What the store tells, held against what is in its file.

use rusqlite::OptionalExtension as _;
use varde_wire::{Anchor, BootId, Content, Instant, OpeningKey, SigningKey, Stamp, Trust};

use super::*;

fn start(directory: &std::path::Path) -> Store {
    let identity = Identity {
        gateway: "gw-1".parse().unwrap(),
        sign: SigningKey::ed25519(&[1; 32]),
        hub_seal: OpeningKey::derive(&[2; 32]).sealing_key(),
    };
    let options = Options {
        path: directory.join("outbox.db"),
        commit_window: Duration::from_millis(20),
        max_size_bytes: 1 << 30,
    };
    Store::start(options, identity, Arc::new(Board::new([]))).unwrap().0
}

fn record() -> Record {
    let stamp = Stamp {
        boot: BootId::from_bytes([3; 16]),
        uptime: Instant::from_millis(0),
        wall: WallTime::from_unix_millis(0),
        trust: Trust::Unset,
    };
    Record { stamp, content: Content::Anchor(Anchor { moved_ms: 0 }) }
}

/// How many entries of this lane the file has ever taken, read over a connection of its own.
fn in_file(directory: &std::path::Path, lane: Lane) -> u64 {
    let db = rusqlite::Connection::open(directory.join("outbox.db")).unwrap();
    db.query_row("SELECT next_seq FROM lane WHERE lane = ?1", [lane.number()], |row| row.get(0)).unwrap()
}

async fn committed(store: &Store, lane: Lane) -> u64 {
    let queue = if lane == Lane::Urgent { Queue::Urgent } else { Queue::Routine };
    let depths = store.depths().await.unwrap();
    let (_, depth) = Queue::ALL.into_iter().zip(depths.queues).find(|(q, _)| *q == queue).unwrap();
    depth.unwrap().committed
}

#[tokio::test]
async fn nothing_is_told_as_committed_before_it_is_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = start(directory.path());
    for number in 1..=20 {
        for lane in Lane::ALL {
            let told = store.append(lane, vec![record()]).await.unwrap();
            // Between the two, at any time, no more is shown than the file has.
            assert!(committed(&store, lane).await <= in_file(directory.path(), lane));
            told.await.unwrap();
            assert_eq!(in_file(directory.path(), lane), number);
        }
    }
    store.stop().await.unwrap();
}

/// More at once than a window has time for: whoever hands over waits, and the disk works.
#[tokio::test]
async fn a_flood_waits_for_the_disk_and_nothing_of_it_is_given_up() {
    const FLOOD: u64 = 100_000;
    let directory = tempfile::tempdir().unwrap();
    let store = start(directory.path());
    let mut last = None;
    for _ in 0..FLOOD {
        last = Some(store.append(Lane::Routine, vec![record()]).await.unwrap());
    }
    last.unwrap().await.unwrap();
    assert_eq!(in_file(directory.path(), Lane::Routine), FLOOD);
    store.stop().await.unwrap();
}

#[tokio::test]
async fn a_seq_is_never_given_twice_even_when_the_file_is_lost() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("outbox.db");
    let mut given = 0;
    for life in 0..3 {
        let store = start(directory.path());
        let first = committed(&store, Lane::Urgent).await;
        assert!(first >= given, "life {life} begins at {first}, {given} were given before");
        for _ in 0..5 {
            store.append(Lane::Urgent, vec![record()]).await.unwrap().await.unwrap();
        }
        given = committed(&store, Lane::Urgent).await;
        assert_eq!(given, first + 5);
        store.stop().await.unwrap();
        // Whatever wrote this, no counter can be read from it.
        std::fs::write(&path, [0xA5; 8192]).unwrap();
    }
}

/// What the driver of the one device would know after a restart: here, how many records were handed over.
fn in_memory(file: &rusqlite::Connection) -> u64 {
    let bytes: Option<[u8; 8]> = file
        .query_row("SELECT bytes FROM memory WHERE device = 'meter-1'", [], |row| row.get(0))
        .optional()
        .unwrap();
    bytes.map_or(0, u64::from_le_bytes)
}

fn memory(store: &Store, handed_over: u64) -> Memory {
    let bytes = handed_over.to_le_bytes().to_vec();
    Memory { device: "meter-1".parse().unwrap(), bytes, losses: store.losses() }
}

#[tokio::test]
async fn at_no_moment_is_more_remembered_than_is_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let store = start(directory.path());
    let mut file = rusqlite::Connection::open(directory.path().join("outbox.db")).unwrap();
    let mut last = None;
    for number in 1..=600_u64 {
        // Alarms overtake what is remembered of them, and what was handed over before.
        let lane = if number % 7 == 0 { Lane::Urgent } else { Lane::Routine };
        let memory = memory(&store, number);
        last = Some(store.append_and_remember(lane, vec![record()], Some(memory)).await.unwrap());
        // One moment of the file, as a kill would leave it.
        let moment = file.transaction().unwrap();
        let entries: u64 = moment.query_row("SELECT sum(next_seq) FROM lane", [], |row| row.get(0)).unwrap();
        let remembered = in_memory(&moment);
        assert!(remembered <= entries, "{remembered} of {entries}");
        if number % 50 == 0 {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
    last.unwrap().await.unwrap();
    store.stop().await.unwrap();
    assert_eq!(in_memory(&file), 600);
}

#[tokio::test]
async fn nothing_is_remembered_of_what_the_disk_did_not_take() {
    let directory = tempfile::tempdir().unwrap();
    let later = directory.path().join("later");
    let store = start(&later);
    let before = memory(&store, 1);
    let told = store.append_and_remember(Lane::Urgent, vec![record()], Some(before.clone())).await.unwrap();
    told.await.unwrap_err();
    std::fs::create_dir(&later).unwrap();
    while store.depths().await.unwrap().queues[1].is_none() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Said later, but of records among which one is not on the disk.
    let kept = store.append_and_remember(Lane::Routine, vec![record()], Some(before)).await.unwrap();
    kept.await.unwrap();
    assert_eq!(store.recall(&"meter-1".parse().unwrap()).await, None);
    let kept =
        store.append_and_remember(Lane::Routine, vec![record()], Some(memory(&store, 1))).await.unwrap();
    kept.await.unwrap();
    assert_eq!(store.recall(&"meter-1".parse().unwrap()).await, Some(1_u64.to_le_bytes().to_vec()));
    store.stop().await.unwrap();
}
