"""Releases for the tests of updates: small, signed with a key of the tests."""

import asyncio
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric import ec

from volthood.core.release import Bundle
from volthood.wire.cbor import WireError
from volthood.wire.update import APPLY, OFFER, PIECE
from volthood_tools.memory_board import MemoryFlash
from volthood_tools.release.bundle import Contents, make_bundle
from volthood_tools.release.signing import public_of
from voltnode.selector import GOOD, write_pointer
from voltnode.update.staging import Staging

KEY = ec.derive_private_key(20_261_124, ec.SECP256R1())
XY = public_of(KEY.public_key())
OLD, NEW = "0.1.0", "0.2.0"


def files(release: str, sizes: tuple[int, ...] = (700, 1, 2000, 90)) -> dict[str, bytes]:
    """Files of a release, their contents as its number says."""
    seed = release.encode()
    return {f"voltnode/part{i}.mpy": (seed * size)[:size] for i, size in enumerate(sizes)}


def bundle(
    release: str = NEW, *, sizes: tuple[int, ...] = (700, 1, 2000, 90), minimum: str = OLD, **other: object
) -> Bundle:
    values = {"release": release, "hardware": "esp32", "files": files(release, sizes), "mpy": 0} | other
    return make_bundle(Contents(**values), KEY, minimum)  # type: ignore[arg-type]


def board_flash() -> MemoryFlash:
    """A board's root with the old release in folder a, and remains of an even older one in b."""
    flash = MemoryFlash()
    for name, content in files(OLD).items():
        flash.files[f"a/{name}"] = content
        flash.files[f"b/{name}"] = b"remains"
    flash.files |= {"a/release": OLD.encode(), "b/release": b"0.0.9", "b/voltnode/gone.mpy": b"remains"}
    write_pointer(flash, "a", GOOD, 0)
    flash.operations = 0
    return flash


async def nothing() -> None:
    """No pause."""


def staging(flash: MemoryFlash, *, running: str = "a", release: str = OLD, key: bytes = XY) -> Staging:
    return Staging(flash, running, release, "esp32", key, nothing, nothing)


def pieces(stream: bytes, at: int, size: int = 300) -> Iterator[tuple[int, bytes]]:
    while at < len(stream):
        yield at, stream[at : at + size]
        at += size


def send(update: Staging, sent: Bundle, size: int = 300) -> bool:
    """Sends all of a release and has it applied; whether it was."""

    async def run() -> bool:
        position = await update.offer(sent.signed)
        while position < len(sent.stream):
            position = await update.piece(position, sent.stream[position : position + size])
        return (await update.apply())[1]

    return asyncio.run(run())


def whole(flash: MemoryFlash, slot: str, release: str) -> bool:
    """Whether a folder holds all of a release and nothing else."""
    expected = {f"{slot}/{name}": content for name, content in files(release).items()}
    found = {name: flash.files[name] for name in flash.under(slot)}
    return found == expected | {f"{slot}/release": release.encode()}


def run_steps(update: Staging, steps: list[tuple[int, int, bytes]]) -> list[object]:
    """What a node answers to steps, one after the other: where to go on, what came of `apply`, or the reason of a refusal."""

    async def answer(action: int, offset: int, data: bytes) -> object:
        if action == OFFER:
            return await update.offer(data)
        if action == PIECE:
            return await update.piece(offset, data)
        if action == APPLY:
            return "applied" if (await update.apply())[1] else "not whole"
        await update.drop()
        return "dropped"

    async def run() -> list[object]:
        found: list[object] = []
        for step in steps:
            try:
                found.append(await answer(*step))
            except WireError as error:
                found.append(error.reason)
        return found

    return asyncio.run(run())
