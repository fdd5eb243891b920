"""One round: load through one algorithm, and what everybody says of it afterwards."""

import json
import shutil
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from harness.analysis.requestlog import decode
from harness.bench import proxies
from harness.bench.cores import Cores
from harness.bench.drawn import drawn
from harness.bench.evidence import problems
from harness.bench.generation import Generation, replaced
from harness.bench.model import (
    SAMPLE_COLUMNS,
    Algorithm,
    Cell,
    Proxy,
    Round,
    ServerRound,
    Workload,
)
from harness.bench.rig import Rig
from harness.bench.traffic import TIMEOUT_S, traffic
from harness.model.scenario import Scenario
from harness.timeline import Timekeeper
from harness.traffic.sender import ChildSender, Sender

__all__ = ["Order", "measured"]

_LEAD_NS: Final = 200_000_000
_FINISH_S: Final = TIMEOUT_S + 1.0
_SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to do in a round."""

    run: str
    cell: Cell
    index: int
    algorithm: Algorithm
    workload: Workload
    rate_hz: float
    seed: int
    warmup_s: float
    seconds: float


def measured(
    order: Order,
    rig: Rig,
    folder: Path,
    new_sender: Callable[[], Sender] = ChildSender,
) -> tuple[Round, pd.DataFrame]:
    """Carries it out in `folder`, which is made, or emptied of a round that was cut off.

    MissingEvidenceError where the sender or a replica fails.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if order.workload.swap is None:
        return _measured(order, rig, folder, new_sender(), None)
    told = _settings(order, 0, 0.0)
    own = f"{order.index}-{order.cell.number}"
    with rig.generation(order.algorithm, order.workload, own, told) as generation:
        return _measured(order, rig, folder, new_sender(), generation)


def _measured(
    order: Order, rig: Rig, folder: Path, sender: Sender, generation: Generation | None
) -> tuple[Round, pd.DataFrame]:
    clock = rig.clock
    name = proxies.backend(order.algorithm, order.workload)
    scenario = Scenario(
        name="bench",
        target="bench",
        swap="",
        swaps=0,
        releases=("", ""),
        traffic=traffic(order.workload, order.rate_hz),
        seed=order.seed,
    )
    swapped = None
    sender.start(order.run, scenario, rig.endpoint(order.algorithm, order.workload), folder)
    try:
        if order.algorithm.proxy is Proxy.haproxy:
            _reset(rig, name, order)
        start_ns = clock.now_ns() + _LEAD_NS
        measured_ns = start_ns + int(order.warmup_s * _SECOND_NS)
        stop_ns = measured_ns + int(order.seconds * _SECOND_NS)
        if generation is None:
            _begin_replicas(order, rig, (measured_ns - clock.now_ns()) / 1e9)
        sender.go(start_ns)
        _wait(clock, start_ns)
        cpu_s, cores = rig.cpu_s(order.algorithm.proxy), Cores.now()
        with ThreadPoolExecutor(1) as beside:
            # The sender is told its end ahead of time, and is waited for until all is answered.
            ending = beside.submit(sender.finish, stop_ns, _FINISH_S)
            try:
                for at_ns, command in _commands(order, name, measured_ns):
                    _wait(clock, at_ns)
                    rig.command(command)
                if generation is not None and order.workload.swap is not None:
                    ahead_ns = int(order.workload.swap.begins * (stop_ns - measured_ns))
                    _wait(clock, measured_ns + ahead_ns)
                    swapped = replaced(generation, clock, folder / "marks.jsonl")
                _wait(clock, stop_ns)
                busy, stolen = Cores.now().since(cores)
                cpu_s = rig.cpu_s(order.algorithm.proxy) - cpu_s
                ending.result()
            except BaseException:
                # Else Ctrl-C would wait for the round's end.
                sender.close()
                raise
    finally:
        sender.close()
    servers, served = _told(_asked(order, rig) if generation is None else generation.told())
    state = rig.state(name) if order.algorithm.proxy is Proxy.haproxy else {}
    done = Round(
        cell=order.cell,
        index=order.index,
        seed=order.seed,
        rate_hz=order.rate_hz,
        start_ns=start_ns,
        measured_ns=measured_ns,
        stop_ns=stop_ns,
        servers=tuple(
            replace(each, balancer_queue=int(state.get(each.name, {}).get("qmax") or 0))
            for each in servers
        ),
        longest_queue=int(state.get("BACKEND", {}).get("qmax") or 0),
        proxy_cpu_s=cpu_s,
        busy_share=busy,
        steal_share=stolen,
        algorithm_running=state.get("BACKEND", {}).get("algo") or "",
        swap=swapped,
    )
    log = folder / "requests.bin"
    decoded = decode(log.read_bytes(), ("work",))
    samples = _samples(order, decoded.samples, served)
    done = replace(
        done, problems=problems(order, done, samples, damaged=decoded.damaged, sent=sender.sent())
    )
    if not decoded.damaged:
        log.unlink()
    shutil.rmtree(folder / "logs", ignore_errors=True)
    return done, samples


