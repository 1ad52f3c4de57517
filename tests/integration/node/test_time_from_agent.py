"""A household that is switched on for the first time: its node has no clock, TLS needs one, and the agent tells the time."""

import json
from pathlib import Path

import pytest

from volthood.adapters.store_sql import SqlReadingStore
from volthood.wire.record import RELATIVE, SYNCHRONISED, unpack_record
from volthood_tools import onehome
from volthood_tools.broker.choice import find_mosquitto, free_port
from volthood_tools.onehome import OneHome
from volthood_tools.virtual_board import VirtualBoard, find_micropython

FAULTY_BOARD = Path(__file__).with_name("faulty_board.py")
START_S = 1_795_000_000 // 900 * 900 - 30
QUICK = {"voltnode.edges": {"MINUTE_MS": 1000}, "voltnode.recorder": {"HOLD_MS": 0}}


def test_the_agent_tells_its_node_the_time_and_stamps_what_came_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    micropython = find_micropython()
    if micropython is None or find_mosquitto() is None:
        pytest.skip("no micropython or no mosquitto")
    sntp_port = free_port()
    serving = f'file = "clock.json"\nserve_sntp_port = {sntp_port}\n'
    monkeypatch.setattr(onehome, "_AGENT", onehome._AGENT.replace('file = "clock.json"\n', serving))
    monkeypatch.setattr(onehome, "START_S", START_S)
    (tmp_path / "faults.json").write_text(json.dumps({"set": QUICK}))
    board = VirtualBoard(
        flash=tmp_path / "flash",
        uart=tmp_path / "meter",
        console=tmp_path / "console",
        micropython=micropython,
        time_server=f"127.0.0.1:{sntp_port}",
        sample_ms=200,
        heap="1m",
    )
    at = board.command.index("-m")
    quick = (str(FAULTY_BOARD), str(tmp_path / "faults.json"))
    board.command = (*board.command[:at], *quick, *board.command[at + 2 :])
    with OneHome(tmp_path, board, speed=1) as home:
        home.start()
        assert home.ask("time")["source"] == f"127.0.0.1:{sntp_port}"
        first = home.ask("queue")["greatest"]
        home.await_(lambda: int(str(home.ask("queue")["receipt"])) > int(str(first)) + 1, "the agent has them all")
    with SqlReadingStore.open(tmp_path / "readings.db", read_only=True) as readings:
        kept = [(unpack_record(row.data)[1], row.time_s) for row in readings.all_records()]
    stamped = [(record, time_s) for record, time_s in kept if record.quality == RELATIVE]
    known = [record.time_s for record, _ in kept if record.quality == SYNCHRONISED]
    assert stamped
    assert known
    for record, time_s in stamped:
        assert record.time_s < 600, "the signed time stays what it was"
        assert known[0] - 120 < time_s <= known[0] + 2
    assert [time_s for _, time_s in stamped] == sorted(time_s for _, time_s in stamped)
