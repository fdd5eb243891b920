"""Strategies on fakes: their steps, and how each ends where the release or the procedure fails."""

import tempfile
from pathlib import Path

import pytest
from fakes.target import FakeStage, FakeTarget
from fakes.trouble import Point
from rig import Rig, finding, judgements, points, serving_last, steps

from harness.model.errors import MissingEvidenceError, NotJudgedError, ReleaseError
from harness.model.finding import Verdict
from harness.swap.canary import Canary
from harness.swap.rolling import Rolling
from harness.target import Instance

SAFE = ("drain", "rolling", "blue-green", "canary", "stop-signal", "reload")
"""Those that claim that a bad release leaves the old one serving."""


def looks_before_down(rig: Rig) -> list[list[Instance]]:
    """The instances that exist as `down` begins, which removes whatever is there."""
    found: list[list[Instance]] = []
    down = rig.target.down

    def looking() -> None:
        found.append(list(rig.target.present))
        down()

    rig.target.down = looking
    return found


@pytest.mark.parametrize("swap", SAFE)
@pytest.mark.parametrize("replicas", [1, 3])
def test_a_swap_there_and_back_drops_nothing_and_ends_with_what_it_began(
    tmp_path: Path, swap: str, replicas: int
):
    rig = Rig(tmp_path / "run", swap=swap, swaps=2, replicas=replicas)
    judged = rig.run()
    assert judged.result.verdict is Verdict.passed, judged.explanation()
    assert judged.result.requests.failed == 0
    assert serving_last(rig) == ["v1"] * replicas


@pytest.mark.parametrize("swap", SAFE)
@pytest.mark.parametrize("replicas", [1, 3])
def test_a_release_that_is_never_ready_leaves_the_old_one_serving_and_nothing_of_itself(
    tmp_path: Path, swap: str, replicas: int
):
    rig = Rig(tmp_path / "run", swap=swap, replicas=replicas)
    rig.target.never_ready.add("v2")
    looks = looks_before_down(rig)
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    assert "website-" in finding(judged, "swap_completed").message
    assert [who.release for who in looks[0]] == ["v1"] * replicas
    assert judged.result.requests.failed == 0
    assert serving_last(rig) == ["v1"] * replicas


@pytest.mark.parametrize("swap", SAFE)
def test_a_release_that_says_the_wrong_thing_is_found_out_before_a_visitor_is_sent_there(
    tmp_path: Path, swap: str
):
    rig = Rig(tmp_path / "run", swap=swap, replicas=2)
    rig.target.wrong_page.add("v2")
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    assert "website-3 said another text" in finding(judged, "swap_completed").message
    assert judged.result.requests.failed == 0
    assert steps(rig)[-2:] == ["try website-3", "discard website-3"]
    assert serving_last(rig) == ["v1", "v1"]


def _points() -> list[tuple[str, Point]]:
    """Every move of the strategies with a way back, up to where there is none: once the old
    instances are let go of, which `rolling` alone does while it can still go back.
    """
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for swap in ("drain", "rolling", "blue-green", "canary", "reload"):
            final = () if swap == "rolling" else ("stage.drain", "stage.stop", "stage.weigh_alike")
            seen = points(Path(folder) / swap, swap=swap, replicas=2)
            found += [
                (swap, point)
                for point in seen
                if point.name.startswith("stage.") and point.name not in final
            ]
    return found


@pytest.mark.parametrize(
    ("swap", "point"), _points(), ids=lambda given: str(given) if given else None
)
def test_wherever_it_fails_the_old_release_serves_on_and_nothing_of_the_new_one_is_left(
    tmp_path: Path, swap: str, point: Point
):
    rig = Rig(tmp_path / "run", swap=swap, replicas=2)
    error = (MissingEvidenceError, RuntimeError)[len(point.name) % 2]
    rig.trouble.plan(point, error("the cause"))
    looks = looks_before_down(rig)
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive, judged.explanation()
    assert "the cause" in finding(judged, "swap_completed").message
    assert not rig.trouble.never_came()
    assert judged.result.requests.failed == 0
    assert serving_last(rig) == ["v1", "v1"]
    assert [who.release for who in looks[0]] == ["v1", "v1"]
    assert judged.result.requests.ok == judged.result.requests.planned


