"""Disturbances of the stack: by the engine, and by nft in a container's own network."""

from collections.abc import Callable, Mapping
from typing import Final

import docker
import docker.errors
from docker.models.containers import Container

from harness.model.errors import MissingEvidenceError
from harness.stack import edge, website
from harness.stack.containers import HELD_BACK_CPU, run_in
from harness.stack.engine import absent_is_fine
from harness.stack.owner import LABEL
from harness.target import Held
from harness.timeline import Timekeeper

__all__ = ["IMAGE", "StackDisturbance"]

IMAGE: Final = "netfilter"
"""Folder of the image that has nft, in images/."""
_PORTS: Final = {"edge": (edge.PORT, edge.TLS_PORT), "balancer": (8080,), "store": (6379,)}
_TABLE: Final = "inet harness_fault"
_REFUSAL: Final = "reject with tcp reset"
_NEW: Final = "tcp flags & (syn|ack) == syn "
_REASON_CHARS: Final = 300
_SPARE_S: Final = 30.0
"""For the rest of what a helper does while a rule stands."""


class StackDisturbance:
    """Implements harness.target.Disturbance.

    Packets are refused by rules that a helper container sets: it shares the network of the one that
    is disturbed, and has the right to administer it, which no container of the stack has. The
    helper itself keeps the time: a command from outside costs 0.1 s before it begins.
    """

    def __init__(
        self,
        client: docker.DockerClient,
        *,
        image: Callable[[], str],
        find: Callable[[str], Container],
        labels: Mapping[str, str],
        on_made: Callable[[Callable[[], object]], object],
        clock: Timekeeper,
    ) -> None:
        self._client = client
        self._image = image
        self._find = find
        self._labels = labels
        self._on_made = on_made
        self._clock = clock
        self._helpers: dict[str, Container] = {}

    def pause(self, whom: str) -> None:
        self._find(whom).pause()

    def resume(self, whom: str) -> None:
        try:
            self._find(whom).unpause()
        except docker.errors.APIError as error:
            # A pause that failed half way: there is nothing to be lifted.
            if "not paused" not in str(error):
                raise

    def kill(self, whom: str) -> None:
        self._find(whom).kill()

    def lack_of_packets(self, whom: str) -> str:
        try:
            rules = _rules(_ports(whom), _REFUSAL)
            code, told = run_in(
                self._helper(whom), ["sh", "-c", f"nft -c -f - <<'END'\n{rules}END"]
            )
        except docker.errors.APIError as error:
            code, told = 1, str(error.explanation or error)
        return f"nft in {whom}'s network: {told.strip()[:_REASON_CHARS]}" if code else ""

    def refuse(self, whom: str, for_s: float, *, only_new: bool) -> Held:
        return self._rule(whom, for_s, (_NEW if only_new else "") + _REFUSAL)

    def drop(self, whom: str, for_s: float) -> Held:
        return self._rule(whom, for_s, "drop")

    def _rule(self, whom: str, for_s: float, verdict: str) -> Held:
        """What the rule held for is read from the helper's clock, which is the machine's."""
        offset_ns = self._clock.wall_ns() - self._clock.now_ns()
        script = _script(_rules(_ports(whom), verdict), for_s)
        code, told = run_in(self._helper(whom), ["sh", "-c", script], timeout_s=for_s + _SPARE_S)
        moments = [int(word) - offset_ns for word in told.split() if word.isdigit()]
        if code or len(moments) != 4:
            raise MissingEvidenceError(f"fault: nft in {whom}'s network: {told[:_REASON_CHARS]}")
        earliest, surely, until, latest = moments
        return Held(earliest_ns=earliest, surely_ns=surely, until_ns=until, latest_ns=latest)

    def _helper(self, whom: str) -> Container:
        """In the network of the container that is `whom` now."""
        if whom not in self._helpers:
            helper = self._client.containers.create(
                self._image(),
                labels={**self._labels, f"{LABEL}.instance": f"{IMAGE}-{whom}"},
                network_mode=f"container:{self._find(whom).id}",
                cap_add=["NET_ADMIN"],
                cpu_shares=HELD_BACK_CPU,
            )

            def remove() -> None:
                with absent_is_fine():
                    helper.remove(force=True, v=True)

            self._on_made(remove)
            helper.start()
            self._helpers[whom] = helper
        return self._helpers[whom]


def _ports(whom: str) -> tuple[int, ...]:
    return _PORTS.get(whom, (website.PORT,))


def _rules(ports: tuple[int, ...], verdict: str) -> str:
    """Commands to nft; all of them take hold at once."""
    listed = ", ".join(str(port) for port in ports)
    return (
        f"add table {_TABLE}\n"
        f"add chain {_TABLE} input {{ type filter hook input priority 0; }}\n"
        f"add rule {_TABLE} input tcp dport {{ {listed} }} {verdict}\n"
    )


def _script(rules: str, for_s: float) -> str:
    """Prints four moments: before and after the rules are set, before and after they are gone."""
    return (
        "date +%s%N\n"
        f"nft -f - <<'END' || exit 1\n{rules}END\n"
        f"date +%s%N\nsleep {for_s}\ndate +%s%N\nnft delete table {_TABLE} || exit 1\ndate +%s%N\n"
    )
