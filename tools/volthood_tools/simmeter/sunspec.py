"""A SunSpec device around a meter model: the marker, the common model, the meter, the end of the chain.

(SunSpec Device Information Model Specification, models 1, 201 to 204 and 211 to 214. Offsets include the two words of the
header.) Points that the simulation has no value for say that they are not implemented.
"""

import struct
from fractions import Fraction

from volthood_tools.simmeter.quantities import Values
from volthood_tools.simmeter.registers import ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, ILLEGAL_VALUE, ReadRefusedError
from voltnode.meters import MeterTable, Register
from voltnode.meters.sunspec import BASES, COMMON_MODEL, END_MODEL, FLOAT_MODELS, table_of

_READ, _MOST = 3, 125
_COMMON_LENGTH, _INTEGER_LENGTH, _FLOAT_LENGTH = 66, 105, 124
_ACCUMULATORS = (range(38, 54), range(55, 71), range(72, 104), range(105, 107))
"""In the integer models: energies, which count from 0, and the bits of events."""

_STRINGS = ((2, 16, "Volthood"), (18, 16, "Simulated meter"), (34, 8, ""), (42, 8, "1"))
_POWERS = {6: -2, 15: -1, 17: -2, 22: 0, 37: -1, 54: 0}
"""The powers of ten of the integer models, by offset; that of the power grows with what is to be shown."""


class SunSpecMap:
    """The registers of a SunSpec device with one meter model, from the first usual address on."""

    def __init__(self, model: int) -> None:
        self.base = BASES[0]
        self._at = self.base + 2 + 2 + _COMMON_LENGTH
        self._model = model
        self.table: MeterTable = table_of(model, self._at, None)

    def read(self, function: int, address: int, count: int, values: Values, serial: int) -> list[int]:
        """The words of a read. Raises: `ReadRefusedError`."""
        if function != _READ:
            raise ReadRefusedError(ILLEGAL_FUNCTION)
        if not 0 < count <= _MOST:
            raise ReadRefusedError(ILLEGAL_VALUE)
        words = self._device(values, serial)
        first = address - self.base
        if not 0 <= first <= len(words) - count:
            raise ReadRefusedError(ILLEGAL_ADDRESS)
        return words[first : first + count]

    def _device(self, values: Values, serial: int) -> list[int]:
        """Everything, from the marker to the end."""
        common = [COMMON_MODEL, _COMMON_LENGTH] + [0] * _COMMON_LENGTH
        for offset, size, said in (*_STRINGS, (50, 16, str(serial))):
            common[offset : offset + size] = struct.unpack(f">{size}H", said.encode().ljust(2 * size, b"\0"))
        common[66], common[67] = 1, 0x8000
        floats = self._model in FLOAT_MODELS
        meter = _empty_floats(self._model) if floats else _empty_integers(self._model)
        powers = _POWERS | {22: _power_of_power(values)}
        for register in self.table.registers:
            at = register.address - self._at
            if register.kind == "sunssf":
                meter[at] = powers[at] & 0xFFFF
            else:
                power = powers[register.scale - self._at] if register.scale >= 0 else 0
                words = _words(
                    register, Fraction(values[register.quantity]) / register.numerator / Fraction(10) ** power
                )
                meter[at : at + len(words)] = words
        return [*struct.unpack(">2H", b"SunS"), *common, *meter, END_MODEL, 0]


def _empty_integers(model: int) -> list[int]:
    """An integer model that implements nothing."""
    body = [model, _INTEGER_LENGTH] + [0x8000] * _INTEGER_LENGTH
    for offsets in _ACCUMULATORS:
        for offset in offsets:
            body[offset] = 0
    return body


def _empty_floats(model: int) -> list[int]:
    """A float32 model that implements nothing."""
    return [model, _FLOAT_LENGTH, *([0x7FC0, 0] * (_FLOAT_LENGTH // 2 - 1)), 0, 0]


def _power_of_power(values: Values) -> int:
    """The smallest power of ten with which every power fits into 16 bits."""
    most_w, power = max(abs(Fraction(value)) for name, value in values.items() if name.startswith("power_")) / 1000, 0
    while most_w / 10**power > 32_000:
        power += 1
    return power


def _words(register: Register, raw: Fraction) -> tuple[int, ...]:
    if register.kind == "float32":
        return struct.unpack(">2H", struct.pack(">f", float(raw)))
    if register.kind == "uint32":
        return struct.unpack(">2H", struct.pack(">I", round(raw)))
    return (round(raw) & 0xFFFF,)
