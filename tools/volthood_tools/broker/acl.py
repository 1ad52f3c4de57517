"""Who may publish and read what: access lists and configuration of the hood broker and the home broker (`wire.md`).

Rules, and why:

- An identity is the common name of a client certificate of the broker's own CA: a house on the hood broker, a house or a
  node on the home broker. Nobody is anonymous.
- A member writes under its own name, and into the inbox level of others that bears its name; it reads its own tree and what
  is for everyone. A node cannot write its own receipts or verbs.
- mosquitto (2.0.11) gives `topic` lines before the first `user` to anonymous clients alone. What every member may read is
  therefore a `pattern` without a variable; mosquitto warns of each at its start and does what is meant.
- What may not be published is dropped with a normal acknowledgement, and every subscription is granted: reading is
  refused message by message. Nothing in the protocol takes either for a delivery.
"""

from collections.abc import Iterable
from pathlib import Path

from volthood.adapters.mqtt import TlsFiles
from volthood.wire.limits import MAX_MEMBERS
from volthood.wire.topics import HOME, ROOT, check_name
from volthood_tools.broker.choice import LOOPBACK, write_config

MAX_HOOD_CONNECTIONS = 2 * MAX_MEMBERS
"""Each member once, and once more while the broker has not noticed yet that it is gone."""

_LISTENER = """\
# Written by Volthood: mutual TLS, access by the common name of the client's certificate.
listener {port} {host}
max_connections {max_connections}
cafile {tls.ca_file}
certfile {tls.cert_file}
keyfile {tls.key_file}
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {acl_file}
"""


def hood_acl(hood: str, observers: Iterable[str] = ()) -> str:
    """The hood broker's access list for the topic level of a hood.

    `observers` may read everything on the broker: the witness of a test, never a member. Raises `WireError` for a name
    that does not fit into a topic.
    """
    root = ROOT + check_name(hood)
    lines = [
        f"pattern write {root}/%u/#",
        f"pattern write {root}/+/in/%u",
        f"pattern read {root}/%u/#",
        f"pattern read {root}/+/board/#",
        f"pattern read {root}/+/log/#",
        f"pattern read {root}/+/roster",
    ]
    return _text(lines, observers)


def home_acl(house: str, observers: Iterable[str] = ()) -> str:
    """The home broker's access list: a household's agent and its nodes. Raises `WireError` for a name that does not fit."""
    root = ROOT + HOME
    lines = [
        f"pattern readwrite {root}/%u/#",
        *(f"pattern write {root}/+/node/%u/{what}" for what in ("live", "record", "status", "did/#")),
        f"pattern read {root}/+/node/%u/#",
        f"user {check_name(house)}",
        "topic readwrite homeassistant/#",
    ]
    return _text(lines, observers)


def _text(lines: list[str], observers: Iterable[str]) -> str:
    for observer in observers:
        lines += [f"user {check_name(observer)}", "topic read #"]
    return "\n".join(lines) + "\n"


def write_guarded_config(folder: Path, port: int, acl: str, tls: TlsFiles, host: str = LOOPBACK) -> Path:
    """Writes the configuration and access list of a broker that knows its clients; gives the configuration's path."""
    acl_file = folder.resolve() / "broker.acl"
    acl_file.write_text(acl, encoding="utf-8")
    acl_file.chmod(0o600)  # whoever may change it decides who reads what
    listener = _LISTENER.format(port=port, host=host, max_connections=MAX_HOOD_CONNECTIONS, tls=tls, acl_file=acl_file)
    return write_config(folder, listener)
