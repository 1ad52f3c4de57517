"""Console: records, their chain, and the log. Loaded when asked for."""

from volthood.wire.node import record_hash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.commands import Answer, Context
    from voltnode.main import Node


def show_queue(context: "Context", _: str) -> "Answer":
    """`queue`."""
    node = context.node
    ring = node.ring
    return [
        ("greatest", ring.greatest),
        ("receipt", ring.receipt),
        ("waiting", ring.waiting()),
        ("in_ram", node.recorder.in_ram()),
        ("slot_segments", ring.slots.last - ring.slots.first + 1),
        ("minute_segments", ring.minutes.last - ring.minutes.first + 1),
        ("dropped", ring.dropped),
        ("receipts", node.link.receipts),
        ("refused_receipts", node.link.refused_receipts),
        ("last_receipt_age_s", _age_s(node, node.link.last_receipt_ms)),
        ("receipt_after_ms", node.link.receipt_after_ms),
    ]


def show_chain(context: "Context", _: str) -> "Answer":
    """`chain`."""
    node = context.node
    ring = node.ring
    return [
        ("head", record_hash(ring.newest).hex() if ring.newest else None),
        ("head_rseq", ring.greatest),
        ("slot_head", record_hash(ring.newest_slot).hex() if ring.newest_slot else None),
        ("next_rseq", node.sequence.next),
        ("boot", node.sequence.boot),
        ("last_s", _seconds(node.recorder.last()[0])),
        ("last_slot_s", _seconds(node.recorder.last()[1])),
    ]


def show_log(context: "Context", _: str) -> "Answer":
    """`log`."""
    return [("lines", context.node.log.numbered(context.node.sequence.boot)), ("counts", context.node.log.counts)]


def _age_s(node: "Node", at_ms: "int | None") -> "int | None":
    return None if at_ms is None else (node.board.now_ms() - at_ms) // 1000


def _seconds(ms: "int | None") -> "int | None":
    return None if ms is None else ms // 1000
