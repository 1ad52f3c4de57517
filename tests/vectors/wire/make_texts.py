"""Writes `notes.jsonl`, `rosters.jsonl` and `topics.jsonl` beside itself: texts that are taken, and texts refused.

    python tests/vectors/wire/make_texts.py           writes the files
    python tests/vectors/wire/make_texts.py --check   ends with status 1 where that would change something

The hands are others': the note, key and signature in the documentation of Go's `sumdb/note`; `hashlib`, `base64` and
`cryptography` for the arithmetic that C2SP signed-note prescribes.
"""

import json
import sys
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Case = dict[str, object]

HERE = Path(__file__).resolve().parent
DASH = "\u2014 "

GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_LINE = "PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="


def b64(data: bytes) -> str:
    return b64encode(data).decode()


def secret(name: str) -> bytes:
    """32 bytes that are no secret at all."""
    return sha256(b"volthood test key: " + name.encode()).digest()


def line(name: str, key_hash: bytes, signature: bytes) -> str:
    return f"{DASH}{name} {b64(key_hash + signature)}\n"


def signed_by(name: str, text: str) -> tuple[str, list[str]]:
    """(signature line, [name, key hash, signature]) of a key that is derived from the name."""
    key = Ed25519PrivateKey.from_private_bytes(secret(name))
    key_hash = sha256(name.encode() + b"\n\x01" + key.public_key().public_bytes_raw()).digest()[:4]
    signature = key.sign(text.encode())
    return line(name, key_hash, signature), [name, key_hash.hex(), signature.hex()]


def note(name: str, text: str, names: list[str]) -> Case:
    made = [signed_by(signer, text) for signer in names]
    keys = [Ed25519PrivateKey.from_private_bytes(secret(signer)).public_key().public_bytes_raw() for signer in names]
    whole = text + "\n" + "".join(row for row, _ in made)
    return {
        "name": name,
        "note": whole,
        "text": text,
        "signatures": [row for _, row in made],
        "keys": [k.hex() for k in keys],
    }


def notes() -> Iterator[Case]:
    """Notes with text and signatures; notes refused."""
    name, key_hash, key = GO_KEY.split("+", 2)
    raw = b64decode(GO_LINE.split(" ")[1])
    if raw[:4].hex() != key_hash or sha256(name.encode() + b"\n" + b64decode(key)).digest()[:4] != raw[:4]:
        raise SystemExit("the published note does not follow the arithmetic of C2SP")
    published = {"signatures": [[name, key_hash, raw[4:].hex()]], "keys": [b64decode(key)[1:].hex()]}
    yield {"name": "published by Go", "note": f"{GO_TEXT}\n{DASH}{GO_LINE}\n", "text": GO_TEXT, **published}
    yield note("two signers", "the text\n", ["house01", "house02"])
    yield note("empty lines in the text", "one\n\ntwo\n\n", ["house01"])
    yield note("a text of one empty line", "\n", ["house01"])
    yield note("a line that looks signed", f"{DASH}house01 AAAAAAAA\n", ["house01"])
    yield note("letters of the world", "\u00e4\u6c34\U00010151\n", ["h\u00e4user.example/1"])
    other = line("witness.example", b"\x01\x02\x03\x04", b"\x04" + bytes(72))
    case = note("a signature of another type is kept", "the text\n", ["house01"])
    row = ["witness.example", "01020304", "04" + "00" * 72]
    yield {**case, "note": str(case["note"]) + other, "signatures": [signed_by("house01", "the text\n")[1], row]}
    good = signed_by("house01", "the text\n")[0]
    for title, whole in [
        ("nothing", ""),
        ("no signature", "the text\n\n"),
        ("no empty line", "the text\n" + good),
        ("no text", "\n" + good),
        ("no newline at the end", "the text\n\n" + good[:-1]),
        ("two newlines at the end", "the text\n\n" + good + "\n"),
        ("carriage returns", ("the text\n\n" + good).replace("\n", "\r\n")),
        ("a tab", "the\ttext\n\n" + good),
        ("NUL", "the\0text\n\n" + good),
        ("a hyphen for the dash", "the text\n\n-" + good[1:]),
        ("two spaces", "the text\n\n" + good.replace(" ", "  ", 1)),
        ("three words", "the text\n\n" + good[:-1] + " x\n"),
        ("no name", "the text\n\n" + DASH + " AAAAAAAA\n"),
        ("plus in the name", "the text\n\n" + good.replace("house", "ho+se")),
        ("no-break space in the name", "the text\n\n" + good.replace("house", "ho\u00a0se")),
        ("em space in the name", "the text\n\n" + good.replace("house", "ho\u2003se")),
        ("line separator in the name", "the text\n\n" + good.replace("house", "ho\u2028se")),
        ("signature of no byte", "the text\n\n" + DASH + "house01 AAAAAA==\n"),
        ("base64 without padding", "the text\n\n" + DASH + "house01 AAAAAAA\n"),
        ("base64 with stray bits", "the text\n\n" + DASH + "house01 AAAAAAB=\n"),
        ("base64 of URLs", "the text\n\n" + DASH + "house01 AAAA__-_\n"),
        ("base64 with a star", "the text\n\n" + DASH + "house01 AAAA*AAAA\n"),
    ]:
        yield {"name": title, "note": whole, "refused": "note_format"}


