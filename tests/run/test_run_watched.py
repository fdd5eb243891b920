"""New instances watched on fakes: what a balancer's counts make of a swap, and of the verdict."""

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from fakes.target import FakeStage
from rig import Rig, finding, judgements, serving_last, steps

from harness.model.finding import Verdict
from harness.target import Counted, Instance


def counting(rig: Rig, bad: Counted) -> None:
    """What v2 is counted to do; v1 does well."""

    def counts(instances: Sequence[Instance], look: int) -> Counted:
        if instances[0].release == "v2":
            return bad
        return Counted(sent=1000 * look, answered=1000 * look, mean_ms=5.0)

    rig.target.counts = counts


def test_a_pool_that_does_badly_after_the_switch_is_switched_back(tmp_path: Path):
    rig = Rig(tmp_path / "run", swap="blue-green", replicas=2)
    counting(rig, Counted(sent=9, answered=9, errors=2))
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    message = finding(judged, "swap_completed").message
    assert "release v2: rolled back at 100 % of the requests" in message
    assert judgements(rig) == ["judged 100%: back"]
    assert serving_last(rig) == ["v1", "v1"]
    assert steps(rig)[9:] == [
        "switch v2", "switch v1",
        "drain website-3", "drain website-4", "stop website-3", "stop website-4",
    ]  # fmt: skip


@pytest.mark.parametrize("swap", ["drain", "rolling"])
@pytest.mark.parametrize(
    "counted",
    [
        Counted(sent=9, answered=9, errors=2),
        Counted(sent=9, broken=3),
        Counted(sent=9, answered=9, down=1),
        Counted(sent=99, answered=2),
    ],
)
def test_what_breaks_after_it_was_ready_is_seen_before_the_first_old_one_is_let_go_of(
    tmp_path: Path, swap: str, counted: Counted
):
    rig = Rig(tmp_path / "run", swap=swap, replicas=2)
    counting(rig, counted)
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed, judged.explanation()
    share = {"drain": 50, "rolling": 33}[swap]
    message = finding(judged, "swap_completed").message
    assert "release v2: rolled back" in message
    assert f"at {share} % of the requests" in message
    assert judgements(rig) == [f"judged {share}%: back"]
    touched = [name for name in steps(rig) if re.fullmatch("(drain|stop) website-[12]", name)]
    assert touched == []
    assert steps(rig)[-1] == {"drain": "stop website-4", "rolling": "stop website-3"}[swap]
    assert serving_last(rig) == ["v1", "v1"]
    assert judged.result.requests.failed == 0


def test_a_rolling_release_that_breaks_in_the_second_batch_is_replaced_back(tmp_path: Path):
    rig = Rig(tmp_path / "run", swap="rolling", replicas=2)

    def counts(instances: Sequence[Instance], _: int) -> Counted:
        is_second = len(instances) == 2 and instances[0].release == "v2"
        return Counted(sent=100, answered=100, broken=5 if is_second else 0, mean_ms=5.0)

    rig.target.counts = counts
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    assert judgements(rig) == ["judged 33%: go on", "judged 50%: go on", "judged 67%: back"]
    assert serving_last(rig) == ["v1", "v1"]
    assert judged.result.requests.failed == 0


def counting_since(rig: Rig, old: Counted, new: Callable[[float], Counted]) -> None:
    """What v2 is counted to have done so many seconds after it was first looked at; v1 does what it
    always did.
    """
    begun_ns: list[int] = []

    def counts(instances: Sequence[Instance], _: int) -> Counted:
        if not instances or instances[0].release != "v2":
            return old
        begun_ns.append(rig.clock.now_ns())
        return new((begun_ns[-1] - begun_ns[0]) / 1e9)

    rig.target.counts = counts


@pytest.mark.parametrize("swap", ["drain", "rolling"])
def test_a_website_that_is_as_slow_as_before_is_not_to_blame_for_what_it_has_not_answered_yet(
    tmp_path: Path, swap: str
):
    """Both releases take 2 s, at 50 requests a second."""
    rig = Rig(tmp_path / "run", swap=swap)
    counting_since(
        rig,
        Counted(sent=10_000, answered=9_900, mean_ms=2000.0),
        lambda s: Counted(sent=int(50 * s), answered=int(50 * max(0.0, s - 2)), mean_ms=2000.0),
    )
    judged = rig.run()
    assert judged.result.verdict is Verdict.passed, judged.explanation()
    assert judgements(rig) == ["judged 50%: go on", "judged 100%: go on"]


