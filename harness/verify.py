"""From settings to a judged run: what the command and the plugin share."""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from harness import swap
from harness.analysis.calibration import FOLDER as CALIBRATION
from harness.analysis.history import load
from harness.analysis.runfolder import convert
from harness.checks.verdict import judge
from harness.ci.commands import harmless
from harness.config import FINISH_SPARE_S, Settings
from harness.faults import Fault
from harness.kept import forget_if_bare, new_folder, new_run, point_latest
from harness.model.control import FOLDER as CONTROL
from harness.model.errors import HarnessError, MissingEvidenceError, NotJudgedError
from harness.model.finding import Verdict
from harness.model.mark import Mark
from harness.model.result import Result
from harness.model.scenario import Scenario
from harness.model.traffic import Traffic
from harness.past.baseline import past_named, write_baseline
from harness.past.owned import disown, own
from harness.past.prune import Pruned, pruned_after
from harness.report.write import write_all, write_index
from harness.run import Parts, execute
from harness.stack.variation import AS_IT_IS, Variation
from harness.swap.strategy import Swap
from harness.ways import at_url, bundled, compose, images

__all__ = [
    "Judged",
    "Plan",
    "carry_out",
    "default_traffic",
    "judge_folder",
    "plan",
    "prepared",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A run about to begin. Nothing was started for it yet."""

    run: str
    scenario: Scenario
    parts: Parts
    folder: Path
    keep_runs: int = 0
    """Of its scenario, the newest that are kept once it was judged; 0: all."""
    baseline: Path | None = None
    """The folder of the run that it is held against."""

    def watched_by(self, on_mark: Callable[[Mark], None]) -> Self:
        """The same run, each of whose marks is also given to `on_mark`."""
        return replace(self, parts=replace(self.parts, on_mark=on_mark))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A run that is over. `unwritten` says why reports could not be written, if so."""

    result: Result
    folder: Path
    unwritten: str = ""
    pruned: Pruned = field(default_factory=Pruned)

    def assert_passed(self) -> None:
        """AssertionError with the verdict and what did not pass; inconclusive is no pass."""
        # pytest then shows the test's own line, and none of ours.
        __tracebackhide__ = True
        if self.result.verdict is not Verdict.passed or self.unwritten:
            raise AssertionError(harmless(self.explanation()))

    def explanation(self) -> str:
        """The verdict in a sentence, each finding that did not pass, and the run folder."""
        findings = [
            f"  {finding.verdict.value}: {finding.check}: {finding.message}"
            for finding in self.result.findings
            if finding.verdict is not Verdict.passed
        ]
        unwritten = [f"  {self.unwritten}"] if self.unwritten else []
        return "\n".join(
            [self.result.sentence, *findings, *unwritten, f"  run folder: {self.folder}"]
        )


def plan(
    settings: Settings,
    *,
    traffic: Traffic | None = None,
    name: str = "",
    faults: Sequence[Fault] = (),
    strategy: Swap | None = None,
    variation: Variation = AS_IT_IS,
) -> Plan:
    """Checks what can be checked before anything starts, and makes the run's folder.

    Where there are `faults` they are put in one after another in place of a swap. A `strategy` is
    carried out instead of the one that the settings name, on a stack that `variation` changes. All
    three are the bundled stack's alone.

    NotJudgedError for what cannot work: an unknown swap or algorithm, settings that contradict
    each other, a URL or a deploy command that cannot be, a folder that cannot be written.
    """
    run = new_run()
    against = past_named(settings.baseline, settings.reports) if settings.baseline else None
    scenario, parts = prepared(
        run,
        settings,
        traffic=traffic,
        name=name,
        faults=faults,
        strategy=strategy,
        variation=variation,
    )
    if against:
        scenario = replace(scenario, baseline=against.past.run)
    folder = new_folder(settings.reports, scenario.name, run)
    own(folder, run)
    if against:
        write_baseline(folder, against.past)
    return Plan(
        run=run,
        scenario=scenario,
        parts=parts,
        folder=folder,
        keep_runs=settings.keep_runs,
        baseline=against.folder if against else None,
    )


def prepared(
    run: str,
    settings: Settings,
    *,
    traffic: Traffic | None = None,
    name: str = "",
    faults: Sequence[Fault] = (),
    strategy: Swap | None = None,
    variation: Variation = AS_IT_IS,
) -> tuple[Scenario, Parts]:
    """As `plan`, and leaves nothing on disk."""
    settings.refuse_contradictions()
    if faults and settings.is_at_url:
        raise NotJudgedError("faults: only the bundled stack can be disturbed; leave url out")
    if (strategy or variation != AS_IT_IS) and settings.is_at_url:
        raise NotJudgedError("variation: only the bundled stack can be varied; leave url out")
    if settings.compose and (faults or strategy or variation != AS_IT_IS):
        raise NotJudgedError(
            "compose: faults, strategies and variations of your own are the bundled stack's; "
            "leave compose out"
        )
    chosen = traffic or default_traffic(settings)
    if settings.compose:
        scenario, parts = compose.prepared(run, settings, chosen, name)
        return _waiting_long_enough(scenario), parts
    named = [stream for stream in chosen.streams if stream.origin]
    if named and not settings.is_at_url:
        raise NotJudgedError(
            f"traffic: stream {named[0].name!r} is sent to {named[0].origin}, which is none of the "
            "bundled stack's; name a url, or leave the origin out"
        )
    scenario, parts = (
        at_url.prepared(run, settings, chosen, name)
        if settings.is_at_url
        else (images if settings.old_image else bundled).prepared(
            run,
            settings,
            chosen,
            name,
            faults,
            strategy=strategy or swap.named(settings.swap, batch=settings.batch),
            variation=variation,
        )
    )
    return _waiting_long_enough(scenario), parts


def _waiting_long_enough(scenario: Scenario) -> Scenario:
    """With a bound on the wait at the end that lets each request take its own whole time.

    NotJudgedError where the load would end before all could show that may still fail.
    """
    timing = scenario.timing
    needed_s, why = scenario.tail_s()
    if timing.after_s < needed_s:
        raise NotJudgedError(
            f"settings: after_s = {timing.after_s:g} is too short: {why}; give it "
            f"{needed_s:.2f} or more"
        )
    longest_s = max(stream.timeout_s for stream in scenario.traffic.streams)
    finish_s = max(timing.finish_s, longest_s + FINISH_SPARE_S)
    return replace(scenario, timing=replace(timing, finish_s=finish_s))


def default_traffic(settings: Settings) -> Traffic:
    """What is sent where nobody says otherwise: the bundled stack's mix, or to a URL."""
    if settings.compose:
        return compose.default_traffic(settings)
    if settings.is_at_url:
        return at_url.default_traffic(settings)
    if settings.old_image:
        return images.default_traffic(settings)
    return bundled.default_traffic(settings)


def carry_out(todo: Plan) -> Judged:
    """Runs it and judges what it left. Errors as of run.execute.

    Where nothing came up, and so nothing is known beyond the error, no run folder is left.
    """
    try:
        return _carried_out(todo)
    finally:
        disown(todo.folder)


def _carried_out(todo: Plan) -> Judged:
    try:
        execute(todo.run, todo.scenario, todo.parts, todo.folder)
    except NotJudgedError:
        forget_if_bare(todo.folder)
        raise
    try:
        judged = judge_folder(todo.folder)
    except (OSError, NotJudgedError) as error:
        # There was load: what it showed cannot be told, which is not that there was none.
        raise MissingEvidenceError(f"the run cannot be judged: {error}") from error
    unwritten = _unwritten("reports/latest", lambda: point_latest(todo.folder))
    pruned = pruned_after(todo.folder, todo.keep_runs, todo.baseline)
    if pruned.removed:
        # It names what is gone; a run that is kept is no worse for it.
        with contextlib.suppress(Exception):
            write_index(judged.result, todo.folder)
    return replace(judged, unwritten=judged.unwritten or unwritten, pruned=pruned)


def judge_folder(folder: Path) -> Judged:
    """Judges a run folder and writes its reports: no engine, no network, no clock.

    NotJudgedError where the folder is not a run's. A disk that refuses the reports, or a defect
    in one, does not take the verdict away: `unwritten` says so.
    """
    unconverted = _unwritten("requests.parquet", lambda: _convert(folder))
    history = load(folder)
    result = judge(history)
    unreported = _unwritten("reports", lambda: write_all(result, folder, history))
    unlisted = _unwritten("index.html", lambda: write_index(result, folder))
    return Judged(result=result, folder=folder, unwritten=unconverted or unreported or unlisted)


def _convert(folder: Path) -> None:
    convert(folder)
    # That it is damaged is for the checks to tell.
    with contextlib.suppress(NotJudgedError):
        convert(folder / CALIBRATION)
    # No run gets worse by its control.
    with contextlib.suppress(Exception):
        convert(folder / CONTROL)


def _unwritten(what: str, write: Callable[[], None]) -> str:
    """Why it could not be written; empty where it was."""
    try:
        write()
    except HarnessError:
        raise
    except OSError as error:
        return f"{what}: {error}"
    except Exception as error:  # noqa: BLE001 (a report that breaks takes no verdict away)
        return f"{what}: harness defect: {error!r}"
    return ""
