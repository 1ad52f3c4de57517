"""What a household will use and make in a coming slot: real and simple, and it says which method gave it.

- *like_days*: load is the median of the same time of day on recent like days (working days or weekends, all days while
  those are few), blended with the newest load by how well each did in the last hours. PV is the envelope of the last
  days at that time, scaled by how the sun of the last hours did against theirs. The quantiles are those of the errors
  that the same method, with the same lead, would have made at this time on the days before.
- *mean_profile*: without like days, the mean day of the sample homes, moved to the level of what was seen in the last
  hours. It is a stand-in until there is history, and is marked so.

Floats stay inside this module; what leaves it is whole Wh. The same samples give the same forecast, whether they were
learnt one by one or all at once: what is worked out anew for every slot is remembered only while no sample changes it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

DAY_S = 86_400
SLOT_S = 900
LOAD_DAYS = 14
PV_DAYS = 7
MIN_LIKE = 3
"""Fewer like slots than this are no median, fewer errors no quantile."""
RECENT_S = 3 * 3600
"""How far back today's level and today's sun are looked at."""
KEEP_DAYS = 2 * LOAD_DAYS + 1
"""How far back samples matter: those that today's like days were themselves forecast from, and the hours before."""
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


class Forecaster:
    """The samples of one household, in whatever order they come, and what is forecast from them."""

    def __init__(self, samples: Iterable[Sample] = ()) -> None:
        self._past: dict[int, Sample] = {}
        self._newest: int | None = None
        self._place = Place(SLOT_S)
        self._misses: dict[tuple[int, int], tuple[float, float]] = {}
        self._points: dict[tuple[int, int], tuple[float, float] | None] = {}
        self._envelopes: dict[int, int] = {}
        for sample in samples:
            self.learn(sample)

    def learn(self, sample: Sample) -> None:
        """Take a sample; of two of one slot the later counts."""
        if self._newest is None or sample.slot > self._newest:
            self._newest = sample.slot
        else:
            self._forget_workings()
        self._past[sample.slot] = sample

    def learn_net(self, slot: int, net_wh: int, place: Place) -> Sample | None:
        """Take what a meter at the grid connection showed; the sample made of it, or None where it is known already.

        What a sample of the slot says of PV stands; without one PV is taken as this module would have expected it.
        """
        known = self._past.get(slot)
        if known is not None and known.load_wh - known.pv_wh == net_wh:
            return None
        sample = sample_of_net(slot, net_wh, self._expected_pv_wh(slot, place) if known is None else known.pv_wh)
        self.learn(sample)
        return sample

    def forget_before(self, slot: int) -> None:
        """Drop what is too old to matter."""
        for old in [at for at in self._past if at < slot]:
            del self._past[old]
        for workings in (self._misses, self._points):
            for key in [key for key in workings if key[0] < slot]:
                del workings[key]
        for old in [at for at in self._envelopes if at < slot]:
            del self._envelopes[old]

    def forecast(self, slot: int, place: Place) -> Forecast:
        """The forecast of `slot` from the samples before it."""
        last = self._last_before(slot, place)
        if last is None or len(self._like(slot, last)) < MIN_LIKE:
            return self._from_profile(slot, last, place)
        lead_s = slot - last
        load, pv = self._point(slot, lead_s)
        return _rounded(slot, load, pv, self._spread(slot, lead_s), "like_days")

    def _expected_pv_wh(self, slot: int, place: Place) -> int:
        last = self._last_before(slot, place)
        if last is None or len(self._like(slot, last)) < MIN_LIKE:
            return self._from_profile(slot, last, place).pv_wh
        return round(self._pv(self._recent(last), slot))

    def _last_before(self, slot: int, place: Place) -> int | None:
        """The newest slot before `slot` of which there is a sample."""
        if place != self._place:
            self._place = place
            self._forget_workings()
        if self._newest is None or self._newest < slot:
            return self._newest
        return max((at for at in self._past if at < slot), default=None)

    def _forget_workings(self) -> None:
        self._misses.clear()
        self._points.clear()
        self._envelopes.clear()

    def _like(self, slot: int, last: int) -> list[Sample]:
        """The samples of the same time of day, up to `last`."""
        past, place = self._past, self._place
        same_time = [past[at] for at in _days_before(slot, LOAD_DAYS) if at <= last and at in past]
        weekend = place.weekend(slot)
        same_kind = [sample for sample in same_time if place.weekend(sample.slot) == weekend]
        return same_kind if len(same_kind) > MIN_LIKE else same_time

    def _recent(self, last: int) -> list[Sample]:
        """The samples of the last hours up to and with `last`."""
        past = self._past
        return [past[at] for at in range(last, last - RECENT_S, -self._place.slot_s) if at in past]

    def _point(self, slot: int, lead_s: int) -> tuple[float, float]:
        """(load, PV) in Wh as known `lead_s` before the slot."""
        recent = self._recent(slot - lead_s)
        usual = _median_load(self._like(slot, slot - lead_s))
        newest = recent[0].load_wh if recent else usual
        trust = self._trust_in_newest(recent, lead_s)
        return usual + trust * (newest - usual), self._pv(recent, slot)

    def _trust_in_newest(self, recent: Sequence[Sample], lead_s: int) -> float:
        """0 where the usual load was right in the last hours, 1 where the load a lead earlier was."""
        usual_error = newest_error = 0.0
        for sample in recent:
            key = (sample.slot, lead_s)
            if key not in self._misses:
                self._misses[key] = self._missed(sample, lead_s)
            usual, newest = self._misses[key]
            usual_error += usual
            newest_error += newest
        both = usual_error + newest_error
        return usual_error / both if both else 0.5

    def _missed(self, sample: Sample, lead_s: int) -> tuple[float, float]:
        """By how much the usual load and that of a lead earlier missed a sample; nothing where one is not known."""
        earlier = self._past.get(sample.slot - lead_s)
        like = [] if earlier is None else self._like(sample.slot, earlier.slot)
        if earlier is None or not like:
            return 0.0, 0.0
        return abs(sample.load_wh - _median_load(like)), abs(sample.load_wh - earlier.load_wh)

    def _pv(self, recent: Sequence[Sample], slot: int) -> float:
        """The clear envelope at the slot, times how the last hours did against theirs."""
        best = sum(self._envelope(sample.slot) for sample in recent)
        done = sum(sample.pv_wh for sample in recent)
        sun = min(FULL_SUN, done / best) if best else 1.0
        return sun * self._envelope_at(slot)

    def _envelope(self, slot: int) -> int:
        """The envelope at a slot of which there is a sample: what comes later does not change it."""
        best = self._envelopes.get(slot)
        if best is None:
            best = self._envelopes[slot] = self._envelope_at(slot)
        return best

    def _envelope_at(self, slot: int) -> int:
        past = self._past
        return max([past[at].pv_wh for at in _days_before(slot, PV_DAYS) if at in past], default=0)

    def _spread(self, slot: int, lead_s: int) -> tuple[float, float]:
        """The 10 % and 90 % quantiles of the net errors that this method made on the days before, in Wh."""
        errors = []
        for at in _days_before(slot, LOAD_DAYS):
            point = self._known_point(at, lead_s) if at in self._past else None
            if point is not None:
                load, pv = point
                errors.append(self._past[at].load_wh - self._past[at].pv_wh - (load - pv))
        if len(errors) < MIN_LIKE:
            like = self._like(slot, slot - lead_s)
            errors = [sample.load_wh - _median_load(like) for sample in like]
        return _quantile(errors, 0.1), _quantile(errors, 0.9)

    def _known_point(self, at: int, lead_s: int) -> tuple[float, float] | None:
        """What was, or would have been, forecast of a slot of which there is a sample; None without like days."""
        key = (at, lead_s)
        if key not in self._points:
            enough = len(self._like(at, at - lead_s)) >= MIN_LIKE
            self._points[key] = self._point(at, lead_s) if enough else None
        return self._points[key]

    def _from_profile(self, slot: int, last: int | None, place: Place) -> Forecast:
        recent = self._recent(slot - place.slot_s if last is None else last)
        hours = [place.hour_of(sample.slot) for sample in recent]
        load_level = _level([sample.load_wh for sample in recent], [MEAN_LOAD_W[hour] for hour in hours], place, 1.0)
        pv_level = _level([sample.pv_wh for sample in recent], [MEAN_PV_W[hour] for hour in hours], place, 0.0)
        hour = place.hour_of(slot)
        load = load_level * MEAN_LOAD_W[hour] * place.slot_s / 3600
        pv = pv_level * MEAN_PV_W[hour] * place.slot_s / 3600
        half = (load + pv) / 2
        return _rounded(slot, load, pv, (-half, half), "mean_profile")


def sample_of_net(slot: int, net_wh: int, expected_pv_wh: int) -> Sample:
    """A sample from a meter at the grid connection, which cannot tell load from PV.

    PV is taken as expected, and more where that would make the load negative: whole Wh, load less PV is `net_wh`.
    """
    pv_wh = max(expected_pv_wh, -net_wh, 0)
    return Sample(slot, net_wh + pv_wh, pv_wh)


def _days_before(slot: int, days: int) -> range:
    return range(slot - DAY_S, slot - (days + 1) * DAY_S, -DAY_S)


def _median_load(samples: Iterable[Sample]) -> float:
    return _quantile([sample.load_wh for sample in samples], 0.5)


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
