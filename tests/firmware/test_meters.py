"""Meter tables and what they rest on: every verified table has vectors, and integers decode as fractions would."""

import importlib.util
import json
import struct
import sys
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voltnode.meters import LIMITS, NAMES, REQUIRED, UNVERIFIED, WORDS, MeterTable, load, sunspec
from voltnode.meters.decode import BadValueError, float32_scaled, float32_step, raw, scaled

NEEDED = {"power_total", "energy_import", "energy_export"}
TWO_TO_40 = 1 << 40


@pytest.fixture(scope="module")
def maker(repo_root: Path) -> ModuleType:
    """The generator of the vectors."""
    path = repo_root / "tests/vectors/meters/make_vectors.py"
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location("make_meter_vectors", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cases(root: Path, name: str) -> list[dict[str, object]]:
    path = root / "tests/vectors/meters" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.mark.parametrize("name", NAMES)
def test_a_verified_meter_has_vectors_of_what_a_bill_needs(name: str, repo_root: Path) -> None:
    found = cases(repo_root, name)
    shown = {quantity for case in found for quantity in dict.fromkeys(case["values"])}  # type: ignore[call-overload]
    assert load(name).verified
    assert shown >= NEEDED
    assert {case["origin"] for case in found} <= {"captured", "data sheet", "arithmetic"}
    assert all(case["source"] for case in found)


TABLES = [load(name, unverified=True) for name in NAMES + UNVERIFIED if name != "sunspec"]
TABLES += [sunspec.table_of(model, 40069, None) for model in sunspec.INTEGER_MODELS + sunspec.FLOAT_MODELS]


def test_every_table_is_in_one_of_the_lists(repo_root: Path) -> None:
    modules = {path.stem for path in (repo_root / "firmware/voltnode/meters").glob("*.py")}
    assert modules - {"__init__", "decode", "plan", "jumps"} == set(NAMES) | set(UNVERIFIED)
    assert sorted(NAMES) == list(NAMES)
    assert sorted(UNVERIFIED) == list(UNVERIFIED)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: f"{table.name} {table.model}")
def test_a_table_says_only_what_can_be(table: MeterTable) -> None:
    quantities = [register.quantity for register in table.registers]
    assert table.verified == (table.name in NAMES)
    assert len(set(quantities)) == len(quantities)
    assert set(quantities) >= NEEDED
    required = {register.quantity for register in table.registers if register.need == REQUIRED}
    assert required >= NEEDED - {"energy_export"}
    assert table.parity in {"N", "E", "O"}
    assert 1 <= table.max_registers <= 125
    for named in (*table.disputed, *table.single_source):
        assert any(quantity.startswith(named) for quantity in quantities), named
    for register in table.registers:
        assert register.kind in WORDS
        assert register.unit in LIMITS
        assert register.function in {3, 4}
        assert 0 < register.numerator < 1 << 21
        assert 0 < register.denominator < 1 << 10


def test_an_unverified_model_is_off_until_somebody_says_so() -> None:
    with pytest.raises(ValueError, match="unverified: nobody has checked"):
        load("finder_7m38")
    assert not load("finder_7m38", unverified=True).verified


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match=r"there are: .*eastron_sdm630"):
        load("abacus")


def test_the_vectors_are_what_their_generator_writes(maker: ModuleType, repo_root: Path) -> None:
    for name, text in maker.files().items():
        assert (repo_root / "tests/vectors/meters" / name).read_text() == text


def test_captured_frames_have_the_checksum_and_the_value_that_stood_beside_them(maker: ModuleType) -> None:
    for source, _, _, quantity, text, printed in maker.SINGLE:
        frame = bytes.fromhex(text)
        assert sys.modules["meter_frames"].crc(frame[:-2]) == frame[-2:], source
        if printed is not None:
            half_a_digit = Fraction(1, 2 * 10 ** len(printed.partition(".")[2]))
            assert abs(maker.float32(frame[3:7]) - Fraction(printed)) <= half_a_digit, (source, quantity)


def nearest(value: Fraction) -> int:
    whole = int(abs(value) * 2 + 1) // 2
    return -whole if value < 0 else whole


@given(st.integers(0, 2**32 - 1), st.sampled_from([(1, 1), (1000, 1), (1, 10), (3, 7), (2**20, 1023)]))
@example(0x3A03126F, (1000, 1))
@example(0x7F7FFFFF, (1, 1))
def test_float32_is_what_fractions_say(bits: int, ratio: tuple[int, int]) -> None:
    number = struct.unpack(">f", bits.to_bytes(4, "big"))[0]
    if not abs(number) < TWO_TO_40:  # which no NaN is
        with pytest.raises(BadValueError):
            float32_scaled(bits, *ratio)
    else:
        assert float32_scaled(bits, *ratio) == nearest(Fraction(number) * Fraction(*ratio))


@given(st.integers(0, 16_383_999))
def test_a_counter_of_whole_wh_survives_float32_kwh(energy_wh: int) -> None:
    bits = int.from_bytes(struct.pack(">f", energy_wh / 1000), "big")
    assert float32_scaled(bits, 1000, 1) == energy_wh
    assert float32_step(bits, 1000, 1) == 1


@given(st.integers(0, 0x537FFFFE))
def test_the_step_is_the_distance_to_the_next_float(bits: int) -> None:
    this, after = (Fraction(struct.unpack(">f", value.to_bytes(4, "big"))[0]) for value in (bits, bits + 1))
    step = (after - this) * 1000
    assert float32_step(bits, 1000, 1) == max(1, -(-step.numerator // step.denominator))


NUMBERS = [kind for kind in sorted(WORDS) if kind[0] != "t"]  # neither texts nor thousandths


@given(st.sampled_from(NUMBERS), st.data())
def test_the_order_of_words_is_only_an_order(kind: str, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.binary(min_size=2, max_size=2), min_size=WORDS[kind], max_size=WORDS[kind]))
    big, little = b"".join(words), b"".join(reversed(words))
    assert raw(big, 0, kind, False) == raw(little, 0, kind, True) == int.from_bytes(big, "big")
    if kind != "float32":
        signed = kind[0] != "u"
        assert scaled(big, 0, kind, False, 10, 1) == 10 * int.from_bytes(big, "big", signed=signed)


def test_no_two_models_have_the_same_sign() -> None:
    known = {name: sign for name in NAMES + UNVERIFIED if (sign := load(name, True).sign) is not None}
    assert len(known) >= 10
    for name, (_, address, words, least, most) in known.items():
        assert 0 < least <= most < 1 << 16 * words
        for other, (_, at, size, low, high) in known.items():
            apart = (address, words) != (at, size) or most < low or high < least
            assert other == name or apart, (name, other)
