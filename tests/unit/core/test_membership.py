"""Who may change who belongs: signed notes in, trust out."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from volthood.adapters.crypto import verify_ed25519
from volthood.core.membership import member_of, trust_first_roster, trust_hood_file, trust_next_roster, two_thirds
from volthood.errors import PeerError
from volthood.wire.note import pack_note, signature_line
from volthood.wire.roster import Roster, RosterMember

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([n + 1]) * 32) for n in range(4)]


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def member(n: int) -> RosterMember:
    return RosterMember(
        f"house0{n + 1}", raw(KEYS[n]), b"x" * 32, b"w" * 32, (), b"m" * 32, 17250, "root", "127.0.0.1:1883"
    )


FIRST = Roster(1, None, 0, 0, tuple(member(n) for n in range(3)))
SECOND = Roster(2, FIRST.digest, 10, 9000, tuple(member(n) for n in range(4)))


def line(n: int, text: str, name: str | None = None) -> str:
    return signature_line(name or f"house0{n + 1}", raw(KEYS[n]), KEYS[n].sign(text.encode()))


def signed(text: str, *signers: int) -> bytes:
    return pack_note(text, [line(n, text) for n in signers])


def test_all_founders_make_the_first_roster() -> None:
    roster = trust_first_roster(signed(FIRST.to_text(), 0, 1, 2), verify_ed25519)
    assert roster.digest == FIRST.digest
    assert member_of(roster, "house02").agent == member(1).agent


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        (signed(FIRST.to_text(), 0, 1), "signatures_missing"),
        (signed(FIRST.to_text(), 0, 1, 1), "signatures_missing"),
        (signed(FIRST.to_text(), 0, 1, 3), "signatures_missing"),
        (signed(SECOND.to_text(), 0, 1, 2, 3), "roster_version"),
        (pack_note(FIRST.to_text(), [line(0, "other\n"), line(1, FIRST.to_text())]), "signature_forged"),
    ],
    ids=["one missing", "one twice", "a stranger instead", "not version 1", "signature of another text"],
)
def test_a_first_roster_without_every_founder_is_refused(note: bytes, reason: str) -> None:
    with pytest.raises(PeerError) as caught:
        trust_first_roster(note, verify_ed25519)
    assert caught.value.reason == reason


def test_two_thirds_of_the_old_members_make_the_next() -> None:
    assert trust_next_roster(FIRST, signed(SECOND.to_text(), 0, 2), verify_ed25519).version == 2


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        (signed(SECOND.to_text(), 0), "signatures_missing"),
        (signed(SECOND.to_text(), 0, 3), "signatures_missing"),
        (signed(FIRST.to_text(), 0, 1, 2), "roster_version"),
        (signed(Roster(2, b"0" * 32, 10, 9000, SECOND.members).to_text(), 0, 1, 2), "roster_previous"),
    ],
    ids=["one of three", "the newcomer does not count", "not the next", "another past"],
)
def test_a_next_roster_that_does_not_follow_is_refused(note: bytes, reason: str) -> None:
    with pytest.raises(PeerError) as caught:
        trust_next_roster(FIRST, note, verify_ed25519)
    assert caught.value.reason == reason


def test_a_hood_file_needs_its_own_digest_and_all_founders() -> None:
    text = "ab" * 32 + "\n"
    trust_hood_file(b"\xab" * 32, signed(text, 0, 1, 2), FIRST, verify_ed25519)
    with pytest.raises(PeerError, match="hood_digest"):
        trust_hood_file(b"\xac" * 32, signed(text, 0, 1, 2), FIRST, verify_ed25519)
    with pytest.raises(PeerError, match="signatures_missing"):
        trust_hood_file(b"\xab" * 32, signed(text, 0, 1), FIRST, verify_ed25519)


@pytest.mark.parametrize(("members", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (6, 4), (10, 7)])
def test_two_thirds(members: int, needed: int) -> None:
    assert two_thirds(members) == needed


def test_a_house_outside_the_roster_is_a_stranger() -> None:
    with pytest.raises(PeerError, match="stranger"):
        member_of(FIRST, "house09")
