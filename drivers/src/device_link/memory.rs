//! What the gateway keeps of a device over its own restarts: numbers of events, requests and plans, which states were
//! told, and the plan with the doses of which nothing is known yet. A plan says something of a person: whoever keeps
//! this seals it.

use varde_device_link::{Dose, DoseWatch, Due, Plan, PlanHead, Remembered};

use super::dose::Doses;

/// How many orders' numbers are kept: as many as can wait to be told to the hub.
const ORDERS: usize = 8;

/// The first byte. Before the second there was no plan in it.
const FORMAT: u8 = 2;

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// The link's own.
    pub(super) link: Option<Remembered>,
    /// Which states were told and not yet taken back.
    pub(super) told: u8,
    /// The version of the plan that the device was given last.
    pub(super) given: Option<u32>,
    /// Under which numbers the device was asked for the last orders.
    orders: Vec<Asked>,
    /// The plan that the device runs, as far as it was seen.
    pub(super) plan: Option<Plan>,
    /// Its doses.
    pub(super) doses: Doses,
}

/// As postcard writes it, behind the format.
type Written<Watch, Listed> = (
    // Log, events through, requests through.
    Option<(u32, u32, u32)>,
    u8,
    Option<u32>,
    // Order, request.
    Vec<(u64, u32)>,
    Option<(PlanHead, Listed)>,
    Watch,
    Vec<Due>,
);

/// An order's number, and the number that the device knows it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    order: u64,
    request: u32,
}

impl Memory {
    /// The number under which the device was asked for this order.
    pub(super) fn request(&self, order: u64) -> Option<u32> {
        self.orders.iter().find(|asked| asked.order == order).map(|asked| asked.request)
    }

    /// The device is asked for this order under this number.
    pub(super) fn asks(&mut self, order: u64, request: u32) {
        self.orders.retain(|asked| asked.order != order);
        if self.orders.len() >= ORDERS {
            self.orders.remove(0);
        }
        self.orders.push(Asked { order, request });
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let (watch, late) = self.doses.kept();
        let written: Written<&DoseWatch, &[Dose]> = (
            self.link.map(|link| (link.log, link.events_through, link.requests_through)),
            self.told,
            self.given,
            self.orders.iter().map(|asked| (asked.order, asked.request)).collect(),
            self.plan.as_ref().map(|plan| (*plan.head(), plan.doses())),
            watch,
            late,
        );
        // There is nothing in it that cannot be written.
        postcard::to_allocvec(&(FORMAT, written)).unwrap_or_default()
    }

    /// What was kept; none where the bytes are of no format that is known.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (FORMAT, rest) = bytes.split_first().map(|(first, rest)| (*first, rest))? else { return None };
        let (written, rest) = postcard::take_from_bytes::<Written<DoseWatch, Vec<Dose>>>(rest).ok()?;
        let (link, told, given, orders, plan, watch, late) = written;
        if !rest.is_empty() || orders.len() > ORDERS {
            return None;
        }
        let plan = match plan {
            Some((head, doses)) => Some(Plan::new(head, &doses).ok()?),
            None => None,
        };
        let link = link.map(|(log, events_through, requests_through)| Remembered {
            log,
            events_through,
            requests_through,
        });
        let orders = orders.into_iter().map(|(order, request)| Asked { order, request }).collect();
        Some(Self { link, told, given, orders, plan, doses: Doses::of(watch, late) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use varde_device_link::Zone;

    use super::*;

    proptest! {
        #[test]
        fn what_is_kept_comes_back(
            link in any::<Option<[u32; 3]>>(),
            told: u8,
            given: Option<u32>,
            orders in prop::collection::vec(any::<(u64, u32)>(), 0..20),
            minutes in prop::collection::vec(0_u16..1440, 0..=64),
            days in 0_u64..40,
        ) {
            let link = link.map(|[log, events_through, requests_through]| Remembered { log, events_through, requests_through });
            let mut memory = Memory { link, told, given, ..Memory::default() };
            for (order, request) in &orders {
                memory.asks(*order, *request);
            }
            let dose = |(id, minute): (u16, &u16)| Dose { id, minute: *minute, weekdays: 127, window_min: 30, compartment: None, count: 1 };
            let doses: Vec<_> = (1..).zip(&minutes).map(dose).collect();
            let head = PlanHead { version: 7, doses: 0, valid_from: None, valid_until: None, travel_until_s: None, pause_until_s: None };
            memory.plan = Some(Plan::new(head, &doses).unwrap());
            for now_s in [0, days * 86_400] {
                memory.doses.follow(memory.plan.as_ref(), &Zone::default(), now_s);
            }
            while memory.doses.not_confirmed(0).is_some() {}

            prop_assert_eq!(orders.last().map(|last| last.1), orders.last().and_then(|last| memory.request(last.0)));
            let bytes = memory.encode();
            prop_assert!(bytes.len() < 16_384, "{} bytes", bytes.len());
            let (watch, late) = memory.doses.kept();
            let doses = Doses::of(watch.clone(), late);
            prop_assert_eq!(Memory::decode(&bytes), Some(Memory { doses, ..memory }));
        }

        #[test]
        fn any_bytes_are_a_memory_or_none(mut bytes: Vec<u8>) {
            let _ = Memory::decode(&bytes);
            bytes.insert(0, FORMAT);
            let _ = Memory::decode(&bytes);
        }
    }
}
