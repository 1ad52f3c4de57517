"""Enrolment and factory reset, the power cut at each operation: the old node whole, or a new one with nothing of it.

check_reset_cuts.py KIND
"""

import sys

import flashes  # type: ignore[import-not-found]

from volthood_tools import nor
from voltnode.board_key import KEY_FILE, board_key, erase
from voltnode.config import Config, Enrolment
from voltnode.hal.partition import Partition
from voltnode.recorder import last_boot
from voltnode.sequence import Sequence

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ENROLMENT = {"house": "house01", "link_key": "ab" * 32, "broker": "10.0.0.1:8883", "slot_s": 900}
PIN: "dict[str, object]" = {"salt": "00" * 16, "digest": "11" * 32}


class KeyBoard:
    """As much of a board as a key needs."""

    drawn = 0

    def __init__(self, storage: "Any") -> None:
        self.flash = storage.flash
        self.raw = storage.raw

    def random(self, size: int) -> bytes:
        """See `Board`; never the same twice."""
        KeyBoard.drawn += 1
        return bytes([KeyBoard.drawn * 7 + i & 255 for i in range(size)])


def key_of(storage: "Any") -> int:
    """The key as the board reads or makes it."""
    board: Any = KeyBoard(storage)
    key, error = board_key(board)
    if error:
        raise ValueError(error)
    return key


class Cutter:
    """Looks at each operation; `old` is the key of the node that is to be forgotten, 0 before there is one."""

    def __init__(self, storage: "Any") -> None:
        self.devices = storage.devices
        self.raw = storage.raw is not None
        self.copies = [nor.NorDevice(len(device.erases)) for device in self.devices]
        self.old = self.written = self.states = self.failed = 0
        for at in range(len(self.devices)):
            self.devices[at].watch = self._watcher(at)

    def _watcher(self, at: int) -> "Any":
        def watch(block: int, offset: int, data: "bytes | None") -> None:
            for how in (nor.TORN, nor.DONE):
                self.states += 1
                for device, copy in zip(self.devices, self.copies):  # noqa: B905 - the board has no `strict`
                    copy.image[:] = device.image
                nor.apply(self.copies[at].image, block, offset, data, how)
                flash = flashes.mount(self.copies[0], "/cut")
                storage = flashes.Storage(self.copies, flash, Partition(self.copies[-1]) if self.raw else None)
                wrong = self._wrong(storage)
                flashes.unmount("/cut")
                if wrong:
                    self.failed += 1
                    print("FAILED", self.states, how, wrong)

        return watch

    def _wrong(self, storage: "Any") -> str:
        """What is wrong with a start from there; empty where nothing is."""
        try:
            key = key_of(storage)
            ring = storage.ring()
            sequence = Sequence(storage.flash, ring.greatest, last_boot(ring))
            found = flashes.read_on(ring)
        except (OSError, ValueError) as error:
            return repr(error)
        if self.old and key == self.old:
            return "" if len(found) >= self.written else "the old node lost records"
        if not self.old and found:
            return "records before there was a key"
        if self.old and (found or Config(storage.flash).enrolment is not None or sequence.next != 1):
            return "a new key found something of the old one"
        return "" if key_of(storage) == key else "two keys"


def main(kind: str) -> int:
    """The life of two nodes on one flash; the status to end with."""
    storage = flashes.open_storage(kind, "/day")
    cutter = Cutter(storage)
    key = key_of(storage)
    cutter.old = key
    Config(storage.flash).enrol(Enrolment(dict(ENROLMENT)), PIN)
    node = flashes.Node(storage)
    for minute in range(12, 32):
        node.minute(minute, receipt=False)
        cutter.written = node.ring.greatest
    board: Any = KeyBoard(storage)
    erase(board)
    left = [name for name in storage.flash.names() if name != KEY_FILE]
    key_of(storage)
    print("states", cutter.states, "failed", cutter.failed, "left", len(left))
    return 1 if cutter.failed or left or key_of(storage) == key else 0


sys.exit(main(sys.argv[1]))
