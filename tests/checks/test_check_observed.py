"""Releases that nobody named beforehand: hand-written histories, each finding word for word."""

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "analysis"))
import pytest
from synthetic import STREAMS, at, clean, error

from harness.checks import no_failed_request, replaced
from harness.checks.observed import NOT_OBSERVED
from harness.checks.verdict import judge
from harness.model.finding import Finding, Verdict
from harness.model.mark import MarkKind
from harness.model.outcome import Outcome
from harness.model.scenario import Limits, Timing
from harness.model.traffic import Traffic
from harness.model.visit import Visit, Visited, VisitKind

SETTLE_S = 0.5


def observed(swaps=1, *, release_from="header:X-Release", **changes):
    """A clean run of v1 to v2 (and back), whose names nobody knows beforehand.

    Swap 1 is from +11 to +14 s; what follows it has settled at +14.5 s.
    """
    draft = clean(swaps=swaps)
    draft.samples = draft.samples.assign(cache="untold")
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.event]
    draft.scenario(
        target="url",
        swap="deploy",
        releases=("", ""),
        traffic=Traffic(streams=STREAMS, release_from=release_from),
        timing=Timing(warmup_s=1, steady_s=10, settle_s=SETTLE_S),
        **changes,
    )
    return draft


def told(draft):
    finding = replaced.check(draft.history())
    assert finding.check == "replaced"
    return finding.verdict, finding.message


def evidence(draft):
    return replaced.check(draft.history()).evidence


def test_one_release_before_and_another_after_pass_and_are_named():
    assert replaced.check(observed().history()) == Finding(
        check="replaced",
        verdict=Verdict.passed,
        message="before each swap one release answered, and from 0.5 s after it on only another "
        "one (v1 to v2; 5,400 answers told their release, 0 of them an old one while that settled)",
        evidence={
            "answers": 5400,
            "by_release": {"v1": 3630, "v2": 1770},
            "cached": 0,
            "old_while_settling": 0,
            "releases": ["v1", "v2"],
            "problems": [],
        },
    )


def test_there_and_back_pass():
    verdict, message = told(observed(swaps=2))
    assert verdict is Verdict.passed
    assert "(v1 to v2 to v1; 6,600 answers" in message


def test_the_old_release_may_answer_until_it_has_settled_and_is_counted():
    draft = observed()
    draft.set(draft.seqs(since=14, until=14.49), release="v1")
    verdict, message = told(draft)
    assert verdict is Verdict.passed
    assert "147 of them an old one while that settled" in message
    assert evidence(draft)["old_while_settling"] == 147


def test_an_old_release_that_answers_after_that_fails_with_count_example_and_remedy():
    draft = observed()
    draft.set(draft.seqs(since=15)[:2], release="v1", instance="website-0")
    assert told(draft) == (
        Verdict.failed,
        (
            "the old release v1 still answered more than 0.5 s after swap 1 had ended: 2 answers, "
            "first #4503 from website-0, sent at +15.000 s; "
            "let the command wait until the old release is gone"
        ),
    )


def test_an_old_answer_of_a_cache_is_no_old_release():
    draft = observed()
    draft.set(draft.seqs(since=15)[:2], release="v1", cache="hit")
    assert told(draft)[0] is Verdict.passed
    assert evidence(draft)["cached"] == 2


def test_answers_from_a_cache_alone_prove_no_new_release():
    draft = observed()
    draft.set(draft.seqs(since=14), cache="hit")
    assert told(draft) == (
        Verdict.inconclusive,
        "no answer was seen later than 0.5 s after swap 1",
    )


def test_a_swap_that_changed_nothing_is_inconclusive():
    draft = observed()
    draft.set(draft.seqs(), release="v1")
    assert told(draft) == (
        Verdict.inconclusive,
        "only v1 answered later than 0.5 s after swap 1: a swap that changed nothing",
    )


def test_two_releases_before_the_swap_are_no_baseline():
    draft = observed()
    draft.set(draft.seqs(since=5)[:3], release="v0\x1b[1m")
    assert told(draft) == (
        Verdict.inconclusive,
        (
            "before swap 1 several releases answered (v1, v0\N{REPLACEMENT CHARACTER}[1m): "
            "the baseline is not what it says"
        ),
    )


