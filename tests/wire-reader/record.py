"""docs/wire-format.md §7: the record, as it is under an entry's seal."""

import report
from postcard import Postcard
from refused import Refused

MOST_BYTES = 2048

TRUST = ["unset", "estimated", "synchronised"]
GAP_REASONS = ["disk", "corruption"]
ABSENCES = ["not-a-number", "not-at-this-resolution", "positive-infinity", "negative-infinity", "reserved"]
UNITS = [
    "mm[Hg]",
    "kPa",
    "/min",
    "%",
    "Cel",
    "kg",
    "mmol/L",
    "s",
    "dB[mW]",
    "[degF]",
    "g",
    "[lb_av]",
    "m",
    "mm",
    "[in_i]",
    "mg/dL",
    "mg/dL/min",
    "J",
    "kJ",
    "Ohm",
    "kg/m2",
    "ms",
    "min",
    "h",
    "d",
    "lx",
    "Pa",
    "hPa",
    "V",
    "A",
    "W",
    "kW.h",
    "m3",
    "m3/h",
    "L",
    "mL",
    "L/min",
    "m/s",
    "m/s2",
    "[g]",
    "deg",
    "deg/s",
    "dB[SPL]",
    "ug/m3",
    "g/m3",
    "[ppm]",
    "[ppb]",
    "uS/cm",
    "K",
    "Hz",
    "1",
    "kcal",
    "km",
    "mmol/L/min",
]
FLAGS = ["implausible", "questionable", "stored", "device-clock-unset", "intermediate", "test"]
EVENTS = [  # word, VKP, SCAIP
    ("safety-alarm", "3", None),
    ("button-pressed", "4.13", None),
    ("button-released", None, None),
    ("door-opened", "4.15", None),
    ("door-closed", "4.16", None),
    ("battery-low", "1.17", "0016"),
    ("battery-restored", None, None),
    ("technical-fault", "1.5", None),
    ("technical-restored", None, None),
    ("contact-lost", "1.20", None),
    ("contact-restored", None, None),
    ("battery-empty", "1.18", "0014"),
    ("mains-lost", "1.19", "0085"),
    ("mains-restored", None, "0086"),
    ("tamper", None, "0125"),
    ("tamper-cleared", None, None),
    ("pull-cord", "4.14", None),
    ("fall", "4.1", None),
    ("smoke", "4.11", None),
    ("smoke-cleared", None, None),
    ("gas", "4.11", None),
    ("gas-cleared", None, None),
    ("water", "4.17", None),
    ("water-cleared", None, None),
    ("motion", "4.18", None),
    ("motion-cleared", None, None),
    ("in-bed", "4.20", None),
    ("left-bed", "4.2", None),
    ("entered-room", "4.5", None),
    ("left-room", "4.6", None),
    ("device-fault", "1.5", None),
    ("device-fault-cleared", None, None),
    ("clock-wrong", None, None),
    ("clock-restored", None, None),
    ("command-refused", None, None),
    ("dose-dispensed", None, "0083"),
    ("dose-offered", None, None),
    ("dose-missed", "1.1", "0081"),
    ("dose-refused", "1.1", "0081"),
    ("dose-early", None, "0083"),
    ("dose-not-confirmed", "1.3", None),
    ("dose-without-medicine", "1.2", "0081"),
    ("dispenser-stuck", "1.8", None),
    ("dispenser-freed", None, None),
    ("medicine-nearly-empty", "1.12", None),
    ("medicine-empty", "1.13", None),
    ("medicine-refilled", None, None),
    ("drawer-full", "1.9", None),
    ("drawer-emptied", None, None),
    ("dispenser-opened", "1.21", None),
    ("dispenser-closed", None, None),
    ("broken-into", "1.22", None),
    ("no-schedule", "1.14", None),
    ("plan-differs", None, None),
    ("plan-restored", None, None),
    ("pre-alarm-started", None, None),
    ("pre-alarm-cancelled", None, None),
    ("message-acknowledged", None, None),
    ("message-not-read", "1.4", None),
    ("events-lost", None, None),
    ("software-changed", None, None),
    ("configuration-changed", None, None),
    ("seizure", "4.24", None),
]
STAGES = ["accepted", "delivered", "done", "refused", "expired"]
CAUSES = [
    "not-supported",
    "no-such-device",
    "unreachable",
    "busy",
    "unanswered",
    "device-refused",
    "invalid",
    "interrupted",
    "clock-unset",
    "cannot-open",
    "cannot-record",
    "out-of-order",
]


