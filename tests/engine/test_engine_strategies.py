"""A canary on the real stack, under a run's load."""

from collections.abc import Iterator

import docker
import pytest
from left import left
from releases import ANSWERS_500, built

pytestmark = pytest.mark.engine


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
