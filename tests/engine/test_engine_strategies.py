"""Bad releases under the strategies that claim safety, on the real stack."""

import re
from collections.abc import Iterator

import docker
import pytest
from left import left
from releases import ANSWERS_500, BROKEN, built
from stacks import Up, brought_up

from harness.model.errors import MissingEvidenceError, ReleaseError
from harness.model.mark import Mark
from harness.stack.variation import Reloads, Variation
from harness.stack.website import Patience
from harness.swap import named
from harness.swap.strategy import Steps
from harness.timeline import SystemTime, Timeline

pytestmark = pytest.mark.engine

TOLD = {"exits": "my last words", "is never ready": "I only wait"}


@pytest.fixture(scope="module")
def broken(engine: docker.DockerClient) -> Iterator[dict[str, str]]:
    with built(engine, {what: BROKEN[what] for what in TOLD} | {"fails": ANSWERS_500}) as tags:
        yield tags


def website(engine: docker.DockerClient, up: Up) -> list[str]:
    """Names of the website's containers, whatever state they are in."""
    names = [re.findall(r"website-\d+$", thing) for thing in left(engine, up.run)]
    return sorted(name for found in names for name in found)


def tried(up: Up, folder, swap: str, release: str) -> list[Mark]:
    """The marks of that swap, which must fail by the release's fault."""
    marks: list[Mark] = []
    timeline = Timeline(folder / f"{swap}-{release}.jsonl", SystemTime(), marks.append)
    try:
        with pytest.raises(ReleaseError, match=TOLD[release]):
            named(swap).replace(up.stack.stage(), Steps(timeline, swap=1, old="v1", new=release))
    finally:
        timeline.close()
    return marks


@pytest.mark.parametrize(
    ("discovery", "replicas", "swaps"),
    [
        ("slots", 2, ("rolling", "blue-green", "canary")),
        ("dns-slowstart", 1, ("stop-signal",)),
        ("reload", 1, ("reload",)),
    ],
)
def test_a_release_that_does_not_come_up_leaves_the_old_one_serving_and_nothing_of_itself(
    engine, broken, tmp_path, discovery, replicas, swaps
):
    images = {what: broken[what] for what in TOLD}
    with brought_up(
        engine, tmp_path, discovery=discovery, replicas=replicas, images=images,
        releases=("v1", *TOLD), patience=Patience(ready_s=2.5),
    ) as up:  # fmt: skip
        old = website(engine, up)
        assert len(old) == replicas
        for swap in swaps:
            for release in TOLD:
                marks = tried(up, tmp_path, swap, release)
                assert [
                    m.name for m in marks if m.name.startswith(("admit", "stop", "drain"))
                ] == []
                assert website(engine, up) == old, (swap, release)
                answers = [up.ask("GET", "/") for _ in range(4)]
                assert {(code, headers["x-release"]) for code, _, headers in answers} == {
                    (200, "v1")
                }
    assert left(engine, up.run) == []


def test_a_canary_that_answers_500_is_rolled_back_by_what_haproxy_counted(engine, verify, broken):
    """It was ready and had failed nobody: only a share of the requests shows what it is."""
    run = verify(
        "--swap", "canary", "--steady-s", "1",
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
        old = website(engine, up)
        timeline = Timeline(tmp_path / "reload.jsonl", SystemTime())
        try:
            steps = Steps(timeline, swap=1, old="v1", new="v2")
            with pytest.raises(MissingEvidenceError, match="could not resolve address"):
                named("reload").replace(up.stack.stage(), steps)
        finally:
            timeline.close()
        assert up.ask("GET", "/")[2]["x-release"] == "v1"
        assert [each.name for each in up.stack.stage().running()] == ["website-1"]
        running = [name for name in website(engine, up) if is_running(engine, up, name)]
        assert running == old
    assert left(engine, up.run) == []


def is_running(engine: docker.DockerClient, up: Up, name: str) -> bool:
    return engine.containers.get(f"harness-{up.run}-{name}").status == "running"
