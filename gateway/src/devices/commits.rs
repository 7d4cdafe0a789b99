//! What a line has handed over and does not yet know to be kept.

use tokio::sync::oneshot;
use varde_wire::DeviceId;

use crate::store::Memory;

/// How many commits are looked at together, so that a line that never asks does not hoard them.
const SWEEP: usize = 64;

/// The commits that a session may ask about.
#[derive(Debug)]
pub struct Commits {
    /// What the store gave as [`losses`](crate::store::Store::losses) before anything was handed over.
    losses: u64,
    waiting: Vec<oneshot::Receiver<()>>,
    failed: bool,
    asked: bool,
}

impl Commits {
    /// Nothing was handed over yet to a store that gives this as its [`losses`](crate::store::Store::losses).
    pub const fn new(losses: u64) -> Self {
        Self { losses, waiting: Vec::new(), failed: false, asked: false }
    }

    /// What a session wants to remember of a device, and of what was handed over.
    pub fn memory(&self, device: DeviceId, bytes: Vec<u8>) -> Memory {
        Memory { device, bytes, losses: self.losses }
    }

    /// Something was handed over.
    pub fn add(&mut self, committed: oneshot::Receiver<()>) {
        self.waiting.push(committed);
        if self.waiting.len() >= SWEEP {
            let failed = &mut self.failed;
            self.waiting.retain_mut(|waiting| match waiting.try_recv() {
                Ok(()) => false,
                Err(oneshot::error::TryRecvError::Empty) => true,
                Err(oneshot::error::TryRecvError::Closed) => {
                    *failed = true;
                    false
                }
            });
        }
    }

    /// The session asks to be told of everything so far.
    pub fn ask(&mut self) {
        self.asked = true;
    }

    /// Whether the session waits to be told.
    pub fn is_asked(&self) -> bool {
        self.asked
    }

    /// Waits until everything that was asked about is kept for good; for ever where something was not, or nothing
    /// was asked. May be dropped and called again.
    pub async fn kept(&mut self) {
        if !self.asked {
            std::future::pending::<()>().await;
        }
        while let Some(next) = self.waiting.last_mut() {
            self.failed |= next.await.is_err();
            self.waiting.pop();
        }
        self.asked = false;
        if std::mem::take(&mut self.failed) {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn only_what_is_all_kept_is_told_and_only_who_asked_is_told() {
        let mut commits = Commits::new(0);
        let (first, receiver) = oneshot::channel();
        commits.add(receiver);
        let (second, receiver) = oneshot::channel();
        commits.add(receiver);
        first.send(()).unwrap();
        second.send(()).unwrap();
        assert!(commits.kept().now_or_never().is_none(), "nobody asked");
        commits.ask();
        assert!(commits.kept().now_or_never().is_some());
        assert!(commits.kept().now_or_never().is_none(), "it was told");

        let (waits, receiver) = oneshot::channel();
        commits.add(receiver);
        commits.ask();
        assert!(commits.kept().now_or_never().is_none());
        drop(waits);
        assert!(commits.kept().now_or_never().is_none(), "it was lost");
    }

    #[test]
    fn a_loss_is_not_forgotten_by_the_sweep() {
        let mut commits = Commits::new(0);
        for number in 0..SWEEP * 3 {
            let (commit, receiver) = oneshot::channel();
            if number != 7 {
                commit.send(()).unwrap();
            }
            commits.add(receiver);
            assert!(commits.waiting.len() <= SWEEP);
        }
        commits.ask();
        assert!(commits.kept().now_or_never().is_none());
    }
}
