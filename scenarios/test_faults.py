"""Disturbances of known kind and length: each is found, dated, and put down to whom it befell."""

from collections.abc import Callable

import pytest
from injected import Injected, injected, skipped, table

from harness.faults import Drop, Fault, Kill, Pause, Reject
from harness.verify import Judged

pytestmark = pytest.mark.faults

TRIES = 20
PAUSE_S = 0.5


def test_a_refusal_of_50_ms_at_the_edge_is_found_measured_and_attributed_in_20_of_20_tries(
    proved: Callable[..., Judged], said: Callable[[str], None]
) -> None:
    """At 300/s, at seeded random moments; only who asks for a new connection meets it.

    At the website, of one instance here, HAProxy tries again after its `timeout connect`, and the
    refusal shows as near misses that took a quarter of a second more.
    """
    refused: list[Fault] = [Reject(whom="edge", for_s=0.05, only_new=True) for _ in range(TRIES)]
    retried: list[Fault] = [Reject(whom="website", for_s=0.05) for _ in range(2)]
    judged = proved(faults=refused + retried, steady_s=6.0, after_s=2.5, calibrate=False)
    found = _found(judged, said)
    at_edge = [one for one in found if one.whom == "edge"]
    at_website = [one for one in found if one.whom != "edge"]
    assert (len(at_edge), len(at_website)) == (TRIES, 2)
    for one in at_edge:
        assert one.is_found, f"{one.step} was not found"
    _assert_told_right(found)
    for one in at_website:
        assert one.saved, f"{one.step} left no near miss"
    # Nothing else failed in the run: no blame without cause.
    failed = sum(int((~one.met["is_slow"]).sum()) for one in found)
    assert judged.result.requests.failed == failed


def test_each_kind_of_fault_is_put_down_to_whom_it_befell(
    proved: Callable[..., Judged], said: Callable[[str], None]
) -> None:
    """Two instances, so that a fault of one is not one of the website. A pause is 0.5 s: one that
    is shorter than a request may take (p99 + 100 ms) is no outage. What HAProxy's retries absorb
    of a refusal or a kill shows as near misses.
    """
    kinds: list[Fault] = [
        Pause(whom="website", for_s=PAUSE_S),
        Pause(whom="balancer", for_s=PAUSE_S),
        Pause(whom="edge", for_s=PAUSE_S),
        Pause(whom="store", for_s=PAUSE_S),
        Reject(whom="website", for_s=0.05),
        Reject(whom="balancer", for_s=0.05),
        Reject(whom="store", for_s=0.1),
        Drop(whom="website", for_s=0.1),
        Drop(whom="edge", for_s=0.1),
    ]
    faults = kinds + kinds + [Kill(for_s=1.0), Kill(for_s=1.0)]
    judged = proved(faults=faults, replicas=2, after_s=2.5)
    found = _found(judged, said)
    assert len(found) == len(faults) - len(skipped(judged))
    unseen = [one for one in found if not one.can_show]
    if unseen:
        said(
            f"{len(unseen)} faults keep nobody waiting for {unseen[0].limit_ms:.0f} ms, which is "
            f"what is slow in this run; first {unseen[0].step}"
        )
    for one in found:
        if one in unseen:
            continue
        can_be_absorbed = one.component == "website" and one.kind in {"reject", "kill"}
        assert one.is_found or (can_be_absorbed and one.saved), f"{one.step} was not found"
    _assert_told_right(found)


def _found(judged: Judged, said: Callable[[str], None]) -> list[Injected]:
    left_out = skipped(judged)
    found = injected(judged)
    for line in table(found):
        said(line)
    if left_out:
        said(f"{len(left_out)} faults skipped; first {left_out[0]}")
    if not found:
        pytest.skip(f"no fault can be put in here: {left_out[0]}")
    return found


def _assert_told_right(found: list[Injected]) -> None:
    for one in found:
        assert not one.wrong, f"{one.step} was put down to {one.wrong}"
        if one.is_found:
            assert one.is_dated, (
                f"{one.step} held from {one.surely_ns} to {one.until_ns}, at most from "
                f"{one.earliest_ns} to {one.latest_ns}; it is dated {one.first_ns} to "
                f"{one.last_ns}, told of as {one.told_ns}, with starts {one.gap_ns} ns apart there"
            )
