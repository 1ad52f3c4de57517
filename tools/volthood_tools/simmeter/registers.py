"""Values into register words, by the same meter tables that the node reads with."""

import struct
from collections.abc import Iterable, Iterator
from fractions import Fraction

from volthood_tools.simmeter.quantities import Values
from voltnode.meters import WORDS, MeterTable

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE, DEVICE_FAILURE = 1, 2, 3, 4
"""Modbus exception codes."""


class ReadRefusedError(Exception):
    """The meter refuses a read.

    Attributes:
        code: Modbus exception code.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


class RegisterMap:
    """The registers of a model, and what of them can be read at once.

    As on the real ones, a read takes whole values only, holes narrower than the table's `max_gap` read as 0, and a
    register for which there is no value does not exist.
    """

    def __init__(self, table: MeterTable) -> None:
        self.table = table

    def read(self, function: int, address: int, count: int, values: Values, serial: int) -> list[int]:
        """The words of a read. Raises: `ReadRefusedError`."""
        spans = sorted(self._spans(function, values, serial))
        if not spans:
            raise ReadRefusedError(ILLEGAL_FUNCTION)
        if not 0 < count <= self.table.max_registers:
            raise ReadRefusedError(ILLEGAL_VALUE)
        words: list[int] = []
        for start, content in spans:
            missing = start - (address + len(words))
            if start + len(content) > address and start < address + count:
                if not 0 <= missing <= self.table.max_gap:
                    raise ReadRefusedError(ILLEGAL_ADDRESS)
                words += [0] * missing + content
        if len(words) != count:
            raise ReadRefusedError(ILLEGAL_ADDRESS)
        return words

    def _spans(self, function: int, values: Values, serial: int) -> Iterator[tuple[int, list[int]]]:
        """(address, words) of every register that the function reads."""
        if self.table.serial is not None and function == self.table.serial[0]:
            _, address, kind = self.table.serial
            yield address, _text(kind, str(serial)) if kind[0] == "t" else self._words(kind, Fraction(serial))
        if self.table.sign is not None and function == self.table.sign[0]:
            _, address, words, code, _ = self.table.sign
            yield address, list(struct.unpack(f">{words}H", code.to_bytes(2 * words)))
        for register in self.table.registers:
            if register.function == function and register.quantity in values:
                raw = Fraction(values[register.quantity]) * register.denominator / register.numerator
                yield register.address, self._words(register.kind, raw)

    def _words(self, kind: str, raw: Fraction) -> list[int]:
        """A raw value in the kind's words, the nearest that it can hold."""
        if kind == "thousandths":
            whole, part = divmod(round(raw), 1000)
            return [*self._words("int32", Fraction(whole)), *self._words("int32", Fraction(part))]
        size = 2 * WORDS[kind]
        data = struct.pack(">f", float(raw)) if kind == "float32" else round(raw).to_bytes(size, signed=kind[0] == "i")
        return list(self._ordered(struct.unpack(f">{WORDS[kind]}H", data)))

    def _ordered(self, words: tuple[int, ...]) -> Iterable[int]:
        return reversed(words) if self.table.little else words


def _text(kind: str, said: str) -> list[int]:
    """Characters in registers, zeros behind them."""
    return list(struct.unpack(f">{WORDS[kind]}H", said.encode().ljust(2 * WORDS[kind], b"\0")))
