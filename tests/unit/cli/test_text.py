"""Numbers as people read them, exact to the last digit shown."""

from zoneinfo import ZoneInfo

import pytest

from volthood.cli.text import direction, local, money, price, utc


@pytest.mark.parametrize(
    ("amount_uct", "text"),
    [
        (0, "0.0000"),
        (78_000_000, "0.7800"),
        (100_000_000, "1.0000"),
        (-78_000_000, "-0.7800"),
        (4_999, "0.0000"),
        (5_000, "0.0001"),
        (-4_999, "0.0000"),
        (-5_000, "-0.0001"),
        (1_234_567_891_234, "12345.6789"),
    ],
)
def test_money(amount_uct: int, text: str) -> None:
    assert money(amount_uct) == text


@pytest.mark.parametrize(
    ("mct_per_kwh", "text"), [(15_000, "0.15000"), (0, "0.00000"), (-1, "-0.00001"), (123_456, "1.23456")]
)
def test_price(mct_per_kwh: int, text: str) -> None:
    assert price(mct_per_kwh) == text


def test_energy_has_a_direction() -> None:
    assert [direction(net_wh) for net_wh in (320, 0, -45)] == ["import 320 Wh", "import 0 Wh", "export 45 Wh"]


def test_times() -> None:
    assert utc(1_472_227_200) == "2016-08-26T16:00:00Z"
    assert local(1_472_227_200, ZoneInfo("America/Los_Angeles")).isoformat() == "2016-08-26T09:00:00-07:00"
