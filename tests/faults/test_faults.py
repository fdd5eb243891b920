"""Faults on a fake target: what is asked of it, when, and which marks they leave."""

import json
import random

import pytest
from fakes.clock import FakeTime
from fakes.target import FakeTarget
from fakes.trouble import Trouble

from harness.faults import Drop, Injection, Kill, Pause, Reject
from harness.model.errors import MissingEvidenceError, NotJudgedError
from harness.swap.strategy import Steps
from harness.target import Held
from harness.timeline import Timeline

TAKES_S = 0.05


class FakeDisturbance:
    """Implements Disturbance: each move takes its time, and is written down."""

    def __init__(self, clock):
        self.clock = clock
        self.moves = []
        self.lacks = {}
        self.breaks = ""

    def pause(self, whom):
        self._move("pause", whom)

    def resume(self, whom):
        self._move("resume", whom)

    def kill(self, whom):
        self._move("kill", whom)

    def lack_of_packets(self, whom):
        return self.lacks.get(whom, "")

    def refuse(self, whom, for_s, *, only_new):
        return self._rule("refuse new" if only_new else "refuse", whom, for_s)

    def drop(self, whom, for_s):
        return self._rule("drop", whom, for_s)

    def _rule(self, verb, whom, for_s):
        begin = self.clock.now_ns()
        self._move(verb, whom)
        self.clock.sleep(for_s)
        now = self.clock.now_ns()
        return Held(earliest_ns=begin, surely_ns=begin + 1, until_ns=now - 1, latest_ns=now)

    def _move(self, verb, whom):
        self.moves.append(f"{verb} {whom}")
        self.clock.sleep(TAKES_S)
        if self.breaks == verb:
            raise MissingEvidenceError(f"{verb} broke")


class Disturbed(FakeTarget):
    """A fake target with that ability."""

    def __init__(self, clock, **settings):
        super().__init__(clock, Trouble(), **settings)
        self.fake = FakeDisturbance(clock)

    def disturbance(self):
        return self.fake


class Run:
    """Puts faults into a target that is up; then `marks`, `steps` and `held` tell what was left."""

    def __init__(self, folder, *faults, replicas=1, seed=7):
        self.clock = FakeTime()
        self.target = Disturbed(self.clock, replicas=replicas)
        self.path = folder / "marks.jsonl"
        self.timeline = Timeline(self.path, self.clock)
        self.target.up(self.timeline)
        self.injection = Injection(faults, self.target, seed=seed, clock=self.clock)

    def put_in(self):
        self.injection(Steps(self.timeline, swap=1, old="v1", new="v2"))
        return self

    @property
    def marks(self):
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def named(self, kind, edge="begin"):
        return [m["name"] for m in self.marks if (m["kind"], m["edge"]) == (kind, edge)]

    def mark(self, name, edge="begin"):
        return next(m for m in self.marks if (m["name"], m["edge"]) == (name, edge))


def test_each_fault_is_a_numbered_step_of_whom_it_befell(tmp_path):
    faults = [Pause(whom="balancer", for_s=0.4), Reject(whom="website", for_s=0.05)]
    run = Run(tmp_path, *faults, Drop(whom="edge", for_s=0.1)).put_in()
    assert run.named("step") == [
        "prepare", "pause balancer #1", "reject website-1 #2", "drop edge #3",
    ]  # fmt: skip
    step = run.mark("reject website-1 #2")["detail"]
    assert (step["verb"], step["instance"], step["release"]) == ("reject", "website-1", "v1")
    assert run.target.fake.moves == [
        "pause balancer", "resume balancer", "refuse website-1", "drop edge",
    ]  # fmt: skip


