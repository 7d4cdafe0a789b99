//! When something was, as well as the hub knows: an anchor of the same boot mends what a clock that was not set showed.

use varde_wire::{BootId, Stamp, Trust, WallTime};

use crate::store::{AnchorPoint, Store, StoreError};

/// When something was.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mended {
    pub(crate) time: WallTime,
    pub(crate) trust: Trust,
    /// What the gateway's clock showed, if that was mended.
    pub(crate) clock: Option<WallTime>,
}

impl Mended {
    /// The moment so many milliseconds before it.
    pub(crate) fn minus(self, ms: u64) -> WallTime {
        let ms = i64::try_from(ms).unwrap_or(i64::MAX);
        WallTime::from_unix_millis(self.time.as_unix_millis().saturating_sub(ms))
    }
}

/// The anchors of the database. Neighbours in the output mostly need the same one.
pub(crate) struct Anchors<'s> {
    store: &'s Store,
    last: Option<(String, Stamp, Option<AnchorPoint>)>,
}

impl<'s> Anchors<'s> {
    /// Of this database.
    pub(crate) fn of(store: &'s Store) -> Self {
        Self { store, last: None }
    }

    /// When this gateway made this stamp.
    pub(crate) fn mend(&mut self, gateway: &str, stamp: &Stamp) -> Result<Mended, StoreError> {
        let as_shown = Mended { time: stamp.wall, trust: stamp.trust, clock: None };
        if stamp.trust == Trust::Synchronised {
            return Ok(as_shown);
        }
        let Some(anchor) = self.nearest(gateway, stamp.boot, stamp)? else { return Ok(as_shown) };
        let since = i64::try_from(anchor.uptime.as_millis()).unwrap_or(i64::MAX);
        let then = i64::try_from(stamp.uptime.as_millis()).unwrap_or(i64::MAX);
        let time = anchor.wall.as_unix_millis().saturating_sub(since.saturating_sub(then));
        Ok(Mended {
            time: WallTime::from_unix_millis(time),
            trust: Trust::Synchronised,
            clock: Some(stamp.wall),
        })
    }

    fn nearest(
        &mut self,
        gateway: &str,
        boot: BootId,
        stamp: &Stamp,
    ) -> Result<Option<AnchorPoint>, StoreError> {
        if let Some((of, known, anchor)) = &self.last
            && of == gateway
            && known.boot == boot
            && known.uptime <= stamp.uptime
            && anchor.is_none_or(|anchor| stamp.uptime <= anchor.uptime)
        {
            return Ok(*anchor);
        }
        let anchor = self.store.anchor(gateway, boot, stamp.uptime)?;
        self.last = Some((gateway.to_owned(), *stamp, anchor));
        Ok(anchor)
    }
}
