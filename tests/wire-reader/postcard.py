"""docs/wire-format.md §3: the primitives."""

import re

from refused import Refused


class Postcard:
    """Reads forward; `end` refuses what is left over."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if count > len(self.data) - self.at:
            raise Refused(f"{count} bytes wanted at {self.at}, {len(self.data) - self.at} left")
        self.at += count
        return self.data[self.at - count : self.at]

    def end(self):
        if self.at != len(self.data):
            raise Refused(f"{len(self.data) - self.at} bytes left over")

    def u8(self):
        return self.take(1)[0]

    def i8(self):
        return int.from_bytes(self.take(1), "big", signed=True)

    def varint(self, bits):
        most = -(-bits // 7)
        value = 0
        for place in range(most):
            byte = self.u8()
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                if value >> bits:
                    break
                return value
        raise Refused(f"a varint too large for {bits} bits before {self.at}")

    def u16(self):
        return self.varint(16)

    def u32(self):
        return self.varint(32)

    def u64(self):
        return self.varint(64)

    def i32(self):
        coded = self.u32()
        return -(coded + 1) // 2 if coded & 1 else coded // 2

    def i64(self):
        coded = self.u64()
        return -(coded + 1) // 2 if coded & 1 else coded // 2

    def bytes(self):
        return self.take(self.u64())

    def string(self):
        try:
            return self.bytes().decode("utf-8")
        except UnicodeDecodeError as error:
            raise Refused(f"a text that is not UTF-8 before {self.at}") from error

    def text(self, most):
        """A string of at most so many bytes."""
        text = self.string()
        if len(text.encode()) > most:
            raise Refused(f"a text of more than {most} bytes before {self.at}")
        return text

    def boolean(self):
        return self.variant([False, True], byte=True)

    def option(self, read):
        return read() if self.boolean() else None

    def list(self, read):
        return [read() for _ in range(self.u64())]

    def variant(self, names, byte=False):
        number = self.u8() if byte else self.u32()
        if number >= len(names):
            raise Refused(f"no variant {number} before {self.at}")
        return names[number]

    def name(self, longest):
        text = self.string()
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", text) or len(text) > longest:
            raise Refused(f"no name before {self.at}")
        return text

    def gateway(self):
        return self.name(64)

    def device(self):
        return self.name(32)

    def version(self, newest=1):
        return self.variant(range(1, newest + 1))
