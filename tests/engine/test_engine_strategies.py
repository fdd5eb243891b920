"""A canary on the real stack, under a run's load; a reload that HAProxy refuses."""

from collections.abc import Iterator

import docker
import pytest
from left import left
from releases import ANSWERS_500, built
from stacks import brought_up

from harness.model.errors import MissingEvidenceError
from harness.stack.variation import Reloads, Variation
from harness.swap import named
from harness.swap.strategy import Steps
from harness.timeline import SystemTime, Timeline

pytestmark = [pytest.mark.engine, pytest.mark.alone]


@pytest.fixture(scope="module")
def broken(engine: docker.DockerClient) -> Iterator[dict[str, str]]:
    with built(engine, {"fails": ANSWERS_500}) as tags:
        yield tags


def test_a_canary_that_answers_500_is_rolled_back_by_what_haproxy_counted(engine, verify, broken):
    """It was ready, and nobody tried it: only a share of the requests shows what it is."""
    run = verify(
        "--swap", "canary", "--steady-s", "1", "--no-smoke",
        toml=f'[tool.harness.images]\nv2 = "{broken["fails"]}"\n',
    )  # fmt: skip
    assert run.end() == 1, run.said()
    completed = run.finding("swap_completed")
    assert completed["verdict"] == "fail"
    assert "release v2: rolled back at 5 % of the requests" in completed["message"]
    assert "with status 5xx" in completed["message"]
    names = [mark["name"] for mark in run.marks()]
    assert "judged 5%: back" in names
    # The judge needs two; what came until it had looked and taken the share back is more.
    assert 2 <= run.result()["requests"]["failed"] <= 20
    steps = [m for m in run.marks() if (m["kind"], m["edge"]) == ("step", "end")]
    assert [m["name"] for m in steps][-3:] == ["share 0% v2", "drain website-2", "stop website-2"]
    taken_back_ns = steps[-3]["at_ns"]
    later = [o for o in run.result()["outages"] if o["phase"].startswith("after")]
    assert later == [], "the old release serves on"
    assert taken_back_ns < next(
        m["at_ns"] for m in run.marks() if (m["name"], m["edge"]) == ("swap", "end")
    )
    causes = {one["cause"] for one in run.result()["attributions"] if one["failed"]}
    assert causes == {"website_error"}
    assert {one["instance"] for one in run.result()["attributions"] if one["failed"]} == {
        "website-2"
    }
    assert left(engine, run.name()) == []


def test_a_configuration_that_haproxy_refuses_is_no_swap_and_the_old_release_serves_on(
    engine, tmp_path
):
    gone = Variation(name="", reloads=Reloads(adds="server spare website-spare:8000 check"))
    with brought_up(engine, tmp_path, discovery="reload", variation=gone) as up:
        timeline = Timeline(tmp_path / "reload.jsonl", SystemTime())
        try:
            steps = Steps(timeline, swap=1, old="v1", new="v2")
            with pytest.raises(MissingEvidenceError, match="could not resolve address"):
                named("reload").replace(up.stack.stage(), steps)
        finally:
            timeline.close()
        assert up.ask("GET", "/")[2]["x-release"] == "v1"
        assert [each.name for each in up.stack.stage().running()] == ["website-1"]
        assert running(engine, up.run) == ["website-1"]
    assert left(engine, up.run) == []


def running(engine: docker.DockerClient, run: str) -> list[str]:
    prefix = f"harness-{run}-"
    names = [box.name.removeprefix(prefix) for box in engine.containers.list()
             if box.name.startswith(f"{prefix}website-")]  # fmt: skip
    return sorted(names)
