"""Signs of life as systemd wants them: when, in which words, and to nobody who did not ask."""

import os
import socket
from collections.abc import Iterator

import pytest

from volthood.adapters.watchdog import ALIVE, Watchdog


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(f"\0volthood-test-{os.getpid()}")
        made.setblocking(False)
        yield made


def heard(listener: socket.socket) -> int:
    count = 0
    while True:
        try:
            assert listener.recv(64) == ALIVE
        except BlockingIOError:
            return count
        count += 1


def test_it_beats_twice_in_the_time_allowed(listener: socket.socket) -> None:
    environment = {"NOTIFY_SOCKET": f"@volthood-test-{os.getpid()}", "WATCHDOG_USEC": "10000000"}
    watchdog = Watchdog.asked_for(environment)
    assert watchdog is not None
    beats = []
    for now_ms in (1000, 1001, 5999, 6000, 6001, 11_000):
        watchdog.beat(now_ms)
        beats.append(heard(listener))
    watchdog.close()
    assert beats == [1, 0, 0, 1, 0, 1]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"NOTIFY_SOCKET": "@somewhere"},
        {"WATCHDOG_USEC": "10000000"},
        {"NOTIFY_SOCKET": "@somewhere", "WATCHDOG_USEC": "soon"},
        {"NOTIFY_SOCKET": "@somewhere", "WATCHDOG_USEC": "0"},
        {"NOTIFY_SOCKET": "", "WATCHDOG_USEC": "10"},
    ],
)
def test_nobody_asks(environment: dict[str, str]) -> None:
    assert Watchdog.asked_for(environment) is None


@pytest.mark.parametrize("address", ["@volthood-nobody-listens", "/no/such/socket", "x" * 300])
def test_a_supervisor_that_does_not_listen_stops_nothing(address: str) -> None:
    watchdog = Watchdog(address, 100)
    watchdog.beat(1)
    watchdog.close()
