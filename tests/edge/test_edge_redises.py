"""Redis replaced, with stores on paper: in which order, and what is no replacement."""

import subprocess

import pytest
import redises
from fakes.clock import FakeTime

from harness.model.errors import MissingEvidenceError
from harness.swap.strategy import Steps
from harness.timeline import Timeline


class Stores:
    """Proxies whose stores answer scripts; `calls` is what was asked of whom."""

    def __init__(self, *, runs=("aa11", "bb22"), refuses=()):
        self.calls = []
        self.runs = list(runs)
        self.refuses = refuses
        self.count = 1

    def stop(self, whom):
        self.calls.append(f"stop {whom}")

    def start(self, whom):
        self.calls.append(f"start {whom}")

    def another(self, whom):
        self.count += 1
        self.calls.append(f"another {whom}")
        return f"{whom}-{self.count}"

    def run(self, whom, script, *words):
        name = next(
            (name for name, text in vars(redises).items() if text is script), "PORT"
        ).removeprefix("_")
        self.calls.append(" ".join([name, whom, *words]))
        if name in self.refuses:
            raise MissingEvidenceError(f"{whom}: {name}")
        if name in {"RUN_ID", "ANSWERS"}:
            return f"{self.runs.pop(0)}\n"
        return ("6380", "6379")[self.count % 2] if name == "PORT" else ""


@pytest.fixture
def steps(tmp_path):
    made = Timeline(tmp_path / "marks.jsonl", FakeTime())
    yield Steps(made, swap=1, old="v1", new="v2")
    made.close()


def begun(tmp_path):
    lines = (tmp_path / "marks.jsonl").read_text().splitlines()
    return [line.partition('"name": "')[2].partition('"')[0] for line in lines if '"begin"' in line]


def replaced(strategy, stores, steps):
    strategy.replace_part(None, stores, steps)
    return stores.calls


def test_a_restart_is_one_where_another_run_of_redis_answers(steps, tmp_path):
    stores = Stores()
    assert replaced(redises.RestartsStore(), stores, steps) == [
        "RUN_ID store",
        "stop store",
        "start store",
        "ANSWERS store",
    ]
    assert begun(tmp_path) == ["stop store", "start store"]


@pytest.mark.parametrize("runs", [("aa11", "aa11"), ("", "bb22"), ("aa11", "")])
def test_a_restart_after_which_the_same_run_or_none_answers_is_none(steps, runs):
    with pytest.raises(MissingEvidenceError, match="no other Redis answered"):
        replaced(redises.RestartsStore(), Stores(runs=runs), steps)


def test_a_handover_leads_connections_on_once_the_replica_leads_and_stops_the_old_one_last(
    steps, tmp_path
):
    stores = Stores()
    first = [
        "another store",
        "FOLLOWS store-2",
        "PORT store-2",
        "HANDS_OVER store 6380",
        "LEADS store-address 6380",
        "stop store",
        "IS_REACHED store-2",
    ]
    assert replaced(redises.HandsOver(), stores, steps) == first
    assert begun(tmp_path) == ["start store", "promote store-2", "lead store-2", "stop store"]
    second = [
        "another store",
        "FOLLOWS store-3",
        "PORT store-3",
        "HANDS_OVER store-2 6379",
        "LEADS store-address 6379",
        "stop store-2",
        "IS_REACHED store-3",
    ]
    assert replaced(redises.HandsOver(), stores, steps) == first + second


@pytest.mark.parametrize("refusal", ["FOLLOWS", "HANDS_OVER", "LEADS", "IS_REACHED"])
def test_a_handover_that_did_not_happen_is_missing_evidence(steps, refusal):
    stores = Stores(refuses={refusal})
    with pytest.raises(MissingEvidenceError, match=refusal):
        replaced(redises.HandsOver(), stores, steps)
    assert ("stop store" in stores.calls) == (refusal == "IS_REACHED")


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        (redises.PromotesAtOnce(), ["PROMOTES store-2", "LEADS store-address 6380", "stop store"]),
        (
            redises.DiesBeforePromotion(),
            ["LOSES_ITS_LINK store-2", "stop store", "PROMOTES store-2"],
        ),
    ],
)
def test_the_controls_do_in_the_wrong_order_what_loses_writes(steps, strategy, order):
    calls = replaced(strategy, Stores(), steps)
    assert [call for call in calls if call in order] == order
    assert calls[-1] == "IS_REACHED store-2"


def run(script, tmp_path, cli, *words):
    """The script with a client that answers as `cli`, a shell's, says."""
    client = tmp_path / "redis-cli"
    client.write_text(f"#!/bin/sh\n{cli}\n")
    client.chmod(0o755)
    return subprocess.run(
        ["/bin/sh", "-c", script, "sh", *words],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "PORT": "6379"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_of_redis_is_known_by_its_own_id(tmp_path):
    told = r"printf 'redis_version:8.0.2\r\nrun_id:0a1b2c\r\ntcp_port:6379\r\n'"
    assert run(redises._RUN_ID, tmp_path, told).stdout == "0a1b2c\n"


def test_a_refused_failover_is_told(tmp_path):
    ended = run(redises._HANDS_OVER, tmp_path, "echo ERR no replica", "6380")
    assert (ended.returncode, ended.stdout) == (1, "ERR no replica\n")


def test_a_failover_is_over_once_the_other_leads(tmp_path):
    cli = 'case "$*" in *FAILOVER*) echo OK;; "-p 6380 ROLE") echo master;; esac'
    assert run(redises._HANDS_OVER, tmp_path, cli, "6380").returncode == 0


def test_one_that_follows_still_is_not_promoted(tmp_path):
    assert run(redises._PROMOTES, tmp_path, "echo slave").returncode == 1
    assert run(redises._PROMOTES, tmp_path, "echo master").returncode == 0


def test_a_store_is_reached_by_who_comes_from_elsewhere(tmp_path):
    cli = "echo 'id=3 addr=127.0.0.1:1 laddr=127.0.0.1:6379 cmd=client'; {}"
    here = cli.format("echo 'id=4 addr=172.18.0.7:2 laddr=172.18.0.3:6380 cmd=eval'")
    assert run(redises._IS_REACHED, tmp_path, here).returncode == 0
