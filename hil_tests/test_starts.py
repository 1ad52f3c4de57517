"""How a board starts: why, how often, and what its log still knows."""

from hil_tests.bench import Bench


def await_start(bench: Bench, number: int) -> None:
    """Waits for a start of the board."""
    bench.until(lambda: bench.attempt("status").get("boots") == number, f"boot {number}")


def test_a_restart_on_purpose_is_said_is_no_failure_and_the_log_goes_on(bench: Bench) -> None:
    boots = bench.ask("status")["boots"]
    assert bench.ask("reboot") == {"rebooting": True}
    await_start(bench, boots + 1)
    status = bench.ask("status")
    assert (status["reset_cause"], status["failed_starts"], status["safe_mode"]) == ("reboot", 0, None)
    lines = bench.ask("log")["lines"]
    assert [line for line in lines if line.startswith(f"#{boots} ") and " restarting " in line]
    assert [line for line in lines if line.startswith(f"#{boots + 1} ") and " started " in line]


def test_three_restarts_in_a_minute_are_no_safe_mode(bench: Bench) -> None:
    for _ in range(3):
        boots = bench.ask("status")["boots"]
        bench.ask("reboot")
        await_start(bench, boots + 1)
    assert bench.ask("status")["safe_mode"] is None


def test_the_time_is_known_and_the_console_says_from_whom(bench: Bench) -> None:
    bench.until(lambda: bench.ask("time")["quality"] == "synchronised", "the time")
    asked = bench.ask("time")
    assert asked["source"]
    assert asked["time_s"] > asked["floor_s"] or asked["source"] == "demonstration"
