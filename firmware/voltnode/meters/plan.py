"""Which requests read a set of registers: as few as the meter's limits allow. Loaded when a meter is set up, and dropped."""

from collections import namedtuple

from voltnode.registers import WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NamedTuple

    from voltnode.meters import MeterTable, Register

    class Block(NamedTuple):
        """Registers that one request reads: so many words from `address` on."""

        function: int
        address: int
        words: int
        registers: list[Register]
else:
    Block = namedtuple("Block", ("function", "address", "words", "registers"))  # noqa: PYI024 - the board has no typing

PHASES = ("_l1", "_l2", "_l3")


def _block(registers: "list[Register]") -> "Block":
    first, last = registers[0], registers[-1]
    return Block(first.function, first.address, last.address + WORDS[last.kind] - first.address, registers)


def halves(block: "Block") -> "list[Block]":
    """The same registers in two requests; none for a block of one register."""
    middle = len(block.registers) // 2
    return [_block(block.registers[:middle]), _block(block.registers[middle:])] if middle else []


def phases(table: "MeterTable") -> "tuple[str, ...]":
    """The endings of a meter's phases: two where the phase is split."""
    quantities = [register.quantity for register in table.registers]
    return PHASES[:2] if "power_l2" in quantities and "power_l3" not in quantities else PHASES


def blocks(table: "MeterTable", most_needed: int) -> "list[Block]":
    """The requests for every register whose `need` is at most `most_needed`."""
    found: list[list[Register]] = []
    joined, previous = False, None
    for register in sorted(table.registers, key=_place):
        joined = joined and previous is not None and _adjoin(table, previous, register)
        previous = register
        if register.need <= most_needed:
            if joined and register.address + WORDS[register.kind] - found[-1][0].address <= table.max_registers:
                found[-1].append(register)
            else:
                found.append([register])
            joined = True
    return [_block(group) for group in found]


def _place(register: "Register") -> "tuple[int, int]":
    return register.function, register.address


def _adjoin(table: "MeterTable", one: "Register", other: "Register") -> bool:
    """Whether one request may read over from one register to the next one the meter has, wanted or not."""
    hole = other.address - (one.address + WORDS[one.kind])
    return one.function == other.function and hole <= table.max_gap
