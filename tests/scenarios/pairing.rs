//! Pairing, as a technician lives it: with `varde devices` in one hand and a meter in the other.

#![expect(
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a scenario that cannot go on has failed"
)]

use std::{collections::BTreeMap, path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdin, ChildStdout},
    sync::mpsc,
    time::{interval, sleep, timeout},
};
use uuid::Uuid;
use varde_tests::sim::{
    blood_pressure::{self, MEASUREMENT, Reading},
    bluez::{
        Address, Advertisement, Bluez, Capability, Characteristic, Event, Pairing, Peripheral, Radio,
        Security, Service, uuid16,
    },
    bus::Bus,
    home::{Device, Home, Plan},
};

const LIMIT: Duration = Duration::from_secs(60);

/// In the roster from the start, and never near unless a scenario says so.
const OLD: Address = Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0x09]);
const NEW: Address = Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0x01]);
const STRANGER: Address = Address([0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0x02]);

const BATTERY: Uuid = uuid16(0x2A19);

/// The codes of sysexits.h.
const USAGE: i32 = 64;
const TEMPFAIL: i32 = 75;
const CONFIG: i32 = 78;

#[tokio::test]
async fn a_cuff_that_shows_a_passkey_is_paired_proved_and_put_into_the_roster() {
    let Some(home) = home().await else { return };
    let mut cuff = Meter::bring(&home, NEW, Some(Pairing::SHOWS_PASSKEY), Security::Authenticated);
    let (shown, mut seen) = mpsc::unbounded_channel();
    let mut technician = pair(&home, &["--as", "cuff-1", "--profile", "blood-pressure"]);
    let work = async {
        technician.reads("which passkey does the device show?").await;
        // A slip of the finger is asked for again.
        technician.types("12345").await;
        technician.reads("which passkey does the device show?").await;
        let passkey: u32 = seen.recv().await.unwrap();
        technician.types(&format!("{passkey:06}")).await;
        technician.reads("paired; now the proof that it lasts").await;
        technician.reads("it came back and was read without being asked again: the bond holds").await;
        technician.ends(0).await
    };
    let said = cuff
        .meanwhile(
            |_, event| {
                if let Event::Passkey(passkey) = event {
                    let _ = shown.send(passkey);
                }
            },
            work,
        )
        .await;
    assert!(said.out.contains("to make it count: systemctl restart varde"), "{said:?}");
    assert!(cuff.radio.is_bonded());
    let written = std::fs::read_to_string(drop_in(&home, "cuff-1")).unwrap();
    assert!(written.contains("address = \"F0:F1:F2:F3:F4:01\"\nprofile = \"blood-pressure\"\n"), "{written}");
    let report = varde(&home, &["check"]).ends(0).await;
    assert!(report.out.contains("blood-pressure at F0:F1:F2:F3:F4:01: cuff-1"), "{report:?}");
    nothing_runs_any_more(&home).await;
}

#[tokio::test]
async fn a_wrong_passkey_leaves_nothing_behind() {
    let Some(home) = home().await else { return };
    let mut cuff = Meter::bring(&home, NEW, Some(Pairing::SHOWS_PASSKEY), Security::Authenticated);
    let (shown, mut seen) = mpsc::unbounded_channel();
    let mut technician = pair(&home, &["--as", "cuff-1", "--profile", "blood-pressure"]);
    let work = async {
        technician.reads("which passkey does the device show?").await;
        let passkey: u32 = seen.recv().await.unwrap();
        technician.types(&format!("{:06}", (passkey + 1) % 1_000_000)).await;
        technician.ends(TEMPFAIL).await
    };
    let told = |_: &Radio, event| {
        if let Event::Passkey(passkey) = event {
            let _ = shown.send(passkey);
        }
    };
    let said = cuff.meanwhile(told, work).await;
    assert!(said.err.contains("F0:F1:F2:F3:F4:01 did not pair"), "{said:?}");
    assert!(said.err.contains("was the passkey right"), "{said:?}");
    assert!(!cuff.radio.is_bonded() && !drop_in(&home, "cuff-1").exists());
    nothing_runs_any_more(&home).await;
}

