"""Results to report: one of each verdict, and one made of hostile text."""

from dataclasses import replace

from fakes.control import ControlPaper
from synthetic import START, clean, error

from harness.analysis.history import History
from harness.checks.verdict import judge
from harness.model.calibration import Calibration, Trial
from harness.model.mark import MarkKind
from harness.model.outcome import Outcome
from harness.model.result import Result

HOSTILE = "<script>|`[red]x[/red]\x1b[2J\x00\x85\u202e\ud800]]>&\n## no\r* _"
MARKUP = "</script><img src=x onerror=hit()>\u2028$$x$$ '\"&lt;`${hit()}<!--"


CALIBRATION = Calibration(
    trials=tuple(
        Trial(
            kind=kind,
            intervals=2,
            interval_ms=111.111,
            start_s=start_s,
            length_ms=222.222,
            seen_kind=seen,
            seen_ms=222.222 + off_ms,
            start_error_ms=1.0,
            length_error_ms=off_ms,
            allowed_ms=229.0,
            verdict="found",
        )
        for kind, seen, start_s, off_ms in (
            ("stall", "stall", 0.171, 11.25),
            ("503", "wrong_status", 0.65, -2.5),
        )
    ),
    left_out=("5 intervals of reset, stall: no room in 3.7 s",),
    requests=900,
    certain_outage_ms=7.9,
)


def passed() -> Result:
    return fixed(judge(calibrated_history()))


def calibrated_history() -> History:
    draft = clean()
    draft.scenario(calibrated=True, control=True, settings={"replicas": 2})
    draft.record = replace(
        draft.record,
        environment={
            **draft.record.environment,
            "algorithm_running": "roundrobin",
            "balancer_connect_ms": 250,
            "balancer_retries": 3,
            "balancer_down_ms": 50,
        },
    )
    control = ControlPaper(START, 18.0).controlled()
    return replace(draft.history(), calibration=CALIBRATION, control=control)


def failed() -> Result:
    return fixed(judge(failed_history()))


def failed_history() -> History:
    """Its control was kept waiting too, at another time."""
    draft = clean()
    draft.scenario(control=True)
    seqs = draft.seqs(since=12.6, until=12.7)
    draft.fail(seqs, Outcome.wrong_status, status=503, instance="website-1", release="v1")
    draft.details = {seqs[0]: "<h1>503 | `no` server</h1>", seqs[1]: "[bold]x[/bold]"}
    draft.delay(draft.seqs(since=15, until=15.3), 700)
    control = ControlPaper(START, 18.0, stalls=[(5.0, 5.7)]).controlled()
    return replace(draft.history(), control=control)


def hostile_history() -> History:
    """Every name that somebody else chooses is hostile."""
    draft = clean()
    draft.set(draft.seqs(), release=MARKUP * 3, instance=MARKUP * 3)
    draft.fail(
        draft.seqs(since=12.6, until=13), Outcome.wrong_status, status=503, instance=MARKUP * 3
    )
    draft.details = dict.fromkeys(draft.seqs(since=12.6, until=13), MARKUP * 20)
    draft.marks = [
        replace(mark, name=MARKUP) if mark.kind is MarkKind.step else mark for mark in draft.marks
    ]
    draft.marks.append(error(13, MARKUP * 50, "release"))
    draft.scenario(releases=(MARKUP, "v2"))
    return draft.history()


def inconclusive() -> Result:
    draft = clean()
    draft.damaged = 2
    draft.operations = None
    draft.record = replace(draft.record, path="published")
    return fixed(judge(draft.history()))


def hostile() -> Result:
    draft = clean()
    seqs = draft.seqs(since=12.6, until=12.7)
    text = HOSTILE.encode("utf-8", "replace").decode()
    draft.fail(seqs, Outcome.wrong_status, status=503, instance=text, release=text)
    draft.details = dict.fromkeys(seqs, HOSTILE * 50)
    draft.marks.append(error(13, text * 50, "release"))
    result = judge(draft.history())
    worst = replace(
        result.findings[0],
        message=HOSTILE * 50,
        evidence={HOSTILE: [HOSTILE * 20] * 30, "n": {HOSTILE: HOSTILE}},
    )
    outages = tuple(replace(result.outages[0], kind=HOSTILE, step=HOSTILE) for _ in range(200))
    return replace(
        result,
        scenario=HOSTILE,
        sentence=HOSTILE * 100,
        run=HOSTILE,
        findings=tuple(replace(worst, check=f"{HOSTILE}{n}") for n in range(60)),
        outages=outages,
        environment=dict.fromkeys((f"{n}{HOSTILE}" for n in range(500)), HOSTILE * 9),
        latency_ms={HOSTILE: result.latency_ms["all"]},
    )


def fixed(result: Result) -> Result:
    """Without what changes from release to release of the harness."""
    return replace(result, harness="0")
