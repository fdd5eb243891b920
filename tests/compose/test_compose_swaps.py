"""The swaps that Compose can carry out, on a service on paper."""

from pathlib import Path

import pytest
from fakes.clock import FakeTime

from harness.model.errors import MissingEvidenceError, NotJudgedError, ReleaseError
from harness.model.mark import Edge
from harness.stack.compose import swaps
from harness.swap.strategy import Steps
from harness.target import Instance
from harness.timeline import Timeline


class Paper:
    """Implements swaps.Moves: `service` names its containers, `ended` those that do not run."""

    def __init__(self, *names: str) -> None:
        self.service = list(names)
        self.ended: set[str] = set()
        self.never_ready: set[str] = set()
        self.stuck: set[str] = set()
        self.did: list[str] = []
        self.error: Exception | None = None

    def _all(self):
        return tuple(Instance(name=name, release="") for name in self.service)

    def present(self):
        return self._all()

    def running(self):
        return tuple(each for each in self._all() if each.name not in self.ended)

    def recreate(self, swap):
        self.did.append(f"recreate for {swap}")
        if self.error:
            raise self.error

    def scale(self, swap, count):
        self.did.append(f"scale for {swap} to {count}")
        more = count - len(self.running())
        self.service += [f"website-{len(self.service) + 1 + each}" for each in range(more)]
        if self.error:
            raise self.error

    def await_ready(self, instance):
        self.did.append(f"ready {instance.name}")
        if instance.name in self.never_ready:
            raise ReleaseError(f"{instance.name} was not healthy within 30 s")
        return "healthy"

    def stop(self, instance):
        self.did.append(f"stop {instance.name}")
        self.service.remove(instance.name)

    def discard(self, instance):
        self.did.append(f"discard {instance.name}")
        if instance.name in self.stuck:
            raise MissingEvidenceError("the engine would not")
        self.service.remove(instance.name)


@pytest.fixture
def marked(tmp_path):
    """Carries out a swap; the names of its marks, without the ends."""

    def carry(swap, moves, number=1):
        marks = []
        timeline = Timeline(Path(tmp_path / "marks.jsonl"), FakeTime(), marks.append)
        try:
            swap(moves, Steps(timeline, swap=number, old="", new=""))
        finally:
            timeline.close()
            carry.names = [mark.name for mark in marks if mark.edge is not Edge.end]
        return carry.names

    return carry


def test_twice_as_many_run_before_the_first_is_stopped(marked):
    moves = Paper("website-1", "website-2")
    names = marked(swaps.scale_then_stop, moves)
    assert moves.did == [
        "scale for 1 to 4", "ready website-3", "ready website-4", "stop website-1",
        "stop website-2",
    ]  # fmt: skip
    assert moves.service == ["website-3", "website-4"]
    assert names == [
        "scale", "ready website-3", "judged website-3: ready", "ready website-4",
        "judged website-4: ready", "stop website-1", "stop website-2",
    ]  # fmt: skip


def test_the_way_back_is_told_by_the_number_of_the_swap(marked):
    moves = Paper("website-2")
    marked(swaps.scale_then_stop, moves, number=2)
    assert moves.did[0] == "scale for 2 to 2"


def test_new_ones_that_are_not_ready_are_removed_and_the_old_serve_on(marked):
    moves = Paper("website-1", "website-2")
    moves.never_ready = {"website-4"}
    with pytest.raises(ReleaseError, match="website-4 was not healthy within 30 s"):
        marked(swaps.scale_then_stop, moves)
    assert moves.service == ["website-1", "website-2"]
    assert not [did for did in moves.did if did.startswith("stop")]
    assert marked.names[-2:] == ["discard website-3", "discard website-4"]


def test_what_ended_before_the_swap_is_neither_counted_nor_taken_for_new(marked):
    moves = Paper("website-1", "website-2")
    moves.ended = {"website-1"}
    marked(swaps.scale_then_stop, moves)
    assert moves.did == ["scale for 1 to 2", "ready website-3", "stop website-2"]


def test_what_a_failed_scaling_made_is_removed(marked):
    moves = Paper("website-1")
    moves.error = ReleaseError("compose: exec format error")
    with pytest.raises(ReleaseError, match="exec format error"):
        marked(swaps.scale_then_stop, moves)
    assert moves.service == ["website-1"]


def test_what_cannot_be_removed_is_said_beneath_the_cause(marked):
    moves = Paper("website-1")
    moves.never_ready = moves.stuck = {"website-2"}
    with pytest.raises(ReleaseError) as caught:
        marked(swaps.scale_then_stop, moves)
    first, second = str(caught.value).splitlines()
    assert first.startswith("website-2 was not healthy")
    assert second.strip() == "and website-2 could not be removed: the engine would not"


def test_a_service_of_which_none_runs_is_not_scaled(marked):
    with pytest.raises(ReleaseError, match="no container of the service runs any more"):
        marked(swaps.scale_then_stop, Paper())


def test_recreate_waits_for_each_of_the_new_ones(marked):
    moves = Paper("website-1", "website-2")
    assert marked(swaps.recreate, moves)[0] == "recreate"
    assert moves.did == ["recreate for 1", "ready website-1", "ready website-2"]


def test_recreate_that_fails_is_the_error_that_it_is(marked):
    moves = Paper("website-1")
    moves.error = MissingEvidenceError("it did not end within 300 s")
    with pytest.raises(MissingEvidenceError):
        marked(swaps.recreate, moves)


@pytest.mark.parametrize("name", ["drain", "rolling", "blue-green", "canary", "reload", "nonsense"])
def test_what_needs_a_balancer_of_ours_is_refused_with_the_list(name):
    with pytest.raises(NotJudgedError) as caught:
        swaps.named(name)
    assert str(caught.value).startswith(
        f"compose: swap {name!r} is not one that Compose can carry out; choose one of: recreate, "
        "scale-then-stop, or say how to swap with --deploy COMMAND"
    )
