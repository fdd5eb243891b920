"""`index.html` and `index.md` of the catalogue: mechanism by arm, what each run found."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from harness.catalogue.folder import Kept
from harness.catalogue.model import COMPONENTS, Arm, Kind, Mechanism
from harness.checks.wording import counted
from harness.report.figures import SIGNS, printable
from harness.report.html import head
from harness.report.markup import safe, sign, table

__all__ = ["catalogue_html", "catalogue_markdown", "write_catalogue"]

_HEAD = (
    "arm", "run", "verdict", "failed", "of", "slow", "outage ms", "added p99 ms", "put down to",
)  # fmt: skip
_NOTE = (
    "An arm that drops must be judged fail, most of what failed or was slow in it put down to the "
    "cause that it is there for, unless it says why not; its twin, which differs by what avoids "
    "the mechanism alone, must pass. Where the release itself is at fault the twin refuses it: the "
    "swap alone must be judged fail, no request, and the old release serves on. Run: when it "
    "began, UTC. Outage: all spans in which requests failed or stalled. Added p99: of the swap "
    "window beside the steady state; a hyphen where one is not resolved."
)


def write_catalogue(known: Sequence[Mechanism], kept: Kept, folder: Path) -> None:
    """Both pages, beside the arms' folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(catalogue_html(known, kept), "utf-8")
    (folder / "index.md").write_text(catalogue_markdown(known, kept), "utf-8")


def catalogue_html(known: Sequence[Mechanism], kept: Kept) -> str:
    """One page that opens offline; links lead to the runs beside it."""
    sections = "".join(
        f'<section id="{component}"><h2>{component.capitalize()}</h2>\n'
        + "".join(_section(each, kept.arms) for each in known if each.component == component)
        + "</section>\n"
        for component in COMPONENTS
    )
    left_out = "".join(f"<li>{safe(each, 300)}</li>\n" for each in kept.left_out)
    if left_out:
        sections += f"<section id=left-out><h2>Left out</h2>\n<ul>{left_out}</ul></section>\n"
    return (
        f"{head('Catalogue')}<body>\n<header>\n<h1><b>Ways to drop a request</b></h1>\n"
        f"<p>{safe(_about(known, kept.arms))}</p>\n<p class=soft>{safe(_NOTE)}</p>\n</header>\n"
        f"<main>\n{sections}</main>\n</body>\n</html>\n"
    )


def _section(mechanism: Mechanism, arms: Sequence[Arm]) -> str:
    own = _own(mechanism, arms)
    source = f" <small>({safe(mechanism.source)})</small>" if mechanism.source else ""
    heads = _heads(arms)
    shown = (
        table(mechanism.title, _HEAD, (_row(arm, heads) for arm in own), numbers=range(3, 8))
        if own
        else ""
    )
    lacking = _lacking(mechanism, own)
    why = f"<p class=soft>{safe(lacking)}</p>\n" if lacking else ""
    return (
        f'<h3 id="m{mechanism.number}">{mechanism.number}. {safe(mechanism.title)}</h3>\n'
        f"<p>{safe(_begun(mechanism.symptom))}.{source}<br>"
        f"<b>What avoids it:</b> {safe(mechanism.avoided_by)}.</p>\n{shown}{why}"
    )


def _row(arm: Arm, heads: Collection[str]) -> list[str]:
    folder = quote(f"{arm.folder}/report.html")
    unexpected = "" if arm.as_expected else f" <b>unexpected</b>: {safe(arm.unmet, 300)}"
    return [
        f'<a href="{folder}">{safe(arm.what, 200)}</a> <small>{_KINDS[arm.kind]}</small>',
        safe(_ran(arm, heads)),
        sign(arm.verdict) + safe(_of_what(arm)) + unexpected,
        *_figures(arm),
        safe(arm.cause, 300) + (f" (not most: {safe(arm.not_most, 300)})" if arm.not_most else ""),
    ]


