"""Memory figures from files as proc(5) writes them."""

import os
from pathlib import Path

from volthood_tools.processes.memory import Memory, memory_of

STATUS = "Name:\tpython\nVmHWM:\t   20480 kB\nVmRSS:\t   18432 kB\nThreads:\t1\n"
ROLLUP = "5581d4a7e000-7ffd0e9f6000 ---p 00000000 00:00 0   [rollup]\nRss:  18432 kB\nPss:  9000 kB\n"


def write(proc: Path, pid: int, status: str, rollup: str) -> None:
    folder = proc / str(pid)
    folder.mkdir()
    (folder / "status").write_text(status)
    (folder / "smaps_rollup").write_text(rollup)


def test_reads_now_peak_and_share(tmp_path: Path) -> None:
    write(tmp_path, 7, STATUS, ROLLUP)
    assert memory_of(7, tmp_path) == Memory(resident_kib=18432, peak_kib=20480, proportional_kib=9000)


def test_a_process_that_has_ended_holds_nothing(tmp_path: Path) -> None:
    assert memory_of(7, tmp_path) is None


def test_a_zombie_has_no_memory_lines(tmp_path: Path) -> None:
    write(tmp_path, 7, "Name:\tpython\nState:\tZ (zombie)\n", "")
    assert memory_of(7, tmp_path) is None


def test_this_process_holds_some() -> None:
    memory = memory_of(os.getpid())
    assert memory is not None
    assert memory.peak_kib >= memory.resident_kib > 0
