"""Discovery mode `reload`: the website's instances are in the balancer's configuration."""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from docker.models.containers import Container

from harness.stack.app import SAMPLE, App, named_lines
from harness.stack.balancer import WRITTEN_HERE, Balancer, written_servers
from harness.stack.containers import UnendedError, run_in
from harness.stack.processes import Processes
from harness.stack.variation import Reloads
from harness.target import Instance

__all__ = ["Asks", "Written"]

_ASK = (
    'printf "GET %s HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n" "$2" '
    '| socat -t 1 stdio "TCP:$1,connect-timeout=1" 2>&1 | head -n 1'
)
_SHOWN: Final = 100

_ANSWERED_S: Final = 5.0


class Written:
    """`reload`: each change is a configuration written anew, and a new process that goes by it.

    An instance is asked for its readiness from the balancer's container, before HAProxy knows it.
    Drained is one that the running configuration does not name, once no former process is left.
    """

    alias = ""

    def __init__(
        self,
        balancer: Balancer,
        processes: Processes,
        *,
        template: str,
        port: int,
        is_ready: Callable[[str], bool],
        reloads: Reloads,
        told: Callable[[], str] = lambda: "",
        app: App = SAMPLE,
    ) -> None:
        """`template` holds WRITTEN_HERE; `reloads` says how `reload` does it, `told` what the last
        `is_ready` rests on.
        """
        self._balancer = balancer
        self._processes = processes
        self._template = template
        self._port = port
        self._is_ready = is_ready
        self._reloads = reloads
        self._told = told
        self._app = app
        self._addresses: dict[str, str] = {}
        self._releases: dict[str, str] = {}
        self._written: tuple[str, ...] = ()
        self._is_sure = True
        """Whether what runs is known to be what was written last."""

    def offer(self, instance: Instance, where: str) -> None:
        self._addresses[instance.name] = f"{where}:{self._port}"
        self._releases[instance.name] = instance.release

    def answers(self, instance: Instance) -> bool:
        return self._is_ready(self._addresses[instance.name])

    def told(self, instance: Instance) -> str:
        del instance
        return self._told()

    def admit(self, instance: Instance) -> None:
        if instance.name not in self._written or not self._is_sure:
            self._write([*(name for name in self._written if name != instance.name), instance.name])
        self._balancer.await_up(instance.name)

    def drain(self, instance: Instance, timeout_s: float) -> None:
        self._leave_out(instance)
        self._processes.await_alone(timeout_s)

    def stopped(self, instance: Instance) -> None:
        """The balancer is not told."""

    def forget(self, instance: Instance) -> None:
        self._leave_out(instance)
        self._addresses.pop(instance.name, None)

    def reload(self, instances: Sequence[Instance]) -> None:
        """Those alone from now on."""
        take_over = (
            self._processes.take_over
            if self._reloads.is_looked_at
            else self._processes.try_to_take_over
        )
        self._write([instance.name for instance in instances], take_over, self._reloads.adds)

    def await_alone(self, timeout_s: float) -> None:
        self._processes.await_alone(timeout_s)

    def _leave_out(self, instance: Instance) -> None:
        if instance.name in self._written or not self._is_sure:
            self._write(name for name in self._written if name != instance.name)

    def _write(
        self, names: Iterable[str], take_over: Callable[[str], None] | None = None, adds: str = ""
    ) -> None:
        names = tuple(names)
        take_over = take_over or self._processes.take_over
        servers = written_servers({name: self._addresses[name] for name in names})
        lines = "\n".join(f"    {line}" for line in adds.splitlines())
        names_them = not self._app.is_sample
        named = named_lines({name: self._releases[name] for name in names}) if names_them else ""
        below = "\n".join(part for part in (WRITTEN_HERE, servers, named, lines) if part)
        self._is_sure = False
        take_over(self._template.replace(WRITTEN_HERE, below))
        self._written = names
        self._is_sure = True


class Asks:
    """Whether that `address:port` is ready, as is asked in the container's network. An answer may
    take 5 s: socat waits a second for each byte.
    """

    def __init__(self, container: Container, app: App = SAMPLE) -> None:
        self._container = container
        self._app = app
        self._came = ""

    def __call__(self, where: str) -> bool:
        command = ["/bin/sh", "-c", _ASK, "sh", where, self._app.health]
        try:
            _, self._came = run_in(self._container, command, timeout_s=_ANSWERED_S)
        except UnendedError:
            self._came = ""
        return self._app.is_ready(self._came)

    def told(self) -> str:
        """The first line that came last, in words; untrusted text."""
        line = self._came.strip()[:_SHOWN]
        return f"the last that came was {line!r}" if line else "no answer came"
