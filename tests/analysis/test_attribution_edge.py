"""What NGINX does as it is replaced, and what visitors say of its certificate: who is told."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from loglines import WALL, write
from synthetic import START, SWAP_AT, S, clean

from harness.analysis.edge_errors import read_finishing
from harness.analysis.facts import certificate_fault
from harness.model.outcome import Outcome
from harness.model.scenario import Clock

AT = SWAP_AT + 0.5
"""In seconds since the schedule began; WALL and START are a whole second."""
UNTIL = "2026-11-27 12:00:00 UTC"


def drafted():
    draft = clean()
    moments = (0, 30)
    clocks = tuple(Clock(monotonic_ns=START + n * S, wall_ns=WALL + n * S) for n in moments)
    draft.record = replace(draft.record, clocks=clocks)
    return draft


def said_by_nginx(folder, *lines):
    """At those seconds since the schedule began."""
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    text = "".join(
        f"{datetime.fromtimestamp((WALL + int(at_s) * S) / S, UTC):%Y/%m/%d %H:%M:%S} {what}\n"
        for at_s, what in lines
    )
    (folder / "logs" / "nginx-error.log").write_text(text)


def found(draft, folder, **logs):
    write(folder, **{"edges": ["{}"], **logs})
    return replace(draft.history(), folder=folder).attributions


def failing(outcome, *, reuse=0, at_s=AT):
    draft = drafted()
    [seq, *_] = draft.seqs("get-reused", at_s, at_s + 0.2)
    draft.fail([seq], outcome, reuse=reuse)
    return draft, seq


FINISHES = "[notice] 29#29: gracefully shutting down"


@pytest.mark.parametrize(
    ("outcome", "reuse", "cause"),
    [
        (Outcome.closed_on_reuse, 3, "edge_closed_idle"),
        (Outcome.reset, 3, "edge_closed_idle"),
        (Outcome.reset, 0, "edge_queue_lost"),
        (Outcome.closed_in_handshake, 0, "edge_queue_lost"),
        # What was read is cut by a worker that is killed, or lost otherwise.
        (Outcome.closed_before_answer, 0, "edge_broke"),
        (Outcome.truncated, 3, "edge_broke"),
        (Outcome.refused, 0, "edge_refused"),
    ],
)
def test_what_a_worker_that_finishes_loses_is_told_from_what_else_breaks(
    tmp_path, outcome, reuse, cause
):
    draft, seq = failing(outcome, reuse=reuse)
    said_by_nginx(tmp_path, (AT, FINISHES))
    [one] = found(draft, tmp_path)
    assert (one.cause, one.component, one.failed) == (cause, "edge", 1)
    assert one.examples == (seq,)


@pytest.mark.parametrize(
    ("told_at", "cause"),
    [(AT - 4, "edge_broke"), (AT - 1, "edge_closed_idle"), (AT + 2, "edge_broke")],
)
def test_only_what_fails_as_workers_finish_is_put_down_to_it(tmp_path, told_at, cause):
    draft, _ = failing(Outcome.closed_on_reuse, reuse=1)
    said_by_nginx(tmp_path, (told_at, FINISHES))
    assert [one.cause for one in found(draft, tmp_path)] == [cause]


def test_workers_say_once_a_second_that_they_finish_and_other_words_are_passed_over(tmp_path):
    lines = [
        (3, FINISHES),
        (1, FINISHES),
        (1, FINISHES.replace("29", "30")),
        (2, "[notice] 29#29: exiting"),
        (2, "[error] 29#29: *7 gracefully shutting down, client: 10.0.0.1"),
    ]
    said_by_nginx(tmp_path, *lines)
    with (tmp_path / "logs" / "nginx-error.log").open("ab") as file:
        file.write(b"\xff\n2026/13/45 03:04:05 [notice] 9#9: gracefully shutting down\n")
    assert read_finishing(tmp_path / "logs") == [WALL / S + 1, WALL / S + 3]
    assert list(read_finishing(tmp_path / "nowhere")) == []


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ("certificate verify failed: certificate has expired (_ssl.c:1006)", "certificate_expired"),
        ("certificate verify failed: certificate is not yet valid (_ssl.c:1)", "certificate_early"),
        (
            "certificate verify failed: Hostname mismatch, certificate is not valid for 'a.test'.",
            "certificate_misnamed",
        ),
        (
            "certificate verify failed: IP address mismatch, certificate is not valid for '::1'.",
            "certificate_misnamed",
        ),
        (
            "certificate verify failed: unable to get local issuer certificate",
            "certificate_unknown",
        ),
        ("certificate verify failed: self-signed certificate", "certificate_unknown"),
        ("certificate verify failed: EE certificate key too weak", "certificate_untrusted"),
        ("", "certificate_untrusted"),
    ],
)
def test_why_a_certificate_was_not_taken_is_said_by_what_the_visitor_s_tls_said(
    tmp_path, said, cause
):
    draft, seq = failing(Outcome.untrusted)
    if said:
        draft.details = {seq: f"[SSL: CERTIFICATE_VERIFY_FAILED] {said} while shaking hands"}
    draft.environment(certificate_until=UNTIL)
    [one] = found(draft, tmp_path)
    assert (one.cause, one.component) == (cause, "edge")
    assert (UNTIL in one.sentence) is (cause == "certificate_expired")


def test_until_when_an_expired_one_was_valid_may_not_be_known(tmp_path):
    draft, seq = failing(Outcome.untrusted)
    draft.details = {seq: "certificate has expired"}
    [one] = found(draft, tmp_path)
    assert "valid until a moment that is not known" in one.sentence


def test_words_that_name_no_known_fault_name_none():
    assert certificate_fault("CRL has expired") == {}
