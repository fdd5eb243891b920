import pytest
from synthetic import SWAP_AT, SWAP_S, clean

from harness.checks.cached import check
from harness.model.finding import Finding, Verdict
from harness.model.outcome import Outcome

ENDS = SWAP_AT + SWAP_S


def drafted(**cached_s):
    """A clean run, whose streams may be cached for so long; `get_new` is the one that may."""
    draft = clean()
    traffic = draft.record.scenario.traffic
    allowed = {"get-new": 1.0, "get-reused": 0.0} | {
        name.replace("_", "-"): value for name, value in cached_s.items()
    }
    streams = tuple(
        type(stream)(
            **{name: getattr(stream, name) for name in stream.__slots__}
            | {"cached_s": allowed.get(stream.name)}
        )
        for stream in traffic.streams
    )
    draft.scenario(traffic=type(traffic)(streams=streams))
    draft.set(draft.seqs(), cache="miss")
    draft.set(draft.seqs("get-new")[::2], cache="hit")
    return draft


def told(draft):
    finding = check(draft.history())
    return finding.verdict, finding.message


def test_copies_of_what_may_be_kept_in_their_time_pass():
    assert check(drafted().history()) == Finding(
        check="cached",
        verdict=Verdict.passed,
        message="900 answers came from a cache, each of what may be kept and in its time",
        evidence={"hits": {"get-new": 900}},
    )


def test_where_nothing_is_known_of_caches_nothing_is_judged():
    draft = clean()
    draft.set(draft.seqs(), cache="hit")
    assert told(draft) == (
        Verdict.passed, "of no stream it is known whether it may be cached",
    )  # fmt: skip


def test_a_copy_of_what_may_never_be_kept_fails():
    draft = drafted()
    [seq] = draft.seqs("get-reused", 12, 13)[:1]
    draft.set([seq], cache="hit")
    finding = check(draft.history())
    assert (finding.verdict, finding.message) == (
        Verdict.failed,
        (
            f"1 answer came from a cache that should not have; first #{seq} of get-reused at "
            "+12.000 s, which may never be cached"
        ),
    )
    assert [one["seq"] for one in finding.evidence["examples"]] == [seq]


def test_a_copy_of_the_old_release_within_its_life_is_no_fault():
    draft = drafted()
    late = draft.seqs("get-new", ENDS, ENDS + 1.9)
    draft.set(late, cache="hit", release="v1", instance="website-1")
    assert told(draft)[0] is Verdict.passed


def test_a_copy_of_the_old_release_that_outlived_it_fails():
    draft = drafted()
    [seq] = draft.seqs("get-new", ENDS + 2.1, ENDS + 2.2)[:1]
    draft.set([seq], cache="hit", release="v1", instance="website-1")
    verdict, message = told(draft)
    assert verdict is Verdict.failed
    assert f"first #{seq} of get-new" in message
    assert message.endswith("is of release v1, which was gone for longer than a copy may live")


def test_copies_of_a_release_that_still_answers_are_not_blamed():
    """A swap that changed nothing: `replaced` tells of it."""
    draft = drafted()
    draft.set(draft.seqs(since=ENDS), release="v1", instance="website-1")
    assert told(draft)[0] is Verdict.passed


@pytest.mark.parametrize(("kind", "other"), [("hit", "miss"), ("miss", "hit")])
def test_a_cache_that_was_never_or_always_used_was_not_tried(kind, other):
    draft = drafted()
    draft.set(draft.seqs("get-new"), cache=other)
    assert told(draft) == (
        Verdict.inconclusive,
        f"a cache was not tried: get-new (no {kind}); raise the stream's rate",
    )


def test_a_copy_that_is_no_success_is_none():
    draft = drafted()
    draft.set(draft.seqs("get-reused", 12, 13)[:1], cache="hit", outcome="wrong_body")
    assert told(draft)[0] is Verdict.passed


def test_copies_that_served_while_others_failed_are_told_from_answers():
    """A second in which nobody answers behind the cache."""
    draft = drafted()
    failed = draft.seqs("get-reused", SWAP_AT + 0.5, SWAP_AT + 1.5)
    draft.fail(failed, Outcome.refused)
    rows = draft.samples.set_index("seq")
    begin, end = rows.loc[failed, "due_ns"].min(), rows.loc[failed, "finished_ns"].max()
    sent = rows.loc[draft.seqs("get-new")[::2], "sent_ns"]
    meanwhile = int(((sent >= begin) & (sent < end)).sum())
    assert 45 < meanwhile < 55
    finding = check(draft.history())
    assert finding.verdict is Verdict.passed
    assert finding.message.endswith(f"in its time; {meanwhile} of them while other requests failed")
    assert finding.evidence["while_others_failed"] == meanwhile
