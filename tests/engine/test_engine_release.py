"""Releases that do not start, on the real stack; the published path, and several replicas."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from left import left
from releases import BROKEN, built
from running import Verify

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def broken(engine) -> Iterator[dict[str, str]]:
    """Tags of the website's image with a false entry, by what becomes of it."""
    with built(engine, BROKEN) as tags:
        yield tags


def image(release: str, tag: str) -> str:
    return f'[tool.harness.images]\n{release} = "{tag}"\n'


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("exits", "my last words"),
        ("cannot start", "/no/such/program"),
        ("is never ready", "I only wait"),
    ],
)
def test_a_new_release_that_fails_is_a_fail_and_the_old_one_serves_on(
    engine, verify, broken, what: str, told: str
):
    run = verify(
        "--steady-s", "1", "--ready-timeout-s", "1.5", toml=image("v2", broken[what])
    )  # fmt: skip
    assert run.end() == 1, run.said()
    completed = run.finding("swap_completed")
    assert completed["verdict"] == "fail"
    assert "release v2" in completed["message"]
    assert told in completed["message"]
    assert told in " ".join(run.out().split()), "printed too, in lines of any length"
    assert run.finding("no_failed_request")["verdict"] == "pass"
    assert run.result()["requests"]["failed"] == 0
    assert run.finding("replaced")["evidence"]["by_release"].keys() == {"v1"}
    assert any(mark["name"] == "after" and mark["edge"] == "end" for mark in run.marks())
    assert left(engine, run.name()) == []


def test_an_old_release_that_exits_is_not_judged_and_its_last_lines_are_told(
    engine, verify, broken
):
    run = verify(toml=image("v1", broken["exits"]))
    assert run.end() == 2, run.said()
    assert len(run.messages()) == 1
    assert "the old release did not start" in run.err()
    assert "exited with code 7" in run.err()
    assert "my last words" in run.err()
    assert left(engine, run.name()) == []


@pytest.fixture(scope="module")
def published(engine, tmp_path_factory) -> Iterator[Verify]:
    """A run of two replicas through the published port, to its end."""
    run = Verify(
        tmp_path_factory.mktemp("published"), "--path", "published", "--replicas", "2",
        "--steady-s", "1.5",
    )  # fmt: skip
    run.end()
    yield run
    run.kill()


def test_two_replicas_are_drained_one_by_one_and_drop_nothing(engine, published: Verify):
    assert published.process.returncode in {0, 1, 3}, published.said()
    assert published.result()["requests"]["failed"] == 0, published.said()
    assert published.result()["requests"]["unknown"] == 0
    for check in ("no_failed_request", "swap_completed", "replaced", "writes", "recorded"):
        assert published.finding(check)["verdict"] == "pass", published.finding(check)
    steps = [m["name"] for m in published.marks() if (m["kind"], m["edge"]) == ("step", "begin")]
    assert steps == [
        "publish v2", "start v2", "ready website-3", "try website-3",
        "start v2", "ready website-4", "try website-4",
        "admit website-3", "admit website-4",
        "drain website-1", "stop website-1", "drain website-2", "stop website-2",
    ]  # fmt: skip
    assert left(engine, published.name()) == []


def test_the_published_path_is_measured_and_recorded(published: Verify):
    assert published.result()["environment"]["path"] == "published"
    folder = published.run_folder()
    assert folder is not None
    assert "published" in (Path(folder) / "summary.md").read_text()
