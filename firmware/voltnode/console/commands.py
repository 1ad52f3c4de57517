"""What the console can be asked. Each command gives names and values: one JSON object with `--json`, else lines.

Reading is open to whoever holds the cable. What changes something needs the installer's PIN, once there is one. The code
of a command is loaded when it is asked for and dropped afterwards: the board has better uses for the memory. One that
takes its time is a coroutine, which looks at `Context.pressed`: any key ends it with what it has.
"""

import gc

from voltnode.config import ConfigError
from voltnode.console.editor import MAX_LINE_BYTES
from voltnode.on_demand import drop_since, load, loaded

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import Any

    from voltnode.main import Node

    Answer = list[tuple[str, object]]
    """In the order in which a person reads them: dictionaries here have none."""

COMMANDS = (
    ("help", "this list; --json behind any command gives one JSON object", "", ""),
    ("id", "name, public key and fingerprint of this node", "show_node", "show_id"),
    ("status", "uptime, memory, time, broker, meter, queue", "show_node", "show_status"),
    ("queue", "records waiting for the agent's receipt", "show_records", "show_queue"),
    ("meter list", "the meters read here; meter list all: the models there are", "show_meter", "show_meters"),
    ("meter read", "meter read METER: newest reading, register by register", "show_meter", "show_reading"),
    ("meter watch", "meter watch METER SECONDS: a line a second until a key", "show_meter", "watch"),
    ("meter probe", "looks for meters: probe, probe ADDRESSES BAUD, probe HOST:PORT; a key ends it", "probe", "probe"),
    ("bus stats", "requests and errors of each meter", "show_meter", "show_stats"),
    ("bus trace", "bus trace on|off: each frame in hex, verdict, time", "show_meter", "trace"),
    ("config get", "settings of this board, and what they may be", "configure", "show_config"),
    ("config set", "config set PIN NAME=VALUE...: several at once, all or none", "configure", "set_config"),
    ("wiring", "a minute of readings, and what is crossed: seconds=60 fuse=A load=W pv=yes|no", "wiring", "wiring"),
    ("selftest", "flash, memory, random, signature, bus, meter, clock, link, certificates", "selftest", "selftest"),
    ("chain", "hashes of the newest records", "show_records", "show_chain"),
    ("log", "newest events, and how often each happened", "show_records", "show_log"),
    ("time", "calendar time and how good it is", "show_node", "show_time"),
    ("wifi scan", "networks around", "wifi", "scan"),
    ("wifi set", 'wifi set {"ssid", "password", "pin"}: joins this network from now on', "wifi", "set_wifi"),
    ("mqtt test", "tries the broker now, and says what is wrong", "show_link", "try_mqtt"),
    ("cert", "certificates: issuer, validity, fingerprint, days left", "show_cert", "show_cert"),
    ("cert key", "the public half of the TLS key, made here", "certify", "show_key"),
    ("cert put", "cert put ca|node N BASE64: certificates for the enrolment that follows", "certify", "put_cert"),
    (
        "enrol",
        'enrol {"house", "link_key", "broker", "tls", "pin", "slot_s", "again"}: whose meter this is',
        "change",
        "enrol",
    ),
    ("update status", "release, and what is being downloaded", "show_update", "show_update"),
    ("reboot", "starts the board again", "change", "reboot"),
    ("factory-reset", "factory-reset PIN: erases key, records and settings, in two steps", "change", "factory_reset"),
)
"""Name, help, and the module and function behind it."""

NAMES = tuple([entry[0] for entry in COMMANDS])

RefusedError = ConfigError
"""A command is refused; both texts are shown. One class that stays loaded, however often this module is."""


class Context:
    """What commands keep between two lines.

    Attributes:
        node: the node.
        then: to be called once the answer is out, None mostly.
        as_json: whether the command that runs answers with one JSON object, and so says nothing before.
        pressed: whether a key was pressed since the command began: it shall end. `typed` the same, without using it up.
        say: shows a line while a command runs.
        trusted: whether whoever asks needs no PIN.
        staged: certificates that wait for `enrol`, in pieces.
    """

    def __init__(self, node: "Node") -> None:
        self.node = node
        self.then: Any = None
        self.as_json = False
        self.pressed: Callable[[], bool] = _never
        self.typed: Callable[[], bool] = _never
        self.say: Callable[[str], Awaitable[None]] = _nowhere
        self.trusted = False
        self.staged: dict[str, list[bytes]] = {}
        self.reset_code = ""
        self.reset_until_ms = 0


def _never() -> bool:
    return False


async def _nowhere(_: str) -> None:
    """Nobody looks on."""


async def execute(context: Context, line: bytes) -> "tuple[Answer, bool]":
    """(answer, whether as JSON) of a line that is not empty. A refusal is an answer with `error` and `detail`, and counted."""
    answer, as_json = await _execute(context, line)
    if answer and answer[0][0] == "error":
        context.node.log.count("refused %s" % answer[0][1])
    return answer, as_json


async def _execute(context: Context, line: bytes) -> "tuple[Answer, bool]":
    if len(line) > MAX_LINE_BYTES:
        return _refusal("line_too_long", "at most %d bytes" % MAX_LINE_BYTES), True
    line = line.strip()
    as_json = context.as_json = line.endswith(b"--json")
    try:
        text = str(line[:-6] if as_json else line, "utf-8")
        return await _run(context, text), as_json
    except RefusedError as error:
        return _refusal(error.reason, error.detail), as_json
    except OSError as error:
        return _refusal("flash_failed", str(error)), as_json
    except UnicodeError:
        return _refusal("not_text", "UTF-8 only"), as_json
    except MemoryError:
        gc.collect()
        return _refusal("no_memory", "try again"), as_json


async def _run(context: Context, text: str) -> "Answer":
    words = text.split(None, 2)
    for count in (2, 1):
        name = " ".join(words[:count])
        for known, _, module, function in COMMANDS:
            if len(words) >= count and name == known:
                return await _call(context, module, function, _after(text, words[:count]))
    raise RefusedError("unknown_command", "help lists the commands")


def _after(text: str, words: "list[str]") -> str:
    for word in words:
        text = text[text.find(word) + len(word) :]
    return text.strip()


async def _call(context: Context, module: str, function: str, argument: str) -> "Answer":
    if not module:
        return [(name, text) for name, text, _, _ in COMMANDS]
    before = loaded()
    try:
        answer: Any = load("voltnode.console." + module, function)(context, argument)
        # A command that has to wait is a coroutine; the others cost no task switch.
        done: Answer = await answer if hasattr(answer, "send") else answer
        return done
    finally:
        drop_since(before)


def _refusal(reason: str, detail: str) -> "Answer":
    return [("error", reason), ("detail", detail)]


def as_lines(answer: "Answer") -> "Iterator[str]":
    """An answer for a person, line by line."""
    for name, value in answer:
        if isinstance(value, list):
            yield name + ":\r\n"
            for item in value:
                yield "  %s\r\n" % _flat(item)
        else:
            yield "%s: %s\r\n" % (name, _flat(value))


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(["%s=%s" % (key, _flat(value[key])) for key in value])
    if isinstance(value, (list, tuple)):
        return ",".join([str(item) for item in value]) or "-"
    return "-" if value is None else str(value)
