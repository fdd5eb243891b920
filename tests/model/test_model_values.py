"""The vocabulary's few rules."""

import dataclasses
from itertools import permutations

import pytest

from harness.model.errors import HarnessError, Interrupted, NotJudgedError
from harness.model.finding import EXIT_CODES, Finding, Verdict, worst
from harness.model.scenario import Scenario
from harness.model.traffic import Stream, Traffic

STREAMS = (Stream(name="a", path="/", rate_hz=1.5), Stream(name="b", path="/b", rate_hz=2.0))


def finding(verdict):
    return Finding(check="c", verdict=verdict, message="m")


@pytest.mark.parametrize(
    ("verdicts", "verdict"),
    [
        ("pass", "pass"),
        ("pass pass", "pass"),
        ("pass inconclusive", "inconclusive"),
        ("inconclusive fail", "fail"),
        ("pass inconclusive fail", "fail"),
    ],
)
def test_the_worst_finding_is_the_verdict_in_any_order(verdicts, verdict):
    for order in permutations(verdicts.split()):
        assert worst(finding(Verdict(each)) for each in order) is Verdict(verdict)


def test_no_findings_are_no_evidence():
    assert worst([]) is Verdict.inconclusive


def test_each_verdict_has_its_exit_code():
    assert {verdict.value: code for verdict, code in EXIT_CODES.items()} == {
        "pass": 0,
        "fail": 1,
        "inconclusive": 3,
    }


def test_swaps_go_there_and_back():
    scenario = Scenario(
        name="n",
        target="t",
        swap="s",
        swaps=3,
        releases=("v1", "v2"),
        traffic=Traffic(streams=(Stream(name="get", path="/", rate_hz=1.0),)),
    )
    assert [scenario.releases_of(n) for n in (1, 2, 3)] == [
        ("v1", "v2"),
        ("v2", "v1"),
        ("v1", "v2"),
    ]


def test_traffic_adds_up_its_streams():
    traffic = Traffic(streams=STREAMS)
    assert traffic.rate_hz == 3.5
    assert traffic.stream_names() == ("a", "b")


def test_values_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        STREAMS[0].rate_hz = 2.0


@pytest.mark.parametrize("error", [NotJudgedError, Interrupted])
def test_what_is_raised_on_purpose_has_one_base(error):
    assert issubclass(error, HarnessError)
