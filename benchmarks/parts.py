"""What is measured, part by part: each returns what it prints, having measured in rounds."""

import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks import peers, published
from benchmarks.figures import lags, merged, ratios, table
from benchmarks.ours import DOWN, TRIES, Drive, drive, highest_held, traffic_of
from benchmarks.site import CLIENT_CORE, SERVER_CORE, Site, on_core
from harness.model.traffic import Connection, Tls

__all__ = ["PARTS", "Size"]

_OURS = "harness child"
_LAG_RATES_HZ = (500.0, 1_000.0)
_CONNECTION_RATE_HZ = 200.0
_KINDS = {
    "reused": {},
    "new": {"connection": Connection.new},
    "new, TLS resumed": {"connection": Connection.new, "tls": Tls.resume},
    "new, TLS full": {"connection": Connection.new, "tls": Tls.full},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    rounds: int
    for_s: float


def throughput(site: Site, size: Size) -> str:
    """Requests a second on reused connections. The peers ask again once they are answered; the
    child has a schedule, so its figure is the highest rate that it held.
    """
    rates: list[dict[str, float]] = []
    cpus: list[dict[str, float]] = []
    first_hz = 18_000.0
    for _ in range(size.rounds):
        rate, cpu = {}, {}
        for peer in peers.PEERS:
            figures = peers.measure(peer, site.port, size.for_s)
            rate[peer], cpu[peer] = figures.rate_hz, figures.cpu_us
        held_hz, cpu[_OURS] = highest_held(
            lambda hz: drive(traffic_of(hz), size.for_s, port=site.port), first_hz
        )
        if held_hz:
            rate[_OURS] = first_hz = held_hz
        else:
            first_hz /= DOWN**TRIES
        rates.append(rate)
        cpus.append(cpu)
    rate, cpu = merged(rates), merged(cpus)
    times = ratios(rate, _OURS) if _OURS in rate else {}
    core_times = ratios({n: 1 / c for n, c in cpu.items()}, _OURS)
    names = [_OURS, *peers.PEERS]
    rows = [
        [
            name,
            f"{rate[name]:,.0f}" if name in rate else "none held",
            f"{times[name]:.2f}" if name in times else "",
            f"{cpu[name]:.1f}",
            f"{1e6 / cpu[name]:,.0f}",
            f"{core_times[name]:.2f}" if name in core_times else "",
        ]
        for name in names
    ]
    head = ["", "requests/s", "child's/its", "CPU µs each", "a core-second", "child's/its"]
    return (
        f"{table(head, rows)}\n"
        "  The child: the highest rate held on an open schedule (each request at most 250 ms late, "
        "all answered right,\n  recorded on disk and checked; no lag left at the end). The others: "
        f"closed loop, {peers.CONNECTIONS} connections,\n  as fast as they can, the status checked."
    )


def start_lag(site: Site, size: Size) -> str:
    """How late requests begin, beside bare sleep loops in the same seconds, one on either core,
    due halfway between the requests. On the child's own core a loop meets what the child meets.
    """
    rows = []
    for rate_hz in _LAG_RATES_HZ:
        figures: dict[str, list[dict[str, float]]] = defaultdict(list)
        cpu_us = []
        for _ in range(size.rounds):
            driven, loops = _beside_loops(site, rate_hz, size.for_s)
            due_ns, sent_ns = (driven.samples[c].to_numpy() for c in ("due_ns", "sent_ns"))
            figures[_OURS].append(lags(due_ns, sent_ns))
            cpu_us.append(driven.cpu_us)
            for name, loop in loops.items():
                figures[name].append(loop)
        ours = merged(figures.pop(_OURS))
        cells = [f"{figure:.3f}" for figure in ours.values()]
        rows.append([f"{_OURS}, {rate_hz:,.0f}/s", *cells, f"{median(cpu_us):.0f}"])
        for name, rounds in figures.items():
            bare = merged(rounds)
            rows.append([f"  {name}", *(f"{figure:.3f}" for figure in bare.values()), ""])
            rows.append(["    child's/its", *(f"{ours[key] / bare[key]:.2f}" for key in ours), ""])
    head = ["start lag, ms", "p50", "p99", "p99.9", "largest gap", "CPU µs each"]
    return table(head, rows)


def _beside_loops(
    site: Site, rate_hz: float, for_s: float
) -> tuple[Drive, dict[str, dict[str, float]]]:
    """The child at that rate, and the lags of each bare loop beside it."""
    cores = {"bare loop, its core": CLIENT_CORE, "bare loop, server's core": SERVER_CORE}
    shift_ns = int(0.5e9 / rate_hz)
    script = str(Path(__file__).with_name("bare_loop.py"))
    with tempfile.TemporaryDirectory(prefix="harness-benchmark-") as folder:
        loops: list[subprocess.Popen[bytes]] = []

        def begin(start_ns: int) -> None:
            for core in cores.values():
                words = [str(start_ns + shift_ns), str(rate_hz), str(for_s), f"{folder}/{core}"]
                command = [*on_core(core), sys.executable, script, *words]
                loops.append(subprocess.Popen(command))

        driven = drive(traffic_of(rate_hz), for_s, port=site.port, beginning=begin)
        for loop in loops:
            loop.wait(for_s + 10)
        woke = {name: np.fromfile(Path(folder) / str(core), "<i8") for name, core in cores.items()}
    first_ns = driven.start_ns + shift_ns
    return driven, {
        name: lags(first_ns + (np.arange(len(at_ns)) * 1e9 / rate_hz).astype(np.int64), at_ns)
        for name, at_ns in woke.items()
    }


def connections(site: Site, size: Size) -> str:
    """What a new connection costs the child: the CPU of a request on one, at one rate."""
    rounds, late, shook = [], [], Counter()
    for _ in range(size.rounds):
        figures, lag = {}, {}
        for name, policy in _KINDS.items():
            driven = _checked(
                drive(
                    traffic_of(_CONNECTION_RATE_HZ, **policy),
                    size.for_s,
                    port=site.port,
                    tls_port=site.tls_port,
                    ca=site.ca,
                )
            )
            figures[name] = driven.cpu_us
            lag[name] = float(np.percentile(driven.lag_ms, 99))
            shook.update((name, how) for how in driven.samples["handshake"].astype(str))
        rounds.append(figures)
        late.append(lag)
    cpu, lag = merged(rounds), merged(late)
    rows = [
        [
            name,
            f"{cpu[name]:.0f}",
            f"{cpu[name] - cpu['reused']:+.0f}",
            f"{lag[name]:.2f}",
            ", ".join(f"{n:,} {how}" for (kind, how), n in shook.items() if kind == name),
        ]
        for name in _KINDS
    ]
    head = ["connections", "CPU µs a request", "to reused", "lag p99 ms", "handshakes"]
    return f"{table(head, rows)}\n  {_CONNECTION_RATE_HZ:.0f}/s each: idle wakes are in all four."


def latency(_: Site, size: Size) -> str:
    """What the child reports against what the server itself knows, by the same clock: the rest is
    the kernel's way there and back, and ours.
    """
    rows = []
    for delay_ms in (0, 5, 50):
        over: list[float] = []
        taken: list[float] = []
        command = [*on_core(SERVER_CORE), sys.executable, "-m", "benchmarks.known_delay"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            port = int(server.stdout.readline())
            traffic = traffic_of(_CONNECTION_RATE_HZ, path=f"/{delay_ms}")
            driven = _checked(drive(traffic, size.for_s, port=port))
            said = server.communicate()[0]
        known = {}
        for line in said.splitlines():
            name, read_ns, answered_ns = line.split()
            known[int(name.rpartition("-")[2])] = (int(read_ns), int(answered_ns))
        for row in driven.samples.itertuples():
            read_ns, answered_ns = known[row.seq]
            if not row.sent_ns <= read_ns <= answered_ns <= row.finished_ns:
                raise RuntimeError(f"server and child disagree on what came first: {row}")
            taken.append((answered_ns - read_ns) / 1e6)
            over.append((row.finished_ns - row.sent_ns - (answered_ns - read_ns)) / 1e6)
        p50, p99 = np.percentile(taken, [50, 99])
        over_p50, over_p99 = np.percentile(over, [50, 99])
        cells = (p50, p99, over_p50, over_p99, min(over))
        rows.append([f"{delay_ms} ms asked for", *(f"{cell:.3f}" for cell in cells)])
    head = ["latency, ms", "server's p50", "p99", "reported more: p50", "p99", "least"]
    return table(head, rows)


def published_port(_: Site, size: Size) -> str:
    """The edge's own address against a published loopback port, and a server that died behind."""
    if why := published.why_not():
        return f"  left out: no Docker engine answers ({why})"
    rows = []
    with published.edge() as edge:
        ways = {"own address": (edge.address, 80), "published port": ("127.0.0.1", edge.port)}
        rounds, proxied, late = [], [], []
        for _ in range(size.rounds):
            figures, proxy, lag = {}, {}, {}
            for kind, policy, rate_hz in (
                ("reused", Connection.reuse, 500.0),
                ("new", Connection.new, 200.0),
            ):
                for way, (host, port) in ways.items():
                    before_s = edge.proxy_cpu_s()
                    traffic = traffic_of(rate_hz, connection=policy)
                    driven = _checked(drive(traffic, size.for_s, host=host, port=port))
                    name = f"{kind}, {way}"
                    figures[name] = driven.cpu_us
                    proxy[name] = (edge.proxy_cpu_s() - before_s) / driven.due * 1e6
                    rows_ms = driven.samples["finished_ns"] - driven.samples["sent_ns"]
                    lag[f"{name} p50"], lag[f"{name} p99"] = np.percentile(rows_ms / 1e6, [50, 99])
            rounds.append(figures)
            proxied.append(proxy)
            late.append(lag)
        cpu, proxy, lag = merged(rounds), merged(proxied), merged(late)
        rows = [
            [
                name,
                f"{cpu[name]:.0f}",
                f"{proxy[name]:.0f}",
                f"{lag[f'{name} p50']:.3f}",
                f"{lag[f'{name} p99']:.3f}",
            ]
            for name in cpu
        ]
        seen = []
        for way, (host, port) in ways.items():
            for policy in (Connection.new, Connection.reuse):
                traffic = traffic_of(100.0, connection=policy, timeout_s=2.0)
                driven = drive(traffic, 2.0, host=host, port=port, halfway=edge.die)
                outcomes = Counter(driven.samples["outcome"].astype(str))
                edge.live()
                told = ", ".join(f"{n} {how}" for how, n in outcomes.most_common())
                seen.append([f"{way}, {policy}", told])
    head = ["", "child's CPU µs each", "engine's proxy µs each", "latency ms p50", "p99"]
    return (
        f"{table(head, rows)}\n  NGINX dies halfway through 200 requests; what the client sees:\n"
        f"{table(['', 'outcomes'], seen)}"
    )


def _checked(driven: Drive) -> Drive:
    wrong = driven.samples["outcome"] != "ok"
    if driven.errors or wrong.any() or len(driven.samples) != driven.due:
        raise RuntimeError(f"not all right: {driven.failure() or driven.errors}")
    return driven


PARTS: dict[str, Callable[[Site, Size], str]] = {
    "throughput": throughput,
    "lag": start_lag,
    "connections": connections,
    "latency": latency,
    "published": published_port,
}
