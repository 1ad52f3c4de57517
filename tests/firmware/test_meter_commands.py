"""The console's commands for meters, bus and settings, on a node with simulated meters."""

import json
from typing import Any

import pytest

from volthood_tools.memory_meters import MeterBench
from voltnode.meters import NAMES, UNVERIFIED

TWO = [{"model": "eastron_sdm630", "unit": 1}, {"model": "carlo_gavazzi_em24", "unit": 5}]
GATEWAY = "192.168.1.7:502"


def two(**more: Any) -> Any:
    return MeterBench({1: "eastron_sdm630", 5: "carlo_gavazzi_em24"}, meters=TWO, **more)


def test_the_list_tells_what_an_installer_should_know() -> None:
    sdm, em24 = two().ask("meter list")["meters"]
    assert (sdm["meter"], sdm["model"], sdm["unit"], sdm["where"]) == (0, "eastron_sdm630", 1, "rtu")
    assert (sdm["serial"], sdm["verified"], sdm["error"], sdm["warning"]) == ("1", True, "", "")
    assert em24["resolution_wh"] == 100
    assert em24["disputed"] == ["energy_import"]
    assert "reactive_power_total" in em24["single_source"]
    assert em24["warning"] == "counts in 100 Wh steps; compare what is disputed with the display"


def test_the_list_of_all_models_says_which_nobody_has_checked() -> None:
    models = {row["model"]: row for row in two().ask("meter list all")["models"]}
    assert set(models) == set(NAMES + UNVERIFIED)
    assert {name for name, row in models.items() if not row["verified"]} == set(UNVERIFIED)
    assert models["abb_b21"]["warning"].startswith("nobody has checked this table")
    assert models["eastron_sdm120"]["line"] == "2400 N1"
    assert models["abb_b23"]["line"] == "unknown"


def test_a_reading_of_each_meter_and_of_none() -> None:
    bench = two()
    assert bench.ask("meter read")["meter"] == 0
    answer = bench.ask("meter read 1")
    assert (answer["meter"], answer["serial"], answer["power_w"], answer["resolution_wh"]) == (1, "5", 1500, 100)
    notes = {row["quantity"]: row["note"] for row in answer["registers"]}
    assert notes["energy_import"] == "disputed"
    assert notes["voltage_l1"] == "optional"
    assert notes["power_total"] == ""
    for word in ("2", "-1", "x", "99999"):
        assert bench.ask("meter read " + word)["error"] == "no_such_meter"


def test_watching_shows_a_line_a_second_until_a_key() -> None:
    shown = two().type(b"", b"meter watch 1\r", b"", b"", b"x", b"id\r", run_ms=9000, every_ms=1500)
    lines = [line for line in shown.split("\r\n") if "1500 W" in line]
    assert 3 <= len(lines) <= 5
    assert "  L1 22" in lines[0]
    assert " W  50.00 Hz" in lines[0]
    assert "fingerprint: " in shown[shown.rfind("1500 W") :]
    assert "xid" not in shown


def test_watching_as_json_is_one_object_with_all_readings() -> None:
    answer = two().ask("meter watch 0 3", run_ms=6000)
    assert [row["power_w"] for row in answer["readings"]] == [1500] * 3
    assert two().ask("meter watch 0 61")["error"] == "seconds_invalid"


def test_bus_statistics_of_each_meter() -> None:
    bench = MeterBench({1: "eastron_sdm630"}, meters=[*TWO, {"model": "sunspec", "where": GATEWAY}])
    rows = bench.ask("bus stats")["meters"]
    assert [(row["meter"], row["unit"], row["where"]) for row in rows] == [
        (0, 1, "rtu"),
        (1, 5, "rtu"),
        (2, 1, GATEWAY),
    ]
    assert rows[0]["ok"] > 2
    assert rows[1]["timeouts"] > 0
    assert rows[2]["port_errors"] > 0
    assert rows[0]["timeouts"] == rows[1]["ok"] == 0


def test_a_trace_comes_between_prompts_and_leaves_the_line_that_is_typed() -> None:
    shown = two().type(b"bus trace on\r", b"i", b"", b"", b"d\r", b"bus trace off\r", b"", run_ms=7000)
    traced = [line for line in shown.split("\r\n") if " > 01 04 " in line]
    assert traced
    assert " ok " in traced[0]
    assert traced[0].endswith(" ms")
    assert "\r\n> i" in shown
    assert "fingerprint: " in shown
    assert " > 01" not in shown[shown.rfind("trace: False") :]


def test_a_program_traces_too() -> None:
    shown = two().type(b"", b"bus trace on --json\r", run_ms=4000)
    assert '{"trace": true}' in shown
    assert [line for line in shown.split("\r\n") if " > 05 04 " in line and "{" not in line]
    assert two().ask("bus trace maybe")["error"] == "option_invalid"


