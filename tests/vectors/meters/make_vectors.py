"""Writes the .jsonl files beside itself: `python tests/vectors/meters/make_vectors.py`.

decode.jsonl   words of every kind in both orders, with the integer they are, or why they are none.
<table>.jsonl  answers of a meter: where they were read from, the frame, and the values in it by quantity.

Where a frame comes from stands in each case: `captured` on a real meter, from a `data sheet`, or `arithmetic`. The hand
for values is Python's `struct` and `fractions`, for checksums the polynomial bit by bit; of captured frames the checksum
is the meter's own, and what others printed beside them is compared by a test.
"""

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import meter_models  # type: ignore[import-not-found]
from meter_frames import Case, answer, float32, frame, nearest, text  # type: ignore[import-not-found]

TASMOTA_A = "Tasmota issue 18446, log of 2023-04-18, SDM630"
TASMOTA_B = "Tasmota issue 17671, log of 2023-01-10, Eastron three-phase meter"
EASTRON = "Eastron manual (SDM320Y 06-2018 V1.0 page 43, the same in the SDM630's): 43 66 33 34 is 230.2"
MBMD = "mbmd issue 63, scan of 2020-01-01, SDM630 behind a TCP gateway: its header taken off, a checksum put on"

SINGLE = (
    (EASTRON, "data sheet", 0x0000, "voltage_l1", "01040443663334 1B38", "230.2"),
    (TASMOTA_B, "captured", 0x0000, "voltage_l1", "01040443666999 E025", "230.4125"),
    (TASMOTA_B, "captured", 0x0002, "voltage_l2", "0104044365F08C BBBA", "229.9396"),
    (TASMOTA_B, "captured", 0x0006, "current_l1", "0104043F5EE588 DCB4", "0.8707"),
    (TASMOTA_B, "captured", 0x0008, "current_l2", "0104043D6F5485 3956", "0.0584"),
    (TASMOTA_B, "captured", 0x000A, "current_l3", "0104043E96D658 49DA", "0.2946"),
    (TASMOTA_A, "captured", 0x0156, "energy_total_abs", "01040446BFC788 8D7E", None),
    (TASMOTA_A, "captured", 0x000C, "power_l1", "01040442EC9CCE C69D", None),
    (TASMOTA_A, "captured", 0x000E, "power_l2", "010404C3FCFE91 863C", None),
    (TASMOTA_A, "captured", 0x0010, "power_l3", "010404C377B2F4 02FD", None),
    (TASMOTA_A, "captured", 0x0018, "reactive_power_l1", "010404C3D9D2F4 4B1C", None),
    (TASMOTA_A, "captured", 0x001E, "power_factor_l1", "0104043E83FB21 84AC", None),
    (TASMOTA_A, "captured", 0x0020, "power_factor_l2", "010404BF69A54A F4EB", None),
    (TASMOTA_A, "captured", 0x0046, "frequency", "01040442478EC1 FBD9", None),
    (TASMOTA_A, "captured", 0x015A, "energy_import_l1", "010404451A4DDB BA44", None),
    (TASMOTA_A, "captured", 0x0160, "energy_export_l1", "01040445E688A9 A901", "7377.0825"),
    (TASMOTA_A, "captured", 0x0162, "energy_export_l2", "0104044536E574 4431", "2926.3408"),
    (TASMOTA_A, "captured", 0x0164, "energy_export_l3", "01040445F8E281 E7B9", "7964.3130"),
)
"""Source, origin, address, quantity, frame, and what the source printed as the value, in V, A, W, Hz or kWh."""

BLOCK = (
    "4364bac1435ef0cd43603fef000000003fb8e3da3e771080000000 00438a83320000000041102d79439ef9de42536c68"
    "c10c4c8b431c0c11c251e6f53f8000003f5f0c233df53d970000000041eb2810c2a641df"
).replace(" ", "")
BLOCK_QUANTITIES = ("voltage", "current", "power", None, "reactive_power", "power_factor", None)
"""Three phases of each, from address 0 on; the apparent powers and the angles are not in the table."""


def sdm630() -> Iterator[Case]:
    """Answers of an Eastron SDM630."""
    for source, origin, address, quantity, printed, _ in SINGLE:
        sent = bytes.fromhex(printed)
        yield answer(quantity, origin, source, address, sent, {quantity: nearest(float32(sent[3:7]) * 1000)})
    words = bytes.fromhex(BLOCK)
    values = {}
    for i, name in enumerate(BLOCK_QUANTITIES):
        for phase in range(3):
            at = 12 * i + 4 * phase
            if name is not None:
                values[f"{name}_l{phase + 1}"] = nearest(float32(words[at : at + 4]) * 1000)
    yield answer("42 registers", "captured", MBMD, 0, frame(words), values)
    yield from sdm630_made()


