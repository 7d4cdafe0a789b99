//! What goes wrong in a home: each fault is told clearly and once, is tried again, and costs nothing.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a scenario that cannot go on has failed")]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};
use serde_json::Value;
use tokio::{process::Command, time::sleep};
use varde_tests::sim::{
    enocean::{Rocker, Telegram},
    home::{DOOR, Device, Gateway, Home, PENDANT, Plan, alarms, doors, fault, technical_faults},
};

const LIMIT: Duration = Duration::from_secs(60);
/// The same button within this time is an echo.
const ECHO: Duration = Duration::from_millis(150);

#[tokio::test]
async fn credentials_of_another_hub_or_of_another_time_are_named_and_cost_nothing() {
    let other = Home::prepare(plan()).await.unwrap();
    let mut home = Home::prepare(plan()).await.unwrap();
    home.hub.start().await.unwrap();
    let theirs = |name: &str| std::fs::read_to_string(other.gateway.credentials().join(name)).unwrap();
    let years = [(2020, 2021), (2090, 2091)].map(|years| issue(home.hub.directory(), "gw-1", years));
    let [expired, not_yet_valid] = years;
    let refused = "the broker does not accept client.crt";
    let faults = [
        (vec![("ca.crt", theirs("ca.crt"))], "ca.crt is not of the CA that signed the broker's certificate"),
        (vec![("client.crt", theirs("client.crt")), ("client.key", theirs("client.key"))], refused),
        (vec![("client.crt", expired.0), ("client.key", expired.1)], refused),
        (vec![("client.crt", not_yet_valid.0), ("client.key", not_yet_valid.1)], refused),
    ];
    for (files, expected) in faults {
        let right = replace(home.gateway.credentials(), &files);
        home.gateway.start().await.unwrap();
        let said =
            home.gateway.wait_for(expected, LIMIT, |status| fault(status, "uplink").contains(expected));
        said.await.unwrap();
        home.press().await.unwrap();
        home.gateway.wait_for("the alarm", LIMIT, |status| presses(status) == 1).await.unwrap();
        assert!(home.gateway.stop().await.unwrap().unwrap().success());
        replace(home.gateway.credentials(), &right);
    }
    home.gateway.start().await.unwrap();
    home.drained(LIMIT).await.unwrap();
    assert_eq!(alarms(&home.hub.show(0).await.unwrap()), 4);
    let log = home.gateway.log().unwrap();
    assert!(log.contains("the gateway's certificate ended at 2021-01-01"), "{log}");
    assert!(log.contains("the gateway's certificate begins at 2090-01-01"), "{log}");
}

#[tokio::test]
async fn a_broker_whose_certificate_has_expired_is_tried_again_until_it_is_renewed() {
    let mut home = Home::prepare(plan()).await.unwrap();
    let broker = home.hub.directory().join("broker");
    for (years, expected) in [
        ((2020, 2021), "the broker's certificate has expired: its operator must renew it"),
        ((2090, 2091), "the broker's certificate is not valid yet: is this box's clock right?"),
    ] {
        let (certificate, key) = issue(home.hub.directory(), "127.0.0.1", years);
        let right = replace(&broker, &[("server.crt", certificate), ("server.key", key)]);
        // It will not be ready: it does not believe its own broker either.
        home.hub.launch().unwrap();
        home.gateway.start().await.unwrap();
        let said =
            home.gateway.wait_for(expected, LIMIT, |status| fault(status, "uplink").contains(expected));
        said.await.unwrap();
        home.press().await.unwrap();
        home.hub.kill().await.unwrap();
        replace(&broker, &right);
    }
    home.hub.start().await.unwrap();
    home.gateway.wait_for("both alarms", LIMIT, |status| presses(status) == 2).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    assert_eq!(alarms(&home.hub.show(0).await.unwrap()), 2);
}

