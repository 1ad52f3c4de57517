"""Console: `selftest`, part by part: ok, failed or skipped, and why. Loaded when asked for.

Nothing of it holds up metering: arithmetic runs in steps of a few milliseconds, the bus is asked between the meters' own
readings, and what is written to flash is a file of its own, which goes again.
"""

import gc
import hashlib
from binascii import unhexlify
from collections import OrderedDict

from volthood.wire.node import RELATIVE
from voltnode.broker import CONNECTED
from voltnode.bus.meter import Meter, MeterError
from voltnode.config import ConfigError
from voltnode.link_ping import ping
from voltnode.sign.verify import verify_steps
from voltnode.x509 import Certificate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any

    from voltnode.console.commands import Answer, Context
    from voltnode.main import Node

    Outcome = tuple[str, str]

OK, FAILED, SKIPPED = "ok", "failed", "skipped"

FILE = "selftest"
_FILE_BYTES = 512
_RANDOM_BYTES = 256
_FEWEST_ONES, _MOST_ONES = 866, 1182
"""Of 2,048 random bits 1,024 are 1, give or take 23; these are 7 times that far off."""

_PIECE_BYTES = 8192
_TLS_BYTES = 40_000
"""Beside the heap, for one connection (design: facts measured elsewhere)."""
_PING_LIMIT_MS = 3000
_STALE_MS = 15_000
_SETTLED_MS = 60_000
_DAY_S = 86_400
_FEW_DAYS = 14

