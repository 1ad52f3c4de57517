"""The verb `update` and the trial on a node in memory: what is answered, confirmed, given up, and forgiven."""

import asyncio
from pathlib import Path

import pytest

from tests.firmware.update_releases import NEW, OLD, XY, bundle
from volthood.wire.cbor import WireError
from volthood.wire.update import APPLY, DROP, OFFER, PIECE, Progress, Step
from volthood_tools.memory_board import MemoryBoard
from voltnode.boots import MIRROR_FILE
from voltnode.console.commands import Context, execute
from voltnode.main import TRIAL_MS, Node
from voltnode.selector import BACK, GOOD, POINTER, TRIAL, read_pointer, running, write_pointer
from voltnode.update import KEY_FILE, trial
from voltnode.update.folder import CodeFolder
from voltnode.update.serve import update
from voltnode.verbs import Call, VerbError

SENT = bundle(hardware="memory")


@pytest.fixture
def board(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MemoryBoard:
    """A board whose selector started folder a below its root."""
    made = MemoryBoard()
    made.root = str(tmp_path)
    flash = CodeFolder(made.root)
    write_pointer(flash, "a", GOOD, 0)
    flash.append("a/release", OLD.encode())
    flash.append(KEY_FILE, XY)
    monkeypatch.syspath_prepend(f"{tmp_path}/a")
    return made


def pointer(board: MemoryBoard) -> tuple[str, str, int] | None:
    return read_pointer(CodeFolder(str(board.root)))


def ask(node: Node, action: int, offset: int = 0, data: bytes = b"") -> tuple[Progress, Call]:
    """What comes of one step."""

    async def run() -> tuple[Progress, Call]:
        call = Call(node, Step(action=action, offset=offset, data=data).to_cbor())
        answering = asyncio.ensure_future(update(call))
        while not answering.done():
            await node.board.advance(1)  # type: ignore[attr-defined]
        return Progress.from_cbor(answering.result()), call

    return asyncio.run(run())


def test_a_whole_update_by_verbs(board: MemoryBoard) -> None:
    node = Node(board)
    position = ask(node, OFFER, data=SENT.signed)[0].next
    while position < len(SENT.stream):
        position = ask(node, PIECE, position, SENT.stream[position : position + 832])[0].next
    progress, call = ask(node, APPLY)
    assert progress.applied
    assert pointer(board) == ("b", TRIAL, 0)
    call.then()
    assert board.restarts == 1
    assert dict(node.log.counts)["update_applied"] == 1


def test_what_is_no_step_or_comes_at_the_wrong_time_is_refused(board: MemoryBoard) -> None:
    node = Node(board)
    with pytest.raises(WireError, match="nothing_offered"):
        ask(node, APPLY)
    Path(str(board.root), KEY_FILE).write_bytes(XY[32:] + XY[:32])
    node.verbs.kept = None
    with pytest.raises(WireError, match="kid_unknown"):
        ask(node, OFFER, data=SENT.signed)
    with pytest.raises(WireError):
        asyncio.run(update(Call(node, b"\xa1\x01\x01")))
    assert ask(node, DROP)[0].next == 0


def test_a_board_without_a_selector_takes_no_update() -> None:
    with pytest.raises(VerbError) as caught:
        ask(Node(MemoryBoard()), OFFER, data=SENT.signed)
    assert caught.value.reason == "not_selected"


def test_flash_that_fails_is_said_and_seen_anew(board: MemoryBoard) -> None:
    node = Node(board)
    ask(node, OFFER, data=SENT.signed)
    in_the_way = Path(str(board.root), "b.list")
    in_the_way.mkdir()
    with pytest.raises(VerbError) as caught:
        ask(node, PIECE, 0, SENT.stream[:100])
    assert caught.value.reason == "flash_failed"
    in_the_way.rmdir()
    assert ask(node, PIECE, 0, SENT.stream[:100])[0].next == 100


def status(node: Node) -> dict[str, object]:
    answer, _ = asyncio.run(execute(Context(node), b"update status --json"))
    return dict(answer)


def test_the_console_says_where_an_update_stands(board: MemoryBoard) -> None:
    node = Node(board)
    said = status(node)
    assert (said["release"], said["slot"], said["state"], said["tries_left"]) == (OLD, "a", "good", None)
    assert (said["offered"], said["staged_bytes"], said["other_release"]) == (None, 0, None)
    ask(node, OFFER, data=SENT.signed)
    ask(node, PIECE, 0, SENT.stream[:500])
    said = status(node)
    assert (said["offered"], said["staged_bytes"], said["total_bytes"]) == (NEW, 500, len(SENT.stream))
    write_pointer(CodeFolder(str(board.root)), "a", TRIAL, 2)
    assert status(node)["tries_left"] == 1
    Path(str(board.root), POINTER).write_bytes(b"decayed")
    assert status(node)["state"] == "pointer damaged"
    board.root = None
    assert "by hand" in str(status(node)["state"])


def on_trial(board: MemoryBoard, count: int = 1) -> Node:
    write_pointer(CodeFolder(str(board.root)), "a", TRIAL, count)
    return Node(board)


def test_a_receipt_for_an_old_record_keeps_nothing(board: MemoryBoard) -> None:
    node = on_trial(board)
    node.link.receipts = 1
    node.watch_trial()
    assert pointer(board) == ("a", TRIAL, 1)


def test_a_receipt_for_a_record_of_the_new_program_keeps_it(board: MemoryBoard) -> None:
    node = on_trial(board)
    node.link.receipts = 1
    node.ring.receipt = node.ring.greatest + 1
    node.watch_trial()
    assert pointer(board) == ("a", GOOD, 0)
    assert dict(node.log.counts)["update_confirmed"] == 1


def test_a_start_without_a_receipt_ends_by_itself(board: MemoryBoard) -> None:
    node = on_trial(board)
    board._now_ms = TRIAL_MS
    node.watch_trial()
    assert board.restarts == 0
    board._now_ms = TRIAL_MS + 1
    node.watch_trial()
    assert board.restarts == 1
    assert pointer(board) == ("a", TRIAL, 1)


def test_a_kept_program_is_never_ended_for_want_of_receipts(board: MemoryBoard) -> None:
    node = Node(board)
    board._now_ms = 10 * TRIAL_MS
    node.watch_trial()
    assert board.restarts == 0


def test_who_is_back_is_not_in_safe_mode_for_the_failures_of_the_other(board: MemoryBoard) -> None:
    write_pointer(CodeFolder(str(board.root)), "a", BACK, 1)
    board.keep_boot_memory(b"the other program failed three times")
    board.flash.replace(MIRROR_FILE, b"so often")
    trial.forgive(board)
    assert board.boot_memory() == b""
    assert MIRROR_FILE not in board.flash.files
    node = Node(board)
    assert not node.boots.safe
    assert dict(node.log.counts)["update_rolled_back"] == 1
    assert pointer(board) == ("a", BACK, 0)
    board.keep_boot_memory(b"its own")
    trial.forgive(board)
    assert board.boot_memory() == b"its own"


def test_a_program_that_the_pointer_does_not_name_is_on_no_trial(board: MemoryBoard) -> None:
    write_pointer(CodeFolder(str(board.root)), "b", TRIAL, 1)
    assert trial.begin(Node(board)) is None


def test_a_program_knows_its_folder(board: MemoryBoard) -> None:
    root = str(board.root)
    assert running(root) == "a"
    assert running(root[:-1]) == ""
    assert running("") == ""
