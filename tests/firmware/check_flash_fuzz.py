"""Whatever stands in the node's files: it starts, says which file is damaged, and its next record is written and read again.

    check_flash_fuzz.py FOLDER EVERY

Each file is cut, flipped, filled up, replaced and sealed with foreign contents; `EVERY` takes every so many cuts and flips.
"""

import struct
import sys
from binascii import crc32

import flashes  # type: ignore[import-not-found]

from volthood.wire.cbor import encode
from voltnode.board_key import FlashKeyFile
from voltnode.config import Config, ConfigError
from voltnode.damage import damaged
from voltnode.hal.folder import FolderFlash
from voltnode.pin import check_pin, pin_digest
from voltnode.ring import frame
from voltnode.sealed import write_sealed
from voltnode.sign.keyfile import SignerError, open_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Case = tuple[str, bytes | None]

SALT = b"salt of the pin!"
ENROLMENT = {"house": "house01", "link_key": "ab" * 32, "broker": "10.0.0.1:8883", "slot_s": 900}
CONFIG = {"enrolment": ENROLMENT, "pin": {"salt": SALT.hex(), "digest": pin_digest(SALT, "2580").hex()}}
SMALL = ("config", "numbers", "receipt", "pin-failures", "floor")
MINUTES = 40

SCALARS: "tuple[Any, ...]" = (
    None,
    True,
    -1,
    0,
    1.5,
    1 << 39,
    1 << 64,
    10**30,
    "",
    "12",
    "ff" * 33,
    "z" * 64,
    [],
    [1],
    {},
    {"a": {}},
)
BODIES = (
    b"",
    b"{}",
    b"[]",
    b"5",
    b'"x"',
    b"null",
    b"{",
    b"\xff\xfe",
    b"[" * 3000,
    b'{"a":' * 500,
    b"1e999",
    b"{" + b" " * 9000,
)


class KeyBoard:
    """As much of a board as key and PIN need."""

    raw = None

    def __init__(self, flash: FolderFlash) -> None:
        self.flash = flash
        self.drawn = 0

    def now_ms(self) -> int:
        """See `Board`."""
        return 10**9

    def random(self, size: int) -> bytes:
        """See `Board`."""
        self.drawn += 1
        return bytes([self.drawn + i & 255 for i in range(size)])


def sealed(body: bytes) -> bytes:
    """A small file whose check sum is right."""
    return b"%08x" % crc32(body) + body


def rubbish(seed: int, size: int) -> bytes:
    """The same for the same seed."""
    out = bytearray()
    for _ in range(size):
        seed = (seed * 1103515245 + 12345) & 0x3FFFFFFF
        out.append(seed >> 16 & 255)
    return bytes(out)


def worn(good: bytes, every: int) -> "Iterator[Case]":
    """Cut, flipped, lengthened, and replaced."""
    for size in range(0, len(good), every):
        yield "cut %d" % size, good[:size]
    for at in range(0, len(good), every):
        yield "flip %d" % at, good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1 :]
    yield "erased", b"\xff" * len(good)
    yield "zeros", bytes(len(good))
    for size in (1, 7, 8, 9, 600, 5000, 40_000):
        yield "rubbish %d" % size, rubbish(size, size)
        yield "lengthened %d" % size, good + rubbish(size + 1, size)
    yield "gone", None


def foreign(value: "dict[str, Any]") -> "Iterator[Case]":
    """Of other versions: the check sum is right and the contents are not."""
    import json

    for body in BODIES:
        yield "body %r" % body[:9], sealed(body)
    for key in value:
        rest = {name: value[name] for name in value if name != key}
        yield key + " missing", sealed(json.dumps(rest).encode())
        for i in range(len(SCALARS)):
            yield "%s scalar %d" % (key, i), sealed(json.dumps(dict(rest, **{key: SCALARS[i]})).encode())


class World:
    """A node's flash as good days left it, into which one damage at a time is put."""

    def __init__(self, folder: str) -> None:
        self.flash = flashes.QuickFlash(folder)
        board: Any = KeyBoard(self.flash)
        self.board = board
        self.key = self.open_key()
        write_sealed(self.flash, "config", CONFIG)
        write_sealed(self.flash, "pin-failures", {"count": 2})
        write_sealed(self.flash, "floor", {"s": 1_750_000_000})
        node = flashes.Node(flashes.Storage([], self.flash, None))
        for minute in range(MINUTES):
            node.minute(minute, receipt=minute < 10)
        self.written = node.ring.greatest
        self.good = {name: self.flash.read(name) or b"" for name in self.flash.names()}

    def open_key(self) -> int:
        """The key as the board reads it. Raises SignerError."""
        return open_key(FlashKeyFile(self.board), self.board.random)

    def restore(self) -> None:
        """Everything as it was."""
        for name in self.flash.names():
            if name not in self.good:
                self.flash.remove(name)
        for name in self.good:
            if self.flash.read(name) != self.good[name]:
                self.flash.replace(name, self.good[name])

    def put(self, name: str, data: "bytes | None") -> None:
        """Damages a file."""
        if data is None:
            self.flash.remove(name)
        else:
            self.flash.replace(name, data)

    def start(self) -> str:
        """Starts as the board does and lives for a minute: what is wrong, empty where nothing is."""
        said = [name for name, _ in damaged(self.flash)]
        config = Config(self.flash)
        try:
            check_pin(self.board, config, "0000")
        except ConfigError:
            pass
        else:
            return "any PIN is right"
        node = flashes.Node(flashes.Storage([], self.flash, None))
        node.minute(MINUTES + 5, receipt=False)
        rseq = node.ring.greatest
        found = flashes.read_on(node.ring)
        if found.get(rseq) != node.hashes.get(rseq) or rseq not in node.hashes:
            return "the next record is not there"
        if flashes.read_on(flashes.Storage([], self.flash, None).ring()) != found:
            return "a restart reads something else"
        self.said = said
        self.node = node
        return ""


