//! The home as the demonstration plays it: each action sends real bytes, is written down, and says what became of it.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    ledger::{Ledger, Made, span},
    screen::Screen,
};
use crate::sim::{
    SimError,
    blood_pressure::{BloodPressureMonitor, Reading},
    bluez::Address,
    bus::Bus,
    enocean::{Rocker, Telegram},
    home::{Device, Home, Plan, backlog},
};

/// For what takes seconds at most; a slow machine gets its time.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

const PENDANT: &str = "pendant-1";
const PENDANT_ID: [u8; 4] = [0xFE, 0xFB, 0x9A, 0x1C];
const DOOR: &str = "door-1";
const DOOR_ID: [u8; 4] = [0x01, 0x82, 0x5D, 0xAB];
const CUFF: &str = "cuff-1";
const CUFF_ADDRESS: Address = Address([0xC0, 0x26, 0xDA, 0x01, 0x02, 0x03]);

const SYSTOLIC: &str = "MDC_PRESS_BLD_NONINV_SYS";
const DIASTOLIC: &str = "MDC_PRESS_BLD_NONINV_DIA";
const MEAN: &str = "MDC_PRESS_BLD_NONINV_MEAN";
const PULSE: &str = "MDC_PULS_RATE_NON_INV";
/// Values the gateway takes from a reading: the four above and the status.
const VALUES_OF_A_READING: u64 = 5;

/// Between two looks while an alarm is timed.
const BLINK: Duration = Duration::from_millis(1);
const LOOK: Duration = Duration::from_millis(100);
/// A hand lets go after this, and presses again no sooner. A second press within 100 ms of the first would be taken
/// for its radio echo.
const HAND: Duration = Duration::from_millis(250);
/// For how long nothing more may be committed before everything counts as committed: several commit windows.
const CALM: Duration = Duration::from_millis(600);

/// The home with all that is needed to play in it.
pub(super) struct Stage<'s> {
    pub(super) home: Home,
    pub(super) ledger: Ledger,
    pub(super) screen: &'s Screen,
    cuff: Option<BloodPressureMonitor>,
    door_is_closed: bool,
    readings: u16,
    /// Everything received so far, as `varde-hub show --json` prints it.
    seen: Vec<Value>,
    /// What the gateway took from the devices since its start, and what it had committed before.
    taken: [u64; 3],
    committed_before: u64,
    /// Alarms whose receipt has come, and has been timed.
    timed: u64,
}

impl<'s> Stage<'s> {
    /// Sets the home up, telling each step.
    pub(super) async fn set_up(screen: &'s Screen) -> Result<Self, SimError> {
        screen.title("A home is set up");
        screen.doing("setting up");
        let mut devices = vec![Device::pendant(PENDANT, PENDANT_ID), Device::contact(DOOR, DOOR_ID)];
        if Bus::available() {
            devices.push(Device::cuff(CUFF, CUFF_ADDRESS));
        }
        let mut home = Home::prepare(Plan { devices, apart: true, ..Plan::default() }).await?;
        screen.line(&format!("Everything lies in {} and goes at the end.", home.directory().display()));
        screen.line("The hub has made its keys and certificates, and has enrolled the gateway gw-1.");
        screen.doing("starting the hub");
        home.hub.start().await?;
        screen.line("The hub runs, with its broker: TLS, and nobody comes in without a certificate.");
        screen.doing("starting the gateway");
        home.gateway.start().await?;
        home.stick.opened().await?;
        screen.line("The gateway runs and has opened the EnOcean stick.");
        let cuff = home
            .bluetooth
            .as_ref()
            .map(|bluetooth| BloodPressureMonitor::bring(&bluetooth.bluez, CUFF_ADDRESS, 1));
        screen.line(match cuff {
            Some(_) => "A blood pressure cuff is in reach, over a fake BlueZ on a D-Bus of its own.",
            None => {
                "dbus-daemon is not installed: no Bluetooth bus, no cuff. The EnOcean devices carry the show."
            }
        });
        let mut stage = Self {
            home,
            ledger: Ledger::default(),
            screen,
            cuff,
            door_is_closed: true,
            readings: 0,
            seen: Vec::new(),
            taken: [0; 3],
            committed_before: 0,
            timed: 0,
        };
        stage.home.gateway.wait_for("a connection", LIMIT, is_connected).await?;
        stage.begin_counting().await?;
        screen.line("The gateway has found the broker through the network.");
        Ok(stage)
    }

