"""An update on LittleFS, the power cut at each of its flash operations: `check_update_power.py RELEASE EVERY [careless]`.

RELEASE is a JSON file: a signed manifest, its file list and files, the release key, in hex, and how long the list is. For
each operation of the chip (every EVERY-th of them), and for whatever the cut can leave of it, the board is started from what
remains: what starts must be a whole program. It then takes the update up again, and must come to run it. Prints the operations,
the starts that were looked at, and how many were of half an update. `careless`: the pointer is replaced
before the release is whole, which must be noticed. MicroPython only: CPython has no LittleFS.
"""

import json
import sys

import vfs  # type: ignore[import-not-found]

from volthood.wire.rows import unpack_row
from volthood_tools import nor
from voltnode.selector import GOOD, RELEASE, TRIAL, choose, other, read_pointer, write_pointer
from voltnode.update.folder import CodeFolder
from voltnode.update.staging import Staging
from voltnode.update.trial import confirm

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

BLOCKS = 64
OLD, NEW = "0.1.0", "0.2.0"
OLD_FILES = {"voltnode/old.mpy": b"the old program"}
PIECE_BYTES = 300


async def no_pause() -> None:
    """Nobody waits."""


def finished(coroutine: "Coroutine[Any, Any, Any]") -> "Any":
    """What a coroutine gives that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    raise ValueError("it waits")


class Board:
    """Boards with the old program, and the release on its way to them.

    Attributes:
        starts: how many there were; `half` of them found no whole program, or never came to the new one.
        cut_every: a cut at every so many operations; 0 for none. `operations` so far.
    """

    def __init__(self, release: "dict[str, Any]", careless: bool) -> None:
        self.careless = careless
        self.signed, self.stream, self.key = [bytes.fromhex(release[name]) for name in ("signed", "stream", "key")]
        self.programs = {OLD: OLD_FILES, NEW: self._files(release["list_bytes"])}
        self.starts = self.half = self.operations = self.cut_every = 0

    def _files(self, list_bytes: int) -> "dict[str, bytes]":
        files, at, content_at = {}, 0, list_bytes
        while at < list_bytes:
            path, size, _, used = unpack_row(self.stream[at:list_bytes])
            files[path] = self.stream[content_at : content_at + size]
            at += used
            content_at += size
        return files

    def live(self, device: nor.NorDevice, mounted_at: str) -> None:
        """Starts until the new program is kept. Raises ValueError where what starts is not whole."""
        vfs.mount(vfs.VfsLfs2(device), mounted_at)
        try:
            flash = CodeFolder(mounted_at)
            lives = 0
            while not self._run(flash):
                lives += 1
                if lives > 8:
                    raise ValueError("never kept")
        finally:
            vfs.umount(mounted_at)

    def _run(self, flash: CodeFolder) -> bool:
        """One start, and what its program does; whether the new one is kept."""
        self.starts += 1
        slot = choose(flash)
        release = (flash.read(slot + "/" + RELEASE) or b"").decode()
        program: dict[str, bytes] = self.programs.get(release, {})
        if not program:
            raise ValueError("starts a folder without a release")
        for path, content in program.items():
            if flash.read(slot + "/" + path) != content:
                raise ValueError("%s lacks %s" % (release, path))
        if release == OLD:
            self._update(flash, slot)
            return False
        confirm(flash, slot)
        return read_pointer(flash) == (slot, GOOD, 0)

    def _update(self, flash: CodeFolder, slot: str) -> None:
        staging = Staging(flash, slot, OLD, "esp32", self.key, no_pause, no_pause)
        position = finished(staging.offer(self.signed))
        while position < len(self.stream):
            position = finished(staging.piece(position, self.stream[position : position + PIECE_BYTES]))
        if self.careless:
            write_pointer(flash, other(slot), TRIAL, 0)
            flash.append(other(slot) + "/" + RELEASE, NEW.encode())
        elif not finished(staging.apply())[1]:
            raise ValueError("not applied")

    def cut(self, device: nor.NorDevice) -> None:
        """Lives on a chip whose power goes at each operation: each time another board goes on with what it leaves."""

        def watch(block: int, offset: int, data: "bytes | None") -> None:
            self.operations += 1
            if self.operations % self.cut_every:
                return
            for leaves in (nor.NOT_DONE, nor.TORN, nor.DONE):
                remains = device.twin()
                nor.apply(remains.image, block, offset, data, leaves)
                try:
                    self.live(remains, "/remains")
                except ValueError as error:
                    self.half += 1
                    print("operation", self.operations, error, file=sys.stderr)

        device.watch = watch
        self.live(device, "/chip")


def fresh() -> nor.NorDevice:
    """A chip with the old program, and remains of an older one in the other folder."""
    device = nor.NorDevice(BLOCKS)
    vfs.VfsLfs2.mkfs(device)
    vfs.mount(vfs.VfsLfs2(device), "/chip")
    flash = CodeFolder("/chip")
    for path, content in OLD_FILES.items():
        flash.append("a/" + path, content)
        flash.append("b/" + path, b"remains" * 90)
    flash.append("a/" + RELEASE, OLD.encode())
    flash.append("b/" + RELEASE, b"0.0.9")
    write_pointer(flash, "a", GOOD, 0)
    vfs.umount("/chip")
    return device


def main() -> None:
    """See above."""
    with open(sys.argv[1]) as file:
        board = Board(json.load(file), "careless" in sys.argv)
    board.cut_every = int(sys.argv[2])
    board.cut(fresh())
    print("operations", board.operations, "starts", board.starts, "half", board.half)


main()
