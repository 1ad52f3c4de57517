"""A node reads meters behind the household's connection too: their records are kept, and never become its energy."""

from typing import Any

from volthood.core.energy import CONNECTION
from volthood.engine.records import taken_apart
from volthood.testing.intruder import outcome
from volthood.testing.neighbourhood import START, Home, Neighbourhood

HOMES = [Home("h0", 500), Home("h1", -800), Home("h2", 250)]
END_S = START + 3 * 900 + 700
SUB_METER: dict[str, Any] = {"index": 1, "meter": b"heatpump", "export_wh": 0, "power_w": 2000}


def played(*, sub_meter: bool) -> Neighbourhood:
    """Some slots in which h0's node may have a second meter, whose register leaps by 100 kWh each slot."""
    hood = Neighbourhood(HOMES)
    house = hood.houses["h0"]
    for edge_s in range(START, END_S, 900):
        hood.run_until(edge_s + 20)
        if sub_meter:
            leap_wh = (edge_s - START) // 900 * 100_000
            # Nearer to the edge than the connection's own: by time alone it would be taken for it.
            record = house.meter.slot_record(edge_s, **(SUB_METER | {"import_wh": 9_000_000 + leap_wh}))
            house.keep(record)
            hood.record("h0", record)
    hood.run_until(END_S)
    return hood


def test_a_sub_meter_changes_no_energy_no_contract_and_no_bill() -> None:
    alone, beside = played(sub_meter=False), played(sub_meter=True)
    assert outcome(beside)[1] == outcome(alone)[1]
    house = beside.houses["h0"]
    metered = house.books(beside.hood).energies(START, END_S)
    assert len(metered) == 3
    assert metered == alone.houses["h0"].books(alone.hood).energies(START, END_S)
    kept = [taken_apart(stored.data)[1] for stored in house.readings.all_records()]
    assert {record.index for record in kept} == {CONNECTION, 1}
    assert not house.ring
    assert house.refused() == []
    assert "RecordOdd" not in {row.name for row in house.events()}