def test_probing_finds_speed_parity_address_and_model_and_changes_nothing() -> None:
    bench = MeterBench({1: "eastron_sdm630", 7: "eastron_sdm120"}, baud=9600)
    bench.uart.lines = {1: (9600, "N", 1), 7: (2400, "E", 1)}
    before = bench.board.settings
    answer = bench.ask("meter probe 1-8 2400", run_ms=60_000)
    (found,) = answer["found"]
    assert (found["unit"], found["model"], found["serial"], found["verified"]) == (7, "eastron_sdm120", "7", True)
    assert (found["baud"], found["parity"], found["stop_bits"]) == (2400, "E", 1)
    assert answer["set"] == ["config set PIN baud=2400 parity=E stop_bits=1 meter.0=eastron_sdm120,7,rtu"]
    assert bench.board.settings == before
    assert bench.uart.settings == (9600, "N", 1)
    assert bench.node.sampler.failures == 0
    assert bench.node.sampler.latest_ms > 50_000


def test_probing_beside_a_meter_that_is_read_finds_the_other_one() -> None:
    bench = MeterBench({1: "eastron_sdm630", 3: "abb_b23", 4: "abb_b21"}, baud=9600)
    answer = bench.ask("meter probe 1-5", run_ms=30_000, first_ms=3000)
    assert [(row["unit"], row["model"]) for row in answer["found"]] == [
        (1, "eastron_sdm630"),
        (3, "abb_b23"),
        (4, "abb_b21"),
    ]
    assert answer["set"][2].endswith("meter.0=abb_b21,4,rtu,unverified")


@pytest.mark.parametrize("name", [name for name in NAMES if name != "sunspec"] + list(UNVERIFIED) + ["sunspec_203"])
def test_a_model_is_among_the_candidates_or_found(name: str) -> None:
    bench = MeterBench({20: name}, baud=9600)
    answer = bench.ask("meter probe 20 9600", run_ms=200_000)
    (found,) = answer["found"]
    expected = name.partition("_2")[0] if name.startswith("sunspec") else name
    assert expected in (found["model"], *found["candidates"]), found


def test_a_key_ends_probing_with_what_was_found() -> None:
    shown = two(baud=9600).type(b"", b"meter probe 2-200\r", b"", b"", b"q", b"id\r", run_ms=20_000, every_ms=2000)
    assert "9600 Bd N1: addresses 2-200" in shown
    assert "stopped: True" in shown
    assert "model=carlo_gavazzi_em24" in shown
    assert "fingerprint: " in shown


def test_probing_a_gateway() -> None:
    bench = MeterBench({1: "eastron_sdm630"}, tcp={GATEWAY: {3: "sunspec_203"}})
    answer = bench.ask(f"meter probe {GATEWAY} 3", run_ms=30_000)
    assert [(row["unit"], row["model"], row["where"]) for row in answer["found"]] == [(3, "sunspec", GATEWAY)]
    assert bench.ask("meter probe nobody:502")["error"] == "port"
    for word in ("0", "1-", "5-2", "1-248", "x", "host:0"):
        assert bench.ask("meter probe " + word)["error"] == "option_invalid"


def test_settings_are_shown_with_their_range_and_without_secrets() -> None:
    answer = two().ask("config get")
    shown = {row["name"]: row for row in answer["settings"]}
    assert shown["sample_ms"] == {"name": "sample_ms", "value": 1000, "range": "100 to 60000 ms"}
    assert answer["meters"][1]["model"] == "carlo_gavazzi_em24"


def test_other_meters_are_read_at_once_and_after_a_restart() -> None:
    bench = MeterBench({1: "eastron_sdm630", 5: "carlo_gavazzi_em24"})
    answer = bench.ask("config set sample_ms=500 meter.1=carlo_gavazzi_em24,5")
    assert answer == {"changed": ["meters", "sample_ms"], "after_reboot": []}
    assert [row["serial"] for row in bench.ask("meter list")["meters"]] == ["1", "5"]
    again = MeterBench({1: "eastron_sdm630", 5: "carlo_gavazzi_em24"}, flash=bench.board.flash)
    assert again.board.settings["sample_ms"] == 500
    assert [row["serial"] for row in again.ask("meter list")["meters"]] == ["1", "5"]
    assert again.ask("config set meter.1=")["changed"] == ["meters"]
    assert len(again.ask("meter list")["meters"]) == 1


