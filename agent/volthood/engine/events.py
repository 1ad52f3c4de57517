"""What happens to an agent (events, past tense) and what it wants done (commands, imperative)."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RecordArrived:
    """A node's signed record, its topic naming the node."""

    node: str
    data: bytes


@dataclass(frozen=True)
class BoardPosted:
    """A message on the board of a round, its topic naming the house that wrote it."""

    house: str
    slot: int
    gate: int
    kind: str
    data: bytes


@dataclass(frozen=True)
class InboxArrived:
    """A sealed message, its topic naming the house that sent it."""

    sender: str
    data: bytes


@dataclass(frozen=True)
class ReadingsCommitted:
    """All records handed to the store so far are on the disk."""


@dataclass(frozen=True)
class LinkRestored:
    """The connection to the broker is up, for the first time or again: what was sent before may be lost."""


@dataclass(frozen=True)
class NodeReported:
    """A node's word about itself, unsigned: its topic naming the node, the payload JSON."""

    node: str
    data: bytes


@dataclass(frozen=True)
class ClockJudged:
    """What the machine says of its clock: why it is not to be trusted, or None."""

    doubt: str | None


@dataclass(frozen=True)
class CalendarTicked:
    """Calendar time has moved on."""


@dataclass(frozen=True)
class TransportTicked:
    """Transport time has moved on: time to send again what nobody confirmed."""

    now_ms: int


Event = (
    RecordArrived
    | NodeReported
    | BoardPosted
    | InboxArrived
    | ReadingsCommitted
    | LinkRestored
    | ClockJudged
    | CalendarTicked
    | TransportTicked
)


@dataclass(frozen=True)
class Publish:
    """Send a payload to a topic with QoS 1."""

    topic: str
    payload: bytes


@dataclass(frozen=True)
class Subscribe:
    """Listen to a topic filter too, with QoS 1, now and after every reconnection."""

    topic_filter: str


@dataclass(frozen=True)
class Unsubscribe:
    """Listen to a topic filter no longer."""

    topic_filter: str


@dataclass(frozen=True)
class CommitReadings:
    """Make the readings durable now, and say so with `ReadingsCommitted`."""


@dataclass(frozen=True)
class Report:
    """Tell the log what happened; the engine has already kept it as an event."""

    name: str
    details: str


Command = Publish | Subscribe | Unsubscribe | CommitReadings | Report
