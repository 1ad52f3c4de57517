"""Console: Wi-Fi, the broker, certificates. Loaded when asked for."""

from binascii import a2b_base64

from voltnode import identity
from voltnode.broker import CONNECTED, WAITING
from voltnode.config import ConfigError
from voltnode.console.change import parsed
from voltnode.console.commands import RefusedError
from voltnode.console.show_node import fingerprint_of
from voltnode.link_ping import ping
from voltnode.pin import authorise
from voltnode.x509 import MAX_BYTES, Certificate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.commands import Answer, Context
    from voltnode.hal import Radio
    from voltnode.main import Node

TEST_LIMIT_MS = 15_000
_PING_LIMIT_MS = 3000
_LOOK_MS = 20
_DAY_S = 86_400
_STAGED = ("ca", "node")


async def scan(context: "Context", _: str) -> "Answer":
    """`wifi scan`. Raises RefusedError, OSError."""
    return [("networks", await _radio(context.node).scan())]


def set_wifi(context: "Context", argument: str) -> "Answer":
    """`wifi set JSON`. Raises RefusedError, ConfigError, OSError."""
    from voltnode.settings import change

    node = context.node
    _radio(node)
    values = parsed(argument, 'wifi set {"ssid": ..., "password": ..., "pin": ...}')
    authorise(context, values.pop("pin", None))
    for name in values:
        if name not in ("ssid", "password"):
            raise ConfigError("setting_unknown", "ssid and password")
    node.board.settings = change(node.board.flash, node.board.defaults, values)
    node.wifi.use(node.board.settings["ssid"], node.board.settings["password"])
    node.log("wifi_set", ssid=node.board.settings["ssid"])
    return [("ssid", node.board.settings["ssid"]), ("wifi", node.wifi.state), ("next", "status shows what comes of it")]


def _radio(node: "Node") -> "Radio":
    if node.board.radio is None:
        raise RefusedError("no_radio", "this board has no Wi-Fi of its own")
    return node.board.radio


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
        ("wifi", node.wifi.state if node.board.radio else None),
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


def show_cert(context: "Context", _: str) -> "Answer":
    """`cert`. Raises ConfigError where a certificate on flash is damaged."""
    node = context.node
    enrolment, link = node.config.enrolment, node.link
    answer: Answer = [("tls", enrolment.tls if enrolment else None)]
    if enrolment is not None and enrolment.tls:
        for name, file in (("ca", enrolment.ca), ("own", enrolment.cert)):
            answer.append((name, _about(node, node.board.flash.read(file) or b"")))
    answer.append(("broker_says", link.broker.error or link.broker.state))
    return answer


def _about(node: "Node", data: bytes) -> "dict[str, object]":
    found = Certificate(data)
    now_s = node.clock.calendar_ms()[0] // 1000
    known = node.clock.boot_s() is not None
    about: dict[str, object] = {"subject": found.subject, "issuer": found.issuer}
    about["valid_from"], about["valid_to"] = _date(found.start_s), _date(found.end_s)
    about["days_left"] = (found.end_s - now_s) // _DAY_S if known else None
    about["fingerprint"] = fingerprint_of(data)
    return about


def show_key(context: "Context", _: str) -> "Answer":
    """`cert key`. Raises OSError."""
    return [("node", context.node.name), ("tls_key", identity.public_spki(context.node.board).hex())]


def put_cert(context: "Context", argument: str) -> "Answer":
    """`cert put ca|node N BASE64`. Only `enrol` makes it count. Raises RefusedError, ConfigError."""
    words = argument.split()
    if len(words) != 3 or words[0] not in _STAGED or not words[1].isdigit():
        raise RefusedError("cert_usage", "cert put ca|node N BASE64, pieces from 0")
    name, number = words[0], int(words[1])
    pieces = context.staged.get(name, []) if number else []
    if number != len(pieces):
        raise RefusedError("cert_piece", "next is piece %d" % len(pieces))
    try:
        piece = a2b_base64(words[2])
    except ValueError:
        raise RefusedError("cert_piece", "not base64")
    if sum([len(each) for each in pieces]) + len(piece) > MAX_BYTES:
        raise ConfigError("cert_invalid", "at most %d bytes" % MAX_BYTES)
    context.staged[name] = pieces + [piece]
    return [("bytes", sum([len(each) for each in context.staged[name]]))]


def staged(context: "Context") -> "tuple[bytes, bytes]":
    """The certificates of the CA and of this node, as `cert put` brought them. Raises ConfigError."""
    parts = [b"".join(context.staged.get(name, [])) for name in _STAGED]
    ca, own = [Certificate(part) for part in parts]
    if own.spki != identity.public_spki(context.node.board):
        raise ConfigError("cert_wrong", "not for this node's TLS key: cert key shows it")
    if own.subject != context.node.name:
        raise ConfigError("cert_wrong", "for %s, this node is %s" % (own.subject, context.node.name))
    if own.issuer_raw != ca.subject_raw:
        raise ConfigError("cert_wrong", "not issued by that CA")
    context.staged.clear()
    return parts[0], parts[1]


def _date(time_s: int) -> str:
    """`YYYY-MM-DDThh:mmZ`; the years begin in March here, so that the odd day is the last."""
    days, second = divmod(time_s, _DAY_S)
    era, day_of_era = divmod(days + 719_468, 146_097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day = day_of_era - (365 * year + year // 4 - year // 100)
    month = (5 * day + 2) // 153
    month_of_year = month + 3 if month < 10 else month - 9
    date = (year + era * 400 + (month_of_year <= 2), month_of_year, day - (153 * month + 2) // 5 + 1)
    return "%04d-%02d-%02dT%02d:%02dZ" % (date + (second // 3600, second // 60 % 60))
