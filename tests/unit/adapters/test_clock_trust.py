"""What the kernel says of its clock, and the agent's own answer to a node that asks for the time."""

import asyncio
import socket
import struct

import pytest

from volthood.adapters.clock_trust import MOST_WRONG_MS, GivenClock, KernelClock, state_of
from volthood.adapters.sntp import answer_to, serve_time
from volthood.errors import LocalError
from volthood.ports.clock import ClockState

NOW_MS = 1_795_000_000_123
REQUEST = b"\x23" + bytes(39) + b"nonce678"

STATES = {
    "synchronised": ((0, 0x2001, 20_000), None),
    "a leap second is due": ((1, 0x2011, 20_000), None),
    "as far off as agents may differ": ((0, 0, MOST_WRONG_MS * 1000), None),
    "not heard from for an hour": ((0, 0, (MOST_WRONG_MS + 1) * 1000), "may be wrong by 2001 ms"),
    "never synchronised": ((5, 0x40, 16_000_000), "is not synchronised"),
    "the bit alone": ((0, 0x40, 10), "is not synchronised"),
    "the result alone": ((5, 0, 10), "is not synchronised"),
}


@pytest.mark.parametrize("name", STATES)
def test_the_kernels_answer_in_words(name: str) -> None:
    answer, words = STATES[name]
    state = state_of(*answer)
    assert state.wrong_ms == answer[2] // 1000
    assert state.doubt is None if words is None else words in str(state.doubt)


def test_this_machines_kernel_can_be_asked() -> None:
    state = KernelClock().state()
    assert state.wrong_ms >= 0
    assert state.doubt is None or "clock" in state.doubt
    assert GivenClock().state() == ClockState(None, 0)


def test_an_answer_is_as_long_as_the_question_and_repeats_its_nonce() -> None:
    answer = answer_to(REQUEST, NOW_MS, 31)
    assert answer is not None
    first, stratum, delay, dispersion = struct.unpack(">BBxxII", answer[:12])
    seconds, parts = struct.unpack(">II", answer[40:])
    assert (len(answer), first, answer[24:32]) == (48, 0x24, b"nonce678")
    assert 1 <= stratum <= 15
    assert (delay, dispersion * 1000 // 65_536) == (0, 30)
    assert (seconds - 2_208_988_800) * 1000 + (parts * 1000 >> 32) == NOW_MS


def test_a_clock_that_is_not_trusted_says_so() -> None:
    answer = answer_to(REQUEST, NOW_MS, 0, trusted=False)
    assert answer is not None
    assert (answer[0] >> 6, answer[1]) == (3, 16)


@pytest.mark.parametrize("data", [b"", REQUEST[:47], b"\x24" + REQUEST[1:], b"\x1e" + bytes(47), bytes(48)])
def test_what_is_no_question_gets_no_answer(data: bytes) -> None:
    assert answer_to(data, NOW_MS, 0) is None


def test_any_dispersion_fits() -> None:
    assert answer_to(REQUEST, NOW_MS, 2**63) is not None


def test_the_port_answers_until_it_is_closed() -> None:
    async def play() -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        transport = await serve_time(port, lambda: NOW_MS, lambda: ClockState(None, 5))
        with pytest.raises(LocalError, match="serve_sntp_port"):
            await serve_time(port, lambda: NOW_MS, lambda: ClockState(None, 5))
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.setblocking(False)
            asking.connect(("127.0.0.1", port))
            for data in (b"noise", REQUEST):
                await loop.sock_sendall(asking, data)
            answer = await loop.sock_recv(asking, 100)
        transport.close()
        return answer

    answer = asyncio.run(play())
    assert answer == answer_to(REQUEST, NOW_MS, 5)
