"""The follower under load, and through what can go wrong with it (`make follower`)."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.model.errors import MissingEvidenceError
from harness.stack.containers import address, run_in
from harness.stack.owner import LABEL
from harness.stack.runtime_api import RuntimeApi, SocketTransport
from harness.stack.website import Website
from harness.swap.moves import admit, bring_up
from harness.swap.strategy import Steps, publish
from harness.target import Instance, Stage
from harness.timeline import SystemTime, wait_until
from harness.verify import Judged

pytestmark = pytest.mark.follower

SWAPS = 20
EQUAL_S = 2.0
"""So soon the servers must be what is true, whatever happened."""
STORM = 20
AT_ONCE = 4


class Around:
    """What who operates a stack with a follower can reach: its containers, and HAProxy's state."""

    def __init__(self, stage: Website, steps: Steps) -> None:
        self.stage = stage
        self.steps = steps
        [one, *_] = stage.containers()
        self._client: Any = one.client
        self._run = one.labels[LABEL]
        folder = Path(one.labels[f"{LABEL}.folder"])
        self._api = RuntimeApi(SocketTransport(folder / "admin.sock"))

    def find(self, name: str) -> Any:
        labels = [f"{LABEL}={self._run}", f"{LABEL}.instance={name}"]
        [found] = self._client.containers.list(all=True, filters={"label": labels})
        return found

    def kill(self, name: str) -> None:
        with self.steps.step("kill", Instance(name=name, release="")):
            self.find(name).kill()

    def start(self, name: str) -> None:
        with self.steps.step("start", Instance(name=name, release="")):
            self.find(name).start()

    def reload_balancer(self) -> None:
        with self.steps.step("reload", Instance(name="balancer", release="")):
            code, told = run_in(self.find("balancer"), ["/bin/sh", "-c", "kill -USR2 1"])
            assert code == 0, told

    def stop(self, instance: Instance) -> None:
        with self.steps.step("stop", instance):
            self.stage.stop(instance)

    def await_equal(self) -> None:
        """The servers that get requests are those of the containers that run, within EQUAL_S."""
        with self.steps.step("equal", Instance(name="follower", release="")):
            is_equal = wait_until(
                lambda: self._ready() == self._running(), clock=SystemTime(), timeout_s=EQUAL_S
            )
            if not is_equal:
                raise MissingEvidenceError(
                    f"follower: after {EQUAL_S:g} s HAProxy sends requests to {self._ready()}, "
                    f"and {self._running()} run"
                )

    def _running(self) -> list[str]:
        running = (each for each in self.stage.containers())
        found = [f"{address(each)}:8000" for each in running]
        return sorted(each for each in found if not each.startswith(":"))

    def _ready(self) -> list[str]:
        try:
            servers = self._api.servers().values()
        except MissingEvidenceError:  # between two processes of HAProxy's
            return []
        return sorted(each.address for each in servers if each.is_up)


Disturb = Callable[[Around, Sequence[Instance]], None]


class Through:
    """As `follow`, and `disturb` before the old ones are stopped, which it is given."""

    discovery = "follower"

    def __init__(self, name: str, disturb: Disturb) -> None:
        self.name = name
        self._disturb = disturb

    def replace(self, stage: Stage, steps: Steps) -> None:
        assert isinstance(stage, Website)
        around = Around(stage, steps)
        old = stage.running()
        publish(stage, steps)
        new = bring_up(stage, steps, release=steps.new, count=stage.replicas(), verb="scale")
        admit(stage, steps, new)
        around.await_equal()
        self._disturb(around, old)
        for instance in old:
            if instance in stage.running():
                around.stop(instance)
        around.await_equal()


def lost_nothing(judged: Judged) -> None:
    judged.assert_passed()
    assert judged.result.requests.failed == 0
    assert judged.result.requests.unknown == 0


def test_follow_drops_nothing_in_twenty_swaps_of_the_heavy_mix(
    proved: Callable[..., Judged],
) -> None:
    """Scale to two, `docker stop` the old one, and not a word to HAProxy but the follower's."""
    lost_nothing(proved(swap="follow", swaps=SWAPS, mix="heavy"))


def test_a_follower_that_is_dead_while_one_stops_loses_nothing(
    proved: Callable[..., Judged],
) -> None:
    """Nobody drains then: the website's own lingering, HAProxy's checks and its second try do."""

    def disturb(around: Around, old: Sequence[Instance]) -> None:
        around.kill("follower")
        around.stop(old[0])
        around.start("follower")
        around.await_equal()
        around.kill("follower")
        another = around.stage.start(around.steps.new)
        around.start("follower")
        around.stage.await_ready(another)
        around.stage.admit(another)
        around.await_equal()

    lost_nothing(proved(strategy=Through("the follower killed", disturb), replicas=2))


def test_a_haproxy_that_is_reloaded_begins_with_the_servers_it_had(
    proved: Callable[..., Judged],
) -> None:
    def disturb(around: Around, old: Sequence[Instance]) -> None:
        for _ in range(5):
            around.reload_balancer()
            around.await_equal()
        around.stop(old[0])
        around.reload_balancer()
        around.await_equal()

    lost_nothing(proved(strategy=Through("HAProxy reloaded", disturb), replicas=2))


def test_events_that_are_cut_off_are_made_up_for(proved: Callable[..., Judged]) -> None:
    """One is stopped and one started while the follower hears nothing."""

    def disturb(around: Around, old: Sequence[Instance]) -> None:
        around.kill("engine-filter")
        around.stop(old[0])
        another = around.stage.start(around.steps.new)
        around.start("engine-filter")
        around.stage.await_ready(another)
        around.stage.admit(another)
        around.await_equal()

    lost_nothing(proved(strategy=Through("events cut off", disturb), replicas=2))


def test_a_storm_of_containers_leaves_what_is_true(proved: Callable[..., Judged]) -> None:
    """Twenty are started, four at once, and stopped in any order, some before they are ready."""

    def disturb(around: Around, old: Sequence[Instance]) -> None:
        chance = random.Random(7)  # noqa: S311 (which order, not whose secret)
        for _ in range(STORM // AT_ONCE):
            storm = []
            for _ in range(AT_ONCE):
                with around.steps.step("start"):
                    storm.append(around.stage.start(around.steps.new))
            around.steps.clock.sleep(chance.random() * 2)
            chance.shuffle(storm)
            for instance in storm:
                around.stop(instance)
            around.await_equal()
        around.stop(old[0])

    lost_nothing(proved(strategy=Through("a storm", disturb), replicas=2))
