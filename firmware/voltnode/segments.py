"""The ring's segments as files: `s000001`, `m000001` and so on."""

from voltnode.on_demand import call
from voltnode.ring import SEGMENT_BYTES, Series

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Flash


class FileSeries(Series):
    """One kind of record in files, `prefix` and a number: see `Series`."""

    def __init__(self, flash: "Flash", prefix: str, most: int) -> None:
        super().__init__(most, SEGMENT_BYTES)
        self._flash = flash
        self._prefix = prefix
        self.first, self.last = call("voltnode.survey", "segment_files", flash, prefix, most)
        self.size = flash.size(self._name(self.last))

    def _name(self, number: int) -> str:
        return "%s%06d" % (self._prefix, number)

    def read_at(self, number: int, offset: int, size: int) -> bytes:
        """See `Series`."""
        return self._flash.read_at(self._name(number), offset, size)

    def append(self, data: bytes) -> None:
        """See `Series`."""
        try:
            self._flash.append(self._name(self.last), data)
            self.size += len(data)
        except OSError:
            self.size = self._flash.size(self._name(self.last))
            raise

    def remove(self, number: int) -> None:
        """See `Series`."""
        self._flash.remove(self._name(number))

    def end(self, number: int) -> int:
        """See `Series`."""
        return self._flash.size(self._name(number))
