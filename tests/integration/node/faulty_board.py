"""A virtual board with faults, on either interpreter: options as `voltnode.hal.unix`, and before them a JSON file.

The file says what is different: `set` gives constants of modules other values, `hang` names a task that never comes back,
`spin` one that keeps the processor, `crash` makes the whole node fail. It is read at each start, so a test can mend a board.
"""

import asyncio
import json
import sys

from voltnode import main, on_demand
from voltnode.hal import unix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

with open(sys.argv.pop(1)) as file:  # noqa: PTH123 - MicroPython has no pathlib
    faults = json.load(file)

# What was changed must stay changed.
on_demand._DROPS = False
for module, values in faults.get("set", {}).items():
    for name, value in values.items():
        setattr(__import__(module, None, None, (name,)), name, value)

keep = main.Node.keep


async def faulty_keep(node: "main.Node", name: str, start: "Callable[..., Awaitable[None]]", *arguments: "Any") -> None:
    if name == faults.get("hang"):
        await asyncio.Event().wait()
    if name == faults.get("spin"):
        while True:
            pass
    await keep(node, name, start, *arguments)


async def crash(_node: "main.Node") -> None:
    raise ValueError("no such luck")


node_class: "Any" = main.Node
node_class.keep = faulty_keep
if faults.get("crash"):
    node_class.run = crash
unix.main()
