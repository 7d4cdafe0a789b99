"""An independent reader of Varde's wire format, version 1.

Written from docs/wire-format.md alone and sharing no code with the gateway or the hub: the proof that the page is
complete. The § in the comments are that page's. Also a tool:

    python reader.py batch --keys DIR FILE      verify and open a signed batch; likewise `receipt`, `command`, `heartbeat`
    python reader.py record FILE                decode a record's bytes, in hexadecimal

It prints JSON, one object a line: of a batch first the batch, then each entry. What is refused goes to stderr, with
exit code 65. DIR holds the key files (§11) of one gateway and its hub; which is which stands in the files. With
--gateway ID, a message of another gateway is refused.
"""

import argparse
import hashlib
import json
import pathlib
import sys

import action
import record
from cose import Keys, verify
from hpke import CHACHA20_POLY1305, EXPORT_ONLY, Hpke, unseal
from postcard import Postcard
from refused import Refused

MAX_ENTRIES = 1024
MAX_EPOCHS = 256
NO_HASH = bytes(32)
LANES = ["urgent", "routine"]
REFUSALS = ["missing", "fork", "replay"]
LIFE_STATES = ["running", "stopping"]


def batch(data, keys, gateway=None):
    """§5: a signed batch, verified and opened. An entry that cannot be read has `refused` instead of `record`."""
    read = Postcard(verify("batch", data, keys.verifiers))
    read.version()
    said = {
        "gateway": read.gateway(),
        "lane": read.variant(LANES),
        "chain": read.take(16).hex(),
        "number": read.u64(),
        "previous": read.take(32).hex(),
        "hash": hashlib.sha256(data).hexdigest(),
        "first": read.u64(),
    }
    epochs = read.list(lambda: read.take(32))
    sealed = read.list(lambda: (read.u8(), read.u32(), read.bytes()))
    read.end()
    if not 1 <= len(sealed) <= MAX_ENTRIES:
        raise Refused(f"a batch of {len(sealed)} entries")
    if len(epochs) > min(len(sealed), MAX_EPOCHS):
        raise Refused(f"{len(epochs)} epochs for {len(sealed)} entries")
    if any(epoch >= len(epochs) for epoch, _, _ in sealed):
        raise Refused("an entry of an epoch that is not listed")
    if said["first"] > 2**64 - 1 - MAX_ENTRIES:
        raise Refused("a seq past the end of numbers")
    if (said["number"] == 0) != (said["previous"] == NO_HASH.hex()):
        raise Refused("the first batch of a chain, and only it, names none before it")
    same_gateway(said, gateway)

    said["last"] = said["first"] + len(sealed) - 1
    said["epochs"] = [enc.hex() for enc in epochs]
    said["entries"] = []
    for seq, (epoch, count, ciphertext) in enumerate(sealed, said["first"]):
        entry = {"seq": seq, "epoch": epoch, "count": count}
        try:
            plain = keys.open(lambda hub: open_entry(hub, said, epochs[epoch], seq, count, ciphertext))
            entry["record"] = record.decode(plain)
        except Refused as refused:
            entry["refused"] = str(refused)
        said["entries"].append(entry)
    return said


def open_entry(hub, batch, enc, seq, count, ciphertext):
    """§6: the plaintext of one entry."""
    gateway = batch["gateway"].encode()
    key = Hpke(hub, enc, b"varde/v1/epoch/" + gateway, EXPORT_ONLY).export(b"varde/v1/entry-key", 32)
    nonce = bytes(8) + count.to_bytes(4, "big")
    lane = bytes([LANES.index(batch["lane"])])
    aad = bytes([len(gateway)]) + gateway + lane + seq.to_bytes(8, "big") + enc
    return unseal(key, nonce, ciphertext, aad)


def receipt(data, keys, gateway=None):
    """§9: a signed receipt, verified."""
    read = Postcard(verify("receipt", data, keys.verifiers))
    read.version()
    said = {"gateway": read.gateway(), "lane": read.variant(LANES), "chain": read.take(16).hex()}
    verdict = read.variant(["stored", "refused"])
    fields = {"number": read.u64(), "hash": read.take(32).hex()}
    if verdict == "refused":
        fields |= {"reason": read.variant(REFUSALS), "expected": read.u64()}
    fields["through"] = read.u64()
    read.end()
    same_gateway(said, gateway)
    return said | {"verdict": {verdict: fields}}


def command(data, keys, gateway=None):
    """§10: a signed command, verified and opened."""
    read = Postcard(verify("command", data, keys.verifiers))
    read.version()
    said = {
        "gateway": read.gateway(),
        "number": read.u64(),
        "issued_ms": read.i64(),
        "expires_ms": read.i64(),
    }
    enc, sealed = read.take(32), read.bytes()
    read.end()
    same_gateway(said, gateway)
    aad = said["number"].to_bytes(8, "big")
    aad += b"".join(said[when].to_bytes(8, "big", signed=True) for when in ("issued_ms", "expires_ms"))
    info = b"varde/v1/command/" + said["gateway"].encode()
    read = Postcard(keys.open(lambda key: Hpke(key, enc, info, CHACHA20_POLY1305).open(sealed, aad)))
    read.version()
    said["device"] = read.device()
    said["action"] = action.decode(read)
    read.end()
    return said


def heartbeat(data, keys, gateway=None):
    """§15: a signed heartbeat, verified. Whether it follows the one before is for the caller to ask."""
    read = Postcard(verify("heartbeat", data, keys.verifiers))
    version = read.version(2)
    said = {
        "gateway": read.gateway(),
        "life": read.u64(),
        "number": read.u64(),
        "stamp": record.stamp(read),
        "every_s": read.u32(),
        "state": read.variant(LIFE_STATES),
        "version": read.text(32),
        "up_s": read.u64(),
        "faults": read.u32(),
    }
    for lane in LANES:
        said[lane] = {"entries": read.u64(), "oldest_s": read.option(read.u64)}
    if version == 2:
        said["goes_by"] = {"key": read.take(8).hex(), "older_wait": read.boolean()}
    read.end()
    if not 10 <= said["every_s"] <= 86_400:
        raise Refused(f"a heartbeat each {said['every_s']} seconds")
    same_gateway(said, gateway)
    return said


def same_gateway(said, gateway):
    if gateway is not None and said["gateway"] != gateway:
        raise Refused("signed for another gateway")


SIGNED = {"batch": batch, "receipt": receipt, "command": command, "heartbeat": heartbeat}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kind", choices=["record", *SIGNED])
    parser.add_argument("--keys", help="folder of key files")
    parser.add_argument("--gateway", help="whose message it must be")
    parser.add_argument("file", type=pathlib.Path)
    options = parser.parse_args()
    try:
        if options.kind == "record":
            lines = [record.decode(bytes.fromhex(options.file.read_text()))]
        else:
            keys = Keys(sorted(pathlib.Path(options.keys).iterdir()) if options.keys else [])
            said = SIGNED[options.kind](options.file.read_bytes(), keys, options.gateway)
            lines = [said, *said.pop("entries", [])]
    except Refused as refused:
        print(f"{options.file}: {refused}", file=sys.stderr)
        return 65
    for line in lines:
        print(json.dumps(line, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
