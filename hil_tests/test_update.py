"""The update channel: whatever comes over it that the releaser did not sign leaves the board as it was.

`test_release.py` brings one that it did sign.
"""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from hil_tests.bench import Bench
from hil_tests.test_faults import unharmed
from volthood.errors import DeviceError
from volthood.wire.update import APPLY, DROP, MAGIC, OFFER, PIECE, Step
from volthood_tools.release.bundle import Contents, make_bundle

VERB = "update"
FILES = {"voltnode/__init__.mpy": b"M\x06\x00\x1f"}
FOREIGN = make_bundle(Contents("9999.0.0", "esp32", FILES, 0), ec.generate_private_key(ec.SECP256R1()))
"""A good release of somebody else."""

HOSTILE = {
    "another releaser's": Step(action=OFFER, data=FOREIGN.signed).to_cbor(),
    "a forged signature": Step(action=OFFER, data=FOREIGN.signed[:-1] + b"x").to_cbor(),
    "cut off": Step(action=OFFER, data=FOREIGN.signed[:50]).to_cbor(),
    "nothing": Step(action=OFFER).to_cbor(),
    "a whole bundle": Step(action=OFFER, data=FOREIGN.pack()[:832]).to_cbor(),
    "a piece without an offer": Step(action=PIECE, offset=0, data=bytes(832)).to_cbor(),
    "a piece far behind": Step(action=PIECE, offset=2**17, data=b"x").to_cbor(),
    "apply without an offer": Step(action=APPLY).to_cbor(),
    "no step": MAGIC,
    "no bytes": b"",
    "as many as there may be": bytes(864),
    "nested": b"\x81" * 100,
}


def test_what_the_releaser_did_not_sign_changes_nothing(bench: Bench) -> None:
    before = bench.ask("update status")
    with unharmed(bench), bench.line() as line:
        for step in HOSTILE.values():
            with pytest.raises(DeviceError) as refused:
                line.ask(VERB, step)
            assert not refused.value.retry
    assert bench.ask("update status") == before


def test_giving_up_what_was_never_offered_is_no_harm(bench: Bench) -> None:
    with unharmed(bench), bench.line() as line:
        try:
            line.ask(VERB, Step(action=DROP).to_cbor())
        except DeviceError as error:
            # A board without a selector has nothing to give up.
            assert "not_selected" in str(error)  # noqa: PT017 - either is right
