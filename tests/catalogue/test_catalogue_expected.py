"""What an arm must end as."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.catalogue.expected import arm_of, named_causes
from harness.catalogue.model import Arm, Kind
from harness.model.finding import Finding, Verdict
from harness.model.result import Attribution, Latency, Outage, Requests, Result
from harness.report.result_json import load

ROOT = Path(__file__).parents[2]
EXAMPLE = load((ROOT / "reports" / "example" / "result.json").read_bytes())


def judged(verdict: Verdict, **changes: object) -> Result:
    speed = Latency(count=100, p50=1.0, p90=2.0, p99=5.0, p999=None, max=9.0)
    fields = {
        "verdict": verdict,
        "requests": Requests(planned=9, sent=9, ok=6, failed=3, unknown=0, by_outcome={}),
        "latency_ms": {"all": {"steady": speed, "swap_window": replace(speed, p99=45.26)}},
        "outages": (
            Outage(start_s=1.0, end_s=1.25, kind="reset", streams=("a",), failed=3, slow=2,
                   phase="swap 1", step="stop"),
            Outage(start_s=2.0, end_s=2.5, kind="stall", streams=("a",), failed=0, slow=4,
                   phase="swap 1", step="stop"),
        ),
        "attributions": (BLAME,),
    }  # fmt: skip
    return replace(EXAMPLE, **{**fields, **changes})  # type: ignore[arg-type]


BLAME = Attribution(
    cause="not_connected", component="website", instance="website-1", swap=1, step="stop",
    failed=3, slow=0, first_s=1.0, last_s=1.2, sentence="3 requests failed", remedy="", examples=(),
)  # fmt: skip
OTHERS = replace(BLAME, cause="balancer_away", sentence="others failed")


def of(result: Result, kind: Kind, not_most: str = "") -> Arm:
    named = ("not_connected", "connect_timeout") if kind is Kind.drops else ()
    return arm_of(
        result, mechanism=7, kind=kind, test="test_x", what="w", folder="../x/y", named=named,
        not_most=not_most,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "verdict", "expected"),
    [
        (Kind.drops, Verdict.failed, True),
        (Kind.drops, Verdict.passed, False),
        (Kind.drops, Verdict.inconclusive, False),
        (Kind.avoids, Verdict.passed, True),
        (Kind.avoids, Verdict.failed, False),
        (Kind.avoids, Verdict.inconclusive, False),
    ],
)
def test_an_arm_is_as_expected_by_its_kind_alone(
    kind: Kind, verdict: Verdict, expected: bool
) -> None:
    assert of(judged(verdict), kind).as_expected is expected


def test_an_arm_that_drops_nothing_is_not_as_expected_though_its_run_failed() -> None:
    none = replace(judged(Verdict.failed).requests, failed=0)
    made = of(judged(Verdict.failed, requests=none, outages=()), Kind.drops)
    assert (made.as_expected, made.unmet) == (False, "no request failed or was slow")


def test_slow_ones_alone_are_enough_where_the_cause_is_theirs() -> None:
    none = replace(judged(Verdict.failed).requests, failed=0)
    slow = (replace(BLAME, failed=0, slow=6),)
    assert of(judged(Verdict.failed, requests=none, attributions=slow), Kind.drops).as_expected


MOST = replace(OTHERS, failed=1, slow=2)
SLOW = replace(BLAME, failed=0, slow=3)
UNKNOWN = replace(MOST, cause="unattributed", component="")
TO = "put down to not_connected or connect_timeout"


@pytest.mark.parametrize(
    ("attributions", "not_most", "unmet"),
    [
        ((BLAME, replace(OTHERS, failed=2)), "", ""),
        ((BLAME, replace(BLAME, step="drain"), replace(OTHERS, failed=5)), "", ""),
        ((BLAME, replace(BLAME, cause="connect_timeout"), replace(OTHERS, failed=5)), "", ""),
        # Beside what failed the slow ones are the machine's.
        ((BLAME, MOST), "", ""),
        ((BLAME, replace(MOST, slow=90)), "", ""),
        ((BLAME, replace(MOST, failed=3)), "", f"3 of 6 failed requests {TO}, 3 to balancer_away"),
        ((SLOW, MOST), "", f"3 of 6 bad requests {TO}, 3 to balancer_away"),
        ((SLOW, MOST), "they wait behind those", ""),
        (
            (BLAME, replace(MOST, cause="unattributed", failed=3)),
            "",
            f"3 of 6 failed requests {TO}, 3 to unattributed",
        ),
        ((MOST,), "they wait behind those", f"0 of 3 bad requests {TO}, 3 to balancer_away"),
        ((), "they wait behind those", f"0 of 0 bad requests {TO}"),
    ],
)
def test_most_of_what_an_arm_drops_is_put_down_to_a_cause_that_it_names(
    attributions: tuple[Attribution, ...], not_most: str, unmet: str
) -> None:
    made = of(judged(Verdict.failed, attributions=attributions), Kind.drops, not_most)
    assert (made.as_expected, made.unmet) == (not unmet, unmet)


def test_an_arm_that_drops_names_causes_that_a_run_can_have_and_no_other_does() -> None:
    assert named_causes(Kind.drops, "not_connected") == ("not_connected",)
    assert named_causes(Kind.drops, ("killed", "queued")) == ("killed", "queued")
    assert named_causes(Kind.avoids, ()) == ()
    for kind, cause, said in (
        (Kind.drops, (), "expected of each arm that drops"),
        (Kind.drops, "", "expected of each arm that drops"),
        (Kind.avoids, "killed", "and of no other"),
        (Kind.refuses, "killed", "and of no other"),
        (Kind.drops, ("killed", "kiled"), "cause: kiled: not in"),
    ):
        with pytest.raises(ValueError, match=said):
            named_causes(kind, cause)


REFUSED = Finding(check="swap_completed", verdict=Verdict.failed, message="was not ready")
OPEN = Finding(
    check="replaced",
    verdict=Verdict.inconclusive,
    message="did not complete",
    evidence={"by_release": {"v1": 900}},
)
FAILED = Finding(check="no_failed_request", verdict=Verdict.failed, message="1 failed")
LATE = Finding(check="rate_held", verdict=Verdict.inconclusive, message="late")


def refused(*findings: Finding, failed: int = 0, after: int = 700, **changes: object) -> Result:
    """The swap failed; `after` answers came after it."""
    speed = Latency(count=after, p50=1.0, p90=2.0, p99=5.0, p999=None, max=9.0)
    fields = {
        "findings": (*EXAMPLE.findings, *findings),
        "requests": Requests(planned=9, sent=9, ok=9 - failed, failed=failed, unknown=0,
                             by_outcome={}),
        "latency_ms": {"all": {"steady": speed, "after": speed}},
        "environment": {"releases": "v1 v2"},
    }  # fmt: skip
    return judged(Verdict.failed, **{**fields, **changes})


def test_a_release_is_refused_where_the_swap_alone_failed_and_the_old_one_serves_on() -> None:
    assert all(each.verdict is Verdict.passed for each in EXAMPLE.findings)
    assert of(refused(REFUSED, OPEN), Kind.refuses).as_expected


@pytest.mark.parametrize(
    "result",
    [
        refused(REFUSED, OPEN, FAILED, failed=1),
        refused(REFUSED, OPEN, failed=1),
        refused(REFUSED, OPEN, LATE),
        refused(REFUSED, replace(OPEN, verdict=Verdict.failed)),
        refused(replace(REFUSED, verdict=Verdict.inconclusive), OPEN),
        refused(REFUSED, replace(OPEN, evidence={"by_release": {"v1": 900, "v2": 1}})),
        refused(REFUSED, replace(OPEN, evidence={"by_release": {}})),
        refused(REFUSED, OPEN, after=0),
        refused(REFUSED, OPEN, latency_ms={}),
        refused(REFUSED),
        refused(),
    ],
)
def test_nothing_else_is_a_refusal(result: Result) -> None:
    assert not of(result, Kind.refuses).as_expected


def test_an_arm_tells_what_was_lost_how_long_and_what_it_is_put_down_to() -> None:
    sender = replace(BLAME, component="sender", sentence="1 was not sent")
    slow = replace(BLAME, failed=0, slow=9, sentence="9 requests were slow")
    more = replace(OTHERS, failed=5)
    made = of(judged(Verdict.failed, attributions=(more, slow, sender, BLAME)), Kind.drops)
    assert (made.failed, made.requests, made.slow) == (3, 9, 6)
    assert (made.outage_ms, made.added_p99_ms) == (750.0, 40.3)
    assert made.cause == "3 requests failed"
    alone = of(judged(Verdict.failed, attributions=(slow, more)), Kind.drops)
    assert alone.cause == "9 requests were slow"
    assert of(judged(Verdict.failed, attributions=(slow, more)), Kind.avoids).cause == more.sentence


@pytest.mark.parametrize(
    ("changes", "head"), [({}, "01234567"), ({"git_dirty": True}, "01234567-dirty")]
)
def test_an_arm_tells_when_it_was_run_and_by_which_harness(
    changes: dict[str, object], head: str
) -> None:
    known = {"harness": "0.2.0", "git_head": "0123456789abcdef", "git_dirty": False, **changes}
    made = of(judged(Verdict.failed, environment=known, run="20260102T030405Z-ab"), Kind.drops)
    assert (made.run, made.harness, made.git_head) == ("20260102T030405Z-ab", "0.2.0", head)


def test_a_harness_that_is_not_of_a_git_tree_has_no_head() -> None:
    assert not of(judged(Verdict.failed, environment={"harness": "0.2.0"}), Kind.drops).git_head


def test_a_percentile_that_is_not_resolved_adds_nothing() -> None:
    assert of(judged(Verdict.failed, latency_ms={}), Kind.drops).added_p99_ms is None
