"""The hood of a demonstration is one that agents trust: read back, signed by all, its rules as planned."""

from pathlib import Path

import pytest

from volthood.adapters.crypto import AgentKeys, verify_ed25519
from volthood.config.hood import load_hood
from volthood.core.hood_file import hood_digest
from volthood.core.membership import trust_first_roster, trust_hood_file
from volthood_tools.demo.dataset import SLOT_S, Dataset, load_packaged, with_homes, with_tariff
from volthood_tools.demo.hoodfile import PRICE_RULES, Founder, first_roster, hood_toml, steps, write_signed
from volthood_tools.demo.plan import RunPlan, make_plan
from volthood_tools.demo.streets import make_streets

# Valid P-256 points: the base point and its double (SEC 2 section 2.4.2, FIPS 186-4 test values).
POINTS = tuple(
    bytes.fromhex(x + y)
    for x, y in (
        (
            "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
        ),
        (
            "7cf27b188d034f7e8a52380304b51ac3c08969e277f21b35a60b48fc47669978",
            "07775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1",
        ),
    )
)

STREETS = make_streets("tree", with_homes(load_packaged(), 2).homes)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return with_homes(load_packaged(), 2)


@pytest.fixture(scope="module")
def plan(data: Dataset) -> RunPlan:
    return make_plan(data.start, len(data.slots), 2, None, 120)


@pytest.fixture
def founders(tmp_path: Path) -> list[Founder]:
    return [
        Founder(f"house0{n}", AgentKeys.create(tmp_path / f"{n}.key"), point, 17_250, STREETS.node_of[f"house0{n}"])
        for n, point in enumerate(POINTS, start=1)
    ]


@pytest.mark.parametrize("rule", PRICE_RULES)
def test_the_hood_is_trusted_with_the_signatures_of_all(
    founders: list[Founder], data: Dataset, plan: RunPlan, rule: str, tmp_path: Path
) -> None:
    signers = {founder.house: founder.keys for founder in founders}
    roster = first_roster(founders, "127.0.0.1:18830", plan.first_gate_s)
    write_signed(tmp_path / "roster.note", roster.to_text(), signers)
    trusted = trust_first_roster((tmp_path / "roster.note").read_bytes(), verify_ed25519)
    (tmp_path / "hood.toml").write_text(hood_toml(data, plan, rule, STREETS.grid))
    hood = load_hood(tmp_path / "hood.toml", trusted)
    write_signed(tmp_path / "hood.note", hood_digest(hood).hex() + "\n", signers)
    trust_hood_file(hood_digest(hood), (tmp_path / "hood.note").read_bytes(), trusted, verify_ed25519)
    assert hood.algorithm.startswith(rule)
    assert hood.hood_id == roster.digest
    assert hood.grid == STREETS.grid
    assert {member.house: member.node for member in hood.members} == STREETS.node_of


def test_the_rules_are_the_plans_and_the_datas(
    founders: list[Founder], data: Dataset, plan: RunPlan, tmp_path: Path
) -> None:
    (tmp_path / "hood.toml").write_text(hood_toml(data, plan, "mid-market", STREETS.grid))
    hood = load_hood(tmp_path / "hood.toml", first_roster(founders, "127.0.0.1:18830", 1))
    for slot in (*data.history_slots, *data.slots):
        assert tuple(hood.reference_at(slot)) == data.reference(slot)
    forward, balancing = hood.round_plan(data.start, 0), hood.round_plan(data.start, 255)
    assert forward.gate_s == plan.first_gate_s
    assert balancing.gate_s == data.start + SLOT_S + 600
    assert forward.contracts_end_s - forward.gate_s == 3 * 240
    assert forward.guard_s == plan.guard_s
    assert [gate.index for gate in hood.gates] == [0, 255]


def test_flat_prices_make_one_step(data: Dataset, plan: RunPlan) -> None:
    flat = with_tariff(data, "0.30", "0.10")
    assert hood_toml(flat, plan, "mid-market", STREETS.grid).count("[[reference]]") == 1


def test_a_step_series_keeps_changes_only_and_begins_with_time() -> None:
    assert steps([(900, (1, 2)), (1800, (1, 2)), (2700, (3, 2))]) == [(0, (1, 2)), (2700, (3, 2))]
