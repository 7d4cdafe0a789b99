//! `[[uplink.path]]`: the ways out of the home, the most preferred first.

use std::{collections::HashMap, fmt, net::IpAddr, time::Duration};

use varde_wire::DeviceId;

use super::{
    broker::Broker,
    devices::given,
    document::{Field, Located},
    fault::{Place, Problem},
    fragment::PathFragment,
    judge::Judge,
};

/// One way to the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UplinkPath {
    /// What technicians and the hub call it.
    pub name: String,
    /// Where the broker is on it.
    pub broker: Broker,
    /// How it leaves the box.
    pub exit: Exit,
    /// Every byte costs: only what is urgent goes over it.
    pub metered: bool,
    /// How often it is tested while it is not in use and works.
    pub test_every: Duration,
}

/// How connections leave the box.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// As its routing table says.
    Any,
    /// Through this network interface, whatever the routing table says.
    Interface(String),
    /// From this address of the box, so that a rule of its routing can tell it apart.
    Source(IpAddr),
}

const TEST_EVERY_MIN: u64 = 10;
const METERED_TEST_EVERY_MIN: u64 = 6 * 60;
/// `IFNAMSIZ` of Linux, without the NUL at the end.
const LONGEST_INTERFACE: usize = 15;

impl UplinkPath {
    /// The only one, where none is configured.
    fn only(broker: Broker) -> Self {
        let test_every = minutes(TEST_EVERY_MIN);
        Self { name: "uplink".to_owned(), broker, exit: Exit::Any, metered: false, test_every }
    }
}

/// The paths that stand every test; `broker` is for those that name none.
pub(super) fn of_fragments(
    from: &[PathFragment],
    broker: &Broker,
    judge: &mut Judge<'_>,
) -> Option<Vec<UplinkPath>> {
    if from.is_empty() {
        return Some(vec![UplinkPath::only(broker.clone())]);
    }
    let (mut names, mut exits) = (HashMap::new(), HashMap::new());
    let mut paths = Vec::new();
    for from in from {
        let Some(path) = path(from, broker, &mut names, judge) else { continue };
        let way = (path.exit.clone(), path.broker.to_string());
        if let Some(first) = exits.insert(way, path.name.clone()) {
            let problem = Problem::SamePath { first };
            judge.fault::<()>(&from.place, "path", problem);
        }
        paths.push(path);
    }
    if paths.len() == from.len() && paths.iter().all(|path| path.metered) {
        let place = from.first().map(|path| path.place.clone())?;
        return judge.fault(&place, "path.metered", Problem::AllMetered);
    }
    (paths.len() == from.len()).then_some(paths)
}

fn path(
    from: &PathFragment,
    broker: &Broker,
    names: &mut HashMap<String, Place>,
    judge: &mut Judge<'_>,
) -> Option<UplinkPath> {
    let name = name(from, names, judge);
    let broker = match &from.broker {
        None => Some(broker.clone()),
        Some(given) => given.as_ref().ok().and_then(|text| judge.parse(text, "path.broker")),
    };
    let exit = exit(from, judge);
    let metered = given(&from.metered).is_some_and(|metered| metered.value);
    let default = if metered { METERED_TEST_EVERY_MIN } else { TEST_EVERY_MIN };
    let test_every = judge.number_or(&from.test_every_min, "path.test_every_min", 1..=10_080, default);
    Some(UplinkPath { name: name?, broker: broker?, exit: exit?, metered, test_every: minutes(test_every?) })
}

fn name(from: &PathFragment, names: &mut HashMap<String, Place>, judge: &mut Judge<'_>) -> Option<String> {
    const KEY: &str = "path.name";
    let text = judge.required(&from.name, KEY, Some(&from.place), "name = \"broadband\"")?;
    // It goes where a device's name goes: logs, status, the hub.
    let name: DeviceId = judge.parse(text, KEY)?;
    if let Some(first) = names.insert(text.value.clone(), text.place.clone()) {
        return judge.fault(&text.place, KEY, Problem::RepeatedPath { got: text.value.clone(), first });
    }
    Some(name.to_string())
}

fn exit(from: &PathFragment, judge: &mut Judge<'_>) -> Option<Exit> {
    const INTERFACE: &str = "path.interface";
    const SOURCE: &str = "path.source";
    let text = |field: &Field<String>| match field {
        None => Some(None),
        Some(Ok(text)) => Some(Some(text.clone())),
        Some(Err(_)) => None,
    };
    match (text(&from.interface)?, text(&from.source)?) {
        (None, None) => Some(Exit::Any),
        (Some(Located { value, place }), None) => {
            let is_name = (1..=LONGEST_INTERFACE).contains(&value.len())
                && value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
            if is_name {
                return Some(Exit::Interface(value));
            }
            judge.fault(&place, INTERFACE, Problem::Interface { got: value })
        }
        (None, Some(Located { value, place })) => match value.parse() {
            Ok(address) => Some(Exit::Source(address)),
            Err(_) => judge.fault(&place, SOURCE, Problem::SourceAddress { got: value }),
        },
        (Some(_), Some(Located { place, .. })) => judge.fault(&place, SOURCE, Problem::InterfaceAndSource),
    }
}

const fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes.saturating_mul(60))
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("as the box routes"),
            Self::Interface(name) => write!(f, "through {name}"),
            Self::Source(address) => write!(f, "from {address}"),
        }
    }
}
