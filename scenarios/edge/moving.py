"""One container of NGINX after another: behind an address that is moved, or beside it at a port."""

from dataclasses import dataclass
from typing import Final

from nginxes import SERVING, ReplacesNginx, end_kept
from replacing import EDGE, ReplacesPart

from harness.model.errors import MissingEvidenceError
from harness.stack import edge
from harness.swap.strategy import Steps
from harness.target import Instance, Proxies, Stage
from harness.timeline import wait_until

__all__ = ["AT_A_FREE_PORT", "ListensBeside", "MovesAddress"]

HOLDER: Final = "edge-address"
_LISTENS_AT: Final = "/tmp/listens"  # noqa: S108 (in NGINX's own container)
AT_A_FREE_PORT: Final = f"""\
port={edge.PORT} tls={edge.TLS_PORT}
while grep -q ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp; do
    port=$((port + 1)) tls=$((tls + 1))
done
sed -i "s/listen {edge.PORT} /listen $port /; s/listen {edge.TLS_PORT} /listen $tls /" \
/tmp/nginx.conf
echo "$port $tls" > {_LISTENS_AT}
{edge.SERVE}"""
"""For Variation.edge_shell: the first pair of ports at which nobody listens in that network."""

_OPENS: Final = "tcp flags & (fin|syn|rst|ack) == syn"
_REDIRECT: Final = f"""\
nft -f - <<END
add table ip moved
add chain ip moved arrivals {{ type nat hook prerouting priority dstnat; }}
flush chain ip moved arrivals
add rule ip moved arrivals {_OPENS} tcp dport {edge.PORT} redirect to :$1
add rule ip moved arrivals {_OPENS} tcp dport {edge.TLS_PORT} redirect to :$2
END
"""
"""One transaction. Only who asks for a connection is redirected: one that exists, and that the
kernel has not followed so far, goes on to where it is."""

_QUIT: Final = "(sleep 0.1; kill -QUIT 1) > /dev/null 2>&1 &"
"""A moment later, as it may be gone before this is told to have ended."""
_ENDS_S: Final = 20.0


@dataclass(frozen=True, kw_only=True)
class MovesAddress(ReplacesNginx):
    """A new container in the network of the one that holds the address; then new connections are
    sent there, the old one ends those that it has, and is told to finish.
    """

    name: str = "a new NGINX behind a moved address, then drain"

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> str:
        del stage
        old = nth(steps.swap)
        new = started(proxies, steps, steps.swap + 1)
        with steps.step("redirect", new):
            proxies.run(HOLDER, _REDIRECT, *proxies.run(new.name, f"cat {_LISTENS_AT}").split())
        if self.ends_kept:
            end_kept(proxies, steps, old)
        with steps.step("stop", old):
            proxies.run(old.name, _QUIT)
        return old.name

    def await_end(self, proxies: Proxies, former: str, steps: Steps) -> None:
        ended(proxies, former, steps)


@dataclass(frozen=True, kw_only=True)
class ListensBeside(ReplacesPart):
    """A new container that listens at the very same port (SO_REUSEPORT), and the old one is told to
    finish; again and again.
    """

    name: str = "a new NGINX beside the old one, then drain"
    times: int = 1

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> None:
        del stage
        first = (steps.swap - 1) * self.times + 1
        for number in range(first, first + self.times):
            old = nth(number)
            started(proxies, steps, number + 1)
            with steps.step("stop", old):
                proxies.run(old.name, _QUIT)
                ended(proxies, old.name, steps)


def nth(number: int) -> Instance:
    """NGINX's containers in the order of their starts, from 1."""
    name = EDGE.name if number == 1 else f"{EDGE.name}-{number}"
    return Instance(name=name, release="")


def started(proxies: Proxies, steps: Steps, number: int) -> Instance:
    """The one with that number, which serves. MissingEvidenceError where it does not."""
    new = nth(number)
    with steps.step("start", new):
        called = proxies.another(EDGE.name)
        if called != new.name:
            raise MissingEvidenceError(f"edge: {new.name} was to be started, and {called} was")
        proxies.run(called, SERVING)
    return new


def ended(proxies: Proxies, name: str, steps: Steps) -> None:
    """Returns once that container has ended in good order; MissingEvidenceError where not."""
    if not wait_until(
        lambda: proxies.exit_code(name) is not None,
        clock=steps.clock,
        timeout_s=_ENDS_S,
        poll_s=0.1,
    ):
        raise MissingEvidenceError(f"{name}: told to finish, and still there after {_ENDS_S:g} s")
    if code := proxies.exit_code(name):
        raise MissingEvidenceError(f"{name}: told to finish, it ended with code {code}")
