"""A board's starts on either interpreter: what is kept, counted and said. Both print the same."""

from voltnode.boots import Boots
from voltnode.guard import Guard
from voltnode.log import Log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Flash:
    """Files in RAM."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, name: str) -> "bytes | None":
        return self.files.get(name)

    def size(self, name: str) -> int:
        return len(self.files.get(name, b""))

    def replace(self, name: str, data: bytes) -> None:
        self.files[name] = data

    def remove(self, name: str) -> None:
        self.files.pop(name, None)


class Board:
    """A board whose memory is handed on."""

    def __init__(self, flash: Flash, memory: bytes, cause: str) -> None:
        self.flash, self.memory, self.cause = flash, memory, cause
        self.ms = 0
        self.settings = {"sample_ms": 1000}

    def now_ms(self) -> int:
        return self.ms

    def reset_cause(self) -> str:
        return self.cause

    def boot_memory(self) -> bytes:
        return self.memory

    def keep_boot_memory(self, data: bytes) -> None:
        self.memory = data

    def start_watchdog(self, limit_ms: int) -> None:
        print("watchdog", limit_ms)

    def feed_watchdog(self) -> None:
        pass

    def restart(self) -> None:
        print("restarts")


def start(board: "Any", boot: int) -> Guard:
    boots = Boots(board)
    log = Log(board.now_ms)
    log.before = boots.lines
    print(boot, boots.cause, boots.failed, boots.reason(), boots.note is not None and boots.note["error"])
    print("\n".join(boots.lines))
    guard = Guard(board, boots, log, boot)
    guard.start()
    log("started", text="äöü €")
    return guard


flash, memory, cause = Flash(), b"", "power on"
for number in range(1, 6):
    board = Board(flash, memory, cause)
    guard = start(board, number)
    for _ in range(65 + number):
        board.ms += 1000
        for task in ("recorder", "link") if number < 5 else ():
            guard.progress(task)
        guard.tick()
    guard.failed("link", ValueError())
    guard.tick()
    memory, cause = board.memory, "watchdog"
guard.restart("reboot")
print(board.memory.decode())
print("done")
