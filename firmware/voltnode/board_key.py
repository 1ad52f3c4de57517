"""The key on the board's flash, and how everything is erased. Loaded at the start and for a factory reset, and dropped then."""

from voltnode.sign.keyfile import KeyFile, SignerError, open_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.hal import Board

KEY_FILE = "node.key"
SETTINGS_FILE = "board"
"""See `voltnode.settings`."""
_MAX_BYTES = 256


class FlashKeyFile(KeyFile):
    """The key's file on the board's flash."""

    def __init__(self, board: "Board") -> None:
        super().__init__(KEY_FILE)
        self._board = board

    def read(self) -> "bytes | None":
        """What the file holds; None where there is none."""
        flash = self._board.flash
        return flash.read(KEY_FILE) if flash.size(KEY_FILE) <= _MAX_BYTES else b"too long"

    def write(self, data: bytes) -> None:
        """Makes the file. Whatever another key left behind goes first: its numbers and records are not ours.

        Settings stay: whoever laid the board out wrote them before its first start, its pins among them.
        """
        _erase(self._board, SETTINGS_FILE)
        self._board.flash.replace(KEY_FILE, data)


def board_key(board: "Board") -> "tuple[int, str]":
    """(the board's private key, which is made at its first start, or 0; why there is none)."""
    try:
        return open_key(FlashKeyFile(board), board.random), ""
    except SignerError as error:
        return 0, str(error)


def erase(board: "Board") -> None:
    """Removes everything: the settings, then the key. Without a key the rest is removed again at the next start."""
    board.flash.remove(SETTINGS_FILE)
    _erase(board, "")


def _erase(board: "Board", but: str) -> None:
    board.flash.remove(KEY_FILE)
    for name in board.flash.names():
        if name != but:
            board.flash.remove(name)
    if board.raw is not None:
        from voltnode.rawring import wipe

        wipe(board.raw)
