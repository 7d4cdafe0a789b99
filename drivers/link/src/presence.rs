//! What is known of the devices in reach: who was heard, who hung up, and whether the radio is still there.
//!
//! One task writes it from BlueZ's signals; a [`Central`](crate::Central) and its links wait on it. It holds at
//! most one sighting for each wanted device, and a bounded number of advertisements, so a busy radio cannot fill the
//! memory.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tokio::sync::watch;

use crate::{Address, Advertisement, CentralEvent, LinkError};

#[derive(Debug)]
pub(crate) struct Presence(watch::Sender<State>);

/// How many advertisements wait at the most; then the oldest of whoever has most waiting go.
const MOST_ADVERTISEMENTS: usize = 256;

#[derive(Debug)]
struct State {
    wanted: BTreeSet<Address>,
    /// Oldest first, each device at most once.
    sighted: VecDeque<CentralEvent>,
    /// Of devices that say everything in them, oldest first.
    advertised: VecDeque<Advertisement>,
    /// Advertisements that went unread.
    overrun: u64,
    /// The devices that a link holds or is connecting to.
    engaged: BTreeMap<Address, Line>,
    /// Why nothing will be heard any more.
    lost: Option<LinkError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Held,
    HungUp,
}

impl Presence {
    pub(crate) fn new(wanted: BTreeSet<Address>) -> Self {
        let state = State {
            wanted,
            sighted: VecDeque::new(),
            advertised: VecDeque::new(),
            overrun: 0,
            engaged: BTreeMap::new(),
            lost: None,
        };
        Self(watch::Sender::new(state))
    }

    /// A device is near. One that a link holds is known to be.
    pub(crate) fn sighted(&self, address: Address, at_ms: u64) {
        self.0.send_if_modified(|state| {
            let known = |event: &CentralEvent| matches!(event, CentralEvent::Sighted { address: other, .. } if *other == address);
            let news = state.wanted.contains(&address)
                && !state.engaged.contains_key(&address)
                && !state.sighted.iter().any(known);
            if news {
                state.sighted.push_back(CentralEvent::Sighted { address, at_ms });
            }
            news
        });
    }

    /// A device said something in an advertisement.
    pub(crate) fn advertised(&self, advertisement: Advertisement) {
        self.0.send_modify(|state| {
            if state.advertised.len() >= MOST_ADVERTISEMENTS {
                state.make_room();
                state.overrun = state.overrun.saturating_add(1);
            }
            state.advertised.push_back(advertisement);
        });
    }

    /// How many advertisements went because nobody read them in time.
    pub(crate) fn overrun(&self) -> u64 {
        self.0.borrow().overrun
    }

    /// A device's connection ended.
    pub(crate) fn hung_up(&self, address: Address) {
        self.0.send_if_modified(|state| match state.engaged.get_mut(&address) {
            Some(line) => std::mem::replace(line, Line::HungUp) == Line::Held,
            None => false,
        });
    }

    /// The radio is gone. The first reason stands.
    pub(crate) fn lost(&self, why: LinkError) {
        self.0.send_if_modified(|state| {
            let first = state.lost.is_none();
            state.lost.get_or_insert(why);
            first
        });
    }

    /// The next sighting. Cancel-safe: what is not returned stays.
    pub(crate) async fn next(&self) -> Result<CentralEvent, LinkError> {
        let mut changes = self.0.subscribe();
        loop {
            let mut event = None;
            self.0.send_if_modified(|state| {
                event = match &state.lost {
                    Some(why) => Some(Err(why.clone())),
                    // A meter is near for seconds, and a sensor says the same again.
                    None => {
                        let sighted = state.sighted.pop_front();
                        let advertised = || state.advertised.pop_front().map(CentralEvent::Advertised);
                        sighted.or_else(advertised).map(Ok)
                    }
                };
                false
            });
            match event {
                Some(event) => return event,
                // `self` holds the sender, so the channel cannot be closed.
                None => drop(changes.changed().await),
            }
        }
    }

    /// Takes the device for one link.
    pub(crate) fn engage(&self, address: Address) -> Result<(), LinkError> {
        let mut engaged = Ok(());
        self.0.send_if_modified(|state| {
            engaged = match (&state.lost, state.engaged.entry(address)) {
                (Some(why), _) => Err(why.clone()),
                (None, Entry::Occupied(_)) => Err(LinkError::InUse { address }),
                (None, Entry::Vacant(place)) => {
                    place.insert(Line::Held);
                    Ok(())
                }
            };
            false
        });
        engaged
    }

    /// Gives the device free for the next link.
    pub(crate) fn release(&self, address: Address) {
        self.0.send_if_modified(|state| {
            state.engaged.remove(&address);
            false
        });
    }

    /// Waits until an engaged device's line has ended. Cancel-safe.
    pub(crate) async fn ended(&self, address: Address) -> LinkError {
        let mut changes = self.0.subscribe();
        loop {
            if let Some(why) = changes.borrow_and_update().ended(address) {
                return why;
            }
            drop(changes.changed().await);
        }
    }
}

