"""Key files: what is written comes back, and whatever is wrong with one is named, with the remedy."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from volthood.adapters.crypto import AgentKeys, LinkKey
from volthood.errors import LocalError
from volthood.wire.keys import key_hash, spki_ed25519


def test_keys_come_back_from_their_file(tmp_path: Path) -> None:
    made = AgentKeys.create(tmp_path / "agent.key")
    read = AgentKeys.load(tmp_path / "agent.key")
    assert read.public == made.public
    assert read.sign("kind", b"payload") == made.sign("kind", b"payload")
    assert read.unseal(made.seal(made.public.seal, b"text")) == b"text"
    assert made.kid == made.agent_hash[:8] == key_hash(spki_ed25519(made.public.agent))[:8]


def test_two_households_have_different_keys(tmp_path: Path) -> None:
    first, second = AgentKeys.create(tmp_path / "1"), AgentKeys.create(tmp_path / "2")
    keys = [*vars(first.public).values(), *vars(second.public).values()]
    assert len(set(keys)) == 6


CREATE: list[Callable[[Path], object]] = [AgentKeys.create, LinkKey.create]
LOAD: list[Callable[[Path], object]] = [AgentKeys.load, LinkKey.load]
PAIRS = list(zip(CREATE, LOAD, strict=True))
both = pytest.mark.parametrize(("create", "load"), PAIRS, ids=["agent", "link"])


@both
def test_a_key_file_is_for_its_owner_alone(create: Callable[[Path], object], load: object, tmp_path: Path) -> None:
    mask = os.umask(0)
    try:
        create(tmp_path / "key")
    finally:
        os.umask(mask)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


@both
def test_a_key_file_is_never_written_over(create: Callable[[Path], object], load: object, tmp_path: Path) -> None:
    path = tmp_path / "key"
    create(path)
    before = path.read_bytes()
    with pytest.raises(LocalError, match=r"key: a key file is there already; move it away"):
        create(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


@both
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o700 | 0o001])
def test_a_key_file_open_to_others_is_refused(
    create: Callable[[Path], object], load: Callable[[Path], object], mode: int, tmp_path: Path
) -> None:
    path = tmp_path / "key"
    create(path)
    path.chmod(mode)
    with pytest.raises(LocalError, match=rf"mode {mode:o} lets others read a secret; run: chmod 600 {path}"):
        load(path)


@both
def test_a_missing_key_file_is_named(create: object, load: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"nowhere: cannot read the key file: No such file"):
        load(tmp_path / "nowhere")


@both
def test_a_folder_is_no_key_file(
    create: Callable[[Path], object], load: Callable[[Path], object], tmp_path: Path
) -> None:
    with pytest.raises(LocalError, match="cannot read the key file"):
        load(tmp_path)
    with pytest.raises(LocalError, match=r"cannot write the key file: No such file"):
        create(tmp_path / "no folder" / "key")


def test_a_pipe_is_no_key_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(LocalError, match="not a plain file"):
        LinkKey.load(tmp_path / "pipe")


def keep(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o600)
    return path


def test_every_cut_of_a_key_file_is_noticed(tmp_path: Path) -> None:
    AgentKeys.create(tmp_path / "agent.key")
    whole = (tmp_path / "agent.key").read_bytes().rstrip()
    for end in range(len(whole)):
        with pytest.raises(LocalError, match=r"cut: damaged key file .* put its backup in place"):
            AgentKeys.load(keep(tmp_path / "cut", whole[:end]))


def test_every_changed_bit_of_a_key_file_is_noticed(tmp_path: Path) -> None:
    made = AgentKeys.create(tmp_path / "agent.key")
    whole = (tmp_path / "agent.key").read_bytes()
    for place in range(0, len(whole), 3):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        keep(tmp_path / "changed", bytes(changed))
        try:
            read = AgentKeys.load(tmp_path / "changed")
        except LocalError:
            continue
        # X25519 ignores a few bits of its secret (RFC 7748 section 5), JSON some white space: then nothing is lost.
        assert read.public == made.public


@pytest.mark.parametrize(
    "change",
    [
        {"format": "volthood/2/keys"},
        {"more": 1},
        {"agent": {}},
        {"agent": "key"},
        {"agent": {"private": 1, "public": 2}},
        {"agent": {"private": "AA==", "public": "AA=="}},
        {"agent": {"private": "?", "public": "?"}},
    ],
)
def test_a_key_file_of_another_form_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    AgentKeys.create(tmp_path / "agent.key")
    document = json.loads((tmp_path / "agent.key").read_bytes()) | change
    with pytest.raises(LocalError, match="damaged key file"):
        AgentKeys.load(keep(tmp_path / "changed", json.dumps(document).encode()))


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff\xfe", b"00"])
def test_something_else_is_no_key_file(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match="damaged key file"):
        AgentKeys.load(keep(tmp_path / "key", content))


@pytest.mark.parametrize("content", [b"", b"00" * 31, b"00" * 33, b"0" * 63, b"xx" * 32, b"\xff" * 64])
def test_a_link_key_has_64_hex_digits(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(LocalError, match=r"key: damaged link key \(not 64 hex digits\); enrol the node again"):
        LinkKey.load(keep(tmp_path / "key", content))


def test_a_link_key_comes_back_from_its_file(tmp_path: Path) -> None:
    made = LinkKey.create(tmp_path / "link.key")
    assert LinkKey.load(tmp_path / "link.key").secret == made.secret
    assert len((tmp_path / "link.key").read_text().strip()) == 64
