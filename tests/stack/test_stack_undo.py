"""What was made is undone in reverse, each step whatever became of the others."""

import pytest
from fake_engine import api_error

from harness.stack.undo import Undo


def test_the_last_is_undone_first_and_an_error_stops_none_of_the_others():
    done = []

    def fails(text):
        done.append(text)
        raise OSError(text)

    undo = Undo()
    undo.add(lambda: done.append("network"))
    undo.add(lambda: fails("second"))
    undo.add(lambda: fails("first"))
    with pytest.raises(OSError, match="first"):
        undo.run()
    assert done == ["first", "second", "network"]
    undo.run()
    assert len(done) == 3, "it is idempotent"


def test_what_is_gone_already_is_success():
    def gone():
        raise api_error(404, "No such container")

    undo = Undo()
    undo.add(gone)
    undo.run()


def test_what_ctrl_c_stopped_half_way_is_tried_once_more():
    tries = []

    def interrupted():
        tries.append("")
        if len(tries) == 1:
            raise KeyboardInterrupt

    undo = Undo()
    undo.add(interrupted)
    with pytest.raises(KeyboardInterrupt):
        undo.run()
    assert len(tries) == 2