def tell(name: str, case: str, wrong: str) -> int:
    """Prints what is wrong; 1 where something is."""
    if wrong:
        print("FAILED", name, case, wrong)
    return 1 if wrong else 0


def fuzz_small(world: World, every: int) -> int:
    """Files of settings and counts."""
    failed = count = 0
    import json

    for name in SMALL:
        value = json.loads(world.good[name][8:])
        cases = list(worn(world.good[name], every)) + list(foreign(value))
        if name == "config":
            cases += [
                (key, sealed(json.dumps({"enrolment": inner, "pin": CONFIG["pin"]}).encode()))
                for key, inner in inners()
            ]
        for case, data in cases:
            count += 1
            world.put(name, data)
            wrong = world.start()
            if not wrong and data and not case.count("scalar") and name not in world.said:
                wrong = "nobody says so"
            if not wrong and name != "receipt" and world.node.ring.greatest <= world.written:
                wrong = "a number comes twice"
            failed += tell(name, case, wrong)
            world.restore()
    print("small files", count)
    return failed


def inners() -> "Iterator[tuple[str, dict[str, Any]]]":
    """Enrolments of other versions."""
    for key in ENROLMENT:
        for scalar in SCALARS:
            yield key + " scalar", dict(ENROLMENT, **{key: scalar})


def strange_frames(rseq: int) -> "Iterator[Case]":
    """Whole frames that no recorder of this version writes."""
    bodies: tuple[Any, ...] = (
        0,
        [],
        {},
        {1: 1},
        {1: 2, 9: 0},
        {1: 1, 9: 0},
        {1: 1, 9: 0, 3: []},
        {1: 1, 9: "x", 15: 5},
        {1: 1, 9: 0, 15: [[1]]},
    )
    yield "empty", frame(rseq, b"")
    yield "not CBOR", frame(rseq, b"\xff\xff")
    for i in range(len(bodies)):
        yield "body %d" % i, frame(rseq, encode(bodies[i]))
        yield "signed body %d" % i, frame(rseq, b"\xd2" + encode([b"", {}, encode(bodies[i]), b""]))
    for number in (0, 1, (1 << 39) + 1, (1 << 64) - 1):
        yield "rseq %d" % number, frame(number, b"x" * 90)
    yield "too long", frame(rseq, bytes(5000))
    yield "magic only", b"\xa7V" * 300
    yield "length only", struct.pack(">2sHQI", b"\xa7V", 65535, rseq, 0)


def fuzz_segments(world: World, every: int) -> int:
    """The ring's files."""
    failed = count = 0
    for name in ("m000001", "s000001"):
        cases = list(worn(world.good[name], every * 29))
        cases += [
            ("frame: " + case, world.good[name] + (data or b"")) for case, data in strange_frames(world.written + 1)
        ]
        for case, data in cases:
            count += 1
            world.put(name, data)
            failed += tell(name, case, world.start())
            world.restore()
    for stray in ("m999999", "s99999999", "s1", "mxxxxxx", "m-00001", "s000000", "m00000\u0663", "s000001.new"):
        for data in (b"", world.good["m000001"], rubbish(3, 20_000)):
            count += 1
            world.put(stray, data)
            failed += tell(stray, str(len(data)), world.start())
            world.restore()
    print("segments", count)
    return failed


def fuzz_key(world: World, every: int) -> int:
    """The key: it is the same, or an error says what is wrong; never another one while the file is there."""
    failed = count = 0
    for case, data in worn(world.good["node.key"], every):
        if data is None:
            continue
        count += 1
        world.put("node.key", data)
        try:
            same = world.open_key() == world.key
            failed += tell("node.key", case, "" if same and data == world.good["node.key"] else "taken")
        except SignerError:
            pass
        world.restore()
    print("key", count)
    return failed


def main(folder: str, every: int) -> int:
    """Runs all; the status to end with."""
    world = World(folder)
    return 1 if fuzz_small(world, every) + fuzz_segments(world, every) + fuzz_key(world, every) else 0


sys.exit(main(sys.argv[1], int(sys.argv[2])))
