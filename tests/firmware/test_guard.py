"""Watchdog, starts that fail, safe mode, and the log over a reset; on a board in memory, and the same on MicroPython."""

from collections.abc import Callable
from pathlib import Path

import pytest

from volthood_tools.memory_board import MemoryBoard, MemoryFlash
from voltnode import boots as starts
from voltnode.boots import Boots
from voltnode.guard import ALLOWED_MS, Guard
from voltnode.log import Log
from voltnode.watch import Watch

CHECK = Path(__file__).with_name("check_guard.py")
HEALTHY_MS = starts.HEALTHY_MS + 2000
TASKS = tuple(ALLOWED_MS)


class Run:
    """One start of a board. `cut` and `reset` begin the next one."""

    def __init__(self, flash: MemoryFlash | None = None, memory: bytes = b"", cause: str = "power on", boot: int = 1):
        self.board = MemoryBoard(flash)
        self.board.memory, self.board.cause = memory, cause
        self.boot = boot
        self.boots = Boots(self.board)
        self.log = Log(self.board.now_ms)
        self.log.before = self.boots.lines
        self.guard = Guard(self.board, self.boots, self.log, boot)
        self.guard.start()

    def play(self, duration_ms: int, working: tuple[str, ...] = TASKS) -> "Run":
        for _ in range(duration_ms // 1000):
            self.board.skip_to(self.board.now_ms() + 1000)
            for task in working:
                self.guard.progress(task)
            self.guard.tick()
        return self

    def fed(self) -> bool:
        return self.board.now_ms() - self.board.fed_ms < 1000

    def cut(self) -> "Run":
        return Run(self.board.flash, b"", "power on", self.boot + 1)

    def reset(self, cause: str) -> "Run":
        return Run(self.board.flash, self.board.memory, cause, self.boot + 1)


def failed_starts(count: int, cause: str = "watchdog") -> Run:
    run = Run()
    for _ in range(count):
        run = run.play(5000).reset(cause)
    return run


def test_the_watchdog_is_fed_while_all_tasks_make_progress() -> None:
    run = Run().play(HEALTHY_MS)
    assert run.board.watchdog_ms > 5000
    assert run.fed()


@pytest.mark.parametrize("hung", TASKS)
def test_one_task_that_hangs_is_enough_to_starve_it(hung: str) -> None:
    working = tuple(task for task in TASKS if task != hung)
    run = Run().play(20_000)
    run.play(ALLOWED_MS[hung] + 4000, working)
    assert not run.fed()
    run.play(5000)
    assert not run.fed(), "what hung for so long is not trusted again"
    after = run.reset("watchdog")
    assert after.boots.cause.startswith(f"watchdog: {hung}, no progress for")
    note = after.boots.note or {}
    assert (note["task"], note["boot"]) == (hung, 1)
    assert any("watchdog" in line and hung in line for line in after.log.before)


def test_a_meter_that_is_read_rarely_hangs_nobody() -> None:
    run = Run()
    run.board.settings["sample_ms"] = 60_000
    run.guard.start()
    rest = tuple(task for task in TASKS if task != "sampler")
    for _ in range(5):
        run.play(110_000, rest).play(1000)
    assert run.fed()


def test_three_failed_starts_lead_to_safe_mode_which_says_why() -> None:
    assert not failed_starts(2).boots.safe
    run = failed_starts(3)
    assert run.boots.safe
    assert run.boots.reason() == "3 starts in a row ended within a minute; the last one: watchdog"


def test_safe_mode_outlives_the_power() -> None:
    run = failed_starts(3).cut()
    assert run.boots.safe
    assert failed_starts(3).play(HEALTHY_MS).reset("watchdog").boots.safe


def test_short_power_cycles_fail_nothing() -> None:
    run = Run()
    for _ in range(10):
        run = run.play(2000).cut()
    assert (run.boots.safe, run.boots.failed) == (False, 0)


@pytest.mark.parametrize("failed", [1, 2])
def test_switching_the_power_takes_the_count_with_it_below_the_limit(failed: int) -> None:
    assert failed_starts(failed).cut().boots.failed == 0


def test_a_healthy_minute_clears_the_count() -> None:
    run = failed_starts(2).play(HEALTHY_MS).reset("watchdog")
    assert run.boots.failed == 0


def test_a_task_that_fails_over_and_over_makes_no_healthy_minute() -> None:
    run = failed_starts(2)
    for _ in range(HEALTHY_MS // 1000):
        run.guard.failed("link", ValueError("x"))
        run.play(1000)
    assert run.reset("watchdog").boots.failed == 3


@pytest.mark.parametrize("why", ["reboot", "update", "factory reset"])
def test_a_restart_on_purpose_is_no_failure_and_ends_safe_mode(why: str) -> None:
    run = failed_starts(3)
    run.guard.restart(why)
    assert run.board.restarts == 1
    run = run.reset("restart")
    assert (run.boots.safe, run.boots.failed, run.boots.cause) == (False, 0, why)
    assert not run.cut().boots.safe


def test_in_safe_mode_the_board_tries_by_itself_once_an_hour_and_goes_back_if_that_fails() -> None:
    run = failed_starts(3).play(starts.SAFE_RETRY_MS - 1000, ("link",))
    assert run.board.restarts == 0
    run.play(3000, ("link",))
    assert run.board.restarts > 0
    tried = run.reset("restart")
    assert (tried.boots.safe, tried.boots.failed) == (False, 2)
    assert tried.play(5000).reset("watchdog").boots.safe
    assert tried.play(HEALTHY_MS).reset("watchdog").boots.failed == 0


def test_in_safe_mode_only_the_link_is_watched() -> None:
    run = failed_starts(3).play(ALLOWED_MS["link"] * 2, ("link",))
    assert run.fed()
    assert not run.play(ALLOWED_MS["link"] + 4000, ()).fed()


CAUSES = {
    "power on": ("power on", ""),
    "watchdog": ("watchdog", ""),
    "reset pin": ("reset pin", ""),
    "panic": ("restart", ""),
    "exception: ValueError('x')": ("restart", "exception: ValueError('x')"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_what_ended_the_last_run_is_said(cause: str) -> None:
    of_board, told = CAUSES[cause]
    run = Run().play(1000)
    if told:
        run.boots.say_end(told)
    assert run.reset(of_board).boots.cause == cause


@pytest.mark.parametrize(("of_board", "error"), [("restart", "panic"), ("watchdog", "watchdog")])
def test_a_run_that_could_not_leave_a_note_gets_one(of_board: str, error: str) -> None:
    run = Run(boot=6)
    run.log("happened")
    run = run.play(2000).reset(of_board)
    assert run.boots.note == {"boot": 6, "task": "unknown", "error": error, "up_s": None}
    before = run.board.flash.operations
    again = run.play(2000).reset(of_board)
    assert again.boots.note == run.boots.note
    assert again.board.flash.operations == before, "the same once more is not worth the flash"
    again.guard.failed("link", ValueError())
    assert (again.cut().boots.note or {})["task"] == "link"


@pytest.mark.parametrize("of_board", ["reset pin", "power on"])
def test_a_reset_from_outside_leaves_no_note(of_board: str) -> None:
    assert Run().play(2000).reset(of_board).boots.note is None


def test_a_crash_leaves_one_note_a_start_and_the_first_of_a_row_stands() -> None:
    run = Run().play(3000)
    before = run.board.flash.operations
    for number in range(5):
        run.guard.failed("recorder", ValueError(number))
    assert run.board.flash.operations == before + 1
    assert run.boots.note == {"boot": 1, "task": "recorder", "error": "ValueError(0)", "up_s": 3}
    again = run.cut()
    assert again.boots.note == run.boots.note
    again.guard.failed("recorder", ValueError(0))
    assert again.board.flash.operations == before + 1, "the same once more is not worth the flash"
    assert (again.boots.note or {})["boot"] == 2
    again.cut().guard.failed("link", KeyError("y" * 500))
    assert len(str((again.cut().boots.note or {})["error"])) == starts.MAX_NOTE_CHARS


def test_a_flash_that_refuses_does_not_stop_the_guard() -> None:
    run = Run()
    run.board.flash.full = True
    run.guard.failed("recorder", OSError(28, "no space"))
    assert run.boots.note is not None
    for _ in range(3):
        run = run.play(1000).reset("watchdog")
    assert run.boots.safe


def test_the_log_goes_on_over_resets_and_stays_bounded() -> None:
    run = Run()
    for start in range(1, 40):
        for number in range(7):
            run.log("happened", number=number, text="x" * 60)
        run.play(2000)
        lines = run.log.numbered(run.boot)
        assert len(lines) <= 40
        assert lines[-1].startswith(f"#{start} ")
        run = run.reset("watchdog")
    assert run.log.before[-1].startswith("#39 ")
    assert len(run.board.memory) <= starts.MAX_KEPT_BYTES + 8
    assert run.cut().log.before == []


def test_a_line_feed_in_an_event_does_not_break_the_log() -> None:
    run = Run()
    run.log("happened", text="one\ntwo\nthree")
    run.boots.say_end("one\ntwo")
    after = run.play(2000).reset("watchdog")
    assert after.boots.cause == "one two"
    assert after.log.before == ["#1 0.000 happened text=one two three"]


@pytest.mark.parametrize("memory", [b"", b"x", b"\xff" * 2048, b"00000000", b"12345678garbage", bytes(2048)])
def test_memory_that_holds_nothing_of_ours_is_none(memory: bytes) -> None:
    run = Run(memory=memory, cause="watchdog")
    assert (run.boots.failed, run.log.before) == (0, [])


def test_every_damaged_byte_of_the_memory_is_noticed() -> None:
    run = Run().play(3000)
    for at in range(len(run.board.memory)):
        damaged = run.board.memory[:at] + bytes((run.board.memory[at] ^ 0x41,)) + run.board.memory[at + 1 :]
        assert Run(memory=damaged, cause="watchdog").boots.failed == 0


def test_the_count_costs_the_flash_nothing_until_safe_mode() -> None:
    run = failed_starts(2, "reset pin").play(HEALTHY_MS)
    assert run.board.flash.operations == 0
    assert failed_starts(3, "reset pin").board.flash.operations == 1
    assert failed_starts(3, "reset pin").cut().cut().board.flash.operations == 1


def test_a_board_that_was_held_up_as_a_whole_has_no_hung_task() -> None:
    run = Run().play(20_000)
    run.board.skip_to(run.board.now_ms() + 600_000)
    run.guard.tick()
    assert run.fed()
    run.play(5000)
    assert run.fed()
    assert not run.play(ALLOWED_MS["link"] + 5000, ()).fed(), "afterwards as before"


def test_who_does_not_belong_is_not_watched() -> None:
    watch = Watch({"link": 10}, 0)
    watch.progress("console", 5)
    assert watch.late(10) is None
    assert watch.late(11) == ("link", 11)


def test_both_interpreters_keep_alike(
    run_on_cpython: Callable[..., str], run_on_micropython: Callable[..., str]
) -> None:
    on_cpython = run_on_cpython(CHECK)
    assert on_cpython.rstrip().endswith("done")
    assert run_on_micropython(CHECK) == on_cpython
