"""The stack's proxies, touched on purpose: what a website's swap should leave alone."""

from collections.abc import Callable
from typing import Final

from docker.models.containers import Container

from harness.model.errors import MissingEvidenceError
from harness.stack.certificate import Certificates
from harness.stack.containers import exit_code, run_in
from harness.stack.runtime_api import RuntimeApi
from harness.timeline import Timekeeper, wait_until

__all__ = ["StackProxies"]

_PATIENCE_S: Final = 10.0
_ENDS_S: Final = 40.0
_LOOK_S: Final = 0.1
_TOLD_CHARS: Final = 300
_NEW_WORKERS: Final = """\
old=$(cat /proc/1/task/1/children)
kill -HUP 1
for _ in $(seq 100); do
    now=$(cat /proc/1/task/1/children)
    [ "$(echo $now | wc -w)" -gt "$(echo $old | wc -w)" ] && break
    sleep 0.02
done
[ "$now" != "$old" ] || exit 1
# The new ones listen; who was there before has begun to finish.
sleep 0.1
kill -s "$1" $old 2>/dev/null
exit 0
"""


class StackProxies:
    """Implements harness.target.Proxies. MissingEvidenceError where one does as it is not told."""

    def __init__(
        self,
        *,
        find: Callable[[str], Container],
        api: RuntimeApi,
        clock: Timekeeper,
        another: Callable[[str], str],
        certificates: Certificates | None = None,
    ) -> None:
        """`another` is as of harness.target.Proxies; a balancer that it starts takes over the
        socket which `api` speaks to. Without `certificates` none can be issued or seen.
        """
        self._find = find
        self._another = another
        self._certificates = certificates
        self._api = api
        self._clock = clock

    def restart(self, whom: str) -> None:
        self._find(whom).restart(timeout=int(_PATIENCE_S))
        if whom == "balancer":
            self._await_empty()

    def stop(self, whom: str) -> None:
        self._find(whom).stop(timeout=int(_PATIENCE_S))

    def end(self, whom: str, signal: str) -> int:
        container = self._find(whom)
        container.kill(signal=signal)
        codes: list[int] = []

        def has_ended() -> bool:
            code = exit_code(container)
            codes.extend([] if code is None else [code])
            return bool(codes)

        if not wait_until(has_ended, clock=self._clock, timeout_s=_ENDS_S, poll_s=_LOOK_S):
            raise MissingEvidenceError(f"{whom}: it still ran {_ENDS_S:g} s after {signal}")
        return codes[0]

    def start(self, whom: str) -> None:
        self._find(whom).start()

    def run(self, whom: str, script: str, *words: str) -> str:
        code, told = run_in(self._find(whom), ["/bin/sh", "-c", script, "sh", *words])
        if code:
            raise MissingEvidenceError(
                f"{whom}: a script in its container ended with {code}: "
                f"{told.strip()[-_TOLD_CHARS:]}"
            )
        return told

    def another(self, whom: str) -> str:
        return self._another(whom)

    def exit_code(self, whom: str) -> int | None:
        return exit_code(self._find(whom))

    def issue(self, kind: str) -> tuple[str, str]:
        return self._of_the_run().issue(kind)

    def shown(self) -> str:
        return self._of_the_run().shown()

    def _of_the_run(self) -> Certificates:
        if self._certificates is None:
            raise MissingEvidenceError("edge: its certificates are out of reach")
        return self._certificates

    def second_balancer(self) -> None:
        self._another("balancer")
        self._await_empty()

    def shut(self, frontend: str) -> None:
        self._said(f"disable frontend {frontend}")

    def reopen(self, frontend: str) -> None:
        self._said(f"enable frontend {frontend}")

    def renew_workers(self, signal: str) -> None:
        self.run("edge", _NEW_WORKERS, signal.removeprefix("SIG"))

    def _said(self, command: str) -> None:
        if answer := self._api.command(command):
            raise MissingEvidenceError(f"balancer: HAProxy refused `{command}`: {answer}")

    def _await_empty(self) -> None:
        """Returns once a balancer answers that has just begun: no server of its is up."""
        if not wait_until(self._is_empty, clock=self._clock, timeout_s=_PATIENCE_S):
            raise MissingEvidenceError(
                f"balancer: no new HAProxy answered on the Runtime API within {_PATIENCE_S:g} s"
            )

    def _is_empty(self) -> bool:
        try:
            servers = self._api.servers().values()
        except MissingEvidenceError:
            return False
        return bool(servers) and not any(server.is_up for server in servers)