/// Invariant 1: what is not verified frees nothing.
#[tokio::test]
async fn receipts_of_another_hub_free_nothing_and_are_told() {
    let other = Home::prepare(plan()).await.unwrap();
    let mut home = Home::prepare(plan()).await.unwrap();
    home.hub.start().await.unwrap();
    let key = std::fs::read_to_string(other.gateway.credentials().join("hub-verify.key")).unwrap();
    let right = replace(home.gateway.credentials(), &[("hub-verify.key", key)]);
    home.gateway.start().await.unwrap();
    home.press().await.unwrap();
    let told = |status: &Value| fault(status, "hub").contains("hub-verify.key");
    let status = home.gateway.wait_for("the fault", LIMIT, told).await.unwrap();
    assert_eq!(status["lanes"]["urgent"]["released"], 0);
    let stays = home.gateway.wait_for("another receipt", LIMIT, |status| {
        status["counts"]["receipts that did not verify"].as_u64() >= Some(2)
    });
    assert_eq!(stays.await.unwrap()["lanes"]["urgent"]["released"], 0);
    assert_eq!(lines(&home.gateway, "WARN hub: "), 1, "{}", home.gateway.log().unwrap());

    home.gateway.stop().await.unwrap();
    replace(home.gateway.credentials(), &right);
    home.gateway.start().await.unwrap();
    home.drained(LIMIT).await.unwrap();
    assert_eq!(alarms(&home.hub.show(0).await.unwrap()), 1, "it came twice and is there once");
}

#[tokio::test]
async fn an_unreachable_broker_is_logged_once_and_tried_ever_more_slowly() {
    let mut home = Home::prepare(plan()).await.unwrap();
    home.gateway.start().await.unwrap();
    home.press().await.unwrap();
    let tried = home.gateway.wait_for("four attempts", LIMIT, |status| {
        status["counts"]["connections lost or failed"].as_u64() >= Some(4)
    });
    let status = tried.await.unwrap();
    // At least half of 1, 2 and 4 seconds lie between four attempts.
    assert!(status["uptime_s"].as_u64() >= Some(3), "it hurries: {status:#}");
    assert!(fault(&status, "uplink").contains("cannot be reached"), "{status:#}");
    assert_eq!(lines(&home.gateway, "WARN uplink: "), 1, "{}", home.gateway.log().unwrap());

    home.hub.start().await.unwrap();
    home.drained(LIMIT).await.unwrap();
    assert_eq!(alarms(&home.hub.show(0).await.unwrap()), 1);
    let status = home.gateway.status().await.unwrap();
    assert_eq!(fault(&status, "uplink"), "");
}

/// Invariant 5: a failing disk is itself an alarm, and an urgent entry goes out all the same.
#[tokio::test]
async fn a_full_disk_is_an_alarm_and_holds_no_other_alarm_back() {
    if !in_a_mount_namespace("a_full_disk_is_an_alarm_and_holds_no_other_alarm_back").await {
        return;
    }
    let mut home = Home::prepare(plan()).await.unwrap();
    let disk = Disk::mount(home.gateway.state(), "size=2m").await;
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    home.door(true).await.unwrap();
    home.gateway.wait_for("the door", LIMIT, |status| committed(status, "routine") >= 1).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    let pid = home.gateway.program().unwrap().id();

    disk.fill();
    for closed in [false, true, false] {
        home.door(closed).await.unwrap();
    }
    home.press().await.unwrap();
    let failing = |status: &Value| fault(status, "disk").contains("the disk is full");
    let status = home.gateway.wait_for("the fault", LIMIT, failing).await.unwrap();
    assert_eq!(status["disk"]["state"], "failing");
    let seen = home
        .hub
        .wait_for("both alarms", LIMIT, |seen| alarms(seen) == 1 && technical_faults(seen) >= 1)
        .await;
    assert_eq!(doors(&seen.unwrap()), 1, "routine waits");
    let status = home.gateway.status().await.unwrap();
    assert!(status["lanes"]["urgent"]["in_memory"].as_u64() >= Some(2), "{status:#}");

    disk.empty();
    home.hub.wait_for("the doors", LIMIT, |seen| doors(seen) == 4).await.unwrap();
    home.gateway.wait_for("a working disk", LIMIT, |status| fault(status, "disk").is_empty()).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    assert_eq!(home.gateway.program().unwrap().id(), pid, "it was not started anew");
    assert_eq!(lines(&home.gateway, "WARN disk: "), 1, "{}", home.gateway.log().unwrap());
    let incidents = home.hub.incidents().await.unwrap();
    assert!(incidents.iter().all(|incident| incident["incident"] == "chain-began"), "{incidents:#?}");
}

