"""The roster: who belongs to a hood, as the text of a signed note, one line per member.

    volthood/1/roster
    version 1
    previous -
    issued 1470700800
    valid_from 1470700800
    member house01 <agent key> <seal key> <witness key> <node keys> <metering point> 17250 root broker.local:8883 -

Keys are standard base64 of raw public keys (Ed25519 32 bytes, X25519 32, P-256 x and y 64; several node keys joined by
commas, `-` for none); the metering point is a hash; the last word is the slot from which the member's keys are void, or
`-`. The hood's id is the SHA-256 of the text of version 1.

No house, agent or node stands twice: a node of two members could sell each kWh to two neighbours.
"""

from volthood.wire.cbor import WireError
from volthood.wire.keys import key_hash, kid, sha256, spki_ed25519, spki_p256
from volthood.wire.limits import MAX_BROKER_CHARS, MAX_FUSE_W, MAX_MEMBERS, MAX_NODES
from volthood.wire.note import base64, unbase64
from volthood.wire.topics import check_name

_TITLE = "volthood/1/roster"
_NONE = "-"
_WORDS = 11
_NUMBER_END = 10**13


class RosterMember:
    """One member. Keys are raw public keys, `fuse_w` the connection's limit in W, `void_from` a slot or None.

    Attributes:
        agent: SHA-256 of the agent's public key: the member's full name.
        kid: key id of the agent.
        nodes: key id of each node, and its SPKI DER.
    """

    def __init__(
        self,
        house: str,
        agent_key: bytes,
        seal_key: bytes,
        witness_key: bytes,
        node_keys: "tuple[bytes, ...]",
        metering_point: bytes,
        fuse_w: int,
        grid_node: str,
        broker: str,
        void_from: int | None = None,
    ) -> None:
        self.house = check_name(house)
        self.agent_key = _sized(agent_key, 32)
        self.seal_key = _sized(seal_key, 32)
        self.witness_key = _sized(witness_key, 32)
        self.node_keys = tuple([_sized(key, 64) for key in node_keys])
        self.metering_point = _sized(metering_point, 32)
        self.fuse_w = fuse_w
        self.grid_node = check_name(grid_node)
        self.broker = broker
        self.void_from = void_from
        if len(self.node_keys) > MAX_NODES or not 1 <= fuse_w <= MAX_FUSE_W or not _is_broker(broker):
            raise WireError("field_range", "roster member " + house)
        if void_from is not None:
            _check_number(void_from)
        self.agent = key_hash(spki_ed25519(self.agent_key))
        self.kid = self.agent[:8]
        spkis = [spki_p256(key) for key in self.node_keys]
        self.nodes = {kid(spki): spki for spki in spkis}

    def to_line(self) -> str:
        """The member's line, without a newline."""
        nodes = ",".join([base64(key) for key in self.node_keys]) or _NONE
        void = _NONE if self.void_from is None else str(self.void_from)
        keys = [base64(self.agent_key), base64(self.seal_key), base64(self.witness_key), nodes]
        tail = [base64(self.metering_point), str(self.fuse_w), self.grid_node, self.broker, void]
        return " ".join(["member", self.house] + keys + tail)


class Roster:
    """A version of the roster. `previous` is the SHA-256 of the version before (None for version 1)."""

    def __init__(
        self, version: int, previous: bytes | None, issued: int, valid_from: int, members: "tuple[RosterMember, ...]"
    ) -> None:
        self.version = version
        self.previous = previous
        self.issued = issued
        self.valid_from = valid_from
        self.members = members
        if not 1 <= len(members) <= MAX_MEMBERS:
            raise WireError("too_many_items", "%d members" % len(members))
        _check_unique([member.house for member in members], "house")
        _check_unique([member.kid for member in members], "agent")
        _check_unique([key for member in members for key in member.node_keys], "node")
        if (version == 1) != (previous is None) or version < 1:
            raise WireError("field_range", "version %d and previous" % version)
        for number in (version, issued, valid_from):
            _check_number(number)
        if previous is not None:
            _sized(previous, 32)

    @property
    def digest(self) -> bytes:
        """SHA-256 of the text; of version 1 it is the hood's id."""
        return sha256(self.to_text().encode())

    def to_text(self) -> str:
        """The text that members sign."""
        previous = _NONE if self.previous is None else self.previous.hex()
        head = [_TITLE, "version %d" % self.version, "previous " + previous]
        times = ["issued %d" % self.issued, "valid_from %d" % self.valid_from]
        return "\n".join(head + times + [member.to_line() for member in self.members]) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "Roster":
        """The roster of a note's text. Raises `WireError` where the text is not exactly what `to_text` gives."""
        lines = text.split("\n")
        if len(lines) < 7 or lines[0] != _TITLE or lines[-1] != "":
            raise WireError("roster_format", "title")
        if len(lines) - 6 > MAX_MEMBERS:
            raise WireError("too_many_items", "members")
        previous = _word(lines[2], "previous")
        roster = cls(
            _number(_word(lines[1], "version")),
            None if previous == _NONE else _hex(previous),
            _number(_word(lines[3], "issued")),
            _number(_word(lines[4], "valid_from")),
            tuple([_member(line) for line in lines[5:-1]]),
        )
        if roster.to_text() != text:
            raise WireError("not_canonical", "roster")
        return roster


def _member(line: str) -> RosterMember:
    words = line.split(" ")
    if len(words) != _WORDS or words[0] != "member":
        raise WireError("roster_format", line[:60])
    nodes = () if words[5] == _NONE else tuple([unbase64(word) for word in words[5].split(",")])
    void = None if words[10] == _NONE else _number(words[10])
    agent, seal, witness = [unbase64(word) for word in words[2:5]]
    point = unbase64(words[6])
    return RosterMember(words[1], agent, seal, witness, nodes, point, _number(words[7]), words[8], words[9], void)


def _sized(data: bytes, size: int) -> bytes:
    if len(data) != size:
        raise WireError("key_unknown", "%d bytes, not %d" % (len(data), size))
    return data


def _check_number(number: int) -> None:
    if not 0 <= number < _NUMBER_END:
        raise WireError("field_range", "a number of up to 13 digits")


def _check_unique(names: "list[object]", what: str) -> None:
    if len(set(names)) != len(names):
        raise WireError("field_range", what + " stands twice")


def _is_broker(text: str) -> bool:
    return 1 <= len(text) <= MAX_BROKER_CHARS and all([33 <= ord(char) <= 126 for char in text])


def _word(line: str, name: str) -> str:
    if not line.startswith(name + " "):
        raise WireError("roster_format", name)
    return line[len(name) + 1 :]


def _number(word: str) -> int:
    if not 1 <= len(word) <= 13 or not all([char in "0123456789" for char in word]):
        raise WireError("roster_format", "a number")
    return int(word)


def _hex(word: str) -> bytes:
    try:
        data = bytes.fromhex(word)
    except ValueError:
        raise WireError("roster_format", "hex")
    return _sized(data, 32)
