"""What a household will use and make in a coming slot: real and simple, and it says which method gave it.

- *like_days*: load is the median of the same time of day on recent like days (working days or weekends, all days while
  those are few), blended with the newest load by how well each did in the last hours. PV is the envelope of the last
  days at that time, scaled by how the sun of the last hours did against theirs. The quantiles are those of the errors
  that the same method, with the same lead, would have made at this time on the days before.
- *mean_profile*: without like days, the mean day of the sample homes, moved to the level of what was seen in the last
  hours. It is a stand-in until there is history, and is marked so.

Floats stay inside this module; what leaves it is whole Wh. The same samples give the same forecast.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

DAY_S = 86_400
LOAD_DAYS = 14
PV_DAYS = 7
MIN_LIKE = 3
"""Fewer like slots than this are no median, fewer errors no quantile."""
RECENT_S = 3 * 3600
"""How far back today's level and today's sun are looked at."""
FULL_SUN = 1.15
"""A week's envelope may be beaten a little, not more."""

MEAN_LOAD_W = (
    *(1340, 1101, 890, 818, 819, 834, 842, 871, 881, 1147, 1267, 1355),
    *(1486, 1570, 1833, 1940, 2118, 2299, 2566, 2352, 2143, 1897, 1813, 1686),
)
"""By local hour: mean of the ten homes of the demonstration, 15 days of August."""
MEAN_PV_W = (
    *(0, 0, 0, 0, 0, 0, 9, 178, 545, 1068, 1589, 1950),
    *(2166, 2314, 2180, 1983, 1573, 1030, 398, 9, 0, 0, 0, 0),
)
"""The same of the five with PV."""


@dataclass(frozen=True)
class Sample:
    """One past slot's energies in Wh, measured or imported."""

    slot: int
    load_wh: int
    pv_wh: int


@dataclass(frozen=True)
class Forecast:
    """One coming slot in Wh; net is import positive, with its 10 % and 90 % quantiles around it."""

    slot: int
    load_wh: int
    pv_wh: int
    net_wh: int
    q10_wh: int
    q90_wh: int
    method: str


