"""A reading register by register, for the technician. Loaded when asked for."""

from voltnode.registers import WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from voltnode.bus.reading import Reading


def reading_rows(reading: "Reading") -> "Iterator[tuple[str, int, int, bytes, int | None, str]]":
    """(quantity, function, address, raw words, value or None where it is bad, unit)."""
    for block, data in reading.raws:
        for register in block.registers:
            at = 2 * (register.address - block.address)
            words = data[at : at + 2 * WORDS[register.kind]]
            value = reading.values.get(register.quantity)
            yield register.quantity, register.function, register.address, words, value, register.unit
