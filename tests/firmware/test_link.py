"""The link against a broker in memory: delivery, receipts, and everything that can go wrong between the two."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

import pytest

from volthood.adapters.crypto import LinkKey
from volthood.wire.record import SYNCHRONISED, unpack_record
from volthood_tools.memory_board import MemoryBoard, MemoryStream, QuickSigner
from volthood_tools.memory_broker import MemoryBroker
from voltnode import mqtt
from voltnode.broker import LONGEST_WAIT_MS
from voltnode.bus.meter import Reading
from voltnode.config import Enrolment
from voltnode.edges import Cut
from voltnode.link import KEEP_ALIVE_S, MAX_ANSWERS, RESEND_MS, WINDOW, Link
from voltnode.link_ping import ping
from voltnode.log import Log
from voltnode.recorder import Recorder
from voltnode.ring import Ring
from voltnode.sequence import Sequence

KEY = bytes(range(32))
NODE = "0011223344556677"
TOPIC = f"vh/1/home/house01/node/{NODE}/"
START_MS = 1_750_000_500_000


def receipt(rseq: int, key: bytes = KEY, node: str = NODE) -> bytes:
    return LinkKey(key).mac_receipt(bytes.fromhex(node), rseq)


class Bench:
    """A node's link with what it needs, and a broker."""

    def __init__(self) -> None:
        self.board = MemoryBoard()
        self.board.calendar = (START_MS, 1)
        self.log = Log(self.board.now_ms)
        self.ring = Ring(self.board.flash, self.log)
        sequence = Sequence(self.board.flash, 0, 0)
        self.recorder = Recorder(self.board, self.ring, sequence, QuickSigner(), self.log, lambda _: "1")
        self.link = Link(self.board, self.ring, self.recorder, NODE, "0.1.0", self.log)
        self.recorder.written = self.link.wake
        self.broker = MemoryBroker(self.board, TOPIC)
        self.minute = 0

    async def record(self, count: int) -> None:
        """Slot records, written at once."""
        for _ in range(count):
            self.minute += 15
            self.recorder.add([Cut(START_MS + self.minute * 60_000, reading(), True, False)], SYNCHRONISED)
        await self.recorder.work()
        await self.board.settle()

    async def connect(self) -> None:
        values: dict[str, object] = {"house": "house01", "link_key": KEY.hex(), "broker": "127.0.0.1:1883"}
        self.link.begin(Enrolment(values))
        await self.board.advance(200)


def reading() -> Reading:
    return Reading(0, 1, {"power_total": 1_500_000, "energy_import": 100, "energy_export": 0}, [])


Scene = Callable[[Bench], Awaitable[None]]


def play(scene: Scene) -> Bench:
    async def run() -> Bench:
        bench = Bench()
        task = asyncio.get_running_loop().create_task(bench.link.run())
        await scene(bench)
        await bench.board.settle()
        assert not task.done()
        task.cancel()
        for rest in asyncio.all_tasks() - {asyncio.current_task()}:
            rest.cancel()
        await asyncio.sleep(0)
        return bench

    return asyncio.run(run())


def test_records_written_before_and_after_the_connection_arrive_in_order() -> None:
    async def scene(bench: Bench) -> None:
        await bench.record(20)
        await bench.connect()
        await bench.record(5)

    bench = play(scene)
    assert bench.broker.records == list(range(1, 26))
    assert bench.broker.status[0]["online"] is True
    assert bench.link.broker.state == "connected"


def test_no_more_than_the_window_goes_out_without_acknowledgement() -> None:
    async def scene(bench: Bench) -> None:
        bench.broker.acknowledges = False
        await bench.record(30)
        await bench.connect()
        assert bench.broker.records == list(range(1, WINDOW + 1))

    play(scene)


