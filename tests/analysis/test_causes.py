"""The table of causes, and the facts that it rests on."""

import string

import pytest

from harness.analysis.causes import cause_of, causes
from harness.analysis.facts import facts, parts_ms
from harness.analysis.loglines import BalancerLine, EdgeLine, WebsiteLine
from harness.analysis.logs import Logs
from harness.model.outcome import Outcome

MS = 1_000_000
ALL = frozenset({"edge", "balancer", "website"})


def edge(**changes):
    line = {
        "status": 200, "request_ms": 3.0, "response_ms": 2.0, "tries": 1,
        "upstream_status": "200", "completion": "OK",
    }  # fmt: skip
    return EdgeLine(**line | changes)


def balancer(**changes):
    line = {
        "status": 200, "server": "slot1", "address": "10.0.0.4", "termination": "--",
        "queue_ms": 0, "connect_ms": 0, "response_ms": 2, "active_ms": 2, "retries": 0,
    }  # fmt: skip
    return BalancerLine(**line | changes)


def website(**changes):
    return WebsiteLine(**{"instance": "website-1", "status": 200, "duration_ms": 1.0} | changes)


def row(outcome="ok", status=200, latency_ms=5.0, late_ms=0.1, cache="untold", reuse=0):
    return {
        "seq": 1, "outcome": outcome, "status": status, "cache": cache, "reuse": reuse,
        "due_ns": 1_000 * MS,
        "sent_ns": int((1_000 + late_ms) * MS), "finished_ns": int((1_000 + latency_ms) * MS),
    }  # fmt: skip


def told(request, *, is_slow=False, known=ALL, reload_failed=False, **lines):
    """The name of the cause of a request with those lines."""
    logs = Logs(
        known=known,
        reload_failed=reload_failed,
        **{name: {1: line} for name, line in lines.items()},
    )
    cause = cause_of(facts(request, logs, is_slow=is_slow))
    return cause.name if cause else None


@pytest.mark.parametrize(
    ("name", "request_", "lines"),
    [
        (
            "no_server",
            row("wrong_status", 503),
            {"edge": edge(status=503), "balancer": balancer(termination="SC", server="<NOSRV>")},
        ),
        (
            "not_connected",
            row("wrong_status", 503),
            {"edge": edge(status=503), "balancer": balancer(termination="SC", retries=3)},
        ),
        ("connect_timeout", row("wrong_status", 503), {"balancer": balancer(termination="sC")}),
        ("queue_timeout", row("wrong_status", 503), {"balancer": balancer(termination="sQ")}),
        ("ended_before_answer", row("wrong_status", 502), {"balancer": balancer(termination="SH")}),
        ("cut_in_mid_answer", row("truncated"), {"balancer": balancer(termination="SD")}),
        ("answer_timeout", row("wrong_status", 504), {"balancer": balancer(termination="sH")}),
        ("bad_answer", row("wrong_status", 502), {"balancer": balancer(termination="PH")}),
        ("killed", row("truncated"), {"balancer": balancer(termination="KD")}),
        (
            "website_error",
            row("wrong_status", 503),
            {"edge": edge(status=503), "balancer": balancer(), "website": website(status=503)},
        ),
        ("website_wrong", row("wrong_body"), {"balancer": balancer(), "website": website()}),
        ("not_the_website", row("wrong_body"), {"edge": edge(), "balancer": balancer()}),
        ("conversation_cut", row("truncated", 101), {"balancer": balancer(status=101)}),
        ("conversation_cut", row("reset", 101), {"balancer": balancer(), "website": website()}),
        ("balancer_away", row("wrong_status", 502), {"edge": edge(status=502)}),
        # The website was done with it; what came between it and its visitor is to blame.
        (
            "balancer_away",
            row("wrong_status", 502),
            {"edge": edge(status=502), "website": website(status=200)},
        ),
        ("balancer_broke", row("truncated"), {"edge": edge()}),
        ("balancer_broke", row("reset", 101), {"edge": edge(status=101), "website": website()}),
        ("edge_wrong", row("wrong_status", 404), {"edge": edge(status=404, tries=0)}),
        ("copy_wrong", row("wrong_body", cache="hit"), {"edge": edge(tries=0)}),
        ("edge_wrong", row("wrong_body", cache="miss"), {"edge": edge(tries=0)}),
        ("edge_leaving", row("refused_stream", 0), {}),
        ("edge_refused", row("refused", 0), {}),
        ("edge_silent", row("connect_timeout", 0), {}),
        ("edge_broke", row("reset", 0), {}),
        ("certificate_untrusted", row("untrusted", 0), {}),
        ("balancer_still", row("answer_timeout", 0), {"edge": edge(status=499)}),
        (
            "website_still",
            row("answer_timeout", 0),
            {"edge": edge(status=499), "balancer": balancer(termination="CH")},
        ),
        # On a starved machine: both proxies were done with it long before it was given up.
        (
            "not_read",
            row("answer_timeout", 0, latency_ms=5_000),
            {"edge": edge(), "balancer": balancer(), "website": website()},
        ),
        ("not_read", row("unfinished", 0, latency_ms=5_000), {"edge": edge(request_ms=2_400.0)}),
        ("balancer_still", row("unfinished", 0, latency_ms=5_000), {"edge": edge(request_ms=2600)}),
        ("balancer_still", row("answer_timeout", 0, latency_ms=5_000), {"edge": edge(status=499)}),
        ("not_sent", row("not_sent", 0), {}),
    ],
)  # fmt: skip
def test_a_failed_request_has_the_cause_that_its_lines_tell(name, request_, lines):
    assert told(request_, **lines) == name


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "sent_elsewhere",
            {
                "edge": edge(request_ms=255, response_ms=254),
                "balancer": balancer(queue_ms=251, retries=1),
                "website": website(),
            },
        ),
        (
            "queued",
            {"edge": edge(request_ms=255, response_ms=254), "balancer": balancer(queue_ms=251)},
        ),
        (
            "slow_to_accept",
            {"edge": edge(request_ms=255, response_ms=254), "balancer": balancer(connect_ms=251)},
        ),
        (
            "website_slow",
            {
                "edge": edge(request_ms=255, response_ms=254),
                "balancer": balancer(response_ms=253),
                "website": website(duration_ms=250),
            },
        ),
        (
            "website_busy",
            {
                "edge": edge(request_ms=255, response_ms=254),
                "balancer": balancer(response_ms=253),
                "website": website(duration_ms=1),
            },
        ),
        (
            "balancer_slow",
            {
                "edge": edge(request_ms=255, response_ms=254),
                "balancer": balancer(),
                "website": website(),
            },
        ),
        ("edge_slow", {"edge": edge(request_ms=255, response_ms=1), "balancer": balancer()}),
        ("before_edge", {"edge": edge(), "balancer": balancer(), "website": website()}),
    ],
)
def test_a_slow_request_has_the_cause_where_most_of_its_time_went(name, lines):
    assert told(row(latency_ms=258.0), is_slow=True, **lines) == name


