"""Whose an object is: a dead run's is told from a living one's."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from harness.stack.owner import FOREIGN_AGE_S, LABEL, Owner, _started, is_abandoned

NOW = 2_000_000_000
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def labels_of(owner, age_s=10):
    return owner.labels("r1", NOW - age_s)


def dead_process():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_labels_name_the_run_and_lead_back_to_the_owner():
    owner = Owner.this_process()
    labels = owner.labels("r1", NOW)
    assert labels[LABEL] == "r1"
    assert all(isinstance(value, str) for value in labels.values())
    assert Owner.of(labels) == owner


def test_this_process_is_visible_and_alive():
    owner = Owner.this_process()
    assert owner.pid == os.getpid()
    assert owner.is_visible()
    assert owner.is_alive()


@pytest.mark.parametrize("everything", [True, False])
@pytest.mark.parametrize("age_s", [0, 10 * FOREIGN_AGE_S])
def test_what_a_living_owner_has_is_kept_at_any_age(age_s, everything):
    labels = labels_of(Owner.this_process(), age_s)
    assert not is_abandoned(labels, NOW, everything=everything)


def test_what_a_dead_owner_left_is_abandoned_at_once():
    owner = replace(Owner.this_process(), pid=dead_process())
    assert is_abandoned(labels_of(owner, 0), NOW)


@LINUX
def test_a_process_that_got_the_number_of_a_dead_owner_is_not_the_owner():
    owner = replace(Owner.this_process(), started="1")
    assert is_abandoned(labels_of(owner, 0), NOW)


@LINUX
def test_a_process_that_nobody_has_reaped_yet_is_dead():
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        started = _started(process.pid)
        owner = replace(Owner.this_process(), pid=process.pid, started=started)
        assert owner.is_alive()
        process.stdin.close()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not owner.is_alive()


@LINUX
def test_a_process_with_brackets_and_blanks_in_its_name_is_read_right(tmp_path):
    odd = tmp_path / "a) R (b"
    odd.symlink_to(sys.executable)
    code = "import sys; sys.stdout.write('.'); sys.stdout.flush(); sys.stdin.read()"
    with subprocess.Popen(
        [odd, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.read(1) == b"."
        started = _started(process.pid)
        assert int(started) > int(Owner.this_process().started)


@pytest.mark.parametrize("change", [{"boot": "another"}, {"namespace": "pid:[1]"}])
def test_what_cannot_be_seen_into_is_kept_for_a_day_unless_asked_for(change):
    labels = labels_of(replace(Owner.this_process(), **change), FOREIGN_AGE_S)
    assert not is_abandoned(labels, NOW)
    assert is_abandoned(labels, NOW + 1)
    assert is_abandoned(labels, NOW, everything=True)


@pytest.mark.parametrize("damage", [{f"{LABEL}.created": "?"}, {f"{LABEL}.created": ""}])
def test_a_foreign_object_without_a_readable_age_is_old(damage):
    labels = labels_of(replace(Owner.this_process(), boot="another")) | damage
    assert is_abandoned(labels, NOW)


def test_labels_that_were_damaged_name_no_living_owner():
    assert is_abandoned({LABEL: "r1", f"{LABEL}.pid": "x"}, NOW)
    assert is_abandoned(labels_of(Owner.this_process()) | {f"{LABEL}.pid": "-1"}, NOW)


def test_without_proc_the_number_alone_must_do():
    owner = replace(Owner.this_process(), started="")
    assert owner.is_alive()
    assert not replace(owner, pid=dead_process()).is_alive()