def test_a_receipt_moves_the_ring_and_its_packet_is_acknowledged() -> None:
    async def scene(bench: Bench) -> None:
        await bench.record(5)
        await bench.connect()
        await bench.broker.say(receipt(4), packet_id=77)

    bench = play(scene)
    assert (bench.ring.receipt, bench.link.receipts, bench.link.refused_receipts) == (4, 1, 0)
    assert 77 in bench.broker.received


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (receipt(4, bytes(32)), "mac_wrong"),
        (receipt(6), "beyond_written"),
        (receipt(4, node="7766554433221100"), "receipt_unknown"),
        (receipt(4)[:-1] + b"\x00", "mac_wrong"),
        (b"", "receipt_unknown"),
        (b"\xff" * 60, "receipt_unknown"),
        (bytes(129), "too_large"),
    ],
)
def test_a_receipt_that_is_not_right_is_refused_and_counted(data: bytes, reason: str) -> None:
    async def scene(bench: Bench) -> None:
        await bench.record(5)
        await bench.connect()
        await bench.broker.say(data)

    bench = play(scene)
    assert bench.ring.receipt == 0
    assert bench.link.refused_receipts == 1
    assert f"reason={reason}" in bench.log.lines[-1]


def test_a_receipt_on_another_topic_is_none() -> None:
    async def scene(bench: Bench) -> None:
        await bench.record(5)
        await bench.connect()
        await bench.broker.say(receipt(4), topic="vh/1/home/house02/node/x/receipt")

    assert play(scene).ring.receipt == 0


def test_without_receipts_the_same_bytes_are_sent_again_ever_more_rarely() -> None:
    async def scene(bench: Bench) -> None:
        await bench.record(3)
        await bench.connect()
        assert bench.broker.records == [1, 2, 3]
        await bench.board.advance(RESEND_MS + 1000)
        assert bench.broker.records == [1, 2, 3] * 2
        await bench.board.advance(RESEND_MS + 1000)
        assert bench.broker.records == [1, 2, 3] * 2
        await bench.board.advance(RESEND_MS)
        assert bench.broker.records == [1, 2, 3] * 3

    bench = play(scene)
    assert {rseq: len(found) for rseq, found in bench.broker.payloads.items()} == {1: 1, 2: 1, 3: 1}


def test_a_receipt_that_repeats_the_one_before_brings_the_rest_again_at_once_and_once() -> None:
    async def scene(bench: Bench) -> None:
        await bench.record(3)
        await bench.connect()
        for _ in range(3):
            await bench.broker.say(receipt(0))
            await bench.board.settle()
            assert bench.broker.records == [1, 2, 3] * 2
        await bench.broker.say(receipt(1))
        await bench.broker.say(receipt(1))
        await bench.board.settle()

    assert play(scene).broker.records == [1, 2, 3, 1, 2, 3, 2, 3]


def test_a_receipt_for_all_that_was_sent_may_be_repeated() -> None:
    async def scene(bench: Bench) -> None:
        await bench.record(3)
        await bench.connect()
        for _ in range(3):
            await bench.broker.say(receipt(3))
            await bench.board.settle()

    assert play(scene).broker.records == [1, 2, 3]


def test_a_lost_acknowledgement_does_not_block_the_stream_for_ever() -> None:
    async def scene(bench: Bench) -> None:
        bench.broker.acknowledges = False
        await bench.record(20)
        await bench.connect()
        bench.broker.acknowledges = True
        await bench.board.advance(RESEND_MS + 1000)

    assert set(play(scene).broker.records) == set(range(1, 21))


def test_after_a_lost_connection_what_has_no_receipt_comes_again() -> None:
    async def scene(bench: Bench) -> None:
        await bench.record(6)
        await bench.connect()
        await bench.broker.say(receipt(4))
        await bench.board.settle()
        assert bench.broker.stream is not None
        bench.broker.stream.close()
        await bench.board.settle()
        assert bench.link.broker.state == "waiting"
        await bench.record(1)
        await bench.board.advance(2000)

    bench = play(scene)
    assert bench.broker.connections == 2
    assert bench.broker.records == [1, 2, 3, 4, 5, 6, 5, 6, 7]


