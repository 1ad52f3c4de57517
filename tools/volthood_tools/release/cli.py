"""`volthood-release`: makes, signs and looks at releases of the board's program."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from volthood.core.release import Bundle
from volthood.wire.cbor import WireError
from volthood.wire.keys import key_hash, spki_p256
from volthood.wire.update import release_numbers, release_text
from volthood_tools.release import signing
from volthood_tools.release.build import ReleaseError
from volthood_tools.release.bundle import (
    FIRST_RELEASE,
    FLASH_BUDGET_BYTES,
    HARDWARE,
    compile_contents,
    make_bundle,
    read_bundle,
    sign_bundle,
)
from volthood_tools.release.layout import lay_out

F = TypeVar("F", bound=Callable[..., object])
_FILE = click.Path(path_type=Path, dir_okay=False)
_PASSWORD_VARIABLE = "VOLTHOOD_RELEASE_PASSWORD"  # noqa: S105 - the variable's name


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except ReleaseError as error:
        raise click.ClickException(str(error)) from error


def _password(command: F) -> F:
    return click.option(
        "--password", envvar=_PASSWORD_VARIABLE, help=f"Of the private key; also from {_PASSWORD_VARIABLE}."
    )(command)


def _key_option(command: F) -> F:
    return click.option("--key", type=_FILE, required=True, help="The releaser's private key, PEM, P-256.")(
        _password(command)
    )


def _bytes(password: str | None) -> bytes | None:
    return password.encode() if password else None


def fingerprint(xy: bytes) -> str:
    """What a public release key is compared by, as the node's `update status` gives it."""
    return key_hash(spki_p256(xy))[:16].hex()


@click.group()
def main() -> None:
    """Releases of the board's program.

    A release is one file, the bundle: the compiled program and a manifest that its releaser signed. A node takes a bundle
    (`volthood node update`) if it was signed with the release key that the node was given with its first program.
    """


@main.command()
@_key_option
@click.option(
    "--hardware", type=click.Choice(HARDWARE), default="esp32", show_default=True, help="The board it is for."
)
@click.option("--minimum", default=FIRST_RELEASE, show_default=True, help="Oldest release that it may replace.")
@click.option("--out", type=_FILE, help="The bundle. Default: volthood-HARDWARE-RELEASE.vhu in this folder.")
def build(key: Path, password: str | None, hardware: str, minimum: str, out: Path | None) -> None:
    """Compile this tree and sign it. The same tree and key give the same bytes."""
    with _plain_errors():
        try:
            release_numbers(minimum)
        except WireError as error:
            raise ReleaseError(f"--minimum {minimum}: {error.detail}") from error
        private = signing.load_private(key, _bytes(password))
        bundle = make_bundle(compile_contents(hardware), private, minimum)
        target = out or Path(f"volthood-{hardware}-{release_text(bundle.manifest.release)}.vhu")
        _write(target, bundle.pack())
    _print_size(bundle)
    click.echo(f"{target}: release {release_text(bundle.manifest.release)} for {hardware}")


@main.command()
@click.argument("bundle", type=_FILE)
@click.option("--key", type=_FILE, required=True, help="The release key: PEM of either half, or a board's release.key.")
def verify(bundle: Path, key: Path) -> None:
    """Check that a bundle is whole and signed with a release key."""
    with _plain_errors():
        found = read_bundle(bundle)
        xy = signing.load_public(key)
        if not signing.is_signed_by(found, xy):
            raise ReleaseError(f"{bundle}: not signed with the key {fingerprint(xy)}")
    click.echo(f"{bundle}: whole, release {release_text(found.manifest.release)}, signed with {fingerprint(xy)}")


@main.command()
@click.argument("bundle", type=_FILE)
@click.option("--files", "with_files", is_flag=True, help="List every file with its size and SHA-256.")
def show(bundle: Path, with_files: bool) -> None:
    """Show what a bundle holds. It is checked to be whole; who signed it is not (`verify`)."""
    with _plain_errors():
        found = read_bundle(bundle)
    manifest = found.manifest
    click.echo(f"release {release_text(manifest.release)} for {manifest.hardware}, .mpy version {manifest.mpy}")
    click.echo(f"replaces {release_text(manifest.minimum)} and newer")
    _print_size(found)
    for entry in found.entries if with_files else ():
        click.echo(f"{entry.size:7} {entry.digest.hex()} {entry.path}")


@main.command()
@_key_option
@click.argument("bundle", type=_FILE)
@click.option("--out", type=_FILE, help="The bundle signed anew. Default: the same file.")
def sign(bundle: Path, key: Path, password: str | None, out: Path | None) -> None:
    """Sign a bundle that somebody else built, with your own key: its contents stay, its signature is replaced.

    Build the same tree yourself and compare the files first (`show --files`).
    """
    with _plain_errors():
        found = read_bundle(bundle)
        signed = sign_bundle(found.manifest, found.stream, signing.load_private(key, _bytes(password)))
        _write(out or bundle, signed.pack())
    click.echo(f"{out or bundle}: signed")


@main.command()
@click.argument("bundle", type=_FILE)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--key", type=_FILE, required=True, help="The release key: PEM of either half, or a board's release.key.")
def install(bundle: Path, folder: Path, key: Path) -> None:
    """Lay out an empty FOLDER as the file system of a board with its first program, selector and release key.

    For a real board, copy it onto the flash afterwards: mpremote connect PORT cp -r FOLDER/* :
    """
    with _plain_errors():
        found, xy = read_bundle(bundle), signing.load_public(key)
        if not signing.is_signed_by(found, xy):
            raise ReleaseError(
                f"{bundle}: not signed with the key {fingerprint(xy)}: the board would take no update of it"
            )
        files = lay_out(found, xy, folder)
    click.echo(f"{folder}: {len(files)} files; the board starts release {release_text(found.manifest.release)}")


@main.group()
def key() -> None:
    """The release key: its private half is the releaser's, its public half goes onto every board."""


@key.command()
@click.argument("path", type=_FILE)
@_password
def new(path: Path, password: str | None) -> None:
    """Make a private key in the new file PATH.

    Whoever has it decides what the boards run, and a board without its other half takes no update: keep it offline, and a
    copy of it elsewhere.
    """
    with _plain_errors():
        xy = signing.new_key(path, _bytes(password))
    click.echo(f"{path}: private key, {'encrypted' if password else 'not encrypted'}; fingerprint {fingerprint(xy)}")


@key.command()
@click.argument("path", type=_FILE)
@_password
@click.option("--out", type=_FILE, help="Write it here: as PEM, or for boards where the name is release.key.")
def public(path: Path, password: str | None, out: Path | None) -> None:
    """Show the public half of a key, and write it to a file."""
    with _plain_errors():
        xy = signing.load_public(path, _bytes(password))
        if out is not None:
            _write(out, xy if out.name == "release.key" else signing.public_pem(xy))
    click.echo(f"fingerprint {fingerprint(xy)}")
    click.echo(signing.public_pem(xy).decode(), nl=False)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise ReleaseError(f"{path}: {error.strerror}") from error


def _print_size(bundle: Bundle) -> None:
    size = bundle.manifest.content_bytes
    share = 100 * size / FLASH_BUDGET_BYTES
    verdict = "" if size <= FLASH_BUDGET_BYTES else ", TOO LARGE"
    click.echo(f"{bundle.manifest.files} files, {size} bytes: {share:.0f} % of {FLASH_BUDGET_BYTES}{verdict}")
