"""What shares a board's UART with its console: the boot ROM, panics, watchdogs. No tool takes them for an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volthood.errors import DeviceError
from volthood_tools.console.node import Lines, NodeConsole, json_object
from volthood_tools.console.terminal import Screen

ROM = (
    b"ets Jul 29 2019 12:21:46\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
    b"configsip: 0, SPIWP:0xee\r\nclk_drv:0x00,q_drv:0x00,d_drv:0x00,cs0_drv:0x00,hd_drv:0x00,wp_drv:0x00\r\n"
    b"mode:DIO, clock div:2\r\nload:0x3fff0030,len:4728\r\nload:0x40078000,len:14888\r\nload:0x40080400,len:3368\r\n"
    b"entry 0x400805cc\r\n"
)
PANIC = (
    b"Guru Meditation Error: Core  1 panic'ed (LoadProhibited). Exception was unhandled.\r\n\r\nCore  1 register dump:\r\n"
    b"PC      : 0x400e14ed  PS      : 0x00060d30  A0      : 0x800d0805  A1      : 0x3ffb5030\r\n"
    b"EXCVADDR: 0x00000000  LBEG    : 0x4000c46c  LEND    : 0x4000c477  LCOUNT  : 0x00000000\r\n\r\n"
    b"Backtrace: 0x400e14ea:0x3ffb5030 0x400d0802:0x3ffb5050\r\n\r\nELF file SHA256: d5bdb3dff5d0b7a1\r\n\r\nRebooting...\r\n"
)
WATCHDOG = (
    b"E (10374) task_wdt: Task watchdog got triggered. The following tasks did not reset the watchdog in time:\r\n"
    b"E (10374) task_wdt:  - IDLE0 (CPU 0)\r\n"
    b"E (10374) task_wdt: Tasks currently running:\r\nE (10374) task_wdt: CPU 0: mp_task\r\n"
)
BROWNOUT = b"\r\nBrownout detector was triggered\r\n\r\n" + ROM.replace(
    b"0x1 (POWERON_RESET)", b"0xf (RTCWDT_BROWN_OUT_RESET)"
)
ANSWER = b'{"node": "0011", "nested": {"a": [1, {"b": 2}]}}'
PARSED = {"node": "0011", "nested": {"a": [1, {"b": 2}]}}


def misheard(sent: bytes, sent_baud: int = 74_880, heard_baud: int = 115_200) -> bytes:
    """What a UART at one speed hears of bytes sent at another: start bit, eight data bits in their middle, stop bit."""
    bits = [1, 1]
    for byte in sent:
        bits += [0, *[byte >> place & 1 for place in range(8)], 1]
    bits += [1] * 20
    ratio, at, heard = sent_baud / heard_baud, 0.0, bytearray()
    while (at + 12) * ratio < len(bits):
        if bits[int(at * ratio)]:
            at += 0.25
            continue
        heard.append(sum(bits[int((at + 1.5 + place) * ratio)] << place for place in range(8)))
        at += 9.5
    return bytes(heard)


class Cable:
    """Plays what a line brings after each question."""

    def __init__(self, *after_each: bytes, before: bytes = b"") -> None:
        self._after = list(after_each)
        self._arrived = before

    def write(self, data: bytes) -> None:
        self._arrived += self._after.pop(0) if self._after else b""

    def read(self, timeout_s: float) -> bytes:
        piece, self._arrived = self._arrived[:11], self._arrived[11:]
        return piece


def test_the_misheard_is_rubbish_and_heard_at_its_own_speed_is_not() -> None:
    assert misheard(ROM, 115_200, 115_200) == ROM
    assert b"rst:" not in misheard(ROM)
    assert len(misheard(ROM)) > len(ROM) // 4


NOISES = {
    "boot ROM": ROM,
    "boot ROM at 74880 baud": misheard(ROM),
    "panic": PANIC,
    "watchdog": WATCHDOG,
    "brownout": BROWNOUT,
    "panic at 74880 baud": misheard(PANIC),
    "braces": b"{ {{ \xff{\r\n{]}{",
    "an object of somebody else, cut": b'{"node": "ffff", "nested": ',
}


@pytest.mark.parametrize("name", NOISES)
def test_an_answer_is_found_behind_noise(name: str) -> None:
    for gap in (b"\r\n", b"\r\n> ", b"\r\nvolthood node, help lists the commands\r\n> "):
        assert NodeConsole(Cable(NOISES[name] + gap + ANSWER + b"\r\n> "), "board").ask("id", 0.2) == PARSED


@pytest.mark.parametrize("name", [name for name in NOISES if "braces" not in name and "object" not in name])
def test_an_answer_is_found_even_on_the_noise_s_own_line(name: str) -> None:
    assert NodeConsole(Cable(NOISES[name] + ANSWER + b"\r\n> "), "board").ask("id", 0.2) == PARSED


@pytest.mark.parametrize("noise", [PANIC, WATCHDOG, ROM, misheard(ROM)], ids=["panic", "watchdog", "ROM", "74880"])
@pytest.mark.parametrize("at", range(1, len(ANSWER)))
def test_half_an_answer_is_none(noise: bytes, at: int) -> None:
    lines = Lines().feed(ANSWER[:at] + noise + b"\r\n> ")
    assert [found for found in map(json_object, lines) if found is not None] == []


@pytest.mark.parametrize(
    ("noise", "reason"),
    [
        (PANIC + ROM, "POWERON_RESET"),
        (PANIC, "Guru Meditation Error: Core  1 panic'ed"),
        (BROWNOUT, "RTCWDT_BROWN_OUT_RESET"),
        (ROM.replace(b"0x1 (POWERON_RESET)", b"0x7 (TG0WDT_SYS_RESET)"), "TG0WDT_SYS_RESET"),
    ],
    ids=["panic", "panic alone", "brownout", "watchdog"],
)
def test_a_board_that_dies_in_its_answer_is_told(noise: bytes, reason: str) -> None:
    with pytest.raises(DeviceError) as caught:
        NodeConsole(Cable(ANSWER[:20] + noise), "board").ask("id", 0.05)
    assert "the board started again" in str(caught.value)
    assert reason in str(caught.value)
    assert caught.value.retry


def test_what_came_before_the_question_is_no_answer() -> None:
    stale = b'{"node": "stale"}\r\n> '
    assert NodeConsole(Cable(ANSWER + b"\r\n", before=stale), "board").ask("id", 0.2) == PARSED
    assert NodeConsole(Cable(b'tale"}\r\n' + ANSWER + b"\r\n", before=b'{"node": "s'), "board").ask("id", 0.2) == PARSED


def test_a_board_that_restarts_is_waited_for() -> None:
    cable = Cable(ROM, misheard(ROM), PANIC + ROM, ANSWER + b"\r\n")
    console = NodeConsole(cable, "board")
    found = None
    for _ in range(4):
        found = found or console._ask_once("id", 0.05)
    assert found == PARSED


@given(
    st.lists(st.one_of(st.binary(max_size=60), st.sampled_from([*NOISES.values(), b"\r\n", b"{", b"}"])), max_size=12)
)
def test_no_noise_breaks_it_or_makes_an_answer_of_its_own(pieces: list[bytes]) -> None:
    noise = b"".join(pieces).replace(ANSWER, b"")
    assert NodeConsole(Cable(noise + b"\r\n> " + ANSWER + b"\r\n"), "board").ask("id", 0.2) in (PARSED, {})


@pytest.mark.parametrize(
    ("came", "shown"),
    [
        (b"id\r\nnode: 00\r\n> ", "id\r\nnode: 00\r\n> "),
        (b"\r\x1b[K> sta\x1b[3D", "\r\x1b[K> sta\x1b[3D"),
        (b"\b \b\t", "\b \b\t"),
        ("Küche µct".encode(), "Küche µct"),
        (b"\x1b[2J\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]0;title\x07x", "0;title\ufffdx"),
        (b"\x1bcreset\x0e\x0f", "reset\ufffd\ufffd"),
        (b"\xff\xfe\x9b2J", "\ufffd\ufffd\ufffd2J"),
        (b"\x1b[" + b"1;" * 40 + b"Hx", ";" + "1;" * 32 + "Hx"),
    ],
)
def test_a_terminal_gets_what_cannot_harm_it(came: bytes, shown: str) -> None:
    whole, pieces = Screen(), Screen()
    assert whole.clean(came) == shown
    assert "".join(pieces.clean(came[at : at + 1]) for at in range(len(came))) == shown


@given(st.binary(max_size=200))
def test_no_bytes_reach_a_terminal_as_control_but_ours(came: bytes) -> None:
    shown = Screen().clean(came)
    for number, character in enumerate(shown):
        assert character.isprintable() or character in "\r\n\b\t" or (character == "\x1b" and shown[number + 1] == "[")