class Nth(FakeStage):
    """Spoils the n-th instance that is awaited, unless it is of v1."""

    def __init__(self, target: FakeTarget, nth: int) -> None:
        super().__init__(target)
        self._nth = nth
        self._awaited = 0

    def await_ready(self, instance: Instance) -> None:
        self._awaited += 1
        super().await_ready(instance)
        if self._awaited == self._nth:
            raise ReleaseError(f"release {instance.release}: {instance.name} exited")


def spoiled(rig: Rig, nth: int) -> None:
    stage = Nth(rig.target, nth)
    rig.target.stage = lambda: stage


def test_rolling_replaces_one_after_the_other(tmp_path: Path):
    rig = Rig(tmp_path / "run", swap="rolling", replicas=2)
    rig.run()
    assert steps(rig) == [
        "publish v2",
        "start v2", "ready website-3", "try website-3", "admit website-3",
        "drain website-1", "stop website-1",
        "start v2", "ready website-4", "try website-4", "admit website-4",
        "drain website-2", "stop website-2",
    ]  # fmt: skip


def test_rolling_in_batches_replaces_so_many_at_once_and_what_is_left_over_last(tmp_path: Path):
    rig = Rig(tmp_path / "run", swap="rolling", replicas=3)
    rig.swap = Rolling(batch=2)
    judged = rig.run()
    assert judged.result.verdict is Verdict.passed, judged.explanation()
    assert steps(rig) == [
        "publish v2",
        "start v2", "ready website-4", "try website-4",
        "start v2", "ready website-5", "try website-5",
        "admit website-4", "admit website-5",
        "drain website-1", "stop website-1", "drain website-2", "stop website-2",
        "start v2", "ready website-6", "try website-6", "admit website-6",
        "drain website-3", "stop website-3",
    ]  # fmt: skip


def test_rolling_that_fails_at_the_second_brings_back_the_first(tmp_path: Path):
    rig = Rig(tmp_path / "run", swap="rolling", replicas=2)
    spoiled(rig, 2)
    looks = looks_before_down(rig)
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    assert steps(rig)[7:] == [
        "start v2", "ready website-4", "discard website-4",
        "start v1", "ready website-5", "admit website-5",
        "drain website-3", "stop website-3",
    ]  # fmt: skip
    assert judged.result.requests.failed == 0
    assert sorted(who.name for who in looks[0]) == ["website-2", "website-5"]
    assert serving_last(rig) == ["v1", "v1"]


def test_where_the_old_release_cannot_be_brought_back_the_new_one_serves_on_and_it_is_told(
    tmp_path: Path,
):
    rig = Rig(tmp_path / "run", swap="rolling", replicas=2)
    spoiled(rig, 2)
    rig.target.never_ready.add("v1")
    judged = rig.run()
    assert judged.result.verdict is Verdict.failed
    message = finding(judged, "swap_completed").message
    assert "website-4 exited" in message
    assert "the old release v1 could not be brought back" in message
    assert judged.result.requests.failed == 0
    assert sorted(serving_last(rig)) == ["v1", "v2"], "of the second old one nothing was touched"


def test_blue_green_switches_once_all_are_ready_and_lets_go_once_nothing_is_in_flight(
    tmp_path: Path,
):
    rig = Rig(tmp_path / "run", swap="blue-green", replicas=2)
    rig.run()
    assert steps(rig) == [
        "publish v2",
        "start v2", "ready website-3", "try website-3",
        "start v2", "ready website-4", "try website-4",
        "admit website-3", "admit website-4", "switch v2",
        "idle website-1", "idle website-2",
        "drain website-1", "stop website-1", "drain website-2", "stop website-2",
    ]  # fmt: skip
    begin, end = (m["at_ns"] for m in rig.marks() if m["name"] == "switch v2")
    before, after = (rig.target.serving_at(at_ns) for at_ns in (begin, end))
    assert {who.release for who in before} == {"v1"}
    assert {who.release for who in after} == {"v2"}


def test_blue_green_goes_back_by_one_switch(tmp_path: Path):
    rig = Rig(tmp_path / "run", swap="blue-green")
    rig.trouble.plan(
        Point("swap 1", "stage.await_idle", "within"), MissingEvidenceError("still in flight")
    )
    rig.run()
    assert steps(rig)[-5:] == [
        "switch v2", "idle website-1", "switch v1", "drain website-2", "stop website-2",
    ]  # fmt: skip


