"""The fault plan: when each fault strikes, what it does to an answer, and that the same plan gives the same bytes."""

import dataclasses
import datetime as dt
import os
from pathlib import Path

import pytest

from volthood.errors import LocalError
from volthood_tools.simmeter.answering import Answering
from volthood_tools.simmeter.faults import KINDS, Fault, FaultPlan, PlanFile, Strike
from volthood_tools.simmeter.settings import MeterSettings

REQUEST = bytes.fromhex("0103000000020000")[:6]


def sealed(body: bytes) -> bytes:
    register = 0xFFFF
    for byte in body:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    return body + register.to_bytes(2, "little")


ASKED = sealed(REQUEST)
GOOD = sealed(bytes.fromhex("01030412345678"))


def read(function: int, address: int, count: int, strike: Strike) -> list[int]:
    return [0x1234, 0x5678]


def answers(
    *faults: Fault, requests: int = 1, seed: int = 0, now_ms: int = 0, tcp: bool = False
) -> list[list[tuple[int, bytes]]]:
    """What comes of so many requests in a row."""
    answering = Answering({1: read, 2: read}, FaultPlan(faults, seed), lambda: now_ms, tcp)
    asked = b"\0\1\0\0\0\6" + REQUEST if tcp else ASKED
    return [answering.feed(asked) for _ in range(requests)]