def test_where_every_answer_differs_the_remedy_is_told():
    draft = observed(release_from="body")
    for index, seq in enumerate(draft.seqs(since=5)[:5]):
        draft.set([seq], release=f"sha256 {index}")
    verdict, message = told(draft)
    assert verdict is Verdict.inconclusive
    assert message == (
        "before swap 1 several releases answered (v1, sha256 0, sha256 1 and 3 more): the "
        "baseline is not what it says; if every answer differs, tell the release by header:NAME "
        "or json:PATH"
    )


@pytest.mark.parametrize(
    ("until", "seen"),
    [(11, "no answer told its release"), (5, "several releases answered (one without a name, v1)")],
)
def test_answers_before_the_swap_that_tell_no_release_are_no_baseline(until, seen):
    draft = observed()
    draft.set(draft.seqs(until=until), release="")
    assert told(draft) == (
        Verdict.inconclusive,
        f"before swap 1 {seen}: the baseline is not what it says",
    )


def test_no_answer_before_the_swap_is_no_baseline():
    draft = observed()
    draft.fail(draft.seqs(until=11), Outcome.refused)
    assert told(draft) == (
        Verdict.inconclusive,
        "before swap 1 no release was seen to answer: the baseline is not what it says",
    )


@pytest.mark.parametrize(
    ("names", "seen"),
    [
        ([""], "no answer told its release"),
        (["v2", ""], "several releases answered (v2, one without a name)"),
        (["v2", "v3"], "several releases answered (v2, v3)"),
    ],
)
def test_what_answers_after_the_swap_must_be_one_release_with_a_name(names, seen):
    draft = observed()
    seqs = draft.seqs(since=14)
    for index, name in enumerate(names):
        draft.set(seqs[index :: len(names)], release=name)
    assert told(draft) == (
        Verdict.inconclusive,
        f"after swap 1 {seen}: what it put in place is not told",
    )


def test_an_old_release_is_a_fail_though_several_new_ones_answer_too():
    draft = observed()
    draft.set(draft.seqs(since=15)[:1], release="v1")
    draft.set(draft.seqs(since=16)[:1], release="v3")
    assert told(draft)[0] is Verdict.failed


def test_failed_requests_tell_nothing():
    draft = observed()
    draft.fail(draft.seqs(since=15)[:1], Outcome.wrong_status, status=503, release="v1")
    assert told(draft)[0] is Verdict.passed
    draft.fail(draft.seqs(since=14), Outcome.wrong_status, status=503, release="v2")
    assert told(draft)[0] is Verdict.inconclusive


def test_after_a_swap_that_did_not_complete_nobody_is_blamed():
    draft = observed()
    draft.set(draft.seqs(since=12), release="v1")
    draft.marks.append(error(13, "exit code 3", "release"))
    assert told(draft) == (
        Verdict.inconclusive,
        "swap 1 did not complete: what answered after it is not judged",
    )


def test_the_second_swap_is_judged_too():
    draft = observed(swaps=2)
    draft.set(draft.seqs(since=18.4), release="v2")
    assert told(draft) == (
        Verdict.inconclusive,
        "only v2 answered later than 0.5 s after swap 2: a swap that changed nothing",
    )
    draft.set(draft.seqs(since=19), release="v1")
    assert told(draft)[0] is Verdict.failed


def test_what_settles_after_one_swap_does_not_spoil_the_next_ones_baseline():
    draft = observed(swaps=2)
    draft.set(draft.seqs(since=14, until=14.4), release="v1")
    assert told(draft)[0] is Verdict.passed


def test_no_swap_begun_is_inconclusive():
    draft = observed()
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.phase]
    assert told(draft) == (Verdict.inconclusive, "no swap was begun")


def test_no_swap_asked_for_is_said():
    assert told(observed(swaps=0)) == (
        Verdict.passed,
        "no swap was asked for: no release to replace",
    )