def test_canary_raises_its_share_after_each_judgement(tmp_path: Path):
    rig = Rig(tmp_path / "run", swap="canary")
    rig.run()
    assert steps(rig) == [
        "publish v2", "start v2", "ready website-2", "try website-2",
        "share 5% v2", "admit website-2", "share 25% v2", "share 50% v2", "share 100% v2",
        "drain website-1", "stop website-1",
    ]  # fmt: skip
    assert judgements(rig) == [f"judged {share}%: go on" for share in (5, 25, 50, 100)]
    weighed = [move for move in rig.target.moves if move.startswith("weigh")]
    assert weighed[:4] == [
        "weigh website-1 95", "weigh website-2 5", "weigh website-1 75", "weigh website-2 25",
    ]  # fmt: skip


def test_stop_signal_scales_and_stops_and_tells_the_balancer_nothing(tmp_path: Path):
    rig = Rig(tmp_path / "run", swap="stop-signal", replicas=2)
    rig.run()
    assert steps(rig) == [
        "publish v2",
        "scale v2", "ready website-3", "try website-3",
        "scale v2", "ready website-4", "try website-4",
        "stop website-1", "stop website-2",
    ]  # fmt: skip


def test_reload_stops_the_old_ones_only_once_the_former_process_is_gone(tmp_path: Path):
    rig = Rig(tmp_path / "run", swap="reload", replicas=2)
    rig.run()
    assert steps(rig) == [
        "publish v2",
        "start v2", "ready website-3", "try website-3",
        "start v2", "ready website-4", "try website-4",
        "reload v2", "admit website-3", "admit website-4", "idle v1",
        "stop website-1", "stop website-2",
    ]  # fmt: skip
    assert rig.target.moves[-8:] == [
        "reload website-3 website-4", "admit website-3", "admit website-4", "await_alone",
        "admit website-3", "admit website-4", "stop website-1", "stop website-2",
    ]  # fmt: skip


def test_a_reload_that_did_not_happen_is_no_pass_and_the_old_ones_serve_on(tmp_path: Path):
    rig = Rig(tmp_path / "run", swap="reload")
    rig.trouble.plan(
        Point("swap 1", "stage.reload", "within"), MissingEvidenceError("refuses its next")
    )
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive
    assert "refuses its next" in finding(judged, "swap_completed").message
    assert judged.result.requests.failed == 0
    assert steps(rig)[-5:] == [
        "reload v2", "ready website-1", "admit website-1", "drain website-2", "stop website-2",
    ]  # fmt: skip
    assert serving_last(rig) == ["v1"]


@pytest.mark.parametrize("algorithm", ["roundrobin", "random(2)"])
def test_a_canary_shares_by_weights_that_can_be_changed(algorithm: str):
    Canary().refuse(algorithm)


@pytest.mark.parametrize("algorithm", ["static-rr", "first", "source", "hash", "uri depth 3"])
def test_a_canary_refuses_an_algorithm_whose_weights_stand(algorithm: str):
    with pytest.raises(
        NotJudgedError, match="takes no other ones while it runs; choose one of: roundrobin, random"
    ):
        Canary().refuse(algorithm)


def test_a_canary_refuses_leastconn_which_sends_idle_servers_what_their_weights_do_not():
    with pytest.raises(NotJudgedError, match="does not share by them while servers are idle"):
        Canary().refuse("leastconn")


@pytest.mark.parametrize("swap", ["blue-green", "canary", "reload"])
def test_a_stage_that_cannot_is_told_and_nothing_was_touched(tmp_path: Path, swap: str):
    class Plain:
        """A stage without abilities."""

        def __init__(self, target: FakeTarget) -> None:
            self.running = FakeStage(target).running

    rig = Rig(tmp_path / "run", swap=swap)
    plain = Plain(rig.target)
    rig.target.stage = lambda: plain
    judged = rig.run()
    assert judged.result.verdict is Verdict.inconclusive
    assert "choose another swap strategy" in finding(judged, "swap_completed").message
    assert rig.target.moves == []