    /// Whether there is a cuff to play with.
    pub(super) const fn has_cuff(&self) -> bool {
        self.cuff.is_some()
    }

    /// The door moves. False where no gateway heard it.
    pub(super) async fn door(&mut self) -> Result<bool, SimError> {
        self.door_is_closed = !self.door_is_closed;
        let heard = self.home.stick.hear(&Telegram::contact(DOOR_ID, self.door_is_closed)).await?;
        if heard {
            let [_, door, _] = &mut self.taken;
            *door += 1;
            let value = if self.door_is_closed { "door-closed" } else { "door-opened" };
            let words = vec![("MDC_AI_TYPE_SENSOR_CONTACTCLOSURE", value.to_owned())];
            self.ledger.made(Made { device: DOOR, words });
        }
        Ok(heard)
    }

    /// What the door did last.
    pub(super) const fn door_in_words(&self) -> &'static str {
        if self.door_is_closed { "closes" } else { "opens" }
    }

    /// Somebody presses the pendant, and lets go.
    pub(super) async fn press(&mut self) -> Result<(), SimError> {
        let at = Instant::now();
        self.press_down().await?;
        self.let_go(at).await
    }

    /// Somebody presses the pendant; timed, and told, when the gateway holds the hub's signed receipt for the alarm.
    pub(super) async fn press_and_time(&mut self) -> Result<(), SimError> {
        self.screen.line("Somebody presses the alarm pendant.");
        let before = urgent(&self.home.gateway.glance().await?);
        let at = Instant::now();
        self.press_down().await?;
        let until = at + LIMIT;
        loop {
            let Urgent { committed, released } = urgent(&self.home.gateway.glance().await?);
            if committed > before.committed && released >= committed {
                self.timed = released;
                break;
            }
            if Instant::now() >= until {
                return Err(SimError::TooLate { what: "an alarm's receipt".into(), limit: LIMIT });
            }
            sleep(BLINK).await;
        }
        let took = at.elapsed();
        self.ledger.alarm_online(took);
        self.screen.line(&format!(
            "    {} later the gateway holds the hub's signed receipt: the alarm is stored there for good",
            span(took)
        ));
        self.let_go(at).await
    }

    /// Somebody measures; the cuff remembers the reading until a gateway fetches it. Waits until one has.
    pub(super) async fn measure(&mut self) -> Result<String, SimError> {
        let Some(cuff) = &mut self.cuff else { return Ok(String::new()) };
        let number = self.readings;
        self.readings += 1;
        let reading = Reading {
            systolic: 118 + number % 40,
            diastolic: 76 + number % 7,
            mean: 91 + number % 11,
            taken: jiff::Zoned::now().datetime(),
            pulse: 61 + number % 13,
            user: 1,
            status: 0,
        };
        cuff.measure(reading);
        let Reading { systolic, diastolic, mean, pulse, .. } = reading;
        let words = [(SYSTOLIC, systolic), (DIASTOLIC, diastolic), (MEAN, mean), (PULSE, pulse)];
        let words = words.map(|(metric, value)| (metric, value.to_string())).to_vec();
        self.ledger.made(Made { device: CUFF, words });
        let [.., values] = &mut self.taken;
        *values += VALUES_OF_A_READING;
        // The count of what waits follows a moment later; nobody has fetched it in that time.
        while cuff.waiting() == 0 {
            sleep(BLINK).await;
        }
        let handed_over = tokio::time::timeout(LIMIT, cuff.handed_over()).await;
        if handed_over.is_err() {
            return Err(SimError::TooLate { what: "the gateway fetching a reading".into(), limit: LIMIT });
        }
        Ok(format!("{systolic}/{diastolic} mmHg, pulse {pulse}"))
    }

    /// Takes readings that never left the cuff out of the account.
    pub(super) fn settle_with_cuff(&mut self) -> usize {
        let waiting = self.cuff.as_ref().map_or(0, BloodPressureMonitor::waiting);
        self.ledger.still_with(CUFF, waiting);
        let [.., values] = &mut self.taken;
        *values = values.saturating_sub(VALUES_OF_A_READING * waiting as u64);
        waiting
    }

    /// Waits until the gateway has committed all it has heard: from here on it may be killed.
    pub(super) async fn committed(&mut self) -> Result<(), SimError> {
        self.screen.doing("waiting until all of it is committed");
        let until = Instant::now() + LIMIT;
        let (mut last, mut since) = (0, Instant::now());
        loop {
            let status = self.home.gateway.glance().await?;
            let committed = sum_of(&status, "committed");
            if committed != last {
                (last, since) = (committed, Instant::now());
            }
            let heard = [PENDANT, DOOR, CUFF].iter().zip(self.taken).all(|(name, taken)| {
                taken == 0 || status["devices"][*name]["observations"].as_u64() >= Some(taken)
            });
            let enough = committed >= self.committed_before + self.taken.iter().sum::<u64>();
            if heard && enough && since.elapsed() >= CALM {
                self.refresh().await;
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(SimError::TooLate { what: "the commit of what was heard".into(), limit: LIMIT });
            }
            self.refresh().await;
            sleep(LOOK).await;
        }
    }

    /// Kills the gateway, which has [committed](Self::committed) all that it heard.
    pub(super) async fn kill_gateway(&mut self) -> Result<(), SimError> {
        self.ledger.killed();
        self.taken = [0; 3];
        self.home.gateway.kill().await
    }

    /// Starts the gateway; tells how long it took until it heard the stick again.
    pub(super) async fn start_gateway(&mut self) -> Result<Duration, SimError> {
        self.screen.doing("starting the gateway");
        let at = Instant::now();
        self.home.gateway.start().await?;
        self.home.stick.opened().await?;
        let took = at.elapsed();
        self.begin_counting().await?;
        Ok(took)
    }

    /// Waits until the hub has receipted everything. Alarms that waited are timed from `whole`, when nothing stood in
    /// the way any more.
    pub(super) async fn drained(&mut self, whole: Instant) -> Result<Duration, SimError> {
        self.screen.doing("waiting until the hub has everything");
        let until = Instant::now() + LIMIT;
        loop {
            let status = self.home.gateway.glance().await?;
            let Urgent { released, .. } = urgent(&status);
            for _ in self.timed..released {
                self.ledger.alarm_after_return(whole.elapsed());
            }
            self.timed = self.timed.max(released);
            self.tell_state(&status);
            if backlog(&status) == 0 {
                break;
            }
            if Instant::now() >= until {
                return Err(SimError::TooLate { what: "the hub receipting everything".into(), limit: LIMIT });
            }
            sleep(BLINK * 5).await;
        }
        let took = whole.elapsed();
        self.look_at_hub().await?;
        self.refresh().await;
        Ok(took)
    }

    /// Waits until the hub has one more value of a device than before, and tells it.
    pub(super) async fn arrives(&mut self, sent: Instant) -> Result<(), SimError> {
        self.screen.doing("waiting for it at the hub");
        let before = self.seen.len();
        let until = Instant::now() + LIMIT;
        while self.look_at_hub().await? == before {
            if Instant::now() >= until {
                return Err(SimError::TooLate { what: "an arrival at the hub".into(), limit: LIMIT });
            }
            sleep(LOOK / 5).await;
        }
        let took = span(sent.elapsed());
        for line in self.seen.iter().skip(before) {
            self.screen.line(&format!("    at the hub after {took}: {}", in_words(line)));
        }
        self.refresh().await;
        Ok(())
    }

    /// Reads what is new at the hub; gives how many values it has in all.
    pub(super) async fn look_at_hub(&mut self) -> Result<usize, SimError> {
        let since = self.seen.last().and_then(|line| line["n"].as_u64()).unwrap_or_default();
        self.seen.extend(self.home.hub.show(since).await?);
        Ok(self.seen.len())
    }

    /// Everything the hub has received.
    pub(super) fn seen(&self) -> &[Value] {
        &self.seen
    }

    /// The gateway's own words on how it stands; gives how many entries wait.
    pub(super) async fn tell_status(&self) -> Result<u64, SimError> {
        let status = self.home.gateway.status().await?;
        let waiting = backlog(&status);
        let uplink = status["uplink"]["state"].as_str().unwrap_or_default();
        self.screen
            .line(&format!("    `varde status`: uplink {uplink}, {waiting} entries wait for a receipt"));
        if let Some(reason) = status["uplink"]["reason"].as_str() {
            self.screen.line(&format!("        {reason}"));
        }
        Ok(waiting)
    }

    /// How many entries wait for a receipt.
    pub(super) async fn waiting(&self) -> Result<u64, SimError> {
        Ok(backlog(&self.home.gateway.glance().await?))
    }

    /// Lets time pass, with the numbers moving.
    pub(super) async fn pause(&self, length: Duration) {
        let until = Instant::now() + length;
        while Instant::now() < until {
            self.refresh().await;
            sleep(LOOK.min(until - Instant::now())).await;
        }
    }

    async fn press_down(&mut self) -> Result<(), SimError> {
        if self.home.stick.hear(&Telegram::pressed(PENDANT_ID, Rocker::Ai)).await? {
            let [presses, ..] = &mut self.taken;
            *presses += 1;
            let words = vec![("MDC_AI_TYPE_SENSOR_PERS", "safety-alarm".to_owned())];
            self.ledger.made(Made { device: PENDANT, words });
        }
        Ok(())
    }

    async fn let_go(&self, pressed: Instant) -> Result<(), SimError> {
        tokio::time::sleep_until(pressed + HAND).await;
        self.home.stick.hear(&Telegram::released(PENDANT_ID)).await?;
        sleep(HAND).await;
        self.refresh().await;
        Ok(())
    }

    async fn begin_counting(&mut self) -> Result<(), SimError> {
        self.taken = [0; 3];
        self.committed_before = sum_of(&self.home.gateway.glance().await?, "committed");
        Ok(())
    }

    /// Brings the moving line up to date, where the gateway answers.
    async fn refresh(&self) {
        match self.home.gateway.glance().await {
            Ok(status) => self.tell_state(&status),
            Err(_) => self.screen.state(format!(" | made {} | no gateway", self.ledger.count())),
        }
    }

    fn tell_state(&self, status: &Value) {
        let (made, waiting) = (self.ledger.count(), backlog(status));
        let uplink = status["uplink"]["state"].as_str().unwrap_or_default();
        self.screen.state(format!(" | made {made} | waiting for a receipt {waiting} | uplink {uplink}"));
    }
}

