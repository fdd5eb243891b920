"""`index.html` and `index.md` of the catalogue: mechanism by arm, what each run found."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from harness.catalogue.model import COMPONENTS, Arm, Kind, Mechanism
from harness.model.finding import Verdict
from harness.report.figures import SIGNS, printable
from harness.report.html import head
from harness.report.markup import safe, sign, table

__all__ = ["catalogue_html", "catalogue_markdown", "write_catalogue"]

_HEAD = (
    "arm", "verdict", "failed", "of", "slow", "outage ms", "added p99 ms", "put down to",
)  # fmt: skip
_NOTE = (
    "An arm that drops must be judged fail with its cause named; its twin, which differs by what "
    "avoids the mechanism alone, must pass. Where the release itself is at fault the twin refuses "
    "it: the swap alone must be judged fail, no request, and the old release serves on. Outage: "
    "all spans in which requests failed or stalled. Added p99: of the swap window beside the "
    "steady state; a hyphen where one is not resolved."
)


def write_catalogue(known: Sequence[Mechanism], arms: Sequence[Arm], folder: Path) -> None:
    """Both pages, beside the arms' folder."""
    (folder / "index.html").write_text(catalogue_html(known, arms), "utf-8")
    (folder / "index.md").write_text(catalogue_markdown(known, arms), "utf-8")


def catalogue_html(known: Sequence[Mechanism], arms: Sequence[Arm]) -> str:
    """One page that opens offline; links lead to the runs beside it."""
    sections = "".join(
        f'<section id="{component}"><h2>{component.capitalize()}</h2>\n'
        + "".join(_section(each, arms) for each in known if each.component == component)
        + "</section>\n"
        for component in COMPONENTS
    )
    return (
        f"{head('Catalogue')}<body>\n<header>\n<h1><b>Ways to drop a request</b></h1>\n"
        f"<p>{safe(_about(known, arms))}</p>\n<p class=soft>{safe(_NOTE)}</p>\n</header>\n"
        f"<main>\n{sections}</main>\n</body>\n</html>\n"
    )


def _section(mechanism: Mechanism, arms: Sequence[Arm]) -> str:
    own = [arm for arm in arms if arm.mechanism == mechanism.number]
    source = f" <small>({safe(mechanism.source)})</small>" if mechanism.source else ""
    shown = (
        table(mechanism.title, _HEAD, map(_row, own), numbers=range(2, 7))
        if own
        else f"<p class=soft>{safe(_lacking(mechanism))}</p>\n"
    )
    return (
        f'<h3 id="m{mechanism.number}">{mechanism.number}. {safe(mechanism.title)}</h3>\n'
        f"<p>{safe(_begun(mechanism.symptom))}.{source}<br>"
        f"<b>What avoids it:</b> {safe(mechanism.avoided_by)}.</p>\n{shown}"
    )


def _row(arm: Arm) -> list[str]:
    folder = quote(f"{arm.folder}/report.html")
    unexpected = "" if arm.as_expected else " <b>unexpected</b>"
    return [
        f'<a href="{folder}">{safe(arm.what, 200)}</a> <small>{_KINDS[arm.kind]}</small>',
        sign(Verdict(arm.verdict)) + safe(_of_what(arm)) + unexpected,
        *_figures(arm),
        safe(arm.cause, 300),
    ]


def catalogue_markdown(known: Sequence[Mechanism], arms: Sequence[Arm]) -> str:
    """The same for a reader of text: a table of all arms, then what is not shown."""
    lines = [
        "# Ways to drop a request", "", _about(known, arms), "", _NOTE, "",
        "| # | mechanism | arm | verdict | failed | of | slow | outage ms | added p99 ms |",
        "|--:|---|---|---|--:|--:|--:|--:|--:|",
    ]  # fmt: skip
    titles = {each.number: each.title for each in known}
    for number, own in groupby(arms, key=lambda arm: arm.mechanism):
        for arm in own:
            unexpected = "" if arm.as_expected else " (unexpected)"
            verdict = f"{SIGNS[Verdict(arm.verdict)]} {arm.verdict}{_of_what(arm)}{unexpected}"
            cells = (
                str(number), titles[number], f"{arm.what} ({_KINDS[arm.kind]})", verdict,
                *_figures(arm),
            )  # fmt: skip
            lines.append(f"| {' | '.join(printable(cell).replace('|', '/') for cell in cells)} |")
    lines += ["", *_not_shown(known, arms)]
    return "\n".join(lines) + "\n"


_KINDS = {Kind.drops: "drops", Kind.avoids: "avoids", Kind.refuses: "refuses the release"}


def _of_what(arm: Arm) -> str:
    return ", the swap alone" if arm.kind is Kind.refuses and arm.as_expected else ""


def _figures(arm: Arm) -> list[str]:
    added = "-" if arm.added_p99_ms is None else f"{arm.added_p99_ms:+,.1f}"
    return [f"{arm.failed:,}", f"{arm.requests:,}", f"{arm.slow:,}", f"{arm.outage_ms:,.0f}", added]


def _about(known: Sequence[Mechanism], arms: Sequence[Arm]) -> str:
    both = [
        each
        for each in known
        if {arm.kind.is_twin for arm in arms if arm.mechanism == each.number and arm.as_expected}
        == {False, True}
    ]
    wrong = sum(not arm.as_expected for arm in arms)
    but = f"; {wrong} arms ended otherwise than they must" if wrong else ""
    return f"{len(both)} of {len(known)} mechanisms are shown, both arms of each{but}."


def _not_shown(known: Sequence[Mechanism], arms: Sequence[Arm]) -> Iterator[str]:
    shown = {arm.mechanism for arm in arms}
    for each in known:
        if each.number not in shown:
            yield f"* {each.number}. {each.title}: {_lacking(each)}"


def _lacking(mechanism: Mechanism) -> str:
    if mechanism.not_shown:
        return f"Not shown: {mechanism.not_shown}."
    return "Its scenarios were not run."


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
