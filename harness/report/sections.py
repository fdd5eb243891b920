"""The sections of `report.html` that are text: verdict, findings, latency, environment."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from harness.analysis.history import History
from harness.analysis.latency import SWAP_WINDOW
from harness.model.finding import Finding, Verdict
from harness.model.result import Latency, ReplicaOutage, Result
from harness.report.figures import (
    CALIBRATION_HEAD,
    burst_note,
    calibration_cells,
    calibration_line,
    control_line,
    evidence_lines,
    limits_line,
    milliseconds,
    not_passed,
    replica_lines,
    requests_line,
)
from harness.report.markup import bounded, safe, sign, table

__all__ = [
    "calibration",
    "causes",
    "environment",
    "findings",
    "latency",
    "resolution",
    "verdict",
]

_FINDINGS: Final = 50
_EXAMPLES: Final = 5
_ENVIRONMENT: Final = 60
_STREAMS: Final = 20
_CAUSES: Final = 20
_TRIALS: Final = 50
_MOST_BYTES: Final = 100_000
_SHOWN: Final = {"steady": "steady", SWAP_WINDOW: "swap window", "after": "after"}


def verdict(history: History, result: Result) -> str:
    """The sentence, and what stands behind it."""
    clocks = history.record.clocks
    began = (
        f", begun {datetime.fromtimestamp(clocks[0].wall_ns // 10**9, UTC):%Y-%m-%d %H:%M:%S} UTC"
        if clocks
        else ""
    )
    note = burst_note(result)
    return (
        f"<h1><b>{safe(result.scenario, 200)}</b> run {safe(result.run, 100)}{began}</h1>\n"
        f'<div class="verdict {result.verdict.name}">\n'
        f'<p class="sentence">{sign(result.verdict)}{_after_verdict(result)}</p>\n'
        f"<p>{safe(requests_line(result))}.</p>\n"
        + (f"<p>{safe(limits_line(result))}.</p>\n" if result.limits else "")
        + (f'<p class="soft">{safe(note)}</p>\n' if note else "")
        + "</div>\n"
    )


def _after_verdict(result: Result) -> str:
    """The sentence begins with the verdict, which its sign says already."""
    return safe(result.sentence.removeprefix(str(result.verdict)), 2_000)


def findings(result: Result) -> str:
    """What did not pass first, with its evidence; then what passed."""
    bad = not_passed(result)
    good = [one for one in result.findings if one.verdict is Verdict.passed]
    rest = "<li>{} more are in result.json</li>\n"
    items = bounded((_finding(one) for one in (*bad, *good)[:_FINDINGS]), _MOST_BYTES, rest)
    return f'<ul class="findings">\n{items}</ul>\n'


def _finding(finding: Finding) -> str:
    return (
        f"<li>{sign(finding.verdict)}<div><code>{safe(finding.check, 60)}</code> "
        f"{safe(finding.message)}</div>\n"
        f"{'' if finding.verdict is Verdict.passed else _evidence(finding)}</li>\n"
    )


def _evidence(finding: Finding) -> str:
    lines = list(evidence_lines(finding, _EXAMPLES))
    if not lines:
        return ""
    parts = [
        f"<dt>{safe(key, 60)}</dt>" + "".join(f"<dd>{safe(text, 400)}</dd>" for _, text in group)
        for key, group in groupby(lines, key=lambda line: line[0])
    ]
    return f"<details open><summary>Evidence</summary><dl>{''.join(parts)}</dl></details>\n"


def causes(result: Result) -> str:
    """What failed and slow requests are put down to, and what only a second try saved."""
    items = "".join(
        f"<li>{safe(one.sentence, 500)} ({one.first_s:+.3f} to {one.last_s:+.3f} s)."
        + (f'<br><span class="soft">Remedy: {safe(one.remedy, 300)}.</span>' if one.remedy else "")
        + "</li>\n"
        for one in result.attributions[:_CAUSES]
    )
    more = len(result.attributions) - _CAUSES
    told = f'<ul class="causes">\n{items}</ul>\n' if items else ""
    told += f"<p>{more:,} more are in result.json.</p>\n" if more > 0 else ""
    saved = result.near_misses
    who = "a proxy or the client" if saved.by_client else "a proxy"
    by_client = f", the client {saved.by_client:,}" if saved.by_client else ""
    near = (
        f"<p>{saved.count:,} requests succeeded only because {who} tried again (HAProxy "
        f"{saved.by_balancer:,}, NGINX {saved.by_edge:,}{by_client}), which cost them "
        f"{milliseconds(saved.cost_ms)} ms, at most {milliseconds(saved.most_ms)} ms.</p>\n"
        if saved.count
        else ""
    )
    return told + near or "<p>None: nothing failed, was slow or had to be tried again.</p>\n"


def resolution(result: Result) -> str:
    """How short an outage the run was sure to see."""
    if not result.certain_outage_ms:
        return "<p>No swap was begun: there was nothing to resolve.</p>\n"
    head = ("an outage that meets", "is sure to be seen from ms on")
    rows = [
        (safe(name, 80), milliseconds(value))
        for name, value in list(result.certain_outage_ms.items())[:_STREAMS]
    ]
    return (
        table("Resolving power", head, rows, numbers=(1,))
        + '<p class="soft">The largest gap between two requests sent while a swap was under way.'
        + "</p>\n"
        + _of_replica(result.replica_outage)
    )


def _of_replica(found: ReplicaOutage | None) -> str:
    """What the balancer's retries leave of an outage of one replica."""
    if found is None:
        return (
            '<p class="soft">How much of an outage of one replica retries hid is not known of this '
            "target.</p>\n"
        )
    rows = [(safe(what, 80), safe(seen, 120)) for what, seen in replica_lines(found)]
    return (
        table("An outage of one replica", ("it shows in", "a client sees"), rows)
        + f'<p class="soft">{found.replicas:,} in service. From {milliseconds(found.certain_ms)} '
        "ms on one is sure to meet a request: the largest gap between two requests that one "
        "instance answered while it served in a swap. What the retries hide is among the near "
        "misses.</p>\n"
    )


