"""The comb: its table against OpenSSL, its digits against arithmetic, and the one scalar that its formula cannot do."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from volthood_tools import make_comb
from voltnode.sign.comb import TABLE
from voltnode.sign.curve import N, comb_digits, finish, multiply_steps

TEETH, TOOTH, LOWER = 6, 43, 22
LAST_ADDITION = 2 * LOWER - 2
MEETS_ITSELF = 0xFFFFFFFFFFDFFFFFFFFFFC00000000008000000000100000000002


def weight(half: int, column: int) -> int:
    """The scalar that a column stands for: bit 5 is the top tooth's sign, bit i whether tooth i has the same."""
    top = 1 if column >> 5 else -1
    signs = [top if column >> tooth & 1 else -top for tooth in range(TEETH - 1)]
    return sum(sign << (TOOTH * tooth + LOWER * half) for tooth, sign in enumerate([*signs, top]))


def in_order(odd: int) -> list[int]:
    """The scalars that the comb adds one after the other; before each of half 1 it doubles."""
    low, high = comb_digits(odd)
    return [weight(i & 1, (high if i & 1 else low)[i >> 1]) for i in range(LAST_ADDITION + 1)]


def test_the_generator_script_writes_the_same_file(repo_root: Path) -> None:
    assert make_comb.source() == (repo_root / "firmware/voltnode/sign/comb.py").read_text()
    assert make_comb.table() == TABLE


def test_every_point_is_what_it_should_be() -> None:
    assert len(TABLE) == 4096
    for at in range(64):
        scalar = weight(at >> 5, at & 31 | 32) % N
        numbers = ec.derive_private_key(scalar, ec.SECP256R1()).public_key().public_numbers()
        assert TABLE[64 * at : 64 * at + 64] == numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


@given(st.integers(0, 2 * N - 1).map(lambda half: 2 * half + 1))
def test_digits_make_up_the_number(odd: int) -> None:
    total = 0
    for i, term in enumerate(in_order(odd)):
        total = (2 * total if i & 1 else total) + term
    assert total == odd


def distinct_places(i: int) -> list[tuple[int, bool]]:
    """The binary places that the sum has taken up after addition `i`, lowest first; whether `i` itself took it up."""
    column = LOWER - 1 - (i + 1) // 2
    places = []
    for earlier in range(i + 1):
        own = LOWER * (earlier & 1) + LOWER - 1 - (earlier + 1) // 2 - column
        places += [(TOOTH * tooth + own, earlier == i) for tooth in range(TEETH)]
    return sorted(places)


def spellings(number: int, places: list[tuple[int, bool]]) -> list[list[int]]:
    """All ways to write `number` with a +1 or -1 in each of `places`."""
    if not places:
        return [[]] if number == 0 else []
    (place, _), rest = places[0], places[1:]
    if number % (1 << place) or not number >> place & 1:
        return []
    return [[sign, *others] for sign in (1, -1) for others in spellings(number - (sign << place), rest)]


def test_which_scalars_meet_themselves() -> None:
    """A proof by enumeration that `multiply_steps` is right for every scalar.

    A sum of +-2^place over distinct places is never zero. So the sum S before an addition T meets T or -T only modulo
    N: S + T or S - T is a multiple of N other than zero, and there are few of a size that the places can reach.
    """
    met = set()
    for i in range(1, LAST_ADDITION + 1):
        places = distinct_places(i)
        largest = sum(1 << place for place, _ in places)
        for multiple in range(-(largest // N), largest // N + 1):
            for signs in spellings(multiple * N, places) if multiple else []:
                assert i == LAST_ADDITION
                # S + T = multiple * N with these signs, and what the comb adds is -T: then S = T modulo N.
                added = sum(sign << place for sign, (place, own) in zip(signs, places, strict=True) if own)
                met.add(multiple * N - 2 * added)
    first_spelling = {odd for odd in met if 0 < odd < 2 * N}
    second_spelling = {odd for odd in met if 2 * N < odd < 4 * N}
    assert {odd % N for odd in first_spelling} == {MEETS_ITSELF}
    assert {odd % N for odd in second_spelling} == {MEETS_ITSELF - 4}
    assert len(in_order(MEETS_ITSELF + N)) == LAST_ADDITION + 1


@pytest.mark.parametrize("scalar", [MEETS_ITSELF, MEETS_ITSELF - 4])
def test_a_scalar_that_meets_itself_comes_out_right(scalar: int) -> None:
    x, _, z = finish(multiply_steps(scalar, 7))
    expected = ec.derive_private_key(scalar, ec.SECP256R1()).public_key().public_numbers()
    assert x == expected.x * z * z % make_comb.P
    steps = len(list(multiply_steps(scalar, 7)))
    assert steps == (2 if scalar == MEETS_ITSELF else 1) * (LOWER - 1)
