"""Writes `cbor.jsonl` beside itself: values with their one encoding, and bytes that are refused, with the reason.

    python tests/vectors/wire/make_cbor.py           writes the file
    python tests/vectors/wire/make_cbor.py --check   ends with status 1 where that would change something

The hands are others': RFC 8949 appendix A as published, and cbor2 for the edges of each size.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import cbor2

Case = dict[str, object]

FILE = Path(__file__).resolve().parent / "cbor.jsonl"


def plain(value: object) -> object:
    """A value as JSON: bytes, maps and tags as `{"b": hex}`, `{"m": [[key, value], ...]}`, `{"t": [number, value]}`."""
    if isinstance(value, bytes):
        return {"b": value.hex()}
    if isinstance(value, dict):
        return {"m": [[plain(key), plain(item)] for key, item in value.items()]}
    if isinstance(value, cbor2.CBORTag):
        return {"t": [value.tag, plain(value.value)]}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value


def nested(depth: int) -> object:
    value: object = 0
    for _ in range(depth):
        value = [value]
    return value


# RFC 8949 appendix A: what our subset has, as published.
RFC8949: list[tuple[str, object]] = [
    ("00", 0),
    ("01", 1),
    ("0a", 10),
    ("17", 23),
    ("1818", 24),
    ("1819", 25),
    ("1864", 100),
    ("1903e8", 1000),
    ("1a000f4240", 1000000),
    ("1b000000e8d4a51000", 1000000000000),
    ("20", -1),
    ("29", -10),
    ("3863", -100),
    ("3903e7", -1000),
    ("f4", False),
    ("f5", True),
    ("f6", None),
    ("d74401020304", cbor2.CBORTag(23, b"\x01\x02\x03\x04")),
    ("d818456449455446", cbor2.CBORTag(24, b"dIETF")),
    ("40", b""),
    ("4401020304", b"\x01\x02\x03\x04"),
    ("60", ""),
    ("6161", "a"),
    ("6449455446", "IETF"),
    ("62225c", '"\\'),
    ("62c3bc", "\u00fc"),
    ("63e6b0b4", "\u6c34"),
    ("64f0908591", "\U00010151"),
    ("80", []),
    ("83010203", [1, 2, 3]),
    ("8301820203820405", [1, [2, 3], [4, 5]]),
    ("98190102030405060708090a0b0c0d0e0f101112131415161718181819", list(range(1, 26))),
    ("a0", {}),
    ("a201020304", {1: 2, 3: 4}),
    ("a26161016162820203", {"a": 1, "b": [2, 3]}),
    ("826161a161626163", ["a", {"b": "c"}]),
    ("a56161614161626142616361436164614461656145", {"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}),
]

# The rest of appendix A: outside the subset.
RFC8949_REFUSED = {
    "int_too_large": ["1bffffffffffffffff", "3bffffffffffffffff"],
    "type_unknown": [
        *("f90000", "f98000", "f93c00", "fb3ff199999999999a", "f97bff", "fa47c35000", "fb7e37e43c8800759c", "f97c00"),
        *("f97e00", "f9fc00", "fa7f800000", "fb7ff8000000000000", "f7", "f0", "f818", "f8ff", "c1fb41d452d9ec200000"),
    ],
    "not_canonical": [
        *("5f42010243030405ff", "7f657374726561646d696e67ff", "9fff", "9f018202039f0405ffff", "83018202039f0405ff"),
        *("bf61610161629f0203ffff", "826161bf61626163ff", "bf6346756ef563416d7421ff"),
    ],
}

# Keys in the order of their bytes (RFC 8949 section 4.2.1), not by length first.
MAPS: list[tuple[str, object]] = [
    (
        "a900041818001903e80520014003410008600261620762616106",
        {0: 4, 24: 0, 1000: 5, -1: 1, b"": 3, b"\x00": 8, "": 2, "b": 7, "aa": 6},
    ),
]

EDGES: list[object] = [
    *(sign * 2**bits + step for bits in (8, 16, 32) for sign in (1, -1) for step in (-1, 0, 1)),
    *(2**63 - 1, -(2**63), 23, 24, -24, -25),
    *(bytes(n) for n in (23, 24, 255, 256)),
    *("x" * n for n in (23, 24, 255, 256)),
    *([0] * n for n in (23, 24, 256)),
    "\ud7ff\ue000\U0010ffff",
    {1: {2: {3: [cbor2.CBORTag(18, b"\x01")]}}},
    cbor2.CBORTag(2**64 - 1, None),
    nested(8),
]

CBOR_REFUSED = [
    ("int_too_large", "2^63", "1b8000000000000000"),
    ("int_too_large", "-(2^63) - 1", "3b8000000000000000"),
    ("not_canonical", "23 in two bytes", "1817"),
    ("not_canonical", "255 in three", "1900ff"),
    ("not_canonical", "65535 in five", "1a0000ffff"),
    ("not_canonical", "2^32 - 1 in nine", "1b00000000ffffffff"),
    ("not_canonical", "-1 in two", "3800"),
    ("not_canonical", "length 1 in two", "580100"),
    ("not_canonical", "text length 0 in two", "7800"),
    ("not_canonical", "array length 0 in two", "9800"),
    ("not_canonical", "map length 1 in three", "b900010000"),
    ("not_canonical", "tag 18 in three", "d9001200"),
    ("not_canonical", "reserved length 28", "1c"),
    ("not_canonical", "reserved length 30", "5e00"),
    ("not_canonical", "indefinite array", "9f00ff"),
    ("not_canonical", "key twice", "a200000001"),
    ("not_canonical", "keys out of order", "a201000000"),
    ("not_canonical", "keys by length first, the order of RFC 7049", "a22000181800"),
    ("type_unknown", "array as key", "a18000"),
    ("type_unknown", "true as key", "a1f500"),
    ("type_unknown", "null as key", "a1f600"),
    ("type_unknown", "break alone", "ff"),
    ("type_unknown", "false in two bytes", "f814"),
    ("type_unknown", "simple value 0", "e0"),
    ("truncated", "nothing", ""),
    ("truncated", "head without argument", "18"),
    ("truncated", "half an argument", "1903"),
    ("truncated", "bytes too short", "4200"),
    ("truncated", "array too short", "8200"),
    ("truncated", "map without value", "a100"),
    ("truncated", "tag without value", "d2"),
    ("truncated", "4 GB of bytes announced", "5affffffff00"),
    ("too_many_items", "4097 items announced", "991001"),
    ("too_many_items", "2^64 - 1 pairs announced", "bbffffffffffffffff"),
    ("trailing_bytes", "one more", "0000"),
    ("too_deep", "nine arrays", cbor2.dumps(nested(9)).hex()),
    ("too_deep", "nine tags", "c6" * 9 + "00"),
    ("not_utf8", "lone continuation", "6180"),
    ("not_utf8", "two bytes for NUL", "62c080"),
    ("not_utf8", "three bytes for a slash", "63e080af"),
    ("not_utf8", "surrogate", "63eda080"),
    ("not_utf8", "pair of surrogates", "66eda080edb080"),
    ("not_utf8", "beyond Unicode", "64f4908080"),
    ("not_utf8", "five bytes", "65f888808080"),
    ("not_utf8", "cut off", "62e282"),
]


def cases() -> Iterator[Case]:
    """Values with their bytes, and bytes that are refused."""
    for text, value in [*RFC8949, *MAPS]:
        if cbor2.loads(bytes.fromhex(text)) != value:
            raise SystemExit(f"cbor2 reads {text} otherwise")
        yield {"name": "RFC 8949 " + text, "bytes": text, "value": plain(value)}
    for value in EDGES:
        raw = cbor2.dumps(value)
        yield {"name": "edge " + raw.hex()[:24], "bytes": raw.hex(), "value": plain(value)}
    for reason, rows in RFC8949_REFUSED.items():
        for text in rows:
            yield {"name": "RFC 8949 " + text, "bytes": text, "refused": reason}
    for reason, name, text in CBOR_REFUSED:
        yield {"name": name, "bytes": text, "refused": reason}


def main() -> int:
    """Writes the file, or says that it would change."""
    text = "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases())
    if sys.argv[1:] == ["--check"]:
        return int(FILE.read_text("utf-8") != text)
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