def test_a_broker_that_is_away_is_tried_again_with_growing_waits() -> None:
    async def scene(bench: Bench) -> None:
        tries: list[int] = []

        def dial(_host: str, _port: int) -> MemoryStream:
            tries.append(bench.board.now_ms())
            raise ConnectionRefusedError(111, "refused")

        bench.board.dial = dial
        await bench.connect()
        await bench.board.advance(300_000)
        waits = [later - earlier for earlier, later in pairwise(tries)]
        assert waits[0] <= 500
        assert max(waits) <= LONGEST_WAIT_MS + 100
        assert min(waits[-3:]) >= LONGEST_WAIT_MS // 2
        assert len(set(waits[-5:])) > 1
        bench.board.dial = bench.broker.dial
        await bench.record(2)
        await bench.board.advance(LONGEST_WAIT_MS)

    bench = play(scene)
    assert bench.broker.records[:2] == [1, 2]
    assert bench.link.broker.error == ""


def test_a_node_that_only_says_live_values_pings_and_stays_connected() -> None:
    async def scene(bench: Bench) -> None:
        await bench.connect()
        for second in range(180):
            bench.link.live(START_MS + second * 1000, SYNCHRONISED, reading())
            await bench.board.advance(1000)

    bench = play(scene)
    assert len(bench.broker.lives) > 170
    assert bench.broker.connections == 1
    assert 10 <= bench.broker.pings <= 13


def test_a_ping_on_demand_says_how_long_it_took_or_that_nobody_answers() -> None:
    async def scene(bench: Bench) -> None:
        assert await ping(bench.link, bench.board, 1000) is None
        await bench.connect()
        pinging = asyncio.create_task(ping(bench.link, bench.board, 1000))
        await bench.board.advance(100)
        assert pinging.result() == 5
        bench.broker.deaf = True
        pinging = asyncio.create_task(ping(bench.link, bench.board, 1000))
        await bench.board.advance(1100)
        assert pinging.result() is None

    play(scene)


def test_an_enrolment_while_a_connection_is_opened_counts_for_the_next() -> None:
    async def scene(bench: Bench) -> None:
        hosts: list[str] = []
        connect = bench.board.connect

        async def slow(host: str, port: int, identity: object = None) -> MemoryStream:
            del identity
            hosts.append(host)
            await bench.board.sleep_ms(500)
            return await connect("127.0.0.1", 1883)

        bench.board.connect = slow  # type: ignore[method-assign]
        first, second = (
            Enrolment({"house": "house01", "link_key": KEY.hex(), "broker": f"{host}:1883"}) for host in ("one", "two")
        )
        bench.link.begin(first)
        await bench.board.advance(200)
        bench.link.begin(second)
        await bench.board.advance(3000)
        assert hosts == ["one", "two"]
        assert bench.link.broker.state == "connected"

    play(scene)


def test_what_is_missing_holds_the_connection_until_it_is_there() -> None:
    async def scene(bench: Bench) -> None:
        lacking: list[tuple[str, str]] = [("no_wifi", "no Wi-Fi: lost")]
        bench.link.missing = lambda _tls: lacking[0] if lacking else None
        await bench.connect()
        await bench.board.advance(60_000)
        assert bench.broker.connections == 0
        assert (bench.link.broker.state, bench.link.broker.error) == ("held", "no Wi-Fi: lost")
        lacking.clear()
        await bench.board.advance(200)
        assert bench.link.broker.state == "connected"

    play(scene)


def test_a_broker_that_accepts_the_connection_and_says_nothing_is_left() -> None:
    async def scene(bench: Bench) -> None:
        bench.broker.deaf = True
        await bench.connect()
        await bench.board.advance(20_000)
        assert bench.broker.connections >= 2
        assert "silent" in " ".join(bench.log.lines)

    play(scene)


def test_a_quiet_connection_is_pinged_and_a_half_open_one_ended() -> None:
    async def scene(bench: Bench) -> None:
        await bench.connect()
        await bench.board.advance(KEEP_ALIVE_S * 1000)
        assert bench.broker.pings >= 1
        assert bench.broker.connections == 1
        bench.broker.deaf = True
        await bench.board.advance(KEEP_ALIVE_S * 600)
        assert bench.broker.connections == 1
        await bench.board.advance(KEEP_ALIVE_S * 1000)
        assert bench.broker.connections >= 2

    play(scene)


