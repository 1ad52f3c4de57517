"""Homes for a simulation of any size, drawn from a seed: load with mornings and evenings, sun shared by all, clouds.

Whole Wh per slot, a day or more of history before the run, so that the forecasts of the engine have something to stand on.
The homes are plausible, not measured, and say so.
"""

import math
import random

from volthood_tools.demo.dataset import DAY_S, FEED_IN_MCT_PER_KWH, RETAIL_MCT_PER_KWH, SLOT_S, Dataset, Home

FIRST_DAY_S = 1_471_824_000
"""Midnight before the history: 2016-08-22, a Monday."""
START_HOUR = 8
"""A run starts in the morning, so that short ones have sun."""
PV_SHARE = 0.5
SLOTS_A_DAY = DAY_S // SLOT_S


def generate(
    count: int, slots: int, seed: int, *, hood: int = 0, history_days: int = 6, mixed_tariffs: bool = False
) -> Dataset:
    """A dataset of `count` homes with `slots` slots to run and some days before them.

    Args:
        mixed_tariffs: whether homes pay and earn different prices, by up to a fifth.
    """
    draw = random.Random(f"{seed}/{hood}/homes")
    total = history_days * SLOTS_A_DAY + START_HOUR * 4 + slots
    sky = _sky(draw, total)
    homes = tuple(
        _home(f"home{number:04d}", draw, sky, number < count * PV_SHARE, mixed_tariffs) for number in range(count)
    )
    return Dataset(
        homes=homes,
        first_slot=FIRST_DAY_S,
        start=FIRST_DAY_S + history_days * DAY_S + START_HOUR * 3600,
        interval_s=SLOT_S,
        currency="USD",
        timezone="UTC",
        origin=f"a generator (seed {seed})",
        pv_left_out=False,
        tariff_note="Prices are assumed: 0.22 USD per kWh from the utility, 0.08 USD per kWh for surplus.",
    )


def _sky(draw: random.Random, total: int) -> list[float]:
    """What share of full sun shines in each slot: clear days and cloudy ones, with clouds that last a while."""
    out, clearness, cloud = [], 1.0, 0.0
    for slot in range(total):
        if slot % SLOTS_A_DAY == 0:
            clearness = draw.choice((1.0, 0.95, 0.85, 0.6))
        cloud = 0.85 * cloud + draw.gauss(0, 0.08 * (1.3 - clearness))
        height = math.sin(math.pi * ((slot % SLOTS_A_DAY) / 4 - 6) / 14)
        out.append(max(0.0, height) * min(1.0, max(0.1, clearness + cloud)))
    return out


def _home(name: str, draw: random.Random, sky: list[float], has_pv: bool, mixed_tariffs: bool) -> Home:
    peak_w = draw.uniform(3000, 8000) if has_pv else 0.0
    slots = len(sky)
    retail, feed_in = RETAIL_MCT_PER_KWH, FEED_IN_MCT_PER_KWH
    if mixed_tariffs:
        retail, feed_in = (round(price * draw.uniform(0.8, 1.2)) for price in (retail, feed_in))
    return Home(
        name=name,
        source=name,
        has_pv=has_pv,
        quality="ok",
        load_wh=tuple(_load(draw, slots)),
        pv_wh=tuple(round(share * peak_w * draw.uniform(0.95, 1.0) * SLOT_S / 3600) for share in sky),
        retail_mct_per_kwh=(retail,) * slots,
        feed_in_mct_per_kwh=(feed_in,) * slots,
    )


def _load(draw: random.Random, slots: int) -> list[int]:
    """Load in Wh: a base, two humps a day, appliances that run for an hour, noise."""
    base_w, level_w = draw.uniform(150, 500), draw.uniform(400, 1800)
    shift, running, out = draw.uniform(-1.5, 1.5), 0, []
    for slot in range(slots):
        hour = (slot % SLOTS_A_DAY) / 4 + shift
        shape = math.exp(-(((hour - 7.5) / 1.5) ** 2)) + 1.3 * math.exp(-(((hour - 19) / 2.5) ** 2))
        if running == 0 and draw.random() < 0.015:
            running = draw.randrange(2, 6)
        running = max(0, running - 1)
        power_w = base_w + level_w * shape + (1200 if running else 0)
        out.append(round(power_w * draw.uniform(0.85, 1.15) * SLOT_S / 3600))
    return out
