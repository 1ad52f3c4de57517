"""What the evidence of a minute means for an installer: what is wrong, what is open, and what cannot be told.

A finding is said only where a healthy home cannot look like it: homes feed in on one phase while they draw on another,
motors idle at any power factor, long lines lose volts. What may be either is an open question with the way to settle it.

Exchanged current transformers turn the angle between voltage and current by 120° in one phase and back by 120° in the
other. Turning them back must give power factors of a home in both; turned by nothing they must not be. With angles of
ordinary loads this has one solution. (cos 120° = -1/2, sin 120° = 0.866.)
"""

from voltnode.console.wiring_evidence import LOADED_VA, root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from voltnode.console.wiring_evidence import Evidence, Phase

READINGS = 10
"""Fewer are no minute."""

GOOD_PERMILLE = 850
"""A power factor of a home, either way."""

BAD_PERMILLE = 600
PAIR_VA, SURE_VA = 400, 800
"""More than the filter of an idle inverter takes in a phase; twice that for what filters in all phases look like."""

ODD_VA = 600
ODD_PERMILLE = 500
"""With that much flowing, a power factor below this is worth a question."""

SPREAD_PERMILLE = 80
IMPEDANCE_MOHM = 1500
"""Between phase voltages: unbalance, and what no line has between transformer and meter."""

_PAIRS = ((0, 1), (1, 2), (0, 2))


