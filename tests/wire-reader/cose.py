"""docs/wire-format.md §4 and §11: the signed envelope and the keys."""

import hashlib
import pathlib

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from refused import Refused

MOST_BYTES = {"batch": 262_144, "receipt": 1024, "command": 4096, "heartbeat": 1024}


def verify(kind, data, verifiers):
    """The payload, after everything that §4 asks for."""
    if len(data) > MOST_BYTES[kind]:
        raise Refused(f"{len(data)} bytes are too long for a {kind}")
    protected, payload, signature = parts(data)
    verifier = verifiers.get(protected)
    if verifier is None:
        raise Refused("signed with a key that is not on file, or with another algorithm than the key's")
    if data != cbor2.dumps(cbor2.CBORTag(18, [protected, {}, payload, signature])):
        raise Refused("an envelope that is not in its one form")
    aad = f"varde/v1/{kind}".encode()
    verifier.check(signature, cbor2.dumps(["Signature1", protected, aad, payload]))
    return payload


def parts(data):
    """Protected header, payload and signature, not yet believed."""
    try:
        message = cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError, TypeError, LookupError, RecursionError) as error:
        raise Refused(f"no CBOR: {error}") from error
    if not isinstance(message, cbor2.CBORTag) or message.tag != 18:
        raise Refused("no COSE_Sign1")
    if not isinstance(message.value, (list, tuple)) or len(message.value) != 4:
        raise Refused("a COSE_Sign1 without its four parts")
    protected, _, payload, signature = message.value
    if not all(isinstance(part, bytes) for part in (protected, payload, signature)):
        raise Refused("a COSE_Sign1 without its byte strings")
    return protected, payload, signature


class Keys:
    """Those of some key files (§11)."""

    def __init__(self, files):
        self.verifiers, self.openings = {}, []
        for file in files:
            kind, algorithm, digits = pathlib.Path(file).read_text().split()
            data = bytes.fromhex(digits)
            if kind == "varde-verify":
                verifier = Verifier(algorithm, data)
                self.verifiers[verifier.protected] = verifier
            elif kind == "varde-open":
                self.openings.append(x25519.X25519PrivateKey.from_private_bytes(data))

    def open(self, attempt):
        """What `attempt` gives with the first opening key that it does not refuse."""
        refusal = Refused("no varde-open key at hand")
        for key in self.openings:
            try:
                return attempt(key)
            except Refused as refused:
                refusal = refused
        raise refusal


class Verifier:
    """A public key (§11), with the one protected header that goes with it."""

    P256_HALF = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551 // 2
    P25519 = 2**255 - 19
    # The y of the eight points of small order of Curve25519's twisted Edwards form, and their unreduced twins.
    ORDER_8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
    SMALL_Y = {0, 1, P25519 - 1, P25519, P25519 + 1, ORDER_8, P25519 - ORDER_8}

    def __init__(self, algorithm, data):
        if algorithm == "ed25519":
            number, self.key = -8, ed25519.Ed25519PublicKey.from_public_bytes(data)
        elif algorithm == "es256":
            number, self.key = -7, ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), data)
            data = bytes([2 + data[-1] % 2]) + data[1:33] if len(data) == 65 else data
        else:
            raise Refused(f"unknown algorithm {algorithm}")
        self.data = data
        self.protected = cbor2.dumps({1: number, 4: hashlib.sha256(data).digest()[:8]})

    def check(self, signature, signed):
        if len(signature) != 64:
            raise Refused("a signature that is not 64 bytes long")
        try:
            if isinstance(self.key, ed25519.Ed25519PublicKey):
                if self.small(self.data) or self.small(signature[:32]):
                    raise Refused("a point of small order")
                self.key.verify(signature, signed)
            else:
                r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
                if s > self.P256_HALF:
                    raise Refused("the greater of two signatures that fit")
                self.key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as error:
            raise Refused("a signature that does not fit") from error

    @classmethod
    def small(cls, point):
        return int.from_bytes(point, "little") % 2**255 in cls.SMALL_Y