/// Invariant 5 again, on a card that has become read-only, as cards do at the end of their life.
#[tokio::test]
async fn a_read_only_disk_is_an_alarm_and_holds_no_other_alarm_back() {
    if !in_a_mount_namespace("a_read_only_disk_is_an_alarm_and_holds_no_other_alarm_back").await {
        return;
    }
    let mut home = Home::prepare(plan()).await.unwrap();
    let disk = Disk::mount(home.gateway.state(), "size=8m").await;
    home.gateway.start().await.unwrap();
    home.door(true).await.unwrap();
    home.gateway.wait_for("the door", LIMIT, |status| committed(status, "routine") >= 1).await.unwrap();
    home.gateway.kill().await.unwrap();
    disk.remount("ro").await;
    // A pseudo-terminal, unlike a port, stays with the dead for all but root.
    home.stick.plug_in_again().await.unwrap();

    home.hub.start().await.unwrap();
    home.gateway.launch().unwrap();
    home.door(false).await.unwrap();
    home.press().await.unwrap();
    let seen = home
        .hub
        .wait_for("both alarms", LIMIT, |seen| alarms(seen) == 1 && technical_faults(seen) >= 1)
        .await;
    let told = |line: &Value| line["value"].as_str().is_some_and(|text| text.contains("takes no writes"));
    assert!(seen.unwrap().iter().any(told));
    assert_eq!(lines(&home.gateway, "WARN disk: "), 1, "{}", home.gateway.log().unwrap());

    disk.remount("rw").await;
    home.hub.wait_for("the doors", LIMIT, |seen| doors(seen) == 2).await.unwrap();
    assert_eq!(lines(&home.gateway, "INFO disk: works again"), 1, "{}", home.gateway.log().unwrap());
}

#[tokio::test]
async fn a_missing_serial_port_is_named_and_heard_as_soon_as_it_is_there() {
    let mut home = Home::prepare(plan()).await.unwrap();
    home.stick.unplug().await;
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    let missing = |status: &Value| fault(status, "port").contains("does not exist: plug the device in");
    let status = home.gateway.wait_for("the fault", LIMIT, missing).await.unwrap();
    assert_eq!(status["devices"]["pendant-1"]["link"], "failed");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(lines(&home.gateway, "WARN port "), 1, "{}", home.gateway.log().unwrap());

    home.stick.plug_in_again().await.unwrap();
    home.press().await.unwrap();
    home.hub.wait_for("the alarm", LIMIT, |seen| alarms(seen) == 1).await.unwrap();
    let status = home.gateway.status().await.unwrap();
    assert_eq!(fault(&status, "port"), "");
    assert_eq!(status["devices"]["pendant-1"]["link"], "listening");
}