class Member:
    """One line of a roster, word by word, so that a case can change any."""

    def __init__(self, house: str, nodes: int) -> None:
        keys = [secret(f"{house} {role}") for role in ("agent", "seal", "witness")]
        points = [secret(f"{house} node {n} x") + secret(f"{house} node {n} y") for n in range(nodes)]
        self.agent = sha256(bytes.fromhex("302a300506032b6570032100") + keys[0]).digest()
        prefix = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
        self.nodes = [sha256(prefix + point).digest()[:8] for point in points]
        node_words = ",".join(map(b64, points)) or "-"
        tail = [b64(secret(house + " point")), "17250", "root", "broker.local:8883", "-"]
        self.words = ["member", house, *map(b64, keys), node_words, *tail]

    def line(self, **changed: str) -> str:
        words = list(self.words)
        for position, word in changed.items():
            words[int(position[1:])] = word
        return " ".join(words) + "\n"


HEAD = "volthood/1/roster\nversion 1\nprevious -\nissued 1782000000\nvalid_from 1782000000\n"
ONE, TWO = Member("house01", 2), Member("house02", 0)


def changed_rosters() -> Iterator[tuple[str, str, str]]:
    """(reason, name, text) of what is refused."""
    lines = ONE.line() + TWO.line()
    yield "roster_format", "empty", ""
    yield "roster_format", "no member", HEAD
    yield "roster_format", "another title", HEAD.replace("/1/", "/2/") + lines
    yield "roster_format", "no newline at the end", (HEAD + lines)[:-1]
    yield "roster_format", "empty line at the end", HEAD + lines + "\n"
    yield "roster_format", "lines swapped", HEAD.replace("issued", "x").replace("valid_from", "issued") + lines
    yield "not_canonical", "version with a zero in front", HEAD.replace("version 1", "version 01") + lines
    yield "roster_format", "version with a sign", HEAD.replace("version 1", "version +1") + lines
    yield "roster_format", "digits of another script", HEAD.replace("version 1", "version \u0661") + lines
    yield "roster_format", "14 digits", HEAD.replace("issued 1782000000", "issued 17820000000000") + lines
    yield "field_range", "version 2 without previous", HEAD.replace("version 1", "version 2") + lines
    yield "field_range", "version 0", HEAD.replace("version 1", "version 0") + lines
    with_previous = HEAD.replace("previous -", "previous " + "0" * 64) + lines
    yield "field_range", "version 1 with previous", with_previous
    second = with_previous.replace("version 1", "version 2")
    yield "not_canonical", "previous in capitals", second.replace("0" * 64, "A" * 64)
    yield "not_canonical", "previous with a space", second.replace("0" * 64, "00 " + "0" * 62)
    yield "key_unknown", "previous of 31 bytes", second.replace("0" * 64, "0" * 62)
    yield "roster_format", "previous not in hex", second.replace("0" * 64, "x" * 64)
    yield "field_range", "house twice", HEAD + ONE.line() + TWO.line(_1="house01")
    yield "field_range", "agent key twice", HEAD + ONE.line() + TWO.line(_2=ONE.words[2])
    yield "field_range", "node of two members", HEAD + ONE.line() + TWO.line(_5=ONE.words[5].split(",")[0])
    yield "field_range", "node twice in a line", HEAD + TWO.line(_5=",".join([ONE.words[5].split(",")[0]] * 2))
    for reason, name, position, word in [
        ("name_invalid", "house in capitals", "_1", "House01"),
        ("name_invalid", "house with a slash", "_1", "a/b"),
        ("name_invalid", "house with a wildcard", "_1", "+"),
        ("name_invalid", "house of 33 letters", "_1", "h" * 33),
        ("key_unknown", "agent key of 31 bytes", "_2", b64(bytes(31))),
        ("note_format", "agent key of no base64", "_2", "?"),
        ("key_unknown", "seal key of 33 bytes", "_3", b64(bytes(33))),
        ("key_unknown", "no witness key", "_4", ""),
        ("key_unknown", "compressed node key", "_5", b64(bytes(33))),
        ("key_unknown", "empty node key", "_5", b64(bytes(64)) + ","),
        ("field_range", "nine node keys", "_5", ",".join(b64(secret(str(n)) * 2) for n in range(9))),
        ("key_unknown", "metering point of 8 bytes", "_6", b64(bytes(8))),
        ("field_range", "fuse of 0 W", "_7", "0"),
        ("field_range", "fuse of 100,000,001 W", "_7", "100000001"),
        ("roster_format", "fuse below zero", "_7", "-1"),
        ("roster_format", "fuse in kW", "_7", "17.25"),
        ("name_invalid", "no grid node", "_8", ""),
        ("field_range", "no broker", "_9", ""),
        ("field_range", "broker of 101 characters", "_9", "b" * 101),
        ("field_range", "broker with a tab", "_9", "a\tb"),
        ("field_range", "broker beyond ASCII", "_9", "h\u00e4user.local"),
        ("not_canonical", "void slot with a zero in front", "_10", "0900"),
        ("roster_format", "void slot as a word", "_10", "never"),
        ("roster_format", "a word more", "_10", "- -"),
    ]:
        yield reason, name, HEAD + ONE.line(**{position: word})
    yield "roster_format", "a word less", HEAD + ONE.line().replace(" -\n", "\n")
    yield "roster_format", "two spaces", HEAD + ONE.line().replace(" root", "  root")


