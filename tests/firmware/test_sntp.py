"""What an SNTP answer is worth: a table of good and mostly bad ones, and whatever else may arrive."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltnode import sntp
from voltnode.clock import MAX_ANSWER_BYTES
from voltnode.sntp import TimeRefusedError, request, time_of

CHECK = Path(__file__).with_name("check_sntp.py")
NONCE = b"nonce678"
NOW_S = 1_795_000_000
ELAPSED_MS = 40


def timestamp(seconds: float) -> bytes:
    """As NTP counts it (RFC 5905, section 6): seconds since 1900 and 2^-32 parts."""
    whole = int(seconds // 1)
    return struct.pack(">II", (whole + 2_208_988_800) & 0xFFFFFFFF, int((seconds - whole) * 2**32))


def answer(
    *,
    first: int = 0x24,
    stratum: int = 2,
    delay: int = 0x0000_0800,
    dispersion: int = 0x0000_1000,
    identity: bytes = b"\x7f\x00\x00\x01",
    origin: bytes = NONCE,
    received: bytes = timestamp(NOW_S + 0.25),
    sent: bytes = timestamp(NOW_S + 0.25),
) -> bytes:
    """A server's answer: leap indicator, version and mode, stratum, poll, precision, and so on (RFC 5905, figure 8)."""
    head = struct.pack(">BBbbII4s", first, stratum, 6, -20, delay, dispersion, identity)
    return head + timestamp(NOW_S - 60) + origin + received + sent


REFUSED = {
    "nothing at all": (b"", "short"),
    "one byte short": (answer()[:-1], "short"),
    "one byte too long": (answer() + bytes(MAX_ANSWER_BYTES - 47), "long"),
    "a request": (request(NONCE), "mode"),
    "a broadcast": (answer(first=0x25), "mode"),
    "version 2": (answer(first=0x14), "mode"),
    "version 7": (answer(first=0x3C), "mode"),
    "an answer to somebody else": (answer(origin=bytes(8)), "foreign"),
    "a kiss of somebody else": (answer(origin=bytes(8), stratum=0), "foreign"),
    "kiss of death": (answer(stratum=0, identity=b"RATE"), "kiss"),
    "kiss without a word": (answer(stratum=0, identity=b"\xff\x00\n\x7f"), "kiss"),
    "server never set": (answer(first=0xE4), "unsynchronised"),
    "stratum 16": (answer(stratum=16), "unsynchronised"),
    "stratum 255": (answer(stratum=255), "unsynchronised"),
    "far from its reference": (answer(delay=2 << 16, dispersion=66), "root_distance"),
    "negative delay": (answer(delay=0xFFFF_0000), "root_distance"),
    "wide dispersion": (answer(dispersion=0x0001_0001, delay=0x100), "root_distance"),
    "no time of sending": (answer(sent=bytes(8)), "no_time"),
    "no time of receiving": (answer(received=bytes(8)), "no_time"),
    "sent before it was received": (answer(received=timestamp(NOW_S + 0.5)), "round_trip"),
    "thought longer than we waited": (answer(sent=timestamp(NOW_S + 0.5)), "round_trip"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_good_answer_is_refused_by_name(name: str) -> None:
    data, reason = REFUSED[name]
    with pytest.raises(TimeRefusedError) as refused:
        time_of(data, NONCE, ELAPSED_MS, NOW_S)
    assert refused.value.reason == reason


def test_an_answer_that_took_too_long_is_refused() -> None:
    time_of(answer(), NONCE, sntp.MAX_ROUND_TRIP_MS - 1, NOW_S)
    with pytest.raises(TimeRefusedError, match="round_trip"):
        time_of(answer(), NONCE, sntp.MAX_ROUND_TRIP_MS, NOW_S)


def test_the_time_is_the_servers_and_half_the_way() -> None:
    time_ms, wrong_ms = time_of(answer(sent=timestamp(NOW_S + 0.25 + 1 / 64)), NONCE, ELAPSED_MS, NOW_S)
    assert time_ms == NOW_S * 1000 + 265 + (ELAPSED_MS - 15) // 2
    # Half the root delay of 2^-5 s and the dispersion of 2^-4 s; half the way, rounded up.
    assert wrong_ms == int(1000 * (1 / 64 + 1 / 16)) + (ELAPSED_MS - 15) // 2 + 1


def test_a_kiss_says_its_word() -> None:
    with pytest.raises(TimeRefusedError) as refused:
        time_of(answer(stratum=0, identity=b"DENY"), NONCE, ELAPSED_MS, NOW_S)
    assert refused.value.detail == "DENY"


@pytest.mark.parametrize("now_s", [NOW_S, 2_085_978_495, 2_085_978_497, 3_000_000_000])
def test_the_count_begins_anew_in_2036(now_s: int) -> None:
    data = answer(received=timestamp(now_s), sent=timestamp(now_s))
    assert time_of(data, NONCE, 0, NOW_S)[0] == now_s * 1000


def test_a_time_long_past_is_not_taken_for_the_next_era() -> None:
    data = answer(received=timestamp(1_400_000_000), sent=timestamp(1_400_000_000))
    assert time_of(data, NONCE, 0, NOW_S)[0] == 1_400_000_000_000


def test_a_request_tells_nothing_but_its_nonce() -> None:
    assert request(NONCE) == b"\x23" + bytes(39) + NONCE


SERVERS = {
    "": [],
    "pi": [("pi", 123)],
    "192.168.1.2:1123, pool.example": [("192.168.1.2", 1123), ("pool.example", 123)],
}


@pytest.mark.parametrize("text", SERVERS)
def test_servers_are_read(text: str) -> None:
    assert sntp.parse_servers(text) == SERVERS[text]
    assert sntp.are_servers(text)


@pytest.mark.parametrize("text", [",", "pi:", "pi:0", "pi:65536", "pi:x", ":123", "a" * 65, "a,b,c", "pi:-1", "::1"])
def test_what_names_no_servers_is_refused(text: str) -> None:
    assert not sntp.are_servers(text)


def judged(data: bytes) -> str:
    """What becomes of an answer."""
    try:
        return str(time_of(data, NONCE, ELAPSED_MS, NOW_S))
    except TimeRefusedError as error:
        return error.reason


@given(st.binary(max_size=200))
def test_anything_is_taken_or_refused(data: bytes) -> None:
    judged(data)


@given(st.integers(0, 47), st.binary(min_size=1, max_size=8))
def test_a_damaged_answer_is_taken_or_refused(at: int, damage: bytes) -> None:
    whole = answer()
    judged(whole[:at] + damage + whole[at + len(damage) :])


def corpus() -> list[bytes]:
    """Every answer of the table, and a good one with each byte of it at its ends and turned over."""
    whole = answer()
    damaged = [
        whole[:at] + bytes((value,)) + whole[at + 1 :] for at in range(48) for value in (0, 255, whole[at] ^ 0x80)
    ]
    return [data for data, _ in REFUSED.values()] + damaged


def test_both_interpreters_judge_alike(
    run_on_cpython: Callable[..., str], run_on_micropython: Callable[..., str], tmp_path: Path
) -> None:
    lines = [data.hex() for data in corpus()]
    (tmp_path / "corpus").write_text("\n".join(lines) + "\n")
    arguments = (CHECK, tmp_path / "corpus", NONCE.hex(), ELAPSED_MS, NOW_S)
    on_cpython = run_on_cpython(*arguments)
    assert on_cpython.splitlines() == [*(judged(data) for data in corpus()), "done"]
    assert run_on_micropython(*arguments) == on_cpython
