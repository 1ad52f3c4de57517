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

_TABLE = """
help|helps.show_help
id|show_node.show_id
status|show_node.show_status
queue|show_records.show_queue
meter list|show_meter.show_meters
meter read|read_meter.show_reading
meter watch|watch_meter.watch
meter probe|probe.probe
bus stats|show_bus.show_stats
bus trace|show_bus.trace
config get|show_config.show_config
config set|configure.set_config
wiring|wiring.wiring
selftest|selftest.selftest
chain|show_records.show_chain
log|show_records.show_log
time|show_node.show_time
wifi scan|wifi.scan
wifi set|wifi.set_wifi
mqtt test|show_link.try_mqtt
cert|show_cert.show_cert
cert key|certify.show_key
cert put|certify.put_cert
enrol|change.enrol
update status|show_update.show_update
reboot|change.reboot
factory-reset|change.factory_reset
"""
"""Name, and the module and function behind it. One text, since each word of its own would take memory for good."""


def names() -> "list[str]":
    """All commands."""
    return [line.split("|")[0] for line in _TABLE.strip().split("\n")]


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
        at = _TABLE.find("\n" + name + "|")
        if at >= 0 and len(words) >= count:
            module, _, function = _TABLE[at : _TABLE.find("\n", at + 1)].partition("|")[2].partition(".")
            return await _call(context, module, function, _after(text, words[:count]))
    raise RefusedError("unknown_command", "help lists the commands")


def _after(text: str, words: "list[str]") -> str:
    for word in words:
        text = text[text.find(word) + len(word) :]
    return text.strip()


async def _call(context: Context, module: str, function: str, argument: str) -> "Answer":
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


def is_rows(value: "Any") -> bool:
    """Whether a value is many, one at a time: a list, or a generator where all at once would take much memory."""
    return isinstance(value, list) or hasattr(value, "send")


def as_lines(answer: "Answer") -> "Iterator[str]":
    """An answer for a person, line by line."""
    value: Any
    for name, value in answer:
        if is_rows(value):
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
