"""Whatever comes over the line, the parser has a name for it, and believes only what fits."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from voltnode.bus.frames import (
    CRC,
    EXCEPTION,
    FOREIGN,
    GARBAGE,
    OK,
    SHORT,
    SILENCE,
    WAITING,
    Answer,
    crc16,
    put_request,
)

ENDS = {OK, EXCEPTION, SILENCE, SHORT, CRC, FOREIGN, GARBAGE}


def sealed(body: bytes) -> bytes:
    """A frame of these bytes, its checksum bit by bit."""
    register = 0xFFFF
    for byte in body:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return body + register.to_bytes(2, "little")


units = st.integers(1, 247)
functions = st.sampled_from([3, 4])
counts = st.integers(1, 125)
noise = st.binary(max_size=40)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """A sound frame of anybody."""
    unit, function = draw(units), draw(functions)
    if draw(st.booleans()):
        return sealed(bytes([unit, function | 0x80, draw(st.integers(0, 255))]))
    data = draw(st.binary(min_size=2, max_size=20).filter(lambda data: len(data) % 2 == 0))
    return sealed(bytes([unit, function, len(data)]) + data)


def heard(answer: Answer, stream: bytes, cuts: list[int]) -> int:
    """The verdict on a stream that comes in pieces."""
    edges = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    for start, end in pairwise(edges):
        verdict = answer.take(stream[start:end], end - start)
        assert verdict in {WAITING, OK, EXCEPTION}
        if verdict != WAITING:
            return verdict
    return answer.close()


@given(units, functions, counts, st.lists(st.one_of(noise, frames()), max_size=8), st.lists(st.integers(0), max_size=5))
@example(1, 4, 2, [b"\x01\x84"], [])
@example(1, 4, 2, [b"\x01\x04\x04"] * 200, [])
def test_every_stream_has_a_verdict_and_what_is_believed_fits(
    unit: int, function: int, count: int, parts: list[bytes], cuts: list[int]
) -> None:
    answer = Answer()
    answer.expect(unit, function, count)
    stream = b"".join(parts)
    verdict = heard(answer, stream, cuts)
    assert verdict in ENDS
    assert (verdict == SILENCE) == (not stream)
    if verdict == OK:
        data = bytes(answer.buffer[answer.start : answer.end])
        assert len(data) == 2 * count
        assert sealed(bytes([unit, function, 2 * count]) + data) in stream
    elif verdict == EXCEPTION:
        assert sealed(bytes([unit, function | 0x80, answer.code])) in stream


@given(units, functions, counts, noise, noise, st.lists(st.integers(0), max_size=5), st.data())
def test_the_right_answer_is_found_in_noise(
    unit: int, function: int, count: int, before: bytes, after: bytes, cuts: list[int], data: st.DataObject
) -> None:
    words = data.draw(st.binary(min_size=2 * count, max_size=2 * count))
    answer = Answer()
    answer.expect(unit, function, count)
    verdict = heard(answer, before + sealed(bytes([unit, function, 2 * count]) + words) + after, cuts)
    assert verdict == OK
    assert bytes(answer.buffer[answer.start : answer.end]) == words


@given(units, counts, st.data())
def test_one_wrong_bit_is_never_believed(unit: int, count: int, data: st.DataObject) -> None:
    words = data.draw(st.binary(min_size=2 * count, max_size=2 * count))
    frame = bytearray(sealed(bytes([unit, 4, 2 * count]) + words))
    bit = data.draw(st.integers(0, 8 * len(frame) - 1))
    frame[bit // 8] ^= 1 << bit % 8
    answer = Answer()
    answer.expect(unit, 4, count)
    assert heard(answer, bytes(frame), []) not in {OK, EXCEPTION}


@given(units, functions, st.integers(0, 0xFFFF), counts)
def test_requests_are_as_the_standard_writes_them(unit: int, function: int, address: int, count: int) -> None:
    request = bytearray(8)
    put_request(request, unit, function, address, count)
    assert request == sealed(bytes([unit, function]) + address.to_bytes(2, "big") + count.to_bytes(2, "big"))


@given(st.binary(max_size=300))
def test_the_checksum_is_the_polynomial(data: bytes) -> None:
    assert sealed(data)[-2:] == crc16(data, 0, len(data)).to_bytes(2, "little")
