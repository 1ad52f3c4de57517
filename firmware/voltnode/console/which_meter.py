"""Console: the meter that a command means. Loaded with the commands that ask for one."""

from voltnode.console.commands import RefusedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.commands import Context
    from voltnode.sampler import Sampler


def chosen(context: "Context", word: str) -> "Sampler":
    """The meter with this index; the household's without one. Raises RefusedError."""
    samplers = context.node.metering.samplers
    index = int(word or "0") if (word or "0").isdigit() and len(word) < 3 else -1
    if not 0 <= index < len(samplers):
        raise RefusedError("no_such_meter", "a number from 0 to %d" % (len(samplers) - 1))
    return samplers[index]