def catalogue_markdown(known: Sequence[Mechanism], kept: Kept) -> str:
    """The same for a reader of text: a table of all arms, then what is not shown."""
    lines = [
        "# Ways to drop a request", "", _about(known, kept.arms), "", _NOTE, "",
        "| # | mechanism | arm | run | verdict | failed | of | slow | outage ms | added p99 ms |",
        "|--:|---|---|---|---|--:|--:|--:|--:|--:|",
    ]  # fmt: skip
    titles = {each.number: each.title for each in known}
    heads = _heads(kept.arms)
    for arm in kept.arms:
        unexpected = "" if arm.as_expected else f" (unexpected: {arm.unmet})"
        verdict = f"{SIGNS[arm.verdict]} {arm.verdict}{_of_what(arm)}{unexpected}"
        cells = (
            str(arm.mechanism), titles[arm.mechanism], f"{arm.what} ({_KINDS[arm.kind]})",
            _ran(arm, heads), verdict, *_figures(arm),
        )  # fmt: skip
        lines.append(f"| {' | '.join(printable(cell).replace('|', '/') for cell in cells)} |")
    lines += ["", *_not_shown(known, kept.arms)]
    lines += [f"* Left out: {printable(each, 300)}." for each in kept.left_out]
    return "\n".join(lines) + "\n"


_KINDS = {Kind.drops: "drops", Kind.avoids: "avoids", Kind.refuses: "refuses the release"}


def _of_what(arm: Arm) -> str:
    return ", the swap alone" if arm.kind is Kind.refuses and arm.as_expected else ""


def _figures(arm: Arm) -> list[str]:
    added = "-" if arm.added_p99_ms is None else f"{arm.added_p99_ms:+,.1f}"
    return [f"{arm.failed:,}", f"{arm.requests:,}", f"{arm.slow:,}", f"{arm.outage_ms:,.0f}", added]


def _about(known: Sequence[Mechanism], arms: Sequence[Arm]) -> str:
    shown = sum(_is_shown(_own(each, arms)) for each in known)
    alone = sum(len(_sides(_own(each, arms))) == 1 for each in known)
    wrong = sum(not arm.as_expected for arm in arms)
    said = f"{shown} of {len(known)} mechanisms are shown, both arms of each"
    if alone:
        said += f"; of {alone} one arm alone was run"
    if wrong:
        said += f"; {counted(wrong, 'arm')} ended unexpectedly"
    heads = _heads(arms)
    return f"{said}. All arms were run by harness {min(heads)}." if len(heads) == 1 else f"{said}."


def _own(mechanism: Mechanism, arms: Sequence[Arm]) -> list[Arm]:
    return [arm for arm in arms if arm.mechanism == mechanism.number]


def _sides(own: Sequence[Arm]) -> set[bool]:
    return {arm.kind.is_twin for arm in own}


def _is_shown(own: Sequence[Arm]) -> bool:
    return len(_sides(own)) == 2 and all(arm.as_expected for arm in own)


def _not_shown(known: Sequence[Mechanism], arms: Sequence[Arm]) -> Iterator[str]:
    for each in known:
        if lacking := _lacking(each, _own(each, arms)):
            yield f"* {each.number}. {each.title}: {lacking}"


def _lacking(mechanism: Mechanism, own: Sequence[Arm]) -> str:
    if not own:
        if mechanism.not_shown:
            return f"Not shown: {mechanism.not_shown}."
        return "Its scenarios were not run."
    if len(_sides(own)) == 2:
        return ""
    return "Not shown: " + (
        "the arm that drops was not run." if own[0].kind.is_twin else "its twin was not run."
    )


def _heads(arms: Sequence[Arm]) -> set[str]:
    return {_head(arm) for arm in arms}


def _head(arm: Arm) -> str:
    return f"{arm.harness} at {arm.git_head}" if arm.git_head else arm.harness


def _ran(arm: Arm, heads: Collection[str]) -> str:
    """When, and by which harness where that is not the same for all."""
    return f"{_time(arm.run)}, {_head(arm)}" if len(heads) > 1 else _time(arm.run)


def _time(run: str) -> str:
    """`2026-01-02 03:04`, UTC, which a run's id begins with."""
    try:
        return f"{datetime.strptime(run.partition('-')[0], '%Y%m%dT%H%M%S%z'):%Y-%m-%d %H:%M}"
    except ValueError:
        return run


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
