//! Serial ports: what a device's keys say to the driver of its protocol, and who shares a port.

use std::{collections::HashMap, path::PathBuf};

use varde_drivers::{
    Esp3Options, LineParameters, Purpose, SerialDevice, SerialOptions, SerialProtocol, SerialRoster,
    esp3::{Eep, SenderId},
};
use varde_wire::DeviceId;

use super::{
    devices::{given, leave_out, once, profile, purpose, required},
    fault::{Place, Problem},
    fragment::DeviceFragment,
    judge::Judge,
};

/// A serial port and who is heard on it.
#[derive(Clone, Debug)]
pub struct SerialPort {
    /// The tty.
    pub path: PathBuf,
    /// How bits stand on it.
    pub line: LineParameters,
    /// Its devices.
    pub roster: SerialRoster,
}

/// The ports of a home on their way to be judged.
#[derive(Default)]
pub(super) struct Ports {
    ports: Vec<SerialPort>,
    /// Where a port's line parameters were given, by the port's place in the list.
    lines: HashMap<usize, Place>,
    senders: HashMap<SenderId, Place>,
}

const PORT: &str = "device.port";
const LINE: &str = "device.line";

impl Ports {
    /// Every port, with the devices that stood every test.
    pub(super) fn into_inner(self) -> Vec<SerialPort> {
        self.ports
    }

    /// Takes a device of this protocol onto its port, if nothing is wrong with it. Without a name, it is only judged.
    pub(super) fn take(
        &mut self,
        from: &DeviceFragment,
        name: Option<DeviceId>,
        protocol: SerialProtocol,
        judge: &mut Judge<'_>,
    ) {
        const EXAMPLE: &str = "/dev/serial/by-id/usb-EnOcean_USB300";
        leave_out(&[("address", &from.address), ("bind_key", &from.bind_key)], protocol.name(), judge);
        leave_out(&[("clear_memory", &from.clear_memory)], protocol.name(), judge);
        let port = required(&from.port, from, PORT, &format!("port = \"{EXAMPLE}\""), judge);
        let path = port.and_then(|port| judge.path(port, PORT, EXAMPLE));
        let line = line(from, protocol, judge);
        let options = match protocol {
            SerialProtocol::Esp3 => self.esp3(from, judge).map(SerialOptions::Esp3),
            SerialProtocol::DeviceLink => {
                let keys = [("id", &from.id), ("profile", &from.profile), ("purpose", &from.purpose)];
                leave_out(&keys, protocol.name(), judge);
                Some(SerialOptions::DeviceLink)
            }
        };
        if let (Some(name), Some(port), Some(path), Some(options)) = (name, port, path, options) {
            self.join(path, &port.place, line, SerialDevice { name, options }, judge);
        }
    }

    fn join(
        &mut self,
        path: PathBuf,
        place: &Place,
        line: Option<(LineParameters, Place)>,
        device: SerialDevice,
        judge: &mut Judge<'_>,
    ) {
        let Some(at) = self.ports.iter().position(|port| port.path == path) else {
            let usual = device.options.protocol().line();
            let (line, given) = line.map_or((usual, None), |(line, place)| (line, Some(place)));
            self.lines.extend(given.map(|place| (self.ports.len(), place)));
            return self.ports.push(SerialPort { path, line, roster: SerialRoster::new(device) });
        };
        let Some(port) = self.ports.get_mut(at) else { return };
        if let Err(crowded) = port.roster.join(device) {
            judge.fault::<()>(place, PORT, crowded);
            return;
        }
        let Some((line, place)) = line else { return };
        match self.lines.get(&at) {
            Some(first) if line != port.line => {
                let (port, first) = (port.line, first.clone());
                judge.fault::<()>(&place, LINE, Problem::OtherLine { line: port, first });
            }
            _ => {
                port.line = line;
                self.lines.insert(at, place);
            }
        }
    }

    fn esp3(&mut self, from: &DeviceFragment, judge: &mut Judge<'_>) -> Option<Esp3Options> {
        let id = required(&from.id, from, "device.id", "id = \"FEFB9A1C\"", judge).and_then(|id| {
            let sender: SenderId = judge.parse(id, "device.id")?;
            once(&mut self.senders, sender, id, "device.id", judge)
        });
        let profile = profile(from, "F6-02-01", judge).and_then(|profile| {
            let known = Eep::near(&profile.value).map(Eep::name);
            judge.word(profile, "device.profile", "profile", Eep::from_name(&profile.value), known)
        });
        let purpose = given(&from.purpose).and_then(|text| {
            let purposes = profile.map_or(Purpose::OF_BUTTONS, Eep::purposes);
            match profile {
                Some(eep) if purposes.is_empty() => {
                    judge.fault(&text.place, "device.purpose", Problem::NoPurpose { profile: eep.name() })
                }
                _ => purpose(text, purposes, judge),
            }
        });
        Some(Esp3Options { id: id?, profile: profile?, purpose })
    }
}

/// The line's parameters, where they are given and right.
fn line(
    from: &DeviceFragment,
    protocol: SerialProtocol,
    judge: &mut Judge<'_>,
) -> Option<(LineParameters, Place)> {
    if !protocol.has_various_lines() {
        leave_out(&[("line", &from.line)], protocol.name(), judge);
        return None;
    }
    let text = given(&from.line)?;
    Some((judge.parse(text, LINE)?, text.place.clone()))
}
