"""HAProxy's processes: how one takes over from another, and whether it did."""

import io
import tarfile
from typing import Final, Protocol

import docker.errors
from docker.models.containers import Container

from harness.model.errors import MissingEvidenceError
from harness.stack.containers import LOGS_AT, run_in
from harness.stack.runtime_api import (
    BACKEND,
    INSTANCE_MAP,
    POOL_MAP,
    RELEASE_MAP,
    RuntimeApi,
    Transport,
)
from harness.stack.variation import Reloads
from harness.timeline import Timekeeper, wait_until

__all__ = [
    "ALONE_SHELL",
    "CONFIGURATION",
    "MASTER_SHELL",
    "WRITING_SHELL",
    "MasterWorker",
    "Processes",
    "Successor",
    "processes",
    "successor_shell",
]

CONFIGURATION: Final = "/tmp/haproxy.cfg"  # noqa: S108 (in the balancer's own container)
_NEXT: Final = f"{CONFIGURATION}.next"
_PID: Final = "/tmp/haproxy.pid"  # noqa: S108 (as above)
_ANSWERS_S: Final = 5.0
_LOOK_S: Final = 0.1
_TOLD: Final = "kill -USR2 1"

WRITING_SHELL: Final = (
    # HAProxy takes O_APPEND off its log: in one file two would write over each other's lines.
    f"log={LOGS_AT}/haproxy.log; number=1; "
    f'while [ -e "$log" ]; do number=$((number + 1)); log={LOGS_AT}/haproxy-$number.log; done; '
    f'printf %s "$HAPROXY_CFG" > {CONFIGURATION} && echo pool {BACKEND} > {POOL_MAP} && '
    f": > {INSTANCE_MAP} && : > {RELEASE_MAP} && "
)
"""Goes before each of the others."""

ALONE_SHELL: Final = f'exec haproxy -W -db -f {CONFIGURATION} 3>>"$log"'
"""A process that none is to come after."""

MASTER_SHELL: Final = (
    f'exec haproxy -W -db -S /run/harness/master.sock,mode,600 -f {CONFIGURATION} 3>>"$log"'
)
"""A master, which is told to reload over its own socket, and a worker."""

_PIDS: Final = (
    'for each in /proc/[0-9]*; do read -r name < "$each/comm" && read -r _ _ state _ '
    '< "$each/stat" && [ "$name" = haproxy ] && [ "$state" != Z ] && echo "${each#/proc/}"; '
    "done 2>/dev/null; true"
)


def successor_shell(*, hands_over: bool) -> str:
    """The old way: a daemon, and a shell that starts the next one beside it when it is told to.

    With `hands_over` that one is given the listeners.
    """
    daemon = f"haproxy -D -p {_PID} -f {CONFIGURATION}"
    handed = " -x /run/harness/admin.sock" if hands_over else ""
    return (
        # All have one descriptor, and so one place in the file.
        f'exec 3>>"$log"; {daemon} || exit 1; '
        f"trap 'kill -USR1 $(cat {_PID}); exit 0' USR1; "
        f"trap '{daemon}{handed} -sf $(cat {_PID})' USR2; "
        # As the first process the shell has those to bury that have ended.
        "while :; do sleep 0.2 & wait; done"
    )


class Processes(Protocol):
    """The balancer's own."""

    def take_over(self, configuration: str) -> None:
        """A new process serves by that configuration once this returns, and takes all that is new;
        the former one finishes what it has.

        MissingEvidenceError where HAProxy refuses it, where no new process came, or where the new
        one does not answer on the Runtime API. A refused one is not put in the former's place.
        """

    def try_to_take_over(self, configuration: str) -> None:
        """The same, neither checked beforehand nor looked at afterwards."""

    def await_alone(self, timeout_s: float) -> None:
        """Returns once no former process is left; MissingEvidenceError after that time."""


class MasterWorker:
    """A master that forks the new worker and hands it the listeners of the former one."""

    def __init__(
        self,
        container: Container,
        *,
        master: Transport,
        api: RuntimeApi,
        clock: Timekeeper,
    ) -> None:
        self._container = container
        self._master = RuntimeApi(master)
        self._api = api
        self._clock = clock

    def take_over(self, configuration: str) -> None:
        _put_checked(self._container, configuration)
        former, _ = self._workers()
        answer = self._master.command("reload")
        if "Success=1" not in answer:
            raise MissingEvidenceError(f"balancer: HAProxy's reload failed:\n{answer}")
        current, _ = self._workers()
        if current == former:
            raise MissingEvidenceError(
                f"balancer: HAProxy says it reloaded, and worker {former} still serves"
            )
        _await_pid(self._api, current, self._clock)

    def try_to_take_over(self, configuration: str) -> None:
        _put(self._container, CONFIGURATION, configuration)
        _run(self._container, _TOLD)

    def await_alone(self, timeout_s: float) -> None:
        if not wait_until(
            lambda: not self._workers()[1],
            clock=self._clock,
            timeout_s=timeout_s,
            poll_s=_LOOK_S,
        ):
            raise _not_alone(timeout_s)

    def _workers(self) -> tuple[str, tuple[str, ...]]:
        """Of the current one and of the former ones, as the master tells them."""
        rows = [line.split() for line in self._master.command("show proc").splitlines()]
        # `#<PID> <type> <reloads> …`: of reloads since its start a former worker counts some.
        workers = [row for row in rows if len(row) > 2 and row[1] == "worker"]
        current = [row[0] for row in workers if row[2] == "0"]
        if len(current) != 1:
            raise MissingEvidenceError(f"balancer: HAProxy has {len(current)} current workers")
        return current[0], tuple(row[0] for row in workers if row[2] != "0")