#[tokio::test]
async fn frames_that_cannot_be_read_are_counted_and_cost_no_other_frame() {
    let home = Home::start(plan()).await.unwrap();
    home.stick.opened().await.unwrap();
    let noise = [
        // A contact's telegram without its payload's end, and one with more than there should be.
        Telegram { payload: vec![0x08, 0x09], ..Telegram::contact(DOOR, true) }.packet(),
        Telegram { payload: vec![0x08; 60], ..Telegram::contact(DOOR, true) }.packet(),
        // A rocker's telegram with a contact's sender.
        Telegram { sender: DOOR, ..Telegram::pressed(PENDANT, Rocker::Ai) }.packet(),
        // A packet cut short, and one with a bit flipped: nobody can tell whose they were.
        Telegram::contact(DOOR, true).packet()[..12].to_vec(),
        flipped(Telegram::contact(DOOR, true).packet()),
        vec![0x55; 40],
    ];
    for bytes in noise {
        assert!(home.stick.garble(&bytes).await.unwrap());
        // What was cut short ends in silence.
        sleep(ECHO).await;
    }
    home.door(true).await.unwrap();
    home.press().await.unwrap();
    let seen = home.hub.wait_for("both", LIMIT, |seen| alarms(seen) == 1 && doors(seen) == 1).await.unwrap();
    assert_eq!(seen.len(), 2, "{seen:#?}");
    let status = home.gateway.status().await.unwrap();
    assert_eq!(status["devices"]["contact-1"]["refused_frames"], 3, "{status:#}");
    assert_eq!(status["devices"]["pendant-1"]["refused_frames"], 0, "{status:#}");
    assert!(status["counts"]["frames that could not be read"].as_u64() >= Some(5), "{status:#}");
}

#[tokio::test]
async fn the_outbox_of_another_gateway_is_left_alone() {
    let mut home = Home::prepare(plan()).await.unwrap();
    home.gateway.start().await.unwrap();
    home.press().await.unwrap();
    home.gateway.wait_for("the alarm", LIMIT, |status| committed(status, "urgent") >= 1).await.unwrap();
    home.gateway.stop().await.unwrap();
    let before = home.gateway.committed().unwrap();

    let second = home.directory().join("credentials-2");
    home.hub.enrol("gw-2", &second).await.unwrap();
    let credentials = |path: &Path| format!("[uplink]\ncredentials = '{}'\n", path.display());
    home.gateway.configure("30-other.toml", &credentials(&second)).unwrap();
    let refused = home.gateway.start().await.unwrap_err();
    assert!(refused.to_string().contains("74"), "{refused}");
    let log = home.gateway.log().unwrap();
    assert!(log.contains("the outbox file belongs to gateway 'gw-1', the credentials to 'gw-2'"), "{log}");
    assert_eq!(home.gateway.committed().unwrap(), before);

    home.gateway.configure("30-other.toml", &credentials(home.gateway.credentials())).unwrap();
    home.hub.start().await.unwrap();
    home.gateway.start().await.unwrap();
    home.drained(LIMIT).await.unwrap();
    assert_eq!(alarms(&home.hub.show(0).await.unwrap()), 1);
}

/// Invariant 9.
#[tokio::test]
async fn bad_configuration_stops_the_start_with_file_line_key_and_mend() {
    let mut home = Home::prepare(plan()).await.unwrap();
    let faulty = "[uplink]\nkeep_alive_s = 1\n\n[stroe]\nmax_size_mb = 100\n";
    home.gateway.configure("30-faulty.toml", faulty).unwrap();
    let refused = home.gateway.start().await.unwrap_err();
    assert!(refused.to_string().contains("78"), "{refused}");
    let log = home.gateway.log().unwrap();
    for expected in
        ["30-faulty.toml:2", "uplink.keep_alive_s", "5 to 600", "30-faulty.toml:4", "stroe", "store"]
    {
        assert!(log.contains(expected), "no {expected} in: {log}");
    }
    assert!(!home.gateway.outbox().exists(), "nothing was begun");
}

