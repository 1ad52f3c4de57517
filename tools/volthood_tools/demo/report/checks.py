"""The report's last part: the laws one by one, what was refused, and how anyone checks the figures."""

from volthood.core.laws import Verdict
from volthood_tools.demo.report.markup import Column, Markup, card, join, section, table, tag
from volthood_tools.demo.report.story import Story

LAWS = {
    "no_regret": (
        "Nobody paid more",
        "In every slot, for the energy its meter measured, each home paid no more than its utility’s tariff would have cost.",
    ),
    "two_signatures": (
        "Two signatures or nothing",
        "Every contract that counts carries the signatures of its buyer and of its seller.",
    ),
    "both_sides_agree": (
        "Both sides tell the same",
        "What one home counts as delivered is what its neighbour counts, to the watt-hour.",
    ),
    "money_sums_to_zero": (
        "Money is conserved",
        "What buyers paid is what sellers and the grid account received, contract by contract, to the millionth of a cent.",
    ),
    "no_wh_allocated_twice": (
        "No watt-hour twice",
        "No home’s contracts hold more energy than its meter measured in that slot.",
    ),
    "all_records_verified": (
        "Every reading is signed",
        "Each meter record was checked again: signed by that home’s node, and linked to the record before it.",
    ),
}
ANYONE = (
    ("transactions.json", "lies beside this page: every contract with both signatures, in seven plain fields."),
    (
        "transaction_id",
        "is the SHA-256 of the contract exactly as both neighbours signed it; change one watt-hour and it is another.",
    ),
    (
        "volthood why SLOT --dir FOLDER",
        (
            "tells one slot from forecast to payment, and what it would have cost without trading. FOLDER is where this "
            "page lies, if the run was kept."
        ),
    ),
    (
        "homes/*/trades.db, readings.db",
        (
            "hold what each home kept: signed records, contracts with both signatures, settlements. Figures and laws above "
            "come from them alone."
        ),
    ),
)


def laws(story: Story) -> Markup:
    """Each law with its verdict."""
    verdicts = story.result.laws
    broken = sum(not verdict.holds for verdict in verdicts.values())
    summary = (
        f"All {len(verdicts)} laws hold."
        if not broken
        else f"{broken} of {len(verdicts)} laws {'is' if broken == 1 else 'are'} broken."
    )
    items = tag("ul", *(_law(name, verdict) for name, verdict in verdicts.items()), class_="laws")
    lead = tag("p", summary, class_="verdict broken" if broken else "verdict")
    return section("laws", "The laws, checked one by one", card(lead, items))


def _law(name: str, verdict: Verdict) -> Markup:
    title, meaning = LAWS.get(name, (name.replace("_", " ").capitalize(), ""))
    mark = tag("span", "✓" if verdict.holds else "✗", aria_hidden="true", class_="mark")
    word = tag("strong", "holds" if verdict.holds else "broken", class_="word")
    case = [] if verdict.holds or not verdict.case else [tag("p", "First case: ", verdict.case, class_="case")]
    head = tag("p", tag("strong", title), " ", word, " ", tag("code", name), class_="law-head")
    return tag("li", mark, tag("div", head, tag("p", meaning), *case), class_="law" if verdict.holds else "law broken")


def how_to_check(story: Story) -> Markup:
    """What lies where, and how this run went."""
    ways = tag("dl", *(_way(name, meaning) for name, meaning in ANYONE), class_="ways")
    return section("check", "How to check", card(ways, tag("p", *_run(story), class_="hint"), *_refused(story)))


def _way(name: str, meaning: str) -> Markup:
    return tag("div", tag("dt", tag("code", name)), tag("dd", meaning))


def _run(story: Story) -> list[str]:
    result = story.result
    parts = [f"The run took {result.wall_s:.0f} s"]
    if result.first_settled_real_s is not None:
        parts.append(f"; the first trade was settled {result.first_settled_real_s:.1f} s after the start")
    parts.append(". ")
    if not result.refused:
        parts.append("No message was refused.")
    return parts


def _refused(story: Story) -> list[Markup]:
    rows = [(name, str(count)) for name, count in sorted(story.result.refused.items())]
    columns = (Column("Reason", number=False), Column("messages"))
    return [table("Messages that agents refused, by reason", columns, rows)] if rows else []


def footer() -> Markup:
    """The last line."""
    return tag(
        "footer",
        join(["Made by ", tag("code", "volthood demo"), ". One file, no script, nothing loaded from elsewhere."]),
    )
