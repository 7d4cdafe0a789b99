//! Orders on their way to the devices of one line, which may be away for now.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};
use varde_drivers::Order;
use varde_wire::{Action, DeviceId, Indication, Outcome};

/// The mailbox of one line. Whoever commands posts; the line takes, and tells what became of each.
#[derive(Debug)]
pub struct Mailbox {
    orders: Mutex<Orders>,
    posted: Notify,
    outcomes: mpsc::Sender<Outcome>,
}

#[derive(Debug, Default)]
struct Orders {
    waiting: VecDeque<Order>,
    /// Taken by the session, and nothing final heard of it.
    given: Vec<Order>,
    /// How often something was to be shown.
    shown: u32,
}

/// Orders of the gateway itself have this bit in their numbers; the hub counts from 1.
const OWN: u64 = 1 << 63;

const fn is_own(number: u64) -> bool {
    number & OWN != 0
}

/// Where an order was when it was withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// No session ever had it.
    Unseen,
    /// A session had it, on a link that has ended.
    Seen,
}

impl Mailbox {
    /// An empty mailbox; outcomes go there.
    pub fn new(outcomes: mpsc::Sender<Outcome>) -> Self {
        Self { orders: Mutex::default(), posted: Notify::new(), outcomes }
    }

    /// Puts an order in.
    pub fn post(&self, order: Order) {
        self.orders().waiting.push_back(order);
        self.posted.notify_one();
    }

    /// Has a device show how its alarm stands. What it was to show before, and has not been told yet, is not worth telling.
    pub fn show(&self, device: &DeviceId, indication: Indication) {
        let mut orders = self.orders();
        orders.waiting.retain(|order| order.device != *device || !is_own(order.number));
        orders.shown = orders.shown.wrapping_add(1);
        let number = OWN | u64::from(orders.shown);
        let (device, action) = (device.clone(), Action::Indicate(indication));
        orders.waiting.push_back(Order { number, device, action, expires: None, is_repeat: false });
        drop(orders);
        self.posted.notify_one();
    }

    /// Waits for an order and takes it out. May be dropped and called again.
    pub async fn next(&self) -> Order {
        loop {
            if let Some(order) = self.take() {
                return order;
            }
            self.posted.notified().await;
        }
    }

    /// Tells what became of an order.
    pub async fn tell(&self, outcome: Outcome) {
        if outcome.stage.is_final() {
            self.orders().given.retain(|order| order.number != outcome.number);
        }
        if is_own(outcome.number) {
            return;
        }
        // It fails only where the gateway is stopping, and then the order is taken up at the next start.
        let _ = self.outcomes.send(outcome).await;
    }

    /// The line has ended, and its session with it: what is not finished waits for the next.
    pub fn line_ended(&self) {
        let mut orders = self.orders();
        while let Some(order) = orders.given.pop() {
            // To show something twice does no harm.
            orders.waiting.push_front(Order { is_repeat: !is_own(order.number), ..order });
        }
        drop(orders);
        self.posted.notify_one();
    }

    /// Takes an order back, unless a session has it now.
    pub fn withdraw(&self, number: u64) -> Option<Withdrawn> {
        let mut orders = self.orders();
        let place = orders.waiting.iter().position(|order| order.number == number)?;
        let order = orders.waiting.remove(place)?;
        Some(if order.is_repeat { Withdrawn::Seen } else { Withdrawn::Unseen })
    }

    fn take(&self) -> Option<Order> {
        let mut orders = self.orders();
        let order = orders.waiting.pop_front()?;
        orders.given.push(order.clone());
        Some(order)
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        // Every change is whole by itself, so a panic elsewhere does not spoil it.
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use varde_wire::{Cause, Stage};

    use super::*;

    fn order(number: u64) -> Order {
        let device = "dispenser-1".parse().unwrap();
        Order { number, device, action: Action::Identify, expires: None, is_repeat: false }
    }

    #[test]
    fn what_a_line_did_not_finish_is_given_to_the_next_in_its_order_and_marked() {
        let (sender, mut outcomes) = mpsc::channel(8);
        let mailbox = Mailbox::new(sender);
        for number in 1..=4 {
            mailbox.post(order(number));
        }
        let taken: Vec<_> = (0..3).map(|_| mailbox.next().now_or_never().unwrap()).collect();
        assert!(taken.iter().all(|order| !order.is_repeat));
        mailbox.tell(taken[0].outcome(Stage::Delivered, "")).now_or_never().unwrap();
        mailbox.tell(taken[1].outcome(Stage::Refused(Cause::Busy), "")).now_or_never().unwrap();
        assert_eq!(mailbox.withdraw(1), None, "a session has it");
        mailbox.line_ended();

        assert_eq!(mailbox.withdraw(3), Some(Withdrawn::Seen));
        let again: Vec<_> = std::iter::from_fn(|| mailbox.next().now_or_never()).collect();
        let seen: Vec<_> = again.iter().map(|order| (order.number, order.is_repeat)).collect();
        assert_eq!(seen, [(1, true), (4, false)]);
        assert_eq!([outcomes.try_recv().unwrap().number, outcomes.try_recv().unwrap().number], [1, 2]);
    }

    #[test]
    fn only_the_newest_indication_is_given_and_the_hub_hears_nothing_of_it() {
        let (sender, mut outcomes) = mpsc::channel(8);
        let mailbox = Mailbox::new(sender);
        let device = "dispenser-1".parse().unwrap();
        mailbox.post(order(1));
        mailbox.show(&device, Indication::HeardHere);
        mailbox.show(&device, Indication::Received);
        assert_eq!(mailbox.next().now_or_never().unwrap().number, 1);
        let shown = mailbox.next().now_or_never().unwrap();
        assert_eq!(shown.action, Action::Indicate(Indication::Received));
        mailbox.line_ended();
        assert!(mailbox.next().now_or_never().unwrap().is_repeat, "the hub's order comes first");
        let shown = mailbox.next().now_or_never().unwrap();
        assert!(!shown.is_repeat, "it is simply shown again");
        mailbox.tell(shown.outcome(Stage::Done, "")).now_or_never().unwrap();
        assert!(outcomes.try_recv().is_err());
    }

    #[test]
    fn an_order_that_nobody_took_can_be_withdrawn() {
        let mailbox = Mailbox::new(mpsc::channel(1).0);
        mailbox.post(order(1));
        assert_eq!(mailbox.withdraw(1), Some(Withdrawn::Unseen));
        assert!(mailbox.next().now_or_never().is_none());
    }
}
