//! Between the heart and the uplink: room for one heartbeat, the newest.

use std::future::pending;

use tokio::sync::watch;
use varde_wire::SignedHeartbeat;

/// A heartbeat on its way out.
#[derive(Clone, Debug)]
pub struct Newest {
    /// Its bytes.
    pub signed: SignedHeartbeat,
    /// Whether the connection ends behind it.
    pub is_last: bool,
}

/// The heart's end.
#[derive(Debug)]
pub struct Giver {
    newest: watch::Sender<Option<Newest>>,
    connected: watch::Receiver<bool>,
}

/// The uplink's end.
#[derive(Debug)]
pub struct Taker {
    newest: watch::Receiver<Option<Newest>>,
    connected: watch::Sender<bool>,
}

/// Both ends.
pub fn slot() -> (Giver, Taker) {
    let ((newest, to_send), (tell, connected)) = (watch::channel(None), watch::channel(false));
    (Giver { newest, connected }, Taker { newest: to_send, connected: tell })
}

impl Giver {
    /// Puts a heartbeat in place of the one before.
    pub(super) fn give(&self, newest: Newest) {
        self.newest.send_replace(Some(newest));
    }

    /// Whether there is a connection.
    pub(super) fn is_connected(&self) -> bool {
        *self.connected.borrow()
    }

    /// Waits for a connection to come or to go, and gives whether there is one.
    pub(super) async fn changed(&mut self) -> bool {
        match self.connected.changed().await {
            Ok(()) => *self.connected.borrow_and_update(),
            // No uplink any more, and so no news of it.
            Err(_) => pending().await,
        }
    }

    /// Waits until there is no connection.
    pub(super) async fn gone(&mut self) {
        // Nor is there where nobody is left to tell.
        let _ = self.connected.wait_for(|connected| !connected).await;
    }
}

impl Taker {
    /// There is a connection. What was made for an earlier one is not for this.
    pub fn connected(&mut self) {
        self.newest.mark_unchanged();
        self.connected.send_replace(true);
    }

    /// There is none any more.
    pub fn disconnected(&self) {
        self.connected.send_replace(false);
    }

    /// Waits for a heartbeat that was not sent yet. Cancel-safe.
    pub async fn wait(&mut self) {
        if self.newest.changed().await.is_err() {
            pending().await
        }
    }

    /// The heartbeat to send.
    pub fn take(&self) -> Option<Newest> {
        self.newest.borrow().clone()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn only_the_newest_is_sent_and_none_of_an_earlier_connection() {
        let (mut giver, mut taker) = slot();
        let give = |giver: &Giver, byte| {
            giver.give(Newest { signed: SignedHeartbeat::from_bytes(vec![byte]), is_last: false });
        };
        give(&giver, 1);
        taker.connected();
        assert!(giver.changed().await && giver.is_connected());
        assert!(taker.wait().now_or_never().is_none(), "it was made before");
        give(&giver, 2);
        give(&giver, 3);
        taker.wait().await;
        assert_eq!(taker.take().unwrap().signed.as_bytes(), [3]);
        assert!(taker.wait().now_or_never().is_none(), "there is nothing newer");
        assert!(giver.gone().now_or_never().is_none());
        taker.disconnected();
        giver.gone().await;
        assert!(!giver.is_connected());
    }
}
