"""docs/wire-format.md §10.1: what a command asks for."""

import datetime
import re

from refused import Refused

MOST_DOSES = 64
INDICATIONS = ["heard-here", "received", "seen", "not-getting-through", "off"]
VERIFYING = r"varde-verify (ed25519 [0-9a-f]{64}|es256 [0-9a-f]{66})"
SEALING = r"varde-seal x25519 [0-9a-f]{64}"


def decode(read):
    word = read.variant(list(FIELDS))
    fields = FIELDS[word]
    return {word: fields(read)} if fields else word


def plan(read):
    said = {
        "version": read.u32(),
        "zone": read.text(64),
        "from": read.option(lambda: date(read)),
        "until": read.option(lambda: date(read)),
        "doses": read.list(lambda: dose(read)),
        "travel_until_ms": read.option(read.i64),
        "paused_until_ms": read.option(read.i64),
    }
    must(re.fullmatch(r"[A-Za-z0-9/_+-]+", said["zone"]), "a time zone that is no name")
    must(len(said["doses"]) <= MOST_DOSES, "a plan of too many doses")
    must(len({dose["id"] for dose in said["doses"]}) == len(said["doses"]), "two doses with the same id")
    must(None in (said["from"], said["until"]) or said["from"] <= said["until"], "a plan that ends first")
    return said


def dose(read):
    said = {
        "id": read.u16(),
        "minute": read.u16(),
        "weekdays": read.u8(),
        "window_minutes": read.u16(),
        "compartment": read.option(read.u8),
        "count": read.u8(),
    }
    must(said["minute"] < 1440, "a minute that no day has")
    must(1 <= said["weekdays"] <= 0x7F, "a dose on no day")
    must(1 <= said["window_minutes"] <= 1440, "a dose with no window")
    must(said["count"] > 0, "a dose of nothing")
    return said


def date(read):
    year, month, day = read.u16(), read.u8(), read.u8()
    must(year >= 2000, "a year long ago")
    try:
        return datetime.date(year, month, day).isoformat()
    except ValueError as error:
        raise Refused("a day that does not exist") from error


def message(read):
    said = {"id": read.u32(), "text": read.text(200)}
    must(said["text"], "a message without a word")
    return said


def roster(read):
    if read.variant(["add", "remove"]) == "remove":
        return {"remove": read.device()}
    table = read.text(2048)
    must(table, "a device without a table")
    return {"add": table}


def supervise(read):
    every = read.option(read.u32)
    must(every is None or every >= 60, "a device expected too often")
    return {"expected_every_s": every}


def heartbeat(read):
    every = read.u32()
    must(10 <= every <= 86_400, "a heartbeat too seldom or too often")
    return {"every_s": every}


def alarm(read):
    said = {"alarm": read.u64()}
    word = read.variant(["seen", "ended", "false-alarm"])
    return said | {"notice": {word: {"announcement": read.u32()}} if word == "seen" else word}


def visit(read):
    minutes = read.option(read.u16)
    must(minutes is None or 1 <= minutes <= 480, "a visit too short or too long")
    return {"minutes": minutes}


def change_hub_keys(read):
    said = {"verifying": read.string(), "sealing": read.string()}
    must(re.fullmatch(VERIFYING, said["verifying"]), "no key that verifies")
    must(re.fullmatch(SEALING, said["sealing"]), "no key that seals")
    return said


def must(holds, otherwise):
    if not holds:
        raise Refused(otherwise)


FIELDS = {
    "identify": None,
    "switch": lambda read: {"on": read.boolean()},
    "plan": plan,
    "dispense": lambda read: {"compartment": read.option(read.u8)},
    "lock": lambda read: {"locked": read.boolean()},
    "message": message,
    "indicate": lambda read: read.variant(INDICATIONS),
    "test-alarm": None,
    "roster": roster,
    "supervise": supervise,
    "heartbeat": heartbeat,
    "diagnose": None,
    "change-hub-keys": change_hub_keys,
    "alarm": alarm,
    "visit": visit,
}
