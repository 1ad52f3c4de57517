"""The installer's PIN. It keeps a passer-by from changing things; whoever can read the flash has the key anyway.

It is kept as a salted hash. Wrong PINs cost time that grows; the count is on flash, so a restart does not shorten it.
"""

import hashlib

from volthood.wire.mac import equal
from voltnode.config import ConfigError
from voltnode.sealed import read_sealed, whole, write_sealed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.config import Config
    from voltnode.console.commands import Context
    from voltnode.hal import Board

FAILURES_FILE = "pin-failures"
FREE_TRIES = 3
FIRST_WAIT_MS = 30_000
LONGEST_WAIT_MS = 3_600_000
MIN_CHARS, MAX_CHARS = 4, 32

_ROUNDS = 200
_SALT_BYTES = 16


def pin_digest(salt: bytes, pin: str) -> bytes:
    """What is kept of a PIN."""
    digest = salt + pin.encode()
    for _ in range(_ROUNDS):
        digest = hashlib.sha256(salt + digest).digest()
    return digest


def kept_pin(board: "Board", pin: object) -> "dict[str, object]":
    """A new PIN as `Config` keeps it. Raises ConfigError (`pin_invalid`)."""
    if not isinstance(pin, str) or not MIN_CHARS <= len(pin) <= MAX_CHARS:
        raise ConfigError("pin_invalid", "a text of %d to %d characters" % (MIN_CHARS, MAX_CHARS))
    salt = board.random(_SALT_BYTES)
    return {"salt": salt.hex(), "digest": pin_digest(salt, pin).hex()}


def check_pin(board: "Board", config: "Config", pin: object) -> None:
    """Raises ConfigError: `pin_wrong`, or `pin_barred` while wrong ones have to be waited off; OSError."""
    failures = whole((read_sealed(board.flash, FAILURES_FILE) or {}).get("count"), 0)
    now_ms = board.now_ms()
    barred_until_ms = config.pin_failed_ms + wait_ms(failures)
    if now_ms < barred_until_ms:
        raise ConfigError("pin_barred", "wait %d s" % ((barred_until_ms - now_ms + 999) // 1000))
    salt, kept_digest = _kept(config)
    if equal(pin_digest(salt, str(pin)), kept_digest):
        if failures:
            write_sealed(board.flash, FAILURES_FILE, {"count": 0})
        return
    # Counted before it is told: who cuts the power in between has not gained a try.
    write_sealed(board.flash, FAILURES_FILE, {"count": failures + 1})
    config.pin_failed_ms = now_ms
    raise ConfigError("pin_wrong", "%d wrong in a row" % (failures + 1))


def _kept(config: "Config") -> "tuple[bytes, bytes]":
    """(salt, digest); where they are not readable, those of no PIN."""
    kept = config.pin or {}
    try:
        return bytes.fromhex(str(kept.get("salt", ""))), bytes.fromhex(str(kept.get("digest", "")))
    except ValueError:
        return b"", b""


def authorise(context: "Context", pin: object) -> None:
    """Lets a command change something: before the first enrolment, over the broker (its MAC), or with the PIN.

    Raises ConfigError and OSError as `check_pin` does.
    """
    node = context.node
    if node.config.enrolment is not None and not context.trusted:
        check_pin(node.board, node.config, pin)


def wait_ms(failures: int) -> int:
    """How long to wait after so many wrong ones in a row."""
    if failures < FREE_TRIES:
        return 0
    return min(FIRST_WAIT_MS << min(failures - FREE_TRIES, 10), LONGEST_WAIT_MS)
