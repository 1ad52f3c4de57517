"""The ways to Wi-Fi and broker as machines without I/O: every transition, waits, and what is missing."""

import asyncio
from itertools import pairwise

import pytest

from volthood_tools.memory_board import MemoryBoard, MemoryRadio
from voltnode import broker, wifi
from voltnode.backoff import CHANCE_BYTES, wait_ms
from voltnode.broker import CONNECTED, FIRST_WAIT_MS, HELD, LONGEST_WAIT_MS, MIN_FREE_BYTES, WAITING, Broker, missing
from voltnode.clock import Clock
from voltnode.log import Log
from voltnode.wifi import JOIN_LIMIT_MS, JOINING, UP, Wifi

NO_CHANCE, MOST = bytes(CHANCE_BYTES), b"\xff" * CHANCE_BYTES


class Events:
    """A log that is a list."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def __call__(self, event: str, **values: object) -> None:
        self.lines.append((event, values))

    def names(self) -> list[str]:
        return [event for event, _ in self.lines]


def enrolled() -> Broker:
    made = Broker(Events())
    made.enrolled()
    return made


def connected() -> Broker:
    made = enrolled()
    for step in (made.clear, made.opened, made.accepted):
        step()
    return made


def test_a_connection_comes_about_and_is_lost() -> None:
    made = connected()
    assert (made.state, made.error) == (CONNECTED, "")
    made.failed("ended", "broker closed the connection", 1000, NO_CHANCE)
    assert (made.state, made.reason) == (WAITING, "ended")
    assert not made.due(1000 + FIRST_WAIT_MS // 2 - 1)
    assert made.due(1000 + FIRST_WAIT_MS // 2)
    assert made.state == HELD


def test_without_an_enrolment_nothing_is_ever_due() -> None:
    assert not Broker(Events()).due(10**9)


def test_a_failure_waits_longer_each_time_up_to_a_cap_and_success_forgets_it() -> None:
    made, waits = enrolled(), []
    for _ in range(12):
        made.clear()
        made.failed("unreachable", "", 0, MOST)
        waits.append(next(ms for ms in range(LONGEST_WAIT_MS + 1) if made.due(ms)))
    assert waits[0] < FIRST_WAIT_MS + 1
    assert all(earlier <= later for earlier, later in pairwise(waits))
    assert waits[-1] == LONGEST_WAIT_MS - 1
    made.clear()
    made.opened()
    made.accepted()
    made.failed("ended", "", 0, NO_CHANCE)
    assert made.due(FIRST_WAIT_MS)


def test_what_is_missing_is_said_once() -> None:
    events = Events()
    made = Broker(events)
    made.enrolled()
    for _ in range(5):
        made.held("no_wifi", "no Wi-Fi: wrong password")
    made.held("clock_not_set", "clock not set")
    assert events.names() == ["link_held", "link_held"]
    assert made.reason == "clock_not_set"


def test_a_new_enrolment_ends_a_wait_and_leaves_an_open_connection_to_whoever_has_it() -> None:
    made = enrolled()
    made.clear()
    made.failed("unreachable", "", 0, NO_CHANCE)
    made.enrolled()
    assert made.due(0)
    open_one = connected()
    open_one.enrolled()
    assert open_one.state == CONNECTED


@pytest.mark.parametrize("table", [broker.TRANSITIONS, wifi.TRANSITIONS])
def test_every_state_is_reached_and_left(table: dict[tuple[str, str], str]) -> None:
    assert {state for state, _ in table} == {"off", *table.values()}


@pytest.mark.parametrize("state", sorted({state for state, _ in broker.TRANSITIONS}))
def test_what_no_line_of_the_table_allows_is_an_error(state: str) -> None:
    triggers = {"clear": Broker.clear, "opened": Broker.opened, "accepted": Broker.accepted}
    for trigger, step in triggers.items():
        made = Broker(Events())
        made.state = state
        if (state, trigger) not in broker.TRANSITIONS:
            with pytest.raises(KeyError):
                step(made)


@pytest.mark.parametrize("chance", [NO_CHANCE, MOST])
@pytest.mark.parametrize("failures", range(40))
def test_a_wait_has_chance_in_it_and_a_cap(chance: bytes, failures: int) -> None:
    waited = wait_ms(failures, 250, 30_000, chance)
    step = min(250 * 2**failures, 30_000)
    assert step // 2 <= waited < step


class Bench:
    """Wi-Fi on a board in memory."""

    def __init__(self, radio: MemoryRadio | None) -> None:
        self.board = MemoryBoard()
        self.board.radio = radio
        self.log = Log(self.board.now_ms)
        self.wifi = Wifi(self.board, self.log)
        self.clock = Clock(self.board, self.log)

    def after(self, ms: int) -> None:
        asyncio.run(self.board.advance(ms))
        self.wifi.look()


def test_a_network_is_joined() -> None:
    radio = MemoryRadio()
    bench = Bench(radio)
    assert bench.wifi.error.startswith("no network is set")
    bench.wifi.use("home", "secret")
    assert (bench.wifi.state, radio.joined) == (JOINING, ("home", "secret"))
    bench.after(250)
    assert bench.wifi.is_up()
    assert bench.wifi.error == ""


@pytest.mark.parametrize("why", ["wrong password", "no such network in reach"])
def test_why_a_network_is_not_joined_is_said_and_it_is_tried_again(why: str) -> None:
    radio = MemoryRadio()
    radio.says = why
    bench = Bench(radio)
    bench.wifi.use("home", "secret")
    for _ in range(60):
        bench.after(1000)
    assert bench.wifi.error == why
    assert 3 < radio.joins < 12
    assert bench.log.counts["wifi_down"] == 1
    radio.says = "up"
    for _ in range(62):
        bench.after(1000)
    assert bench.wifi.is_up()


def test_a_radio_that_goes_on_joining_is_given_up() -> None:
    radio = MemoryRadio()
    radio.says = "joining"
    bench = Bench(radio)
    bench.wifi.use("home", "secret")
    bench.after(JOIN_LIMIT_MS)
    assert bench.wifi.state == JOINING
    bench.after(1)
    assert (bench.wifi.state, bench.wifi.error, radio.joined) == ("waiting", "no answer", None)


def test_a_lost_network_is_joined_again() -> None:
    radio = MemoryRadio()
    bench = Bench(radio)
    bench.wifi.use("home", "secret")
    bench.after(250)
    radio.says = "out of reach"
    bench.after(250)
    assert (bench.wifi.is_up(), bench.wifi.error) == (False, "lost")
    radio.says = "up"
    bench.after(1000)
    bench.after(250)
    assert bench.wifi.is_up()


def test_another_network_ends_the_first() -> None:
    radio = MemoryRadio()
    bench = Bench(radio)
    bench.wifi.use("home", "secret")
    bench.after(250)
    bench.wifi.use("other", "more")
    assert (bench.wifi.state, radio.joined) == (JOINING, ("other", "more"))
    bench.after(250)
    assert bench.wifi.state == UP


def test_a_board_without_a_radio_is_up() -> None:
    bench = Bench(None)
    bench.wifi.use("home", "secret")
    bench.after(1000)
    assert bench.wifi.is_up()


def test_what_a_connection_needs() -> None:
    radio = MemoryRadio()
    bench = Bench(radio)
    board = bench.board

    def lacks(*, tls: bool) -> str | None:
        found = missing(board, bench.wifi, bench.clock, tls)
        return found[0] if found else None

    assert lacks(tls=False) == "no_wifi"
    bench.wifi.use("home", "secret")
    bench.after(250)
    assert lacks(tls=False) is None
    assert lacks(tls=True) == "clock_not_set"
    board.calendar = (1_750_000_000_000, 1)
    assert lacks(tls=True) is None
    board.free_for_tls = MIN_FREE_BYTES
    assert lacks(tls=True) is None
    board.free_for_tls = MIN_FREE_BYTES - 1
    assert lacks(tls=True) == "memory_short"
    assert lacks(tls=False) is None
