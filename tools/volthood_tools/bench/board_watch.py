"""The node's program on the virtual board, watched from beside it: `board_watch.py FILE OPTIONS`, options as the board's.

Every two seconds, after a collection, FILE says the bytes of the heap in use and free, and which modules are loaded. Nothing
here is loaded by the node.
"""

import asyncio
import gc
import json
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LOOK_S = 2
_gc: "Any" = gc
_FILE = sys.argv.pop(1)


def _look() -> None:
    gc.collect()
    seen = (_gc.mem_alloc(), _gc.mem_free(), list(sys.modules))
    with open(_FILE + ".new", "w") as file:  # noqa: PTH123 - the board has no pathlib
        json.dump(seen, file)
    os.rename(_FILE + ".new", _FILE)  # noqa: PTH104 - the board has no pathlib


async def _watch() -> None:
    while True:
        await asyncio.sleep(_LOOK_S)
        _look()


_watching = asyncio.create_task(_watch())  # noqa: RUF006 - it stands in the module
__import__("voltnode.hal.unix")
sys.modules["voltnode.hal.unix"].main()
