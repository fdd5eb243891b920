"""Failed and slow requests, put down to a cause, an instance and a step."""

from dataclasses import replace

import pytest
from attributing import attributed, drafted, started
from loglines import balancer, edge, said, website, write
from synthetic import MS, START, SWAP_AT, S, clean, event

from harness.checks import near_misses, no_failed_request
from harness.model.outcome import Outcome
from harness.model.traffic import Traffic


def test_what_haproxy_had_no_server_for_is_put_down_to_it_and_dated_by_the_step(tmp_path):
    draft = drafted(tmp_path)
    # The synthetic swap stops website-1 from 2.4 s on.
    [step] = [step for step in draft.history().steps if step.verb == "stop"]
    begin = (step.begin_ns - START) / S
    seqs = draft.seqs("get-reused", begin + 0.03, begin + 0.1)
    draft.fail(seqs, Outcome.wrong_status, status=503)
    write(
        tmp_path,
        edges=[edge(seq, status=503) for seq in seqs],
        balancers=[balancer(seq, termination="SC--", server="<NOSRV>") for seq in seqs],
    )
    [one] = attributed(draft, tmp_path)
    assert (one.cause, one.component, one.instance) == ("no_server", "balancer", "")
    assert (one.failed, one.slow, one.swap, one.step) == (len(seqs), 0, 1, "stop website-1")
    assert one.examples == tuple(seqs)
    assert one.sentence.startswith(
        f"{len(seqs)} requests failed: HAProxy had no server that was up (SC), from "
    )
    assert one.sentence.endswith("ms after `stop website-1` began")
    assert "--swap drain" in one.remedy


def test_an_instance_is_named_by_the_address_that_haproxy_logged(tmp_path):
    draft = drafted(tmp_path)
    [seq] = draft.seqs("get-reused", SWAP_AT + 1, SWAP_AT + 1.2)[:1]
    draft.fail([seq], Outcome.wrong_status, status=502)
    draft.marks += [
        started("website-1", "10.0.0.4", -2),
        started("website-2", "10.0.0.5", SWAP_AT),
        # The address is given again later: whose it was then is nobody's fault now.
        started("website-3", "10.0.0.4", SWAP_AT + 3),
    ]
    write(
        tmp_path,
        edges=[edge(seq, status=502)],
        balancers=[
            balancer(seq, termination="SH--", address="10.0.0.4"),
            said(-1, "website/slot1: IP changed from '(none)' to '10.0.0.4' by 'DNS cache'."),
            said(SWAP_AT + 1.5, "Server website/slot1 is DOWN, reason: Layer4 timeout."),
        ],
    )
    [one] = attributed(draft, tmp_path)
    assert (one.cause, one.instance) == ("ended_before_answer", "website-1")
    assert "website-1 took the request and ended the connection" in one.sentence
    assert "before HAProxy marked it down" in one.sentence


def test_who_did_not_accept_is_named_by_what_haproxy_found_down_then(tmp_path):
    draft = drafted(tmp_path)
    seqs = draft.seqs("get-reused", SWAP_AT + 0.5, SWAP_AT + 0.6)
    draft.delay(seqs, 255)
    draft.marks += [
        started("website-1", "10.0.0.4", -2),
        started("website-2", "10.0.0.5", SWAP_AT + 0.2),
    ]
    write(
        tmp_path,
        edges=[edge(seq, request_s=0.254, response_s="0.254") for seq in seqs],
        balancers=[
            said(SWAP_AT + 0.3, "website/s2: IP changed from '(none)' to '10.0.0.5' by 'DNS'."),
            *(balancer(seq, retries=1, queue_ms=251, address="10.0.0.4") for seq in seqs),
            said(SWAP_AT + 0.9, "Server website/s2 is DOWN, reason: Layer4 timeout."),
        ],
        websites=[website(seq) for seq in seqs],
    )
    [one] = attributed(draft, tmp_path)
    assert (one.cause, one.component, one.instance) == ("sent_elsewhere", "website", "website-2")
    assert (one.failed, one.slow) == (0, len(seqs))
    assert f"{len(seqs)} requests were slow: HAProxy waited for website-2 to accept" in one.sentence


@pytest.mark.parametrize(
    ("text", "is_told"),
    [("reason: Layer4 timeout.", True), ("changed from CLI. 1 active server left.", False)],
)
def test_one_that_is_offered_begins_as_down_and_was_not_found_down(tmp_path, text, is_told):
    draft = drafted(tmp_path)
    [seq] = draft.seqs("get-reused", SWAP_AT + 0.5, SWAP_AT + 0.6)[:1]
    draft.fail([seq], Outcome.wrong_status, status=502)
    draft.marks.append(started("website-1", "10.0.0.4", -2))
    write(
        tmp_path,
        edges=[edge(seq, status=502)],
        balancers=[
            balancer(seq, termination="SH--", address="10.0.0.4"),
            said(SWAP_AT + 0.4, f"Server website/slot1 is DOWN, {text}"),
        ],
    )
    [one] = attributed(draft, tmp_path)
    assert (one.cause, one.instance) == ("ended_before_answer", "website-1")
    assert ("HAProxy had marked it down" in one.sentence) is is_told


