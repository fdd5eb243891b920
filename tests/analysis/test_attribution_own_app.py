"""An app that is not the sample website logs nothing that we know how to read: what is said of it
rests on the proxies' logs, and where those do not tell, nothing is said.
"""

import pytest
from attributing import attributed, drafted, started
from loglines import balancer, edge, write
from synthetic import SWAP_AT

from harness.model.outcome import Outcome

UNLOGGED = {"website_logs": False}


def own(tmp_path, environment=UNLOGGED, **lines):
    """The first request of a swap, failed or slow, and no log of the website's."""
    draft = drafted(tmp_path)
    draft.environment(**environment)
    draft.marks += [started("website-1", "10.0.0.4", -2), started("website-2", "10.0.0.5", SWAP_AT)]
    [seq] = draft.seqs("get-reused", SWAP_AT + 1, SWAP_AT + 1.2)[:1]
    write(
        tmp_path,
        edges=[edge(seq, **lines.get("edge", {}))],
        balancers=[balancer(seq, address="10.0.0.5", **lines.get("balancer", {}))],
    )
    (tmp_path / "logs" / "website-1.jsonl").unlink()
    return draft, seq


def causes(draft, folder):
    return [(one.cause, one.component, one.instance) for one in attributed(draft, folder)]


def test_a_status_that_haproxy_passed_on_is_the_apps(tmp_path):
    draft, seq = own(tmp_path, edge={"status": 500}, balancer={"status": 500})
    draft.fail([seq], Outcome.wrong_status, status=500)
    [one] = attributed(draft, tmp_path)
    assert (one.cause, one.component, one.instance) == ("app_error", "website", "website-2")
    assert "website-2 answered 500, as HAProxy saw it" in one.sentence


@pytest.mark.parametrize(
    ("outcome", "status"), [(Outcome.wrong_status, 404), (Outcome.wrong_body, 200)]
)
def test_another_answer_than_expected_is_the_apps_too(tmp_path, outcome, status):
    draft, seq = own(tmp_path, edge={"status": status}, balancer={"status": status})
    draft.fail([seq], outcome, status=status)
    assert causes(draft, tmp_path) == [("app_wrong", "website", "website-2")]


def test_a_status_that_nginx_made_of_a_good_answer_is_not_the_apps(tmp_path):
    draft, seq = own(tmp_path, edge={"status": 502}, balancer={"status": 200})
    draft.fail([seq], Outcome.wrong_status, status=502)
    assert causes(draft, tmp_path) == [("unattributed", "", "")]


def test_what_broke_is_told_by_haproxys_own_letters_as_ever(tmp_path):
    draft, seq = own(tmp_path, edge={"status": 502}, balancer={"status": 502, "termination": "SH"})
    draft.fail([seq], Outcome.wrong_status, status=502)
    assert causes(draft, tmp_path) == [("ended_before_answer", "website", "website-2")]


def test_a_slow_answer_is_waited_for_and_nothing_is_said_of_the_apps_own_clock(tmp_path):
    draft, seq = own(
        tmp_path,
        edge={"request_s": 0.9, "response_s": "0.900"},
        balancer={"response_ms": 899, "active_ms": 900},
    )
    draft.delay([seq], 905)
    [one] = attributed(draft, tmp_path)
    assert (one.cause, one.instance) == ("app_slow", "website-2")
    assert "HAProxy waited for website-2 to answer" in one.sentence


@pytest.mark.parametrize("environment", [{}, {"website_logs": True}, {"website_logs": "no"}])
def test_of_the_sample_website_without_its_logs_nothing_of_that_is_said(tmp_path, environment):
    draft, seq = own(tmp_path, environment, edge={"status": 500}, balancer={"status": 500})
    draft.fail([seq], Outcome.wrong_status, status=500)
    assert causes(draft, tmp_path) == [("unattributed", "", "")]
