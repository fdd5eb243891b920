"""The store: Redis, and what it says of the writes that reached the website."""

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from types import MappingProxyType
from typing import Any, Final

import docker.errors
from docker.models.containers import Container

from harness.model.errors import MissingEvidenceError
from harness.model.operations import Operations
from harness.stack.containers import run_in
from harness.stack.variation import Variation

__all__ = ["PORT", "entry", "in_turn", "operations"]

PORT: Final = 6379
_PORTS: Final = (PORT, 6380)

# No snapshots: a fork in mid-run would be a disturbance of our own. One run, one store.
_SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {"bind": "0.0.0.0", "protected-mode": "no", "save": "", "appendonly": "no"}  # noqa: S104 (the run's network)
)
_NAMED: Final = re.compile(r"store(-[0-9]+)?")
_ASKING: Final = 'exec redis-cli -p "${PORT:-6379}" "$@"'

# Redis' client ends with 0 where Redis answers by an error; its `-e` is younger than some images.
_REFUSAL: Final = re.compile(r"[A-Z]+ |Error|Could not|\(error\)")


def entry(settings: Mapping[str, str] = MappingProxyType({})) -> tuple[str, ...]:
    """What starts Redis; `settings` by their names, beside ours or instead of them."""
    words = [
        word
        for name, value in {**_SETTINGS, **settings}.items()
        for word in (f"--{name}", *(value.split() or [""]))
    ]
    return ("redis-server", *words)


def in_turn(variation: Variation) -> Callable[[], dict[str, Any]]:
    """What each store is started with, one after the other; in its environment is its PORT.

    Where their address is held they have one, and take turns at two ports of it: each later one
    begins as a replica of the one before, so that none leads that has nothing yet.
    """
    is_held = "store" in variation.held
    ports = cycle(_PORTS if is_held else _PORTS[:1])
    before: list[int] = []

    def spec() -> dict[str, Any]:
        port = next(ports)
        own = {"port": str(port)} if port != PORT else {}
        if is_held and before:
            own["replicaof"] = f"127.0.0.1 {before[-1]}"
        before.append(port)
        return {"entry": entry({**variation.store, **own}), "environment": {"PORT": str(port)}}

    return spec


def operations(components: Mapping[str, Container]) -> Operations:
    """Reads the sample website's ledger, of the newest store that leads; components by their names,
    the older first.

    MissingEvidenceError where none does, and where Redis does not answer.
    """
    stores = [each for name, each in components.items() if _NAMED.fullmatch(name)]
    store = _leading(stores)
    applied: dict[str, int] = {}
    for operation in _ask(store, "LRANGE", "operations:applied", "0", "-1"):
        applied[operation] = applied.get(operation, 0) + 1
    flat = _ask(store, "HGETALL", "operations:arrived")
    arrived = {flat[i]: int(flat[i + 1]) for i in range(0, len(flat) - 1, 2)}
    return Operations(applied=applied, arrived=arrived)


def _leading(stores: Sequence[Container]) -> Container:
    others: list[str] = []
    for store in reversed(stores):
        try:
            role = _ask(store, "ROLE")[:1]
        except (MissingEvidenceError, docker.errors.APIError) as error:
            others.append(str(error))
            continue
        if role == ["master"]:
            return store
        others.append(f"{store.name} is none that leads: {' '.join(role) or 'it says nothing'}")
    raise MissingEvidenceError("; ".join(others) or "store: there is none")


def _ask(container: Container, *command: str) -> list[str]:
    """The answer's lines. Operation ids hold neither line ends nor spaces: we made them."""
    code, text = run_in(container, ["/bin/sh", "-c", _ASKING, "sh", *command])
    if code != 0 or _REFUSAL.match(text):
        raise MissingEvidenceError(f"store: Redis did not answer {command[0]}: {text[:200]}")
    return [line for line in text.splitlines() if line]
