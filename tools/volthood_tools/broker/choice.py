"""Which broker there is, how it is configured, and whether it answers.

The broker of a demonstration is anonymous and carries home and hood topics alike; that is why it listens on the
loopback interface only. A household's own has mutual TLS and access lists.
"""

import importlib.util
import os
import shutil
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from volthood.errors import LocalError
from volthood.wire.limits import MAX_EVIDENCE_BYTES
from volthood_tools.processes.supervisor import Child

LOOPBACK = "127.0.0.1"
MAX_CONNECTIONS = 128
MAX_PACKET_BYTES = MAX_EVIDENCE_BYTES + 1024
"""The greatest message of ours, and its topic."""
MAX_QUEUED_MESSAGES = 1000
ADMIN_FOLDERS = "/usr/sbin:/usr/local/sbin"
"""Debian puts mosquitto where a plain user's PATH does not look."""

_LISTENER = """\
# Written by Volthood for one demonstration: anonymous, loopback only.
listener {port} {loopback}
max_connections {max_connections}
allow_anonymous true
"""
_SETTINGS = """\
{user}set_tcp_nodelay true
max_packet_size {max_packet_bytes}
max_queued_messages {max_queued_messages}
persistence true
persistence_location {folder}/
autosave_interval 30
log_dest stderr
log_type error
log_type warning
log_type notice
"""


@dataclass(frozen=True)
class BrokerChoice:
    """A broker to start: what it is called on the screen, its process, its port on the loopback interface."""

    title: str
    child: Child
    port: int


def find_mosquitto(path: str | None = None) -> Path | None:
    """The mosquitto on `path` (default: the PATH) or in the administrator's folders; None without one."""
    looked_in = os.environ.get("PATH", os.defpath) if path is None else path
    found = shutil.which("mosquitto", path=f"{looked_in}:{ADMIN_FOLDERS}" if path is None else looked_in)
    return Path(found) if found else None


def choose_broker(folder: Path, port: int, mosquitto: Path | None) -> BrokerChoice:
    """The broker to use, its configuration written into `folder`.

    Raises:
        LocalError: there is neither mosquitto nor the embedded one.
    """
    if mosquitto is not None:
        config = _write_config(folder, port)
        return BrokerChoice(f"mosquitto ({mosquitto})", Child("broker", (str(mosquitto), "-c", str(config))), port)
    if importlib.util.find_spec("iotcore") is None:
        raise LocalError("no broker: install mosquitto (apt install mosquitto) or volthood[demo], which brings iotcore")
    command = (sys.executable, "-m", "volthood_tools.broker.embedded", str(port))
    return BrokerChoice("the embedded broker iotcore (mosquitto is not installed)", Child("broker", command), port)


def _write_config(folder: Path, port: int) -> Path:
    listener = _LISTENER.format(port=port, loopback=LOOPBACK, max_connections=MAX_CONNECTIONS)
    return write_config(folder, listener)


def write_config(folder: Path, listener: str) -> Path:
    """Writes mosquitto's configuration into `folder`: a listener's lines, then limits, persistence and logs."""
    state = folder / "broker"
    state.mkdir(parents=True, exist_ok=True)
    config = folder / "broker.conf"
    settings = _SETTINGS.format(
        # Started by root, mosquitto would become a user who may not write into our folder.
        user="user root\n" if os.geteuid() == 0 else "",
        max_packet_bytes=MAX_PACKET_BYTES,
        max_queued_messages=MAX_QUEUED_MESSAGES,
        folder=state.resolve(),
    )
    config.write_text(listener + settings, encoding="utf-8")
    return config


def free_port() -> int:
    """A TCP port on the loopback interface that nobody listens on at this moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int, timeout_s: float = 0.2) -> bool:
    """Whether something accepts connections on a port of the loopback interface."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_s):
            return True
    except OSError:
        return False
