"""A target that serves on paper: it knows which instances served at which moment."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from math import gcd
from pathlib import Path

from fakes.clock import FakeTime
from fakes.trouble import Trouble
from harness.model.errors import ReleaseError
from harness.model.operations import Operations
from harness.target import Counted, Endpoint, Instance, Stage
from harness.timeline import Timeline

UP_S, DOWN_S, GATHER_S = 1.0, 0.5, 0.1
PUBLISH_S = 0.1
START_S, READY_S, ADMIT_S, DRAIN_S, STOP_S, DISCARD_S = 0.4, 0.6, 0.05, 0.5, 1.2, 0.1
TRY_S = 0.05


class FakeTarget:
    """Implements Target and every optional ability. Each move takes its time on the fake clock.

    `moves` lists what was asked of the stage. A release in `never_ready` is not, after
    `READY_S`; one in `mislabelled` answers as another release; one in `wrong_page` is ready, and
    does not say what it must.
    """

    name = "fake"

    def __init__(self, clock: FakeTime, trouble: Trouble, *, replicas: int = 1) -> None:
        self.clock = clock
        self.trouble = trouble
        self.replica_count = replicas
        self.never_ready: set[str] = set()
        self.mislabelled: dict[str, str] = {}
        self.wrong_page: set[str] = set()
        self.path = "edge"
        self.moves: list[str] = []
        self.is_up = False
        self.downs = 0
        self.applied: dict[str, int] = {}
        self.arrived: dict[str, int] = {}
        self.present: list[Instance] = []
        """Instances that exist, whatever state they are in."""
        self.counts: Callable[[Sequence[Instance], int], Counted] = steadily
        """What the balancer has counted of them at the how-manieth look."""
        self.looks = 0
        self._started = 0
        self._running: list[Instance] = []
        self._serving: list[Instance] = []
        self._aside: list[Instance] = []
        self._weights: dict[str, int] = {}
        self._history: list[tuple[int, tuple[Instance, ...]]] = []

    def up(self, timeline: Timeline) -> Endpoint:
        with self.trouble.around("target.up") as within:
            self.is_up = True
            within()
            self.clock.sleep(UP_S)
            for _ in range(self.replica_count):
                self._admit(self._launch("v1"))
        return Endpoint(host="192.0.2.1", port=80, path=self.path)

    def down(self) -> None:
        self.downs += 1
        with self.trouble.around("target.down") as within:
            self.clock.sleep(DOWN_S / 2)
            within()
            self.clock.sleep(DOWN_S / 2)
            self.is_up = False
            self.present.clear()
            self._serve([])

    def stage(self) -> Stage:
        return FakeStage(self)

    def gather(self, folder: Path) -> None:
        with self.trouble.around("target.gather") as within:
            folder.mkdir(exist_ok=True)
            within()
            self.clock.sleep(GATHER_S)
            (folder / "website-1.jsonl").write_text("{}\n")

    def operations(self) -> Operations:
        with self.trouble.around("target.operations"):
            return Operations(applied=dict(self.applied), arrived=dict(self.arrived))

    def environment(self) -> Mapping[str, str | int | float | bool]:
        with self.trouble.around("target.environment"):
            return {"fake_version": "1"}

    def serving_at(self, moment_ns: int) -> tuple[Instance, ...]:
        """The instances that the balancer sent requests to at that moment."""
        last: tuple[Instance, ...] = ()
        for at_ns, serving in self._history:
            if at_ns > moment_ns:
                break
            last = serving
        return last

    def serving_now(self) -> tuple[Instance, ...]:
        return tuple(self._serving)

    def apply(self, operation: str) -> None:
        """A write that reached the website."""
        self.arrived[operation] = self.arrived.get(operation, 0) + 1
        self.applied.setdefault(operation, 1)

    def _launch(self, release: str) -> Instance:
        self._started += 1
        instance = Instance(name=f"website-{self._started}", release=release)
        self.present.append(instance)
        return instance

    def _admit(self, instance: Instance) -> None:
        if instance not in self._running:
            self._running.append(instance)
        if instance not in self._aside + self._serving:
            self._serve([*self._serving, instance])

    def _let_go(self, instance: Instance) -> None:
        self._aside = [other for other in self._aside if other != instance]
        self._serve([other for other in self._serving if other != instance])

    def _serve(self, serving: list[Instance]) -> None:
        """Each as often as its weight says."""
        self._serving = serving
        weights = [self._weights.get(one.name, 1) for one in serving]
        unit = reduce(gcd, weights, 0) or 1
        shares = [
            one for one, weight in zip(serving, weights, strict=True) for _ in range(weight // unit)
        ]
        self._history.append((self.clock.now_ns(), tuple(shares)))


def steadily(instances: Sequence[Instance], look: int) -> Counted:
    """A hundred answers more at each look, none of them wrong."""
    return Counted(sent=100 * look, answered=100 * look, mean_ms=5.0)


class FakeStage:
    """Implements Stage on a FakeTarget."""

    def __init__(self, target: FakeTarget) -> None:
        self._target = target

    def running(self) -> tuple[Instance, ...]:
        with self._target.trouble.around("stage.running"):
            return tuple(self._target._running)

    def replicas(self) -> int:
        with self._target.trouble.around("stage.replicas"):
            return self._target.replica_count

    def publish(self, release: str) -> None:
        target = self._target
        target.moves.append(f"publish {release}")
        with target.trouble.around("stage.publish") as within:
            target.clock.sleep(PUBLISH_S / 2)
            within()
            target.clock.sleep(PUBLISH_S / 2)

    def start(self, release: str) -> Instance:
        target = self._target
        target.moves.append(f"start {release}")
        instance = target._launch(release)
        try:
            with target.trouble.around("stage.start") as within:
                within()
                target.clock.sleep(START_S)
        except Exception:
            # A container that did not start is nobody's instance.
            target.present.remove(instance)
            raise
        return instance

    def await_ready(self, instance: Instance) -> None:
        target = self._target
        target.moves.append(f"await_ready {instance.name}")
        with target.trouble.around("stage.await_ready") as within:
            target.clock.sleep(READY_S)
            within()
            if instance.release in target.never_ready:
                raise ReleaseError(f"release {instance.release}: {instance.name} was not ready")

    def tries(self, release: str) -> bool:
        return True

    def try_out(self, instance: Instance) -> None:
        target = self._target
        target.moves.append(f"try_out {instance.name}")
        with target.trouble.around("stage.try_out") as within:
            target.clock.sleep(TRY_S)
            within()
            if instance.release in target.wrong_page:
                raise ReleaseError(f"release {instance.release}: {instance.name} said another text")

    def admit(self, instance: Instance) -> None:
        target = self._target
        target.moves.append(f"admit {instance.name}")
        with target.trouble.around("stage.admit") as within:
            target.clock.sleep(ADMIT_S)
            within()
            target._admit(instance)

    def drain(self, instance: Instance) -> None:
        target = self._target
        target.moves.append(f"drain {instance.name}")
        with target.trouble.around("stage.drain") as within:
            target._let_go(instance)
            within()
            target.clock.sleep(DRAIN_S)

    def stop(self, instance: Instance) -> None:
        target = self._target
        target.moves.append(f"stop {instance.name}")
        with target.trouble.around("stage.stop") as within:
            target._let_go(instance)
            target.clock.sleep(STOP_S)
            within()
            target._running = [other for other in target._running if other != instance]
            target.present.remove(instance)

    def discard(self, instance: Instance) -> None:
        target = self._target
        target.moves.append(f"discard {instance.name}")
        with target.trouble.around("stage.discard") as within:
            target._let_go(instance)
            target._running = [other for other in target._running if other != instance]
            target.clock.sleep(DISCARD_S)
            within()
            target.present.remove(instance)

    def set_aside(self, instance: Instance) -> None:
        with self._target.trouble.around("stage.set_aside"):
            self._target._aside.append(instance)

    def switch(self, to: Instance) -> None:
        target = self._target
        target.moves.append(f"switch {to.name}")
        with target.trouble.around("stage.switch") as within:
            within()
            if to in target._aside:
                serving, target._aside = target._aside, target._serving
                target._serve(serving)

    def await_idle(self, instance: Instance) -> None:
        target = self._target
        target.moves.append(f"await_idle {instance.name}")
        with target.trouble.around("stage.await_idle") as within:
            within()
            target.clock.sleep(DRAIN_S)

    def counts(self) -> bool:
        return True

    def reload(self, instances: Sequence[Instance]) -> None:
        target = self._target
        target.moves.append(f"reload {' '.join(each.name for each in instances)}")
        with target.trouble.around("stage.reload") as within:
            within()
            target.clock.sleep(ADMIT_S)
            target._serve(list(instances))

    def await_alone(self) -> None:
        target = self._target
        target.moves.append("await_alone")
        with target.trouble.around("stage.await_alone") as within:
            within()
            target.clock.sleep(DRAIN_S)

    def weigh(self, instance: Instance, weight: int) -> None:
        target = self._target
        target.moves.append(f"weigh {instance.name} {weight}")
        with target.trouble.around("stage.weigh"):
            target._weights[instance.name] = weight
            target._serve(target._serving)

    def weigh_alike(self, instances: Sequence[Instance]) -> None:
        with self._target.trouble.around("stage.weigh_alike"):
            for instance in instances:
                self._target._weights.pop(instance.name, None)
            self._target._serve(self._target._serving)

    def count_anew(self) -> None:
        with self._target.trouble.around("stage.count_anew"):
            self._target.looks = 0

    def counted(self, instances: Sequence[Instance]) -> Counted:
        target = self._target
        with target.trouble.around("stage.counted"):
            target.looks += 1
            return target.counts(instances, target.looks)
