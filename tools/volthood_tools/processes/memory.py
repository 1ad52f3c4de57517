"""What a process holds in memory, from /proc (proc(5))."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Memory:
    """Resident memory in KiB: now, at its peak, and now with shared pages divided among their users."""

    resident_kib: int
    peak_kib: int
    proportional_kib: int


def memory_of(pid: int, proc: Path = Path("/proc")) -> Memory | None:
    """The memory of a process; None once it has ended."""
    try:
        status = _fields(proc / str(pid) / "status")
        rollup = _fields(proc / str(pid) / "smaps_rollup")
    except OSError:
        return None
    if "VmRSS" not in status:
        return None
    return Memory(status["VmRSS"], status.get("VmHWM", status["VmRSS"]), rollup.get("Pss", status["VmRSS"]))


def _fields(path: Path) -> dict[str, int]:
    """The lines `Name:  123 kB` of a file."""
    found = {}
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[1] == "kB":
            found[name] = int(words[0])
    return found
