"""What stands for HPKE in a simulation: the same sizes and refusals as the real seal, and no chance."""

import pytest

from volthood.adapters.crypto import AgentKeys
from volthood.errors import PeerError
from volthood_tools.sim.sealing import PlainSealer

ONE = AgentKeys(b"a" * 32, b"s" * 32, b"w" * 32)
KEY = ONE.public.seal


def test_it_opens_for_its_recipient_and_repeats() -> None:
    sealer = PlainSealer(KEY)
    assert sealer.unseal(sealer.seal(KEY, b"words")) == b"words"
    assert sealer.seal(KEY, b"words") == PlainSealer(b"x" * 32).seal(KEY, b"words")


@pytest.mark.parametrize("words", [b"", b"words", b"w" * 1000])
def test_it_is_as_long_as_the_real_seal(words: bytes) -> None:
    assert len(PlainSealer(KEY).seal(KEY, words)) == len(ONE.seal(KEY, words))


def test_bytes_for_others_changed_or_too_few_are_refused() -> None:
    sealer = PlainSealer(KEY)
    sealed = sealer.seal(KEY, b"words")
    other = PlainSealer(b"o" * 32)
    for changed in (sealed[:-1], sealed[1:], sealed[:40] + b"!" + sealed[41:], b"", bytes(48)):
        with pytest.raises(PeerError, match="not_sealed_for_us"):
            sealer.unseal(changed)
    with pytest.raises(PeerError, match="not_sealed_for_us"):
        other.unseal(sealed)
    with pytest.raises(PeerError, match="bad_key"):
        sealer.seal(b"short", b"words")
