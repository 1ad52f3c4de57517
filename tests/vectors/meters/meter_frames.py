"""What the generators of the meters' vectors share: frames with their checksum, and cases."""

import json
import struct
from collections.abc import Iterator
from fractions import Fraction

Case = dict[str, object]


def crc(data: bytes) -> bytes:
    """CRC-16/MODBUS, bit by bit, low byte first."""
    register = 0xFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return register.to_bytes(2, "little")


def nearest(value: Fraction) -> int:
    """The nearest integer, halves away from zero."""
    whole = int(abs(value) * 2 + 1) // 2
    return -whole if value < 0 else whole


def float32(data: bytes | bytearray) -> Fraction:
    """What four bytes are as a float32."""
    return Fraction(struct.unpack(">f", data)[0])


def frame(data: bytes, unit: int = 1, function: int = 4) -> bytes:
    """An answer with these words."""
    body = bytes([unit, function, len(data)]) + data
    return body + crc(body)


def answer(name: str, origin: str, source: str, address: int, sent: bytes, values: dict[str, int]) -> Case:
    """A case: `sent` is what came over the line."""
    count = sent[2] // 2
    place: Case = {"unit": sent[0], "function": sent[1], "address": address, "count": count}
    return {"name": name, "origin": origin, "source": source} | place | {"frame": sent.hex(), "values": values}


def text(cases: Iterator[Case]) -> str:
    """One case a line: the board reads them one by one."""
    return "".join(json.dumps(case) + "\n" for case in cases)
