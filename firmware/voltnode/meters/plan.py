"""Which requests read a set of registers: as few as the meter's limits allow."""

from voltnode.meters import WORDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.meters import MeterTable, Register


class Block:
    """Registers that one request reads: `count` words from `address` on."""

    def __init__(self, registers: "list[Register]") -> None:
        first, last = registers[0], registers[-1]
        self.registers = registers
        self.function = first.function
        self.address = first.address
        self.count = last.address + WORDS[last.kind] - first.address

    def offset(self, register: "Register") -> int:
        """Where a register's first byte stands in the block's data."""
        return 2 * (register.address - self.address)

    def halves(self) -> "list[Block]":
        """The same registers in two requests; none for a block of one register."""
        middle = len(self.registers) // 2
        return [Block(self.registers[:middle]), Block(self.registers[middle:])] if middle else []


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
    return [Block(group) for group in found]


def _place(register: "Register") -> "tuple[int, int]":
    return register.function, register.address


def _adjoin(table: "MeterTable", one: "Register", other: "Register") -> bool:
    """Whether one request may read over from one register to the next one the meter has, wanted or not."""
    hole = other.address - (one.address + WORDS[one.kind])
    return one.function == other.function and hole <= table.max_gap