def rosters() -> Iterator[Case]:
    """Rosters with what they say; rosters refused."""
    second = HEAD.replace("version 1", "version 2").replace("previous -", "previous " + "a5" * 32)
    for name, text, members in [
        ("two members", HEAD + ONE.line() + TWO.line(), [ONE, TWO]),
        ("the next version", second + ONE.line(_10="1782043200"), [ONE]),
        ("eight nodes", HEAD + Member("a-b_9", 8).line(), [Member("a-b_9", 8)]),
    ]:
        rows = [[m.words[1], m.agent.hex(), [kid.hex() for kid in m.nodes]] for m in members]
        yield {"name": name, "text": text, "digest": sha256(text.encode()).hexdigest(), "members": rows}
    for reason, name, text in changed_rosters():
        yield {"name": name, "text": text, "refused": reason}


NODE, HOOD = "0123456789abcdef", "fedcba9876543210"


def topics() -> Iterator[Case]:
    """Topics taken apart; topics refused."""
    for kind in ("live", "record", "receipt", "status"):
        topic = f"vh/1/home/house01/node/{NODE}/{kind}"
        yield {"topic": topic, "parts": ["home", "house01", "node", NODE, kind]}
    for kind, detail in (("do", "console"), ("did", "00112233445566ff")):
        topic = f"vh/1/home/house01/node/{NODE}/{kind}/{detail}"
        yield {"topic": topic, "parts": ["home", "house01", "node", NODE, kind, detail]}
    for kind in ("order", "bundle", "ask", "give", "evidence"):
        topic = f"vh/1/{HOOD}/house01/board/1782043200.0/{kind}"
        yield {"topic": topic, "parts": [HOOD, "house01", "board", "1782043200.0", kind], "round": [1782043200, 0]}
    yield {"topic": f"vh/1/{HOOD}/house01/in/house02", "parts": [HOOD, "house01", "in", "house02"]}
    start = f"vh/1/{HOOD}/house01/board/"
    yield {"topic": start + "0.255/ask", "parts": [HOOD, "house01", "board", "0.255", "ask"], "round": [0, 255]}
    for reason, topic in [
        *(
            ("topic_unknown", text)
            for text in ("", "/", "vh/1/a/b", "vh/2/a/b/in/c", "VH/1/a/b/in/c", "/vh/1/a/b/in/c")
        ),
        *(("topic_unknown", f"vh/1/a/b/in/{text}") for text in ("c/", "c/d")),
        *(("topic_unknown", f"vh/1/a/b/node/{text}") for text in ("n", "n/do", "n/records", "n/live/x", "n/")),
        *(("topic_unknown", f"vh/1/a/b/node/n/{text}") for text in ("do/a/b", "done/a", "receipt/a")),
        *(("name_invalid", f"vh/1/a/b/node/n/{text}") for text in ("do/", "do/+", "did/A", "do/" + "v" * 33)),
        *(("topic_unknown", f"vh/1/a/b/{text}") for text in ("log/checkpoint", "roster", "home/x", "inn/c", "/c")),
        *(("topic_unknown", start + text) for text in ("0.0/orders", "0.0/", "0.0", "0/0/order", "0.0/order/x")),
        *(
            ("topic_unknown", start + text + "/order")
            for text in ("", ".", "0", "0.", ".0", "00.0", "0.00", "+0.0", "-1.0")
        ),
        *(
            ("topic_unknown", start + text + "/order")
            for text in ("0.0.0", "0.256", "1099511627777.0", "\u0661.0", "0 .0")
        ),
        *(("name_invalid", f"vh/1/{text}/b/in/c") for text in ("", "+", "A", "a b", "h" * 33, "\u00e4")),
        *(("name_invalid", f"vh/1/a/{text}/in/c") for text in ("", "#", "b.c")),
        *(("name_invalid", f"vh/1/a/b/in/{text}") for text in ("", "+", "#", "C", "c\n")),
        ("name_invalid", "vh/1/a/b/node/+/live"),
    ]:
        yield {"topic": topic, "refused": reason}


def main() -> int:
    """Writes the files, or says that one would change."""
    made = {"notes": notes(), "rosters": rosters(), "topics": topics()}
    changed = 0
    for name, cases in made.items():
        path, text = HERE / f"{name}.jsonl", "".join(json.dumps(case, ensure_ascii=False) + "\n" for case in cases)
        if sys.argv[1:] == ["--check"]:
            changed += path.read_text("utf-8") != text
        else:
            path.write_text(text, encoding="utf-8")
    return int(changed > 0)


if __name__ == "__main__":
    sys.exit(main())
