"""Console: certificates. Loaded when asked for."""

from voltnode.console.show_node import fingerprint
from voltnode.x509 import Certificate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.commands import Answer, Context
    from voltnode.main import Node

_DAY_S = 86_400


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
    about["fingerprint"] = fingerprint(data)
    return about


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
