"""Takes a release in pieces, over any number of starts, and puts it in place. Where the bytes come from is not its business.

What is on flash is the state: `offered` (the folder it is for and its signed manifest, written once that is verified and
the folder is empty), `<folder>.list`, and the files in the folder. Only one piece is ever right, the one that goes on
where they end; any other changes nothing. Every answer says where to go on.
"""

import hashlib

from volthood.wire.cbor_writer import WireError
from volthood.wire.rows import release_text
from voltnode.on_demand import once
from voltnode.selector import RELEASE, TRIAL, other, read_pointer, write_pointer
from voltnode.update.filelist import Cursor, check_steps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator
    from typing import Any

    from voltnode.update.folder import CodeFlash
    from voltnode.update.manifest import Manifest

OFFERED = "offered"
_CHUNK_BYTES = 512
_RULES = "voltnode.update.manifest"
"""Looked at when a release is offered; its pieces then have the memory."""


def _opened(signed: bytes) -> "Manifest":
    manifest: Manifest = once(_RULES, "opened")(signed)
    return manifest


class Staging:
    """One node's updates.

    Args:
        flash: the root of the board's file system.
        running: the folder whose program runs, empty where nobody selected it; `release` is its number.
        hardware: the board's.
        key: the release key, empty where there is none.
        pause: awaited between steps of a computation.
        quiet: awaited before each change of the flash, which then runs between two transactions of the bus.
    """

    def __init__(
        self,
        flash: "CodeFlash",
        running: str,
        release: str,
        hardware: str,
        key: bytes,
        pause: "Callable[[], Awaitable[None]]",
        quiet: "Callable[[], Awaitable[None]]",
    ) -> None:
        self._flash = flash
        self._running = running
        self._release = release
        self._hardware = hardware
        self._key = key
        self._pause = pause
        self._quiet = quiet
        self._slot = other(running)
        self._list = self._slot + ".list"
        self._manifest: Manifest | None = None
        self._cursor: Cursor | None = None

    async def offer(self, signed: bytes) -> int:
        """Takes a signed manifest: where to go on.

        Raises:
            WireError: it is refused.
            OSError: flash failed; the same offer may be made again. So with all that follows.
        """
        self._check_may_update()
        kept = self._slot.encode() + signed
        if self._flash.read(OFFERED) != kept:
            await self._begin(signed, kept)
        self._manifest = _opened(signed)
        return await self._next(self._manifest)

    async def piece(self, offset: int, data: bytes) -> int:
        """Takes bytes of the file list or of the files from `offset` on, if they are the next: where to go on."""
        manifest = self._offered()
        position = await self._next(manifest)
        if offset != position:
            return position
        while data:
            name, left = self._target(manifest)
            if not left:
                break
            await self._quiet()
            self._flash.append(name, data[:left])
            position += min(left, len(data))
            data = data[left:]
            after = await self._next(manifest)
            if after != position:
                return after
        return position

    def _target(self, manifest: "Manifest") -> "tuple[str, int]":
        """The file that the next byte belongs to, and how many it lacks; 0 where nothing is missing any more."""
        if self._cursor is None:
            return self._list, manifest.list_bytes - self._flash.size(self._list)
        return self._slot + "/" + self._cursor.path, self._cursor.left()

    async def apply(self) -> "tuple[int, bool]":
        """Puts the release in place if it is whole: where to go on, and whether the board must start again now."""
        self._check_may_update()
        manifest = self._offered()
        position = await self._next(manifest)
        if self._cursor is None or self._cursor.path or await self._remove_damaged(self._cursor):
            return await self._next(manifest), False
        await self._quiet()
        self._flash.replace(self._slot + "/" + RELEASE, release_text(manifest.release).encode())
        await self._quiet()
        write_pointer(self._flash, self._slot, TRIAL, 0)
        self._forget()
        return position, True

    async def drop(self) -> None:
        """Gives up what was offered."""
        await self._quiet()
        self._forget()

    def _forget(self) -> None:
        self._manifest = self._cursor = None
        self._flash.remove(OFFERED)
        self._flash.remove(self._list)

    def _check_may_update(self) -> None:
        found = read_pointer(self._flash)
        if not self._running or found is None:
            raise WireError("not_selected", "the selector did not start this program")
        if found[0] != self._running:
            raise WireError("restarting", "the board is about to start again")
        if found[1] == TRIAL:
            raise WireError("on_trial", "%s has no receipt yet" % self._release)

    def _offered(self) -> "Manifest":
        if self._manifest is None:
            kept = self._flash.read(OFFERED) or b""
            if kept[:1] != self._slot.encode():
                raise WireError("nothing_offered", "the manifest first")
            self._manifest = _opened(kept[1:])
        return self._manifest

    async def _begin(self, signed: bytes, kept: bytes) -> None:
        manifest = await self._finish(once(_RULES, "open_steps")(signed, self._key))
        names = self._flash.under(self._slot)
        freed = sum([self._flash.size(name) for name in names])
        once(_RULES, "check_fits")(manifest, self._release, self._hardware, self._flash.free() + freed)
        await self.drop()
        # The release first: a folder that lacks files must never look whole.
        for name in [self._slot + "/" + RELEASE] + names:
            await self._quiet()
            self._flash.remove(name)
        await self._quiet()
        self._flash.replace(OFFERED, kept)

    async def _next(self, manifest: "Manifest") -> int:
        """Where to go on. Raises WireError (`list_refused`): what is signed is wrong, and is given up."""
        if self._cursor is None:
            have = self._flash.size(self._list)
            if have < manifest.list_bytes:
                return have
            if await self._hash(self._list) != manifest.list_hash:
                await self._quiet()
                self._flash.remove(self._list)
                return 0
            try:
                await self._finish(check_steps(self._flash, self._list, manifest))
            except WireError:
                await self.drop()
                raise
            self._cursor = Cursor(self._flash, self._list, manifest.list_bytes, self._slot)
        await self._finish(self._cursor.steps())
        return manifest.list_bytes + self._cursor.position()

    async def _remove_damaged(self, cursor: Cursor) -> bool:
        """Whether a file is not what the list says. The first such is removed, and the cursor stands there."""
        cursor.rewind()
        while cursor.take_row():
            name = self._slot + "/" + cursor.path
            if await self._hash(name) != cursor.digest:
                await self._quiet()
                self._flash.remove(name)
                return True
        return False

    async def _hash(self, name: str) -> bytes:
        digest = hashlib.sha256()
        at, data = 0, b"-"
        while data:
            data = self._flash.read_at(name, at, _CHUNK_BYTES)
            digest.update(data)
            at += len(data)
            await self._pause()
        return digest.digest()

    async def _finish(self, steps: "Generator[None, None, Any]") -> "Any":
        try:
            while True:
                next(steps)
                await self._pause()
        except StopIteration as end:
            return end.value
