"""NGINX reloaded, or its binary upgraded, where it runs; and how kept connections end before."""

from abc import ABC
from dataclasses import dataclass
from typing import Final

from replacing import EDGE, ReplacesPart

from harness.heavy_mix import LAST_S
from harness.swap.strategy import Steps, unable
from harness.target import Instance, Proxies, Stage, TouchesProxies

__all__ = [
    "BY_DAEMON",
    "FINISHES",
    "SERVING",
    "Order",
    "Reloads",
    "ReplacesNginx",
    "Upgrades",
    "end_kept",
    "keep_again",
    "reload",
]

FINISHING: Final = "/tmp/finishing"  # noqa: S108 (in NGINX's own container)
_LISTENS: Final = "listen 443 ssl default_server backlog=4096;"
_KEEPS: Final = "keepalive_timeout 75s;"
FINISHES: Final = {
    _LISTENS: f"""\
{_LISTENS}

if (-f {FINISHING}) {{
    rewrite ^ /.finishing$uri last;
}}

location ^~ /.finishing/ {{
    internal;
    keepalive_timeout 0;
    rewrite ^/\\.finishing(/.*)$ $1 last;
}}""",
    _KEEPS: f"{_KEEPS}\nkeepalive_time 10s;",
}
"""Of nginx.conf: while that file is there each answer over HTTP/1.1 ends its connection, and says
so. A location that keeps no connection decides that for good, wherever the request is answered from
then on.

Over HTTP/2 a worker that is told to finish says so itself; but not on a connection that is shaking
hands by then, which in 1 of 12 replacements it still served 30 s later. So connections have a time,
too, after which the next answer over each is its last.
"""

CLIENTS_KEEP_S: Final = 20.0
"""For so long a client keeps an idle connection (harness.traffic.client.Client)."""
_ENDED_S: Final = LAST_S + CLIENTS_KEEP_S + 1.0
"""What is asked before the file is there may be kept afterwards: it is answered after LAST_S at
most, and used again within CLIENTS_KEEP_S or never."""

_KNOWS: Final = """\
master() { cat /run/nginx.pid; }
workers() {
    for each in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
        title=$(cat "/proc/$each/cmdline" 2>/dev/null | tr -d '\\0')
        if [ "$title" = "nginx: worker process" ]; then echo "$each"; fi
    done
}
"""
"""Workers that were told to finish have another title."""

SERVING: Final = f"""{_KNOWS}
for _ in $(seq 100); do
    if [ -s /run/nginx.pid ] && [ -n "$(workers "$(master)")" ]; then exit 0; fi
    sleep 0.1
done
echo "NGINX has no worker"
exit 1
"""
"""Returns once NGINX serves in that container."""

_RELOAD: Final = f"""{_KNOWS}
former=$(workers "$(master)")
[ -n "$former" ] || {{ echo "NGINX has no worker"; exit 1; }}
nginx -t -q -c /tmp/nginx.conf || exit 1
kill -HUP "$(master)"
for _ in $(seq 100); do
    now=$(workers "$(master)")
    left=
    for each in $former; do
        if echo "$now" | grep -qx "$each"; then left="$left $each"; fi
    done
    if [ -n "$now" ] && [ -z "$left" ]; then echo $former; exit 0; fi
    sleep 0.1
done
echo "it was told to reload, and still serves by$left"
exit 1
"""
_GONE: Final = """\
for _ in $(seq 200); do
    left=
    for each; do
        if [ -d "/proc/$each" ]; then left="$left $each"; fi
    done
    if [ -z "$left" ]; then exit 0; fi
    sleep 0.1
done
echo "told to finish, and still there:$left"
exit 1
"""

BY_DAEMON: Final = """\
told=
trap 'told=yes; kill -QUIT $(cat /run/nginx.pid /run/nginx.pid.oldbin 2>/dev/null)' QUIT
runs() {
    for each in $(cat /run/nginx.pid /run/nginx.pid.oldbin 2>/dev/null); do
        if kill -0 "$each" 2>/dev/null; then return 0; fi
    done
    return 1
}
/usr/sbin/nginx -c /tmp/nginx.conf || exit 1
while [ -z "$told" ] || runs; do
    sleep 0.2 &
    wait $!
done
"""
"""For Variation.edge_shell: with `daemon off` NGINX takes no new binary. The shell outlives each of
its masters, and hands on its own stop signal. By its whole path, as a new binary is run by it.
"""

