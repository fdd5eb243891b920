"""The harness's own child process under a constant rate, through the sender that a run uses."""

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.cpu import cpu_s, kept_on
from benchmarks.site import BODY, CLIENT_CORE, NAME
from harness.analysis.requestlog import decode
from harness.model.scenario import Limits, Scenario
from harness.model.traffic import Connection, Stream, Tls, Traffic
from harness.target import Endpoint
from harness.traffic.sender import ChildSender

__all__ = ["DOWN", "TRIES", "Drive", "drive", "highest_held", "traffic_of"]

TRIES = 4
_UP, DOWN = 1.08, 1.2

_SECOND_NS = 1_000_000_000
_LEAD_S = 0.3
_BEHIND_MS = 50.0
_FINISH_S = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """What one run of the child at one rate gave."""

    due: int
    samples: pd.DataFrame
    """The schedule's, without probes, by due time; columns as of analysis.requestlog."""
    start_ns: int
    cpu_us: float
    """Of the child, for each request that it sent while that was measured."""
    errors: tuple[str, ...]

    @property
    def lag_ms(self) -> npt.NDArray[np.float64]:
        """How late each request was sent."""
        rows = self.samples
        return (rows["sent_ns"] - rows["due_ns"]).to_numpy(dtype=float) / 1e6

    def failure(self) -> str:
        """Why this is not a rate that was held, with every request answered right; or empty."""
        if self.errors:
            return self.errors[0]
        if len(self.samples) != self.due:
            return f"{len(self.samples)} of {self.due} recorded"
        wrong = self.samples["outcome"] != "ok"
        if wrong.any():
            return f"{int(wrong.sum())} not ok, the first {self.samples['outcome'][wrong].iloc[0]}"
        limits = Limits()
        lag_ms = self.lag_ms
        second = ((self.samples["due_ns"] - self.start_ns) // _SECOND_NS).to_numpy()
        share = np.bincount(second, weights=lag_ms <= limits.late_ms) / np.bincount(second)
        if share.min() < limits.sent_share:
            return f"a second saw {share.min():.1%} sent at most {limits.late_ms:g} ms late"
        # Held for these seconds is not held: where the lag still grows it soon would not be.
        if (late_ms := float(np.median(lag_ms[-len(lag_ms) // 5 :]))) > _BEHIND_MS:
            return f"{late_ms:.0f} ms behind at the end"
        return ""


def traffic_of(
    rate_hz: float,
    *,
    path: str = "/",
    connection: Connection = Connection.reuse,
    tls: Tls = Tls.off,
    body: str | None = BODY,
    timeout_s: float = 10.0,
) -> Traffic:
    """One stream, whose answers are checked: status, body, release."""
    return Traffic(
        headers={"User-Agent": "zero-downtime-harness"},
        streams=(
            Stream(
                name="page",
                path=path,
                rate_hz=rate_hz,
                connection=connection,
                tls=tls,
                expect_body=None if body is None else {"v1": body},
                timeout_s=timeout_s,
            ),
        ),
    )


def drive(
    traffic: Traffic,
    for_s: float,
    *,
    host: str = "127.0.0.1",
    port: int,
    tls_port: int = 0,
    ca: str = "",
    beginning: Callable[[int], None] = lambda _start_ns: None,
    halfway: Callable[[], None] = lambda: None,
) -> Drive:
    """One child sends `traffic` for so long, on the client's core; its record is read back.

    `beginning` is told, a little before, when the schedule begins; `halfway` is called in its
    middle.
    """
    scenario = Scenario(
        name="benchmark",
        target="trivial",
        swap="none",
        swaps=0,
        releases=("v1", "v2"),
        traffic=traffic,
    )
    endpoint = Endpoint(host=host, port=port, tls_port=tls_port, tls_name=NAME, ca=ca)
    folder = Path(tempfile.mkdtemp(prefix="harness-benchmark-"))
    sender = ChildSender()
    try:
        with kept_on(CLIENT_CORE):
            sender.start("benchmark", scenario, endpoint, folder)
        sender.probe(10)
        pid = sender._child.pid
        start_ns = time.monotonic_ns() + int(_LEAD_S * _SECOND_NS)
        stop_ns = start_ns + int(for_s * _SECOND_NS)
        sender.go(start_ns)
        beginning(start_ns)
        # Within the schedule: neither its beginning nor its end is what a request costs.
        _sleep_until(start_ns + int(0.1 * for_s * _SECOND_NS))
        from_ns, from_cpu_s = time.monotonic_ns(), cpu_s(pid)
        _sleep_until(start_ns + (stop_ns - start_ns) // 2)
        halfway()
        _sleep_until(stop_ns - int(0.1 * for_s * _SECOND_NS))
        to_ns, to_cpu_s = time.monotonic_ns(), cpu_s(pid)
        sender.finish(stop_ns, _FINISH_S)
        errors = sender.sent().errors
        decoded = decode((folder / "requests.bin").read_bytes(), traffic.stream_names())
    finally:
        sender.close()
        shutil.rmtree(folder, ignore_errors=True)
    samples = decoded.samples[decoded.samples["stream"] == "page"].sort_values("due_ns")
    within = int(samples["sent_ns"].between(from_ns, to_ns).sum())
    return Drive(
        due=int(np.ceil(traffic.rate_hz * for_s)),
        samples=samples,
        start_ns=start_ns,
        cpu_us=(to_cpu_s - from_cpu_s) / max(1, within) * 1e6,
        errors=(*errors, *([f"{decoded.damaged} rows damaged"] if decoded.damaged else [])),
    )


def highest_held(run: Callable[[float], Drive], first_hz: float) -> tuple[float, float]:
    """(rate, CPU µs for a request), going up from the first rate, or down to one that is held.

    Rate 0 where none was: a machine that is busy with others. Where both were tried the search is
    over: what lies between is not looked for.
    """
    rate_hz, best = first_hz, (0.0, 0.0)
    is_falling = False
    for _ in range(TRIES):
        driven = run(rate_hz)
        why = driven.failure()
        if why:
            print(f"    {rate_hz:,.0f}/s not held: {why}", file=sys.stderr)
            if best[0]:
                return best
            is_falling, rate_hz = True, rate_hz / DOWN
        else:
            best = (rate_hz, driven.cpu_us)
            if is_falling:
                return best
            rate_hz *= _UP
    return best if best[0] else (0.0, driven.cpu_us)


def _sleep_until(at_ns: int) -> None:
    time.sleep(max(0.0, (at_ns - time.monotonic_ns()) / 1e9))
