from dataclasses import replace

import pytest
from loglines import balancer, write
from synthetic import clean

from harness.checks.near_misses import check
from harness.model.finding import Verdict


def found(folder, *, limit=-1, retried=0):
    draft = clean()
    draft.scenario(limits=replace(draft.record.scenario.limits, near_misses=limit))
    seqs = draft.seqs("get-reused", 12, 13)[:retried]
    write(folder, balancers=[balancer(seq, retries=1) for seq in seqs])
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
