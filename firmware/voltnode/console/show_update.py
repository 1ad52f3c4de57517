"""`update status`: which release runs, from which folder, whether it is kept, and what is being downloaded."""

import voltnode
from volthood.wire.keys import key_hash, spki_p256
from volthood.wire.rows import release_text
from voltnode.selector import MAX_TRIES, RELEASE, TRIAL, other, read_pointer, running
from voltnode.update import KEY_FILE
from voltnode.update.folder import CodeFolder
from voltnode.update.manifest import KEY_BYTES, opened
from voltnode.update.staging import OFFERED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.commands import Answer, Context


def show_update(context: "Context", _: str) -> "Answer":
    """See `commands`."""
    board = context.node.board
    answer: Answer = [("release", voltnode.VERSION), ("hardware", board.hardware)]
    slot = "" if board.root is None else running(board.root)
    if not slot or board.root is None:
        return answer + [("state", "not selected: this program was started by hand, and takes no updates")]
    flash = CodeFolder(board.root)
    found = read_pointer(flash)
    _, state, number = found or (slot, "pointer damaged", 0)
    beside = flash.read(other(slot) + "/" + RELEASE)
    answer += [
        ("slot", slot),
        ("state", state),
        ("tries_left", MAX_TRIES - number if state == TRIAL else None),
        ("other_release", beside.decode() if beside else None),
        ("release_key", _fingerprint(flash.read(KEY_FILE) or b"")),
    ]
    return answer + _staged(flash, other(slot))


def _staged(flash: "CodeFolder", slot: str) -> "Answer":
    kept = flash.read(OFFERED) or b""
    if kept[:1] != slot.encode():
        return [("offered", None), ("staged_bytes", 0), ("total_bytes", 0)]
    manifest = opened(kept[1:])
    staged = flash.size(slot + ".list") + sum([flash.size(name) for name in flash.under(slot)])
    total = manifest.list_bytes + manifest.content_bytes
    return [("offered", release_text(manifest.release)), ("staged_bytes", staged), ("total_bytes", total)]


def _fingerprint(key: bytes) -> "str | None":
    """The first half of the key's SHA-256, as `volthood-release key show` gives it."""
    return key_hash(spki_p256(key))[:16].hex() if len(key) == KEY_BYTES else None
