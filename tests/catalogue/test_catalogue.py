"""Mechanisms, arms, and the page that shows them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.catalogue.model import Arm, Kind, Mechanism, arm_of, mechanisms, read_arms, write_arm
from harness.catalogue.page import catalogue_html, catalogue_markdown, write_catalogue
from harness.model.finding import Verdict
from harness.model.result import Attribution, Latency, Outage, Requests, Result
from harness.report.result_json import load

ROOT = Path(__file__).parents[2]
EXAMPLE = load((ROOT / "reports" / "example" / "result.json").read_bytes())


def arm(number: int = 1, kind: Kind = Kind.drops, **changes: object) -> Arm:
    fields = {
        "mechanism": number, "kind": kind, "test": f"test_{number}_{kind}", "what": "told to stop",
        "verdict": "fail" if kind is Kind.drops else "pass", "as_expected": True, "failed": 24,
        "requests": 3_900, "slow": 2, "outage_ms": 1_222.5, "added_p99_ms": 32.8,
        "cause": "24 requests failed: <refused>", "folder": "../test_1/20260102T030405Z-abcd",
    }  # fmt: skip
    return Arm(**{**fields, **changes})  # type: ignore[arg-type]


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
    }  # fmt: skip
    return replace(EXAMPLE, **{**fields, **changes})  # type: ignore[arg-type]


def of(result: Result, kind: Kind) -> Arm:
    return arm_of(result, mechanism=7, kind=kind, test="test_x", what="w", folder="../x/y")


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


def test_an_arm_tells_what_was_lost_how_long_and_what_it_is_put_down_to() -> None:
    blame = Attribution(
        cause="refused", component="balancer", instance="website-1", swap=1, step="stop", failed=3,
        slow=0, first_s=1.0, last_s=1.2, sentence="3 requests failed", remedy="", examples=(),
    )  # fmt: skip
    sender = replace(blame, component="sender", sentence="1 was not sent")
    made = of(judged(Verdict.failed, attributions=(sender, blame)), Kind.drops)
    assert (made.failed, made.requests, made.slow) == (3, 9, 6)
    assert (made.outage_ms, made.added_p99_ms) == (750.0, 40.3)
    assert made.cause == "3 requests failed"


def test_a_percentile_that_is_not_resolved_adds_nothing() -> None:
    assert of(judged(Verdict.failed, latency_ms={}), Kind.drops).added_p99_ms is None


def test_arms_are_kept_by_scenario_and_read_in_the_catalogues_order(tmp_path: Path) -> None:
    arms = [arm(2), arm(1, Kind.avoids), arm(1), arm(99)]
    for each in arms:
        write_arm(each, tmp_path)
    write_arm(replace(arms[2], failed=7), tmp_path)
    found = read_arms(tmp_path, mechanisms())
    assert [(each.mechanism, each.kind) for each in found] == [
        (1, Kind.drops), (1, Kind.avoids), (2, Kind.drops),
    ]  # fmt: skip
    assert found[0].failed == 7


def test_mechanisms_have_33_numbers_each_with_what_avoids_it() -> None:
    known = mechanisms()
    assert [each.number for each in known] == list(range(1, 34))
    assert all(each.title and each.symptom and each.avoided_by for each in known)


def test_a_mechanism_has_both_arms_or_says_why_not() -> None:
    """The scenarios name their mechanism by number and kind."""
    text = "".join(
        path.read_text() for path in (ROOT / "scenarios" / "catalogue").glob("test_*.py")
    )
    shown = {
        kind: {int(number) for number in re.findall(rf"shows\(\s*(\d+),\s*Kind\.{kind}\b", text)}
        for kind in Kind
    }
    assert shown[Kind.drops] == shown[Kind.avoids]
    for each in mechanisms():
        assert (each.number in shown[Kind.drops]) is (not each.not_shown), each.title


def test_the_page_counts_a_mechanism_only_where_both_arms_ended_as_they_must() -> None:
    known = mechanisms()
    both = [arm(), arm(1, Kind.avoids)]
    assert "1 of 33 mechanisms are shown" in catalogue_html(known, both)
    wrong = [both[0], replace(both[1], as_expected=False, verdict="inconclusive")]
    page = catalogue_html(known, wrong)
    assert "0 of 33 mechanisms are shown" in page
    assert "1 arms ended otherwise than they must" in page
    assert "<b>unexpected</b>" in page


def unshown(number: int) -> tuple[Mechanism, ...]:
    """What is known, of which that one is not shown."""
    return tuple(
        replace(each, not_shown="no <one> did") if each.number == number else each
        for each in mechanisms()
    )


def test_the_page_links_runs_and_escapes_what_it_is_told(tmp_path: Path) -> None:
    known = unshown(6)
    write_catalogue(known, [arm(what="a<b", verdict="fail")], tmp_path)
    page = (tmp_path / "index.html").read_text("utf-8")
    assert 'href="../test_1/20260102T030405Z-abcd/report.html"' in page
    assert "a&lt;b" in page
    assert "24 requests failed: &lt;refused&gt;" in page
    assert "Not shown: no &lt;one&gt; did." in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)


def test_the_text_has_a_row_an_arm_and_names_what_is_not_shown() -> None:
    known = unshown(6)
    text = catalogue_markdown(known, [arm(added_p99_ms=None, what="a|b")])
    assert (
        "| 1 | the stop signal before the balancer lets go | a/b (drops) | ✗ fail | 24 | 3,900 | 2 "
        "| 1,222 | - |"
    ) in text
    assert "* 6. the wrong stop signal: Not shown: no <one> did." in text


def test_an_arm_on_disk_is_plain_json(tmp_path: Path) -> None:
    write_arm(arm(), tmp_path)
    (path,) = (tmp_path / "arms").iterdir()
    assert json.loads(path.read_text())["kind"] == "drops"
