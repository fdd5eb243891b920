"""A failure of our own on the real stack: never a pass, nothing is left, evidence is on disk."""

from dataclasses import replace
from pathlib import Path

import pytest
from left import left, remove

from harness.config import Settings
from harness.model.errors import NotJudgedError
from harness.model.finding import Verdict
from harness.stack import stack, website
from harness.target import Instance
from harness.verify import Judged, Plan, carry_out, plan

pytestmark = [pytest.mark.engine, pytest.mark.alone]
CAUSE = "a defect of ours"


@pytest.fixture
def todo(engine, tmp_path: Path):
    """A short run about to begin."""
    settings = Settings(
        rate=100, warmup_s=0.2, steady_s=1, after_s=2.6, calibrate=False, reports=tmp_path
    )
    planned = plan(settings)
    yield planned
    things = left(engine, planned.run)
    remove(engine, planned.run)
    assert things == []


def raises(*_: object, **__: object) -> None:
    raise RuntimeError(CAUSE)


def judged(todo: Plan) -> Judged:
    """The run, judged; it must have left its marks, its samples and its reports."""
    found = carry_out(todo)
    assert found.result.verdict is not Verdict.passed, found.explanation()
    assert CAUSE in found.explanation()
    written = {path.name for path in todo.folder.iterdir()}
    assert {"marks.jsonl", "requests.parquet", "scenario.json", "result.json", "report.html",
            "junit.xml", "summary.md"} <= written  # fmt: skip
    return found


@pytest.mark.parametrize("name", ["store", "balancer", "website-1", "edge"])
def test_a_container_that_is_there_and_fails_is_not_judged_and_removed(
    todo: Plan, monkeypatch, name: str
):
    launch, launched = stack.launch, []

    def fails(spec, network):
        container = launch(spec, network)
        launched.append(spec.name)
        if spec.name.endswith(f"-{name}"):
            raise RuntimeError(CAUSE)
        return container

    monkeypatch.setattr(stack, "launch", fails)
    monkeypatch.setattr(website, "launch", fails)
    with pytest.raises(NotJudgedError, match=CAUSE):
        carry_out(todo)
    # The control comes up beside the rest.
    led = [each for each in launched if not each.endswith("-control")]
    assert led[-1].endswith(f"-{name}")
    assert CAUSE in (todo.folder / "marks.jsonl").read_text(), "its traceback is kept"


def test_a_defect_in_mid_swap_is_inconclusive_and_two_releases_are_removed(todo: Plan, monkeypatch):
    """The first drain fails. The way back drains the new one: what it has in flight is not cut."""
    drain, failing = website.Website.drain, iter([raises])

    def fails_once(self: website.Website, instance: Instance) -> None:
        next(failing, drain)(self, instance)

    monkeypatch.setattr(website.Website, "drain", fails_once)
    found = judged(todo)
    assert found.result.verdict is Verdict.inconclusive
    assert found.result.requests.failed == 0
    assert (todo.folder / "logs" / "website-2.jsonl").exists(), "logs first"


def test_a_defect_in_the_gathering_of_logs_is_inconclusive(todo: Plan, monkeypatch):
    monkeypatch.setattr(stack.Stack, "gather", raises)
    assert judged(todo).result.verdict is Verdict.inconclusive


def test_defects_in_swap_and_teardown_are_told_and_all_is_removed(todo: Plan, monkeypatch):
    monkeypatch.setattr(stack.Stack, "environment", raises)
    parts = replace(todo.parts, replace=raises)
    found = judged(replace(todo, parts=parts))
    assert found.result.verdict is Verdict.inconclusive
