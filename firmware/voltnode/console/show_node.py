"""Console: who the node is and how it fares. Loaded when asked for."""

import voltnode
from volthood.wire.keys import key_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.commands import Answer, Context
    from voltnode.main import Node

QUALITIES = ("synchronised", "informative", "unknown", "relative")
FINGERPRINT_BYTES = 16


def show_id(context: "Context", _: str) -> "Answer":
    """`id`."""
    node = context.node
    spki = node.signer.public_spki()
    enrolment = node.config.enrolment
    return [
        ("node", node.name),
        ("public_key", spki.hex()),
        ("fingerprint", fingerprint(spki)),
        ("key_error", node.no_key),
        ("version", voltnode.VERSION),
        ("house", enrolment.house if enrolment else None),
        ("board", node.board.name),
        ("interpreter", node.board.interpreter),
    ]


def show_status(context: "Context", _: str) -> "Answer":
    """`status`."""
    node = context.node
    used, free = node.board.heap()
    enrolment, sampler, link = node.config.enrolment, node.sampler, node.link
    return [
        ("uptime_s", node.board.now_ms() // 1000),
        ("reset_cause", node.boots.cause),
        ("boots", node.sequence.boot),
        ("failed_starts", node.boots.failed),
        ("safe_mode", node.boots.reason() or None),
        ("crash", node.boots.note),
        ("heap_used", used),
        ("heap_free", free),
        ("flash_free", node.board.flash.free()),
        ("time", dict(show_time(context, ""))),
        ("network", node.board.network()),
        ("broker", "%s:%d" % (enrolment.host, enrolment.port) if enrolment else None),
        ("tls", enrolment.tls if enrolment else None),
        ("link", link.broker.state),
        ("link_reason", link.broker.reason),
        ("link_error", link.broker.error),
        ("wifi", node.wifi.state if node.wifi else None),
        ("wifi_error", node.wifi.error if node.wifi else ""),
        ("free_for_tls", node.board.free_beside_heap()),
        ("waiting", node.ring.waiting()),
        ("last_receipt_age_s", _age_s(node, link.last_receipt_ms)),
        ("meter", sampler.serial),
        ("meter_error", sampler.error),
        ("reading_age_ms", node.board.now_ms() - sampler.latest_ms if sampler.latest else None),
        ("power_w", sampler.latest.power_w if sampler.latest else None),
        ("recording", enrolment is not None),
    ]


def show_time(context: "Context", _: str) -> "Answer":
    """`time`."""
    board, clock = context.node.board, context.node.clock
    time_ms, quality = clock.calendar_ms()
    given, now_ms = board.given_ms() is not None, board.now_ms()
    return [
        ("time_s", time_ms // 1000),
        ("quality", QUALITIES[quality]),
        ("source", "demonstration" if given else clock.source or None),
        ("age_s", (now_ms - clock.set_ms) // 1000 if clock.source and not given else None),
        ("wrong_ms", clock.wrong_ms(now_ms) if clock.source and not given else None),
        ("floor_s", clock.floor_s),
        ("servers", ",".join(["%s:%d" % server for server in clock.servers])),
        ("asking", clock.state),
        ("refused", clock.refused or None),
        ("silences", clock.silences),
        ("speed", board.speed()),
    ]


def fingerprint(data: bytes) -> str:
    """What two people compare: the first half of the SHA-256 of a key or certificate, in groups of four hex digits."""
    digits = key_hash(data)[:FINGERPRINT_BYTES].hex()
    return " ".join([digits[i : i + 4] for i in range(0, len(digits), 4)])


def _age_s(node: "Node", at_ms: "int | None") -> "int | None":
    return None if at_ms is None else (node.board.now_ms() - at_ms) // 1000
