"""Components of which there may be several in turn, and addresses that outlive them."""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

from docker.models.containers import Container

from harness.stack.disturbance import IMAGE

__all__ = ["Makes", "Members", "is_of"]

_WAITS: Final = ("sleep", "infinity")
_OF_THE_NETWORK: Final = ("alias", "ports")


def is_of(name: str, component: str) -> bool:
    """Whether a container of that name is one of it, as Members names them."""
    number = name.removeprefix(f"{component}-")
    return name == component or (number != name and number.isdigit())


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
        sysctls: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`specs` are what each component is started with, but for name and image; `sysctls` are of
        the kernel in the network of each held address.
        """
        self._make = make
        self._specs = specs
        self._held = held
        self._sysctls = sysctls
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
            network: dict[str, Any] = {key: spec.pop(key) for key in _OF_THE_NETWORK if key in spec}
            if self._sysctls:
                network["sysctls"] = self._sysctls
            if name not in self._fronts:
                self._fronts[name] = self._make(
                    f"{name}-address", IMAGE, entry=_WAITS, capabilities=["NET_ADMIN"], **network
                )
            spec["network_of"] = str(self._fronts[name].id)
        return called, self._make(called, name, **spec)