class Successor:
    """The old way, `-sf`: a new process that binds the same ports and tells the former one to
    finish. What the kernel has queued for the former one's listeners is lost with them, unless
    they are handed over (`successor_shell`).
    """

    def __init__(self, container: Container, *, api: RuntimeApi, clock: Timekeeper) -> None:
        self._container = container
        self._api = api
        self._clock = clock

    def take_over(self, configuration: str) -> None:
        _put_checked(self._container, configuration)
        former = _pid(self._api)
        _run(self._container, _TOLD)
        if not wait_until(
            lambda: _pid(self._api) not in {former, ""}, clock=self._clock, timeout_s=_ANSWERS_S
        ):
            raise MissingEvidenceError(f"balancer: no process came after HAProxy's {former}")

    def try_to_take_over(self, configuration: str) -> None:
        _put(self._container, CONFIGURATION, configuration)
        _run(self._container, _TOLD)

    def await_alone(self, timeout_s: float) -> None:
        if not wait_until(
            lambda: len(_run(self._container, _PIDS).split()) == 1,
            clock=self._clock,
            timeout_s=timeout_s,
            poll_s=_LOOK_S,
        ):
            raise _not_alone(timeout_s)


def processes(
    reloads: Reloads,
    container: Container,
    *,
    master: Transport,
    api: RuntimeApi,
    clock: Timekeeper,
) -> Processes:
    """Those of a balancer that is reloaded so."""
    if reloads.by_successor:
        return Successor(container, api=api, clock=clock)
    return MasterWorker(container, master=master, api=api, clock=clock)


def _put_checked(container: Container, configuration: str) -> None:
    """In place of the former one, if HAProxy takes it."""
    _put(container, _NEXT, configuration)
    check = f"haproxy -c -f {_NEXT} && mv {_NEXT} {CONFIGURATION}"
    code, told = run_in(container, ["/bin/sh", "-c", check])
    if code:
        raise MissingEvidenceError(
            "balancer: HAProxy refuses its next configuration, and serves on by the former one:\n"
            f"{told.strip()}"
        )


def _put(container: Container, path: str, text: str) -> None:
    folder, _, name = path.rpartition("/")
    content = text.encode()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o644
        tar.addfile(member, io.BytesIO(content))
    try:
        is_put = container.put_archive(folder, archive.getvalue())
    except docker.errors.APIError as error:
        raise MissingEvidenceError(f"balancer: {path} could not be written: {error}") from error
    if not is_put:
        raise MissingEvidenceError(f"balancer: the engine did not take in {path}")


def _run(container: Container, shell: str) -> str:
    """What it printed, stripped. MissingEvidenceError where it ends otherwise than with 0."""
    code, told = run_in(container, ["/bin/sh", "-c", shell])
    if code:
        raise MissingEvidenceError(f"balancer: `{shell}` ended with code {code}:\n{told.strip()}")
    return told.strip()


def _await_pid(api: RuntimeApi, pid: str, clock: Timekeeper) -> None:
    """Until the Runtime API, whose socket stays where it was, is that process's."""
    if not wait_until(lambda: _pid(api) == pid, clock=clock, timeout_s=_ANSWERS_S):
        raise MissingEvidenceError(
            f"balancer: HAProxy's new process {pid} did not answer on the Runtime API within "
            f"{_ANSWERS_S:g} s"
        )


def _pid(api: RuntimeApi) -> str:
    """Of whoever answers on the Runtime API; empty while one hands the socket to the next."""
    try:
        told = api.command("show info")
    except MissingEvidenceError:
        return ""
    found = [line.removeprefix("Pid: ") for line in told.splitlines() if line.startswith("Pid: ")]
    return found[0] if found else ""


def _not_alone(timeout_s: float) -> MissingEvidenceError:
    return MissingEvidenceError(
        f"balancer: a former process of HAProxy's was still there after {timeout_s:g} s"
    )
