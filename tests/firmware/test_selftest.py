"""`selftest` on a board in memory: what is well, and each part that is not."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from volthood_tools.memory_board import MemoryBoard
from voltnode.bus.meter import Reading
from voltnode.console import selftest
from voltnode.main import Node

PARTS = ["flash", "memory", "random", "verification", "signature", "bus", "meter", "clock", "link", "certificates"]


class Bench:
    """A node whose meter has just been read, though nothing is on its bus."""

    def __init__(self) -> None:
        self.board = MemoryBoard()
        self.node = Node(self.board)
        values = {"power_total": 1_500_000, "energy_import": 1000, "energy_export": 2000}
        self.node.sampler.latest = Reading(0, 1, values, [])
        self.node.sampler.serial = "10000001"

    def type(self, *keys: bytes) -> bytes:
        async def run() -> bytes:
            task = asyncio.create_task(self.node.session.run())
            await self.board.settle()
            self.board.console.shown = b""
            for key in keys:
                self.board.console.type(key)
                while not self.board.console.shown.endswith(b"> "):
                    await self.board.advance(10)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            return self.board.console.shown

        return asyncio.run(run())

    def run(self) -> dict[str, tuple[str, str]]:
        """Result and text by part; `result` for all."""
        shown = self.type(b"selftest --json\r")
        answer = json.loads(shown[shown.index(b"{") : shown.rindex(b"}") + 1])
        found = {row["test"]: (row["result"], row["text"]) for row in answer["tests"]}
        return {**found, "result": (answer["result"], "")}


def test_every_part_says_how_it_is() -> None:
    found = Bench().run()
    assert list(found) == [*PARTS, "result"]
    results = {part: found[part][0] for part in PARTS}
    # Nothing is on the bus of a board in memory; it has no time and no household.
    assert results == dict.fromkeys(PARTS, "ok") | {"bus": "failed"} | dict.fromkeys(PARTS[7:], "skipped")
    assert all(text for _, text in list(found.values())[:-1])
    assert found["result"][0] == "failed"


def stuck(count: int) -> bytes:
    return bytes([0x55]) * count


def all_ones(count: int) -> bytes:
    return bytes(255 - index % 2 for index in range(count))


def forget_what_is_written(bench: Bench) -> None:
    bench.board.flash.read = lambda _: b"other"  # type: ignore[method-assign, assignment]


def refuse_to_write(bench: Bench) -> None:
    bench.board.flash.full = True


def draw(numbers: Callable[[int], bytes]) -> Callable[[Bench], None]:
    def spoil(bench: Bench) -> None:
        bench.board.random = numbers  # type: ignore[method-assign, assignment]

    return spoil


def break_the_meter(bench: Bench) -> None:
    bench.node.sampler.error = "timeout"


def starve_tls(bench: Bench) -> None:
    bench.board.free_for_tls = 30_000


def lose_the_key(bench: Bench) -> None:
    bench.node.no_key = "the key cannot be read"


def sign_badly(bench: Bench) -> None:
    bench.node.signer.sign_steps = lambda _: iter_steps(bytes(64))  # type: ignore[method-assign, assignment]


def iter_steps(result: bytes) -> Any:
    yield
    return result


@pytest.mark.parametrize(
    ("part", "spoil", "says"),
    [
        ("flash", forget_what_is_written, "not what is read"),
        ("flash", refuse_to_write, "no space"),
        ("random", draw(stuck), "1 of 16 pieces"),
        ("random", draw(all_ones), "bits are 1"),
        ("meter", break_the_meter, "meter 0: timeout"),
        ("memory", starve_tls, "TLS needs 40000"),
        ("signature", lose_the_key, "cannot be read"),
        ("signature", sign_badly, "not good"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_what_is_not_well_is_said(part: str, spoil: Callable[[Bench], None], says: str) -> None:
    bench = Bench()
    spoil(bench)
    result, text = bench.run()[part]
    assert result == "failed"
    assert says in text


def test_a_wrong_verifier_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "verify_steps", lambda *_: iter_steps(b"yes"))
    assert Bench().run()["verification"][0] == "failed"


def test_nothing_is_left_on_flash() -> None:
    bench = Bench()
    before = dict(bench.board.flash.files)
    bench.run()
    assert bench.board.flash.files == before


def test_a_person_reads_lines() -> None:
    lines = Bench().type(b"selftest\r").decode()
    assert "flash: ok, 512 bytes written, read, removed" in lines
    assert "result: failed" in lines


def test_one_part_that_fails_keeps_no_other_from_its_turn() -> None:
    bench = Bench()
    refuse_to_write(bench)
    found = bench.run()
    assert found["random"][0] == found["verification"][0] == found["signature"][0] == "ok"