/// Entries of the urgent lane, ever.
struct Urgent {
    committed: u64,
    released: u64,
}

fn urgent(status: &Value) -> Urgent {
    let count = |key: &str| status["lanes"]["urgent"][key].as_u64().unwrap_or_default();
    Urgent { committed: count("committed"), released: count("released") }
}

fn is_connected(status: &Value) -> bool {
    status["uplink"]["state"] == "connected"
}

fn sum_of(status: &Value, key: &str) -> u64 {
    ["urgent", "routine"].iter().filter_map(|lane| status["lanes"][*lane][key].as_u64()).sum()
}

/// An observation of the hub, for people.
fn in_words(line: &Value) -> String {
    let text = |key: &str| line[key].as_str().unwrap_or_default();
    let what = match text("metric") {
        SYSTOLIC => "systolic ",
        DIASTOLIC => "diastolic ",
        MEAN => "mean ",
        PULSE => "pulse ",
        "MDC_ATTR_VAL_BATT_CHARGE" => "battery ",
        "MDC_BLOOD_PRESSURE_MEASUREMENT_STATUS" => "status ",
        _ => "",
    };
    let unit = line["unit"].as_str().map(|unit| format!(" {unit}")).unwrap_or_default();
    format!("{} {what}{}{unit}", text("device"), text("value"))
}
