"""The reader on the golden files of the wire crate, which it shares no code with."""

import functools
import hashlib
import io
import json
import pathlib
import unittest
from contextlib import redirect_stdout
from unittest import mock

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

import reader
import record
from cose import Keys, Verifier, parts
from hpke import EXPORT_ONLY, Hpke
from postcard import Postcard
from refused import Refused

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "gateway/wire/tests/versions/v1"
PAGE = ROOT / "docs/wire-format.md"


@functools.cache
def keys():
    return Keys((GOLDEN / "keys").iterdir())


def signed():
    """Each golden message: its path, the function that reads it, its bytes."""
    for path in sorted((GOLDEN / "signed").glob("*.cose")):
        yield path, reader.SIGNED[path.name.split("-")[0]], path.read_bytes()


def expected(path):
    return json.loads(path.with_suffix(".json").read_text())


class Golden(unittest.TestCase):
    def test_every_record_decodes_to_what_it_should_say(self):
        paths = sorted((GOLDEN / "records").glob("*.hex"))
        self.assertGreater(len(paths), 40)
        for path in paths:
            with self.subTest(path.name):
                self.assertEqual(record.decode(bytes.fromhex(path.read_text())), expected(path))

    def test_every_signed_message_verifies_and_opens_to_what_it_should_say(self):
        messages = list(signed())
        self.assertGreater(len(messages), 9)
        for path, read, data in messages:
            with self.subTest(path.name):
                self.assertEqual(read(data, keys()), expected(path))

    def test_the_second_batch_names_the_first_and_the_receipt_names_it_too(self):
        first = (GOLDEN / "signed/batch-routine-0.cose").read_bytes()
        second = (GOLDEN / "signed/batch-routine-1.cose").read_bytes()
        receipt = (GOLDEN / "signed/receipt-stored.cose").read_bytes()
        digest = hashlib.sha256(first).hexdigest()
        self.assertEqual(reader.batch(second, keys())["previous"], digest)
        self.assertEqual(reader.receipt(receipt, keys())["verdict"]["stored"]["hash"], digest)

    def test_the_public_keys_belong_to_the_private_ones(self):
        text = {path.name: path.read_text().split()[2] for path in (GOLDEN / "keys").iterdir()}
        for opening in keys().openings:
            public = opening.public_key().public_bytes_raw().hex()
            self.assertIn(public, (text["hub.seal"], text["gateway.seal"]))
        scalar = ec.derive_private_key(int(text["element.sign"], 16), ec.SECP256R1())
        point = scalar.public_key().public_numbers()
        self.assertEqual(f"{2 + point.y % 2:02x}{point.x:064x}", text["element.verify"])

    def test_the_page_shows_the_golden_bytes_and_every_step_to_what_they_say(self):
        page = "".join(PAGE.read_text().split())
        data = (GOLDEN / "signed/batch-urgent-0-es256.cose").read_bytes()
        protected, payload, _ = parts(data)
        signed = cbor2.dumps(["Signature1", protected, b"varde/v1/batch", payload])
        enc, sealed = payload[-97:-65], payload[-61:]
        hub = Keys([GOLDEN / "keys/hub.open"]).openings[0]
        epoch = Hpke(hub, enc, b"varde/v1/epoch/gw-2", EXPORT_ONLY)
        batch = {"gateway": "gw-2", "lane": "urgent"}
        steps = {
            "message": data,
            "hash": hashlib.sha256(data).digest(),
            "signed": hashlib.sha256(signed).digest(),
            "enc": enc,
            "dh": hub.exchange(X25519PublicKey.from_public_bytes(enc)),
            "shared_secret": epoch.shared_secret,
            "secret": epoch.secret,
            "entry key": epoch.export(b"varde/v1/entry-key", 32),
            "record": reader.open_entry(hub, batch, enc, 0, 0, sealed),
        }
        for step, value in steps.items():
            self.assertTrue(value.hex() in page, f"docs/wire-format.md, section 14: {step} is {value.hex()}")


    def test_the_page_lists_the_numbers_that_the_reader_knows(self):
        rows = [[cell.strip(" `") for cell in row.split("|")[1:-1]] for row in PAGE.read_text().splitlines()]
        for names in (record.UNITS, record.ABSENCES):
            for number, name in enumerate(names):
                self.assertIn([str(number), name], [row[:2] for row in rows])
        for bit, name in enumerate(record.FLAGS):
            self.assertIn([f"{bit} ({1 << bit})", name], [row[:2] for row in rows])
        for number, (name, vkp, scaip) in enumerate(record.EVENTS):
            self.assertIn([str(number), name, vkp or "–", scaip or "–"], [row[:4] for row in rows])