#[tokio::test]
async fn a_number_that_the_technician_does_not_see_on_the_device_ends_the_pairing() {
    let Some(home) = home().await else { return };
    let pairing = Pairing { capability: Capability::DisplayYesNo, demands: Security::Authenticated };
    let mut scale = Meter::bring(&home, NEW, Some(pairing), Security::Authenticated);
    for (answer, code) in [("no", TEMPFAIL), ("yes", 0)] {
        let mut technician = pair(&home, &["--as", "cuff-1", "--profile", "blood-pressure"]);
        let work = async {
            technician.reads("does the device show ").await;
            technician.types(answer).await;
            technician.ends(code).await
        };
        let said = scale.meanwhile(|_, _| {}, work).await;
        assert_eq!(
            said.err.contains("was rejected, here or at the device: nothing was kept"),
            code != 0,
            "{said:?}"
        );
        assert_eq!((scale.radio.is_bonded(), drop_in(&home, "cuff-1").exists()), (code == 0, code == 0));
    }
}

#[tokio::test]
async fn a_passkey_is_shown_to_be_typed_on_the_device() {
    let Some(home) = home().await else { return };
    let pairing = Pairing { capability: Capability::KeyboardOnly, demands: Security::Authenticated };
    let meter = Meter::bring(&home, NEW, Some(pairing), Security::Authenticated);
    let (typed, mut types) = mpsc::unbounded_channel();
    let mut technician = pair(&home, &["--as", "cuff-1", "--profile", "blood-pressure"]);
    let work = async {
        let line = technician.reads("type this on the device: ").await;
        typed.send(line.rsplit(' ').next().unwrap().parse().unwrap()).unwrap();
        technician.ends(0).await
    };
    let advertised = Meter::advertisement();
    let alive = async {
        let mut tick = interval(Duration::from_millis(100));
        loop {
            tokio::select! {
                Some(passkey) = types.recv() => meter.radio.enter_passkey(passkey),
                _ = tick.tick() => meter.radio.advertise(&advertised),
            }
        }
    };
    tokio::select! {
        said = work => assert!(said.err.is_empty(), "{said:?}"),
        () = alive => {}
    }
    assert!(meter.radio.is_bonded());
}

/// From the first look around to the farewell, with a meter that asks nobody.
#[tokio::test]
async fn a_device_is_found_paired_listed_watched_and_forgotten() {
    let Some(mut home) = home().await else { return };
    let mut cuff = Meter::bring(&home, NEW, Some(Pairing::JUST_WORKS), Security::Encrypted);
    let stand = async {
        let found = devices(&home, &["scan", "--seconds", "2"]).ends(0).await;
        assert!(found.out.contains("F0:F1:F2:F3:F4:01  strong (-50 dBm)"), "{found:?}");
        assert!(found.out.contains("BPM-200"), "{found:?}");
        assert!(found.out.contains("blood pressure        not in the roster, not bonded"), "{found:?}");
        pair(&home, &["--as", "cuff-1"]).ends(0).await
    };
    let said = cuff.meanwhile(|_, _| {}, stand).await;
    assert!(said.out.contains("taking its profile to be blood-pressure"), "{said:?}");
    assert!(!said.out.contains("yes or no"), "nobody is asked: {said:?}");

    home.gateway.start().await.unwrap();
    let listed = devices(&home, &["list"]).ends(0).await;
    let row = |name: &str| listed.out.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(row("cuff-1").contains(" bonded "), "{listed:?}");
    assert!(row("cuff-9").contains(" none "), "{listed:?}");

    let mut watcher = devices(&home, &["watch", "cuff-1"]);
    watcher.reads("watching cuff-1").await;
    let reading = async {
        watcher.reads("MDC_PRESS_BLD_NONINV_SYS  121 mm[Hg]").await;
        watcher.reads("[questionable]").await;
        watcher.interrupt();
        watcher.ends(0).await
    };
    let mut said_it = false;
    let speak = |radio: &Radio, event| {
        if event == Event::Subscribed(MEASUREMENT) && !std::mem::replace(&mut said_it, true) {
            assert!(radio.indicate(MEASUREMENT, Meter::reading().bytes()));
        }
    };
    cuff.meanwhile(speak, reading).await;

    let mut technician = devices(&home, &["forget", "cuff-1"]);
    technician.reads("forget cuff-1 (F0:F1:F2:F3:F4:01)?").await;
    technician.types("yes").await;
    let said = technician.ends(0).await;
    assert!(said.out.contains("cuff-1.toml removed"), "{said:?}");
    assert!(!cuff.radio.is_bonded() && !drop_in(&home, "cuff-1").exists());
    let said = devices(&home, &["forget", "cuff-1", "--yes"]).ends(USAGE).await;
    assert!(said.err.contains("no device cuff-1 stands in"), "{said:?}");
    let said = devices(&home, &["forget", "cuff-9", "--yes"]).ends(CONFIG).await;
    assert!(said.err.contains("cuff-9 still stands at 10-home.toml:"), "{said:?}");
}

