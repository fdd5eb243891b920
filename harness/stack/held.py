"""Components of which there may be several in turn, and addresses that outlive them."""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, Protocol

from docker.models.containers import Container

from harness.stack.disturbance import IMAGE

__all__ = ["Makes", "Members", "newest"]

_WAITS: Final = ("sleep", "infinity")
_OF_THE_NETWORK: Final = ("alias", "ports")
_NUMBER: Final = re.compile(r"-\d+$")


class Makes(Protocol):
    """Starts a container of the run; without an image, that of its name."""

    def __call__(self, name: str, image: str = ..., **spec: Any) -> Container: ...


class Members:
    """Starts components, and one after the other of each.

    `held` are those whose address is that of a container of its own, `NAME-address`, which does
    nothing else, and is started before the first of them. It has nft, to send connections on by.
    """

    def __init__(
        self,
        make: Makes,
        specs: dict[str, Callable[[], dict[str, Any]]],
        *,
        held: Collection[str],
    ) -> None:
        """`specs` are what each component is started with, but for its name and its image."""
        self._make = make
        self._specs = specs
        self._held = held
        self._count: dict[str, int] = {}
        self._fronts: dict[str, Container] = {}

    def start(self, name: str) -> Container:
        """The next one of it: `NAME`, then `NAME-2` and so on."""
        return self._started(name)[1]

    def another(self, name: str) -> str:
        """Likewise; its name."""
        return self._started(name)[0]

    def front(self, name: str, container: Container) -> Container:
        """The container whose address and published ports lead to it."""
        return self._fronts.get(name, container)

    def _started(self, name: str) -> tuple[str, Container]:
        number = self._count[name] = self._count.get(name, 0) + 1
        called = name if number == 1 else f"{name}-{number}"
        spec = {"alias": name, **self._specs[name]()}
        if number > 1 and "ports" in spec:
            spec["ports"] = dict.fromkeys(spec["ports"], 0)
        if name in self._held:
            network = {key: spec.pop(key) for key in _OF_THE_NETWORK if key in spec}
            if name not in self._fronts:
                self._fronts[name] = self._make(
                    f"{name}-address", IMAGE, entry=_WAITS, capabilities=["NET_ADMIN"], **network
                )
            spec["network_of"] = str(self._fronts[name].id)
        return called, self._make(called, name, **spec)


def newest(containers: Mapping[str, Container]) -> dict[str, Container]:
    """The last one of each component; `containers` are by name, in the order of their start."""
    return {_NUMBER.sub("", name): container for name, container in containers.items()}
