"""What the parent's side of the child says and bears."""

import itertools
import sys
import time

import pytest
from driving import stream
from scripted import says, until_end, whole

from harness.model.errors import MissingEvidenceError
from harness.traffic import sender as parents_side
from harness.traffic.sender import ChildSender

OK = whole(b"hello")
PIPE_BYTES = 65_536
"""What Linux's pipes hold."""


def test_connections_that_the_server_closed_while_idle_are_counted_and_no_failure(drive):
    """Where the end of the stream ends the answer the server may close at once: none is idle."""
    closing = itertools.count()

    def answers_and_closes(peer):
        peer.send(OK if next(closing) else until_end())
        peer.close()

    it = drive(answers_and_closes, stream(rate_hz=20.0))
    rows = it.run(for_s=0.5)
    assert set(rows["outcome"]) == {"ok"}
    assert it.sender.sent().closed_idle > 0


def test_a_second_answer_to_a_request_is_told_though_each_request_had_a_right_one(drive):
    def answers_twice(peer):
        peer.send(OK)
        peer.pause(0.01)
        peer.send(OK)

    it = drive(answers_twice, stream(rate_hz=20.0))
    rows = it.run(for_s=0.5)
    assert set(rows["outcome"]) == {"ok"}
    sent = it.sender.sent()
    assert sent.unasked > 0
    assert "HTTP/1.1 200" in sent.unasked_text


def test_a_sender_that_never_started_closes_and_says_so():
    sender = ChildSender()
    sender.check()
    sender.close()
    assert sender.sent().start_ns == 0
    assert sender.sent().ended == "ended early"
    with pytest.raises(MissingEvidenceError, match="not started"):
        sender.go(1)


def test_a_brief_that_is_longer_than_a_pipe_holds_arrives(drive):
    it = drive(says(OK), stream(rate_hz=20.0, body="x" * 2 * PIPE_BYTES, method="POST"))
    assert set(it.run(for_s=0.2)["outcome"]) == {"ok"}


def test_a_child_that_never_reads_its_brief_is_not_waited_for_for_ever(
    drive, tmp_path, monkeypatch
):
    stuck = tmp_path / "stuck"
    stuck.write_text("#!/bin/sh\nexec sleep 60\n")
    stuck.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stuck))
    monkeypatch.setattr(parents_side, "_START_S", 0.3)
    monkeypatch.setattr(parents_side, "_GRACE_S", 0.1)
    it = drive(says(OK), stream(body="x" * 2 * PIPE_BYTES, method="POST"))
    began_s = time.monotonic()
    with pytest.raises(MissingEvidenceError, match=r"child process took no order for 0\.3 s"):
        it.start()
    assert time.monotonic() - began_s < 10
    it.sender.close()
    assert it.sender.sent().ended == "took no order for 0.3 s"
