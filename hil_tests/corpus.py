"""Lines that no technician types: what a hostile or broken other end of the cable says to a console.

The same number of lines by the same seed is the same, wherever it is sent. Nothing in it restarts a board by right, and
without `pins` nothing tries one, so that nobody is barred afterwards.
"""

import json
import random
from collections.abc import Iterator

COMMANDS = (
    "id", "status", "queue", "meter list", "meter list all", "meter read", "meter watch", "bus stats", "bus trace", "config get",
    "chain", "log", "time", "cert", "cert key", "cert put", "update status", "help", "wiring", "meter probe", "selftest",
)  # fmt: skip
CHANGING = ("enrol", "config set", "wifi set", "factory-reset")
WORDS = (
    "--json", "-", "0", "-1", "1", "99999999999999999999", "1e9", "0x10", "on", "off", "all", "ca", "node", "AAAA", "%s", "%d%n",
    "{", "}", "[", '{"a": 1}', "null", "'", '"', "\\", "é", "€", "\u202e", "../../etc", "127.0.0.1:1", ":", "a" * 200,
    "seconds=5", "fuse=-1", "pv=", "meter=31", "=", "seconds=99999999999",
)  # fmt: skip
KEYS = (
    *[bytes((code,)) for code in (0, 1, 4, 5, 8, 9, 11, 14, 21, 23, 26, 27, 127, 255, 0xC3)],
    *[b"\x1b[" + end for end in (b"", b"A", b"B", b"C", b"D", b"H", b"F", b"3~", b"99;99;99m")],
    b"\x1bO",
    b"\xf0\x9f",
)
ENDS = (b"\r", b"\n", b"\r\n", b" --json\r")


def corpus(count: int, seed: int, *, pins: bool) -> Iterator[bytes]:
    """So many pieces, mostly with an end of a line."""
    chance = random.Random(seed)
    for _ in range(count):
        yield _piece(chance, pins)


def _piece(chance: random.Random, pins: bool) -> bytes:
    kind = chance.randrange(8)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 80)) + chance.choice(ENDS)
    if kind == 1:
        return b"".join(chance.choices(KEYS, k=chance.randrange(1, 12)))
    if kind == 2:
        return b"x" * chance.choice((1023, 1024, 1025, 3000)) + chance.choice(ENDS)
    if kind == 3 and pins:
        return f"{chance.choice(CHANGING)} {_json(chance)}".encode() + chance.choice(ENDS)
    words = [chance.choice(COMMANDS), *chance.choices(WORDS, k=chance.randrange(4))]
    return " ".join(words).encode() + chance.choice(ENDS)


def _json(chance: random.Random) -> str:
    """Something like an argument of `enrol`; its PIN is none of anybody's."""
    if chance.random() < 0.3:
        return "[" * chance.randrange(200) + "{" * chance.randrange(3)
    values: list[object] = [None, True, -1, 2**70, "", "x" * 100, [], {}, [[[]]], "house01", "ab" * 32, "h:1", 901]
    names = ("house", "link_key", "broker", "slot_s", "again", "tls", "ssid", "password", "baud", "meters", "extra", "")
    chosen = {name: chance.choice(values) for name in chance.sample(names, chance.randrange(6))}
    return json.dumps({**chosen, "pin": chance.choice(("9999", "", 1, None))})