impl State {
    /// The chattiest device pays: a pendant's single press must not go for a thermometer's next word.
    fn make_room(&mut self) {
        let mut waiting = BTreeMap::new();
        for advertisement in &self.advertised {
            *waiting.entry(advertisement.address).or_insert(0_usize) += 1;
        }
        let chattiest = waiting.into_iter().max_by_key(|(_, count)| *count).map(|(address, _)| address);
        if let Some(oldest) = self.advertised.iter().position(|a| Some(a.address) == chattiest) {
            self.advertised.remove(oldest);
        }
    }

    fn ended(&self, address: Address) -> Option<LinkError> {
        match (&self.lost, self.engaged.get(&address)) {
            (Some(why), _) => Some(why.clone()),
            (None, Some(Line::Held)) => None,
            (None, Some(Line::HungUp) | None) => Some(LinkError::Disconnected { address }),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const CUFF: Address = Address([1; 6]);
    const SCALE: Address = Address([2; 6]);
    const STRANGER: Address = Address([3; 6]);

    fn presence() -> Presence {
        Presence::new([CUFF, SCALE].into())
    }

    fn sighting(address: Address, at_ms: u64) -> Option<Result<CentralEvent, LinkError>> {
        Some(Ok(CentralEvent::Sighted { address, at_ms }))
    }

    #[test]
    fn a_chatty_device_is_one_sighting_and_never_hides_another() {
        let presence = presence();
        for at_ms in 0..1000 {
            presence.sighted(CUFF, at_ms);
            presence.sighted(STRANGER, at_ms);
        }
        presence.sighted(SCALE, 1000);
        assert_eq!(presence.next().now_or_never(), sighting(CUFF, 0));
        presence.sighted(CUFF, 1001);
        assert_eq!(presence.next().now_or_never(), sighting(SCALE, 1000));
        assert_eq!(presence.next().now_or_never(), sighting(CUFF, 1001));
        assert_eq!(presence.next().now_or_never(), None);
    }

    #[test]
    fn advertisements_that_nobody_reads_make_room_for_newer_ones_and_are_counted() {
        let presence = presence();
        let of = |address, at_ms| Advertisement { address, at_ms, chunks: Vec::new() };
        presence.advertised(of(STRANGER, 0));
        for number in 1..300 {
            presence.advertised(of(SCALE, number));
        }
        presence.sighted(CUFF, 300);
        assert_eq!(presence.next().now_or_never(), sighting(CUFF, 300), "a meter does not wait for sensors");
        for oldest in [of(STRANGER, 0), of(SCALE, 45)] {
            assert_eq!(
                presence.next().now_or_never(),
                Some(Ok(CentralEvent::Advertised(oldest))),
                "the chattiest pays"
            );
        }
        assert_eq!(presence.overrun(), 44);
    }

    #[tokio::test]
    async fn a_sighting_wakes_who_waits_for_it() {
        let presence = presence();
        let (event, ()) = tokio::join!(presence.next(), async { presence.sighted(CUFF, 1) });
        assert_eq!(event, Ok(CentralEvent::Sighted { address: CUFF, at_ms: 1 }));
    }

    #[tokio::test]
    async fn a_device_belongs_to_one_link_at_a_time_and_is_not_sighted_meanwhile() {
        let presence = presence();
        presence.engage(CUFF).unwrap();
        assert_eq!(presence.engage(CUFF), Err(LinkError::InUse { address: CUFF }));
        presence.sighted(CUFF, 1);
        assert_eq!(presence.next().now_or_never(), None);
        presence.release(CUFF);
        presence.sighted(CUFF, 2);
        assert_eq!(presence.next().now_or_never(), sighting(CUFF, 2));
        presence.engage(CUFF).unwrap();
    }

    #[tokio::test]
    async fn a_hang_up_ends_the_line_of_that_device_alone() {
        let presence = presence();
        presence.engage(CUFF).unwrap();
        presence.engage(SCALE).unwrap();
        let (ended, ()) = tokio::join!(presence.ended(CUFF), async { presence.hung_up(CUFF) });
        assert_eq!(ended, LinkError::Disconnected { address: CUFF });
        assert_eq!(presence.ended(SCALE).now_or_never(), None);
    }

    #[tokio::test]
    async fn a_lost_radio_ends_everything_for_its_first_reason() {
        let presence = presence();
        presence.engage(CUFF).unwrap();
        presence.sighted(SCALE, 1);
        let why = LinkError::AdapterOff { adapter: "hci0".into() };
        presence.lost(why.clone());
        presence.lost(LinkError::AdapterAbsent);
        assert_eq!(presence.next().await, Err(why.clone()));
        assert_eq!(presence.ended(CUFF).await, why.clone());
        assert_eq!(presence.engage(SCALE), Err(why));
    }
}
