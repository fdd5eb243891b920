"""What to do to a pool's servers, so that they become equal to its containers. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.follower.model import Action, Admin, Container, Do, Event, Health, Server

__all__ = ["Decision", "decide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    actions: tuple[Action, ...]
    held: Mapping[str, str]
    """Container's id by slot, in the order in which they came to be held."""
    is_pending: bool
    """Something is awaited that no event will tell of: a check, or another server."""
    unplaced: tuple[Container, ...] = ()
    """For these no slot is left."""


def decide(
    servers: Mapping[str, Server],
    containers: Mapping[str, Container],
    stopping: Mapping[str, Event],
    held: Mapping[str, str],
    *,
    rested: Iterable[str] = (),
) -> Decision:
    """`servers` as HAProxy tells them now; `held` as decided before, or nothing after a restart:
    then who stands at a container's address is taken for it. Of the free slots that of `rested`
    which comes first is used first, and one that is not among them before those.

    The last server that is ready and up is not drained: it serves until another is, or it is gone.
    Where no container is listed at all, who still passes HAProxy's own checks is left alone: that
    an engine has nobody is more often a question put wrongly than the truth.
    """
    placed = _adopted(servers, containers, held)
    free = _free(servers, placed, rested)
    actions: list[Action] = [
        Action(do=Do.clear, slot=server.name, why="gone")
        for server in servers.values()
        if server.name not in placed
        and server.admin is not Admin.maintenance
        and (containers or not server.has_passed)
    ]
    unplaced = []
    here = set(placed.values())
    for container in containers.values():
        if container.id in here or container.id in stopping:
            continue
        if not free:
            unplaced.append(container)
            continue
        placed[free.pop(0)] = container.id
    at = {slot: containers[known] for slot, known in placed.items()}
    settled = {slot for slot in at if not _is_misplaced(servers[slot], at[slot])}
    offered = {slot for slot in at if slot not in settled and at[slot].id not in stopping}
    leaving = {slot for slot in settled if _leaves(at[slot], stopping)}
    admitted = {slot for slot in settled - leaving if _is_to_admit(servers[slot], at[slot])}
    actions += [Action(do=Do.offer, slot=slot, container=at[slot]) for slot in sorted(offered)]
    actions += [Action(do=Do.admit, slot=slot, container=at[slot]) for slot in sorted(admitted)]
    ready = {slot for slot in settled if servers[slot].admin is Admin.ready}
    others = {slot for slot in ready if servers[slot].is_up and slot not in leaving} | admitted
    if others:
        actions += [
            Action(do=Do.drain, slot=slot, container=at[slot], why=_why(at[slot], stopping))
            for slot in sorted(ready & leaving)
        ]
    waiting = settled - leaving - admitted - ready
    return Decision(
        actions=tuple(actions),
        held=placed,
        is_pending=bool(offered or waiting or (ready & leaving and not others)),
        unplaced=tuple(unplaced),
    )


def _adopted(
    servers: Mapping[str, Server], containers: Mapping[str, Container], held: Mapping[str, str]
) -> dict[str, str]:
    """Those held that are still there, and who stands where a container is."""
    placed = {
        slot: known for slot, known in held.items() if slot in servers and known in containers
    }
    here = set(placed.values())
    by_address = {_where(each): each.id for each in containers.values() if each.id not in here}
    serves = any(servers[slot].admin is Admin.ready and servers[slot].is_up for slot in placed)
    for server in servers.values():
        if server.name in placed or server.admin is Admin.maintenance:
            continue
        # One that was held until now belongs to who is gone, whoever has its address; unless that
        # is all that serves.
        is_needed = not serves and server.admin is Admin.ready and server.has_passed
        if server.name in held and not is_needed:
            continue
        known = by_address.pop(server.address, None)
        if known is not None:
            placed[server.name] = known
    return placed


def _free(
    servers: Mapping[str, Server], placed: Mapping[str, str], rested: Iterable[str]
) -> list[str]:
    """Those that rested longest first: HAProxy may still be about to let go of the latest."""
    longest = {slot: place for place, slot in enumerate(rested)}
    return sorted(
        (slot for slot in servers if slot not in placed),
        key=lambda slot: (
            servers[slot].admin is not Admin.maintenance,
            longest.get(slot, -1),
        ),
    )


def _is_misplaced(server: Server, container: Container) -> bool:
    return server.admin is Admin.maintenance or server.address != _where(container)


def _leaves(container: Container, stopping: Mapping[str, Event]) -> bool:
    return container.id in stopping or container.health is Health.ill


def _is_to_admit(server: Server, container: Container) -> bool:
    return (
        server.admin is Admin.draining
        and server.has_passed
        and container.health is not Health.starting
    )


def _why(container: Container, stopping: Mapping[str, Event]) -> str:
    event = stopping.get(container.id)
    return f"signal {event.signal}" if event is not None else "unhealthy"


def _where(container: Container) -> str:
    return f"{container.address}:{container.port}"