def test_the_line_changes_at_once() -> None:
    bench = MeterBench({1: "eastron_sdm630"}, baud=9600)
    bench.uart.lines = {1: (19_200, "E", 1)}
    assert bench.ask("meter read")["error"] == "no_reading"
    assert bench.ask("config set baud=19200 parity=E")["changed"] == ["baud", "parity"]
    assert bench.ask("bus stats")["line"] == "19200 E1"
    assert bench.ask("meter read", first_ms=12_000, run_ms=20_000)["power_w"] == 1500


REFUSED = {
    "baud=12345": ("setting_refused", "baud: one of 1200, 2400"),
    "parity=X": ("setting_refused", "parity: one of N, E, O"),
    "stop_bits=3": ("setting_refused", "stop_bits: one of 1, 2"),
    "sample_ms=99": ("setting_refused", "sample_ms: 100 to 60000 ms"),
    "sample_ms=60001": ("setting_refused", "sample_ms: 100 to 60000 ms"),
    "sample_ms=fast": ("setting_refused", "sample_ms: 100 to 60000 ms"),
    "colour=red": ("setting_unknown", "colour; there are: baud"),
    "meter.0=eastron_sdm9": ("meter_unknown", "meter 0: no such model"),
    "meter.0=abb_b21": ("meter_unverified", "meter 0: nobody has checked abb_b21; accept_unverified"),
    "meter.0=abb_b23,248": ("setting_refused", "meter 0: unit is 0 (as from the factory) or 1 to 247"),
    "meter.0=abb_b23,x": ("setting_refused", "meter 0: unit"),
    "meter.0=abb_b23,1,host": ("setting_refused", "where: rtu, or HOST:PORT"),
    "meter.0=abb_b23,1,rtu,yes": ("setting_refused", "meter.0=MODEL"),
    "meter.2=abb_b23": ("no_such_meter", "meter.0 to meter.1"),
    "meter.0=": ("setting_refused", "meters: 1 to 8 meters"),
    "meter.1=abb_b23": ("setting_refused", "meter 1: another one has this address"),
    "meter.1=abb_b23,1": ("setting_refused", "meter 1: another one has this address"),
    "sample_ms=500 baud=1": ("setting_refused", "baud"),
    "": ("nothing_to_set", "config set"),
    '{"meters": 7}': ("setting_refused", "meters: 1 to 8"),
    '{"meters": [{"model": "abb_b23", "colour": 1}]}': ("setting_refused", "meter 0: model, unit, where"),
    '{"baud": true}': ("setting_refused", "baud"),
    '{"baud": 9600': ("json_invalid", "config set"),
}


@pytest.mark.parametrize("words", list(REFUSED))
def test_a_wrong_setting_is_refused_by_name_and_changes_nothing(words: str) -> None:
    bench = MeterBench({1: "eastron_sdm630"})
    before = dict(bench.board.settings)
    answer = bench.ask("config set " + words)
    reason, detail = REFUSED[words]
    assert answer["error"] == reason
    assert answer["detail"].startswith(detail)
    assert bench.board.settings == before
    assert "board" not in bench.board.flash.files


def test_changing_needs_the_pin_once_there_is_one() -> None:
    bench = MeterBench({1: "eastron_sdm630"})
    enrolment = {"house": "h", "link_key": "ab" * 32, "broker": "b:1", "pin": "1234", "tls": False}
    assert bench.ask("enrol " + json.dumps(enrolment))["enrolled"] is True
    assert bench.ask("config set sample_ms=500")["error"] == "pin_missing"
    assert bench.ask("config set 4321 sample_ms=500")["error"] == "pin_wrong"
    assert bench.board.settings["sample_ms"] == 1000
    assert bench.ask("config set 1234 sample_ms=500")["changed"] == ["sample_ms"]
    assert bench.ask('config set {"pin": "1234", "sample_ms": 700}')["changed"] == ["sample_ms"]
    assert bench.board.settings["sample_ms"] == 700


def test_meters_for_which_there_is_no_memory_are_refused_and_the_others_read_on() -> None:
    bench = MeterBench({1: "eastron_sdm630", 5: "carlo_gavazzi_em24"})
    add, added = bench.node.metering.add, []

    def short(meter: Any) -> None:
        added.append(meter)
        if len(added) > 1:
            raise MemoryError
        add(meter)

    metering: Any = bench.node.metering
    metering.add = short
    assert bench.ask("config set sample_ms=500 meter.1=carlo_gavazzi_em24,5")["error"] == "no_memory"
    assert [row["serial"] for row in bench.ask("meter list")["meters"]] == ["1"]
    assert bench.board.settings["sample_ms"] == 1000
    again = MeterBench({1: "eastron_sdm630"}, flash=bench.board.flash)
    assert len(again.board.settings["meters"]) == 1
    assert bench.ask("meter read")["age_ms"] < 2000
