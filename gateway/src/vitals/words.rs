//! What is told of a vital sign: what, where, and what to do.

use std::path::PathBuf;

use varde_core::vitals::{Amount, Reading, Turn, Vital};

/// Where things are that a technician is sent to.
#[derive(Clone, Debug)]
pub struct Places {
    /// The state directory.
    pub state_directory: PathBuf,
    /// The certificate that ends first, and when.
    pub certificate: String,
}

/// The message of a vital sign that is on a step.
pub(super) fn message(turn: &Turn, reading: &Reading, places: &Places) -> String {
    let state = places.state_directory.display();
    let worst = turn.to == turn.vital.steps().len();
    match turn.vital {
        Vital::Storage => {
            let free = free(reading.storage);
            if worst {
                format!("{state} is full, {free}: delete what is not Varde's now, or readings will be given up")
            } else {
                format!("{state} is nearly full, {free}: delete what is not Varde's, or fit a larger card")
            }
        }
        Vital::ReadOnly => format!(
            "the file system of {state} is read-only: the card is failing, or was mounted so; look at 'dmesg', then \
             replace the card"
        ),
        Vital::FileSystem => format!(
            "the kernel counts {} errors in the file systems of this box: run fsck at the next start, and replace the \
             card if they come again",
            turn.measure
        ),
        Vital::Wear if worst => {
            "the flash memory has reached the end of its life: replace it now, before it takes no writes".to_owned()
        }
        Vital::Wear => "the flash memory has used up most of its life: replace it within weeks".to_owned(),
        Vital::Memory => format!(
            "the box is short of memory, {}: look what else runs on it ('ps aux --sort -rss')",
            free(reading.memory)
        ),
        Vital::OwnMemory => format!(
            "varde itself holds {} MB of memory and should need less than 25: restart it and send its log to those who \
             maintain it",
            megabytes(reading.own_memory.unwrap_or_default())
        ),
        Vital::Temperature => {
            let celsius = turn.measure.div_euclid(1_000);
            let hurry = if worst { " and slows down" } else { "" };
            format!("the box is {celsius} °C warm{hurry}: take it out of the sun, and off what covers or warms it")
        }
        Vital::PowerSupply => {
            "the supply's voltage was too low: fit the supply that belongs to the box, and take off what draws from it"
                .to_owned()
        }
        Vital::Throttling => {
            "the processor was slowed down, for want of voltage or for heat: look at supply and place of the box"
                .to_owned()
        }
        Vital::Certificate => certificate(turn, places),
        Vital::TimeJump if turn.measure == 0 => {
            "the clock was moved before the last start, and no time service had just set it: who changed it?".to_owned()
        }
        Vital::TimeJump => format!(
            "the clock moved by {} s, and no time service had just set it: who changed it, and is NTP let through?",
            turn.measure
        ),
        Vital::Restarts => format!(
            "varde has started {} times and never lived for an hour: read 'journalctl -u varde', and look at the \
             supply if the whole box restarts",
            turn.measure
        ),
        Vital::Program => {
            "the program's file is not the one that this version was installed with: reinstall the package, and \
             find out who or what altered it"
                .to_owned()
        }
    }
}

fn certificate(turn: &Turn, places: &Places) -> String {
    let certificate = &places.certificate;
    let left = turn.measure.saturating_neg();
    if left <= 0 {
        return format!(
            "{certificate} has ended: nothing can be sent until the gateway is enrolled anew; or is the clock wrong?"
        );
    }
    // The last day counts as one.
    let days = left.div_euclid(86_400).max(1);
    format!(
        "{certificate} ends within {days} days: enrol the gateway anew, put the files in place and restart varde"
    )
}

fn free(amount: Option<Amount>) -> String {
    let Some(Amount { free, total }) = amount else { return "nobody knows how much is free".to_owned() };
    format!("{} of {} MB are free", megabytes(free), megabytes(total))
}

fn megabytes(bytes: u64) -> u64 {
    bytes / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_says_what_and_what_to_do_and_none_says_the_same() {
        let places = Places {
            state_directory: "/var/lib/varde".into(),
            certificate: "client.crt (until 2026-12-01T00:00:00Z)".to_owned(),
        };
        let reading = Reading {
            storage: Some(Amount { free: 300_000_000, total: 8_000_000_000 }),
            memory: Some(Amount { free: 20_000_000, total: 900_000_000 }),
            ..Reading::default()
        };
        for vital in Vital::ALL {
            let steps = (1..).zip(vital.steps());
            let mut told: Vec<_> = steps
                .map(|(to, step)| {
                    message(&Turn { vital, from: 0, to, measure: step.begins }, &reading, &places)
                })
                .collect();
            assert!(told.iter().all(|text| text.contains([':', ';']) && text.len() < 300), "{told:?}");
            let all = told.len();
            told.dedup();
            let same = matches!(vital, Vital::Memory | Vital::OwnMemory);
            assert!(same || told.len() == all, "{told:?}");
        }
    }
}
