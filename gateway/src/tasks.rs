//! The daemon's tasks. Where one ends before the daemon does, its work would stay undone without a word; so its end is
//! told, and the daemon ends by it, to be started again.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

/// Tasks that run beside each other.
#[derive(Debug, Default)]
pub struct Tasks(JoinSet<Option<TaskEnded>>);

/// A task ended that had no reason to.
#[derive(Debug, thiserror::Error)]
pub enum TaskEnded {
    /// It met with a fault in the program. The log says where, from the moment it happened.
    #[error(
        "{0}: a fault in the program, whose place is in the log just before; send both to those who maintain Varde"
    )]
    Panicked(String),
    /// Its work has no end, and yet it came to one.
    #[error("{0}: has ended by itself, as it does where the store has; the log before says why")]
    Returned(String),
}

impl Tasks {
    /// Starts a task that is to last as long as the daemon.
    pub fn spawn(&mut self, name: impl Into<String>, task: impl Future<Output = ()> + Send + 'static) {
        let name = name.into();
        self.0.spawn(async move {
            Some(match AssertUnwindSafe(task).catch_unwind().await {
                Ok(()) => TaskEnded::Returned(name),
                Err(_) => TaskEnded::Panicked(name),
            })
        });
    }

    /// Starts a task whose work has an end.
    pub fn spawn_finite(&mut self, name: &str, task: impl Future<Output = ()> + Send + 'static) {
        let name = name.to_owned();
        self.0.spawn(async move {
            AssertUnwindSafe(task).catch_unwind().await.err().map(|_| TaskEnded::Panicked(name))
        });
    }

    /// Waits until a task has ended that had no reason to; for ever where none does.
    pub async fn failed(&mut self) -> TaskEnded {
        while let Some(ended) = self.0.join_next().await {
            if let Ok(Some(ended)) = ended {
                return ended;
            }
        }
        std::future::pending().await
    }

    /// Waits until all have ended.
    pub async fn ended(&mut self) {
        while self.0.join_next().await.is_some() {}
    }

    /// Ends those that still run, wherever they are.
    pub async fn shutdown(mut self) {
        self.0.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn the_end_of_a_task_that_has_none_is_told() {
        let mut tasks = Tasks::default();
        tasks.spawn("uplink", pending());
        tasks.spawn("clock", async {});
        assert!(matches!(tasks.failed().await, TaskEnded::Returned(name) if name == "clock"));
        assert!(tasks.failed().now_or_never().is_none(), "the other one runs");
        tasks.shutdown().await;
    }

    #[tokio::test]
    async fn a_panic_is_told_whatever_the_task() {
        let mut tasks = Tasks::default();
        tasks.spawn("uplink", pending());
        tasks.spawn("port /dev/ttyUSB0", async { panic!("a fault") });
        assert!(matches!(tasks.failed().await, TaskEnded::Panicked(name) if name == "port /dev/ttyUSB0"));
        tasks.spawn_finite("integrity check", async { panic!("another") });
        assert!(matches!(tasks.failed().await, TaskEnded::Panicked(name) if name == "integrity check"));
    }

    #[tokio::test]
    async fn a_task_with_an_end_may_come_to_it() {
        let mut tasks = Tasks::default();
        assert!(tasks.failed().now_or_never().is_none(), "there is none");
        tasks.spawn("uplink", pending());
        tasks.spawn_finite("integrity check", async {});
        tokio::task::yield_now().await;
        assert!(tasks.failed().now_or_never().is_none());
    }
}
