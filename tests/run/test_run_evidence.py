"""Evidence that is missing is never a pass: what the sender lost, doubled, or could not tell."""

import pytest
from fakes.trouble import Point
from rig import Rig, finding

from harness.model.errors import MissingEvidenceError, NotJudgedError
from harness.model.finding import Verdict
from harness.model.outcome import Outcome
from harness.model.row import PROBE_STREAM
from harness.swap.strategy import on_stage


def test_one_failed_request_is_a_fail(rig: Rig):
    def spoil(samples):
        bad = samples[1000]._replace(
            outcome=Outcome.reset, status=0, bytes=0, release="", instance=""
        )
        return [*samples[:1000], bad, *samples[1001:]]

    rig.sender.spoil = spoil
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    found = finding(judged, "no_failed_request")
    assert found.message.startswith("1 of 2,337 requests failed in swap 1")
    assert "#1000" in found.message
    assert judged.result.requests.failed == 1
    assert judged.result.drop_bound is None


def test_a_row_that_was_lost_is_inconclusive(rig: Rig):
    rig.sender.spoil = lambda samples: samples[:300] + samples[301:]
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive
    assert "1 request without a sample (#300)" in finding(judged, "recorded").message
    assert judged.result.requests.unknown == 1


def test_a_row_that_was_doubled_is_inconclusive(rig: Rig):
    rig.sender.spoil = lambda samples: [*samples, samples[300]]
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive
    assert "1 request with several samples (#300)" in finding(judged, "recorded").message
    assert judged.result.requests.ok == 2_337


def test_a_request_that_nobody_planned_is_inconclusive(rig: Rig):
    rig.sender.spoil = lambda samples: [*samples, samples[-1]._replace(seq=99_999)]
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive
    assert "1 request that nobody planned (#99999)" in finding(judged, "recorded").message


def test_a_request_that_was_not_sent_is_inconclusive_and_not_blamed_on_the_target(rig: Rig):
    def spoil(samples):
        bad = samples[1000]._replace(
            outcome=Outcome.not_sent, sent_ns=0, first_byte_ns=0, finished_ns=0, status=0,
            release="", instance="",
        )  # fmt: skip
        return [*samples[:1000], bad, *samples[1001:]]

    rig.sender.spoil = spoil
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive
    assert judged.result.requests.failed == 0


def test_a_damaged_row_is_inconclusive_and_its_log_is_kept(rig: Rig):
    rig.execute()
    log = rig.folder / "requests.bin"
    data = bytearray(log.read_bytes())
    data[64 * 100 + 20] ^= 0xFF
    log.write_bytes(data)
    judged = rig.judge()
    assert judged.result.verdict is Verdict.inconclusive
    assert "1 damaged row" in finding(judged, "recorded").message
    assert log.exists()


def test_a_log_that_is_empty_is_inconclusive(rig: Rig):
    rig.sender.spoil = lambda _: []
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive


def test_a_log_that_is_gone_is_inconclusive(rig: Rig):
    rig.execute()
    (rig.folder / "requests.bin").unlink()
    assert rig.judge().result.verdict is Verdict.inconclusive


def test_an_error_that_the_sender_owns_up_to_is_inconclusive(rig: Rig):
    rig.sender.errors = ("recorder: 3 samples were lost",)
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive
    assert "recorder: 3 samples were lost" in judged.explanation()


@pytest.mark.parametrize("phase", ["warmup", "steady"])
def test_a_sender_that_died_is_inconclusive_and_no_swap_is_made(rig: Rig, phase: str):
    death = MissingEvidenceError("sender: the child process died (killed by signal 9)")
    rig.trouble.plan(Point(phase, "sender.check", "before"), death)
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive
    assert "killed by signal 9" in judged.explanation()
    assert rig.target.moves == []
    assert rig.record()["sent"]["ended"] == "ended early"


def test_a_sender_that_died_does_not_take_back_a_failure_that_was_seen(rig: Rig):
    def spoil(samples):
        bad = samples[20]._replace(outcome=Outcome.refused, status=0, release="", instance="")
        return [*samples[:20], bad, *samples[21:]]

    rig.sender.spoil = spoil
    death = MissingEvidenceError("sender: the child process died (killed by signal 9)")
    rig.trouble.plan(Point("after 1", "sender.finish", "before"), death)
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    assert "killed by signal 9" in judged.explanation()


def test_a_write_that_was_acknowledged_and_is_not_in_the_store_is_a_fail(rig: Rig):
    rig.target.apply = lambda operation: None
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    assert "not in the store" in finding(judged, "writes").message


def test_a_store_that_cannot_be_read_is_inconclusive(rig: Rig):
    error = MissingEvidenceError("store: Redis did not answer")
    rig.trouble.plan(Point("down", "target.operations", "before"), error)
    judged = rig.run()
    assert finding(judged, "writes").verdict is Verdict.inconclusive
    assert judged.result.verdict is Verdict.inconclusive


def test_a_wrong_answer_to_a_probe_is_no_failure_of_the_run(rig: Rig):
    judged = rig.run()
    assert judged.result.verdict is Verdict.passed
    assert rig.record()["sent"]["probes"] == 2

    def probes(samples):
        return [sample for sample in samples if sample.stream == PROBE_STREAM]

    assert probes(rig.sender._probes)[0].outcome is Outcome.refused


def test_a_target_that_cannot_replace_a_release_is_refused_before_anything_starts(rig: Rig):
    class OnlyATarget:
        name = "a URL"

        def up(self, timeline):
            return rig.target.up(timeline)

        def down(self):
            rig.target.down()

    with pytest.raises(NotJudgedError, match="a URL cannot replace a release"):
        on_stage(rig.swap, OnlyATarget())


def test_judging_twice_says_the_same(rig: Rig):
    first = rig.run()
    again = rig.judge()
    assert again.result == first.result
