//! `varde-hub troubles`: what is wrong with devices, as their gateways told it. Many of one cause are one story.

use std::io::{self, Write};
use std::path::Path;

use serde::Serialize;
use varde_wire::GatewayId;

use crate::mending::Anchors;
use crate::store::{StandingCondition, StandingTrouble, Store};
use crate::{Error, clock};

/// A trouble, for programs.
#[derive(Serialize)]
struct Line {
    gateway: String,
    device: String,
    /// A trouble that its gateway found, or the event by which the device told it itself.
    trouble: String,
    /// What is behind it, where that is one story of many devices.
    #[serde(skip_serializing_if = "Option::is_none")]
    story: Option<String>,
    /// Since when it is so: for a missing device, when it was heard last.
    since: Option<String>,
    trust: &'static str,
    /// When it was told last.
    received: Option<String>,
}

/// Lists the troubles that stand, of all gateways or one.
///
/// # Errors
/// Where the gateway is not enrolled, the database cannot be read or `out` not be written.
pub fn list_troubles(
    database: &Path,
    gateway: Option<&GatewayId>,
    json: bool,
    out: &mut impl Write,
) -> Result<(), Error> {
    let store = Store::open_to_read(database)?;
    if let Some(gateway) = gateway
        && store.gateway(gateway)?.is_none()
    {
        return Err(Error::NotEnrolled(gateway.clone()));
    }
    let mut anchors = Anchors::of(&store);
    let mut lines = Vec::new();
    for standing in store.troubles(gateway.map(GatewayId::as_str))? {
        lines.push(line(standing, &mut anchors)?);
    }
    for standing in store.conditions(gateway.map(GatewayId::as_str))? {
        lines.push(line_of_condition(standing, &mut anchors)?);
    }
    // Of each gateway first its stories, then what stands by itself.
    lines.sort_by(|a, b| {
        let key = |line: &Line| (line.gateway.clone(), line.story.is_none(), line.story.clone());
        key(a).cmp(&key(b))
    });
    let write = |out: &mut dyn Write| -> io::Result<()> {
        if json {
            for line in &lines {
                serde_json::to_writer(&mut *out, line)?;
                writeln!(out)?;
            }
        } else {
            in_words(&lines, out)?;
        }
        out.flush()
    };
    write(out).map_err(Error::Output)
}

fn line(standing: StandingTrouble, anchors: &mut Anchors<'_>) -> Result<Line, Error> {
    let StandingTrouble { gateway, story, told, edge } = standing;
    let when = anchors.mend(&gateway, &told.stamp)?;
    Ok(Line {
        device: edge.device.to_string(),
        trouble: edge.trouble.name().to_owned(),
        story,
        since: clock::rfc3339(when.minus(edge.since_ms)),
        trust: when.trust.name(),
        received: clock::rfc3339(told.received),
        gateway,
    })
}

fn line_of_condition(standing: StandingCondition, anchors: &mut Anchors<'_>) -> Result<Line, Error> {
    let StandingCondition { gateway, device, condition, told } = standing;
    let when = anchors.mend(&gateway, &told.stamp)?;
    Ok(Line {
        device,
        trouble: condition,
        story: None,
        since: clock::rfc3339(when.time),
        trust: when.trust.name(),
        received: clock::rfc3339(told.received),
        gateway,
    })
}

/// A paragraph a gateway: first its stories, each with its devices, then what stands by itself.
fn in_words(lines: &[Line], out: &mut dyn Write) -> io::Result<()> {
    if lines.is_empty() {
        return writeln!(out, "no device is in trouble");
    }
    for of_gateway in lines.chunk_by(|a, b| a.gateway == b.gateway) {
        writeln!(out, "{}", of_gateway.first().map_or("", |line| &line.gateway))?;
        for block in of_gateway.chunk_by(|a, b| a.story == b.story) {
            let story = block.first().and_then(|line| line.story.as_deref());
            if let Some(story) = story {
                let devices = block.chunk_by(|a, b| a.device == b.device).count();
                let since = block.iter().filter_map(|line| line.since.as_deref()).min().unwrap_or_default();
                writeln!(out, "  {story} since {since}: {devices} devices")?;
            }
            let indent = if story.is_some() { "    " } else { "  " };
            for Line { device, trouble, since, .. } in block {
                let since = since.as_deref().unwrap_or_default();
                writeln!(out, "{indent}{device:<16} {trouble:<14} since {since}")?;
            }
        }
    }
    Ok(())
}
