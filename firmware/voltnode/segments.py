"""The ring's segments as files: `s000001`, `m000001` and so on."""

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
        numbers = [int(name[1:]) for name in flash.names() if name[0] == prefix and _is_number(name[1:])]
        if numbers:
            self.last = max(numbers)
            # A file that is no segment of this row, by whatever accident, must not make it endless.
            self.first = max(min(numbers), self.last - most + 1)
            for number in numbers:
                if number < self.first:
                    self.remove(number)
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


def _is_number(text: str) -> bool:
    return 6 <= len(text) <= 8 and text < "9" * 7 and all([char in "0123456789" for char in text])
