"""Who belongs to a hood: rules that turn signed notes into a roster and a hood file one may trust.

Rules, and why:

- Version 1 makes the hood: every founding member signs it, and its hash is the hood's id for ever.
- A later version counts if at least 2/3 of the *previous* version's members signed it and it names the previous version's
  hash (TUF's way of rotating roots): joining and removing is easy to do and hard to do alone.
- A hood file counts for a roster if at least 2/3 of its members signed; the first one takes all of them.
- A signature line of an unknown signer says nothing; a line that names a member and does not verify is a forgery.

Fetching, files and brokers live elsewhere: bytes come in, trust comes out or an error.
"""

from collections.abc import Callable

from volthood.errors import PeerError
from volthood.wire.note import Signature, note_key_hash, unpack_note
from volthood.wire.roster import Roster, RosterMember

VerifyEd25519 = Callable[[bytes, bytes, bytes], bool]
"""(raw public key, signature, message) -> whether it verifies."""


def trust_first_roster(note: bytes, verify: VerifyEd25519) -> Roster:
    """Roster version 1, signed by every member in it.

    Raises:
        WireError: not a note, not a roster.
        PeerError: `roster_version`, `signature_forged`, `signatures_missing`.
    """
    text, signatures = unpack_note(note)
    roster = Roster.from_text(text)
    if roster.version != 1:
        raise PeerError("roster_version", f"{roster.version}, expected 1")
    _require(_signers(text, signatures, roster, verify), roster, len(roster.members))
    return roster


def trust_next_roster(current: Roster, note: bytes, verify: VerifyEd25519) -> Roster:
    """The roster after `current`, signed by at least 2/3 of the members of `current`.

    Raises:
        WireError: not a note, not a roster.
        PeerError: `roster_version`, `roster_previous`, `signature_forged`, `signatures_missing`.
    """
    text, signatures = unpack_note(note)
    roster = Roster.from_text(text)
    if roster.version != current.version + 1:
        raise PeerError("roster_version", f"{roster.version}, expected {current.version + 1}")
    if roster.previous != current.digest:
        raise PeerError("roster_previous", "does not follow the roster we trust")
    _require(_signers(text, signatures, current, verify), current, two_thirds(len(current.members)))
    return roster


def trust_hood_file(hood_digest: bytes, note: bytes, roster: Roster, verify: VerifyEd25519) -> None:
    """Accept the hood file whose canonical bytes have the digest `hood_digest`; every member of roster 1 signed it.

    Raises:
        WireError: not a note.
        PeerError: `hood_digest`, `signature_forged`, `signatures_missing`.
    """
    text, signatures = unpack_note(note)
    if text != hood_digest.hex() + "\n":
        raise PeerError("hood_digest", "the note signs another hood file")
    needed = len(roster.members) if roster.version == 1 else two_thirds(len(roster.members))
    _require(_signers(text, signatures, roster, verify), roster, needed)


def two_thirds(members: int) -> int:
    """How many of so many members are at least 2/3."""
    return -(-2 * members // 3)


def _signers(text: str, signatures: list[Signature], roster: Roster, verify: VerifyEd25519) -> set[str]:
    by_line = {(member.house, note_key_hash(member.house, member.agent_key)): member for member in roster.members}
    signers = set()
    for line in signatures:
        member = by_line.get((line.name, line.key_hash))
        if member is None:
            continue
        if not verify(member.agent_key, line.signature, text.encode()):
            raise PeerError("signature_forged", member.house)
        signers.add(member.house)
    return signers


def _require(signers: set[str], roster: Roster, needed: int) -> None:
    if len(signers) < needed:
        missing = [member.house for member in roster.members if member.house not in signers]
        raise PeerError("signatures_missing", f"{len(signers)} of {needed}; not yet: {', '.join(missing[:5])}")


def member_of(roster: Roster, house: str) -> RosterMember:
    """The member of a house. Raises `PeerError` (`stranger`)."""
    for member in roster.members:
        if member.house == house:
            return member
    raise PeerError("stranger", f"{house} is not in the roster")