#[tokio::test]
async fn an_outbox_that_is_no_database_is_set_aside_and_told() {
    let mut home = with_a_backlog(3).await;
    damage(&home.gateway.outbox(), 0, &[0xA5; 100]);
    home.gateway.start().await.unwrap();
    home.hub.start().await.unwrap();
    let seen = home.hub.wait_for("the fault", LIMIT, |seen| technical_faults(seen) >= 1).await.unwrap();
    assert!(
        seen.iter().any(|line| line["value"].as_str().is_some_and(|text| text.contains("corrupt"))),
        "{seen:#?}"
    );
    home.press().await.unwrap();
    home.hub.wait_for("a new alarm", LIMIT, |seen| alarms(seen) >= 1).await.unwrap();
    home.drained(LIMIT).await.unwrap();
    assert_eq!(set_aside(&home).len(), 1);
    let incidents = home.hub.incidents().await.unwrap();
    let gaps = incidents.iter().filter(|incident| incident["incident"] == "gap").count();
    assert_eq!(gaps, 1, "what was lost must not be lost in silence: {incidents:#?}");
    // Behind every seq that was ever given.
    let seen = home.hub.show(0).await.unwrap();
    assert!(seen.iter().all(|line| line["seq"].as_u64() > Some(10_000)), "{seen:#?}");
}

/// Invariant 3: no seq is reused, and what had to be given up leaves a gap record.
#[tokio::test]
async fn a_damaged_page_costs_at_most_what_stood_in_it_and_the_gap_is_told() {
    let mut home = with_a_backlog(2000).await;
    let before = home.gateway.committed().unwrap();
    let pages = std::fs::metadata(home.gateway.outbox()).unwrap().len() / 4096;
    assert!(pages > 40, "the backlog is in so few pages: {pages}");
    damage(&home.gateway.outbox(), pages / 2 * 4096, &[0xA5; 512]);
    home.gateway.start().await.unwrap();
    let aside = home.gateway.wait_for("the file set aside", LIMIT, |status| {
        status["counts"]["corrupt outbox files set aside"].as_u64() == Some(1)
    });
    aside.await.unwrap();
    home.hub.start().await.unwrap();
    home.press().await.unwrap();
    home.hub
        .wait_for("the alarm", LIMIT, |seen| alarms(seen) == 1 && technical_faults(seen) >= 1)
        .await
        .unwrap();
    home.gateway.wait_for("a working disk", LIMIT, |status| fault(status, "disk").is_empty()).await.unwrap();
    home.drained(LIMIT).await.unwrap();

    let seen = home.hub.show(0).await.unwrap();
    let incidents = home.hub.incidents().await.unwrap();
    let gaps = incidents.iter().filter(|incident| incident["incident"] == "gap");
    let given_up: u64 = gaps.map(|gap| gap["count"].as_u64().unwrap()).sum();
    println!("{} of {} doors arrived, {given_up} given up", doors(&seen), before[1].next_seq);
    assert_eq!(doors(&seen) + given_up, before[1].next_seq, "{incidents:#?}");
    assert!((1..200).contains(&given_up), "one page holds some dozens: {given_up}");
    let mut seqs: Vec<_> =
        seen.iter().filter(|line| line["lane"] == "routine").map(|line| &line["seq"]).collect();
    let all = seqs.len();
    seqs.sort_by_key(|seq| seq.as_u64());
    seqs.dedup();
    assert_eq!(seqs.len(), all, "a seq came twice");
}

fn plan() -> Plan {
    let devices = vec![Device::pendant("pendant-1", PENDANT), Device::contact("contact-1", DOOR)];
    Plan { devices, direct: true, ..Plan::default() }
}

/// A home whose hub has not run yet, and whose gateway was killed with this many doors in its outbox. Without a time
/// service there are no anchors among them.
async fn with_a_backlog(telegrams: u64) -> Home {
    let mut home = Home::prepare(plan()).await.unwrap();
    std::fs::remove_file(home.gateway.clock_marker()).unwrap();
    home.gateway.start().await.unwrap();
    home.stick.opened().await.unwrap();
    for number in 0..telegrams {
        assert!(home.stick.hear(&Telegram::contact(DOOR, number % 2 == 0)).await.unwrap());
    }
    let all = |status: &Value| committed(status, "routine") == telegrams;
    home.gateway.wait_for("the backlog", LIMIT, all).await.unwrap();
    home.gateway.kill().await.unwrap();
    // Everything into the file itself, where the damage is to be.
    let db = rusqlite::Connection::open(home.gateway.outbox()).unwrap();
    db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    home
}

