"""Flash as a folder of the file system: LittleFS on the board, any folder for the virtual one."""

import os

_ENOENT = 2


class FolderFlash:
    """Flash as a folder: see `voltnode.hal.Flash`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        try:
            os.mkdir(folder)
        except OSError:
            os.stat(folder)

    def _path(self, name: str) -> str:
        return self._folder + "/" + name

    def read(self, name: str) -> "bytes | None":
        """See `Flash`."""
        try:
            with open(self._path(name), "rb") as file:
                return file.read()
        except OSError as error:
            if error.errno != _ENOENT:
                raise
        return None

    def read_at(self, name: str, offset: int, size: int) -> bytes:
        """See `Flash`."""
        try:
            with open(self._path(name), "rb") as file:
                file.seek(offset)
                return file.read(size)
        except OSError as error:
            if error.errno != _ENOENT:
                raise
        return b""

    def size(self, name: str) -> int:
        """See `Flash`."""
        try:
            return os.stat(self._path(name))[6]
        except OSError:
            return 0

    def append(self, name: str, data: bytes) -> None:
        """See `Flash`."""
        self._write(self._path(name), "ab", data)

    def replace(self, name: str, data: bytes) -> None:
        """See `Flash`."""
        beside = self._path(name) + ".new"
        self._write(beside, "wb", data)
        os.rename(beside, self._path(name))

    def remove(self, name: str) -> None:
        """See `Flash`."""
        try:
            os.remove(self._path(name))
        except OSError as error:
            if error.errno != _ENOENT:
                raise

    def names(self) -> "list[str]":
        """See `Flash`."""
        return [name for name in os.listdir(self._folder) if not name.endswith(".new")]

    def free(self) -> int:
        """See `Flash`."""
        stat = os.statvfs(self._folder)
        return stat[0] * stat[3]

    @staticmethod
    def _write(path: str, mode: str, data: bytes) -> None:
        with open(path, mode) as file:
            file.write(data)
            file.flush()
            if hasattr(os, "fsync"):  # On MicroPython, `flush` does it.
                os.fsync(file.fileno())
