"""What enrolling takes: read who the board is, see its meter, give it its household. The same for people and programs.

The link key travels over the cable and over nothing else, and so do the certificates: the board makes a TLS key that never
leaves it, and the household's CA certifies its public half. The board's key is taken from the board itself; its
fingerprint, computed here, is what two people compare.
"""

import json
import time
from base64 import b64encode
from dataclasses import dataclass
from typing import Protocol

from volthood.errors import DeviceError, LocalError
from volthood.wire.keys import key_hash, spki_p256

METER_TIMEOUT_S = 10.0
METER_RETRY_S = 0.5
PIN_CHARS = (4, 32)
FINGERPRINT_BYTES = 16
PIECE_BYTES = 600
"""Of a certificate in one line of the console, which takes 1024 characters."""


class Console(Protocol):
    """What is asked: `console.node.NodeConsole`, or a fake."""

    def wait_ready(self) -> dict[str, object]:
        """What `id` says, once the node answers."""

    def ask(self, command: str) -> dict[str, object]:
        """The answer to a command. Raises `DeviceError`."""


@dataclass(frozen=True)
class Identity:
    """Who a board is. `public_key` is x and y of its P-256 key, 64 bytes; `house` None until it is enrolled."""

    node: str
    public_key: bytes
    house: str | None
    board: str
    interpreter: str

    @property
    def fingerprint(self) -> str:
        """What is compared: the first half of the key's SHA-256, in groups of four hex digits."""
        digits = key_hash(spki_p256(self.public_key))[:FINGERPRINT_BYTES].hex()
        return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


@dataclass(frozen=True)
class MeterReading:
    """One reading of the board's meter: serial number, W (import positive), Wh."""

    serial: str
    power_w: int
    import_wh: int
    export_wh: int


class Issuer(Protocol):
    """The household's CA: `broker.certificates.Authority`, or a fake."""

    @property
    def ca_der(self) -> bytes:
        """Its certificate, DER."""

    def issue_for(self, common_name: str, spki: bytes) -> bytes:
        """A client certificate, DER."""


@dataclass(frozen=True)
class Household:
    """What a board is told: its house, its agent's broker `host:port`, the slot length, the shared key, the PIN.

    `issuer` certifies its TLS key; None for a broker without certificates, as in a demonstration.
    """

    house: str
    broker: str
    slot_s: int
    link_key: bytes
    pin: str
    issuer: Issuer | None = None


def identify(console: Console) -> Identity:
    """Who the board is.

    Raises:
        DeviceError: no answer, or one that does not fit its own key.
    """
    answer = console.wait_ready()
    try:
        spki = bytes.fromhex(str(answer["public_key"]))
        node, house = str(answer["node"]), answer["house"]
    except (KeyError, ValueError) as error:
        raise DeviceError(f"this is no Volthood node: its `id` has no {error}", retry=False) from error
    if spki != spki_p256(spki[-64:]) or node != key_hash(spki)[:8].hex():
        raise DeviceError("the node's name is not that of its key: do not enrol it", retry=False)
    return Identity(
        node=node,
        public_key=spki[-64:],
        house=None if house is None else str(house),
        board=str(answer.get("board", "")),
        interpreter=str(answer.get("interpreter", "")),
    )


def read_meter(console: Console, timeout_s: float = METER_TIMEOUT_S) -> MeterReading:
    """One reading, waited for: a meter on the bus may just have been switched on.

    Raises:
        DeviceError: none came.
    """
    deadline_s = time.monotonic() + timeout_s
    while True:
        try:
            answer = console.ask("meter read")
            return MeterReading(str(answer["serial"]), *(_whole(answer, name) for name in _READING))
        except (KeyError, DeviceError) as error:
            if time.monotonic() >= deadline_s:
                remedy = "check its supply, the two wires of the bus, address and baud rate; or enrol without it"
                raise DeviceError(f"the meter does not answer ({error}): {remedy}", retry=True) from error
        time.sleep(METER_RETRY_S)


_READING = ("power_w", "import_wh", "export_wh")


def _whole(answer: dict[str, object], name: str) -> int:
    value = answer[name]
    if not isinstance(value, int):
        raise KeyError(name)
    return value


def check_free(identity: Identity, *, again: bool) -> None:
    """Refuse a board that belongs to a household already, unless that is wanted. Raises `LocalError`."""
    if identity.house is not None and not again:
        raise LocalError(f"the board is enrolled for {identity.house}; --again changes that and needs its PIN")


def check_pin(pin: str) -> str:
    """`pin` if it may be one. Raises `LocalError`."""
    low, high = PIN_CHARS
    if not low <= len(pin) <= high or not pin.isprintable():
        raise LocalError(f"a PIN has {low} to {high} printable characters")
    return pin


def enrol(console: Console, identity: Identity, household: Household, *, again: bool = False) -> None:
    """Give the board its household.

    Raises:
        LocalError: it has one already and `again` is not set, or the PIN cannot be one.
        DeviceError: it refuses, or does not answer.
    """
    check_free(identity, again=again)
    settings: dict[str, object] = {
        "house": household.house,
        "broker": household.broker,
        "slot_s": household.slot_s,
        "link_key": household.link_key.hex(),
        "tls": household.issuer is not None,
        "pin": check_pin(household.pin),
    }
    if household.issuer is not None:
        certify(console, identity, household.issuer)
    if again:
        settings["again"] = True
    answer = console.ask("enrol " + json.dumps(settings))
    if answer.get("enrolled") is not True or answer.get("node") != identity.node:
        raise DeviceError("the board did not confirm its enrolment", retry=True)


def certify(console: Console, identity: Identity, issuer: Issuer) -> None:
    """Give the board the CA's certificate and one of its own, for its TLS key. Raises `DeviceError`, `LocalError`."""
    try:
        spki = bytes.fromhex(str(console.ask("cert key")["tls_key"]))
    except (KeyError, ValueError) as error:
        raise DeviceError("the board shows no TLS key", retry=False) from error
    for name, der in (("ca", issuer.ca_der), ("node", issuer.issue_for(identity.node, spki))):
        for number, start in enumerate(range(0, len(der), PIECE_BYTES)):
            piece = b64encode(der[start : start + PIECE_BYTES]).decode()
            console.ask(f"cert put {name} {number} {piece}")