#[tokio::test]
async fn while_the_window_is_open_nobody_else_gets_in() {
    let Some(home) = home().await else { return };
    let pairing = Pairing { capability: Capability::DisplayYesNo, demands: Security::Authenticated };
    let mut cuff = Meter::bring(&home, NEW, Some(Pairing::SHOWS_PASSKEY), Security::Authenticated);
    let mut stranger = Meter::bring(&home, STRANGER, Some(pairing), Security::Authenticated);
    let (shown, mut seen) = mpsc::unbounded_channel();
    let mut technician = pair(&home, &["--as", "cuff-1", "--profile", "blood-pressure"]);
    let other = zbus::connection::Builder::address(bus(&home)).build().await.unwrap();
    let work = async {
        technician.reads("which passkey does the device show?").await;
        // Another program pairs the stranger; it has no agent, so BlueZ asks the default one.
        let path = "/org/bluez/hci0/dev_F0_F1_F2_F3_F4_02";
        let refused =
            other.call_method(Some("org.bluez"), path, Some("org.bluez.Device1"), "Pair", &()).await;
        assert!(refused.unwrap_err().to_string().contains("AuthenticationFailed"));
        let passkey: u32 = seen.recv().await.unwrap();
        technician.types(&format!("{passkey:06}")).await;
        technician.ends(0).await
    };
    let told = |_: &Radio, event| {
        if let Event::Passkey(passkey) = event {
            let _ = shown.send(passkey);
        }
    };
    let both = stranger.meanwhile(|_, _| {}, cuff.meanwhile(told, work));
    let said = both.await;
    assert!(said.out.contains("refused meanwhile: 1 questions about other devices"), "{said:?}");
    assert!(cuff.radio.is_bonded() && !stranger.radio.is_bonded());
}

#[tokio::test]
async fn a_device_that_forgets_the_bond_at_once_is_not_put_into_the_roster() {
    let Some(home) = home().await else { return };
    let mut cuff = Meter::bring(&home, NEW, Some(Pairing::JUST_WORKS), Security::Encrypted);
    let work = pair(&home, &["--as", "cuff-1"]);
    let forget = |radio: &Radio, event| {
        if event == Event::Paired {
            radio.forget_bond();
        }
    };
    let said = cuff.meanwhile(forget, work.ends(TEMPFAIL)).await;
    assert!(said.err.contains("came back but does not keep the bond"), "{said:?}");
    assert!(!drop_in(&home, "cuff-1").exists());
    let listed = devices(&home, &["list"]).ends(0).await;
    assert!(!listed.out.contains("bonded but not in the roster"), "our half is removed: {listed:?}");
}

