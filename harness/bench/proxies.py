"""What HAProxy and NGINX are told: a backend for each algorithm under each workload.

The host that a request asks for chooses the backend, so rounds follow each other in any order and
nothing is ever configured again.
"""

from collections.abc import Iterable, Sequence

from harness.bench.model import Algorithm, Proxy, Workload

__all__ = [
    "ONLY",
    "PORT",
    "REPLICA_PORT",
    "SERVER",
    "SOCKET",
    "backend",
    "control",
    "haproxy",
    "nginx",
    "server",
    "swapped",
    "weights",
]

PORT = 8080
REPLICA_PORT = 8000
SOCKET = "/run/harness/admin.sock"
SERVER = "replica"
ONLY = "only"
"""The one server of a backend by which that very server is asked."""
_NOBODY = "0.0.0.0"  # noqa: S104 (an address that is given later)


def backend(algorithm: Algorithm, workload: Workload) -> str:
    """The backend's name, and the host to ask for."""
    return f"{algorithm.name}.{workload.name}"


def server(number: int) -> str:
    """A replica's name, counted from 1."""
    return f"{SERVER}-{number}"


def swapped(name: str) -> str:
    """What `control` calls a server of a swap: the other replicas have the same names."""
    return f"swap-{name}"


def control(name: str) -> str:
    """The host to ask for where that very replica is meant."""
    return f"control.{name}"


def weights(algorithm: Algorithm, workload: Workload) -> tuple[int, ...]:
    """Of each server, as HAProxy is told beforehand.

    100 each makes 1,600 points on a ring, for consistent hashes and random draws. But round robin
    lets a server that comes back wait for up to 16 requests for each unit of all weights together
    (lb_fwrr.c): in a swap it has 1 each.
    """
    if workload.swap is not None and algorithm.running == "roundrobin":
        return (1,) * workload.servers
    return workload.weights() if algorithm.is_weighted else (100,) * workload.servers


def haproxy(
    algorithms: Sequence[Algorithm], workloads: Sequence[Workload], addresses: Sequence[str]
) -> str:
    """HAProxy's configuration. `addresses` are the replicas', in their order.

    One thread: HAProxy's algorithms are then what their descriptions say, exactly. No health
    checks, no retries: nothing but the algorithm decides.
    """
    lines = [
        "global",
        f"    stats socket {SOCKET} mode 600 level admin",
        "    stats timeout 1h",
        "    maxconn 8000",
        "    fd-hard-limit 20000",
        "    nbthread 1",
        "defaults",
        "    mode http",
        "    timeout connect 5s",
        "    timeout client 120s",
        "    timeout server 120s",
        "    timeout queue 120s",
        "    timeout http-keep-alive 120s",
        "    retries 0",
        "    option abortonclose",
        "    http-reuse always",
        "frontend front",
        f"    bind *:{PORT}",
        # `balance source` is to see clients, not the one sender; proxies before it are the same.
        "    http-request set-src req.hdr(X-Client) if { req.hdr(X-Client) -m found }",
        "    use_backend %[req.hdr(host)]",
    ]
    for number, address in enumerate(addresses, 1):
        lines += [
            f"backend {control(server(number))}",
            f"    server {ONLY} {address}:{REPLICA_PORT}",
        ]
    swaps = [workload.lines for workload in workloads if workload.swap]
    for number in range(1, max(swaps, default=0) + 1):
        lines += [
            f"backend {control(swapped(server(number)))}",
            f"    server {ONLY} {_NOBODY}:{REPLICA_PORT} disabled",
        ]
    for workload in workloads:
        for algorithm in _of(Proxy.haproxy, algorithms):
            lines += _haproxy_backend(algorithm, workload, addresses)
    return "\n".join(lines) + "\n"


def _haproxy_backend(
    algorithm: Algorithm, workload: Workload, addresses: Sequence[str]
) -> Iterable[str]:
    yield f"backend {backend(algorithm, workload)}"
    yield from (f"    {line}" for line in algorithm.lines)
    if workload.is_sticky:
        yield "    stick-table type string len 32 size 100k expire 1h"
        yield "    stick on req.hdr(X-Key)"
    limit = f" maxconn {workload.slots}" if algorithm.is_limited else ""
    each = weights(algorithm, workload)
    for number in range(1, workload.lines + 1):
        # The lines of those that a swap brings are filled by it.
        is_there = number <= workload.servers
        where = addresses[number - 1] if is_there else _NOBODY
        rest = f"weight {each[(number - 1) % workload.servers]}{limit}"
        rest += "" if is_there else " disabled"
        yield f"    server {server(number)} {where}:{REPLICA_PORT} {rest}"


def nginx(algorithms: Sequence[Algorithm], workloads: Sequence[Workload]) -> str:
    """NGINX's configuration; empty where none of the algorithms is its own. One worker.

    Replicas go by their names, which the engine's DNS knows: NGINX hashes what is written here, and
    an address is another one each time.
    """
    own = _of(Proxy.nginx, algorithms)
    if not own:
        return ""
    lines = [
        "worker_processes 1;",
        "error_log stderr;",
        "pid /tmp/nginx.pid;",
        "events { worker_connections 8000; }",
        "http {",
        "    access_log off;",
        "    server_names_hash_bucket_size 128;",
        "    keepalive_requests 1000000;",
        "    keepalive_timeout 120s;",
        "    proxy_http_version 1.1;",
        '    proxy_set_header Connection "";',
        "    proxy_next_upstream off;",
        "    proxy_read_timeout 120s;",
        "    set_real_ip_from 0.0.0.0/0;",
        "    real_ip_header X-Client;",
    ]
    for workload in workloads:
        for algorithm in own:
            name = backend(algorithm, workload)
            servers = [
                f"        server {server(number)}:{REPLICA_PORT} max_fails=0;"
                for number in range(1, workload.servers + 1)
            ]
            lines += [
                f"    upstream {name} {{",
                *(f"        {line}" for line in algorithm.lines),
                *servers,
                "        keepalive 256;",
                "    }",
                f"    server {{ listen {PORT}; server_name {name};",
                f"        location / {{ proxy_pass http://{name}; }} }}",
            ]
    return "\n".join([*lines, "}"]) + "\n"


def _of(proxy: Proxy, algorithms: Sequence[Algorithm]) -> list[Algorithm]:
    return [algorithm for algorithm in algorithms if algorithm.proxy is proxy]
