"""Two swap strategies on the same stack, under the same load: one drops nothing, one must fail."""

from collections.abc import Callable

from harness.analysis.history import load
from harness.model.finding import Verdict, worst
from harness.model.result import Result
from harness.model.scenario import Limits
from harness.verify import Judged


def test_drain_drops_no_request(proved: Callable[..., Judged]) -> None:
    """The new release answers before the old one is let go of, request by request."""
    judged = proved(swap="drain")
    judged.assert_passed()
    assert judged.result.requests.failed == 0
    assert judged.result.requests.planned >= 5_000
    _assert_assets_came_first(judged)


def _assert_assets_came_first(judged: Judged) -> None:
    """A page of the new release names assets that only it has: they lie ready by then."""
    history = load(judged.folder)
    [published] = [step for step in history.steps if step.verb == "publish"]
    answers = history.requests[history.requests["release"] == "v2"]
    assert published.end_ns < answers["sent_ns"].min()


def _assert_attributed(result: Result) -> None:
    """At least 95 of 100 failed and slow requests are put down to a component and a step."""
    bad = sum(one.failed + one.slow for one in result.attributions)
    told = sum(one.failed + one.slow for one in result.attributions if one.component and one.step)
    assert bad
    assert told >= 0.95 * bad, result.attributions


def test_recreate_is_judged_fail(proved: Callable[..., Judged]) -> None:
    """A gate must not be blind: the post's warned-of way is seen, and dated.

    The same balancer, the same load; only the order of steps differs: stop, then start.
    """
    result = proved(swap="recreate").result
    assert result.verdict is Verdict.failed, result.sentence
    outages = [outage for outage in result.outages if outage.phase.startswith("swap")]
    assert outages, "the website was away and no outage was found"
    assert all(outage.start_s < outage.end_s for outage in outages)
    lost = next(f for f in result.findings if f.check == "no_failed_request")
    assert lost.verdict is Verdict.failed
    _assert_attributed(result)
    causes = {one.cause for one in result.attributions if one.failed}
    assert "no_server" in causes, result.attributions


def test_scale_then_stop_makes_requests_wait_for_a_server_that_does_not_listen_yet(
    proved: Callable[..., Judged],
) -> None:
    """The post's recipe as it is written, with today's parts.

    DNS names the new container before its website listens, HAProxy counts a server that DNS has
    just named as up, and each request sent there waits out `timeout connect` before it is sent
    elsewhere. Nothing need be lost for it to be seen: the stall is dated, and the verdict is fail
    by latency, or where the machine explains it inconclusive for that reason alone.
    """
    result = proved(swap="scale-then-stop").result
    findings = {finding.check: finding for finding in result.findings}
    assert findings["swap_completed"].verdict is Verdict.passed
    assert findings["replaced"].verdict is Verdict.passed
    latency = findings["latency"]
    excused = "not blamed on the target" in latency.message
    assert latency.verdict is (Verdict.inconclusive if excused else Verdict.failed), latency.message
    if "of the CPU was stolen meanwhile" in latency.message:
        assert latency.evidence["steal_share"] > Limits().steal_share
    assert result.verdict is worst(result.findings) is not Verdict.passed, result.sentence
    outages = [outage for outage in result.outages if outage.phase.startswith("swap")]
    assert outages, "requests waited for a server that did not listen, and no stall was found"
    assert outages[0].end_s - outages[0].start_s > 0.2
    _assert_attributed(result)
    [blamed] = [one for one in result.attributions if one.cause == "sent_elsewhere"][:1]
    assert (blamed.component, blamed.instance) == ("website", "website-2"), blamed