#[tokio::test]
async fn a_device_that_lost_its_half_of_the_bond_is_paired_again_under_its_name() {
    let Some(home) = home().await else { return };
    let mut cuff = Meter::bring(&home, OLD, Some(Pairing::JUST_WORKS), Security::Encrypted);
    let said = cuff.meanwhile(|_, _| {}, pair_at(&home, OLD, &["--as", "cuff-9"]).ends(0)).await;
    assert!(said.out.contains("cuff-9 stands in the configuration already"), "{said:?}");
    assert!(cuff.radio.is_bonded() && !drop_in(&home, "cuff-9").exists());
    // It holds: nothing is paired anew.
    let said = cuff.meanwhile(|_, _| {}, pair_at(&home, OLD, &["--as", "cuff-9"]).ends(0)).await;
    assert!(said.out.contains("trying that bond first") && !said.out.contains("\npairing\n"), "{said:?}");
    cuff.radio.forget_bond();
    let said = cuff.meanwhile(|_, _| {}, pair_at(&home, OLD, &["--as", "cuff-9"]).ends(0)).await;
    assert!(
        said.out.contains("the device has forgotten that bond") && said.out.contains("\npairing\n"),
        "{said:?}"
    );
    assert!(cuff.radio.is_bonded());
}

/// The gateway connects the same device whenever it sees it.
#[tokio::test]
async fn a_running_gateway_is_no_hindrance_and_finds_the_renewed_bond_by_itself() {
    let Some(mut home) = home().await else { return };
    home.gateway.start().await.unwrap();
    let mut cuff = Meter::bring(&home, OLD, Some(Pairing::JUST_WORKS), Security::Encrypted);
    let said = cuff.meanwhile(|_, _| {}, pair_at(&home, OLD, &["--as", "cuff-9"]).ends(0)).await;
    assert!(!said.out.contains("systemctl restart"), "{said:?}");
    let connected = home
        .gateway
        .wait_for("the cuff", LIMIT, |status| status["devices"]["cuff-9"]["battery_percent"] == 87);
    cuff.meanwhile(|_, _| {}, connected).await.unwrap();
}

#[tokio::test]
async fn a_device_that_needs_no_pairing_is_tried_and_added_without() {
    let Some(home) = home().await else { return };
    let mut open = Meter::bring(&home, NEW, None, Security::Open);
    let said = open.meanwhile(|_, _| {}, pair(&home, &["--as", "cuff-1"]).ends(TEMPFAIL)).await;
    assert!(said.err.contains("with --no-pairing if its manual says that it needs none"), "{said:?}");
    let said = open.meanwhile(|_, _| {}, pair(&home, &["--as", "cuff-1", "--no-pairing"]).ends(0)).await;
    assert!(said.out.contains("it answers without pairing") && !open.radio.is_bonded(), "{said:?}");
    assert!(drop_in(&home, "cuff-1").exists());

    let mut guarded = Meter::bring(&home, STRANGER, None, Security::Encrypted);
    let wish = ["--as", "cuff-2", "--no-pairing"];
    let said = guarded.meanwhile(|_, _| {}, pair_at(&home, STRANGER, &wish).ends(CONFIG)).await;
    assert!(said.err.contains("wants to be paired"), "{said:?}");
    assert!(!drop_in(&home, "cuff-2").exists());
}

#[tokio::test]
async fn a_device_that_is_not_there_is_said_with_what_to_do() {
    let Some(home) = home().await else { return };
    let technician = pair(&home, &["--as", "cuff-1", "--profile", "blood-pressure", "--seconds", "1"]);
    let said = technician.ends(TEMPFAIL).await;
    assert!(said.err.contains("F0:F1:F2:F3:F4:01 was not heard in 1 s: bring it within a metre"), "{said:?}");
    nothing_runs_any_more(&home).await;
}

