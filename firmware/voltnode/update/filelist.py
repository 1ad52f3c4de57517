"""The file list of a release, read from flash row by row: as a whole it would be a large part of the memory."""

from volthood.wire.cbor_writer import WireError
from volthood.wire.rows import MAX_ROW_BYTES, unpack_row

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator

    from voltnode.hal import Flash
    from voltnode.update.manifest import Manifest


class Cursor:
    """Stands at one row of the list, the one whose file is written.

    Args:
        flash: where the list is, in the file `name` of `size` bytes.
        slot: the folder of the files.

    Attributes:
        path, size, digest: the row's; an empty path behind the last one.
        start: bytes of the files before it.
    """

    def __init__(self, flash: "Flash", name: str, size: int, slot: str) -> None:
        self._flash = flash
        self._name = name
        self._bytes = size
        self._slot = slot
        self.rewind()
        self.take_row()

    def rewind(self) -> None:
        """Back to before the first row."""
        self._at = self.start = self.size = 0
        self.path, self.digest = "", b""

    def take_row(self) -> bool:
        """Goes on to the next row; False where there is none. Raises WireError."""
        self.start += self.size
        self.path, self.size, self.digest = "", 0, b""
        if self._at >= self._bytes:
            return False
        window = self._flash.read_at(self._name, self._at, min(MAX_ROW_BYTES, self._bytes - self._at))
        self.path, self.size, self.digest, used = unpack_row(window)
        self._at += used
        return True

    def left(self) -> int:
        """Bytes that the row's file lacks; below 0 where it has too many."""
        return self.size - self._flash.size(self._slot + "/" + self.path) if self.path else 0

    def steps(self) -> "Generator[None, None, None]":
        """Goes on to the first row whose file lacks something. A file that is longer than it should be is removed."""
        while self.path:
            left = self.left()
            if left < 0:
                self._flash.remove(self._slot + "/" + self.path)
                return
            if left:
                return
            self.take_row()
            yield

    def position(self) -> int:
        """Where in all the files to go on."""
        return self.start + self.size - self.left()


def check_steps(flash: "Flash", name: str, manifest: "Manifest") -> "Generator[None, None, None]":
    """Raises WireError unless the list has the files and bytes that the manifest says, in order of their paths."""
    cursor = Cursor(flash, name, manifest.list_bytes, "")
    count, before = 0, ""
    while cursor.path:
        if cursor.path <= before:
            raise WireError("list_refused", "out of order, or twice: " + cursor.path)
        count, before = count + 1, cursor.path
        cursor.take_row()
        yield
    if count != manifest.files or cursor.start != manifest.content_bytes:
        raise WireError("list_refused", "not what the manifest says")
