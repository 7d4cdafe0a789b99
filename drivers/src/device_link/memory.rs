//! What the gateway keeps of a device over its own restarts. It is not sealed, and tells nothing of a person: numbers
//! of events, requests and plans, and which states were told.

use varde_device_link::Remembered;

/// How many orders' numbers are kept: as many as can wait to be told to the hub.
const ORDERS: usize = 8;

const FORMAT: u8 = 1;

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    /// The link's own.
    pub(super) link: Option<Remembered>,
    /// Which states were told and not yet taken back.
    pub(super) told: u8,
    /// The version of the plan that the device was given last.
    pub(super) plan: Option<u32>,
    /// Under which numbers the device was asked for the last orders.
    orders: Vec<Asked>,
}

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
        let link = self.link.unwrap_or_default();
        let mut bytes = vec![FORMAT, u8::from(self.link.is_some()), self.told, u8::from(self.plan.is_some())];
        for number in [link.log, link.events_through, link.requests_through, self.plan.unwrap_or_default()] {
            bytes.extend(number.to_be_bytes());
        }
        for asked in &self.orders {
            bytes.extend(asked.order.to_be_bytes());
            bytes.extend(asked.request.to_be_bytes());
        }
        bytes
    }

    /// What was kept; none where the bytes are of no format that is known.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let ([FORMAT, has_link, told, has_plan], rest) = bytes.split_first_chunk()? else { return None };
        let (numbers, rest) = rest.split_first_chunk::<16>()?;
        let (numbers, _) = numbers.as_chunks::<4>();
        let [log, events_through, requests_through, plan] = numbers else { return None };
        let link = Remembered {
            log: u32::from_be_bytes(*log),
            events_through: u32::from_be_bytes(*events_through),
            requests_through: u32::from_be_bytes(*requests_through),
        };
        let (asked, rest) = rest.as_chunks::<12>();
        let orders: Option<Vec<Asked>> = asked
            .iter()
            .map(|asked| {
                let (order, request) = asked.split_first_chunk::<8>()?;
                let request = request.first_chunk::<4>()?;
                Some(Asked { order: u64::from_be_bytes(*order), request: u32::from_be_bytes(*request) })
            })
            .collect();
        (rest.is_empty() && asked.len() <= ORDERS).then_some(Self {
            link: (*has_link == 1).then_some(link),
            told: *told,
            plan: (*has_plan == 1).then_some(u32::from_be_bytes(*plan)),
            orders: orders?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_kept_comes_back(link in any::<Option<[u32; 3]>>(), told: u8, plan: Option<u32>, orders in prop::collection::vec(any::<(u64, u32)>(), 0..20)) {
            let link = link.map(|[log, events_through, requests_through]| Remembered { log, events_through, requests_through });
            let mut memory = Memory { link, told, plan, orders: Vec::new() };
            for (order, request) in &orders {
                memory.asks(*order, *request);
            }
            prop_assert_eq!(orders.last().map(|last| last.1), orders.last().and_then(|last| memory.request(last.0)));
            prop_assert_eq!(Memory::decode(&memory.encode()), Some(memory));
        }

        #[test]
        fn any_bytes_are_a_memory_or_none(bytes: Vec<u8>) {
            let _ = Memory::decode(&bytes);
        }
    }
}
