"""A team's own app in the bundled stack: a small shop, Bottle under waitress, that knows nothing of
the harness and says of itself what is not so.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import docker
import pytest
from left import left

from harness.config import Settings
from harness.model.finding import Verdict
from harness.model.traffic import Connection, Stream, Traffic
from harness.stack import images
from harness.verify import carry_out, plan

pytestmark = [pytest.mark.engine, pytest.mark.alone]

SHOP = Path(__file__).parents[1] / "apps" / "shop"
FAULTS = ("answers 500", "exits", "is never ready", "drops on stop")


@pytest.fixture(scope="module")
def shops(engine: docker.DockerClient) -> Iterator[dict[str, str]]:
    """Images by version, and of version 2 by fault. The first stays: it has the packages."""
    base = images.base_image(engine)

    def made(version: str, fault: str = "") -> str:
        return images.built(engine, "test-shop", SHOP, base, VERSION=version, FAULT=fault)

    tags = {"1": made("1"), "2": made("2")} | {fault: made("2", fault) for fault in FAULTS}
    yield tags
    for version, tag in tags.items():
        if version != "1":
            engine.images.remove(tag, force=True)


def named(old: str, new: str, **more: str) -> list[str]:
    options = {
        "old-image": old, "new-image": new, "port": "8080", "health": "/up",
        "expect-text": "Welcome", "env": "CURRENCY=EUR", **more,
    }  # fmt: skip
    return [f"--{name}={value}" for name, value in options.items()]


def test_a_right_deploy_passes_and_the_balancer_tells_who_answered(engine, shops, verify):
    run = verify(*named(shops["1"], shops["2"], page="/"), "--page=/assets/logo.txt", "--steady=5")
    assert run.end() == 0, run.said()
    replaced = run.finding("replaced")
    assert set(replaced["evidence"]["by_release"]) == {shops["1"], shops["2"]}
    assert replaced["evidence"]["answers"] > 1_000, "no copies, whatever it says of caches"
    assert run.finding("alive")["evidence"]["containers"] == [
        "balancer", "edge", "store", "website-1", "website-2",
    ]  # fmt: skip
    assert run.finding("cached")["verdict"] == "pass"
    [kill] = [mark for mark in run.marks() if mark["name"] == "kill website-1"]
    assert kill["detail"]["signal"] == "2", "the image's own stop signal"
    said = (run.run_folder() / "logs" / "website-1.printed.txt").read_text()
    assert "the shop is open" in said
    assert "smoke question" not in str(run.marks())
    assert left(engine, run.name()) == []


@pytest.mark.parametrize("strategy", ["rolling", "blue-green", "canary", "reload", "stop-signal"])
def test_each_safe_strategy_replaces_it(engine, shops, verify, strategy):
    run = verify(*named(shops["1"], shops["2"], swap=strategy))
    # How long answers take is this machine's affair as well.
    assert run.end() in {0, 1, 3}, run.said()
    bad = [one["check"] for one in run.result()["findings"] if one["verdict"] != "pass"]
    assert set(bad) <= {"latency"}, run.said()
    assert set(run.finding("replaced")["evidence"]["by_release"]) == {shops["1"], shops["2"]}
    assert left(engine, run.name()) == []


@pytest.mark.parametrize("strategy", ["rolling", "stop-signal", "reload"])
def test_who_answered_is_as_the_answers_own_text_says(engine, shops, tmp_path, strategy):
    """Each answer's text must be that of the release which the balancer names; the app's own
    headers name another.
    """
    texts = {shops[version]: f"Welcome to the shop {version}; we take ?" for version in "12"}
    stream = partial(Stream, path="/", expect_body=texts)
    traffic = Traffic(
        streams=(
            stream(name="reused", rate_hz=150),
            stream(name="new", rate_hz=100, connection=Connection.new),
        )
    )
    settings = Settings(
        old_image=shops["1"], new_image=shops["2"], port=8080, health="/up", swap=strategy,
        replicas=2, swaps=2, warmup_s=0.5, steady_s=3, after_s=2.2, calibrate=False,
        reports=tmp_path,
    )  # fmt: skip
    judged = carry_out(plan(settings, traffic=traffic))
    requests = judged.result.requests
    assert requests.ok == requests.planned > 1_000, judged.explanation()
    found = {one.check: one for one in judged.result.findings}
    assert found["replaced"].verdict is Verdict.passed, judged.explanation()
    assert found["replaced"].evidence["answers"] == requests.ok, "none is untold"
    assert left(engine, judged.result.run) == []


def test_the_same_image_twice_is_a_deploy_and_said_to_be_one(engine, shops, verify):
    run = verify(*named(shops["1"], shops["1"]))
    assert run.end() == 0, run.said()
    assert "(old to new, both the same image" in run.finding("replaced")["message"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("answers 500", "GET / was answered with status 500"),
        ("exits", "the shop is closed for good"),
        ("is never ready", "the last answer was status 503"),
    ],
)
def test_a_new_release_that_is_at_fault_fails_and_nobody_met_it(
    engine, shops, verify, fault, told
):  # fmt: skip
    run = verify(*named(shops["1"], shops[fault]), "--ready-timeout", "3")
    assert run.end() == 1, run.said()
    assert told in " ".join(run.out().split())
    assert run.finding("no_failed_request")["verdict"] == "pass"
    assert run.finding("swap_completed")["verdict"] == "fail"
    assert left(engine, run.name()) == []


@pytest.mark.parametrize(
    ("strategy", "old", "causes"),
    [
        ("recreate", "1", {"not_connected", "no_server", "connect_timeout"}),
        ("stop-signal", "drops on stop", {"ended_before_answer"}),
    ],
)
def test_a_deploy_that_drops_requests_fails_and_it_is_said_who_did(
    engine, shops, verify, strategy, old, causes
):
    """Thirty requests are under way at each moment: of one that ends at once they are lost."""
    run = verify(*named(shops[old], shops["2"], swap=strategy, page="/slow", rate="100"))
    assert run.end() == 1, run.said()
    assert run.finding("no_failed_request")["verdict"] == "fail"
    found = [one for one in run.result()["attributions"] if one["failed"]]
    assert {one["cause"] for one in found} & causes
    # Nothing that a log of its own would have told.
    assert {one["cause"] for one in found} <= {*causes, "app_error", "unattributed"}
    if strategy == "stop-signal":
        assert {one["instance"] for one in found if one["cause"] in causes} == {"website-1"}
    assert left(engine, run.name()) == []


@pytest.mark.parametrize(
    ("old", "more", "told"),
    [
        ("exits", {}, ["the old release did not start", "exited with code 1", "closed for good"]),
        (
            "is never ready", {},
            ["GET /up on port 8080 was never answered", "the last answer was status 503",
             "the shop is open", "--health"],
        ),
        ("1", {"health": "/nowhere"}, ["GET /nowhere on port 8080", "status 404", "--health"]),
        (
            "1", {"port": "9090"},
            ["GET /up on port 9090", "nobody listens there (L4CON: Connection refused)",
             "its image names 8080"],
        ),
        ("1", {"page": "/nowhere"}, ["status 404", "--page", "--expect-status 404"]),
        ("1", {"expect-text": "Farewell"}, ["Farewell", "--expect-text"]),
        ("no-such/shop:1", {}, ["image: 'no-such/shop:1' is not on this engine"]),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_one_message_and_exit_2(engine, shops, verify, old, more, told):
    run = verify(*named(shops.get(old, old), shops["2"], **more), "--ready-timeout", "3")
    assert run.end() == 2, run.said()
    [message] = run.messages()
    for words in told:
        assert words in run.err(), message
    assert not run.name() or left(engine, run.name()) == []
