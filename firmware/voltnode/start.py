"""What is done once when the node starts, and when it is enrolled. Loaded then, and dropped.

What is kept here for later would keep all of this module: it is the node's (`voltnode.main`).
"""

from voltnode import VERSION
from voltnode.clock import Clock, keep_time
from voltnode.config import Config, ConfigError
from voltnode.console.door import Door
from voltnode.guard import Guard
from voltnode.link import Link
from voltnode.log import Log
from voltnode.metering import Metering
from voltnode.on_demand import call, load
from voltnode.recorder import Recorder, last_boot
from voltnode.ring import Ring
from voltnode.sequence import Sequence
from voltnode.sign.signer import SoftwareSigner
from voltnode.verbs import Verbs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from voltnode.config import Enrolment
    from voltnode.main import Node

_NO_KEY = 1
"""Stands in for the key where it cannot be read: nothing is ever signed with it."""


def build(node: "Node") -> None:
    """Makes the node's parts and takes up where the last run ended."""
    board, boots = node.board, node.boots
    node.log = Log(board.now_ms)
    node.log.before = boots.lines
    for name, wrong in call("voltnode.damage", "damaged", board.flash):
        node.log("file_damaged", file=name, wrong=wrong)
    private, node.no_key = call("voltnode.board_key", "board_key", board)
    node.signer = SoftwareSigner(private or _NO_KEY, board.random)
    node.name = node.signer.kid.hex()
    node.config = Config(board.flash)
    node.ring = Ring(board.flash, node.log, board.raw)
    node.sequence = Sequence(board.flash, node.ring.greatest, last_boot(node.ring))
    _connect(node)
    _begin_run(node)


def _connect(node: "Node") -> None:
    board = node.board
    node.guard = Guard(board, node.boots, node.log, node.sequence.boot)
    node.clock = Clock(board, node.log)
    meters = len(board.settings["meters"])
    node.recorder = Recorder(board, node.ring, node.sequence, node.signer, node.log, node.meter_serial, meters)
    node.link = Link(board, node.ring, node.recorder, node.name, VERSION, node.log)
    node.recorder.written = node.link.written
    # Only a board that has a radio needs the code for it.
    node.wifi = load("voltnode.wifi", "Wifi")(board, node.log) if board.radio else None
    node.link.missing = node.missing
    node.link.identity = node.identity
    node.link.about = node.about
    node.link.progress = node.reporter("link")
    node.recorder.progress = node.reporter("recorder")
    node.verbs = Verbs(node)
    node.metering = Metering(board, node.clock, node.recorder, node.link, node.log, node.reporter("sampler"))
    node.session = Door(node)
    node.trial = call("voltnode.update.trial", "begin", node)


def _begin_run(node: "Node") -> None:
    board = node.board
    node.log("started", boot=node.sequence.boot, on=board.interpreter, cause=node.boots.cause)
    if node.boots.safe:
        node.log("safe_mode", why=node.boots.reason())
    for wrong in board.setting_errors:
        node.log("setting_refused", error=wrong)
    node.use_time_servers()
    if node.wifi is not None:
        node.wifi.use(board.settings["ssid"], board.settings["password"])
    if node.no_key:
        node.log("key_unusable", error=node.no_key)
    elif node.config.enrolment is not None:
        begin(node, node.config.enrolment)


def begin(node: "Node", enrolment: "Enrolment") -> None:
    """Serves an enrolment."""
    if node.ring.greatest <= enrolment.since:
        node.recorder.begin_stream(enrolment.base)
    node.use_time_servers()
    node.metering.begin_recording(enrolment.slot_s)
    node.link.begin(enrolment)


def enrol(node: "Node", enrolment: "Enrolment", pin: "dict[str, object]") -> None:
    """See `Node.enrol`."""
    if node.no_key:
        raise ConfigError("key_unusable", node.no_key)
    before = node.config.enrolment
    if before is not None and before.house != enrolment.house:
        node.ring.accept_receipt(node.ring.greatest)
        node.ring.save_receipt()
    if before is not None:
        call("voltnode.timekeeping", "forget_floor", node.clock)
    enrolment.base = node.ring.receipt
    enrolment.since = node.ring.greatest
    node.config.enrol(enrolment, pin)
    node.log("enrolled", house=enrolment.house)
    begin(node, enrolment)


def tasks(node: "Node") -> "dict[str, tuple[Any, ...]]":
    """The node's tasks: by name the function of each, and its arguments. In safe mode only those with which it can be left."""
    found: dict[str, tuple[Any, ...]] = {
        "link": (node.link.run,),
        "clock": (keep_time, node.clock, node.board),
        "console": (node.session.run,),
        "verbs": (node.verbs.run,),
    }
    if node.wifi is not None:
        found["wifi"] = (node.wifi.run, node.clock, node.link)
    if not node.boots.safe:
        found["sampler"], found["recorder"] = (node.metering.run, node.keep), (node.recorder.run,)
    return found
