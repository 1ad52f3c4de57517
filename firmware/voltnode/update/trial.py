"""What a new program does to be kept, and the old one when it is back."""

from voltnode.selector import GOOD, TRIAL, read_pointer, write_pointer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Flash


def confirm(flash: "Flash", running: str) -> None:
    """This program is kept: the agent has a record of it. Raises OSError."""
    found = read_pointer(flash)
    if found is not None and found[:2] == (running, TRIAL):
        write_pointer(flash, running, GOOD, 0)