def latency(result: Result) -> str:
    """By stream and phase."""
    head = ("stream", "phase", "samples", "p50", "p90", "p99", "p99.9", "max")
    return (
        table("Latency in milliseconds", head, _latency_rows(result), numbers=range(2, 8))
        + '<p class="soft">Milliseconds from the moment a request was due to the last byte, of '
        "requests that succeeded. The swap window is each swap with what settles after it. A "
        "hyphen stands for a percentile with fewer than 10 samples beyond it.</p>\n"
        + (f"<p>{safe(control_line(result.control))}.</p>\n" if result.control else "")
    )


def _latency_rows(result: Result) -> Iterator[list[str]]:
    for stream, phases in list(result.latency_ms.items())[:_STREAMS]:
        for index, (phase, label) in enumerate(_SHOWN.items()):
            one = phases[phase]
            yield ["" if index else safe(stream, 60), label, f"{one.count:,}", *_figures(one)]


def _figures(one: Latency) -> Iterator[str]:
    for value in (one.p50, one.p90, one.p99, one.p999, one.max):
        yield milliseconds(value)


def calibration(result: Result) -> str:
    """What was put in before the run, beside what was found."""
    found = result.calibration
    if found is None:
        return "<p>Not calibrated: what outages this run would notice was not tried in it.</p>\n"
    rows = [
        [safe(cell, 60) for cell in calibration_cells(trial)] for trial in found.trials[:_TRIALS]
    ]
    left_out = "".join(f"<li>left out: {safe(text, 200)}</li>\n" for text in found.left_out[:20])
    return (
        f"<p>{safe(calibration_line(found))}.</p>\n"
        + table("Calibration", CALIBRATION_HEAD, rows, numbers=(0, 2, 3, 5, 6, 7, 8))
        + (f"<ul class=plain>\n{left_out}</ul>\n" if left_out else "")
        + '<p class="soft">A server of ours on loopback, the same streams, rate and sender: '
        "outages of known kind and length, and what the analysis made of them. An interval is that "
        "between two requests of the slowest stream that can see the kind.</p>\n"
    )


def environment(result: Result) -> str:
    """Versions, images and settings."""
    known = [("run", result.run), ("judged by", f"harness {result.harness}")]
    known += [(key, str(value)) for key, value in list(result.environment.items())[:_ENVIRONMENT]]
    rows = [(safe(key, 100), f"<code>{safe(value, 300)}</code>") for key, value in known]
    published = (
        "<p>Measured through the engine's userland proxy: refused, reset and connect_timeout "
        "cannot be told apart there, and are all connection_lost.</p>\n"
        if result.environment.get("path") == "published"
        else ""
    )
    return (
        "<details><summary>Versions, images and settings</summary>\n"
        f"{published}{table('Environment', ('what', 'value'), rows)}</details>\n"
    )
