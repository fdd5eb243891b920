"""How a balancer may learn of containers that somebody starts and stops by hand, side by side: the
post's old image, the engine's DNS, the follower (`make follower`). docs/following.md has the table.

Each is the post's two commands, scale to two and `docker stop` the old one, ten times.
"""

from collections.abc import Callable
from typing import Any

import pytest

from harness.analysis.latency import ALL_STREAMS, SWAP_WINDOW
from harness.model.finding import Verdict
from harness.stack.containers import address
from harness.stack.variation import Reloads, Variation
from harness.stack.website import Website
from harness.swap.strategy import Steps, publish
from harness.target import Stage
from harness.verify import Judged

pytestmark = pytest.mark.follower

SWAPS = 10

OLD_IMAGE = Variation(
    name="dockercloud/haproxy's defaults, and its reload by -sf",
    balancer={
        "timeout connect 250ms": "timeout connect 5s",
        "option redispatch 1": "option redispatch",
        "option httpchk GET /ready": "",
        "http-check expect status 200": "",
        "default-server inter 200ms fastinter 50ms downinter 50ms fall 2 rise 1": (
            "default-server inter 2s rise 2 fall 3"
        ),
    },
    reloads=Reloads(by_successor=True, is_looked_at=False),
)
"""As its source has them: a check of the port alone, each 2 s, down after three."""
NEWS_S = 1.0
"""From an event to a new configuration; it waits so long for others."""


class OldImagesWay:
    """What dockercloud/haproxy does: it hears that a container started or died, waits a second, and
    puts a new process beside the old one. Of a stop signal it hears nothing.
    """

    name = "old-image"
    discovery = "reload"

    def replace(self, stage: Stage, steps: Steps) -> None:
        assert isinstance(stage, Website)
        old = stage.running()
        publish(stage, steps)
        with steps.step("scale"):
            new = [stage.start(steps.new) for _ in range(stage.replicas())]
        with steps.step("reload"):
            steps.clock.sleep(NEWS_S)
            for instance in new:
                # That it is ready nobody asks.
                stage._discovery.offer(instance, address(stage._containers[instance.name]))  # noqa: SLF001
            stage.reload([*old, *new])
        for instance in new:
            # Who types looks at `docker ps`, and goes on once the new one runs well.
            with steps.step("ready", instance):
                stage.await_ready(instance)
            stage.admit(instance)
        for instance in old:
            with steps.step("stop", instance):
                stage.stop(instance)
        with steps.step("reload"):
            steps.clock.sleep(NEWS_S)
            stage.reload(new)


@pytest.fixture
def measured(proved: Callable[..., Judged], said: Callable[[str], None]) -> Callable[..., Judged]:
    """Ten swaps in a way; says what the table of docs/following.md has of it."""

    def run(**way: Any) -> Judged:
        judged = proved(swaps=SWAPS, **way)
        result = judged.result
        window = result.latency_ms[ALL_STREAMS][SWAP_WINDOW]
        outage_ms = 1e3 * sum(each.end_s - each.start_s for each in result.outages) / SWAPS
        said(
            f"{result.requests.failed} of {result.requests.planned} failed, outage {outage_ms:.0f} "
            f"ms a swap, {result.near_misses.count} near misses, p99 in the swaps {window.p99} ms, "
            f"max {window.max} ms"
        )
        return judged

    return run


def test_the_old_images_way_drops_requests_and_is_found_out(
    measured: Callable[..., Judged],
) -> None:
    judged = measured(strategy=OldImagesWay(), variation=OLD_IMAGE)
    assert judged.result.verdict is Verdict.failed
    causes = {each.cause for each in judged.result.attributions if each.failed}
    assert causes, "each failure has a cause"
    assert "unattributed" not in causes


def test_by_the_engines_dns_requests_wait_for_a_server_that_does_not_listen_yet(
    measured: Callable[..., Judged],
) -> None:
    assert measured(swap="scale-then-stop").result.requests.failed == 0


def test_by_the_engines_dns_and_the_right_settings_few_wait(
    measured: Callable[..., Judged],
) -> None:
    measured(swap="stop-signal").assert_passed()


def test_by_the_follower_none_waits(measured: Callable[..., Judged]) -> None:
    judged = measured(swap="follow")
    judged.assert_passed()
    assert judged.result.requests.failed == 0


def test_beside_them_a_swap_that_tells_haproxy_itself(measured: Callable[..., Judged]) -> None:
    measured(swap="drain").assert_passed()
