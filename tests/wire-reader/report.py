"""docs/wire-format.md §7.12: what the gateway came to by itself."""

KINDS = [
    ("pendant", "3"),
    ("pull-cord", "4.14"),
    ("fall", "4.1"),
    ("smoke", "4.11"),
    ("gas", "4.11"),
    ("water", "4.17"),
    ("bed", "4.2"),
    ("door", "4.21"),
    ("inactivity", "4.9"),
    ("absence", "4.7"),
    ("bathroom", "4.23"),
    ("measurement", "5.3.2"),
    ("dispenser", "1.1"),
    ("epilepsy", "4.24"),
    ("technical", "1.5"),
]
SEVERITIES = [0, 10, 20, 30, 40]
STEPS = [
    "inhibited",
    "raised",
    "pre-alarm",
    "announced",
    "raised-again",
    "not-getting-through",
    "received",
    "escalated",
    "seen",
    "cleared",
    "cancel-refused",
    "cancelled",
    "ended",
]
TROUBLES = [
    "missing",
    "battery-low",
    "battery-empty",
    "no-mains",
    "tampered-with",
    "clock-wrong",
    "signal-weak",
    "unknown-user",
]
CHANGES = ["began", "lasts", "over"]
PHASES = ["began", "goes-on", "over"]


def decode(read, events):
    kinds = {
        "alarm": alarm,
        "supervision": supervision,
        "rule": rule,
        "visit": visit,
        "count": lambda read: count(read, events),
    }
    said = {"age_ms": read.u64()}
    kind = read.variant(list(kinds))
    said[kind] = kinds[kind](read)
    return said


def alarm(read):
    return {
        "alarm": read.u64(),
        "source": source(read),
        "kind": dict(zip(("name", "vkp"), read.variant(KINDS))),
        "severity": read.variant(SEVERITIES),
        "test": read.boolean(),
        "count": read.u32(),
        "step": step(read),
    }


def source(read):
    kind = read.variant(["device", "rule"])
    return {kind: read.device() if kind == "device" else read.text(64)}


def step(read):
    word = read.variant(STEPS)
    match word:
        case "inhibited":
            return {word: read.variant(["visit", "quiet-hours"])}
        case "pre-alarm":
            return {word: {"for_ms": read.u32()}}
        case "announced":
            return {word: {"number": read.u32()}}
        case _:
            return word


def supervision(read):
    return {
        "origin": origin(read),
        "edges": read.list(lambda: edge(read)),
        "out": read.list(read.device),
        "more": read.u8(),
    }


def origin(read):
    word = read.variant(["single", "power-cut", "silence"])
    return word if word == "single" else {word: read.variant(PHASES)}


def edge(read):
    return {
        "device": read.device(),
        "trouble": read.variant(TROUBLES),
        "change": read.variant(CHANGES),
        "since_ms": read.u64(),
        "certain_ms": read.u64(),
    }


def rule(read):
    return {"rule": read.text(64), "hindrance": read.option(lambda: hindrance(read))}


def hindrance(read):
    word = read.variant(["silent", "clock-unset"])
    return {word: read.device()} if word == "silent" else word


def visit(read):
    word = read.variant(["began", "ended", "time-up"])
    return {word: {"for_ms": read.u32()}} if word == "began" else word


def count(read, events):
    return {
        "device": read.device(),
        "metric": read.u32(),
        "event": read.option(lambda: read.variant(events)),
        "day": read.i64(),
        "times": read.u32(),
    }
