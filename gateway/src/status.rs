//! The snapshot as a page for a technician.

use std::fmt::Write as _;

use crate::snapshot::Snapshot;

/// The page.
pub fn page(snapshot: &Snapshot) -> String {
    let mut page = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut page, snapshot);
    page
}

fn write(page: &mut String, snapshot: &Snapshot) -> std::fmt::Result {
    let Snapshot { version, gateway, uptime_s, clock_trust, uplink, lanes, devices, disk, .. } = snapshot;
    let Snapshot { open_alarms, faults, counts, .. } = snapshot;
    writeln!(page, "gateway   {gateway}, version {version}, up {}", span(*uptime_s))?;
    writeln!(page, "clock     {clock_trust}")?;
    write!(page, "uplink    {} since {}", uplink.state, uplink.since)?;
    match &uplink.reason {
        Some(reason) => writeln!(page, ": {reason}")?,
        None => writeln!(page)?,
    }
    for path in &uplink.paths {
        write!(page, "path      {}: {} since {}", path.name, path.state, path.since)?;
        match &path.reason {
            Some(reason) => writeln!(page, ": {reason}")?,
            None => writeln!(page)?,
        }
    }
    let megabytes = |bytes: u64| bytes / 1_000_000;
    write!(page, "disk      {}, outbox {} MB", disk.state, megabytes(disk.outbox_bytes))?;
    match disk.free_bytes {
        Some(free) => writeln!(page, ", {} MB free", megabytes(free))?,
        None => writeln!(page)?,
    }
    for (name, lane) in lanes.iter().rev() {
        write!(
            page,
            "{name:9} {} committed, {} in flight, {} released",
            lane.committed, lane.in_flight, lane.released
        )?;
        match lane.oldest_age_s {
            Some(age) => writeln!(page, ", the oldest waits for {}", span(age))?,
            None => writeln!(page)?,
        }
    }
    if *open_alarms > 0 {
        writeln!(page, "alarms    {open_alarms} open")?;
    }
    if !devices.is_empty() {
        writeln!(
            page,
            "\n{:24} {:10} {:26} {:>8} {:>12}",
            "device", "link", "last heard", "battery", "observations"
        )?;
    }
    for (name, device) in devices {
        let heard = device.last_heard.as_deref().unwrap_or("never");
        let battery = device.battery_percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent} %"));
        let link = if device.missing { "MISSING" } else { &device.link };
        write!(page, "{name:24} {link:10} {heard:26} {battery:>8} {:>12}", device.observations)?;
        match device.refused_frames {
            0 => writeln!(page)?,
            refused => writeln!(page, "  {refused} frames refused")?,
        }
    }
    if !faults.is_empty() {
        writeln!(page, "\nfaults")?;
    }
    for fault in faults {
        writeln!(page, "  {} since {}: {}", fault.what, fault.since, fault.message)?;
    }
    if !counts.is_empty() {
        writeln!(page, "\ncounted since the start")?;
    }
    for (what, count) in counts {
        writeln!(page, "  {count:>8}  {what}")?;
    }
    Ok(())
}

fn span(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86400, seconds % 86400 / 3600),
    }
}
