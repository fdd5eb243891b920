"""`harness calibrate`: the command, on a calibration on paper."""

import argparse
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent))

from fakes.calibrator import FakeCalibrator, Paper, injected
from fakes.trouble import Point, Trouble

from harness import cli
from harness.calibration.bare import BareLoop
from harness.calibration.calibrator import LoopbackCalibrator, NoCalibration
from harness.config import load
from harness.model.calibration import OutageKind
from harness.model.errors import MissingEvidenceError
from harness.options import add_settings, given_settings
from harness.verify import plan


@pytest.fixture
def fake(tmp_path, monkeypatch) -> Iterator[FakeCalibrator]:
    """The command writes to the folder that it is called in, and takes over signals."""
    made = FakeCalibrator(Trouble())
    made.paper = Paper()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("harness.calibrate.LoopbackCalibrator", lambda planned: made)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield made
    for number, handler in before.items():
        signal.signal(number, handler)


def said(capsys) -> str:
    return " ".join(capsys.readouterr().out.split())


def test_it_prints_the_table_and_what_it_proves(fake, capsys):
    assert cli.main(["calibrate", "--rate", "1000", "--seed", "7", "--tries", "20"]) == 0
    text = said(capsys)
    assert "360 outages at 1000/s, seed 7: " in text
    assert "refused 2 40.0 1 1 1 " in text
    assert "stall 2 40.0 1 1 1 " in text
    assert (
        "from 40 ms on every outage was found and rightly named, 20 of 20: at 95 % confidence at "
        "least 86 % of such are" in text
    )
    assert "certain outage: 4.9 ms, the largest gap between two requests of 205; away from" in text
    assert "✓ 2 outages of 40 ms put in before the run were found and rightly named" in text
    assert fake.closes == 1


def test_an_outage_that_was_missed_is_exit_3_and_no_length_is_claimed(fake, capsys):
    clean = Paper(outages=()).samples()
    fake.paper = Paper(
        outages=(injected(OutageKind.reset, 400, 40),), spoil=lambda _: clean, left_out=("x: y",)
    )
    assert cli.main(["calibrate"]) == 3
    text = said(capsys)
    assert "no length was found and rightly named every time, in every kind" in text
    assert "left out: x: y" in text
    assert "? of 1 outage put in before the run one was missed" in text


def test_what_cannot_be_carried_out_is_inconclusive(fake, capsys):
    point = Point("", "calibrator.calibrate", "within")
    fake._trouble.plan(point, MissingEvidenceError("calibration: the scripted server ended"))
    assert cli.main(["calibrate"]) == 3
    assert capsys.readouterr().err == "harness: calibration: the scripted server ended\n"
    assert fake.closes == 1


def test_ctrl_c_ends_what_was_started(fake, capsys):
    fake._trouble.plan(Point("", "calibrator.calibrate", "within"), KeyboardInterrupt())
    assert cli.main(["calibrate"]) == 130
    assert fake.closes == 1


@pytest.mark.parametrize("tries", ["0", "1001", "x"])
def test_tries_are_a_number_from_1_to_1000(fake, capsys, tries):
    with pytest.raises(SystemExit) as ending:
        cli.main(["calibrate", "--tries", tries])
    assert ending.value.code == 2
    assert "--tries" in capsys.readouterr().err


def test_a_bare_loop_knows_its_largest_gap_in_the_seconds_that_it_ran():
    with BareLoop(500) as bare:
        begin = time.monotonic_ns() + 20_000_000
        while time.monotonic_ns() < begin + 30_000_000:
            time.sleep(0.005)
        end = begin + 10_000_000
    gap = bare.largest_gap_ms(begin, end)
    assert gap is not None
    assert gap > 0
    assert bare.largest_gap_ms(begin, end + 10**12) is None, "it did not run then"


@pytest.mark.parametrize(
    ("said_so", "is_calibrated", "kind"),
    [((), True, LoopbackCalibrator), (("--no-calibrate",), False, NoCalibration)],
)
def test_a_run_is_calibrated_unless_it_is_told_not_to_be(tmp_path, said_so, is_calibrated, kind):
    parser = argparse.ArgumentParser()
    add_settings(parser, prefix="--")
    given = given_settings(parser.parse_args([*said_so, "--reports", str(tmp_path)]))
    planned = plan(load(given, folder=tmp_path))
    assert planned.scenario.calibrated is is_calibrated
    assert isinstance(planned.parts.calibrator, kind)
