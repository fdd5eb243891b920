"""The verdict: all checks on a history, and what they amount to."""

import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from harness import __version__
from harness.analysis.counts import count
from harness.analysis.history import History
from harness.analysis.latency import table
from harness.analysis.outages import outages
from harness.analysis.resolution import TOTAL
from harness.checks import ALL, Check
from harness.checks.observed import NOT_OBSERVED
from harness.checks.sentence import drop_bound, sentence
from harness.checks.swap_completed import completed_swaps
from harness.checks.wording import bounded
from harness.model.control import ControlFigures
from harness.model.finding import Finding, Verdict, worst
from harness.model.mark import Mark, MarkKind
from harness.model.result import (
    Attribution,
    Latency,
    NearMisses,
    Outage,
    ReplicaOutage,
    Requests,
    Result,
)
from harness.model.scenario import Scenario
from harness.model.traffic import Traffic

__all__ = ["judge"]

SCHEMA: Final = 1
MOST_OUTAGES: Final = 200
MOST_CAUSES: Final = 100
MOST_MARKS: Final = 2_000
MOST_TEXT: Final = 4_000
T = TypeVar("T")


def judge(history: History, checks: Iterable[Check] = ALL) -> Result:
    """Runs every check, one that raises too: it is inconclusive, its traceback the evidence.

    The same history gives the same result. Raises nothing of its own accord.
    """
    record = history.record
    findings = tuple(_run(check, history) for check in checks)
    raised: list[Exception] = []
    completed: tuple[int, ...] = _had(lambda: completed_swaps(history), (), raised)
    figures = _figures(history, raised)
    if raised:
        findings = (*findings, _raised("figures", raised[0]))
    bound = drop_bound(record.scenario.swaps, completed, findings)
    return Result(
        schema=SCHEMA,
        harness=__version__,
        run=record.run,
        scenario=record.scenario.name,
        verdict=worst(findings),
        sentence=sentence(
            record.scenario,
            findings,
            figures.requests,
            figures.latency_ms,
            bound,
            certain_ms=figures.certain_outage_ms.get(TOTAL),
        ),
        findings=findings,
        requests=figures.requests,
        latency_ms=figures.latency_ms,
        certain_outage_ms=figures.certain_outage_ms,
        replica_outage=figures.replica_outage,
        outages=figures.outages[:MOST_OUTAGES],
        attributions=figures.attributions[:MOST_CAUSES],
        near_misses=figures.near_misses,
        marks=_marks(history.marks),
        environment=_environment(history),
        drop_bound=bound,
        calibration=history.calibration,
        control=figures.control,
        limits=record.scenario.limits.changed(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Figures:
    requests: Requests
    latency_ms: Mapping[str, Mapping[str, Latency]]
    certain_outage_ms: Mapping[str, float | None]
    replica_outage: ReplicaOutage | None
    outages: tuple[Outage, ...]
    attributions: tuple[Attribution, ...]
    near_misses: NearMisses
    control: ControlFigures | None


NO_FIGURES: Final = _Figures(
    requests=Requests(planned=0, sent=0, ok=0, failed=0, unknown=0, by_outcome={}),
    latency_ms={},
    certain_outage_ms={},
    replica_outage=None,
    outages=(),
    attributions=(),
    near_misses=NearMisses(),
    control=None,
)


def _figures(history: History, raised: list[Exception]) -> _Figures:
    """Each by itself: one that cannot be had is left out, and costs no other."""
    none = NO_FIGURES
    return _Figures(
        requests=_had(lambda: count(history.requests, history.plan), none.requests, raised),
        latency_ms=_had(
            lambda: table(history.requests, history.record.scenario, history.windows),
            none.latency_ms,
            raised,
        ),
        outages=_had(lambda: _outages(history), none.outages, raised),
        certain_outage_ms=_had(lambda: history.certain_outage_ms, none.certain_outage_ms, raised),
        replica_outage=_had(lambda: history.replica_outage, none.replica_outage, raised),
        attributions=_had(lambda: history.attributions, none.attributions, raised),
        near_misses=_had(lambda: history.near_misses, none.near_misses, raised),
        control=_had(
            lambda: history.control_figures if history.record.scenario.control else None,
            none.control,
            raised,
        ),
    )


def _outages(history: History) -> tuple[Outage, ...]:
    return outages(
        history.requests, limits=history.limits, steps=history.steps, start_ns=history.start_ns
    )


def _had(figure: Callable[[], T], otherwise: T, raised: list[Exception]) -> T:
    """The figure; `otherwise` where it raises, which `raised` is then told of."""
    try:
        return figure()
    except Exception as error:  # noqa: BLE001 (figures that cannot be had are evidence that is missing)
        raised.append(error)
        return otherwise


def _run(check: Check, history: History) -> Finding:
    try:
        return check(history)
    except Exception as error:  # noqa: BLE001 (a check that raises is evidence that is missing)
        name = getattr(check, "__name__", type(check).__name__)
        if name == "check":
            name = check.__module__.rpartition(".")[2]
        return _raised(name, error)


def _raised(name: str, error: Exception) -> Finding:
    lines = "".join(traceback.format_exception(error)).splitlines()
    return Finding(
        check=name,
        verdict=Verdict.inconclusive,
        message=f"the check itself raised {type(error).__name__}: {bounded(str(error), 300)}; "
        "please report it with the run folder",
        evidence={"traceback": [bounded(line) for line in lines[-20:]]},
    )


def _marks(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """At most 2,000 in the order of time; the engine's events give way first."""
    ordered = sorted(marks, key=lambda mark: mark.at_ns)
    kept = [mark for mark in ordered if mark.kind is not MarkKind.event][:MOST_MARKS]
    events = [mark for mark in ordered if mark.kind is MarkKind.event]
    chosen = kept + events[: MOST_MARKS - len(kept)]
    return tuple(_bounded(mark) for mark in sorted(chosen, key=lambda mark: mark.at_ns))


def _bounded(mark: Mark) -> Mark:
    detail = {
        key: value[:MOST_TEXT] if isinstance(value, str) else value
        for key, value in list(mark.detail.items())[:20]
    }
    return replace(mark, name=bounded(mark.name), detail=detail)


def _traffic(scenario: Scenario) -> Mapping[str, str | int | float]:
    loop = scenario.closed_loop
    if loop is None:
        return {"rate_hz": scenario.traffic.rate_hz}
    return {"locustfile": loop.locustfile, "users": loop.users}


def _told_by(traffic: Traffic) -> str:
    """`told by header:X-Release`, or by what each stream says."""
    sources = [
        traffic.release_from if stream.release_from is None else stream.release_from
        for stream in traffic.streams
    ]
    told = [source for source in dict.fromkeys(sources) if source]
    return f"told by {', '.join(told)}" if told else NOT_OBSERVED


def _environment(history: History) -> Mapping[str, str | int | float | bool]:
    """The recorded environment, and what else a reader needs to run it again."""
    record = history.record
    scenario = record.scenario
    return {
        **record.environment,
        **{f"settings.{key}": value for key, value in scenario.settings.items()},
        "path": record.path,
        "target": scenario.target,
        "swap": scenario.swap,
        "swaps": scenario.swaps,
        "releases": " ".join(scenario.releases).strip() or _told_by(scenario.traffic),
        **_traffic(scenario),
        "seed": scenario.seed,
    }