_NEW_FILE: Final = f"""{_KNOWS}
old=$(master)
cp /usr/sbin/nginx /usr/sbin/nginx.new && mv -f /usr/sbin/nginx.new /usr/sbin/nginx || exit 1
serves() {{
    new=$(cat /run/nginx.pid 2>/dev/null)
    [ -n "$new" ] && [ "$new" != "$old" ] && [ -n "$(workers "$new")" ]
}}
await_new() {{
    for _ in $(seq 100); do
        if serves; then return 0; fi
        sleep 0.1
    done
    echo "no new NGINX serves beside $old"
    exit 1
}}
file_of() {{ stat -L -c %i "/proc/$1/exe"; }}
assert_new() {{
    file=$(stat -c %i /usr/sbin/nginx)
    [ "$(file_of "$new")" = "$file" ] || {{ echo "it runs another file than was put"; exit 1; }}
    [ ! -d "/proc/$old" ] || [ "$(file_of "$old")" != "$file" ] || {{
        echo "the former one ran that very file"
        exit 1
    }}
}}
"""
_BESIDE: Final = f"""{_NEW_FILE}
kill -USR2 "$old"
await_new
assert_new
"""
_UPGRADE: Final = f"""{_BESIDE}
former=$(workers "$old")
[ -n "$former" ] || {{ echo "the former NGINX has no worker"; exit 1; }}
kill -WINCH "$old"
for _ in $(seq 100); do
    if [ -z "$(workers "$old")" ]; then break; fi
    sleep 0.1
done
[ -z "$(workers "$old")" ] || {{ echo "its former workers do not finish"; exit 1; }}
kill -QUIT "$old"
echo "$old" $former
"""
_CUT: Final = f"""{_BESIDE}
kill -TERM "$old"
echo "$old"
"""
_LEAVE_FIRST: Final = f"""{_NEW_FILE}
kill -QUIT "$old"
for _ in $(seq 20); do
    if [ ! -d "/proc/$old" ]; then break; fi
    sleep 0.1
done
/usr/sbin/nginx -c /tmp/nginx.conf || exit 1
await_new
assert_new
"""


class Order:
    """In which the former binary's processes are told to leave: scripts, which print what is still
    to be awaited.
    """

    right = _UPGRADE
    """USR2; once the new one serves WINCH, and once its workers finish QUIT."""
    cuts = _CUT
    """USR2; once the new one serves TERM, which is NGINX's fast stop."""
    leaves_first = _LEAVE_FIRST
    """QUIT, and a new one once it is gone, as a restart does; after 2 s, if it has visitors."""


@dataclass(frozen=True, kw_only=True)
class ReplacesNginx(ReplacesPart, ABC):
    """What was replaced may have visitors whom only the website's swap lets go: then it is awaited.

    `replace_part` returns what to hand to `await_end`; nothing, where there is nothing to await.
    """

    ends_kept: bool = True
    """Whether kept connections are ended with an answer before."""

    def replace(self, stage: Stage, steps: Steps) -> None:
        if not isinstance(stage, TouchesProxies):
            raise unable("reach its proxies")
        proxies = stage.proxies()
        former = self.replace_part(stage, proxies, steps)
        self.then.replace(stage, steps)
        if former:
            with steps.step("await", EDGE):
                self.await_end(proxies, former, steps)

    def await_end(self, proxies: Proxies, former: str, steps: Steps) -> None:
        """Returns once those processes are gone; MissingEvidenceError after 20 s."""
        del steps
        proxies.run(EDGE.name, _GONE, *former.split())


@dataclass(frozen=True, kw_only=True)
class Reloads(ReplacesNginx):
    """HUP: new workers take all that connects, the former ones finish."""

    name: str = "NGINX reloaded, then drain"
    times: int = 1

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> str:
        del stage
        if self.ends_kept:
            end_kept(proxies, steps)
        former = ""
        for number in range(1, self.times + 1):
            with steps.step("reload", EDGE, number=number):
                former = reload(proxies)
        if not self.ends_kept:
            # Who is in the middle of an answer then is kept there for as long as he likes.
            return ""
        keep_again(proxies)
        return former


@dataclass(frozen=True, kw_only=True)
class Upgrades(ReplacesNginx):
    """Another file in NGINX's place, which a new master runs with the former one's listeners."""

    name: str = "NGINX's binary upgraded, then drain"
    order: str = Order.right

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> str:
        del stage
        if self.ends_kept:
            end_kept(proxies, steps)
        with steps.step("upgrade", EDGE):
            former = last_line(proxies.run(EDGE.name, self.order))
        if self.ends_kept:
            keep_again(proxies)
        return former


def reload(proxies: Proxies) -> str:
    """Returns once new workers serve; the former ones' process ids. MissingEvidenceError where the
    configuration is refused, or the workers are as before.
    """
    return last_line(proxies.run(EDGE.name, _RELOAD))


def end_kept(proxies: Proxies, steps: Steps, whom: Instance = EDGE) -> None:
    """From now on that NGINX ends each connection with an answer. Returns once no client uses one
    any more that it kept before.
    """
    with steps.step("finish", whom):
        proxies.run(whom.name, 'touch "$1"', FINISHING)
        steps.clock.sleep(_ENDED_S)


def keep_again(proxies: Proxies) -> None:
    proxies.run(EDGE.name, 'rm "$1"', FINISHING)


def last_line(told: str) -> str:
    """NGINX's own programs may warn before."""
    return told.strip().rpartition("\n")[2]
