//! Serial ports: what a device's keys say to the driver of its protocol, and who shares a port.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use varde_drivers::{
    Esp3Options, LineParameters, Purpose, SerialDevice, SerialOptions, SerialProtocol, SerialRoster,
    esp3::{Eep, SenderId},
    ld2410::Holds,
    lines::{BadRules, LineRules},
    modbus::UnitOptions,
    nonin::DataFormat,
};
use varde_wire::DeviceId;

use super::{
    devices::{given, once, profile, purpose, required},
    document::Located,
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
        leave_out_alien(from, Some(protocol), protocol.name(), judge);
        let port = required(&from.port, from, PORT, &format!("port = \"{EXAMPLE}\""), judge);
        let path = port.and_then(|port| judge.path(port, PORT, EXAMPLE));
        let line = line(from, protocol, judge);
        let options = match protocol {
            SerialProtocol::Esp3 => self.esp3(from, judge).map(SerialOptions::Esp3),
            SerialProtocol::Nonin => nonin(from, judge).map(SerialOptions::Nonin),
            SerialProtocol::Ld2410 => ld2410(from, judge).map(SerialOptions::Ld2410),
            SerialProtocol::Lines => lines(from, judge).map(SerialOptions::Lines),
            SerialProtocol::Modbus => modbus(from, judge).map(SerialOptions::Modbus),
            SerialProtocol::DeviceLink => Some(SerialOptions::DeviceLink),
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

fn nonin(from: &DeviceFragment, judge: &mut Judge<'_>) -> Option<DataFormat> {
    let known = DataFormat::ALL.iter().map(|format| format.name());
    profile(from, "data-format-2", judge).and_then(|profile| {
        judge.word(profile, "device.profile", "profile", DataFormat::from_name(&profile.value), known)
    })
}

fn ld2410(from: &DeviceFragment, judge: &mut Judge<'_>) -> Option<Holds> {
    let Holds { entered, left, still } = Holds::default();
    let mut hold = |field, key, default: Duration| {
        judge.number_or(field, key, 1..=3600, default.as_secs()).map(Duration::from_secs)
    };
    let left = hold(&from.left_after_s, "device.left_after_s", left);
    let still = hold(&from.still_after_s, "device.still_after_s", still);
    Some(Holds { entered, left: left?, still: still? })
}

fn lines(from: &DeviceFragment, judge: &mut Judge<'_>) -> Option<LineRules> {
    const PATTERNS: &str = "device.patterns";
    let Some(first) = from.patterns.first() else {
        let mend = "add to this table the line patterns = [ '^(?<weight>[0-9.]+) *kg$' ]".to_owned();
        return judge.fault(&from.place, PATTERNS, Problem::Missing { mend });
    };
    let patterns = all(&from.patterns, |text| judge.parse(text, PATTERNS));
    let values = all(&from.values, |(name, text)| named(name, judge.parse(text, "device.values")));
    let events = all(&from.events, |(name, text)| named(name, judge.parse(text, "device.events")));
    let every = judge.number_or(&from.every_s, "device.every_s", 0..=86_400, 0).map(Duration::from_secs);
    let faulty = |bad| {
        let tables = [("device.values", &from.values), ("device.events", &from.events)];
        let mut names =
            tables.iter().flat_map(|(key, pairs)| pairs.iter().map(move |(name, _)| (*key, name)));
        let place = names.find(|(_, name)| bad == BadRules::Missing(name.value.clone()));
        let (key, text) = place.unwrap_or((PATTERNS, first));
        judge.fault(&text.place, key, bad)
    };
    LineRules::new(patterns?, values?, events?, every?).map_or_else(faulty, Some)
}

fn modbus(from: &DeviceFragment, judge: &mut Judge<'_>) -> Option<UnitOptions> {
    const REGISTERS: &str = "device.registers";
    let unit = judge.required(&from.unit, "device.unit", Some(&from.place), "unit = 1");
    let unit = unit.and_then(|unit| {
        // Without a default of its own: the value stands here.
        let field = Some(Ok(unit.clone()));
        judge.number_or(&field, "device.unit", 1..=247, 1).and_then(|unit| u8::try_from(unit).ok())
    });
    let every = judge.number_or(&from.poll_s, "device.poll_s", 1..=3600, 10).map(Duration::from_secs);
    if from.registers.is_empty() {
        let mend = "add below this table [device.registers] and a line such as \
                    mains = \"discrete 5 off mains-lost on mains-restored\"";
        return judge.fault(&from.place, REGISTERS, Problem::Missing { mend: mend.to_owned() });
    }
    let items = all(&from.registers, |(_, text)| judge.parse(text, REGISTERS));
    Some(UnitOptions { address: unit?, every: every?, items: items? })
}

/// All of them, if each is right; every one is judged.
fn all<F, T>(from: &[F], judge: impl FnMut(&F) -> Option<T>) -> Option<Vec<T>> {
    let judged: Vec<Option<T>> = from.iter().map(judge).collect();
    judged.into_iter().collect()
}

fn named<T>(name: &Located<String>, made: Option<T>) -> Option<(String, T)> {
    made.map(|made| (name.value.clone(), made))
}

/// Keys that this protocol has no use for; of none, where it is Bluetooth.
pub(super) fn leave_out_alien(
    from: &DeviceFragment,
    protocol: Option<SerialProtocol>,
    name: &'static str,
    judge: &mut Judge<'_>,
) {
    use SerialProtocol::{Esp3, Ld2410, Lines, Modbus, Nonin};
    let alien = |known: &[SerialProtocol]| protocol.is_none_or(|protocol| !known.contains(&protocol));
    let mut leave = |key: &str, place: Option<&Place>| {
        if let Some(place) = place {
            judge.fault::<()>(place, &format!("device.{key}"), Problem::OtherProtocol { protocol: name });
        }
    };
    if protocol.is_some() {
        leave("address", given(&from.address).map(|text| &text.place));
        leave("bind_key", given(&from.bind_key).map(|text| &text.place));
        leave("clear_memory", given(&from.clear_memory).map(|clear| &clear.place));
    } else {
        leave("port", given(&from.port).map(|text| &text.place));
        leave("line", given(&from.line).map(|text| &text.place));
    }
    for (key, field, known) in [
        ("id", &from.id, &[Esp3][..]),
        ("profile", &from.profile, &[Esp3, Nonin]),
        ("purpose", &from.purpose, &[Esp3]),
    ] {
        // A Bluetooth device has a profile too, and perhaps a purpose.
        if alien(known) && (protocol.is_some() || key == "id") {
            leave(key, given(field).map(|text| &text.place));
        }
    }
    for (key, field, known) in [
        ("left_after_s", &from.left_after_s, Ld2410),
        ("still_after_s", &from.still_after_s, Ld2410),
        ("every_s", &from.every_s, Lines),
        ("unit", &from.unit, Modbus),
        ("poll_s", &from.poll_s, Modbus),
    ] {
        if alien(&[known]) {
            leave(key, given(field).map(|number| &number.place));
        }
    }
    if alien(&[Lines]) {
        leave("patterns", from.patterns.first().map(|text| &text.place));
        leave("values", from.values.first().map(|(name, _)| &name.place));
        leave("events", from.events.first().map(|(name, _)| &name.place));
    }
    if alien(&[Modbus]) {
        leave("registers", from.registers.first().map(|(name, _)| &name.place));
    }
}

/// The line's parameters, where they are given and right.
fn line(
    from: &DeviceFragment,
    protocol: SerialProtocol,
    judge: &mut Judge<'_>,
) -> Option<(LineParameters, Place)> {
    let text = given(&from.line)?;
    if !protocol.has_various_lines() {
        return judge.fault(&text.place, LINE, Problem::OtherProtocol { protocol: protocol.name() });
    }
    Some((judge.parse(text, LINE)?, text.place.clone()))
}