class Changed(unittest.TestCase):
    def test_every_single_changed_bit_is_refused(self):
        for path, read, data in signed():
            with self.subTest(path.name):
                for bit in range(len(data) * 8):
                    changed = bytearray(data)
                    changed[bit // 8] ^= 1 << bit % 8
                    with self.assertRaises(Refused):
                        read(bytes(changed), keys())

    def test_a_message_cut_short_or_followed_by_a_byte_is_refused(self):
        for path, read, data in signed():
            with self.subTest(path.name):
                for wrong in [data + b"\0", *(data[:length] for length in range(len(data)))]:
                    with self.assertRaises(Refused):
                        read(wrong, keys())

    def test_a_message_of_another_gateway_or_another_kind_is_refused(self):
        for path, read, data in signed():
            with self.subTest(path.name):
                with self.assertRaises(Refused):
                    read(data, keys(), "gw-9")
                for other in reader.SIGNED.values():
                    if other is not read:
                        with self.assertRaises(Refused):
                            other(data, keys())

    def test_an_entry_opens_in_its_own_place_only(self):
        data = (GOLDEN / "signed/batch-routine-0.cose").read_bytes()
        batch = reader.batch(data, keys())
        enc = bytes.fromhex(batch["epochs"][0])
        payload = Postcard(cbor2.loads(data).value[2])
        for read in (payload.version, payload.gateway, lambda: payload.take(1 + 16 + 1 + 32 + 1)):
            read()
        payload.list(lambda: payload.take(32))
        _, count, sealed = payload.list(lambda: (payload.u8(), payload.u32(), payload.bytes()))[0]

        def attempt(batch, enc, seq, count):
            return keys().open(lambda hub: reader.open_entry(hub, batch, enc, seq, count, sealed))

        self.assertEqual(record.decode(attempt(batch, enc, 40, count)), batch["entries"][0]["record"])
        for wrong in [
            (batch | {"gateway": "gw-2"}, enc, 40, count),
            (batch | {"lane": "urgent"}, enc, 40, count),
            (batch, bytes.fromhex(batch["epochs"][1]), 40, count),
            (batch, enc, 41, count),
            (batch, enc, 40, count + 1),
        ]:
            with self.assertRaises(Refused):
                attempt(*wrong)

    def test_an_envelope_in_another_form_is_refused_though_its_signature_holds(self):
        data = (GOLDEN / "signed/batch-urgent-0-es256.cose").read_bytes()
        protected, _, payload, signature = cbor2.loads(data).value
        r, s = signature[:32], int.from_bytes(signature[32:], "big")
        greater = (2 * Verifier.P256_HALF + 1 - s).to_bytes(32, "big")
        for other in [
            cbor2.dumps(cbor2.CBORTag(18, [protected, {3: 0}, payload, signature])),
            cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, r + greater])),
            b"\xd8\x12" + data[1:],
            data[1:],
        ]:
            with self.assertRaises(Refused):
                reader.batch(other, keys())

    def test_a_record_that_is_too_long_cut_short_or_not_over_is_refused(self):
        for path in (GOLDEN / "records").glob("*.hex"):
            data = bytes.fromhex(path.read_text())
            for wrong in [data + b"\0", bytes(2049), *(data[:length] for length in range(len(data)))]:
                with self.assertRaises(Refused):
                    record.decode(wrong)


class Primitives(unittest.TestCase):
    def test_varints_up_to_their_most_and_not_beyond(self):
        self.assertEqual(Postcard(bytes.fromhex("ff" * 9 + "01")).u64(), 2**64 - 1)
        self.assertEqual(Postcard(bytes.fromhex("ffffffff0f")).u32(), 2**32 - 1)
        self.assertEqual(Postcard(bytes.fromhex("ffff03")).u16(), 2**16 - 1)
        self.assertEqual(Postcard(bytes.fromhex("858000")).u64(), 5)
        for wrong, bits in [("ff" * 9 + "02", 64), ("80" * 10 + "00", 64), ("ffffffff10", 32), ("ffff04", 16)]:
            with self.assertRaises(Refused):
                Postcard(bytes.fromhex(wrong)).varint(bits)

    def test_zigzag(self):
        coded = ["00", "01", "02", "03", "ff" * 9 + "01", "fe" + "ff" * 8 + "01"]
        for number, code in zip([0, -1, 1, -2, -(2**63), 2**63 - 1], coded):
            self.assertEqual(Postcard(bytes.fromhex(code)).i64(), number)


class Tool(unittest.TestCase):
    def run_tool(self, *words):
        out = io.StringIO()
        with mock.patch("sys.argv", ["reader.py", *map(str, words)]), redirect_stdout(out):
            code = reader.main()
        return code, [json.loads(line) for line in out.getvalue().splitlines()]

    def test_a_batch_is_a_line_and_then_a_line_an_entry(self):
        path = GOLDEN / "signed/batch-routine-0.cose"
        code, lines = self.run_tool("batch", "--keys", GOLDEN / "keys", path)
        said = expected(path)
        entries = said.pop("entries")
        self.assertEqual((code, lines), (0, [said, *entries]))

    def test_what_is_refused_prints_nothing_and_exits_65(self):
        path = GOLDEN / "signed/receipt-stored.cose"
        with mock.patch("sys.stderr", io.StringIO()):
            self.assertEqual(self.run_tool("batch", "--keys", GOLDEN / "keys", path), (65, []))


if __name__ == "__main__":
    unittest.main()