@dataclass(frozen=True)
class Place:
    """What a forecast must know of where it is: slot length, and local time less UTC, in s."""

    slot_s: int
    utc_offset_s: int = 0

    def hour_of(self, slot: int) -> int:
        """The local hour, 0 to 23."""
        return (slot + self.utc_offset_s) % DAY_S // 3600

    def weekend(self, slot: int) -> bool:
        """Saturday or Sunday; the first day of Unix time was a Thursday."""
        return ((slot + self.utc_offset_s) // DAY_S + 3) % 7 >= 5


def forecast(samples: Iterable[Sample], slot: int, place: Place) -> Forecast:
    """The forecast of `slot` from the samples before it, in any order."""
    oldest = slot - 2 * LOAD_DAYS * DAY_S
    past = {sample.slot: sample for sample in samples if oldest <= sample.slot < slot}
    if not past or len(_like(past, slot, max(past), place)) < MIN_LIKE:
        return _from_profile(past, slot, place)
    lead_s = slot - max(past)
    load, pv = _point(past, slot, lead_s, place)
    return _rounded(slot, load, pv, _spread(past, slot, lead_s, place), "like_days")


def sample_of_net(slot: int, net_wh: int, expected_pv_wh: int) -> Sample:
    """A sample from a meter at the grid connection, which cannot tell load from PV.

    PV is taken as expected, and more where that would make the load negative: whole Wh, load less PV is `net_wh`.
    """
    pv_wh = max(expected_pv_wh, -net_wh, 0)
    return Sample(slot, net_wh + pv_wh, pv_wh)


def _like(past: Mapping[int, Sample], slot: int, last: int, place: Place) -> list[Sample]:
    """The samples of the same time of day, up to `last`."""
    same_time = [past[at] for at in _days_before(slot, LOAD_DAYS) if at <= last and at in past]
    weekend = place.weekend(slot)
    same_kind = [sample for sample in same_time if place.weekend(sample.slot) == weekend]
    return same_kind if len(same_kind) > MIN_LIKE else same_time


def _days_before(slot: int, days: int) -> range:
    return range(slot - DAY_S, slot - (days + 1) * DAY_S, -DAY_S)


def _recent(past: Mapping[int, Sample], last: int, place: Place) -> list[Sample]:
    """The samples of the last hours up to and with `last`."""
    return [past[at] for at in range(last, last - RECENT_S, -place.slot_s) if at in past]


def _point(past: Mapping[int, Sample], slot: int, lead_s: int, place: Place) -> tuple[float, float]:
    """(load, PV) in Wh as known `lead_s` before the slot."""
    last = slot - lead_s
    recent = _recent(past, last, place)
    usual = _usual_load(past, slot, last, place)
    newest = recent[0].load_wh if recent else usual
    trust = _trust_in_newest(past, recent, lead_s, place)
    return usual + trust * (newest - usual), _pv(past, recent, slot)


def _usual_load(past: Mapping[int, Sample], slot: int, last: int, place: Place) -> float:
    return _median_load(_like(past, slot, last, place))


def _median_load(samples: Iterable[Sample]) -> float:
    return _quantile([sample.load_wh for sample in samples], 0.5)


def _trust_in_newest(past: Mapping[int, Sample], recent: Sequence[Sample], lead_s: int, place: Place) -> float:
    """0 where the usual load was right in the last hours, 1 where the load a lead earlier was."""
    usual_error = newest_error = 0.0
    for sample in recent:
        earlier = past.get(sample.slot - lead_s)
        like = [] if earlier is None else _like(past, sample.slot, earlier.slot, place)
        if earlier is not None and like:
            usual_error += abs(sample.load_wh - _median_load(like))
            newest_error += abs(sample.load_wh - earlier.load_wh)
    both = usual_error + newest_error
    return usual_error / both if both else 0.5


def _pv(past: Mapping[int, Sample], recent: Sequence[Sample], slot: int) -> float:
    """The clear envelope at the slot, times how the last hours did against theirs."""
    best = sum(_envelope(past, sample.slot) for sample in recent)
    done = sum(sample.pv_wh for sample in recent)
    sun = min(FULL_SUN, done / best) if best else 1.0
    return sun * _envelope(past, slot)


def _envelope(past: Mapping[int, Sample], slot: int) -> int:
    return max((past[at].pv_wh for at in _days_before(slot, PV_DAYS) if at in past), default=0)


def _spread(past: Mapping[int, Sample], slot: int, lead_s: int, place: Place) -> tuple[float, float]:
    """The 10 % and 90 % quantiles of the net errors that this method made on the days before, in Wh."""
    errors = []
    for at in _days_before(slot, LOAD_DAYS):
        if at in past and len(_like(past, at, at - lead_s, place)) >= MIN_LIKE:
            load, pv = _point(past, at, lead_s, place)
            errors.append(past[at].load_wh - past[at].pv_wh - (load - pv))
    if len(errors) < MIN_LIKE:
        errors = [
            sample.load_wh - _usual_load(past, slot, slot - lead_s, place)
            for sample in _like(past, slot, slot - lead_s, place)
        ]
    return _quantile(errors, 0.1), _quantile(errors, 0.9)


def _from_profile(past: Mapping[int, Sample], slot: int, place: Place) -> Forecast:
    recent = _recent(past, max(past, default=slot - place.slot_s), place)
    hours = [place.hour_of(sample.slot) for sample in recent]
    load_level = _level([sample.load_wh for sample in recent], [MEAN_LOAD_W[hour] for hour in hours], place, 1.0)
    pv_level = _level([sample.pv_wh for sample in recent], [MEAN_PV_W[hour] for hour in hours], place, 0.0)
    hour = place.hour_of(slot)
    load = load_level * MEAN_LOAD_W[hour] * place.slot_s / 3600
    pv = pv_level * MEAN_PV_W[hour] * place.slot_s / 3600
    half = (load + pv) / 2
    return _rounded(slot, load, pv, (-half, half), "mean_profile")


def _level(seen_wh: Sequence[int], profile_w: Sequence[int], place: Place, default: float) -> float:
    expected_wh = sum(profile_w) * place.slot_s / 3600
    return sum(seen_wh) / expected_wh if expected_wh > 0 else default


def _rounded(slot: int, load: float, pv: float, spread: tuple[float, float], method: str) -> Forecast:
    load_wh, pv_wh = round(load), round(pv)
    net_wh = load_wh - pv_wh
    low, high = spread
    return Forecast(
        slot=slot,
        load_wh=load_wh,
        pv_wh=pv_wh,
        net_wh=net_wh,
        q10_wh=min(net_wh, round(net_wh + low)),
        q90_wh=max(net_wh, round(net_wh + high)),
        method=method,
    )


def _quantile(values: Iterable[float], share: float) -> float:
    """The quantile with linear interpolation between neighbours (Hyndman and Fan, type 7)."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])
