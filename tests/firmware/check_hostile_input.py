"""Bytes that mean no good, to each decoder of bus and settings; the same corpus on both interpreters: `check_hostile_input.py`.

The corpus comes of a counter, not of chance, and a digest of all that came of it is printed: both must print the same.
"""

import hashlib
import json
import sys
from binascii import crc32

from bus_line import run_all  # type: ignore[import-not-found]

from voltnode.bus.frames import OK, WAITING, Answer, crc16
from voltnode.bus.tcp import Inbox, verdict_on
from voltnode.config import ConfigError
from voltnode.console.commands import RefusedError
from voltnode.console.configure import _from_json, _from_words
from voltnode.settings import RULES, change, checked, merged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Checks = Iterator[tuple[str, bool]]

ROUNDS = 400
METER = {"model": "eastron_sdm630", "unit": 0, "where": "rtu", "accept_unverified": False}
DEFAULTS = {
    "baud": 9600,
    "parity": "N",
    "stop_bits": 1,
    "sample_ms": 1000,
    "meters": [METER],
    "ssid": "",
    "password": "",
    "time_servers": "",
    "tx": 17,
    "direction": -1,
}


class Chance:
    """Numbers that look like chance and are the same everywhere."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, most: int) -> int:
        """A number from 0 to most - 1."""
        self._state = (self._state * 1103515245 + 12345) & 0x3FFFFFFF
        return (self._state >> 8) % most

    def bytes(self, most: int) -> bytes:
        """Up to so many bytes."""
        return bytes([self.below(256) for _ in range(self.below(most + 1))])

    def pick(self, of: "Any") -> "Any":
        """One of these."""
        return of[self.below(len(of))]


class Flash:
    """One file, and how often it was written."""

    def __init__(self, data: "bytes | None") -> None:
        self.data = data
        self.writes = 0

    def read(self, name: str) -> "bytes | None":
        """The file."""
        return self.data

    def size(self, name: str) -> int:
        """Its bytes."""
        return len(self.data or b"")

    def replace(self, name: str, data: bytes) -> None:
        """Other contents."""
        self.data = data
        self.writes += 1


WORDS = (
    "",
    "N",
    "E",
    "rtu",
    "host:502",
    ":1",
    "host:0",
    "\x00",
    "x" * 70,
    "ä" * 40,
    "eastron_sdm120",
    "abb_b21",
    "9600",
)
KEYS = ("model", "unit", "where", "accept_unverified", "colour", "")


def value(chance: Chance, depth: int = 0) -> "Any":
    """A value that JSON can carry."""
    kind = chance.below(8 if depth < 3 else 5)
    if kind == 0:
        return chance.pick(WORDS)
    if kind == 1:
        return chance.pick((0, 1, 2, -1, 99, 100, 9600, 60_000, 60_001, 247, 248, 1 << 40, -(1 << 62)))
    if kind in (2, 3):
        return chance.pick((None, True, False, 9600, 1))
    if kind == 4:
        return chance.pick(WORDS)
    if kind == 5:
        return [value(chance, depth + 1) for _ in range(chance.below(10))]
    return named(chance, KEYS, chance.below(5), depth + 1)


def named(chance: Chance, names: "Any", count: int, depth: int = 0) -> "dict[str, Any]":
    """So many names with values. Step by step: interpreters differ in what they work out first."""
    found = {}
    for _ in range(count):
        name = chance.pick(names)
        found[name] = value(chance, depth)
    return found


def sealed(body: bytes) -> bytes:
    """A state file with the right check sum."""
    return b"%08x" % crc32(body) + body


def told(digest: "Any", what: object) -> None:
    """Takes an outcome into the digest."""
    digest.update(repr(what).encode())


def possible(settings: "dict[str, Any]") -> bool:
    """Whether these are settings that a board can run with."""
    for name in settings:
        if checked(name, settings[name], DEFAULTS) != settings[name]:
            return False
    return sorted(settings) == sorted(DEFAULTS)


def check_settings_file() -> "Checks":
    """A file that says anything at all gives settings that can be, and names what cannot."""
    chance, digest, good = Chance(1), hashlib.sha256(), True
    names = sorted(DEFAULTS) + ["colour", "", "pin"]
    for _ in range(ROUNDS):
        body = named(chance, names, chance.below(6))
        data = json.dumps(body if chance.below(9) else value(chance)).encode()
        damaged = chance.below(4) == 0
        if damaged:
            data = data[: chance.below(len(data) + 1)] + chance.bytes(9)
        errors: list[str] = []
        file = chance.bytes(30) if chance.below(20) == 0 else sealed(data)
        settings = merged(Flash(file), DEFAULTS, errors)  # type: ignore[arg-type]
        good = good and possible(settings)
        told(digest, (len(errors), [name for name in sorted(DEFAULTS) if settings[name] != DEFAULTS[name]]))
    yield "settings can be", good
    yield "digest " + digest.digest().hex()[:16], True


def check_changes() -> "Checks":
    """Whatever is to be set: all of it, or a refusal with a name and nothing of it."""
    chance, digest, good = Chance(2), hashlib.sha256(), True
    for _ in range(ROUNDS):
        flash = Flash(None)
        changes = named(chance, sorted(DEFAULTS), 1 + chance.below(3))
        try:
            settings = change(flash, DEFAULTS, changes)  # type: ignore[arg-type]
        except ConfigError as error:
            good = good and flash.writes == 0 and bool(error.reason and error.detail)
            told(digest, "refused")
        else:
            good = good and flash.writes == 1 and possible(settings) and merged(flash, DEFAULTS) == settings  # type: ignore[arg-type]
            told(digest, "kept")
    yield "all or nothing", good
    yield "digest " + digest.digest().hex()[:16], True


def check_words() -> "Checks":
    """What is typed behind `config set`, as words and as JSON."""
    chance, digest, good = Chance(3), hashlib.sha256(), True
    pieces = (
        "meter.",
        "0",
        "1",
        "-1",
        "99",
        "=",
        ",",
        " ",
        "{",
        "}",
        "[",
        "]",
        '"',
        ":",
        "baud",
        "pin",
        "unverified",
    ) + WORDS
    for _ in range(ROUNDS):
        text = "".join([chance.pick(pieces) for _ in range(chance.below(16))])
        try:
            changes, _ = _from_json(text) if text[:1] == "{" else _from_words(text, DEFAULTS)
            change(Flash(None), DEFAULTS, changes)  # type: ignore[arg-type]
            outcome = "kept"
        except (ConfigError, RefusedError) as error:
            good = good and bool(error.reason)
            outcome = "refused"
        if "{" not in text:
            # MicroPython's JSON takes more than is JSON: commas are nothing to it.
            told(digest, outcome)
    yield "a name for each", good
    yield "digest " + digest.digest().hex()[:16], True


def check_rtu() -> "Checks":
    """Bytes on the line: a verdict, and nothing believed that has no right check sum."""
    chance, digest, good = Chance(4), hashlib.sha256(), True
    answer = Answer()
    for _ in range(ROUNDS):
        count = 1 + chance.below(125)
        answer.expect(1, 4, count)
        stream = b""
        for _ in range(chance.below(6)):
            body = bytes(
                (chance.pick((1, 2)), chance.pick((4, 3, 0x84)), chance.pick((2, 2 * count, 255)))
            ) + chance.bytes(9)
            crc = crc16(body, 0, len(body))
            stream += body + bytes((crc & 0xFF, crc >> 8 ^ (chance.below(3) == 0))) + chance.bytes(3)
        verdict = WAITING
        for at in range(0, len(stream), 7):
            verdict = verdict or answer.take(stream[at : at + 7], len(stream[at : at + 7]))
        verdict = verdict or answer.close()
        good = good and verdict > WAITING and (verdict != OK or answer.end - answer.start == 2 * count)
        told(digest, verdict)
    yield "a verdict for each", good
    yield "digest " + digest.digest().hex()[:16], True


def check_tcp() -> "Checks":
    """Bytes over the network: answers of the length they say, or no Modbus at all."""
    chance, digest, good = Chance(5), hashlib.sha256(), True
    for _ in range(ROUNDS):
        inbox = Inbox()
        try:
            for _ in range(chance.below(8)):
                head = bytes((chance.below(2), chance.below(256), 0, chance.below(9) // 8, 0, chance.below(12)))
                inbox.add(chance.bytes(7) if chance.below(3) == 0 else head + chance.bytes(12))
                found = inbox.take()
                if found is not None:
                    told(digest, (found[0], found[1], verdict_on(found[2], 4, 1 + chance.below(4))))
                    good = good and len(found[2]) <= 253
        except ValueError as error:
            told(digest, str(error))
    yield "answers or no Modbus", good
    yield "digest " + digest.digest().hex()[:16], True


def check_all_said() -> "Checks":
    """Every setting has a rule that words can be made of."""
    yield "rules", all(name in RULES or name == "meters" for name in DEFAULTS)


GROUPS = (check_settings_file, check_changes, check_words, check_rtu, check_tcp, check_all_said)


def digests() -> None:
    """Prints each group's digest, for the test to compare."""
    for group in GROUPS:
        for name, _ in group():
            if name.startswith("digest "):
                print(group.__name__, name)


if __name__ == "__main__":
    digests()
    sys.exit(run_all(*GROUPS))