#[tokio::test]
async fn ctrl_c_leaves_no_agent_no_scan_and_no_half_a_bond() {
    let Some(home) = home().await else { return };
    let mut technician = pair(&home, &["--as", "cuff-1", "--profile", "blood-pressure"]);
    technician.reads("looking for F0:F1:F2:F3:F4:01").await;
    until("a scan", async || bluez(&home).is_discovering()).await;
    technician.interrupt();
    let said = technician.ends(130).await;
    assert!(said.err.contains("interrupted"), "{said:?}");
    nothing_runs_any_more(&home).await;

    let mut cuff = Meter::bring(&home, NEW, Some(Pairing::SHOWS_PASSKEY), Security::Authenticated);
    let mut technician = pair(&home, &["--as", "cuff-1", "--profile", "blood-pressure"]);
    let work = async {
        technician.reads("which passkey does the device show?").await;
        technician.interrupt();
        technician.ends(130).await
    };
    cuff.meanwhile(|_, _| {}, work).await;
    assert!(!cuff.radio.is_bonded() && !drop_in(&home, "cuff-1").exists());
    nothing_runs_any_more(&home).await;
}

#[tokio::test]
async fn a_wish_that_the_configuration_would_not_stand_is_told_before_anybody_presses_a_button() {
    let Some(home) = home().await else { return };
    for (wish, told) in [
        (["--as", "cuff-9", "--profile", "blood-pressure"], "'cuff-9' stands at 10-home.toml:"),
        (["--as", "cuff-1", "--profile", "blod-pressure"], "did you mean 'blood-pressure'?"),
    ] {
        let said = pair(&home, &wish).ends(CONFIG).await;
        assert!(said.err.contains(told), "{said:?}");
        assert_eq!(said.out, "", "nothing was begun");
    }
}

/// A home whose gateway does not run yet, with one cuff in its roster; nothing where D-Bus is not installed.
async fn home() -> Option<Home> {
    if !Bus::available() {
        println!("skipped: dbus-daemon is not installed");
        return None;
    }
    let devices = vec![Device::cuff("cuff-9", OLD)];
    Some(Home::prepare(Plan { devices, direct: true, ..Plan::default() }).await.unwrap())
}

fn bluez(home: &Home) -> &Bluez {
    &home.bluetooth.as_ref().unwrap().bluez
}

fn bus(home: &Home) -> &str {
    home.bluetooth.as_ref().unwrap().bus.address()
}

fn drop_in(home: &Home, name: &str) -> PathBuf {
    home.gateway.configuration().join(format!("{name}.toml"))
}

/// No scan runs, and the adapter has nobody to ask.
async fn nothing_runs_any_more(home: &Home) {
    until("the end of the scan", async || !bluez(home).is_discovering()).await;
    let client = zbus::connection::Builder::address(bus(home)).build().await.unwrap();
    until("the end of the agent", async || {
        let (properties, adapter) = (Some("org.freedesktop.DBus.Properties"), "org.bluez.Adapter1");
        let asked = (adapter, "Pairable");
        let reply = client
            .call_method(Some("org.bluez"), "/org/bluez/hci0", properties, "Get", &asked)
            .await
            .unwrap();
        reply.body().deserialize::<zbus::OwnedVariant>().unwrap() == zbus::OwnedVariant::from(false)
    })
    .await;
}

async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let wait = async {
        while !holds().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("{what} did not come"));
}

/// Somebody at the command line.
struct Technician {
    child: Child,
    keyboard: Option<ChildStdin>,
    screen: Lines<BufReader<ChildStdout>>,
    errors: ChildStderr,
    said: String,
}

/// What a command printed in its life.
#[derive(Debug)]
struct Said {
    out: String,
    err: String,
}

fn pair(home: &Home, arguments: &[&str]) -> Technician {
    pair_at(home, NEW, arguments)
}

fn pair_at(home: &Home, address: Address, arguments: &[&str]) -> Technician {
    let address = address.to_string();
    let arguments: Vec<_> = ["pair", &address].iter().chain(arguments).copied().collect();
    devices(home, &arguments)
}

fn devices(home: &Home, arguments: &[&str]) -> Technician {
    let arguments: Vec<_> = ["devices"].iter().chain(arguments).copied().collect();
    varde(home, &arguments)
}

