"""Ctrl-C and SIGTERM at any time: exit 130, one message, nothing left."""

import signal

import pytest
from left import left

pytestmark = pytest.mark.engine

AT = {
    "up": (("start balancer", "at"),),
    "steady": (("steady", "begin"),),
    "swap": (("start v2", "begin"), "--steady-s", "0.5"),
}
"""A mark for each, and options. A container is being made in the first and in the last."""


@pytest.mark.parametrize("moment", ["up", "steady", "swap"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_order(engine, verify, number: signal.Signals, moment: str):
    mark, *options = AT[moment]
    run = verify(*options)
    run.wait_for(*mark)
    # A terminal tells the whole group of Ctrl-C; a pipeline tells the process it started.
    run.signal(number, group=number == signal.SIGINT)
    assert run.end() == 130, run.said()
    assert run.messages() == ["interrupted: the run was stopped and nothing was judged"]
    assert left(engine, run.name()) == []
    assert run.processes() == []


def test_a_signal_in_teardown_stops_no_removal(engine, verify):
    run = verify("--steady-s", "0.5")
    run.wait_for("down")
    run.signal(signal.SIGINT, group=True)
    assert run.end() == 130, run.said()
    assert "interrupted" in run.messages()[-1]
    assert left(engine, run.name()) == []
    assert run.processes() == []


def test_a_second_signal_does_not_disturb_the_removal(engine, verify):
    run = verify()
    run.wait_for("steady")
    run.signal(signal.SIGINT, group=True)
    run.wait_for("down")
    run.signal(signal.SIGINT, group=True)
    assert run.end() == 130, run.said()
    assert run.messages() == [
        "ending: removing what was started, a moment",
        "interrupted: the run was stopped and nothing was judged",
    ]
    assert left(engine, run.name()) == []
