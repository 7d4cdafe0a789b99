"""docs/wire-format.md §6.1: HPKE (RFC 9180) in base mode, the receiver's side."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import x25519
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from refused import Refused

EXPORT_ONLY, CHACHA20_POLY1305 = 0xFFFF, 0x0003


class Hpke:
    """One encapsulation, X25519 and HKDF-SHA256. The AEAD is 3 for `open` and 0xffff for `export`."""

    def __init__(self, private, enc, info, aead):
        try:
            dh = private.exchange(x25519.X25519PublicKey.from_public_bytes(enc))
        except ValueError as error:
            raise Refused("an encapsulation that cannot be used") from error
        self.suite = b"KEM" + bytes.fromhex("0020")
        eae_prk = self.labeled_extract(b"", b"eae_prk", dh)
        kem_context = enc + private.public_key().public_bytes_raw()
        self.shared_secret = self.labeled_expand(eae_prk, b"shared_secret", kem_context, 32)

        self.suite = b"HPKE" + bytes.fromhex("00200001") + aead.to_bytes(2, "big")
        psk_id_hash = self.labeled_extract(b"", b"psk_id_hash", b"")
        info_hash = self.labeled_extract(b"", b"info_hash", info)
        self.context = b"\0" + psk_id_hash + info_hash
        self.secret = self.labeled_extract(self.shared_secret, b"secret", b"")

    def labeled_extract(self, salt, label, ikm):
        return extract(salt, b"HPKE-v1" + self.suite + label + ikm)

    def labeled_expand(self, prk, label, info, length):
        labeled = length.to_bytes(2, "big") + b"HPKE-v1" + self.suite + label + info
        return HKDFExpand(hashes.SHA256(), length, labeled).derive(prk)

    def export(self, exporter_context, length):
        exporter = self.labeled_expand(self.secret, b"exp", self.context, 32)
        return self.labeled_expand(exporter, b"sec", exporter_context, length)

    def open(self, sealed, aad):
        key = self.labeled_expand(self.secret, b"key", self.context, 32)
        nonce = self.labeled_expand(self.secret, b"base_nonce", self.context, 12)
        return unseal(key, nonce, sealed, aad)


def unseal(key, nonce, sealed, aad):
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed, aad)
    except InvalidTag as error:
        raise Refused("a seal that does not open") from error


def extract(salt, ikm):
    mac = hmac.HMAC(salt or bytes(32), hashes.SHA256())
    mac.update(ikm)
    return mac.finalize()
