"""`volthood-release` as a releaser uses it: keys, bundles, and what is said where something is wrong."""

import stat
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.firmware.update_releases import bundle
from volthood.core.release import unpack_bundle
from volthood_tools.release.cli import main
from voltnode.selector import choose
from voltnode.update.folder import CodeFolder


def run(*arguments: object, fails: bool = False) -> str:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == (1 if fails else 0), done.output
    return done.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A releaser's folder: a key, and a bundle of this tree."""
    made = tmp_path_factory.mktemp("releaser")
    run("key", "new", made / "key.pem")
    run("build", "--key", made / "key.pem", "--out", made / "release.vhu")
    return made


def test_a_release_is_built_verified_and_shown(folder: Path) -> None:
    assert "release 0.1.0" in run("verify", folder / "release.vhu", "--key", folder / "key.pem")
    shown = run("show", folder / "release.vhu", "--files")
    assert "for esp32" in shown
    assert "voltnode/joined.mpy" in shown
    assert "% of 122880" in shown


def test_the_same_tree_and_key_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    run("build", "--key", folder / "key.pem", "--out", tmp_path / "again.vhu")
    assert (tmp_path / "again.vhu").read_bytes() == (folder / "release.vhu").read_bytes()


def test_a_key_is_the_owners_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    assert "not encrypted" in run("key", "new", path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "never overwritten" in run("key", "new", path, fails=True)


def test_an_encrypted_key_wants_its_password(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    run("key", "new", path, "--password", "right")
    assert "another password" in run("sign", folder / "release.vhu", "--key", path, fails=True)
    assert "another password" in run("sign", folder / "release.vhu", "--key", path, "--password", "wrong", fails=True)
    run("sign", folder / "release.vhu", "--key", path, "--password", "right", "--out", tmp_path / "mine.vhu")
    public = tmp_path / "release.key"
    run("key", "public", path, "--password", "right", "--out", public)
    assert len(public.read_bytes()) == 64
    run("verify", tmp_path / "mine.vhu", "--key", public)


def test_another_signature_leaves_the_contents(folder: Path, tmp_path: Path) -> None:
    run("key", "new", tmp_path / "other.pem")
    run("sign", folder / "release.vhu", "--key", tmp_path / "other.pem", "--out", tmp_path / "mine.vhu")
    run("key", "public", tmp_path / "other.pem", "--out", tmp_path / "public.pem")
    run("verify", tmp_path / "mine.vhu", "--key", tmp_path / "public.pem")
    assert "not signed" in run("verify", tmp_path / "mine.vhu", "--key", folder / "key.pem", fails=True)
    ours, theirs = (unpack_bundle(path.read_bytes()) for path in (tmp_path / "mine.vhu", folder / "release.vhu"))
    assert (ours.stream, ours.manifest) == (theirs.stream, theirs.manifest)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "no bundle"), (b"VHU1\x00\x05abcde", "VHU1"), (bundle().pack()[:-1], "cut off"), (b"MZ" * 99, "no bundle")],
)
def test_what_is_no_bundle_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "VHU1.vhu"
    path.write_bytes(content)
    assert said in run("show", path, fails=True)


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", b"x" * 63])
def test_what_is_no_key_is_named(folder: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(content)
    assert "not a" in run("verify", folder / "release.vhu", "--key", path, fails=True)
    assert "not a" in run("sign", folder / "release.vhu", "--key", path, fails=True)


def test_missing_files_and_senseless_options_are_named(folder: Path, tmp_path: Path) -> None:
    assert "No such file" in run("show", tmp_path / "gone", fails=True)
    assert "key new" in run("build", "--key", tmp_path / "gone", fails=True)
    assert "1.2.3" in run("build", "--key", folder / "key.pem", "--minimum", "1.2", fails=True)


def test_a_board_is_laid_out_once(folder: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    run("install", folder / "release.vhu", root, "--key", folder / "key.pem")
    names = {path.name for path in root.iterdir()}
    assert names == {"main.py", "selector.mpy", "folder.mpy", "boot", "release.key", "a"}
    assert choose(CodeFolder(str(root))) == "a"
    assert (root / "a" / "release").read_text() == "0.1.0"
    assert "not empty" in run("install", folder / "release.vhu", root, "--key", folder / "key.pem", fails=True)


def test_a_board_gets_no_program_that_its_key_did_not_sign(folder: Path, tmp_path: Path) -> None:
    run("key", "new", tmp_path / "other.pem")
    arguments = ("install", folder / "release.vhu", tmp_path / "root", "--key", tmp_path / "other.pem")
    assert "take no update" in run(*arguments, fails=True)
