"""Two swap strategies on the same stack, under the same load: one drops nothing, one must fail."""

from collections.abc import Callable

from harness.model.finding import Verdict
from harness.verify import Judged


def test_drain_drops_no_request(proved: Callable[..., Judged]) -> None:
    """The new release answers before the old one is let go of, request by request."""
    judged = proved(swap="drain")
    judged.assert_passed()
    assert judged.result.requests.failed == 0
    assert judged.result.requests.planned >= 5_000


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
