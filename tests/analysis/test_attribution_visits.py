"""What became of a visit is put down to the exchange that failed, and not to those before it.

All lines of a visit carry its id, and each log's last one may be of an earlier exchange.
"""

from dataclasses import replace

import pytest
from loglines import WALL, balancer, edge, website, write
from synthetic import START, STREAMS, SWAP_AT, S, clean, event

from harness.model.mark import MarkKind
from harness.model.outcome import Outcome
from harness.model.scenario import Clock
from harness.model.visit import Visit, VisitKind

AT = SWAP_AT + 0.5
"""When its first exchange is over, in seconds since the schedule began; the others follow."""
LATER = AT + 1
TIMEOUT_S = 2.0
SESSION = Visit(kind=VisitKind.session, lasts_s=3.0)
TWO = (
    event("start website-1", 0, address="10.0.0.4"),
    event("start website-2", 0, address="10.0.0.5"),
)


def visited(outcome, status=0, *, ended=LATER, visit=SESSION):
    """A clean run in which one visit failed at that moment, and its seq."""
    draft = clean()
    draft.marks = [mark for mark in draft.marks if mark.kind is not MarkKind.event] + list(TWO)
    moments = (0, 1)
    draft.record = replace(
        draft.record,
        clocks=tuple(Clock(monotonic_ns=START + n * S, wall_ns=WALL + n * S) for n in moments),
    )
    visiting = [
        replace(each, visit=visit, timeout_s=TIMEOUT_S) if each.name == "slow" else each
        for each in STREAMS
    ]
    traffic = replace(draft.record.scenario.traffic, streams=tuple(visiting))
    draft.scenario(traffic=traffic)
    seq = draft.seqs("slow", SWAP_AT + 0.4)[0]
    draft.fail([seq], outcome, status=status, finished_ns=START + round(ended * S))
    return draft, seq


def exchange(seq, at_s, *, instance="website-1", **status):
    """The lines of one exchange, those of whom it came to: `edge`, `balancer`, `website`."""
    ended_s = WALL / S + at_s
    address = "10.0.0.4" if instance == "website-1" else "10.0.0.5"
    return {
        "edges": [edge(seq, at_s=ended_s, **status)],
        "balancers": [balancer(seq, at_s, address=address, **status)],
        "websites": [website(seq, at_ns=WALL + round(at_s * S), instance=instance, **status)],
    }


def and_then(first, **more):
    return {name: [*lines, *more.get(name, ())] for name, lines in first.items()}


def cause(draft, folder, **logs):
    write(folder, **logs)
    [one] = replace(draft.history(), folder=folder).attributions
    return one.cause, one.instance


def test_an_asset_that_nginx_answers_by_itself_is_not_put_down_to_who_gave_the_page(tmp_path):
    draft, seq = visited(Outcome.wrong_status, 404)
    asset = edge(seq, at_s=WALL / S + LATER, status=404, upstream="", response_s="")
    logs = and_then(exchange(seq, LATER - 0.001), edges=[asset])
    assert cause(draft, tmp_path, **logs) == ("edge_wrong", "")


def test_a_balancer_that_is_gone_is_not_put_down_to_who_answered_through_it_before(tmp_path):
    draft, seq = visited(Outcome.wrong_status, 502)
    line = edge(seq, at_s=WALL / S + LATER, status=502, upstream_status="502")
    assert cause(draft, tmp_path, **and_then(exchange(seq, AT), edges=[line])) == (
        "balancer_away", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("letters", "name"), [("SC--", "not_connected"), ("sC--", "connect_timeout")]
)
def test_who_did_not_accept_is_told_by_haproxys_line_whoever_answered_before(
    tmp_path, letters, name
):
    draft, seq = visited(Outcome.wrong_status, 503)
    logs = and_then(
        exchange(seq, AT, instance="website-2"),
        edges=[edge(seq, at_s=WALL / S + LATER, status=503)],
        balancers=[balancer(seq, LATER, status=503, termination=letters)],
    )
    assert cause(draft, tmp_path, **logs) == (name, "website-1")


def test_who_took_it_and_did_not_answer_is_not_who_had_answered_before(tmp_path):
    draft, seq = visited(Outcome.wrong_status, 502)
    logs = and_then(
        exchange(seq, AT, instance="website-2"),
        edges=[edge(seq, at_s=WALL / S + LATER, status=502)],
        balancers=[balancer(seq, LATER, status=502, termination="SH--")],
    )
    assert cause(draft, tmp_path, **logs) == ("ended_before_answer", "website-1")


