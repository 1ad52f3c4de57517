"""Bundles taken apart and sent: hostile ones, and nodes that answer nonsense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.firmware.update_releases import XY, bundle
from volthood.core.release import MAX_RETURNS, Bundle, Sending, unpack_bundle
from volthood.errors import PeerError
from volthood.wire.update import APPLY, OFFER, PIECE, Progress, Step
from volthood_tools.release.signing import is_signed_by

SENT = bundle()
PACKED = SENT.pack()


def progress(position: int, *, applied: int = 0) -> bytes:
    return Progress(next=position, applied=applied).to_cbor()


def test_a_bundle_is_read_as_it_was_packed() -> None:
    read = unpack_bundle(PACKED)
    assert read == SENT
    assert read.pack() == PACKED
    assert [entry.path for entry in read.entries] == sorted(read.files())
    assert sum(map(len, read.files().values())) == read.manifest.content_bytes


def test_a_changed_byte_is_found_or_unsigned() -> None:
    assert is_signed_by(SENT, XY)
    for at in range(len(PACKED)):
        changed = PACKED[:at] + bytes([PACKED[at] ^ 1]) + PACKED[at + 1 :]
        try:
            read = unpack_bundle(changed)
        except PeerError:
            continue
        assert not is_signed_by(read, XY)


@pytest.mark.parametrize("end", [0, 3, 5, 100, 200, 300, len(PACKED) - 1])
def test_a_bundle_that_was_cut_off_is_refused(end: int) -> None:
    with pytest.raises(PeerError, match="bundle_damaged"):
        unpack_bundle(PACKED[:end])
    with pytest.raises(PeerError, match="cut off"):
        unpack_bundle(PACKED + b"x")


@given(st.binary(max_size=600))
def test_any_bytes_are_a_bundle_or_refused(data: bytes) -> None:
    for candidate in (data, PACKED[:6] + data, PACKED[: 6 + len(SENT.signed)] + data):
        with pytest.raises(PeerError):
            unpack_bundle(candidate)


def step(sending: Sending) -> Step:
    return Step.from_cbor(sending.step())


def test_it_sends_from_where_the_node_says() -> None:
    sending = Sending(SENT)
    assert step(sending) == Step(action=OFFER, data=SENT.signed)
    sending.take(progress(1000))
    assert (step(sending).action, step(sending).offset) == (PIECE, 1000)
    assert step(sending).data == SENT.stream[1000:1832]
    sending.take(progress(len(SENT.stream)))
    assert step(sending) == Step(action=APPLY)
    assert not sending.done
    sending.take(progress(len(SENT.stream), applied=1))
    assert sending.done


def test_a_node_that_forgets_is_served_a_few_times() -> None:
    sending = Sending(SENT)
    sending.take(progress(0))
    for _ in range(MAX_RETURNS):
        sending.take(progress(0))
    with pytest.raises(PeerError, match="not_kept"):
        sending.take(progress(0))


@pytest.mark.parametrize("answer", [b"", b"\xa0", progress(len(SENT.stream) + 1), b"\xff" * 20])
def test_nonsense_is_named(answer: bytes) -> None:
    with pytest.raises(PeerError, match="answer_invalid"):
        Sending(SENT).take(answer)


def test_the_same_files_give_the_same_bundle() -> None:
    again: Bundle = bundle()
    assert again.pack() == PACKED
