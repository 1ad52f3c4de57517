"""Verb `console`: a console command over the broker, its answer one JSON object. Loaded when it comes.

The MAC stands for the person at the cable. What gives the board away or empties it stays with the cable.
"""

from voltnode.console.commands import Context, execute
from voltnode.console.session import json_pieces
from voltnode.verbs import VerbError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from voltnode.verbs import Call

CABLE_ONLY = (b"enrol", b"factory-reset", b"cert put")


async def console(call: "Call") -> "Iterator[str]":
    """The answer to `call.argument`, a command as typed. Raises VerbError."""
    words = call.argument.split()
    if not words:
        raise VerbError("unknown_command", "help lists the commands")
    if words[0] in CABLE_ONLY:
        raise VerbError("cable_only", "%s works on the serial console alone" % words[0].decode())
    context = Context(call.node)
    context.trusted = True
    line = call.argument if words[-1] == b"--json" else call.argument + b" --json"
    answer, _ = await execute(context, line)
    call.then = context.then
    return json_pieces(answer)
