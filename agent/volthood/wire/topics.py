"""MQTT topics: `vh/1/<hood>/<house>/...`, partition first, fixed depth.

On the home broker the level `<hood>` is the word `home`. Names are short, lower case and without MQTT's special
characters, so that no name can widen a subscription.
"""

from volthood.wire.cbor_writer import WireError
from volthood.wire.names import check_name
from volthood.wire.node import HOME, ROOT, node_topic

__all__ = (
    "BOARD_KINDS",
    "HOME",
    "NODE_KINDS",
    "ROOT",
    "VERB_KINDS",
    "Topic",
    "board_topic",
    "check_name",
    "hood_level",
    "inbox_topic",
    "node_topic",
    "parse_round",
    "parse_topic",
)


BOARD_KINDS = ("order", "bundle", "ask", "give", "evidence")
NODE_KINDS = ("live", "record", "receipt", "status")
VERB_KINDS = ("do", "did")
"""Under a node: `do/<verb>`, and `did/<request>` with the request's number in hex."""


def hood_level(hood: bytes) -> str:
    """The topic level of a hood: the first 8 bytes of its id in hex."""
    return hood[:8].hex()


def board_topic(hood: str, house: str, slot: int, gate: int, kind: str) -> str:
    """Where a house posts to the board of a round."""
    return "%s%s/%s/board/%d.%d/%s" % (ROOT, hood, house, slot, gate, kind)


def inbox_topic(hood: str, house: str, sender: str) -> str:
    """The inbox of `house` for messages of `sender`."""
    return ROOT + hood + "/" + house + "/in/" + sender


class Topic:
    """A topic taken apart. `area` is node, board or in; `detail` its levels after that, checked.

    `detail` is (node, kind), (node, do or did, verb or request), (round, kind) or (sender,).
    """

    def __init__(self, hood: str, house: str, area: str, detail: "tuple[str, ...]") -> None:
        self.hood = hood
        self.house = house
        self.area = area
        self.detail = detail


_TAILS: "dict[str, list[list[str]]]" = {
    "node": [[kind] for kind in NODE_KINDS],
    "board": [[kind] for kind in BOARD_KINDS],
    "in": [[]],
}


def parse_topic(topic: str) -> Topic:
    """The parts of a topic of ours. Raises `WireError` (`topic_unknown`, `name_invalid`) for any other."""
    levels = topic.split("/")
    if len(levels) < 6 or levels[0] + "/" + levels[1] + "/" != ROOT:
        raise WireError("topic_unknown", topic[:80])
    hood, house, area, detail = levels[2], levels[3], levels[4], levels[5:]
    if area == "node" and len(detail) == 3 and detail[1] in VERB_KINDS:
        check_name(detail[2])
    elif detail[1:] not in _TAILS.get(area, []):
        raise WireError("topic_unknown", topic[:80])
    for name in (hood, house):
        check_name(name)
    if area == "board":
        parse_round(detail[0])
    else:
        check_name(detail[0])
    return Topic(hood, house, area, tuple(detail))


def parse_round(level: str) -> "tuple[int, int]":
    """(slot, gate) of a board topic's round level, within what an order can say. Raises `WireError`."""
    slot, _, gate = level.partition(".")
    if not (_is_decimal(slot, 13) and _is_decimal(gate, 3)) or int(slot) > 2**40 or int(gate) > 255:
        raise WireError("topic_unknown", level[:40])
    return int(slot), int(gate)


def _is_decimal(text: str, max_digits: int) -> bool:
    if not 1 <= len(text) <= max_digits or (text[0] == "0" and text != "0"):
        return False
    return all([char in "0123456789" for char in text])
