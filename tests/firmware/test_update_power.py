"""The power goes at every single flash operation of an update: the board always starts a whole program, old or new."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.firmware.update_releases import NEW, OLD, XY, board_flash, bundle, staging, whole
from volthood.core.release import Bundle
from volthood_tools.memory_board import WHOLE, MemoryFlash, PowerCutError
from voltnode.selector import BACK, GOOD, TRIAL, choose, read_pointer
from voltnode.update.trial import confirm

SENT = bundle()
PIECE = 500


async def _update(flash: MemoryFlash, sent: Bundle) -> None:
    update = staging(flash)
    position = await update.offer(sent.signed)
    while position < len(sent.stream):
        position = await update.piece(position, sent.stream[position : position + PIECE])
    await update.apply()


def start(flash: MemoryFlash) -> str:
    """One start of the board: the release that it runs, which must be whole."""
    slot = choose(flash)
    release = flash.files[f"{slot}/release"].decode()
    assert whole(flash, slot, release)
    return release


def life(flash: MemoryFlash, *, works: bool) -> Iterator[str]:
    """Starts of a board whose agent sends it the new release once; gives what runs. A release that works is confirmed."""
    while True:
        release = start(flash)
        yield release
        found = read_pointer(flash)
        assert found is not None
        if release == OLD and found[1] == BACK:
            return
        if release == OLD:
            asyncio.run(_update(flash, SENT))
        elif works:
            confirm(flash, "b")
            return


def operations(*, works: bool) -> int:
    flash = board_flash()
    assert list(life(flash, works=works)) == ([OLD, NEW] if works else [OLD, NEW, NEW, NEW, OLD])
    return flash.operations


def with_cuts(cuts: tuple[int, ...], torn: int, *, works: bool) -> MemoryFlash:
    """A board whose power goes at these operations, each counted from the start after the one before."""
    flash = board_flash()
    for cut in cuts:
        flash = MemoryFlash(flash.files)
        flash.cut_at, flash.torn = cut, torn
        try:
            for _ in life(flash, works=works):
                pass
        except PowerCutError:
            continue
        break
    flash = MemoryFlash(flash.files)
    for _ in life(flash, works=works):
        pass
    return flash


def check_end(flash: MemoryFlash, *, works: bool) -> None:
    found = read_pointer(flash)
    assert found is not None
    assert found[:2] == (("b", GOOD) if works else ("a", BACK))
    assert start(flash) == (NEW if works else OLD)


@pytest.mark.parametrize("torn", [0, 128, WHOLE])
@pytest.mark.parametrize("works", [True, False])
def test_a_cut_at_every_operation(torn: int, works: bool) -> None:
    for cut in range(1, operations(works=works) + 1):
        check_end(with_cuts((cut,), torn, works=works), works=works)


@pytest.mark.parametrize("torn", [0, 128, WHOLE])
def test_a_second_cut_at_every_operation_after_the_first(torn: int) -> None:
    last = operations(works=True)
    for first in range(1, last + 1):
        for second in range(1, last + 1 - max(0, first - 12)):
            check_end(with_cuts((first, second), torn, works=True), works=True)


def test_a_trial_is_counted_before_it_is_started() -> None:
    flash = board_flash()
    asyncio.run(_update(flash, SENT))
    flash = MemoryFlash(flash.files)
    flash.cut_at, flash.torn = 1, WHOLE
    with pytest.raises(PowerCutError):
        choose(flash)
    assert read_pointer(flash) == ("b", TRIAL, 1)


def sweep(run: Callable[..., str], folder: Path, sizes: tuple[int, ...], *more: str) -> tuple[int, ...]:
    """(operations, starts, starts with half an update) of an update on LittleFS."""
    sent = bundle(sizes=sizes)
    release = {"signed": sent.signed.hex(), "stream": sent.stream.hex(), "key": XY.hex()}
    path = folder / "release.json"
    path.write_text(json.dumps(release | {"list_bytes": sent.manifest.list_bytes}))
    said = run(Path(__file__).with_name("check_update_power.py"), path, 1, *more, heap="4m")
    return tuple(int(word) for word in said.split() if word.isdigit())


@pytest.mark.parametrize(
    "sizes",
    [pytest.param((40, 1500), id="small"), pytest.param((40, 9000, 1, 5000), id="large", marks=pytest.mark.long)],
)
def test_a_cut_at_every_operation_of_the_chip(
    run_on_micropython: Callable[..., str], tmp_path: Path, sizes: tuple[int, ...]
) -> None:
    operations, starts, half = sweep(run_on_micropython, tmp_path, sizes)
    assert half == 0
    assert operations > 50
    assert starts > 3 * operations


def test_half_an_update_would_be_noticed(run_on_micropython: Callable[..., str], tmp_path: Path) -> None:
    assert sweep(run_on_micropython, tmp_path, (40,), "careless")[2] > 0