def standstill(s: float) -> Counted:
    """Of one second, then 5 ms an answer, at 100 requests a second."""
    sent = int(100 * s)
    held = min(sent, 100)
    answered = sent if s >= 1 else 0
    mean_ms = (500.0 * held + 5.0 * (answered - held)) / answered if answered else 0.0
    return Counted(sent=sent, answered=answered, mean_ms=mean_ms)


@pytest.mark.parametrize("swap", ["drain", "rolling", "blue-green", "canary"])
def test_a_moments_standstill_of_a_new_instance_takes_nobody_back(tmp_path: Path, swap: str):
    rig = Rig(tmp_path / "run", swap=swap)
    counting_since(rig, Counted(sent=1000, answered=1000, mean_ms=5.0), standstill)
    judged = rig.run()
    assert judged.result.verdict is Verdict.passed, judged.explanation()
    assert {each.split(": ")[1] for each in judgements(rig)} == {"go on"}


@pytest.mark.parametrize("swap", ["drain", "rolling", "blue-green", "canary"])
def test_a_release_that_never_answers_four_of_ten_is_taken_back_within_seconds(
    tmp_path: Path, swap: str
):
    rig = Rig(tmp_path / "run", swap=swap)
    counting_since(
        rig,
        Counted(sent=1000, answered=1000, mean_ms=5.0),
        lambda s: Counted(sent=int(100 * s), answered=int(60 * s), mean_ms=5.0),
    )
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    assert "requests unanswered" in finding(judged, "swap_completed").message
    [back] = [mark for mark in rig.marks() if mark["name"].endswith(": back")]
    assert back["detail"]["cause"] == "silence"
    assert back["at_ns"] - back["detail"]["since_ns"] < 5e9
    assert serving_last(rig) == ["v1"]


