"""Console: the way to the broker. Loaded when asked for."""

from voltnode.broker import CONNECTED, WAITING
from voltnode.console.commands import RefusedError
from voltnode.link_ping import ping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.commands import Answer, Context
    from voltnode.main import Node

TEST_LIMIT_MS = 15_000
_PING_LIMIT_MS = 3000
_LOOK_MS = 20


async def try_mqtt(context: "Context", _: str) -> "Answer":
    """`mqtt test`. Tries at once, or pings where there is a connection. Raises RefusedError."""
    node = context.node
    enrolment, broker = node.config.enrolment, node.link.broker
    if enrolment is None:
        raise RefusedError("not_enrolled", "there is no broker yet")
    began_ms = node.board.now_ms()
    answer_ms = None
    if broker.state == CONNECTED:
        answer_ms = await ping(node.link, node.board, _PING_LIMIT_MS)
    else:
        failures = broker.failures
        broker.hurry()
        while not _is_decided(node, failures) and node.board.now_ms() - began_ms < TEST_LIMIT_MS:
            await node.board.sleep_ms(_LOOK_MS)
        answer_ms = node.board.now_ms() - began_ms if broker.state == CONNECTED else None
    return [
        ("broker", "%s:%d" % (enrolment.host, enrolment.port)),
        ("tls", enrolment.tls),
        ("wifi", node.wifi.state if node.wifi else None),
        ("time_known", node.clock.boot_s() is not None),
        ("free_for_tls", node.board.free_beside_heap()),
        ("ok", answer_ms is not None),
        ("answer_ms", answer_ms),
        ("reason", broker.reason if answer_ms is None else ""),
        ("says", (broker.error or "no answer in time") if answer_ms is None else "connected"),
    ]


def _is_decided(node: "Node", failures: int) -> bool:
    broker, enrolment = node.link.broker, node.config.enrolment
    missing = node.link.missing(enrolment is not None and enrolment.tls)
    if missing:
        return broker.reason == missing[0]
    return broker.state == CONNECTED or (broker.state == WAITING and broker.failures != failures)
