//! A random life in a random home: what people, devices, radios, power and nurses do, minute by minute.

use varde_core::supervision::Condition;
use varde_wire::Event;

/// The devices of the home, by number.
pub(crate) const DEVICES: [&str; 7] = ["bed", "hall", "kitchen", "bath", "door", "scale", "pendant"];
pub(crate) const BED: usize = 0;
pub(crate) const HALL: usize = 1;
pub(crate) const KITCHEN: usize = 2;
pub(crate) const BATH: usize = 3;
pub(crate) const DOOR: usize = 4;
pub(crate) const SCALE: usize = 5;
pub(crate) const PENDANT: usize = 6;

/// Every device speaks this often, and is missing after so long; in minutes.
pub(crate) const INTERVAL: u64 = 360;
pub(crate) const SILENT_AFTER: u64 = 1440;

/// Devices on the second radio.
pub(crate) fn link(device: usize) -> usize {
    usize::from(matches!(device, KITCHEN | DOOR | PENDANT))
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Happening {
    Heartbeat(usize),
    Sign(usize, Event),
    Measured,
    Said(usize, Condition),
    Pressed {
        test: bool,
    },
    CancelledAtHome,
    LinkDown(usize),
    LinkUp(usize),
    /// The gateway is off from now on.
    PowerOff,
    /// It is on again, and may not know the time.
    PowerOn {
        clock_set: bool,
    },
    /// The program restarts within the same moment.
    Restart,
    ClockSet,
    /// The gateway's clock is wrong by so many minutes from now on.
    ClockError(i64),
    VisitBegins {
        minutes: u64,
    },
    VisitOver,
    HubReceives,
    NurseSees,
    NurseEnds,
}

/// splitmix64 (Steele, Lea, Flood 2014).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `least` to `most`, evenly.
    pub(crate) fn among(&mut self, least: u64, most: u64) -> u64 {
        least + self.draw() % (most - least + 1)
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.draw().is_multiple_of(n)
    }
}

/// Everything that happens in so many minutes, in order.
pub(crate) fn live(seed: u64, minutes: u64) -> Vec<(u64, Happening)> {
    let mut life = Life { dice: Dice(seed), happenings: Vec::new(), minutes };
    for device in 0..DEVICES.len() {
        life.heartbeats(device);
    }
    life.person();
    life.measurements();
    life.conditions();
    life.presses();
    life.nurses();
    life.every(1440 / 2, |life, at| life.add(at, Happening::Restart));
    life.every(12_000, |life, at| {
        let link = usize::from(life.dice.one_in(2));
        life.add(at, Happening::LinkDown(link));
        let until = at + life.dice.among(1, 1800);
        life.add(until, Happening::LinkUp(link));
    });
    life.every(30_000, |life, at| {
        let error = i64::try_from(life.dice.among(0, 180)).unwrap() - 90;
        life.add(at, Happening::ClockError(error));
        let until = at + life.dice.among(1, 3000);
        life.add(until, Happening::ClockError(0));
    });
    life.happenings.sort_by_key(|(at, _)| *at);
    life.power()
}

struct Life {
    dice: Dice,
    happenings: Vec<(u64, Happening)>,
    minutes: u64,
}

impl Life {
    fn add(&mut self, at: u64, happening: Happening) {
        if at < self.minutes {
            self.happenings.push((at, happening));
        }
    }

    /// Something that comes about every so many minutes.
    fn every(&mut self, mean: u64, mut happen: impl FnMut(&mut Self, u64)) {
        let mut at = self.dice.among(1, mean * 2);
        while at < self.minutes {
            happen(self, at);
            at += self.dice.among(1, mean * 2);
        }
    }

    /// Some telegrams are lost, and once in a while a device is dead for days.
    fn heartbeats(&mut self, device: usize) {
        let mut at = self.dice.among(0, INTERVAL);
        while at < self.minutes {
            if !self.dice.one_in(10) {
                self.add(at, Happening::Heartbeat(device));
            }
            at += if self.dice.one_in(150) {
                self.dice.among(1000, 6000)
            } else {
                self.dice.among(INTERVAL - 30, INTERVAL)
            };
        }
    }

    /// Days and nights of somebody who sometimes does not come back.
    fn person(&mut self) {
        let mut at = self.dice.among(0, 600);
        let mut in_bed = false;
        while at < self.minutes {
            let hour = (at / 60 + 1) % 24;
            let night = !(7..22).contains(&hour);
            if in_bed {
                self.add(at, Happening::Sign(BED, Event::LeftBed));
                in_bed = false;
                at += 1;
            }
            if night && !self.dice.one_in(12) {
                if self.dice.one_in(2) {
                    self.bathroom(at);
                    at += self.dice.among(2, 40);
                }
                self.add(at, Happening::Sign(BED, Event::InBed));
                in_bed = true;
                at += self.dice.among(60, 400);
                continue;
            }
            match self.dice.among(0, 12) {
                0..=5 => self.add(at, Happening::Sign(HALL, Event::Motion)),
                6..=8 => self.add(at, Happening::Sign(KITCHEN, Event::Motion)),
                9 | 10 => self.bathroom(at),
                11 => {
                    self.add(at, Happening::Sign(DOOR, Event::DoorOpened));
                    at += self.dice.among(0, 3);
                    self.add(at, Happening::Sign(DOOR, Event::DoorClosed));
                    at += if self.dice.one_in(8) {
                        self.dice.among(400, 3000)
                    } else {
                        self.dice.among(10, 300)
                    };
                }
                // Ill, or fallen.
                _ => {
                    let longest = if self.dice.one_in(4) { 1800 } else { 300 };
                    at += self.dice.among(30, longest);
                }
            }
            at += self.dice.among(5, 120);
        }
    }