fn varde(home: &Home, arguments: &[&str]) -> Technician {
    let mut command = home.gateway.command();
    command.args(arguments).arg("--config").arg(home.gateway.configuration());
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.env("DBUS_SYSTEM_BUS_ADDRESS", bus(home)).kill_on_drop(true).spawn().unwrap();
    let screen = BufReader::new(child.stdout.take().unwrap()).lines();
    let (keyboard, errors) = (child.stdin.take(), child.stderr.take().unwrap());
    Technician { child, keyboard, screen, errors, said: String::new() }
}

impl Technician {
    /// Waits for a line that holds this.
    async fn reads(&mut self, wanted: &str) -> String {
        let read = async {
            loop {
                match self.screen.next_line().await.unwrap() {
                    Some(line) => {
                        self.said += &format!("{line}\n");
                        if line.contains(wanted) {
                            return line;
                        }
                    }
                    None => {
                        let mut err = String::new();
                        let _ = self.errors.read_to_string(&mut err).await;
                        panic!("ended before '{wanted}': {}{err}", self.said);
                    }
                }
            }
        };
        timeout(LIMIT, read).await.unwrap_or_else(|_| panic!("no '{wanted}' came"))
    }

    async fn types(&mut self, line: &str) {
        self.keyboard.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    fn interrupt(&self) {
        let pid = self.child.id().and_then(|id| i32::try_from(id).ok());
        let pid = pid.and_then(rustix::process::Pid::from_raw).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    }

    /// Waits for its end, which has this exit code.
    async fn ends(mut self, code: i32) -> Said {
        let end = async {
            while let Some(line) = self.screen.next_line().await.unwrap() {
                self.said += &format!("{line}\n");
            }
            let mut err = String::new();
            self.errors.read_to_string(&mut err).await.unwrap();
            (self.child.wait().await.unwrap(), err)
        };
        let (status, err) =
            timeout(LIMIT, end).await.unwrap_or_else(|_| panic!("no end came: {}", self.said));
        let said = Said { out: self.said, err };
        println!("{}{}", said.out, said.err);
        assert_eq!(status.code(), Some(code), "{said:?}");
        said
    }
}

/// A meter that lets nobody read it without a bond.
struct Meter {
    radio: Radio,
}

impl Meter {
    fn bring(home: &Home, address: Address, pairing: Option<Pairing>, security: Security) -> Self {
        let service = |uuid, characteristic: Characteristic| Service {
            uuid,
            characteristics: vec![characteristic.needing(security)],
        };
        let radio = bluez(home).add(Peripheral {
            address,
            address_is_random: false,
            name: "BPM-200".into(),
            advertised: vec![blood_pressure::SERVICE],
            services: vec![
                service(blood_pressure::SERVICE, Characteristic::indicating(MEASUREMENT)),
                service(uuid16(0x180F), Characteristic::readable(BATTERY, [87])),
            ],
            bonded: false,
        });
        radio.set_pairing(pairing);
        Self { radio }
    }

    fn advertisement() -> Advertisement {
        Advertisement {
            rssi: -50,
            connectable: true,
            service_data: BTreeMap::new(),
            ..Advertisement::default()
        }
    }

    fn reading() -> Reading {
        Reading {
            systolic: 121,
            diastolic: 80,
            mean: 93,
            taken: jiff::civil::date(2026, 3, 9).at(7, 1, 30, 0),
            pulse: 64,
            user: 2,
            status: 4,
        }
    }

    /// Advertises while somebody works, and does something about what it notices.
    async fn meanwhile<T>(
        &mut self,
        mut notice: impl FnMut(&Radio, Event),
        work: impl Future<Output = T>,
    ) -> T {
        let advertisement = Self::advertisement();
        let mut tick = interval(Duration::from_millis(100));
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return done,
                event = self.radio.next_event() => notice(&self.radio, event),
                _ = tick.tick() => self.radio.advertise(&advertisement),
            }
        }
    }
}
