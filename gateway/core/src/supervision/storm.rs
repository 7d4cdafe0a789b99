//! Many troubles of one cause become one story.
//!
//! An edge waits [`GATHERING`] for others of its cause. If so many devices fell into trouble within [`STORM_WINDOW`]
//! that one cause is likelier than many, they are told as one story, and what happens to its devices afterwards as its
//! continuation, at most once in each [`GATHERING`]. The story is over when every one of them is well, or
//! [`AFTERMATH`] after the first was: then it says who is still out, because one dead pendant among forty that came
//! back is what must not be overlooked. No edge is ever dropped, changed or told twice.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use varde_wire::{Change, DeviceId, Instant, Phase, Trouble};

use super::trouble::Edge;
use super::{Cause, Finding, Story};

/// How long an edge waits for others of its cause.
pub const GATHERING: Duration = Duration::from_mins(1);

/// Devices that fall into trouble within this time may have one cause.
pub const STORM_WINDOW: Duration = Duration::from_mins(10);

/// How many of them make it likely.
pub const STORM_DEVICES: usize = 3;

/// After the first device of a story is well, the others are given so much time to follow.
pub const AFTERMATH: Duration = Duration::from_mins(30);

type Key = (DeviceId, Trouble);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Storm {
    /// Waiting for others.
    gathered: Vec<Edge>,
    flush: Option<Instant>,
    /// Who is in trouble of this cause, and since when it has been certain.
    out: BTreeMap<Key, Instant>,
    story: Option<Open>,
}

/// A story that is being told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Open {
    /// Who of it is still in trouble.
    members: BTreeSet<Key>,
    /// When it is closed though some are.
    closes: Option<Instant>,
}

impl Storm {
    /// Whether a story of this cause is being told, or may begin with what has been gathered.
    pub(super) fn is_brewing(&self) -> bool {
        self.story.is_some() || self.gathered.iter().any(|edge| edge.change == Change::Began)
    }

    /// Whether this trouble was given to this cause.
    pub(super) fn holds(&self, device: &DeviceId, trouble: Trouble) -> bool {
        self.out.keys().any(|(d, t)| d == device && *t == trouble)
            || self.gathered.iter().any(|edge| edge.device == *device && edge.trouble == trouble)
    }

    pub(super) fn gather(&mut self, edge: Edge, now: Instant) {
        self.gathered.push(edge);
        self.flush.get_or_insert(now.after(GATHERING));
    }

    pub(super) fn due(&self) -> Option<Instant> {
        let closes = self.story.as_ref().and_then(|story| story.closes);
        [self.flush, closes].into_iter().flatten().min()
    }

    pub(super) fn tell(&mut self, cause: Cause, now: Instant, findings: &mut VecDeque<Finding>) {
        let closing = self.story.as_ref().is_some_and(|story| story.closes.is_some_and(|at| at <= now));
        if self.flush.is_none_or(|at| now < at) && !closing {
            return;
        }
        self.flush = None;
        let edges = std::mem::take(&mut self.gathered);
        for edge in &edges {
            let key = (edge.device.clone(), edge.trouble);
            match edge.change {
                Change::Began | Change::Lasts => self.out.insert(key, edge.at),
                Change::Over => self.out.remove(&key),
            };
        }
        let began = self.begins(&edges, now);
        let Some(story) = &mut self.story else {
            findings.extend(edges.into_iter().map(Finding::Single));
            return;
        };
        let (ours, others): (Vec<Edge>, Vec<Edge>) =
            edges.into_iter().partition(|edge| began || story.takes(edge, now));
        findings.extend(others.into_iter().map(Finding::Single));
        let over = story.members.is_empty() || closing;
        let phase = match (began, over) {
            (true, _) => Phase::Began,
            (false, true) => Phase::Over,
            (false, false) => Phase::GoesOn,
        };
        let out = story.members.iter().map(|(device, _)| device.clone()).collect();
        if over {
            self.story = None;
        }
        if phase != Phase::GoesOn || !ours.is_empty() {
            findings.push_back(Finding::Story(Story { cause, phase, edges: ours, out, at: now }));
        }
    }

    /// Begins a story where enough devices fell into trouble lately.
    fn begins(&mut self, edges: &[Edge], now: Instant) -> bool {
        if self.story.is_some() || !edges.iter().any(|edge| edge.change == Change::Began) {
            return false;
        }
        let recent: BTreeSet<Key> = self
            .out
            .iter()
            .filter(|(_, began)| now.since(**began) <= STORM_WINDOW)
            .map(|(key, _)| key.clone())
            .collect();
        let devices: BTreeSet<&DeviceId> = recent.iter().map(|(device, _)| device).collect();
        if devices.len() < STORM_DEVICES {
            return false;
        }
        self.story = Some(Open { members: recent, closes: None });
        true
    }
}

impl Open {
    /// Takes an edge into the story, if it is one of its own.
    fn takes(&mut self, edge: &Edge, now: Instant) -> bool {
        let key = (edge.device.clone(), edge.trouble);
        match edge.change {
            Change::Began | Change::Lasts => self.members.insert(key),
            Change::Over => {
                let member = self.members.remove(&key);
                if member {
                    self.closes.get_or_insert(now.after(AFTERMATH));
                }
                member
            }
        }
    }
}