class Diagnosis:
    """What is said. `found` and `open` hold (what, phase, confidence, text, check)."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str, str, str, str]] = []
        self.open: list[tuple[str, str, str, str, str]] = []
        self.cannot: list[str] = []

    def verdict(self) -> str:
        """wrong, unclear, or looks right."""
        return "wrong" if self.found else "unclear" if self.open else "looks right"


def judge(evidence: "Evidence", fuse_a: int = 0, load_w: int = 0, feeds: "bool | None" = None) -> Diagnosis:
    """The diagnosis.

    Args:
        fuse_a: the main fuse, 0 where nobody said; `load_w` what was switched on and off meanwhile.
        feeds: whether anything in the home can feed in; None where nobody said.
    """
    diagnosis = Diagnosis()
    dead = _dead(evidence, diagnosis)
    _neutral(evidence, dead, diagnosis)
    _scale(evidence, diagnosis)
    turned = _exchanged(evidence, diagnosis)
    _order(evidence, diagnosis)
    _ratio(evidence, fuse_a, load_w, diagnosis)
    for phase in evidence.phases:
        if phase not in dead and phase not in turned:
            _direction(phase, evidence, feeds, diagnosis)
            _factor(phase, diagnosis)
    return diagnosis


def _dead(evidence: "Evidence", diagnosis: Diagnosis) -> "list[Phase]":
    """Phases without voltage."""
    found = []
    highest = max([phase.mean("voltage") or 0 for phase in evidence.phases])
    for phase in evidence.phases:
        volts = phase.mean("voltage")
        if volts is None:
            _add(diagnosis.cannot, "voltage of %s: this meter does not show it" % _name(phase))
        elif volts < 80_000 and volts * 4 < max(highest, 160_000) and highest < _most_mv(highest):
            found.append(phase)
            flows = (phase.mean("current") or 0) > 500
            check = "the meter's own voltage terminal: current flows" if flows else "fuse and voltage terminal"
            diagnosis.found.append(
                ("no_voltage", phase.name, "certain", "%s has %s" % (_name(phase), _v(volts)), check)
            )
    return found


def _most_mv(highest_mv: int) -> int:
    """More than a phase ever has while its star point holds: of 120 V or of 230 V, whichever it is."""
    return 145_000 if highest_mv < 170_000 else 276_000


def _neutral(evidence: "Evidence", dead: "list[Phase]", diagnosis: Diagnosis) -> None:
    """Whether the star point holds: with a neutral, no load can pull the phases apart so far."""
    volts = [phase.mean("voltage") for phase in evidence.phases]
    known = [mv for mv in volts if mv is not None]
    if len(volts) < 2 or dead or len(known) < len(volts):
        return
    mean_mv, spread_mv = sum(known) // len(known), max(known) - min(known)
    if 340_000 <= mean_mv <= 480_000:
        text = "about %s in each phase: the meter measures between phases" % _v(mean_mv)
        diagnosis.open.append(("three_wire", "", "", text, "set it to three phases with neutral, if there is one"))
        return
    # Against each other, and as they flow: what feeds in lifts its phase.
    amps = [(phase.mean("current") or 0) * (-1 if (phase.mean("power") or 0) < 0 else 1) for phase in evidence.phases]
    explained_mv = (max(amps) - min(amps)) * IMPEDANCE_MOHM // 1000
    if spread_mv * 1000 >= mean_mv * SPREAD_PERMILLE and spread_mv > explained_mv:
        sure = "certain" if spread_mv * 5 > mean_mv else "likely"
        text = "the phases have %s: the neutral is missing or loose" % " / ".join([_v(mv) for mv in known])
        check = "DANGER for appliances. Measure at a socket: 230 V there, then it is the meter's N terminal; else switch off"
        diagnosis.found.append(("no_neutral", "", sure, text, check))


def _scale(evidence: "Evidence", diagnosis: Diagnosis) -> None:
    """Whether power, voltage and current belong together, and the phases to the total."""
    for phase in evidence.phases:
        power_w, apparent = phase.mean("power"), phase.mean("apparent")
        if power_w is not None and apparent is not None and abs(power_w) > apparent * 105 // 100 + 20:
            text = "%s shows %d W, but voltage x current is %d VA" % (_name(phase), power_w, apparent)
            check = "the meter's model in the settings, and its transformer ratio"
            diagnosis.found.append(("scale", phase.name, "certain", text, check))
    if len(evidence.phases) > 1 and all([phase.mean("power") is not None for phase in evidence.phases]):
        total_w, sum_w = evidence.total_w // evidence.readings, evidence.sum_w // evidence.readings
        apparent = sum([phase.mean("apparent") or 0 for phase in evidence.phases])
        if abs(total_w - sum_w) > apparent // 20 + 50:
            text = "the phases have %d W together, the total says %d W" % (sum_w, total_w)
            check = "the meter's measuring mode: does it add amounts without their sign?"
            diagnosis.found.append(("total", "", "likely", text, check))


def _exchanged(evidence: "Evidence", diagnosis: Diagnosis) -> "list[Phase]":
    """Phases whose current transformers sit on another phase than their voltages."""
    phases = evidence.phases
    if len(phases) != 3 or any([phase.mean("apparent") is None or phase.mean("power") is None for phase in phases]):
        if len(phases) == 3:
            _add(diagnosis.cannot, "exchanged phases: this meter does not show power, voltage and current of each")
        return []
    check = "each transformer sits on the wire whose voltage the meter takes at the same number"
    if _all_further(phases):
        text = "all three power factors fit only if every transformer sits one phase further"
        diagnosis.found.append(("swapped", "L1 L2 L3", "likely", text, check))
        return phases
    for one, other in _PAIRS:
        pair = [phases[one], phases[other]]
        signed = all([phase.mean("reactive_power") is not None for phase in pair])
        if not _both_odd(pair, signed):
            continue
        turns = ((1, -1), (-1, 1))
        if any([_turned_right(pair[0], turn[0]) and _turned_right(pair[1], turn[1]) for turn in turns]):
            names = "%s %s" % (pair[0].name, pair[1].name)
            factors = " and ".join([_pf(phase) for phase in pair])
            text = "power factors of %s in %s and %s: right if their transformers are exchanged" % (
                factors,
                pair[0].name,
                pair[1].name,
            )
            where = diagnosis.found if signed else diagnosis.open
            where.append(("swapped", names, "likely", text, check))
            return pair
    return []


def _all_further(phases: "list[Phase]") -> bool:
    """Whether loads on three phases, each measured against the next one's voltage, explain everything."""
    loaded = all([(phase.mean("apparent") or 0) >= SURE_VA and (phase.mean("power") or 0) < 0 for phase in phases])
    odd = max([abs(phase.factor_permille() or 0) for phase in phases]) < 700
    return loaded and odd and any([all([_turned_right(phase, turn) for phase in phases]) for turn in (1, -1)])


def _both_odd(pair: "list[Phase]", signed: bool) -> bool:
    """Whether neither fits as it is, with enough flowing, and one of them not at all."""
    factors = [abs(phase.factor_permille() or 0) for phase in pair]
    vars_ = [phase.mean("reactive_power") or 0 for phase in pair]
    # Two loads, or two feeds, lag in one phase and lead in the other; a load and a feed need not.
    least = PAIR_VA if not signed or vars_[0] * vars_[1] < 0 else SURE_VA
    loaded = all([(phase.mean("apparent") or 0) >= least for phase in pair])
    return loaded and max(factors) < GOOD_PERMILLE and min(factors) < BAD_PERMILLE


def _turned_right(phase: "Phase", turn: int) -> bool:
    """Whether a phase has a home's power factor once its current is turned back by 120° (1) or forth (-1)."""
    power_w, apparent = phase.mean("power") or 0, phase.mean("apparent") or 0
    if apparent < LOADED_VA:
        return False
    vars_ = phase.mean("reactive_power")
    if vars_ is None:
        # Without its sign the angle may be either way; the better one is taken, and it stays a question.
        vars_ = root(max(apparent * apparent - power_w * power_w, 0)) * (turn if power_w < 0 else -turn)
    turned = -500 * power_w + turn * 866 * vars_
    return abs(turned) >= GOOD_PERMILLE * root(power_w * power_w + vars_ * vars_)