_KEY = (
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
_SIGNATURE = (
    "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
    "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083"
)
"""RFC 6979, A.2.5: P-256, SHA-256, message "test"."""


async def selftest(context: "Context", _: str) -> "Answer":
    """`selftest`. A key ends it; what is left is then skipped."""
    rows, worst = [], OK
    for name, test in _TESTS:
        result, text = (SKIPPED, "ended by a key") if context.pressed() else await _one(context.node, test)
        worst = FAILED if result == FAILED else worst
        rows.append((name, result, text))
        if not context.as_json:
            await context.say("%s: %s, %s" % rows[-1])
    if not context.as_json:
        return [("result", worst)]
    return [("result", worst), ("tests", [OrderedDict(zip(("test", "result", "text"), row)) for row in rows])]


async def _one(node: "Node", test: "Any") -> "Outcome":
    try:
        outcome: Outcome = await test(node)
    except (OSError, ConfigError, MeterError, MemoryError) as error:
        outcome = FAILED, getattr(error, "detail", "") or str(error) or "no memory"
    return outcome


async def _flash(node: "Node") -> "Outcome":
    flash, data = node.board.flash, node.board.random(_FILE_BYTES)
    began_ms = node.board.now_ms()
    try:
        flash.replace(FILE, data)
        same = flash.read(FILE) == data
    finally:
        flash.remove(FILE)
    if not same or flash.read(FILE) is not None:
        return FAILED, "what was written is not what is read"
    text = "%d bytes written, read, removed in %d ms; %d free"
    return OK, text % (_FILE_BYTES, node.board.now_ms() - began_ms, flash.free())


async def _memory(node: "Node") -> "Outcome":
    gc.collect()
    _, free = node.board.heap()
    piece = bytearray(_PIECE_BYTES)
    beside = node.board.free_beside_heap()
    if beside is not None and beside < _TLS_BYTES and node.link.broker.state != CONNECTED:
        return FAILED, "%d bytes beside the heap; TLS needs %d" % (beside, _TLS_BYTES)
    return OK, "%d bytes free, %d in one piece" % (free, len(piece))


async def _random(node: "Node") -> "Outcome":
    drawn = node.board.random(_RANDOM_BYTES)
    ones = sum([byte >> bit & 1 for byte in drawn for bit in range(8)])
    pieces = {drawn[at : at + 16] for at in range(0, _RANDOM_BYTES, 16)}
    if not _FEWEST_ONES <= ones <= _MOST_ONES or len(pieces) < _RANDOM_BYTES // 16:
        return FAILED, "%d of %d bits are 1, %d of 16 pieces differ" % (ones, 8 * _RANDOM_BYTES, len(pieces))
    if node.board.random(_RANDOM_BYTES) == drawn:
        return FAILED, "it gives the same twice"
    return OK, "%d of %d bits are 1" % (ones, 8 * _RANDOM_BYTES)


async def _verification(node: "Node") -> "Outcome":
    key, signature = unhexlify(_KEY), unhexlify(_SIGNATURE)
    good = await _in_steps(node, verify_steps(key, hashlib.sha256(b"test").digest(), signature))
    bad = await _in_steps(node, verify_steps(key, hashlib.sha256(b"tesu").digest(), signature))
    if not good or bad:
        return FAILED, "the known answer (RFC 6979) is not known here"
    return OK, "the known answer, and not another one"


async def _signature(node: "Node") -> "Outcome":
    if node.no_key:
        return FAILED, node.no_key
    message = b"volthood/selftest" + node.board.random(32)
    began_ms = node.board.now_ms()
    signature = await _in_steps(node, node.signer.sign_steps(message))
    signed_ms = node.board.now_ms()
    key = node.signer.public_spki()[-64:]
    if not await _in_steps(node, verify_steps(key, hashlib.sha256(message).digest(), signature)):
        return FAILED, "its own signature is not good"
    return OK, "signed in %d ms, verified in %d ms" % (signed_ms - began_ms, node.board.now_ms() - signed_ms)


async def _in_steps(node: "Node", steps: "Generator[None, None, Any]") -> "Any":
    """What steps come to, the other tasks between them."""
    try:
        while True:
            next(steps)
            await node.board.sleep_ms(0)
    except StopIteration as end:
        return end.value


async def _bus(node: "Node") -> "Outcome":
    meter = node.sampler.meter
    began_ms = node.board.now_ms()
    await Meter(meter.bus, meter.table, meter.unit).serial()
    counters = meter.bus.counters(meter.unit).as_dict()
    said = ["%s %d" % (name, counters[name]) for name in sorted(counters) if counters[name]]
    return OK, "answered in %d ms; %s" % (node.board.now_ms() - began_ms, ", ".join(said))


async def _meter(node: "Node") -> "Outcome":
    wrong, right = [], []
    for sampler in node.metering.samplers:
        reading = sampler.latest
        if sampler.error or reading is None:
            wrong.append("meter %d: %s" % (sampler.index, sampler.error or "no reading yet"))
        elif node.board.now_ms() - sampler.latest_ms > _STALE_MS:
            wrong.append("meter %d: no reading for %d s" % (sampler.index, _STALE_MS // 1000))
        else:
            right.append("%s: %d W, %d Wh" % (sampler.serial, reading.power_w, reading.import_wh))
    return FAILED if wrong else OK, "; ".join(wrong + right)


async def _clock(node: "Node") -> "Outcome":
    began_ms = node.board.now_ms()
    await node.board.sleep_ms(50)
    if node.board.now_ms() - began_ms < 50:
        return FAILED, "50 ms took %d ms" % (node.board.now_ms() - began_ms)
    if _knows_the_time(node):
        return OK, "the time is known"
    if node.config.enrolment is None or node.board.now_ms() < _SETTLED_MS:
        return SKIPPED, "the time is not known yet"
    return FAILED, "the time is not known; `time` says who was asked"


def _knows_the_time(node: "Node") -> bool:
    return node.clock.calendar_ms()[1] != RELATIVE


async def _link(node: "Node") -> "Outcome":
    broker = node.link.broker
    if node.config.enrolment is None:
        return SKIPPED, "not enrolled"
    if broker.state != CONNECTED:
        return FAILED, broker.error or broker.state
    took_ms = await ping(node.link, node.board, _PING_LIMIT_MS)
    return (FAILED, "the broker does not answer") if took_ms is None else (OK, "the broker answers in %d ms" % took_ms)


async def _certificates(node: "Node") -> "Outcome":
    enrolment = node.config.enrolment
    if enrolment is None or not enrolment.tls:
        return SKIPPED, "no TLS"
    days = []
    for file in (enrolment.ca, enrolment.cert):
        data = node.board.flash.read(file)
        if data is None:
            return FAILED, "%s is gone: enrol again" % file
        days.append((Certificate(data).end_s - node.clock.calendar_ms()[0] // 1000) // _DAY_S)
    if not _knows_the_time(node):
        return OK, "present; the time is not known"
    text = "%d days left, the CA %d" % (days[1], days[0])
    return (FAILED if min(days) < _FEW_DAYS else OK), text


_TESTS = (
    ("flash", _flash),
    ("memory", _memory),
    ("random", _random),
    ("verification", _verification),
    ("signature", _signature),
    ("bus", _bus),
    ("meter", _meter),
    ("clock", _clock),
    ("link", _link),
    ("certificates", _certificates),
)
