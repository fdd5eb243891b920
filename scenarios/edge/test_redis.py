"""The store replaced: what the website must do meanwhile, and what is lost all the same.

A website that waits for its store (STORE_WAIT_S) lets visitors wait for as long, and so is seen at
p99: `WAITED_MS` says for how long they may. Its wait is shorter than HAProxy's (`timeout server`,
55 s), that than NGINX's (60 s), and the visitors' own patience is 10 s.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from redises import DiesBeforePromotion, HandsOver, PromotesAtOnce, RestartsStore
from replacing import ReplacesPart, Shows

from harness.model.finding import Verdict
from harness.stack.variation import Variation
from harness.verify import Judged

pytestmark = pytest.mark.edge

RATE_HZ = 150.0
WAIT_S = 5
WAITED_MS = 1_000
"""What the store's being away may add at p99 of any stream, above which the arm fails all the same.
Ten restarts added 3 and 10 ms for all streams together, ten promotions 320 and 328; of writes
alone, which all need the store, 61 of 1,208 took longer than 507 ms in ten promotions, and the
longest of all 1.03 s.
"""
FILE = {"appendonly": "yes", "appendfsync": "always"}
"""Of Redis: what it has acknowledged is on the disk."""
AT_ONCE = {"repl-diskless-sync-delay": "0"}
"""Of Redis: a replica's first copy begins when it asks, not 5 s later, for others to come too."""


def held(name: str, *, waits: bool = True, store: Mapping[str, str] | None = None) -> Variation:
    does = f"waits up to {WAIT_S} s for its store" if waits else "does not wait for its store"
    return Variation(
        name=f"{name}; the website {does}",
        held=("store",),
        website={"STORE_WAIT_S": str(WAIT_S if waits else 0)},
        store=store or {},
    )


def test_a_store_that_writes_everything_down_is_restarted_and_nothing_is_lost(
    loses_nothing: Shows,
) -> None:
    loses_nothing(
        RestartsStore(),
        variation=held("Redis writes a file", store=FILE),
        limit_p99_margin_ms=WAITED_MS,
    )


def test_a_website_that_does_not_wait_for_its_store_fails_while_it_restarts(loses: Shows) -> None:
    """The same restart: who needs the store meanwhile is answered 503."""
    loses(
        RestartsStore(),
        cause="store_failed",
        variation=held("Redis writes a file", waits=False, store=FILE),
    )


def test_without_a_file_a_restart_forgets_what_it_has_acknowledged(
    forgets: Callable[..., int],
) -> None:
    """Every request succeeds, as the website waits. All that was written before is gone."""
    lost = forgets(RestartsStore(), variation=held("Redis writes no file"))
    assert lost > 100, "less than the steady state had written"


def test_without_a_file_a_restart_logs_everybody_out(loses: Shows) -> None:
    """Sessions are gone too: with status 200 their visitors are told that they are nobody."""
    loses(
        RestartsStore(),
        cause="website_wrong",
        variation=held("Redis writes no file"),
        limit_p99_margin_ms=WAITED_MS,
    )


def test_a_replica_that_has_everything_takes_over_and_nothing_is_lost(
    loses_nothing: Shows,
) -> None:
    loses_nothing(
        HandsOver(),
        variation=held("Redis has a replica", store=AT_ONCE),
        limit_p99_margin_ms=WAITED_MS,
    )


def test_a_website_that_does_not_wait_meets_a_store_that_is_a_replica_by_now(loses: Shows) -> None:
    """FAILOVER makes the old one a replica, and until connections lead to the other it refuses."""
    loses(
        HandsOver(),
        cause="store_failed",
        variation=held("Redis has a replica", waits=False, store=AT_ONCE),
    )


def test_what_the_old_store_takes_after_the_promotion_is_lost(forgets: Callable[..., int]) -> None:
    """Two lead for a second. Who was connected before writes to the old one, and is told that it
    is done.
    """
    lost = forgets(PromotesAtOnce(), variation=held("Redis has a replica", store=AT_ONCE))
    assert lost < 100, "more than one second's"


def test_what_a_replica_had_not_heard_of_is_lost_with_its_master(
    forgets: Callable[..., int],
) -> None:
    """Replication is asynchronous: a write is acknowledged before a replica has it. Here it is a
    second behind when the master ends, and those writes cannot be had back by anybody.
    """
    lost = forgets(DiesBeforePromotion(), variation=held("Redis has a replica", store=AT_ONCE))
    assert lost < 100, "more than one second's"


@pytest.fixture
def forgets(harness_run: Callable[..., Judged], said: Callable[[str], None]) -> Callable[..., int]:
    """`forgets(strategy, **options of harness_run)`: no request fails, and the run does, by the
    check `writes` alone; how many acknowledged writes it says were lost.
    """

    def run(strategy: ReplacesPart, **options: Any) -> int:
        judged = harness_run(
            strategy=strategy,
            rate=RATE_HZ,
            mix="default",
            calibrate=False,
            limit_p99_margin_ms=WAITED_MS,
            **options,
        )
        result = judged.result
        failed = {one.check: one for one in result.findings if one.verdict is Verdict.failed}
        assert result.verdict is Verdict.failed, judged.explanation()
        assert list(failed) == ["writes"], judged.explanation()
        assert result.requests.failed == 0
        writes = failed["writes"]
        lost = int(writes.evidence["lost_count"])
        assert f"{lost:,} of " in writes.message
        assert "not in the store" in writes.message
        assert 0 < lost < writes.evidence["acknowledged"]
        assert writes.evidence["doubled_count"] == 0
        said(f"{strategy.name}: no request failed; {writes.message}\n  {judged.folder}")
        return lost

    return run