def test_what_no_log_explains_is_said_to_be_unattributed(tmp_path):
    draft = drafted(tmp_path)
    [seq] = draft.seqs("get-reused", 5, 6)[:1]
    draft.fail([seq], Outcome.read_timeout)
    write(tmp_path, edges=[edge(seq, status=200)], balancers=[balancer(seq, termination="XX--")])
    draft.fail([seq], Outcome.malformed)
    [one] = attributed(draft, tmp_path)
    assert (one.cause, one.component, one.remedy) == ("unattributed", "", "")
    assert one.sentence == (
        "1 request failed: nothing in the logs says why (XX), before any step of a swap"
    )


def test_a_target_without_logs_has_no_attributions(tmp_path):
    draft = clean()
    draft.fail(draft.seqs("get-new")[:3], Outcome.refused)
    assert attributed(draft, tmp_path) == ()


def test_each_cause_and_step_is_one_entry_those_of_most_requests_first(tmp_path):
    draft = drafted(tmp_path)
    few, many = draft.seqs("get-new", 3, 9)[:2], draft.seqs("get-reused", 3, 9)[:5]
    draft.fail(few, Outcome.refused)
    draft.fail(many, Outcome.wrong_status, status=502)
    write(tmp_path, edges=[edge(seq, status=502) for seq in many], balancers=[balancer(1)])
    assert [(one.cause, one.failed) for one in attributed(draft, tmp_path)] == [
        ("balancer_away", 5), ("edge_refused", 2),
    ]  # fmt: skip


def test_what_failed_and_what_was_slow_by_one_cause_are_told_apart(tmp_path):
    draft = drafted(tmp_path)
    draft.marks += [event("pause edge", SWAP_AT + 0.5), event("unpause edge", SWAP_AT + 1.5)]
    slow = draft.seqs("get-reused", SWAP_AT + 0.5, SWAP_AT + 0.9)
    failed = draft.seqs("get-new", SWAP_AT + 0.6, SWAP_AT + 0.7)
    draft.delay(slow, 1_200)
    draft.fail(failed, Outcome.connect_timeout)
    write(tmp_path, edges=[edge(1)])
    history = replace(draft.history(), folder=tmp_path)
    assert [(one.cause, one.failed, one.slow) for one in history.attributions] == [
        ("edge_paused", 0, len(slow)), ("edge_paused", len(failed), 0),
    ]  # fmt: skip
    said = no_failed_request.check(history).message
    assert f"; cause: {len(failed)} requests failed: the engine had paused NGINX" in said


def test_of_very_many_an_even_choice_is_looked_at_and_scaled_up(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.analysis.attribution._MOST", 10)
    draft = drafted(tmp_path)
    seqs = draft.seqs("get-reused", 3, 9)[:95]
    draft.fail(seqs, Outcome.refused)
    write(tmp_path, edges=[edge(1)])
    [one] = attributed(draft, tmp_path)
    assert one.failed == 95


def test_near_misses_are_successes_that_only_a_second_try_saved(tmp_path):
    draft = drafted(tmp_path)
    saved, failed = draft.seqs("get-reused", 12, 12.1)[:4], draft.seqs("get-reused", 12.5, 12.6)[:1]
    draft.delay(saved, 53)
    draft.fail(failed, Outcome.wrong_status, status=503)
    write(
        tmp_path,
        edges=[edge(saved[0], upstream="a:1, b:1", response_s="0.1, 0.1")],
        balancers=[balancer(seq, retries=1) for seq in (*saved, *failed)],
    )
    found = replace(draft.history(), folder=tmp_path).near_misses
    assert (found.count, found.by_balancer, found.by_edge) == (4, 4, 1)
    assert found.examples == tuple(saved)
    usual_ms = (2 * MS + 3 * 500_000) / MS
    assert found.cost_ms == found.most_ms == 53 - usual_ms


def test_what_is_slow_on_purpose_does_not_tell_what_a_second_try_cost(tmp_path):
    draft = drafted(tmp_path)
    streams = draft.record.scenario.traffic.streams
    draft.scenario(traffic=Traffic(streams=tuple(replace(stream, slow=True) for stream in streams)))
    saved = draft.seqs("get-reused", 12, 12.1)[:4]
    write(tmp_path, balancers=[balancer(seq, retries=1) for seq in saved])
    history = replace(draft.history(), folder=tmp_path)
    found = history.near_misses
    assert (found.count, found.cost_ms, found.most_ms) == (4, None, None)
    assert ": 4 by HAProxy, 0 by NGINX (#" in near_misses.check(history).message


def test_without_a_second_try_there_is_no_near_miss(tmp_path):
    draft = drafted(tmp_path)
    assert replace(draft.history(), folder=tmp_path).near_misses.count == 0
