"""Checks of the serial port on either interpreter: `check_serial_unix.py PTY GONE`. Prints one JSON object.

PTY holds `hello`, and nobody reads what is written to it; at GONE there is nothing.
"""

import asyncio
import json
import sys
import time

from voltnode.hal.serial_unix import SerialPort

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def error_of(call: "Callable[[], object]") -> str:
    """The kind of error that a call ends with; empty for none."""
    try:
        call()
    except (OSError, ValueError) as error:
        return "OSError" if isinstance(error, OSError) else "ValueError"
    return ""


def written_until_full(port: SerialPort) -> int:
    """How many requests go into a line that nobody reads before it says so."""
    for i in range(100_000):
        if error_of(lambda: port.write(b"8 bytes.")):
            return i
    return -1


async def main(path: str, gone: str) -> None:
    """All checks, in order."""
    port, buffer = SerialPort(path, 19200, "E", 2), bytearray(64)
    found: dict[str, object] = {"ready": await port.wait_readable(1000)}
    count = port.readinto(buffer)
    found["read"] = bytes(buffer[: count or 0]).decode()
    found["nothing"] = [port.readinto(buffer), port.any()]
    began = time.time()
    found["waited"] = [await port.wait_readable(60), time.time() - began < 30]
    found["full"] = 100 < written_until_full(port) < 100_000
    port.close()
    found["again"] = port.any()
    absent = SerialPort(gone)
    found["absent"] = [
        error_of(absent.any),
        error_of(lambda: absent.write(b"x")),
        error_of(lambda: absent.readinto(buffer)),
    ]
    found["speed"] = error_of(lambda: SerialPort(path, 12345))
    print(json.dumps(found))


asyncio.run(main(sys.argv[1], sys.argv[2]))
