"""Meter tables and what they rest on: every verified table has vectors, and integers decode as fractions would."""

import importlib.util
import json
import struct
from fractions import Fraction
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from voltnode.meters import LIMITS, NAMES, REQUIRED, WORDS, load
from voltnode.meters.decode import BadValueError, float32_scaled, float32_step, raw, scaled

NEEDED = {"power_total", "energy_import", "energy_export"}
TWO_TO_40 = 1 << 40


@pytest.fixture(scope="module")
def maker(repo_root: Path) -> ModuleType:
    """The generator of the vectors."""
    path = repo_root / "tests/vectors/meters/make_vectors.py"
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
    assert not load(name).verified or shown >= NEEDED
    assert {case["origin"] for case in found} <= {"captured", "data sheet", "arithmetic"}
    assert all(case["source"] for case in found)


@pytest.mark.parametrize("name", NAMES)
def test_a_table_says_only_what_can_be(name: str) -> None:
    table = load(name)
    quantities = [register.quantity for register in table.registers]
    assert table.name == name
    assert len(set(quantities)) == len(quantities)
    assert {register.quantity for register in table.registers if register.need == REQUIRED} == NEEDED
    assert table.parity in {"N", "E", "O"}
    assert 1 <= table.max_registers <= 125
    for register in table.registers:
        assert register.kind in WORDS
        assert register.unit in LIMITS
        assert register.function in {3, 4}
        assert 0 < register.numerator < 1 << 21
        assert 0 < register.denominator < 1 << 10


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ValueError, match="there are: eastron_sdm630"):
        load("abacus")


def test_the_vectors_are_what_their_generator_writes(maker: ModuleType, repo_root: Path) -> None:
    for name, text in maker.files().items():
        assert (repo_root / "tests/vectors/meters" / name).read_text() == text


def test_captured_frames_have_the_checksum_and_the_value_that_stood_beside_them(maker: ModuleType) -> None:
    for source, _, _, quantity, text, printed in maker.SINGLE:
        frame = bytes.fromhex(text)
        assert maker.crc(frame[:-2]) == frame[-2:], source
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


@given(st.sampled_from(sorted(WORDS)), st.data())
def test_the_order_of_words_is_only_an_order(kind: str, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.binary(min_size=2, max_size=2), min_size=WORDS[kind], max_size=WORDS[kind]))
    big, little = b"".join(words), b"".join(reversed(words))
    assert raw(big, 0, kind, False) == raw(little, 0, kind, True) == int.from_bytes(big, "big")
    if kind != "float32":
        signed = kind[0] == "i"
        assert scaled(big, 0, kind, False, 10, 1) == 10 * int.from_bytes(big, "big", signed=signed)
