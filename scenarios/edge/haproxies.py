"""HAProxy replaced: by a new process of its own, by a new binary, by a new container."""

from dataclasses import dataclass
from typing import Final

from replacing import BALANCER, ReplacesPart

from harness.model.errors import MissingEvidenceError
from harness.swap.moves import admit
from harness.swap.reload import Reload
from harness.swap.strategy import Steps, Swap, unable
from harness.target import Instance, Proxies, ReloadsBalancer, Stage

__all__ = [
    "FINISH",
    "SERVES_AT",
    "STANDS_IN_AT",
    "ExchangesBinary",
    "ReloadsHaproxy",
    "ReplacesContainer",
]

FINISH: Final = "SIGUSR1"
"""On it HAProxy lets go of its listeners, finishes what it has, and ends with code 0."""
SERVES_AT, STANDS_IN_AT = 8080, 8081
"""The two ports that NGINX knows."""

SERVING: Final = """\
pid=$(echo 'show info' | socat -t 5 stdio /run/harness/admin.sock | sed -n 's/^Pid: //p')
[ -e "/proc/$pid/exe" ] || { echo "nobody here answers on the Runtime API: pid '$pid'"; exit 1; }
echo "$pid $(stat -L -c %i "/proc/$pid/exe") $(readlink "/proc/$pid/exe")"
"""
GONE: Final = """\
for _ in $(seq 50); do
    [ -e "/proc/$1" ] || exit 0
    sleep 0.1
done
echo "process $1 is still there"
exit 1
"""
EXCHANGE: Final = """\
file=$(command -v haproxy) && cp -p "$file" "$file.next" && mv "$file.next" "$file" &&
    stat -c %i "$file"
"""
"""As a package does: running processes keep the file that they were started from."""
UNUSED: Final = """\
if socat -u OPEN:/dev/null "TCP:127.0.0.1:$1,connect-timeout=1" 2>&1; then
    echo "somebody listens on port $1"
    exit 1
fi
"""
ANSWERS: Final = """\
for _ in $(seq 100); do
    told=$(printf 'GET /ready HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n' |
        socat -t 2 stdio "TCP:127.0.0.1:$1,connect-timeout=1" 2>&1 | head -n 1)
    case $told in *' 200 '*) exit 0 ;; esac
    sleep 0.05
done
echo "port $1 did not answer for the website: $told"
exit 1
"""


@dataclass(frozen=True, kw_only=True)
class Process:
    """Who answers on the Runtime API, and the file that it runs."""

    pid: str
    inode: str
    path: str


def serving(proxies: Proxies, whom: str) -> Process:
    """The one in that balancer's container; MissingEvidenceError where it is none of its."""
    told = proxies.run(whom, SERVING).split(maxsplit=2)
    if len(told) != 3:
        raise MissingEvidenceError(f"{whom}: who serves is not known: {' '.join(told)!r}")
    pid, inode, path = told
    return Process(pid=pid, inode=inode, path=path.strip())


@dataclass(frozen=True, kw_only=True)
class ReloadsHaproxy(ReplacesPart):
    """The next process takes over with the servers that there are, and the former one is awaited
    to its end. `times` is how often, one right after the other.
    """

    name: str = "HAProxy reloaded, then reload"
    then: Swap = Reload()  # noqa: RUF009 (it holds nothing)
    times: int = 1

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> tuple[Process, Process]:
        """Who served before and who serves now."""
        if not isinstance(stage, ReloadsBalancer):
            raise unable("reload its balancer")
        former = serving(proxies, BALANCER.name)
        with steps.step("reload", BALANCER):
            for _ in range(self.times):
                stage.reload(stage.running())
        # From here on no visit is held: a former process would have to wait for it.
        admit(stage, steps, stage.running())
        with steps.step("idle", BALANCER):
            stage.await_alone()
            proxies.run(BALANCER.name, GONE, former.pid)
        now = serving(proxies, BALANCER.name)
        if now.pid == former.pid:
            raise MissingEvidenceError(f"balancer: HAProxy's process {former.pid} still serves")
        return former, now


@dataclass(frozen=True, kw_only=True)
class ExchangesBinary(ReloadsHaproxy):
    """Another file in the place of HAProxy's own, and the next process is started from that."""

    name: str = "HAProxy's binary exchanged, then reload"

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> tuple[Process, Process]:
        with steps.step("exchange", BALANCER):
            inode = proxies.run(BALANCER.name, EXCHANGE).strip()
        former, now = super().replace_part(stage, proxies, steps)
        if former.inode == inode or now.inode != inode:
            raise MissingEvidenceError(
                f"balancer: HAProxy runs from file {now.inode} ({now.path}), and ran from "
                f"{former.inode} ({former.path}) before; the new binary is {inode}"
            )
        return former, now


@dataclass(frozen=True, kw_only=True)
class ReplacesContainer(ReplacesPart):
    """A stand-in is started at the second address and knows the website's servers; the old one is
    told to finish, and NGINX goes to the stand-in from then on. Once it has ended a new one is
    started in its place, and the stand-in told to finish likewise.

    Both have the same address, and so either port refuses at once while nobody listens there.
    """

    name: str = "HAProxy in a new container, then drain"
    signal: str = FINISH

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> None:
        first = 2 * steps.swap - 1
        for number, port in enumerate((STANDS_IN_AT, SERVES_AT), first):
            self._hand_over(stage, proxies, steps, number=number, port=port)

    def _hand_over(
        self, stage: Stage, proxies: Proxies, steps: Steps, *, number: int, port: int
    ) -> None:
        """From the balancer with that number to the next one, at that port."""
        old, new = balancer(number), balancer(number + 1)
        with steps.step("start", new):
            proxies.run(old.name, UNUSED, str(port))
            if (name := proxies.another(BALANCER.name)) != new.name:
                raise MissingEvidenceError(f"balancer: expected {new.name}, and {name} was started")
            proxies.run(new.name, ANSWERS, str(port))
        # From here on no visit is held: the old one would have to wait for it.
        admit(stage, steps, stage.running())
        with steps.step("stop", old):
            code = proxies.end(old.name, self.signal)
        if self.signal == FINISH and code:
            raise MissingEvidenceError(f"{old.name}: it ended with code {code}, and not in order")
        serving(proxies, new.name)


def balancer(number: int) -> Instance:
    """The container with that number, as the stack names it."""
    name = BALANCER.name if number == 1 else f"{BALANCER.name}-{number}"
    return Instance(name=name, release="")
