from dataclasses import replace

import pytest
from loglines import balancer, edge, write
from synthetic import clean

from harness.checks.near_misses import check
from harness.model.finding import Verdict
from harness.model.outcome import Outcome


def found(folder, *, limit=-1, retried=0):
    draft = clean()
    draft.scenario(limits=replace(draft.record.scenario.limits, near_misses=limit))
    seqs = draft.seqs("get-reused", 12, 13)[:retried]
    tried = [balancer(seq, retries=1) for seq in seqs]
    write(folder, edges=[edge(9_999)], balancers=[balancer(9_999), *tried])
    return check(replace(draft.history(), folder=folder))


def test_none_pass(tmp_path):
    finding = found(tmp_path, limit=0)
    assert (finding.verdict, finding.message) == (
        Verdict.passed, "no request was tried again by a proxy",
    )  # fmt: skip


def test_without_a_limit_they_are_told_and_pass(tmp_path):
    finding = found(tmp_path, retried=3)
    assert finding.verdict is Verdict.passed
    assert finding.message.startswith(
        "3 requests succeeded only because a proxy tried again: 3 by HAProxy, 0 by NGINX; it cost"
    )
    assert finding.evidence["count"] == 3


@pytest.mark.parametrize(("limit", "verdict"), [(3, Verdict.passed), (2, Verdict.failed)])
def test_what_the_client_asked_again_is_one_of_them(tmp_path, limit, verdict):
    draft = clean()
    draft.scenario(limits=replace(draft.record.scenario.limits, near_misses=limit))
    first, second, third, failed = draft.seqs("get-reused", 12, 13)[:4]
    draft.set([first, second, failed], again=1)
    draft.fail([failed], Outcome.refused_stream)
    tried = [balancer(seq, retries=1) for seq in (second, third)]
    write(tmp_path, edges=[edge(9_999)], balancers=[balancer(9_999), *tried])
    finding = check(replace(draft.history(), folder=tmp_path))
    assert finding.verdict is verdict
    assert finding.message.startswith("3 requests succeeded only because a proxy or the client")
    assert ": 2 by HAProxy, 0 by NGINX, 2 by the client, as NGINX had not" in finding.message
    assert finding.evidence["examples"] == (first, second, third)


@pytest.mark.parametrize(("limit", "verdict"), [(3, Verdict.passed), (2, Verdict.failed)])
def test_above_the_limit_they_fail(tmp_path, limit, verdict):
    finding = found(tmp_path, limit=limit, retried=3)
    assert finding.verdict is verdict
    assert f"tried again, allowed {limit}: 3 by HAProxy" in finding.message


@pytest.mark.parametrize(("limit", "verdict"), [(-1, Verdict.passed), (0, Verdict.inconclusive)])
def test_without_logs_it_is_not_known(tmp_path, limit, verdict):
    draft = clean()
    draft.scenario(limits=replace(draft.record.scenario.limits, near_misses=limit))
    finding = check(replace(draft.history(), folder=tmp_path))
    assert (finding.verdict, finding.message) == (
        verdict, "no log of a proxy tells whether it tried again",
    )  # fmt: skip


def lose_the_balancers_log(logs):
    (logs / "haproxy.log").unlink()


def empty_the_balancers_log(logs):
    (logs / "haproxy.log").write_text("")


def lose_the_edges_log(logs):
    (logs / "nginx.jsonl").unlink()


def gather_not_all(logs):
    (logs / "gathering-errors.txt").write_text("log volume: 'haproxy.log': no space\n")


def cut_a_line(logs):
    with (logs / "haproxy.log").open("a") as log:
        log.write(balancer(50, retries=1)[:-40])


def cut_a_line_before_it_tells(logs):
    with (logs / "nginx.jsonl").open("a") as log:
        log.write(edge(50, upstream="a:1, b:1").partition('"upstream"')[0])


LACKING = {
    lose_the_balancers_log: "HAProxy left no log",
    empty_the_balancers_log: "HAProxy left no log",
    lose_the_edges_log: "NGINX left no log",
    gather_not_all: "logs could not be gathered (log volume: 'haproxy.log': no space)",
    cut_a_line: "1 line of logs could not be read",
    cut_a_line_before_it_tells: "1 line of logs could not be read",
}


@pytest.mark.parametrize("lose", LACKING, ids=[lose.__name__ for lose in LACKING])
@pytest.mark.parametrize(("limit", "verdict"), [(-1, Verdict.passed), (0, Verdict.inconclusive)])
def test_of_logs_that_are_not_whole_a_limit_leaves_no_pass(tmp_path, lose, limit, verdict):
    found(tmp_path)
    lose(tmp_path / "logs")
    draft = clean()
    draft.scenario(limits=replace(draft.record.scenario.limits, near_misses=limit))
    finding = check(replace(draft.history(), folder=tmp_path))
    assert (finding.verdict, finding.message) == (
        verdict, f"no request was tried again by a proxy, as far as is known: {LACKING[lose]}",
    )  # fmt: skip


def test_above_the_limit_they_fail_though_logs_are_not_whole(tmp_path):
    found(tmp_path, retried=3)
    lose_the_edges_log(tmp_path / "logs")
    draft = clean()
    draft.scenario(limits=replace(draft.record.scenario.limits, near_misses=2))
    finding = check(replace(draft.history(), folder=tmp_path))
    assert finding.verdict is Verdict.failed
    assert finding.message.endswith("as far as is known: NGINX left no log")