/// How often the pendant was heard since the gateway started.
fn presses(status: &Value) -> u64 {
    status["devices"]["pendant-1"]["observations"].as_u64().unwrap_or_default()
}

fn committed(status: &Value, lane: &str) -> u64 {
    status["lanes"][lane]["committed"].as_u64().unwrap()
}

/// How many lines of the gateway's log hold this.
fn lines(gateway: &Gateway, what: &str) -> usize {
    gateway.log().unwrap().lines().filter(|line| line.contains(what)).count()
}

/// Puts files into a folder; gives those they replace.
fn replace<'a>(folder: &Path, files: &[(&'a str, String)]) -> Vec<(&'a str, String)> {
    let swap = |(name, text): &(&'a str, String)| {
        let path = folder.join(name);
        let old = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text).unwrap();
        (*name, old)
    };
    files.iter().map(swap).collect()
}

/// A certificate and its key, both PEM, by the authority of this hub: valid from the first day of one year to that
/// of another.
fn issue(hub: &Path, name: &str, (from, until): (i32, i32)) -> (String, String) {
    let authority = KeyPair::from_pem(&std::fs::read_to_string(hub.join("ca.key")).unwrap()).unwrap();
    let mut issuer = CertificateParams::default();
    issuer.distinguished_name = rcgen::DistinguishedName::new();
    issuer.distinguished_name.push(DnType::CommonName, "Varde hub authority");
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(from, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &Issuer::new(issuer, authority)).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn flipped(mut packet: Vec<u8>) -> Vec<u8> {
    packet[9] ^= 0x10;
    packet
}

fn damage(file: &Path, at: u64, bytes: &[u8]) {
    use std::os::unix::fs::FileExt as _;
    std::fs::OpenOptions::new().write(true).open(file).unwrap().write_all_at(bytes, at).unwrap();
}

fn set_aside(home: &Home) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.gateway.state()).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    entries
        .filter(|path| name(path).starts_with("outbox.db.corrupt-") && !name(path).ends_with("-wal"))
        .collect()
}

/// Whether this process may mount what it likes without anybody seeing. Where it may not, the test is run again in a
/// process that may, and has passed when this returns.
async fn in_a_mount_namespace(test: &str) -> bool {
    const WITHIN: &str = "VARDE_IN_A_MOUNT_NAMESPACE";
    if std::env::var_os(WITHIN).is_some() {
        return true;
    }
    let unshare = || {
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--propagation", "private"]);
        if !rustix::process::geteuid().is_root() {
            // As root of a user namespace of their own, others may too.
            unshare.arg("--map-root-user");
        }
        unshare
    };
    if !unshare().arg("true").status().await.is_ok_and(|status| status.success()) {
        println!("skipped: no mount namespace may be made here");
        return false;
    }
    let mut again = unshare();
    again.arg(std::env::current_exe().unwrap()).args(["--exact", test, "--nocapture"]).env(WITHIN, "1");
    assert!(again.kill_on_drop(true).status().await.unwrap().success());
    false
}

/// A small disk. Dropping it takes it away.
struct Disk(PathBuf);

impl Disk {
    async fn mount(at: &Path, options: &str) -> Self {
        std::fs::create_dir_all(at).unwrap();
        run(Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(at)).await;
        Self(at.to_owned())
    }

    async fn remount(&self, options: &str) {
        run(Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0)).await;
    }

    fn fill(&self) {
        use std::io::Write as _;
        let mut file = std::fs::File::create(self.filler()).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
    }

    fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Goes with the namespace anyway.
        let _ = std::process::Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

async fn run(command: &mut Command) {
    let done = command.output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
