"""An update, piece by piece, on flash in memory: what is refused, what is resumed, and that the old or the new one runs."""

import asyncio
import random

import pytest

from tests.firmware.update_releases import (
    NEW,
    OLD,
    XY,
    board_flash,
    bundle,
    files,
    pieces,
    send,
    staging,
    whole,
)
from volthood.wire.cbor import WireError
from voltnode.selector import BACK, GOOD, TRIAL, choose, read_pointer, write_pointer
from voltnode.update.staging import OFFERED


def refusal(signed: object, **board: object) -> str:
    flash = board_flash()
    before = dict(flash.files)
    with pytest.raises(WireError) as caught:
        asyncio.run(staging(flash, **board).offer(signed))  # type: ignore[arg-type]
    assert flash.files == before
    return caught.value.reason


def test_a_release_is_put_in_place_tried_and_kept() -> None:
    flash, sent = board_flash(), bundle()
    assert send(staging(flash), sent)
    assert whole(flash, "a", OLD)
    assert whole(flash, "b", NEW)
    assert read_pointer(flash) == ("b", TRIAL, 0)
    assert OFFERED not in flash.files
    assert choose(flash) == "b"
    assert read_pointer(flash) == ("b", TRIAL, 1)
    write_pointer(flash, "b", GOOD, 0)
    assert [choose(flash) for _ in range(5)] == ["b"] * 5


def test_what_has_no_receipt_after_three_starts_is_given_up() -> None:
    flash = board_flash()
    send(staging(flash), bundle())
    assert [choose(flash) for _ in range(6)] == ["b", "b", "b", "a", "a", "a"]
    assert read_pointer(flash) == ("a", BACK, 1)


def test_no_release_comes_while_one_is_tried_or_waits_for_the_start() -> None:
    flash = board_flash()
    send(staging(flash), bundle())
    later = bundle("0.3.0").signed
    with pytest.raises(WireError, match="restarting"):
        asyncio.run(staging(flash).offer(later))
    choose(flash)
    with pytest.raises(WireError, match="on_trial"):
        asyncio.run(staging(flash, running="b", release=NEW).offer(later))
    write_pointer(flash, "b", GOOD, 0)
    assert asyncio.run(staging(flash, running="b", release=NEW).offer(later)) == 0


def test_what_failed_may_be_tried_again_and_what_is_older_may_not() -> None:
    flash = board_flash()
    send(staging(flash), bundle())
    for _ in range(4):
        choose(flash)
    assert send(staging(flash), bundle())
    assert refusal(bundle("0.1.0", minimum="0.0.1").signed) == "not_newer"
    assert refusal(bundle("0.0.9", minimum="0.0.1").signed) == "not_newer"
    assert refusal(bundle("0.10.0").signed, release="0.10.0") == "not_newer"


def test_refused_before_anything_is_kept() -> None:
    good = bundle().signed
    assert refusal(good, key=b"") == "key_missing"
    assert refusal(good, key=XY[::-1]) == "kid_unknown"
    assert refusal(good[:-1] + bytes([good[-1] ^ 1])) == "signature_wrong"
    assert refusal(bundle(hardware="virtual").signed) == "hardware_wrong"
    assert refusal(bundle("0.3.0", minimum=NEW).signed) == "too_old"
    assert refusal(bundle(mpy=5).signed) == "mpy_wrong"
    assert refusal(b"") == "truncated"
    assert refusal(good + bytes(257)) == "too_large"
    assert refusal(good, running="") == "not_selected"


def test_a_manifest_with_another_field_changed_is_not_the_one_that_was_signed() -> None:
    good = bundle().signed
    for at in range(18, len(good) - 66):
        forged = good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :]
        assert refusal(forged)


def test_refused_where_the_flash_is_too_small() -> None:
    flash = board_flash()
    flash.files["node"] = bytes(1_900_000)
    with pytest.raises(WireError, match="flash_full"):
        asyncio.run(staging(flash).offer(bundle().signed))
    del flash.files["node"]
    assert send(staging(flash), bundle())


def test_the_remains_of_the_old_release_make_room() -> None:
    flash = board_flash()
    flash.files["node"] = bytes(1_700_000)
    flash.files["b/voltnode/large.mpy"] = bytes(200_000)
    assert send(staging(flash), bundle())


def test_nothing_is_taken_or_applied_without_an_offer() -> None:
    for act in (staging(board_flash()).piece(0, b"x"), staging(board_flash()).apply()):
        with pytest.raises(WireError, match="nothing_offered"):
            asyncio.run(act)


def test_another_offer_begins_anew() -> None:
    flash = board_flash()
    update, first, second = staging(flash), bundle(), bundle("0.3.0")

    async def run() -> list[int]:
        await update.offer(first.signed)
        return [await update.piece(0, first.stream[:500]), await update.offer(second.signed)]

    assert asyncio.run(run()) == [500, 0]
    assert send(staging(flash), second)
    assert whole(flash, "b", "0.3.0")


def test_what_is_dropped_is_forgotten() -> None:
    flash, sent = board_flash(), bundle()
    update = staging(flash)

    async def run() -> int:
        await update.offer(sent.signed)
        await update.piece(0, sent.stream[:500])
        await update.drop()
        return await update.offer(sent.signed)

    assert asyncio.run(run()) == 0