def _order(evidence: "Evidence", diagnosis: Diagnosis) -> None:
    if len(evidence.phases) != 3:
        return
    if evidence.order is None:
        _add(diagnosis.cannot, "phase order: this meter has no register for it; use a rotary field indicator")
    elif evidence.order:
        text = "the meter sees L1-L3-L2"
        check = "exchange two phases together with their transformers; three-phase motors would run backwards"
        diagnosis.found.append(("order", "", "certain", text, check))


def _ratio(evidence: "Evidence", fuse_a: int, load_w: int, diagnosis: Diagnosis) -> None:
    """Whether the transformers' ratio can be true: only what is known from elsewhere can tell."""
    check = "the ratio on the transformers against the one set in the meter"
    for phase in evidence.phases:
        amps = phase.mean("current")
        if fuse_a and amps is not None and amps > fuse_a * 1300:
            text = "%s of %s behind a fuse of %d A" % (_a(amps), _name(phase), fuse_a)
            diagnosis.found.append(("ratio", phase.name, "likely", text, check))
    if not load_w:
        if not fuse_a:
            _add(
                diagnosis.cannot, "transformer ratio: say load=W and switch a load of that power on and off, or fuse=A"
            )
        return
    low_w, high_w = sorted((evidence.rise_w, evidence.fall_w))
    if low_w * 4 < high_w * 3 or not high_w:
        text = "no load was switched on and off: steps of %d W up and %d W down" % (evidence.rise_w, evidence.fall_w)
        diagnosis.open.append(("ratio", "", "", text, "again, with nothing else switching"))
    elif not load_w * 3 < high_w * 4 or not high_w * 3 < load_w * 4:
        text = "%d W switched on and off showed as %d W" % (load_w, high_w)
        diagnosis.found.append(("ratio", "", "likely", text, check))


def _direction(phase: "Phase", evidence: "Evidence", feeds: "bool | None", diagnosis: Diagnosis) -> None:
    """Whether a current is measured backwards."""
    says, power_w = phase.says(), phase.mean("power")
    if power_w is None:
        _add(diagnosis.cannot, "direction of %s: this meter does not show its power" % _name(phase))
        return
    check = "the arrow of its transformer points to the loads; its two wires k and l"
    if says < 0:
        text = "loads on %s lower its voltage while its power falls (%d steps, %s): measured backwards" % (
            _name(phase),
            phase.steps,
            _v(phase.against_mv),
        )
        diagnosis.found.append(("reversed", phase.name, "likely", text, check))
    elif phase.mostly(phase.exporting):
        text = "%s feeds in %d W" % (_name(phase), -power_w)
        if feeds is False:
            diagnosis.found.append(("reversed", phase.name, "certain", text + ", and nothing there can", check))
        elif not says:
            ask = "right if a photovoltaic plant or battery feeds in there; else " + check
            diagnosis.open.append(("feeds_in", phase.name, "", text + _others(phase, evidence), ask))
    elif not phase.mostly(phase.loaded):
        text = "%s: under %d VA; its transformer was hardly seen" % (_name(phase), LOADED_VA)
        _add(diagnosis.cannot, text + ": switch a kettle on there")


def _others(phase: "Phase", evidence: "Evidence") -> str:
    drawing = [other.name for other in evidence.phases if other is not phase and (other.mean("power") or 0) > 0]
    return " while %s draws" % " and ".join(drawing) if drawing else ""


def _factor(phase: "Phase", diagnosis: Diagnosis) -> None:
    """A power factor that a home seldom has."""
    factor, apparent = phase.factor_permille(), phase.mean("apparent")
    if factor is None or apparent is None:
        _add(diagnosis.cannot, "power factor of %s: this meter does not show what it takes" % _name(phase))
    elif apparent >= ODD_VA and abs(factor) < ODD_PERMILLE:
        text = "power factor %s in %s with %d VA" % (_pf(phase), _name(phase), apparent)
        check = "a motor that idles, or the transformer sits on another phase than its voltage"
        diagnosis.open.append(("power_factor", phase.name, "", text, check))


def _add(lines: "list[str]", line: str) -> None:
    if line not in lines:
        lines.append(line)


def _name(phase: "Phase") -> str:
    return phase.name or "the phase"


def _pf(phase: "Phase") -> str:
    factor = phase.factor_permille() or 0
    return "%s%d.%02d" % ("-" if factor < 0 else "", abs(factor) // 1000, abs(factor) % 1000 // 10)


def _v(milli: int) -> str:
    return "%d.%d V" % (milli // 1000, milli % 1000 // 100)


def _a(milli: int) -> str:
    return "%d.%d A" % (milli // 1000, milli % 1000 // 100)