def test_a_connection_that_takes_nothing_more_is_left_too() -> None:
    async def scene(bench: Bench) -> None:
        await bench.connect()
        assert bench.broker.nodes_end is not None
        bench.broker.nodes_end.full = True
        await bench.record(2)
        await bench.board.advance(KEEP_ALIVE_S * 1500 + 5000)

    bench = play(scene)
    assert bench.broker.connections == 2
    assert bench.broker.records == [1, 2]


def test_what_the_link_did_not_expect_reaches_the_supervisor() -> None:
    async def scene(bench: Bench) -> None:
        task = asyncio.get_running_loop().create_task(bench.link.run())
        await bench.connect()
        assert bench.broker.stream is not None

        def fail() -> None:
            raise RuntimeError("on purpose")

        bench.ring.reader = fail  # type: ignore[method-assign,assignment]
        bench.broker.stream.close()
        await bench.board.advance(2000)
        assert isinstance(task.exception(), RuntimeError)

    async def run() -> None:
        await scene(Bench())

    asyncio.run(run())


@pytest.mark.parametrize("rubbish", [b"\x00" * 20, b"\xff" * 20, b"\x20\x02\x00\x05", b"\x30\xff\xff\xff\x7f"])
def test_a_broker_that_breaks_the_protocol_loses_the_connection_and_no_more(rubbish: bytes) -> None:
    async def scene(bench: Bench) -> None:
        await bench.connect()
        assert bench.broker.stream is not None
        await bench.broker.stream.write(rubbish)
        await bench.record(1)
        await bench.board.advance(5000)

    bench = play(scene)
    assert bench.broker.connections >= 2
    assert bench.broker.records == [1]


def test_a_flood_of_publishes_ends_the_connection_instead_of_filling_the_memory() -> None:
    async def scene(bench: Bench) -> None:
        await bench.connect()
        assert bench.broker.stream is not None
        flood = b"".join(mqtt.publish("x", b"", number) for number in range(1, MAX_ANSWERS + 20))
        await bench.broker.stream.write(flood)
        await bench.board.advance(5000)

    bench = play(scene)
    assert "flood" in " ".join(bench.log.lines)
    assert bench.link.broker.state == "connected"


def test_live_values_come_once_a_second_and_only_over_a_connection() -> None:
    async def scene(bench: Bench) -> None:
        bench.link.live(START_MS, SYNCHRONISED, reading())
        await bench.connect()
        for _ in range(20):
            bench.link.live(START_MS, SYNCHRONISED, reading())
            await bench.board.advance(250)

    bench = play(scene)
    assert len(bench.broker.lives) == 5
    assert bench.broker.lives[0].power_w == 1500


def test_another_enrolment_is_served_at_once() -> None:
    async def scene(bench: Bench) -> None:
        await bench.connect()
        values: dict[str, object] = {"house": "house01", "link_key": "ab" * 32, "broker": "127.0.0.1:1883"}
        bench.link.begin(Enrolment(values))
        await bench.board.advance(1000)
        await bench.record(1)
        await bench.broker.say(receipt(1, b"\xab" * 32))

    bench = play(scene)
    assert bench.broker.connections == 2
    assert bench.ring.receipt == 1


def test_the_receipt_is_kept_over_a_restart() -> None:
    async def scene(bench: Bench) -> None:
        await bench.record(3)
        await bench.connect()
        await bench.broker.say(receipt(3))
        await bench.board.advance(12_000)

    bench = play(scene)
    assert Ring(bench.board.flash, bench.log).receipt == 3


def test_a_record_lost_on_flash_is_named_after_fruitless_sending() -> None:
    async def scene(bench: Bench) -> None:
        await bench.record(4)
        name = "s000001"
        data = bench.board.flash.files[name]
        bench.board.flash.files[name] = data[:40] + bytes((data[40] ^ 1,)) + data[41:]
        await bench.connect()
        await bench.board.advance(RESEND_MS * 4)
        await bench.record(1)

    bench = play(scene)
    newest = max(bench.broker.payloads)
    [data] = bench.broker.payloads[newest]
    assert [tuple(row[:2]) for row in unpack_record(data)[1].closed] == [(1, 1)]