def _reset(rig: Rig, name: str, order: Order) -> None:
    rig.command("clear counters all")
    if order.workload.is_sticky:
        rig.command(f"clear table {name}")
    weights = order.workload.weights() if order.algorithm.is_weighted else None
    if order.workload.swap is not None:
        return
    for number in range(1, order.workload.servers + 1):
        # What a round that was cut off left.
        rig.command(f"set server {name}/{proxies.server(number)} state ready")
        if any(change.weight for change in order.workload.changes):
            weight = weights[number - 1] if weights else 100
            rig.command(f"set server {name}/{proxies.server(number)} weight {weight}")
    for change in order.workload.changes:
        if change.is_away and change.begins <= 0:
            rig.command(f"set server {name}/{proxies.server(change.server)} state drain")


def _commands(order: Order, name: str, measured_ns: int) -> list[tuple[int, str]]:
    """(when, what HAProxy is told then), in order."""
    length_ns = order.seconds * _SECOND_NS
    timed: list[tuple[int, str]] = []
    for change in order.workload.changes:
        server = f"set server {name}/{proxies.server(change.server)}"
        begins, ends = (measured_ns + int(at * length_ns) for at in (change.begins, change.ends))
        if change.is_away:
            if change.begins > 0:
                timed.append((begins, f"{server} state drain"))
            timed.append((ends, f"{server} state ready"))
        if change.weight is not None:
            timed += [(begins, f"{server} weight {change.weight}"), (ends, f"{server} weight 100")]
    return sorted(timed)


def _begin_replicas(order: Order, rig: Rig, origin_in_s: float) -> None:
    for number in range(1, order.workload.servers + 1):
        rig.ask(proxies.server(number), "PUT", _settings(order, number, origin_in_s))


def _settings(order: Order, number: int, origin_in_s: float) -> bytes:
    """What that replica is told of a round; in a swap, which has no changes, all are told alike."""
    workload, length_ns = order.workload, order.seconds * _SECOND_NS
    settings = {
        "slots": workload.slots,
        "origin_in_s": origin_in_s,
        "changes": [
            (
                int(change.begins * length_ns),
                int(change.ends * length_ns),
                change.factor,
                int(change.at_least_ms * 1000),
            )
            for change in workload.changes
            if change.server == number and not change.is_away
        ],
        "cache_keys": workload.cache.keys if workload.cache else 0,
        "hit_factor": workload.cache.hit_factor if workload.cache else 1.0,
    }
    return json.dumps(settings).encode()


def _asked(order: Order, rig: Rig) -> Mapping[str, bytes]:
    servers = map(proxies.server, range(1, order.workload.servers + 1))
    return {server: rig.ask(server, "GET") for server in servers}


def _told(answers: Mapping[str, bytes]) -> tuple[list[ServerRound], pd.DataFrame]:
    """What the replicas say: of each, and of each request by seq."""
    servers: list[ServerRound] = []
    rows: list[list[int]] = []
    for server, answer in answers.items():
        first, *lines = (json.loads(line) for line in answer.splitlines())
        servers.append(
            ServerRound(
                name=server,
                requests=len(lines),
                busy_s=sum(served_us for _, served_us, _, _ in lines) / 1e6,
                longest_queue=first["longest_queue"],
                hits=sum(hit == 1 for *_, hit in lines),
            )
        )
        rows += lines
    columns = ["seq", "served_us", "queued_us", "hit"]
    table = pd.DataFrame(np.array(rows, dtype=np.int64).reshape(-1, 4), columns=columns)
    return servers, table.drop_duplicates("seq").set_index("seq")


def _samples(order: Order, recorded: pd.DataFrame, served: pd.DataFrame) -> pd.DataFrame:
    samples = recorded.sort_values("seq", ignore_index=True)
    seqs = samples["seq"].to_numpy(dtype=np.int64)
    found: dict[str, Any] = {
        column: samples[column]
        for column in ("seq", "due_ns", "sent_ns", "finished_ns", "outcome", "status")
    }
    found["server"] = samples["instance"]
    found["service_us"] = drawn(order.workload.service, "service", order.seed, seqs)
    found["key"] = drawn(order.workload.keys, "key", order.seed, seqs)
    for column in ("served_us", "queued_us", "hit"):
        found[column] = served[column].reindex(seqs, fill_value=-1).to_numpy()
    return pd.DataFrame(found)[list(SAMPLE_COLUMNS)]


def _wait(clock: Timekeeper, until_ns: int) -> None:
    clock.sleep((until_ns - clock.now_ns()) / 1e9)
