"""What of an outage of one replica the balancer's retries let through."""

import pytest
from synthetic import clean

from harness.analysis.replicas import replica_outage
from harness.model.outcome import Cache
from harness.report.figures import replica_line
from harness.stack.balancer import Manners, configuration, habits

STACK = {**habits(Manners()), "algorithm_running": "roundrobin"}


def found(draft=None, *, environment=STACK, replicas=2):
    history = (draft or clean()).history()
    return replica_outage(history.requests, history.windows, environment, {"replicas": replicas})


def by_kind(**more):
    return {
        one.kind: (one.seen_as, one.latency_ms, one.fails_from_ms) for one in found(**more).seen
    }


def test_another_replica_is_asked_at_once_and_a_refusal_stays_unseen():
    assert by_kind() == {
        "refused": ("nothing", 0.0, None),
        "unanswered": ("latency", 250.0, None),
        "broken": ("failure", None, 0.0),
        "held": ("latency", None, None),
    }


@pytest.mark.parametrize("algorithm", ["leastconn", "first"])
def test_other_algorithms_wait_before_they_ask_another(algorithm):
    seen = by_kind(environment={**STACK, "algorithm_running": algorithm})
    assert seen["refused"] == ("latency", 250.0, None)


@pytest.mark.parametrize(
    ("replicas", "algorithm"), [(1, "roundrobin"), (2, "source"), (2, "hash"), (1, "leastconn")]
)
def test_where_the_same_one_is_asked_again_long_outages_fail(replicas, algorithm):
    seen = by_kind(environment={**STACK, "algorithm_running": algorithm}, replicas=replicas)
    assert seen["refused"] == ("latency", 750.0, 50.0)
    assert seen["unanswered"] == ("latency", 1_000.0, 50.0)


def test_a_target_that_does_not_say_how_it_tries_again_has_none():
    assert found(environment={}) is None
    assert found(replicas="many") is None


def test_what_is_recorded_is_what_the_balancer_is_configured_with():
    lines = configuration(algorithm="roundrobin", servers="").splitlines()
    told = habits(Manners())
    assert f"    timeout connect {told['balancer_connect_ms']}ms" in lines
    assert f"    retries {told['balancer_retries']}" in lines
    checks = next(line for line in lines if "fastinter" in line).split()
    fast_ms = int(checks[checks.index("fastinter") + 1].removesuffix("ms"))
    fall = int(checks[checks.index("fall") + 1])
    assert told["balancer_down_ms"] == fast_ms * (fall - 1)


def test_the_largest_gap_of_one_instance_while_it_served_in_a_swap():
    draft = clean()
    whole = found(draft).certain_ms
    assert 3 < whole < 100
    draft.drop(draft.seqs(since=11.2, until=11.5))
    assert found(draft).certain_ms == pytest.approx(300, abs=20)


def test_a_copy_from_a_cache_asked_no_instance():
    draft = clean()
    draft.set(draft.seqs(), cache=Cache.hit.name)
    assert found(draft).certain_ms is None


def sentence(replicas):
    draft = clean()
    draft.set(draft.seqs(), cache=Cache.hit.name)
    return replica_line(found(draft, replicas=replicas))


def test_it_is_said_in_a_sentence():
    assert sentence(2) == (
        "of an outage of one of 2 replicas (no length is certain to have met a request) the "
        "retries let through, of connections that it refuses: nothing, another replica is asked "
        "at once; connections that nobody answers: at most 250 ms more; connections that break "
        "under a request: failures; answers that come late: latency"
    )


def test_of_the_only_replica_too():
    assert sentence(1) == (
        "of an outage of the only replica (no length is certain to have met a request) the "
        "retries let through, of connections that it refuses: at most 750 ms more, failures where "
        "it lasts for 50 ms or longer; connections that nobody answers: at most 1000 ms more, "
        "failures where it lasts for 50 ms or longer; connections that break under a request: "
        "failures; answers that come late: latency"
    )