def test_a_request_that_was_sent_late_is_the_senders():
    late = row(latency_ms=258.0, late_ms=250.0)
    assert told(late, is_slow=True, edge=edge(), balancer=balancer()) == "sender_late"


def test_the_parts_of_a_requests_time_add_up_to_it():
    parts = parts_ms(
        row(latency_ms=260.0, late_ms=2.0),
        edge(request_ms=255, response_ms=250),
        balancer(queue_ms=100, connect_ms=20, response_ms=90),
        website(duration_ms=60, store_ms=15),
    )
    assert parts == pytest.approx(
        {
            "sender": 2, "before_edge": 3, "edge": 5, "balancer": 40, "queue": 100,
            "connect": 20, "website": 45, "store": 15, "before_website": 30,
        }
    )  # fmt: skip
    assert sum(parts.values()) == pytest.approx(260)


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        (row("truncated"), balancer()),
        (row("closed_before_answer", 101), balancer()),
        (row("wrong_body"), balancer(termination="LR")),
        (row("wrong_body"), balancer(server="<NOSRV>")),
    ],
)
def test_neither_a_stranger_nor_a_cut_conversation_is_seen_where_there_is_none(request_, line):
    assert told(request_, balancer=line) not in {"not_the_website", "conversation_cut"}


def test_a_wrong_status_is_the_websites_where_it_is_its_own():
    lines = {"edge": edge(), "balancer": balancer()}
    assert told(row("wrong_status", 404), **lines, website=website(status=404)) == "website_wrong"
    assert told(row("wrong_status", 413), **lines, website=website(status=404)) is None


def test_the_balancer_broke_nothing_that_nginx_answers_itself():
    assert told(row("truncated"), edge=edge(tries=0)) is None
    assert told(row("truncated"), edge=edge(), balancer=balancer()) is None


def test_without_the_website_s_log_nobody_is_taken_for_a_stranger():
    known = frozenset({"edge", "balancer"})
    assert told(row("wrong_body"), known=known, balancer=balancer()) is None


def test_of_a_log_that_was_not_kept_nothing_is_concluded():
    """That the edge has no line tells something only where the edge keeps a log."""
    assert told(row("refused", 0), known=frozenset()) is None
    assert told(row(latency_ms=300), is_slow=True, known=frozenset()) is None


def test_every_failing_outcome_without_any_line_has_a_cause_where_all_logs_are_kept():
    certain = {Outcome.ok, Outcome.wrong_status, Outcome.wrong_body, Outcome.wrong_header}
    certain |= {Outcome.rejected}
    # In mid-answer, the edge has sent something and so has, or will have, a line.
    late = {Outcome.read_timeout}
    for outcome in set(Outcome) - certain - late:
        assert told(row(outcome.name, 0)), outcome


def test_each_cause_can_be_said_and_names_what_to_change():
    names = [cause.name for cause in causes()]
    assert len(set(names)) == len(names)
    known = {"instance", "server", "status", "termination", "retries", "until"}
    for cause in causes():
        fields = {field for _, field, _, _ in string.Formatter().parse(cause.says) if field}
        assert fields <= known
        assert cause.remedy
        assert cause.component in {"edge", "balancer", "website", "store", "sender"}
        assert cause.when


@pytest.mark.parametrize("server", ["<NOSRV>", "website-1"])
def test_a_reload_that_failed_is_why_nobody_was_there(server):
    line = balancer(termination="SC", server=server)
    assert told(row("wrong_status", 503), balancer=line, reload_failed=True) == "reload_failed"
    assert told(row("wrong_status", 503), balancer=line) != "reload_failed"
    cut = balancer(termination="SD", server=server)
    assert told(row("truncated"), balancer=cut, reload_failed=True) == "cut_in_mid_answer"
