"""What lasts, over a swap of the real stack: whole under `drain`, and told as cut where it is."""

import json

import pytest

pytestmark = [pytest.mark.engine, pytest.mark.alone]


def test_what_lasts_crosses_a_drain_whole(verify):
    run = verify("--mix", "heavy", "--no-control", "--after-s", "3")
    # How slow answers were is not this test's matter: 3 where the machine was too busy to tell.
    assert run.end() in {0, 3}, run.said()
    for check in ("no_failed_request", "replaced", "writes", "visits", "answered", "crossed"):
        assert run.finding(check)["verdict"] == "pass", run.said()
    found = run.finding("visits")
    assert found["evidence"]["held"] >= 5, "of each kind of visit at least one"
    lines = (run.run_folder() / "visits.jsonl").read_text().splitlines()
    assert all(json.loads(line)["answered"] for line in lines)


def test_a_stop_that_kills_cuts_what_lasts_and_each_is_told_as_a_failure(verify):
    """Stopped before its successor is there, and killed after a second: what is under way is cut,
    and those whose connection was closed in order find nobody to go on with.
    """
    run = verify(
        "--mix", "heavy", "--no-control", "--after-s", "3",
        "--swap", "recreate", "--stop-timeout-s", "1",
    )  # fmt: skip
    assert run.end() == 1, run.said()
    failed = run.finding("no_failed_request")
    assert failed["verdict"] == "fail"
    assert "cause: " in failed["message"]
    explained = (run.run_folder() / "details.jsonl").read_text()
    assert '"outcome": "truncated"' in explained, "a download that was cut"
    found = run.finding("visits")
    assert found["verdict"] == "fail"
    for kind in ("session", "events", "websocket"):
        assert kind in found["message"], kind
