"""Updates on the file system, for both interpreters: `check_update.py FOLDER CASES KEY`.

Each line of the file CASES is a JSON list of steps, [action, offset, data in hex], for a fresh board below FOLDER whose release
key is KEY, in hex. Prints what the node answers to each: where to go on, or the reason of its refusal. After each case the
board's old program must be what starts, and whole, unless the new one was applied; then that.
"""

import asyncio
import json
import sys

from volthood.wire.cbor_writer import WireError
from volthood.wire.limits import MAX_VERB_ARGUMENT_BYTES
from volthood.wire.rows import APPLY, OFFER, PIECE, STEP, read
from voltnode.selector import GOOD, RELEASE, choose, write_pointer
from voltnode.update.folder import CodeFolder
from voltnode.update.staging import Staging

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OLD = "0.1.0"
CONTENT = b"the old program"


def fresh(folder: str) -> CodeFolder:
    flash = CodeFolder(folder)
    for name in flash.under("b") + ["offered", "b.list"]:
        flash.remove(name)
    for name in flash.under("a"):
        flash.remove(name)
    flash.append("a/voltnode/old.mpy", CONTENT)
    flash.append("a/" + RELEASE, OLD.encode())
    write_pointer(flash, "a", GOOD, 0)
    return flash


async def no_pause() -> None:
    pass


def parsed(action: int, offset: int, text: str) -> "tuple[int, int, bytes]":
    """A step; an action below 0 says that the text is all of it, as it was sent."""
    data = bytes.fromhex(text)
    return tuple(read(STEP, data, MAX_VERB_ARGUMENT_BYTES)) if action < 0 else (action, offset, data)


async def answers(staging: Staging, steps: "list[Any]") -> "list[object]":
    found: list[object] = []
    for step in steps:
        try:
            action, offset, data = parsed(*step)
            if action == OFFER:
                found.append(await staging.offer(data))
            elif action == PIECE:
                found.append(await staging.piece(offset, data))
            elif action == APPLY:
                found.append("applied" if (await staging.apply())[1] else "not whole")
            else:
                await staging.drop()
                found.append("dropped")
        except WireError as error:
            found.append(error.reason)
    return found


def check(folder: str, key: bytes, steps: "list[Any]") -> "list[object]":
    flash = fresh(folder)
    found = asyncio.run(answers(Staging(flash, "a", OLD, "esp32", key, no_pause, no_pause), steps))
    slot = choose(flash)
    if slot != ("b" if "applied" in found else "a"):
        raise ValueError("starts the wrong program")
    if flash.read("a/voltnode/old.mpy") != CONTENT or flash.read("a/" + RELEASE) != OLD.encode():
        raise ValueError("the old program is not whole")
    strange = [name for name in flash.names() if name not in ("a", "b", "boot", "offered", "b.list")]
    if strange:
        raise ValueError("files that no update may make: " + " ".join(strange))
    return found


def main() -> None:
    folder, cases, key = sys.argv[1:4]
    with open(cases) as file:
        for line in file:
            print(json.dumps(check(folder, bytes.fromhex(key), json.loads(line))))


main()
