"""The root of the board's file system, with the programs in their folders."""

import os

from voltnode.hal.folder import FolderFlash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from voltnode.hal import Flash

    class CodeFlash(Flash, Protocol):
        """Flash whose names may have folders in them."""

        def under(self, folder: str) -> "list[str]":
            """The names of all files in a folder and those in it."""


_ENOENT = 2
_IS_FOLDER = 0x4000


class CodeFolder(FolderFlash):
    """See `CodeFlash`: a folder of the file system, those in it made as they are needed."""

    def append(self, name: str, data: bytes) -> None:
        """See `Flash`."""
        try:
            super().append(name, data)
        except OSError as error:
            if error.errno != _ENOENT:
                raise
            self._make_folders(name)
            super().append(name, data)

    def _make_folders(self, name: str) -> None:
        at = name.find("/")
        while at > 0:
            try:
                os.mkdir(self._path(name[:at]))
            except OSError:
                pass  # It is there, or the append that follows says what is wrong.
            at = name.find("/", at + 1)

    def under(self, folder: str) -> "list[str]":
        """See `CodeFlash`."""
        found: list[str] = []
        todo = [folder]
        while todo:
            at = todo.pop()
            try:
                names = os.listdir(self._path(at))
            except OSError:
                continue
            for name in names:
                path = at + "/" + name
                (todo if os.stat(self._path(path))[0] & _IS_FOLDER else found).append(path)
        return found
