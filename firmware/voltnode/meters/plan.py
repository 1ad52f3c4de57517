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
    for register in sorted(table.registers, key=_place):
        if register.need <= most_needed:
            if found and _fits(table, found[-1], register):
                found[-1].append(register)
            else:
                found.append([register])
    return [Block(group) for group in found]


def _place(register: "Register") -> "tuple[int, int]":
    return register.function, register.address


def _fits(table: "MeterTable", group: "list[Register]", register: "Register") -> bool:
    """Whether one more register may join a request: same function, no hole too wide, not too long."""
    last = group[-1]
    gap = register.address - (last.address + WORDS[last.kind])
    length = register.address + WORDS[register.kind] - group[0].address
    return register.function == last.function and gap <= table.max_gap and length <= table.max_registers