@pytest.mark.parametrize("size", [1, 77, 832, 10_000])
def test_pieces_of_any_size_go_over_the_ends_of_files(size: int) -> None:
    flash = board_flash()
    assert send(staging(flash), bundle(), size)
    assert whole(flash, "b", NEW)


def test_it_goes_on_where_it_was_after_any_number_of_starts() -> None:
    flash, sent = board_flash(), bundle()
    position, steps = 0, 0
    while position < len(sent.stream):
        update = staging(flash)
        assert asyncio.run(update.offer(sent.signed)) == position
        position = asyncio.run(update.piece(position, sent.stream[position : position + 300]))
        steps += 1
    assert steps == -(-len(sent.stream) // 300)
    assert asyncio.run(staging(flash).apply()) == (len(sent.stream), True)
    assert whole(flash, "b", NEW)


@pytest.mark.parametrize("seed", range(20))
def test_pieces_twice_lost_and_in_any_order_change_nothing(seed: int) -> None:
    flash, sent = board_flash(), bundle()
    chance = random.Random(seed)
    update = staging(flash)

    async def run() -> None:
        position = await update.offer(sent.signed)
        while position < len(sent.stream):
            right = (position, sent.stream[position : position + 300])
            some = [*chance.choices(list(pieces(sent.stream, 0)), k=5), right, right]
            chance.shuffle(some)
            for offset, data in some[:5]:
                position = await update.piece(offset, data)
        assert (await update.apply())[1]

    asyncio.run(run())
    assert whole(flash, "b", NEW)


def test_what_is_not_whole_is_not_applied() -> None:
    flash, sent = board_flash(), bundle()
    update = staging(flash)

    async def run() -> list[tuple[int, bool]]:
        answers = [(await update.offer(sent.signed), False), await update.apply()]
        await update.piece(0, sent.stream[:1000])
        return [*answers, await update.apply()]

    assert asyncio.run(run()) == [(0, False), (0, False), (1000, False)]
    assert read_pointer(flash) == ("a", GOOD, 0)


@pytest.mark.parametrize("damaged", range(4))
def test_a_file_that_is_not_what_was_signed_is_asked_for_again(damaged: int) -> None:
    flash, sent = board_flash(), bundle()
    update = staging(flash)
    entry = sent.entries[damaged]
    start = sent.manifest.list_bytes + sum(before.size for before in sent.entries[:damaged])
    wrong = bytearray(sent.stream)
    wrong[start + entry.size // 2] ^= 1

    async def run() -> bool:
        position = await update.offer(sent.signed)
        position = await update.piece(position, bytes(wrong))
        assert position == len(wrong)
        assert await update.apply() == (start, False)
        assert f"b/{entry.path}" not in flash.files
        assert await update.piece(start, sent.stream[start : start + entry.size]) == len(wrong)
        return (await update.apply())[1]

    assert asyncio.run(run())
    assert whole(flash, "b", NEW)


def test_a_file_list_that_is_not_what_was_signed_is_asked_for_again() -> None:
    flash, sent = board_flash(), bundle()
    update = staging(flash)
    wrong = bytes([sent.stream[0] ^ 1]) + sent.stream[1:]

    async def run() -> int:
        await update.offer(sent.signed)
        return await update.piece(0, wrong)

    assert asyncio.run(run()) == 0
    assert send(update, sent)


def test_a_file_that_decayed_into_a_longer_one_is_written_anew() -> None:
    flash, sent = board_flash(), bundle()
    asyncio.run(staging(flash).offer(sent.signed))
    asyncio.run(staging(flash).piece(0, sent.stream))
    path = sent.entries[1].path
    flash.files[f"b/{path}"] += b"more"
    assert send(staging(flash), sent)
    assert whole(flash, "b", NEW)


def test_more_than_there_is_changes_nothing() -> None:
    flash, sent = board_flash(), bundle()
    update = staging(flash)

    async def run() -> list[int]:
        await update.offer(sent.signed)
        end = await update.piece(0, sent.stream + b"more")
        return [end, await update.piece(end, b"more"), (await update.apply())[0]]

    assert asyncio.run(run()) == [len(sent.stream)] * 3
    assert whole(flash, "b", NEW)


def test_a_pointer_that_decayed_leads_to_a_whole_program() -> None:
    flash = board_flash()
    for broken in (b"", b"b good 0 00000000", b"a trial 9", bytes(64)):
        flash.files["boot"] = broken
        assert choose(flash) == "a"
    del flash.files["a/release"]
    assert choose(flash) == "b"
    assert not whole(flash, "b", NEW)


def test_a_start_that_cannot_be_counted_is_not_made_with_what_is_on_trial() -> None:
    flash = board_flash()
    send(staging(flash), bundle())
    flash.full = True
    assert choose(flash) == "a"
    flash.full = False
    assert [choose(flash) for _ in range(4)] == ["b", "b", "b", "a"]


def test_flash_that_refuses_is_no_harm() -> None:
    flash, sent = board_flash(), bundle()
    update = staging(flash)
    asyncio.run(update.offer(sent.signed))
    flash.full = True
    with pytest.raises(OSError, match="no space"):
        asyncio.run(update.piece(0, sent.stream))
    flash.full = False
    assert send(update, sent)
    assert files(NEW).keys() == {entry.path for entry in sent.entries}