@pytest.mark.parametrize(
    ("fault", "emissions"),
    [
        (Fault("silence"), []),
        (Fault("restart"), []),
        (Fault("delay", delay_ms=700), [(700, GOOD)]),
        (Fault("address"), [(0, sealed(b"\2" + GOOD[1:-2]))]),
        (Fault("exception", code=6), [(0, sealed(bytes([1, 0x83, 6])))]),
        (Fault("truncated", count=5), [(0, GOOD[:5])]),
        (Fault("doubled", delay_ms=30), [(0, GOOD), (30, GOOD)]),
        (Fault("doubled", delay_ms=0), [(0, GOOD + GOOD)]),
        (Fault("twin", delay_ms=15), [(0, GOOD), (15, GOOD)]),
        (Fault("echo"), [(0, ASKED + GOOD)]),
        (Fault("jump", wh=5), [(0, GOOD)]),
        (Fault("silence", unit=2), [(0, GOOD)]),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_what_a_fault_does_to_an_answer(fault: Fault, emissions: list[tuple[int, bytes]]) -> None:
    assert answers(fault) == [emissions]


def test_disturbances_leave_no_sound_frame() -> None:
    for kind in ("crc", "baud", "twin"):
        ((_, frame),) = answers(Fault(kind, delay_ms=0))[0]
        assert frame != GOOD
        assert sealed(frame[:-2]) != frame
    ((_, frame),) = answers(Fault("noise", count=7))[0]
    assert (len(frame), frame[7:]) == (7 + len(GOOD), GOOD)


def test_a_pulled_cable_brings_the_beginning_once() -> None:
    assert answers(Fault("unplugged", count=4, last=3), requests=4) == [[(0, GOOD[:4])], [], [], [(0, GOOD)]]


def test_the_count_of_requests() -> None:
    struck = answers(Fault("silence", first=3, last=8, every=2), requests=10)
    assert [not found for found in struck] == [number in {3, 5, 7} for number in range(1, 11)]


def test_meters_are_counted_apart() -> None:
    answering = Answering({1: read, 2: read}, FaultPlan((Fault("silence", first=2, last=2),)))
    other = sealed(b"\2" + REQUEST[1:])
    assert [bool(answering.feed(asked)) for asked in (ASKED, other, other, ASKED, ASKED)] == [
        True,
        True,
        False,
        False,
        True,
    ]


def test_the_calendar() -> None:
    since, until = (dt.datetime(2025, 6, 21, hour, tzinfo=dt.UTC) for hour in (10, 11))
    fault = Fault("silence", since=since, until=until)
    at = int(since.timestamp()) * 1000
    assert [answers(fault, now_ms=now_ms)[0] == [] for now_ms in (at - 1, at, at + 3_599_999, at + 3_600_000)] == [
        False,
        True,
        True,
        False,
    ]


def test_chance_is_of_the_seed() -> None:
    fault = Fault("silence", chance_percent=30)
    once, again, other = (answers(fault, requests=400, seed=seed) for seed in (7, 7, 8))
    assert once == again != other
    assert 80 <= sum(not found for found in once) <= 160
    assert answers(Fault("baud"), seed=1) != answers(Fault("baud"), seed=2)


def test_over_tcp_there_is_no_line_to_disturb() -> None:
    good = answers(tcp=True)
    for kind in ("crc", "noise", "baud", "twin", "echo"):
        assert answers(Fault(kind), tcp=True) == good
    assert answers(Fault("silence"), tcp=True) == [[]]


def test_registers_that_roll_over_jump_and_lose() -> None:
    values = {"energy_import": 100_000, "energy_export": 7, "power_total": 5}
    for faults, lost_wh, expected in (
        ((Fault("rollover", wh=99_999),), 0, (1, 7)),
        ((Fault("jump", wh=1_000_000),), 0, (1_100_000, 1_000_007)),
        ((), 10, (99_990, 0)),
    ):
        found = Strike(faults, lost_wh, b"").values(dict(values))
        assert (found["energy_import"], found["energy_export"], found["power_total"]) == (*expected, 5)


def test_a_meter_that_started_again_has_lost_some() -> None:
    plan = FaultPlan((Fault("restart", last=2, wh=3),))
    assert [plan.strike("line", 1, 0).lost_wh for _ in range(4)] == [0, 0, 3, 3]


def plan_of(text: str, folder: Path) -> FaultPlan:
    path = folder / "faults.toml"
    path.write_text(text)
    return PlanFile(path)


def test_a_file_with_every_kind(tmp_path: Path) -> None:
    tables = "".join(
        f'[[fault]]\nkind = "{kind}"\nfirst = {i + 1}\nlast = {i + 1}\nwh = 1\n' for i, kind in enumerate(KINDS)
    )
    plan = plan_of("seed = 3\n" + tables, tmp_path)
    struck = [[fault.kind for fault in plan.strike("line", 1, 0).faults] for _ in KINDS]
    assert struck == [[kind] for kind in KINDS]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[[fault]]\nkind = "gremlin"', "kind is one of"),
        ('[[fault]]\nkind = "silence"\nfirst = 0', "first is 1 or more"),
        ('[[fault]]\nkind = "silence"\nfirst = 5\nlast = 4', "last is not before first"),
        ('[[fault]]\nkind = "silence"\nchance_percent = 101', "chance_percent is 0 to 100"),
        ('[[fault]]\nkind = "silence"\nsince = 2025-01-01T00:00:00', "times have a zone"),
        ('[[fault]]\nkind = "silence"\nevery = 0', "every is 1 or more"),
        ('[[fault]]\nkind = "silence"\nunit = 248', "unit is 0 to 247"),
        ('[[fault]]\nkind = "rollover"', "wh is the end of the counter"),
        ('[[fault]]\nkind = "silence"\nsize = 3', "unknown key fault\\[0\\].size"),
        ("[[fault]]\nfirst = 3", "kind is missing"),
        ("faults = 3", "unknown key faults"),
        ('seed = "x"', "seed is a whole number"),
    ],
)
def test_what_is_wrong_is_said_in_words(text: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=reason):
        plan_of(text, tmp_path)


def test_a_plan_that_changes_is_a_new_plan(tmp_path: Path) -> None:
    plan = plan_of('[[fault]]\nkind = "silence"\nlast = 1\n', tmp_path)
    kinds: list[list[str]] = []
    for text in (None, None, '[[fault]]\nkind = "crc"\n', "[[fault", ""):
        if text is not None:
            beside = tmp_path / "new"
            beside.write_text(text)
            os.utime(beside, ns=(0, len(kinds)))
            beside.replace(tmp_path / "faults.toml")
        kinds.append([fault.kind for fault in plan.strike("line", 1, 0).faults])
    (tmp_path / "faults.toml").unlink()
    kinds.append([fault.kind for fault in plan.strike("line", 1, 0).faults])
    assert kinds == [["silence"], [], ["crc"], ["crc"], [], []]


def test_the_page_names_every_kind_and_every_key(repo_root: Path) -> None:
    page = (repo_root / "tools" / "volthood_tools" / "simmeter" / "README.md").read_text()
    names = [*KINDS, *(field.name for cls in (Fault, MeterSettings) for field in dataclasses.fields(cls))]
    assert [name for name in names if f"`{name}`" not in page] == []
