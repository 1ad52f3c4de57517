"""Modbus TCP: what is believed, what is named, and that a connection is made again after any error of it."""

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltnode.bus.outcome import BusError
from voltnode.bus.tcp import Inbox, TcpBus, request, verdict_on

WORDS = b"\x12\x34\x56\x78"
Script = Callable[[bytes], list[bytes]]


def answer(asked: bytes, words: bytes = WORDS, transaction: int | None = None, unit: int | None = None) -> bytes:
    number = int.from_bytes(asked[:2], "big") if transaction is None else transaction
    body = bytes([asked[6] if unit is None else unit, asked[7], len(words)]) + words
    return number.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body


def refusal(asked: bytes, code: int) -> bytes:
    return asked[:2] + bytes([0, 0, 0, 3, asked[6], asked[7] | 0x80, code])


class Clock:
    """Transport time, by hand."""

    def __init__(self) -> None:
        self.now = 0

    def now_ms(self) -> int:
        return self.now

    def ticks_us(self) -> int:
        return self.now * 1000 & 0x3FFFFFFF

    def pause_us(self, duration_us: int) -> None:
        raise NotImplementedError

    async def sleep_ms(self, duration_ms: int) -> None:
        self.now += duration_ms

    def speed(self) -> int:
        return 1


class FakeStream:
    """A connection that answers by a script: pieces, of which an empty one is the end; without one it stays silent."""

    def __init__(self, script: Script, clock: Clock) -> None:
        self._script = script
        self._clock = clock
        self._pieces: list[bytes] = []
        self.closed = False

    async def write(self, data: bytes) -> None:
        if self.closed:
            raise OSError(32, "broken pipe")
        self._pieces += self._script(data)

    async def read(self, most: int) -> bytes:
        if not self._pieces:
            self._clock.now += 10_000
            raise TimeoutError
        return self._pieces.pop(0)

    def close(self) -> None:
        self.closed = True


class Network:
    """Connects to one place, as often as asked."""

    def __init__(self, script: Script) -> None:
        self.clock = Clock()
        self.script = script
        self.streams: list[FakeStream] = []
        self.refuses = False
        self.bus = TcpBus(self._connect, self.clock, "meter.lan")

    async def _connect(self, host: str, port: int) -> FakeStream:
        assert (host, port) == ("meter.lan", 502)
        if self.refuses:
            raise OSError(111, "connection refused")
        self.streams.append(FakeStream(self.script, self.clock))
        return self.streams[-1]

    def read(self, unit: int = 1, count: int = 2) -> str | bytes:
        try:
            return asyncio.run(self.bus.read(unit, 3, 40000, count))
        except BusError as error:
            return str(error)

    def counted(self, unit: int = 1) -> dict[str, int]:
        return {name: count for name, count in self.bus.counters(unit).as_dict().items() if count}


def test_the_request_is_as_the_guide_writes_it() -> None:
    # MODBUS Messaging on TCP/IP Implementation Guide V1.0b, section 3.1.3: header, then function, address and count.
    assert request(0x1501, 0xFF, 3, 4, 1).hex() == "150100000006ff0300040001"


@pytest.mark.parametrize(
    ("name", "script", "ended", "counted"),
    [
        ("good", lambda r: [answer(r)], WORDS, "ok"),
        ("byte by byte", lambda r: [bytes([byte]) for byte in answer(r)], WORDS, "ok"),
        ("refused", lambda r: [refusal(r, 2)], "exception 2", "exceptions"),
        ("the gateway finds no meter", lambda r: [refusal(r, 11)], "timeout", "timeouts"),
        ("the gateway has no path", lambda r: [refusal(r, 10)], "timeout", "timeouts"),
        ("silent", lambda _: [], "timeout", "timeouts"),
        ("half an answer", lambda r: [answer(r)[:8]], "timeout", "timeouts"),
        ("another unit", lambda r: [answer(r, unit=9)], "foreign", "foreign"),
        ("another count", lambda r: [answer(r, b"\0\0")], "foreign", "foreign"),
        ("no Modbus", lambda _: [b"HTTP/1.1 400 Bad Request"], "garbage", "garbage"),
        ("the end", lambda _: [b""], "port", "port_errors"),
    ],
)
def test_each_way_a_request_can_end(name: str, script: Script, ended: str | bytes, counted: str) -> None:
    network = Network(script)
    assert network.read() == ended
    assert network.counted() == {"requests": 1, counted: 1}


def test_a_late_answer_is_told_from_the_next() -> None:
    asked: list[bytes] = []

    def script(data: bytes) -> list[bytes]:
        asked.append(data)
        return [] if len(asked) == 1 else [answer(asked[0], b"late"), answer(data, b"good")]

    network = Network(script)
    assert [network.read(), network.read()] == ["timeout", b"good"]
    assert network.counted()["late"] == 1
    assert len(network.streams) == 1


def test_a_connection_is_made_again_after_any_error_of_it() -> None:
    network = Network(lambda r: [answer(r)])
    assert network.read() == WORDS
    network.streams[0].closed = True
    assert [network.read(), network.read()] == ["port", WORDS]
    network.script = lambda _: [b"\0" * 20]
    network.bus.close()
    assert network.read() == "garbage"
    network.script = lambda r: [answer(r)]
    assert network.read() == WORDS
    assert len(network.streams) == 4


def test_nobody_there_takes_no_time_and_no_patience() -> None:
    network = Network(lambda r: [answer(r)])
    network.refuses = True
    assert [network.read() for _ in range(5)] == ["port"] * 5
    network.refuses = False
    assert network.read() == WORDS


def test_a_silent_meter_behind_a_gateway_is_asked_more_rarely_and_the_others_are_not() -> None:
    network = Network(lambda r: [] if r[6] == 9 else [answer(r)])
    ended = [(network.read(9), network.read(1)) for _ in range(4)]
    assert ended == [("timeout", WORDS)] * 4
    network.clock.now -= 9_000  # the reads above took their timeouts
    assert network.read(9) == "timeout"
    assert network.counted(9)["held_back"] >= 1


def test_every_transaction_is_traced() -> None:
    network, told = Network(lambda r: [answer(r)]), []
    network.bus.trace = lambda sent, came, verdict, took_ms: told.append((sent, came, verdict, took_ms))
    network.read()
    assert told == [(request(1, 1, 3, 40000, 2), answer(told[0][0]), "ok", 0)]


def test_transactions_wrap() -> None:
    network = Network(lambda r: [answer(r)])
    network.bus._transaction = 0xFFFF
    assert [network.read(), network.read()] == [WORDS, WORDS]


@given(st.binary(max_size=600), st.lists(st.integers(1, 50), max_size=12))
def test_whatever_comes_is_cut_or_refused(stream: bytes, cuts: list[int]) -> None:
    inbox, at = Inbox(), 0
    for cut in [*cuts, 600]:
        inbox.add(stream[at : at + cut])
        at += cut
        try:
            while (found := inbox.take()) is not None:
                verdict_on(found[2], 3, 2)
        except ValueError:
            return


@given(st.integers(1, 247), st.integers(3, 4), st.integers(1, 125), st.data())
def test_what_is_believed_fits(unit: int, function: int, count: int, data: st.DataObject) -> None:
    body = data.draw(st.binary(max_size=253))
    if verdict_on(body, function, count) == 1:
        assert body[:2] == bytes([function, 2 * count])
        assert len(body) == 2 + 2 * count
