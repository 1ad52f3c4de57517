"""Writes what can be counted on the wire formats' page: the tables of fields and limits, and the worked examples.

    python tests/vectors/wire/make_page.py           writes the page's blocks anew
    python tests/vectors/wire/make_page.py --check   ends with status 1 where one would change

Tables come from the messages of `volthood.wire`, examples from `messages.jsonl`, which another hand wrote. A block stands
between `<!-- fields: Record -->` (or `example`, `limits`, `roster`, `note`) and `<!-- end -->`; the words around it are
written by people and stay.
"""

import ast
import importlib
import json
import re
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cbor2

from volthood.wire import limits
from volthood.wire.message import Bytes, Field, Int, Message, Row, Rows, Text

HERE = Path(__file__).resolve().parent
PAGE = HERE.parents[2] / "agent" / "volthood" / "wire" / "README.md"
BLOCK = re.compile(r"<!-- (\w+)(?:: ([^\n]*?))? -->\n.*?<!-- end -->\n", re.DOTALL)
HEX_BYTES_A_LINE = 40
LONG_BYTES = 32


def number(n: int) -> str:
    """A number, round ones as powers."""
    if n < 0:
        return "-" + number(-n)
    for base, least in ((10, 10**5), (2, 2**16)):
        power, rest = 0, n
        while rest and rest % base == 0:
            power, rest = power + 1, rest // base
        if rest == 1 and n >= least:
            return f"{base}^{power}"
    return str(n)


def span(low: int, high: int) -> str:
    return number(low) if low == high else f"{number(low)}..{number(high)}"


def kind_text(kind: object) -> str:
    """What a field may hold."""
    if isinstance(kind, Int):
        return "int " + span(kind.low, kind.high)
    if isinstance(kind, Bytes):
        return "bytes, " + span(kind.low, kind.high)
    if isinstance(kind, Text):
        return f"text, {span(1, kind.high)} characters"
    if isinstance(kind, Row):
        return "[" + ", ".join(map(kind_text, kind.kinds)) + "]"
    if isinstance(kind, Rows):
        return f"{span(kind.low, kind.high)} of {kind_text(kind.kind)}"
    raise TypeError(kind)


def default_text(field: Field) -> str:
    if field.default is ...:
        return "required"
    if field.default is None:
        return "absent"
    return "none" if field.default in ((), b"") else str(field.default)


def message_class(name: str) -> type[Message]:
    for module in ("record", "verb", "update", "market", "inbox"):
        found = getattr(importlib.import_module("volthood.wire." + module), name, None)
        if isinstance(found, type) and issubclass(found, Message):
            return found
    raise SystemExit(f"the page has a block for {name}, which is no message")


def fields(name: str) -> str:
    """The facts and the table of one message."""
    cls = message_class(name)
    kinds = [value for key, value in vars(cls).items() if key.endswith("KIND") and value]
    rows = [
        f"Kind {' or '.join(f'`{kind}`' for kind in kinds)}; at most {cls.MAX_BYTES} bytes.",
        "",
        "| key | field | holds | default | meaning, unit |",
        "| --- | --- | --- | --- | --- |",
        "| 1 | version | int 1 | required | version of the message |",
    ]
    for field in cls.FIELDS:
        cells = [str(field.key), f"`{field.name}`", kind_text(field.kind), default_text(field), field.unit]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def diagnostic(value: object) -> str:
    """A value in the notation of RFC 8949 section 8, long byte strings shortened."""
    if isinstance(value, bytes):
        shown = value.hex() if len(value) <= LONG_BYTES else value[:12].hex() + "..."
        return f"h'{shown}'" + (f" ({len(value)} bytes)" if len(value) > LONG_BYTES else "")
    if isinstance(value, list):
        return "[" + ", ".join(map(diagnostic, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def in_hex(title: str, text: str) -> list[str]:
    width = 2 * HEX_BYTES_A_LINE
    return [f"{title}, {len(text) // 2} bytes:", *("  " + text[at : at + width] for at in range(0, len(text), width))]


def example(name: str) -> str:
    """The worked example of one message: its fields, its payload, and the whole as sent."""
    case = case_of("messages", name)
    payload = cbor2.loads(bytes.fromhex(case["payload"]))
    rows = [f"{key}: {diagnostic(value)}" for key, value in payload.items()]
    rows += in_hex("payload", case["payload"])
    if case["signed"]:
        rows += in_hex("as sent", case["signed"])
    return fenced("\n".join(rows))


def limit_rows() -> str:
    """Every limit, with the words that stand under it in the module."""
    body = ast.parse(Path(limits.__file__).read_text(encoding="utf-8")).body
    rows = ["| limit | value | on what |", "| --- | --- | --- |"]
    for line, words in pairwise(body):
        if isinstance(line, ast.Assign) and isinstance(words, ast.Expr):
            name, text = ast.unparse(line.targets[0]), ast.literal_eval(words.value)
            rows.append(f"| `{name}` | {getattr(limits, name)} | {text} |")
    return "\n".join(rows)


def fenced(text: str) -> str:
    return f"```text\n{text}\n```"


def case_of(file: str, name: str) -> Any:
    with (HERE / f"{file}.jsonl").open(encoding="utf-8") as lines:
        return next(case for case in map(json.loads, lines) if case["name"] == name)


def block(match: re.Match[str]) -> str:
    what, name = match[1], match[2]
    makers: dict[str, Callable[[str], str]] = {
        "fields": fields,
        "example": example,
        "limits": lambda _: limit_rows(),
        "roster": lambda name: fenced(case_of("rosters", name)["text"].rstrip("\n")),
        "note": lambda name: fenced(case_of("notes", name)["note"].rstrip("\n")),
    }
    start = f"<!-- {what}: {name} -->" if name else f"<!-- {what} -->"
    return f"{start}\n{makers[what](name)}\n<!-- end -->\n"


def main() -> int:
    """Writes the page, or says that it would change."""
    text = PAGE.read_text(encoding="utf-8")
    fresh = BLOCK.sub(block, text)
    if sys.argv[1:] == ["--check"]:
        return int(fresh != text)
    PAGE.write_text(fresh, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