def test_without_a_source_it_is_inconclusive_and_the_verdict_says_so():
    draft = observed(release_from="")
    draft.set(draft.seqs(), release="")
    assert told(draft) == (
        Verdict.inconclusive,
        (
            "that the release changed was not observed: say --release header:NAME, json:PATH or "
            "body, or --allow-unobserved-release"
        ),
    )
    result = judge(draft.history())
    assert result.verdict is Verdict.inconclusive
    assert result.sentence.endswith("; 1 swap (deploy, the release was not observed)")
    assert result.environment["releases"] == NOT_OBSERVED


def test_where_that_is_allowed_it_passes_and_the_verdict_still_says_so():
    draft = observed(release_from="", limits=Limits(unobserved_release=True))
    draft.set(draft.seqs(), release="")
    assert told(draft) == (
        Verdict.passed,
        (
            "the release was not observed, as --allow-unobserved-release allows: whether the swap "
            "changed anything is not known"
        ),
    )
    result = judge(draft.history())
    assert result.verdict is Verdict.passed
    assert "1 swap (deploy, the release was not observed) dropped 0 of" in result.sentence


def test_the_verdict_names_the_releases_that_were_observed():
    result = judge(observed().history())
    assert result.verdict is Verdict.passed
    assert "1 swap (deploy, v1 to v2) dropped 0 of" in result.sentence
    assert result.environment["releases"] == "told by header:X-Release"


def test_the_verdict_names_no_release_that_it_does_not_know():
    draft = observed()
    draft.set(draft.seqs(), release="v1")
    assert judge(draft.history()).sentence.endswith("; 1 swap (deploy)")


def test_releases_with_names_are_judged_by_their_names():
    draft = observed()
    draft.record = replace(
        draft.record, scenario=replace(draft.record.scenario, releases=("v1", "v2"))
    )
    assert told(draft)[1].startswith("before each swap only the old release answered")


def test_a_visit_that_the_old_release_answers_last_after_the_swap_fails():
    draft = observed()
    visits = replace(STREAMS[3], visit=Visit(kind=VisitKind.session, lasts_s=3.0))
    traffic = draft.record.scenario.traffic
    draft.scenario(traffic=replace(traffic, streams=(*STREAMS[:3], visits)))
    [seq, *_] = draft.seqs("slow", 15)
    asked = Visited(seq=seq, last_sent_ns=at(16), last_release="v1", last_instance="website-0")
    draft.visits = (asked,)
    verdict, message = told(draft)
    assert verdict is Verdict.failed
    assert f"1 answer, first #{seq} from website-0, sent at +16.000 s" in message
    draft.visits = (replace(asked, last_release=""),)
    assert told(draft)[0] is Verdict.passed, "an asset, perhaps, which tells no release"


def test_streams_that_are_said_to_tell_no_release_are_left_out():
    draft = observed(release_from="json:v")
    first, *others = STREAMS
    silent = draft.samples["stream"] == first.name
    draft.samples.loc[silent, "release"] = ""
    assert told(draft)[0] is Verdict.inconclusive
    draft.scenario(
        traffic=Traffic(streams=(replace(first, release_from=""), *others), release_from="json:v")
    )
    verdict, message = told(draft)
    assert verdict is Verdict.passed, message
    assert evidence(draft)["answers"] == 5400 - int(silent.sum())
    judged = judge(draft.history())
    assert judged.environment["releases"] == "told by json:v"


def test_a_release_that_one_stream_alone_tells_is_observed():
    draft = observed(release_from="")
    first, *others = STREAMS
    draft.scenario(
        traffic=Traffic(streams=(replace(first, release_from="body"), *others), release_from="")
    )
    verdict, message = told(draft)
    assert verdict is Verdict.passed, message
    judged = judge(draft.history())
    assert judged.environment["releases"] == "told by body"
    assert "(deploy, v1 to v2)" in judged.sentence


def test_of_several_origins_a_failed_request_names_its_own():
    draft = observed()
    one, *others = (replace(each, origin="http://a.test") for each in STREAMS)
    draft.fail(draft.seqs(one.name, 11.5, 12)[:1], Outcome.reset)
    for streams, where in (
        ((one, *others), f"GET {one.path} reset"),
        ((replace(one, origin="http://b.test"), *others), f"GET http://b.test{one.path} reset"),
    ):
        draft.scenario(traffic=Traffic(streams=streams))
        assert where in no_failed_request.check(draft.history()).message
