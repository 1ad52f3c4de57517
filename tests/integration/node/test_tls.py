"""A node's way to mosquitto over mutual TLS: each fault of a certificate by name, on both interpreters."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from volthood.adapters.mqtt import TlsFiles
from volthood_tools.broker.acl import home_acl, write_guarded_config
from volthood_tools.broker.certificates import DAY, YEARS, Authority, Validity, expired
from volthood_tools.broker.choice import LOOPBACK, answers, find_mosquitto, free_port
from volthood_tools.console.node import NodeConsole
from volthood_tools.console.port import Port
from volthood_tools.enrol.enrol import Household, Identity, Issuer, enrol, identify
from volthood_tools.processes.supervisor import Child, Supervisor
from volthood_tools.virtual_board import VirtualBoard, find_micropython

HOUSE, PIN = "house01", "2468"
LINK_KEY = bytes(range(32))
LIMIT_S = 20.0

pytestmark = pytest.mark.skipif(find_mosquitto() is None, reason="mosquitto is not installed")


@dataclass(frozen=True)
class Forger:
    """Hands the board one CA's certificate, and a certificate that another made, or that is out of its time."""

    ca_der: bytes
    maker: Authority
    validity: Validity | None = None

    def issue_for(self, common_name: str, spki: bytes) -> bytes:
        return self.maker.issue_for(common_name, spki, self.validity)


