"""What rate this machine can hold: the real sender against a server of ours on loopback."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from harness.analysis.history import load
from harness.analysis.phases import Window
from harness.analysis.resolution import TOTAL, certain_outage_ms
from harness.calibration.calibrator import _brief
from harness.calibration.scripted import ScriptedServer
from harness.checks import rate_held
from harness.kept import new_run
from harness.model.finding import Verdict
from harness.model.scenario import Clock, Record, Scenario
from harness.model.traffic import Traffic
from harness.traffic.sender import ChildSender

__all__ = ["RATES", "Held", "measured", "rates_to_try"]

RATES: Final = (500.0, 1000.0, 2000.0, 4000.0)
_LEAD_NS: Final = 100_000_000
_POLL_S: Final = 0.1
_FINISH_S: Final = 2.0
_RECORD: Final = TypeAdapter(Record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What became of one rate."""

    rate_hz: float
    is_held: bool
    """By the rule of the check `rate_held`."""
    text: str
    """What that check says."""
    lag_p99_ms: float | None
    """How late requests were sent; null: too few of them."""
    certain_outage_ms: float | None
    """The shortest outage that no moment could have hidden."""


def rates_to_try(rate_hz: float) -> tuple[float, ...]:
    """The settings' own, and then higher ones."""
    return (rate_hz, *(each for each in RATES if each > rate_hz))


def measured(
    traffic: Traffic, rates: Sequence[float], *, seconds: float, seed: int, folder: Path
) -> Iterator[Held]:
    """Each rate in turn, up to the first that is not held. `folder` takes what the senders leave.

    The server takes its part of the machine, as a target beside it would; streams that last by
    nature are left out. MissingEvidenceError where a process does not do its part.
    """
    short = _brief(traffic)
    server = ScriptedServer()
    try:
        endpoint = server.start(short, "doctor", folder)
        for rate_hz in rates:
            place = folder / f"{rate_hz:g}"
            place.mkdir()
            record = Record(
                run=new_run(),
                scenario=_scenario(_at(short, rate_hz), seed),
                environment={},
                path="direct",
            )
            sender = ChildSender()
            with contextlib.closing(sender):
                sender.start(record.run, record.scenario, endpoint, place)
                start_ns = time.monotonic_ns() + _LEAD_NS
                stop_ns = start_ns + int(seconds * 1e9)
                sender.go(start_ns)
                while time.monotonic_ns() < stop_ns - 2 * _LEAD_NS:
                    sender.check()
                    time.sleep(_POLL_S)
                sender.finish(stop_ns, _FINISH_S)
                clock = Clock(monotonic_ns=start_ns, wall_ns=time.time_ns())
                record = replace(record, clocks=(clock,), sent=sender.sent())
            (place / "scenario.json").write_bytes(_RECORD.dump_json(record))
            held = _held(place, rate_hz, Window(swap=0, begin_ns=start_ns, end_ns=stop_ns))
            yield held
            if not held.is_held:
                return
    finally:
        server.close()


def _scenario(traffic: Traffic, seed: int) -> Scenario:
    return Scenario(
        name="doctor",
        target="loopback",
        swap="",
        swaps=0,
        releases=("doctor", "doctor"),
        traffic=traffic,
        seed=seed,
    )


def _at(traffic: Traffic, rate_hz: float) -> Traffic:
    factor = rate_hz / traffic.rate_hz
    streams = (replace(each, rate_hz=each.rate_hz * factor) for each in traffic.streams)
    return replace(traffic, streams=tuple(streams))


def _held(folder: Path, rate_hz: float, whole: Window) -> Held:
    history = load(folder)
    finding = rate_held.check(history)
    rows, traffic = history.requests, history.record.scenario.traffic
    sent_ns = rows.loc[rows["sent_ns"] > 0, "sent_ns"]
    # What was sent first counts from then on: before it nothing was due.
    window = replace(whole, begin_ns=int(sent_ns.min())) if len(sent_ns) else whole
    certain = certain_outage_ms(rows, traffic, [window], whole.end_ns)
    return Held(
        rate_hz=rate_hz,
        is_held=finding.verdict is Verdict.passed,
        text=finding.message,
        lag_p99_ms=finding.evidence.get("lag_ms", {}).get("p99"),
        certain_outage_ms=certain.get(TOTAL),
    )
