"""The servers of one round, which a swap replaces in the middle of it."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from harness.bench import proxies
from harness.bench.swapping import Swapped
from harness.model.errors import HarnessError, MissingEvidenceError
from harness.model.mark import Edge, Mark
from harness.stack.balancer import Balancer
from harness.stack.containers import exit_code
from harness.stack.engine import absent_is_fine
from harness.stack.runtime_api import RuntimeApi
from harness.stack.variation import Variation
from harness.stack.website import Patience, Website
from harness.swap.drain import Drain
from harness.swap.strategy import Steps
from harness.target import Instance
from harness.timeline import Timekeeper, Timeline

__all__ = ["NEW", "OLD", "Asked", "Generation", "Lines", "replaced"]

OLD, NEW = "old", "new"
_PATIENCE: Final = Patience(ready_s=15.0, drain_s=10.0, stop_s=5.0)

Asked = Callable[[str, str, bytes], bytes]
"""(server, method, body) to the answer's body; MissingEvidenceError where there is none."""


class Lines:
    """A discovery mode (stack.discovery): a server line for each old server and each new one, and a
    backend by which that very one is asked.

    Not one line a server, of another address once it is drained: a new server would have to wait
    for an old one's end, and the strategy admits it before. HAProxy computes its maps from the
    usable lines in their order, so a map of new ones alone is that of the old ones; on a
    consistent ring, where each line has points of its own, a swap moves the keys.

    Nothing is checked: ready is who answers through HAProxy.
    """

    alias = ""

    def __init__(self, api: RuntimeApi, backend: str, ask: Asked, clock: Timekeeper) -> None:
        self._root = api
        self._api = api.of(backend)
        self._balancer = Balancer(self._api, clock)
        self._ask = ask

    def offer(self, instance: Instance, where: str) -> None:
        self._balancer.forget(instance.name)
        self._api.point(instance.name, where, proxies.REPLICA_PORT)
        alone = self._root.of(proxies.control(proxies.swapped(instance.name)))
        alone.change(proxies.ONLY, "state maint")
        alone.point(proxies.ONLY, where, proxies.REPLICA_PORT)
        alone.change(proxies.ONLY, "state ready")

    def answers(self, instance: Instance) -> bool:
        try:
            return bool(self.asked(instance))
        except MissingEvidenceError:
            return False

    def told(self, instance: Instance) -> str:
        return self._balancer.told(instance.name)

    def admit(self, instance: Instance) -> None:
        self._balancer.admit(instance.name)

    def drain(self, instance: Instance, timeout_s: float) -> None:
        self._balancer.drain(instance.name, timeout_s)

    def stopped(self, instance: Instance) -> None:
        """Its line is in maintenance already."""

    def forget(self, instance: Instance) -> None:
        self._balancer.forget(instance.name)

    def asked(self, instance: Instance) -> bytes:
        """What it served so far."""
        return self._ask(proxies.swapped(instance.name), "GET", b"")

    def tell(self, instance: Instance, settings: bytes) -> None:
        """Its round begins."""
        self._ask(proxies.swapped(instance.name), "PUT", settings)


class Generation(Website):
    """Started before the round, replaced in it, removed after it. Others keep their servers.

    A server is told the round's settings before it is admitted, and asked what it served before
    it is stopped.
    """

    def __init__(self, lines: Lines, settings: bytes, image: str, **website: Any) -> None:
        super().__init__(
            publish=lambda _: None,
            discovery=lines,
            images={OLD: image, NEW: image},
            volume="",
            patience=_PATIENCE,
            variation=Variation(name="", website={"PORT": str(proxies.REPLICA_PORT)}),
            name=proxies.SERVER,
            **website,
        )
        self._lines = lines
        self._settings = settings
        self._served: dict[str, bytes] = {}

    @contextlib.contextmanager
    def up(self) -> Iterator["Generation"]:
        """With the old ones serving. MissingEvidenceError where they do not."""
        try:
            try:
                instances = [self.start(OLD) for _ in range(self.replicas())]
                for instance in instances:
                    self.await_ready(instance)
                    self.admit(instance)
            except HarnessError as error:
                raise MissingEvidenceError(f"before a swap: {error}") from error
            yield self
        finally:
            self._remove()

    def await_ready(self, instance: Instance) -> None:
        super().await_ready(instance)
        self._lines.tell(instance, self._settings)

    def stop(self, instance: Instance) -> None:
        self._served[instance.name] = self._lines.asked(instance)
        super().stop(instance)

    def told(self) -> Mapping[str, bytes]:
        """What each served that was admitted, by name. MissingEvidenceError where one is silent."""
        return self._served | {each.name: self._lines.asked(each) for each in self.running()}

    def exit_codes(self) -> Mapping[str, int]:
        """Of those that have ended; who was removed by somebody else is not among them."""
        codes: dict[str, int] = {}
        for name, container in self._containers.items():
            with absent_is_fine():
                if (code := exit_code(container)) is not None:
                    codes[name] = code
        return codes

    def _remove(self) -> None:
        """What cannot be removed now is removed with the rig, which says so."""
        for number in range(1, 2 * self.replicas() + 1):
            with contextlib.suppress(HarnessError):
                self._lines.forget(Instance(name=proxies.server(number), release=""))
        for container in self.containers():
            with contextlib.suppress(Exception), absent_is_fine():
                container.remove(force=True, v=True)


def replaced(generation: Generation, clock: Timekeeper, marks: Path) -> Swapped:
    """Carries out the swap, by the strategy `drain`; its steps are marks in that file.

    What goes wrong is in `problem`: the load goes on to its end, as it would without.
    """
    seen: list[Mark] = []
    timeline = Timeline(marks, clock, seen.append)
    begun_ns, over_ns, problem = clock.now_ns(), 0, ""
    try:
        Drain().replace(generation, Steps(timeline, swap=1, old=OLD, new=NEW))
        over_ns = clock.now_ns()
    except HarnessError as error:
        problem = str(error)
    except Exception as error:  # noqa: BLE001 (the engine's own: this round alone is no evidence)
        problem = repr(error)
    finally:
        timeline.close()
    return Swapped(
        begun_ns=begun_ns,
        over_ns=over_ns,
        admitted_ns=_moments(seen, "admit", Edge.end),
        drained_ns=_moments(seen, "drain", Edge.begin),
        exit_codes=generation.exit_codes(),
        problem=problem,
    )


def _moments(seen: list[Mark], verb: str, edge: Edge) -> tuple[int, ...]:
    return tuple(
        mark.at_ns for mark in seen if mark.edge is edge and mark.detail.get("verb") == verb
    )