def sdm630_made() -> Iterator[Case]:
    """The block that a node reads, with what no log had: totals, feed-in, and each Wh where a float32 gets coarse."""
    for name, totals in {
        "load": {0x34: 1500.0, 0x3E: 0.96, 0x46: 50.013, 0x48: 14805.867, 0x4A: 3104.729},
        "feed-in": {0x34: -4999.9995, 0x3E: -0.999, 0x46: 49.98, 0x48: 0.0, 0x4A: 16383.999},
        "nothing": {0x34: 0.0, 0x3E: 1.0, 0x46: 50.0, 0x48: 8191.999, 0x4A: 0.001},
    }.items():
        words = bytearray(2 * 76)
        for address, value in totals.items():
            words[2 * address : 2 * address + 4] = struct.pack(">f", value)
        place = {0x34: "power_total", 0x3E: "power_factor_total", 0x46: "frequency"}
        place |= {0x48: "energy_import", 0x4A: "energy_export"}
        values = {place[at]: nearest(float32(words[2 * at : 2 * at + 4]) * 1000) for at in totals}
        yield answer(name, "arithmetic", "struct and fractions", 0, frame(bytes(words)), values)


KINDS = {"int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q", "uint64": "Q"}
RATIOS = ((1, 1), (1000, 1), (1, 10), (100, 3))


def integers() -> Iterator[Case]:
    """Edges of every kind of integer."""
    for kind, code in KINDS.items():
        bits = 8 * struct.calcsize(code)
        signed = code.islower()
        edges = (-(1 << bits - 1), -1) if signed else ((1 << bits) - 1,)
        for value in (*edges, 0, 1, 5, 12345, (1 << bits - 1) - 1):
            yield from decoded(kind, struct.pack(">" + code, value), Fraction(value))


def floats() -> Iterator[Case]:
    """Edges of float32: halves, denormals, signs of zero, the greatest that is taken."""
    for bits in (
        *(0x00000000, 0x80000000, 0x00000001, 0x007FFFFF, 0x00800000, 0x3A83126F, 0x3A03126F, 0x3F800000, 0xBF800000),
        *(0x3F7FFFFF, 0x3A03126E, 0x43663334, 0x461C3FFC, 0x467FFFFF, 0x4B7FFFFF, 0x4B800001, 0x537FFFFF, 0xD37FFFFF),
    ):
        data = bits.to_bytes(4, "big")
        yield from decoded("float32", data, float32(data))
    for name, bits, reason in (
        ("quiet NaN", 0x7FC00000, "nan"),
        ("signalling NaN", 0x7F800001, "nan"),
        ("negative NaN", 0xFFFFFFFF, "nan"),
        ("infinity", 0x7F800000, "infinite"),
        ("minus infinity", 0xFF800000, "infinite"),
        ("2^40", 0x53800000, "range"),
        ("greatest", 0x7F7FFFFF, "range"),
    ):
        yield decode_case(name, "float32", bits.to_bytes(4, "big"), (1000, 1)) | {"error": reason}


def decoded(kind: str, data: bytes, value: Fraction) -> Iterator[Case]:
    """One case for each ratio."""
    for numerator, denominator in RATIOS:
        expected = nearest(value * numerator / denominator)
        yield decode_case(str(value), kind, data, (numerator, denominator)) | {"value": expected}


def decode_case(name: str, kind: str, data: bytes, ratio: tuple[int, int]) -> Case:
    """What is decoded: the words, most and least significant first."""
    little = b"".join(data[i : i + 2] for i in reversed(range(0, len(data), 2)))
    return {"name": name, "kind": kind, "words": data.hex(), "little": little.hex(), "ratio": ratio}


def decode() -> Iterator[Case]:
    """All kinds."""
    yield from integers()
    yield from floats()


def files() -> dict[str, str]:
    """Name and contents of each vector file."""
    made = {"decode.jsonl": text(decode()), "eastron_sdm630.jsonl": text(sdm630())}
    return made | {f"{name}.jsonl": text(cases()) for name, cases in meter_models.MODELS.items()}


if __name__ == "__main__":
    for file_name, contents in files().items():
        Path(__file__).with_name(file_name).write_text(contents)
