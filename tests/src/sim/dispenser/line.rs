//! A dispenser in a port of the gateway.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::{sync::Mutex, task::JoinHandle, time};
use varde_device_link::{Instant, What};

use super::{Defect, Flash, Habit, Machine, Person};
use crate::sim::{SimError, chance::Chance, pty::SerialLine};

/// How often the dispenser looks at its line.
const POLL: Duration = Duration::from_millis(2);
/// How long frames wait for each other on a line that merges them; shorter than a dispenser waits before it repeats.
const MERGED_MS: u64 = 250;

/// What is wrong with the line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Injury {
    /// Of so many frames of the dispenser, one has a changed byte; 0: none.
    pub garbles_one_in: u64,
    /// Of so many frames of either direction, one is lost; 0: none.
    pub loses_one_in: u64,
    /// The dispenser's bytes come one by one.
    pub is_slow: bool,
    /// What the dispenser says comes in one piece each quarter of a second.
    pub merges: bool,
}

/// A dispenser that is plugged in. Dropping it unplugs it.
#[derive(Debug)]
pub struct Dispenser {
    shared: Arc<Mutex<Shared>>,
    path: PathBuf,
    works: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    /// `None` without power.
    machine: Option<Machine>,
    flash: Flash,
    line: SerialLine,
    injury: Injury,
    /// What waits to be merged, and until when.
    merged: (Vec<u8>, Instant),
    chance: Chance,
    began: time::Instant,
}

impl Dispenser {
    /// Plugs a dispenser in and switches it on; the gateway finds it at `path`.
    ///
    /// # Errors
    /// As [`SerialLine::plug_in`].
    pub fn plug_in(path: &Path, flash: Flash, person: Person) -> Result<Self, SimError> {
        let began = time::Instant::now();
        let machine = Machine::switch_on(flash.clone(), person, Instant::default());
        let line = SerialLine::plug_in(path)?;
        let shared = Shared {
            machine: Some(machine),
            flash,
            line,
            injury: Injury::default(),
            merged: (Vec::new(), Instant::default()),
            chance: Chance::seeded(1),
            began,
        };
        let shared = Arc::new(Mutex::new(shared));
        let works = tokio::spawn(work(shared.clone()));
        Ok(Self { shared, path: path.to_owned(), works })
    }

    /// The same with a defect.
    ///
    /// # Errors
    /// As [`SerialLine::plug_in`].
    pub async fn plug_in_defective(path: &Path, defect: Defect) -> Result<Self, SimError> {
        let person = Person::who(Habit::Takes { after_s: 2 });
        let dispenser = Self::plug_in(path, Flash::new(1, 100), person)?;
        let mut shared = dispenser.shared.lock().await;
        shared.machine = shared.machine.take().map(|machine| machine.with(defect));
        drop(shared);
        Ok(dispenser)
    }

    /// What the gateway's configuration names.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Something happens at the dispenser. Nothing does without power.
    pub async fn happens(&self, what: What) {
        let mut shared = self.shared.lock().await;
        let now = shared.now();
        if let Some(machine) = &mut shared.machine {
            machine.happens(what, now);
        }
    }

    /// Injures the line from now on.
    pub async fn injure(&self, injury: Injury) {
        self.shared.lock().await.injury = injury;
    }

    /// Cuts the dispenser's power. Its line stays.
    pub async fn lose_power(&self) {
        let mut shared = self.shared.lock().await;
        if let Some(machine) = shared.machine.take() {
            shared.flash = machine.lose_power();
        }
    }

    /// Gives it power again.
    pub async fn switch_on(&self, person: Person) {
        let mut shared = self.shared.lock().await;
        let now = shared.now();
        shared.machine = Some(Machine::switch_on(shared.flash.clone(), person, now));
    }

    /// Pulls its plug out of the gateway.
    pub async fn unplug(&self) {
        self.shared.lock().await.line.unplug();
    }

    /// Puts it back.
    ///
    /// # Errors
    /// As [`SerialLine::plug_in`].
    pub async fn plug_in_again(&self) -> Result<(), SimError> {
        self.shared.lock().await.line.plug_in_again()
    }

    /// Looks at the dispenser; `None` without power.
    pub async fn look<T>(&self, look: impl FnOnce(&Machine) -> T) -> Option<T> {
        self.shared.lock().await.machine.as_ref().map(look)
    }
}

impl Drop for Dispenser {
    fn drop(&mut self) {
        self.works.abort();
    }
}

async fn work(shared: Arc<Mutex<Shared>>) {
    loop {
        // A line that fails is a dispenser that is silent: the scenario sees that.
        if shared.lock().await.step().await.is_err() {
            return;
        }
        time::sleep(POLL).await;
    }
}

impl Shared {
    fn now(&self) -> Instant {
        Instant::from_millis(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    async fn step(&mut self) -> Result<(), SimError> {
        let now = self.now();
        let bytes = self.line.received()?;
        let Some(machine) = &mut self.machine else { return Ok(()) };
        let is_lost = self.injury.loses_one_in > 0 && self.chance.below(self.injury.loses_one_in) == 0;
        if !bytes.is_empty() && !is_lost {
            machine.handle_input(&bytes, now);
        }
        if machine.poll_timeout() <= now {
            machine.handle_timeout(now);
        }
        while let Some(mut frame) = self.machine.as_mut().and_then(Machine::poll_output) {
            if self.injury.loses_one_in > 0 && self.chance.below(self.injury.loses_one_in) == 0 {
                continue;
            }
            if self.injury.garbles_one_in > 0 && self.chance.below(self.injury.garbles_one_in) == 0 {
                let place = usize::try_from(self.chance.below(frame.len() as u64)).unwrap_or_default();
                if let Some(byte) = frame.get_mut(place) {
                    *byte ^= 0x20;
                }
            }
            if self.injury.merges {
                self.merged.0.extend(frame);
            } else if self.injury.is_slow {
                for byte in frame {
                    self.line.send(&[byte]).await?;
                    time::sleep(Duration::from_millis(1)).await;
                }
            } else {
                self.line.send(&frame).await?;
            }
        }
        let (merged, until) = &mut self.merged;
        if !merged.is_empty() && *until <= now {
            *until = now.after(MERGED_MS);
            self.line.send(&std::mem::take(merged)).await?;
        }
        Ok(())
    }
}
