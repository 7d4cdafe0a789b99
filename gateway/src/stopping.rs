//! The news that the daemon stops, for those who have something to finish before the store does.

use tokio::sync::watch;

/// Says it; so does its end.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// Hears it.
#[derive(Clone, Debug)]
pub struct Stopping(watch::Receiver<bool>);

/// Who says it, and who hears it.
pub fn stopping() -> (Stop, Stopping) {
    let (stop, stopping) = watch::channel(false);
    (Stop(stop), Stopping(stopping))
}

impl Stop {
    /// The daemon stops.
    pub fn now(&self) {
        self.0.send_replace(true);
    }
}

impl Stopping {
    /// Waits until the daemon stops.
    pub async fn begun(&self) {
        // Where nobody is left to say it, it does.
        let _ = self.0.clone().wait_for(|stopping| *stopping).await;
    }

    /// What comes of the work; none where the daemon stops before it is done, and the work is given up.
    pub async fn unless<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.begun() => None,
            done = work => Some(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn work_is_given_up_when_the_daemon_stops_and_not_before() {
        let (stop, stopping) = stopping();
        assert_eq!(stopping.unless(async { 1 }).now_or_never(), Some(Some(1)));
        assert_eq!(stopping.unless(pending::<()>()).now_or_never(), None);
        stop.now();
        assert_eq!(stopping.unless(pending::<()>()).now_or_never(), Some(None));
        drop(stop);
        assert_eq!(stopping.unless(async { 1 }).now_or_never(), Some(None));
    }
}