    fn bathroom(&mut self, at: u64) {
        self.add(at, Happening::Sign(BATH, Event::EnteredRoom));
        let stay = if self.dice.one_in(10) { self.dice.among(20, 200) } else { self.dice.among(1, 30) };
        if self.dice.one_in(2) {
            self.add(at + stay, Happening::Sign(BATH, Event::LeftRoom));
        } else {
            self.add(at + stay, Happening::Sign(HALL, Event::Motion));
        }
    }

    fn measurements(&mut self) {
        for day in 0..self.minutes / 1440 {
            if !self.dice.one_in(10) {
                let at = day * 1440 + self.dice.among(300, 760);
                self.add(at, Happening::Measured);
            }
        }
    }

    fn conditions(&mut self) {
        self.every(2000, |life, at| {
            let device = usize::try_from(life.dice.among(0, 6)).unwrap();
            let lasts = life.dice.among(0, 30);
            let is = life.dice.one_in(2);
            let condition = match life.dice.among(0, 5) {
                0 | 1 => Condition::Charge(u8::try_from(life.dice.among(0, 40)).unwrap()),
                2 => Condition::BatteryLow,
                3 => Condition::Mains(is),
                4 => Condition::Tampered(is),
                _ => Condition::ClockRight(is),
            };
            life.add(at, Happening::Said(device, condition));
            if let Condition::Mains(is) = condition {
                life.add(at + lasts / 10, Happening::Said(device, Condition::Mains(!is)));
            } else {
                life.add(at + lasts, Happening::Said(device, Condition::BatteryWell));
            }
        });
        // A power cut in the whole home.
        self.every(40_000, |life, at| {
            let lasts = life.dice.among(1, 500);
            for device in [HALL, KITCHEN, BATH] {
                let late = life.dice.among(0, 1);
                life.add(at + late, Happening::Said(device, Condition::Mains(false)));
                if !life.dice.one_in(8) {
                    let late = life.dice.among(0, 3);
                    life.add(at + lasts + late, Happening::Said(device, Condition::Mains(true)));
                }
            }
        });
    }

    fn presses(&mut self) {
        self.every(6000, |life, at| {
            let test = life.dice.one_in(4);
            for press in 0..life.dice.among(1, 3) {
                life.add(at + press, Happening::Pressed { test });
            }
            if life.dice.one_in(2) {
                let later = life.dice.among(0, 4);
                life.add(at + later, Happening::CancelledAtHome);
            }
        });
    }

    fn nurses(&mut self) {
        self.every(150, |life, at| life.add(at, Happening::HubReceives));
        self.every(200, |life, at| life.add(at, Happening::NurseSees));
        self.every(600, |life, at| life.add(at, Happening::NurseEnds));
        self.every(1440, |life, at| {
            let minutes = life.dice.among(5, 120);
            life.add(at, Happening::VisitBegins { minutes });
            if life.dice.one_in(2) {
                let stays = life.dice.among(1, 120);
                life.add(at + stays, Happening::VisitOver);
            }
        });
    }

    /// Switches the gateway off now and then: what happens meanwhile it does not hear.
    fn power(mut self) -> Vec<(u64, Happening)> {
        let mut cuts = Vec::new();
        self.every(9000, |life, at| {
            let longest = if life.dice.one_in(5) { 4000 } else { 120 };
            let length = life.dice.among(1, longest);
            let clock_set = !life.dice.one_in(3);
            let clock_set_after = life.dice.among(1, 400);
            if cuts.last().is_none_or(|(_, on, _, set)| at > on + set) {
                cuts.push((at, at + length, clock_set, clock_set_after));
            }
        });
        let mut happenings = self.happenings;
        for (off, on, clock_set, clock_set_after) in cuts {
            if on + clock_set_after >= self.minutes {
                continue;
            }
            // What ends by itself has ended when it is on again.
            happenings.retain_mut(|(at, happening)| {
                let within = (off..=on).contains(at);
                let ends = matches!(happening, Happening::LinkUp(_) | Happening::ClockError(0));
                if within && ends {
                    *at = on + 1;
                }
                !within || ends
            });
            happenings.push((off, Happening::PowerOff));
            happenings.push((on, Happening::PowerOn { clock_set }));
            if !clock_set {
                happenings.push((on + clock_set_after, Happening::ClockSet));
            }
        }
        happenings.sort_by_key(|(at, _)| *at);
        happenings
    }
}