class Bench:
    """A board on this machine, and brokers with whatever certificates a test wants."""

    def __init__(self, folder: Path, micropython: Path | None, *more: str) -> None:
        self.folder = folder
        self.clock = folder / "clock.json"
        self.board = VirtualBoard(
            flash=folder / "flash",
            uart=folder / "no-meter",
            console=folder / "console",
            micropython=micropython,
            clock=self.clock,
            more=more,
        )
        self.supervisor = Supervisor(folder)
        self.authority = Authority(folder / "ca")
        self._enrolled = False

    def start(self) -> None:
        self.supervisor.start(Child("node", self.board.command, self.board.environment, self.board.terminal))

    def set_clock(self) -> None:
        now_ms = time.time_ns() // 1_000_000
        values = {"real_start_ms": now_ms, "calendar_start_s": now_ms // 1000, "speed": 1}
        self.clock.write_text(json.dumps(values))

    @contextmanager
    def console(self) -> Iterator[NodeConsole]:
        with Port.open(self.folder / "console") as port:
            yield NodeConsole(port, "node")

    def ask(self, command: str) -> dict[str, object]:
        with self.console() as console:
            return console.ask(command, LIMIT_S)

    def enrol(self, port: int, issuer: Issuer | None, host: str = LOOPBACK) -> Identity:
        """Enrols the board, again where it is enrolled."""
        with self.console() as console:
            identity = identify(console)
            household = Household(HOUSE, f"{host}:{port}", 900, LINK_KEY, PIN, issuer)
            enrol(console, identity, household, again=self._enrolled)
        self._enrolled = True
        return identity

    def broker(self, name: str, tls: TlsFiles) -> int:
        """A broker with this certificate that trusts the household's CA; gives its port."""
        folder = self.folder / name
        folder.mkdir()
        port = free_port()
        trusting = TlsFiles(self.authority.ca_file, tls.cert_file, tls.key_file)
        config = write_guarded_config(folder, port, home_acl(HOUSE), trusting)
        self.supervisor.start(Child(name, (str(find_mosquitto()), "-c", str(config))))
        until(lambda: answers(port), f"broker {name}")
        return port

    def good_broker(self, name: str = "good") -> int:
        return self.broker(name, self.authority.issue(f"{name}-broker", server=True))

    def verdict(self) -> tuple[object, str]:
        """What `mqtt test` says; `status` and the log say the same."""
        test = self.ask("mqtt test")
        status = self.ask("status")
        reason, says = test["reason"], str(test["says"])
        if not test["ok"]:
            assert (status["link_reason"], status["link_error"]) == (reason, says)
            lines = self.ask("log")["lines"]
            assert isinstance(lines, list)
            assert any(f"reason={reason}" in line or says[:40] in line for line in lines)
        return reason, says

    def close(self) -> None:
        self.supervisor.stop()
        self.board.close()


def until(holds: Callable[[], object], what: str) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < deadline_s, f"not within {LIMIT_S} s: {what}"
        time.sleep(0.02)


@contextmanager
def running(folder: Path, micropython: Path | None, *more: str) -> Iterator[Bench]:
    made = Bench(folder, micropython, *more)
    with made.supervisor:
        made.start()
        try:
            yield made
        finally:
            made.close()


@pytest.fixture(params=["micropython", "cpython"])
def interpreter(request: pytest.FixtureRequest) -> Path | None:
    found = find_micropython() if request.param == "micropython" else None
    if request.param == "micropython" and found is None:
        pytest.skip("no micropython")
    return found


@pytest.fixture
def bench(tmp_path: Path, interpreter: Path | None) -> Iterator[Bench]:
    with running(tmp_path, interpreter) as made:
        yield made


def in_the_future() -> Validity:
    now = datetime.now(UTC)
    return Validity(now + timedelta(hours=1), now + 3 * DAY)


def test_every_fault_of_a_certificate_is_told_apart(bench: Bench) -> None:
    ours, foreign = bench.authority, Authority(bench.folder / "foreign")
    good = bench.good_broker()
    bench.enrol(good, ours)
    reason, says = bench.verdict()
    assert reason == "clock_not_set"
    assert "validity starts in the future" in says

    bench.set_clock()
    until(lambda: bench.ask("status")["link"] == "connected", "the connection")
    assert bench.verdict() == ("", "connected")
    assert bench.ask("status")["tls"] is True
    own, node = bench.ask("cert")["own"], bench.ask("id")["node"]
    assert isinstance(own, dict)
    assert (own["subject"], own["issuer"], own["days_left"] // 366) == (node, "Volthood test CA", YEARS - 1)

    bench.enrol(bench.broker("foreign-broker", foreign.issue("broker", server=True)), ours)
    assert bench.verdict() == ("tls_foreign_ca", "the broker's certificate is of a foreign CA")
    bench.enrol(bench.broker("expired", ours.issue("expired", expired(), server=True)), ours)
    assert bench.verdict() == ("tls_expired", "the broker's certificate has expired")
    bench.enrol(bench.broker("early", ours.issue("early", in_the_future(), server=True)), ours)
    reason, says = bench.verdict()
    assert reason == "tls_not_yet_valid"
    assert "validity starts in the future" in says
    named = bench.broker("named", ours.issue("named", server=True, hosts=["pi.example", "192.0.2.1"]))
    bench.enrol(named, ours)
    assert bench.verdict() == ("tls_wrong_name", f"the broker's certificate is for another name than {LOOPBACK}")

    bench.enrol(good, Forger(ours.ca_der, foreign))
    reason, says = bench.verdict()
    assert reason == "tls_refused"
    assert "refuses this node's certificate" in says
    assert "the broker's log" in says
    bench.enrol(good, Forger(ours.ca_der, ours, expired()))
    assert bench.verdict()[0] == "tls_refused"

    bench.enrol(free_port(), ours)
    assert bench.verdict() == ("unreachable", "nobody listens there")
    bench.enrol(good, ours)
    until(lambda: bench.ask("status")["link"] == "connected", "the connection, once all is well")


def test_a_broker_without_tls_is_spoken_to_only_where_the_enrolment_says_so(bench: Bench) -> None:
    port = free_port()
    config = bench.folder / "plain.conf"
    config.write_text(f"listener {port} {LOOPBACK}\nallow_anonymous true\nuser root\n")
    bench.supervisor.start(Child("plain", (str(find_mosquitto()), "-c", str(config))))
    until(lambda: answers(port), "the broker")
    bench.set_clock()
    bench.enrol(port, bench.authority)
    assert bench.verdict()[0] == "tls_refused"
    bench.enrol(port, None)
    until(lambda: bench.ask("status")["link"] == "connected", "the connection")
    assert bench.ask("status")["tls"] is False
    assert bench.ask("cert")["tls"] is False


def test_certificates_that_do_not_belong_together_are_refused_at_the_cable(bench: Bench) -> None:
    with bench.console() as console:
        identity = identify(console)
        key = str(console.ask("cert key")["tls_key"])
        assert key == console.ask("cert key")["tls_key"]
        assert key != identity.public_key.hex()
    other = bench.authority.issue("other")
    assert bench.ask("cert")["tls"] is None
    stranger = Authority(bench.folder / "stranger", "Stranger")
    for issuer, reason in (
        (Forger(bench.authority.ca_der, stranger), "not issued by that CA"),
        (Renamer(bench.authority), "this node is"),
        (KeySwapper(bench.authority, other), "not for this node's TLS key"),
    ):
        with pytest.raises(Exception, match=reason):
            bench.enrol(1, issuer)
    assert bench.ask("status")["broker"] is None


@dataclass(frozen=True)
class Renamer:
    """Certifies the right key under another name."""

    maker: Authority

    @property
    def ca_der(self) -> bytes:
        return self.maker.ca_der

    def issue_for(self, _common_name: str, spki: bytes) -> bytes:
        return self.maker.issue_for("0000000000000000", spki)


@dataclass(frozen=True)
class KeySwapper:
    """Certifies another key under the right name."""

    maker: Authority
    other: TlsFiles

    @property
    def ca_der(self) -> bytes:
        return self.maker.ca_der

    def issue_for(self, common_name: str, _spki: bytes) -> bytes:
        key = x509.load_pem_x509_certificate(self.other.cert_file.read_bytes()).public_key()
        return self.maker.issue_for(common_name, key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def test_too_little_memory_holds_the_connection(tmp_path: Path, interpreter: Path | None) -> None:
    with running(tmp_path, interpreter, "--free-for-tls", "40959") as bench:
        bench.set_clock()
        bench.enrol(bench.good_broker(), bench.authority)
        reason, says = bench.verdict()
        assert reason == "memory_short"
        assert "40959 bytes free" in says
        assert bench.ask("status")["free_for_tls"] == 40959


class Swallower:
    """A proxy that passes everything on until it swallows it, its connections left open: a half-open network."""

    def __init__(self, to_port: int) -> None:
        self.port = free_port()
        self.swallows = False
        self._to_port = to_port
        self._server = socket.create_server((LOOPBACK, self.port))
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._server.accept()
                theirs = socket.create_connection((LOOPBACK, self._to_port))
                self._open += [ours, theirs]
                for pair in ((ours, theirs), (theirs, ours)):
                    threading.Thread(target=self._pass, args=pair, daemon=True).start()

    def _pass(self, source: socket.socket, to: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(4096):
                if not self.swallows:
                    to.sendall(data)
            to.close()

    def close(self) -> None:
        for each in (self._server, *self._open):
            each.close()


@pytest.mark.long
def test_a_half_open_connection_is_found_by_ping_and_left(bench: Bench) -> None:
    bench.set_clock()
    proxy = Swallower(bench.good_broker())
    try:
        bench.enrol(proxy.port, bench.authority)
        until(lambda: bench.ask("status")["link"] == "connected", "the connection")
        proxy.swallows = True
        assert bench.ask("mqtt test")["says"] == "no answer in time"
        began_s = time.monotonic()
        while bench.ask("status")["link"] == "connected":
            assert time.monotonic() - began_s < 60, "a dead connection is kept"
            time.sleep(1)
        assert 25 < time.monotonic() - began_s < 50
        assert "silent" in str(bench.ask("log")["lines"])
        proxy.swallows = False
        until(lambda: bench.ask("status")["link"] == "connected", "the connection again")
    finally:
        proxy.close()


def test_a_broker_that_dies_is_found_again(bench: Bench) -> None:
    bench.set_clock()
    bench.enrol(bench.good_broker(), bench.authority)
    until(lambda: bench.ask("status")["link"] == "connected", "the connection")
    os.kill(bench.supervisor.pids()["good"], signal.SIGKILL)
    until(lambda: bench.ask("log")["counts"].get("link_up") == 2, "the second connection")  # type: ignore[attr-defined]


def test_wifi_is_set_found_and_lost(tmp_path: Path, interpreter: Path | None) -> None:
    around = tmp_path / "wifi.json"
    home = {"ssid": "home", "password": "secret", "rssi_dbm": -61, "channel": 6}
    around.write_text(json.dumps({"networks": [home, {"ssid": "cafe", "rssi_dbm": -80, "channel": 1}]}))
    with running(tmp_path, interpreter, "--wifi", str(around)) as bench:
        with bench.console() as console:
            console.wait_ready()
        networks = bench.ask("wifi scan")["networks"]
        assert isinstance(networks, list)
        assert [(row["ssid"], row["open"]) for row in networks] == [("home", False), ("cafe", True)]
        bench.set_clock()
        bench.enrol(bench.good_broker(), bench.authority)
        assert bench.verdict() == ("no_wifi", "no Wi-Fi: no network is set: wifi set")
        wrong = json.dumps({"ssid": "home", "password": "guess", "pin": PIN})
        bench.ask("wifi set " + wrong)
        until(lambda: bench.ask("status")["wifi_error"] == "wrong password", "the refusal")
        with pytest.raises(Exception, match="pin_wrong"):
            bench.ask("wifi set " + json.dumps({"ssid": "home", "password": "secret"}))
        bench.ask("wifi set " + json.dumps({"ssid": "home", "password": "secret", "pin": PIN}))
        until(lambda: bench.ask("status")["link"] == "connected", "the connection")
        around.write_text(json.dumps({"networks": []}))
        until(lambda: bench.ask("status")["link_reason"] == "no_wifi", "the loss")
        assert "Wi-Fi lost" in str(bench.ask("log")["lines"])
        around.write_text(json.dumps({"networks": [home]}))
        until(lambda: bench.ask("status")["link"] == "connected", "network and connection again")