@pytest.mark.parametrize(("stolen", "wanted"), [(0.6, "inconclusive"), (0.0, "fail")])
def test_a_canary_taken_back_as_slow_on_a_starved_machine_is_not_blamed(
    tmp_path: Path, stolen: float, wanted: str
):
    rig = Rig(tmp_path / "run", swap="canary")

    def counts(instances: Sequence[Instance], look: int) -> Counted:
        mean_ms = 400.0 if instances[0].release == "v2" else 5.0
        return Counted(sent=100 * look, answered=100 * look, mean_ms=mean_ms)

    rig.target.counts = counts
    rig.execute()
    moments = [mark["at_ns"] for mark in rig.marks()]
    seconds = [
        {"at_ns": at_ns, "steal_share": stolen, "cpu_pressure": 0.0, "load1": 0.0}
        for at_ns in range(min(moments), max(moments), 10**9)
    ]
    (rig.folder / "machine.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in seconds))
    judged = rig.judge()
    assert finding(judged, "swap_completed").verdict.value == wanted
    assert judged.result.verdict.value == wanted


def test_a_bad_instance_of_a_later_batch_is_seen_beside_the_good_ones_before_it(tmp_path: Path):
    """75 of 9,000 are within what is allowed of all new ones together."""
    rig = Rig(tmp_path / "run", swap="rolling", replicas=2)

    def counts(instances: Sequence[Instance], _: int) -> Counted:
        names = [instance.name for instance in instances]
        if names == ["website-4"]:
            return Counted(sent=75, answered=75, errors=75, mean_ms=5.0)
        errors = 75 if "website-4" in names else 0
        return Counted(sent=9000, answered=9000, errors=errors, mean_ms=5.0)

    rig.target.counts = counts
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    message = finding(judged, "swap_completed").message
    assert "at 67 % of the requests: the newest alone: 75 answers of the new release" in message
    assert judgements(rig) == ["judged 33%: go on", "judged 50%: go on", "judged 67%: back"]
    assert serving_last(rig) == ["v1", "v1"]


def test_what_the_newest_alone_did_holds_up_no_later_batch(tmp_path: Path):
    rig = Rig(tmp_path / "run", swap="rolling", replicas=2)

    def counts(instances: Sequence[Instance], _: int) -> Counted:
        answered = 3 if [each.name for each in instances] == ["website-4"] else 9000
        return Counted(sent=answered, answered=answered, mean_ms=5.0)

    rig.target.counts = counts
    assert rig.run().result.verdict is Verdict.passed
    admitted, glanced = (
        mark["at_ns"]
        for mark in rig.marks()
        if (mark["name"], mark["edge"]) in {("admit website-4", "end"), ("judged 67%: go on", "at")}
    )
    assert glanced - admitted < 0.35e9


@pytest.mark.parametrize("swap", ["drain", "rolling"])
def test_too_few_requests_to_tell_hold_up_no_procedure_that_has_no_shares(
    tmp_path: Path, swap: str
):
    rig = Rig(tmp_path / "run", swap=swap)
    counting(rig, Counted(sent=3, answered=3, errors=1))
    judged = rig.run()
    assert judged.result.verdict is Verdict.passed, judged.explanation()
    assert judgements(rig) == ["judged 50%: go on", "judged 100%: go on"]


@pytest.mark.parametrize("swap", ["drain", "rolling"])
@pytest.mark.parametrize("replicas", [1, 2])
def test_a_release_that_breaks_while_the_first_old_one_is_drained_finds_it_serving_again(
    tmp_path: Path, swap: str, replicas: int
):
    rig = Rig(tmp_path / "run", swap=swap, replicas=replicas)

    def counts(instances: Sequence[Instance], _: int) -> Counted:
        is_bad = instances[0].release == "v2" and "drain website-1" in rig.target.moves
        return Counted(sent=100, answered=100, broken=5 if is_bad else 0, mean_ms=5.0)

    rig.target.counts = counts
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    assert [each.split(": ")[1] for each in judgements(rig)] == ["go on", "back"]
    assert "stop website-1" not in rig.target.moves
    assert steps(rig)[steps(rig).index("drain website-1") + 1 :][:2] == [
        "ready website-1", "admit website-1",
    ]  # fmt: skip
    assert serving_last(rig) == ["v1"] * replicas
    assert judged.result.requests.failed == 0


@pytest.mark.parametrize("swap", ["drain", "rolling"])
def test_a_release_that_does_as_badly_as_the_old_one_did_is_not_to_blame(tmp_path: Path, swap: str):
    """Once drained the old one is counted no more."""
    rig = Rig(tmp_path / "run", swap=swap)

    def counts(instances: Sequence[Instance], _: int) -> Counted:
        is_gone = not instances or "drain website-1" in rig.target.moves
        if is_gone and not (instances and instances[0].release == "v2"):
            return Counted()
        return Counted(sent=100, answered=100, errors=5, mean_ms=5.0)

    rig.target.counts = counts
    judged = rig.run()
    assert finding(judged, "swap_completed").verdict is Verdict.passed
    assert judgements(rig) == ["judged 50%: go on", "judged 100%: go on"]


@pytest.mark.parametrize("swap", ["drain", "rolling", "blue-green"])
def test_what_the_old_release_does_is_counted_from_before_the_new_one_starts(
    tmp_path: Path, swap: str
):
    """By then it has given the answers that make it a measure."""
    rig = Rig(tmp_path / "run", swap=swap)
    rig.execute()
    moves = [point.name for point in rig.trouble.seen if point.when == "before"]
    assert moves.index("stage.count_anew") < moves.index("stage.start")


@pytest.mark.parametrize("swap", ["drain", "rolling"])
def test_what_a_balancer_cannot_count_is_not_looked_at(tmp_path: Path, swap: str, monkeypatch):
    rig = Rig(tmp_path / "run", swap=swap)
    monkeypatch.setattr(FakeStage, "counts", lambda _: False)
    counting(rig, Counted(sent=9, broken=9))
    assert rig.run().result.verdict is Verdict.passed
    assert judgements(rig) == []


@pytest.mark.parametrize(
    ("counted", "told"),
    [
        (Counted(sent=9, answered=9, errors=2), "9 answers of the new release, 2 with status 5xx"),
        (Counted(sent=9, broken=3), "3 connections broken"),
        (Counted(sent=9, answered=9, down=1), "1 of its instances failed the balancer's checks"),
        (Counted(sent=99, answered=2), "97 requests unanswered"),
    ],
)
def test_a_canary_that_does_badly_is_rolled_back_and_the_deploy_has_failed(
    tmp_path: Path, counted: Counted, told: str
):
    rig = Rig(tmp_path / "run", swap="canary")
    counting(rig, counted)
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    completed = finding(judged, "swap_completed")
    assert completed.verdict is Verdict.failed
    assert told in completed.message
    assert judgements(rig) == ["judged 5%: back"]
    assert steps(rig)[-3:] == ["share 0% v2", "drain website-2", "stop website-2"]
    given_back = [mark["at_ns"] for mark in rig.marks() if mark["name"] == "share 0% v2"][-1]
    assert [who.name for who in rig.target.serving_at(given_back)] == ["website-1"], "at once"
    assert serving_last(rig) == ["v1"]
    assert judged.result.requests.failed == 0


def test_a_canary_that_nobody_asks_is_nobodys_fault_and_no_pass(tmp_path: Path):
    rig = Rig(tmp_path / "run", swap="canary")
    counting(rig, Counted(sent=3, answered=3))
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive
    assert "too few answers to judge release v2" in judged.explanation()
    assert serving_last(rig) == ["v1"]
