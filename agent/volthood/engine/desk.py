"""What every part of the engine works with: who we are, whom we know, what we keep, and the commands so far."""

from dataclasses import dataclass, field

from volthood.core.hood import Hood
from volthood.engine.events import Command, Publish, Report
from volthood.engine.refusals import MAX_A_DAY, REFUSED, Refusals
from volthood.errors import PeerError
from volthood.ports.crypto import RecordVerifier, Sealer, Signer, Verifier
from volthood.ports.stores import EventRow, ReadingStore, TradeStore
from volthood.wire import cose
from volthood.wire.cbor import WireError
from volthood.wire.market import unpack_eddsa
from volthood.wire.roster import Roster, RosterMember
from volthood.wire.topics import board_topic, hood_level

TRADING = "trading"
"""The household's setting that says whether it trades: `ON` (also when it was never set) or `OFF`."""
ON = "on"
OFF = "off"


class Members:
    """The members of the roster in force, by each of their names."""

    def __init__(self, roster: Roster) -> None:
        self.all = roster.members
        self.by_kid = {member.kid: member for member in roster.members}
        self.by_agent = {member.agent: member for member in roster.members}
        self.by_house = {member.house: member for member in roster.members}

    def house(self, agent: bytes) -> str:
        """The name of a member's house, or the start of the hash of a stranger."""
        member = self.by_agent.get(agent)
        return member.house if member else agent.hex()[:16]


@dataclass
class Desk:
    """The engine's surroundings during one `handle`.

    Attributes:
        clock_doubt: why our clock is not trusted, None where it is: see `engine.clockwatch`.
        min_standing_permille: nothing is signed with a neighbour whose standing is below it, 0 to 1000.
    """

    me: RosterMember
    members: Members
    hood: Hood
    signer: Signer
    verifier: Verifier
    record_verifier: RecordVerifier
    sealer: Sealer
    trades: TradeStore
    readings: ReadingStore
    min_standing_permille: int = 0
    clock_doubt: str | None = None
    now_s: int = 0
    commands: list[Command] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._refusals = Refusals(self.trades, {*self.members.by_house, *(kid.hex() for kid in self.me.nodes)})

    def note(self, name: str, **details: object) -> None:
        """Keep an event and report it. Names are past tense, details become `key=value`."""
        text = " ".join(f"{key}={value}" for key, value in details.items())
        self.trades.add_event(EventRow(self.now_s, name, text))
        self.commands.append(Report(name, text))

    def refuse(self, error: PeerError | WireError, **details: object) -> None:
        """Keep that a message was refused, and why; of one peer so many a day, the rest is counted."""
        number = self._refusals.take(self.now_s, details)
        if number <= MAX_A_DAY:
            self.note(REFUSED, reason=error.reason, detail=error.detail.replace(" ", "_"), **details)
        elif number == MAX_A_DAY + 1:
            self.note("RefusalsOnlyCounted", peer=self._refusals.peer(details), told=MAX_A_DAY)

    def tell_untold(self) -> None:
        """When a day is over, keep how many refusals of it were only counted."""
        for peer, count in self._refusals.take_untold(self.now_s):
            self.note("RefusalsCounted", peer=peer, untold=count)

    def post(self, slot: int, gate: int, kind: str, data: bytes) -> None:
        """Put a message of ours on the board."""
        topic = board_topic(hood_level(self.hood.hood_id), self.me.house, slot, gate, kind)
        self.commands.append(Publish(topic, data))

    @staticmethod
    def check_round(wanted: tuple[bytes, int, int], found: tuple[bytes, int, int]) -> None:
        """Raises `PeerError` (`wrong_hood`, `wrong_round`) unless a signed body names the round it was sent for."""
        if found[0] != wanted[0]:
            raise PeerError("wrong_hood", found[0].hex()[:16])
        if found != wanted:
            raise PeerError("wrong_round", f"slot {found[1]} gate {found[2]}")

    def verified(self, data: bytes, kind: str, max_bytes: int) -> tuple[RosterMember, cose.Signed]:
        """The member who signed `data`, and the message.

        Raises:
            WireError: not a signed message.
            PeerError: `stranger` or `bad_signature`.
        """
        signed = unpack_eddsa(data, max_bytes)
        member = self.members.by_kid.get(signed.kid)
        if member is None:
            raise PeerError("stranger", signed.kid.hex())
        if not self.verifier.verify_eddsa(member.agent_key, signed, kind):
            raise PeerError("bad_signature", member.house)
        if member.void_from is not None and self.now_s >= member.void_from:
            raise PeerError("key_revoked", member.house)
        return member, signed