@pytest.mark.parametrize(
    ("outcome", "name"),
    [
        (Outcome.answer_timeout, "edge_silent"),
        (Outcome.unfinished, "edge_silent"),
        (Outcome.connect_timeout, "edge_silent"),
        (Outcome.refused, "edge_refused"),
    ],
)
def test_what_the_edge_never_read_is_not_held_against_what_it_read_before(tmp_path, outcome, name):
    draft, seq = visited(outcome, ended=AT + TIMEOUT_S + 0.3)
    assert cause(draft, tmp_path, **exchange(seq, AT)) == (name, "")


def test_what_the_edge_answered_at_once_and_was_not_read_is_told_by_that_exchange(tmp_path):
    draft, seq = visited(Outcome.answer_timeout, ended=AT + TIMEOUT_S)
    assert cause(draft, tmp_path, **exchange(seq, AT + 0.1)) == ("not_read", "")


def test_an_exchange_that_the_website_did_not_answer_in_time_is_its_own(tmp_path):
    """The visit had lasted for long before; that was not outside of the edge."""
    draft, seq = visited(Outcome.answer_timeout, ended=AT + 1 + TIMEOUT_S)
    left_s = WALL / S + AT + 1 + TIMEOUT_S
    logs = and_then(
        exchange(seq, AT, instance="website-2"),
        edges=[edge(seq, at_s=left_s, status=499, request_s=TIMEOUT_S, response_s=str(TIMEOUT_S))],
        balancers=[balancer(seq, AT + 1 + TIMEOUT_S, termination="CH--", active_ms=2_000)],
    )
    assert cause(draft, tmp_path, **logs) == ("website_still", "website-1")


def test_the_lines_of_the_exchange_that_failed_all_count(tmp_path):
    draft, seq = visited(Outcome.wrong_status, 500)
    logs = and_then(
        exchange(seq, AT, instance="website-1"),
        **exchange(seq, LATER, instance="website-2", status=500),
    )
    assert cause(draft, tmp_path, **logs) == ("website_error", "website-2")


def test_a_request_that_is_no_visit_keeps_the_lines_that_it_has(tmp_path):
    """Whatever their dates are."""
    draft, seq = visited(Outcome.wrong_body, 200, visit=None)
    logs = and_then(exchange(seq, AT), edges=[edge(seq, at_s=WALL / S + LATER)])
    assert cause(draft, tmp_path, **logs) == ("website_wrong", "website-1")


def test_a_wrong_answer_is_no_stranger_s_where_the_log_of_an_instance_is_missing(tmp_path):
    draft, seq = visited(Outcome.wrong_body, 200, visit=None)
    logs = exchange(seq, LATER)
    assert cause(draft, tmp_path, **logs | {"websites": []}) == ("unattributed", "")
    (tmp_path / "logs" / "website-2.jsonl").touch()
    assert cause(draft, tmp_path, **logs | {"websites": []}) == ("not_the_website", "")


def test_a_conversation_that_ends_with_haproxy_is_put_down_to_it(tmp_path):
    talking = Visit(kind=VisitKind.websocket, lasts_s=3.0)
    draft, seq = visited(Outcome.truncated, 101, visit=talking)
    lasted = edge(seq, at_s=WALL / S + LATER, status=101, request_s=1.0, response_s="1.0")
    other = exchange(seq + 1, AT)
    assert cause(draft, tmp_path, **and_then(other, edges=[lasted])) == ("balancer_broke", "")


@pytest.mark.parametrize(
    ("paused_at", "name"),
    [(AT + 0.3, "website_error"), (AT + 1 + TIMEOUT_S - 0.2, "edge_paused")],
)
def test_a_pause_that_an_exchange_outlived_has_nothing_to_do_with_a_later_one(
    tmp_path, paused_at, name
):
    ended = AT + 1 + TIMEOUT_S
    draft, seq = visited(Outcome.wrong_status, 500, ended=ended)
    draft.marks += [event("pause edge", paused_at), event("unpause edge", paused_at + 0.1)]
    found, _ = cause(draft, tmp_path, **exchange(seq, ended, status=500))
    assert found == name
