"""The algorithms that are compared, by name."""

import difflib
from collections.abc import Sequence

from harness.bench.model import Algorithm, Keyed, Proxy, Workload, impossible
from harness.model.errors import NotJudgedError

__all__ = ["ALGORITHMS", "CENTRAL", "DEFAULT", "chosen", "refuse_impossible"]


def _haproxy(
    name: str,
    balance: str,
    *more: str,
    running: str = "",
    is_dynamic: bool = True,
    keyed: Keyed = Keyed.nothing,
    is_limited: bool = False,
    is_weighted: bool = False,
) -> Algorithm:
    return Algorithm(
        name=name,
        lines=(f"balance {balance}", *more),
        running=running or balance.partition(" ")[0].partition("(")[0],
        is_dynamic=is_dynamic,
        keyed=keyed,
        is_limited=is_limited,
        is_weighted=is_weighted,
    )


def _nginx(name: str, *lines: str, keyed: Keyed = Keyed.nothing) -> Algorithm:
    return Algorithm(name=name, proxy=Proxy.nginx, lines=lines, is_dynamic=False, keyed=keyed)


CENTRAL = "central-queue"
"""The practical best: who waits, waits in one queue for whichever slot is free first."""

_BY_KEY, _BY_CLIENT = Keyed.key, Keyed.client
_KEY = "req.hdr(X-Key)"
_RANDOM = "unknown"
"""HAProxy 3.0 has no other name for it, and this one for nothing else (backend_lb_algo_str)."""

ALGORITHMS: tuple[Algorithm, ...] = (
    _haproxy("roundrobin", "roundrobin"),
    _haproxy("static-rr", "static-rr", is_dynamic=False),
    _haproxy("leastconn", "leastconn"),
    _haproxy("first", "first", is_limited=True),
    _haproxy("random-1", "random(1)", running=_RANDOM),
    _haproxy("random-2", "random(2)", running=_RANDOM),
    _haproxy("random-3", "random(3)", running=_RANDOM),
    _haproxy("source", "source", is_dynamic=False, keyed=_BY_CLIENT),
    _haproxy("uri", "uri", is_dynamic=False, keyed=_BY_KEY),
    _haproxy("url_param", "url_param key", is_dynamic=False, keyed=_BY_KEY),
    _haproxy("hdr", "hdr(X-Key)", is_dynamic=False, keyed=_BY_KEY),
    _haproxy("hash-map", f"hash {_KEY}", "hash-type map-based", is_dynamic=False, keyed=_BY_KEY),
    _haproxy("hash-consistent", f"hash {_KEY}", "hash-type consistent", keyed=_BY_KEY),
    _haproxy("roundrobin-weighted", "roundrobin", is_weighted=True),
    _haproxy("leastconn-weighted", "leastconn", is_weighted=True),
    _haproxy("random-2-weighted", "random(2)", running=_RANDOM, is_weighted=True),
    _haproxy("roundrobin-again", "roundrobin"),
    _haproxy(CENTRAL, "leastconn", is_limited=True),
    _nginx("nginx-roundrobin"),
    _nginx("nginx-least_conn", "least_conn;"),
    _nginx("nginx-random-two", "random two least_conn;"),
    _nginx("nginx-ip_hash", "ip_hash;", keyed=_BY_CLIENT),
    _nginx("nginx-hash", "hash $http_x_key consistent;", keyed=_BY_KEY),
)
"""HAProxy 3.0's (configuration manual, 4.2: `balance`, `hash-type`), and NGINX's (module
ngx_http_upstream). `roundrobin-again` is the control arm: against `roundrobin` it must show no
difference."""

DEFAULT = ("roundrobin", "leastconn", "random-2", CENTRAL)


def chosen(names: Sequence[str]) -> tuple[Algorithm, ...]:
    """Those algorithms; `all` is every one. NotJudgedError for a name that is none of them."""
    if list(names) == ["all"]:
        return ALGORITHMS
    known = {algorithm.name: algorithm for algorithm in ALGORITHMS}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise NotJudgedError(
                f"algorithms: {name!r} is none that can be run; {hint}known are: {', '.join(known)}"
            )
        if list(names).count(name) > 1:
            raise NotJudgedError(
                f"algorithms: {name} is named more than once; roundrobin-again is the control arm"
            )
    return tuple(known[name] for name in names)


def refuse_impossible(algorithms: Sequence[Algorithm], workloads: Sequence[Workload]) -> None:
    """NotJudgedError for an algorithm that cannot do what a workload has its balancer do."""
    for algorithm in algorithms:
        for workload in workloads:
            why = impossible(algorithm, workload)
            if why:
                raise NotJudgedError(
                    f"algorithms: {algorithm.name} cannot do {workload.name}: {why}; leave one out"
                )