def decode(data):
    if len(data) > MOST_BYTES:
        raise Refused("a record that is too long")
    read = Postcard(data)
    read.version()
    said = {"stamp": stamp(read)}
    kinds = {
        "observation": observation,
        "gap": gap,
        "anchor": anchor,
        "in_context": in_context,
        "outcome": outcome,
        "report": lambda read: report.decode(read, [name for name, _, _ in EVENTS]),
    }
    kind = read.variant(list(kinds))
    said[kind] = kinds[kind](read)
    read.end()
    return said


def stamp(read):
    return {
        "boot": read.take(16).hex(),
        "uptime_ms": read.u64(),
        "wall_ms": read.i64(),
        "trust": read.variant(TRUST),
    }


def gap(read):
    return {
        "observations": read.u64(),
        "from": stamp(read),
        "to": stamp(read),
        "reason": read.variant(GAP_REASONS),
    }


def anchor(read):
    return {"moved_ms": read.i64()}


def observation(read):
    return {
        "device": read.device(),
        "metric": read.u32(),
        "value": value(read),
        "unit": read.option(lambda: read.variant(UNITS)),
        "device_time": read.option(lambda: local_time(read)),
        "user": read.option(read.u8),
        "flags": flags(read.u32()),
        "group": read.option(lambda: {"id": read.u64(), "member": read.u8(), "size": read.u8()}),
    }


def in_context(read):
    return observation(read) | {
        "context": {
            "person": read.option(read.device),
            "clock_offset_s": read.option(read.i32),
            "rssi_dbm": read.option(read.i8),
            "repeaters": read.option(read.u8),
        }
    }


def outcome(read):
    return {
        "number": read.u64(),
        "device": read.device(),
        "stage": stage(read),
        "note": read.text(1024),
    }


def stage(read):
    word = read.variant(STAGES)
    if word != "refused":
        return word
    cause = read.variant(CAUSES)
    return {word: {cause: {"highest": read.u64()}} if cause == "out-of-order" else cause}


def value(read):
    kind = read.variant(["decimal", "absent", "event", "bits", "text"])
    match kind:
        case "decimal":
            mantissa, exponent = read.i64(), read.i8()
            return {kind: {"mantissa": mantissa, "exponent": exponent, "text": decimal(mantissa, exponent)}}
        case "absent":
            return {kind: read.variant(ABSENCES)}
        case "event":
            return {kind: dict(zip(("name", "vkp", "scaip"), read.variant(EVENTS)))}
        case "bits":
            return {kind: read.u32()}
        case _:
            return {kind: read.string()}


def decimal(mantissa, exponent):
    """§7.4: plain notation, no digit lost and none invented."""
    if exponent >= 0:
        return str(mantissa * 10**exponent)
    digits = str(abs(mantissa)).rjust(1 - exponent, "0")
    return f"{'-' if mantissa < 0 else ''}{digits[:exponent]}.{digits[exponent:]}"


def local_time(read):
    year = read.u16()
    month, day, hour, minute, second = read.take(5)
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


def flags(bits):
    known = [name for bit, name in enumerate(FLAGS) if bits >> bit & 1]
    return known + [f"bit-{bit}" for bit in range(len(FLAGS), 32) if bits >> bit & 1]