def test_at_least_a_second_passes_between_two_faults_and_after_the_last(tmp_path):
    run = Run(tmp_path, *[Reject(whom="edge", for_s=0.05, only_new=True)] * 5).put_in()
    assert run.target.fake.moves == ["refuse new edge"] * 5
    begins = [m["at_ns"] for m in run.marks if m["kind"] == "step" and m["edge"] == "begin"]
    ends = [m["at_ns"] for m in run.marks if m["kind"] == "step" and m["edge"] == "end"]
    rests = [begin - end for end, begin in zip(ends, begins[1:], strict=False)]
    rests.append(run.clock.now_ns() - ends[-1])
    assert len(rests) == 6
    assert all(rest >= 1e9 for rest in rests)
    assert len({rest // 1_000_000 for rest in rests}) > 1


def test_the_seed_alone_decides_when_and_whom(tmp_path):
    def of(seed, name):
        (tmp_path / name).mkdir()
        faults = [Pause(whom="website", for_s=0.1)] * 8
        run = Run(tmp_path / name, *faults, replicas=3, seed=seed).put_in()
        return [m["at_ns"] for m in run.marks], run.named("step")

    assert of(3, "a") == of(3, "b")
    assert of(3, "c")[1] != of(4, "d")[1]


def test_a_pause_surely_holds_from_the_engines_word_until_it_is_asked_to_end_it(tmp_path):
    run = Run(tmp_path, Pause(whom="edge", for_s=0.4)).put_in()
    begin, end = (run.mark("held pause edge #1", edge) for edge in ("begin", "end"))
    assert end["at_ns"] - begin["at_ns"] == pytest.approx(0.4e9, rel=1e-3)
    assert begin["at_ns"] - begin["detail"]["earliest_ns"] == pytest.approx(TAKES_S * 1e9, rel=1e-3)
    assert end["detail"]["latest_ns"] - end["at_ns"] == pytest.approx(TAKES_S * 1e9, rel=1e-3)
    step = [run.mark("pause edge #1", edge)["at_ns"] for edge in ("begin", "end")]
    assert step[0] < begin["detail"]["earliest_ns"]
    assert end["detail"]["latest_ns"] < step[1]


@pytest.mark.parametrize("breaks", ["pause", "sleep"])
def test_a_pause_is_lifted_whatever_happens(tmp_path, breaks):
    run = Run(tmp_path, Pause(whom="edge", for_s=0.4))
    if breaks == "pause":
        run.target.fake.breaks = "pause"
    else:
        sleep = run.clock.sleep

        def stopped(seconds):
            sleep(seconds)
            if seconds == 0.4:
                raise KeyboardInterrupt

        run.clock.sleep = stopped
    with pytest.raises((MissingEvidenceError, KeyboardInterrupt)):
        run.put_in()
    assert run.target.fake.moves == ["pause edge", "resume edge"]


def test_who_is_killed_is_replaced_by_one_of_the_same_release(tmp_path):
    run = Run(tmp_path, Kill(for_s=1.0), Kill(for_s=1.0), replicas=2).put_in()
    killed = [move.split()[1] for move in run.target.fake.moves]
    assert [move.split()[0] for move in run.target.fake.moves] == ["kill", "kill"]
    assert len(set(killed)) == 2
    assert {one.release for one in run.target.serving_now()} == {"v1"}
    assert len(run.target.serving_now()) == 2
    assert not {one.name for one in run.target.serving_now()} & set(killed)
    assert run.named("step")[1:6] == [
        f"kill {killed[0]} #1", f"discard {killed[0]}", "start v1", "ready website-3",
        "admit website-3",
    ]  # fmt: skip


def test_what_a_machine_does_not_allow_is_skipped_with_its_reason_and_the_rest_is_done(tmp_path):
    run = Run(tmp_path, Reject(whom="edge", for_s=0.1), Pause(whom="edge", for_s=0.1))
    run.target.fake.lacks["edge"] = "nft: Operation not supported"
    run.put_in()
    assert run.target.fake.moves == ["pause edge", "resume edge"]
    skipped = run.mark("skipped reject edge #1", "at")
    assert skipped["detail"]["why"] == "nft: Operation not supported"
    assert run.named("step") == ["prepare", "pause edge #2"]


def test_a_fault_of_any_instance_is_asked_about_for_each(tmp_path):
    run = Run(tmp_path, Drop(whom="website", for_s=0.1), replicas=2)
    run.target.fake.lacks["website-2"] = "no"
    assert run.put_in().mark("skipped drop website #1", "at")["detail"]["why"] == "no"


def test_a_target_that_cannot_be_disturbed_is_refused_beforehand():
    clock = FakeTime()
    with pytest.raises(NotJudgedError, match="fake cannot be disturbed"):
        Injection([], FakeTarget(clock, Trouble()), seed=random.randrange(9), clock=clock)
