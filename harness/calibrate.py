"""`harness calibrate`: every outage many times over, without a stack."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.analysis.calibration import FOLDER, measured, read
from harness.analysis.runfolder import convert
from harness.analysis.tries import Tally, tallies
from harness.calibration.bare import BareLoop
from harness.calibration.calibrator import LoopbackCalibrator
from harness.calibration.plan import every_outage
from harness.checks.calibrated import judged
from harness.config import Settings
from harness.kept import new_folder, new_run
from harness.mix import default_mix
from harness.model.calibration import Calibration
from harness.model.errors import Interrupted, MissingEvidenceError
from harness.model.finding import Finding
from harness.model.scenario import Scenario
from harness.ways.bundled import RELEASES

__all__ = ["Calibrated", "calibrate"]

_NAME = "calibrate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """A calibration that is over."""

    calibration: Calibration
    tallies: tuple[Tally, ...]
    finding: Finding
    rate_hz: float
    tries: int
    bare_gap_ms: float | None
    """The largest gap between two wakes of a bare sleep loop at the same rate, in the same
    seconds."""
    folder: Path


def calibrate(settings: Settings, tries: int, say: Callable[[str], None]) -> Calibrated:
    """All kinds at all lengths, `tries` times each, under the default traffic. `say` is told how
    long that takes.

    MissingEvidenceError where it cannot be carried out, Interrupted on Ctrl-C.
    """
    traffic = default_mix(settings.rate, timeout_s=settings.timeout_s, arrivals=settings.arrivals)
    run = new_run()
    scenario = Scenario(
        name=_NAME,
        target="loopback",
        swap="",
        swaps=0,
        releases=RELEASES,
        traffic=traffic,
        seed=settings.seed,
    )
    todo = every_outage(traffic, seed=settings.seed, tries=tries)
    say(
        f"{len(todo.outages):,} outages at {traffic.rate_hz:g}/s, seed {settings.seed}: "
        f"{todo.length_ns / 1e9:.0f} s"
    )
    folder = new_folder(settings.reports, _NAME, run)
    calibrator = LoopbackCalibrator(planned=lambda *_: todo)
    try:
        calibrator.prepare(run, scenario, folder)
        with BareLoop(traffic.rate_hz) as bare:
            calibrator.calibrate()
    except KeyboardInterrupt:
        raise Interrupted("interrupted: the calibration was stopped") from None
    finally:
        calibrator.close()
    convert(folder / FOLDER)
    damage: list[str] = []
    found = read(folder / FOLDER, damage)
    if found is None or found.record.sent is None:
        raise MissingEvidenceError(f"calibration: {', '.join(damage) or 'nothing'} in {folder}")
    calibration = measured(found)
    sent_ns = found.requests["sent_ns"]
    return Calibrated(
        calibration=calibration,
        tallies=tallies(calibration.trials),
        finding=judged(calibration),
        rate_hz=traffic.rate_hz,
        tries=tries,
        bare_gap_ms=bare.largest_gap_ms(int(sent_ns[sent_ns > 0].min()), found.record.sent.stop_ns),
        folder=folder,
    )
