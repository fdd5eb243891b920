"""The command's ends: one message for what cannot be, before anything starts; the exit codes."""

import os
import signal
import sys

import docker
import docker.errors
import pytest
from comparisons import ran

from harness.cli import main
from harness.compare import command
from harness.compare.command import SHORT, asked, planned
from harness.model.errors import NotJudgedError
from harness.model.finding import Verdict
from harness.report.result_json import dump
from harness.swap import STRATEGIES
from harness.verify import Judged


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """The command writes to the folder that it is called in, and takes over signals."""
    monkeypatch.chdir(tmp_path)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def project(text: str, tmp_path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)


@pytest.mark.parametrize(
    ("options", "settings", "told"),
    [
        (["--strategies=drain,magic"], "", "swap: unknown strategy 'magic'; choose one of: "),
        (["--strategies=drain"], "", "strategies: 'drain' names 1, and two or more"),
        (["--strategies=,"], "", "strategies: ',' names 0"),
        (["--rounds=0"], "", "rounds: '0' cannot be; 1 to 1000 can"),
        (["--rounds=three"], "", "rounds: 'three' cannot be"),
        ([f"--rounds={'9' * 5_000}"], "", "rounds: '9999999999999999999…' cannot be; 1 to 1000"),
        (["--mix=odd"], "", "mix: there is none named 'odd'; choose one of: default, heavy"),
        (["--rate=12"], "", "rate: 12 requests a second are too few"),
        ([], "traffic = {nosuch = 5}", "traffic: the mix 'default' has no stream 'nosuch'"),
        ([], "traffic = {write = 1e-320}", "settings: traffic.write = 1e-320 "),
        ([], "EMPTY", "traffic: every stream has a rate of 0: nothing would be sent"),
        (["--algorithm=source"], "", "canary"),
        (["--algorithm=fastest"], "", "fastest"),
        (["--after=1"], "", "after_s = 1 is too short"),
        ([], "url = 'http://localhost'\ndeploy = 'true'", "compare-swaps: only the bundled stack"),
        ([], "compose = 'compose.yaml'", "compare-swaps: only the bundled stack"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_one_message_before_anything_starts(
    options, settings, told, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(command, "_refuse_silent_engine", lambda: pytest.fail("too late"))
    if settings == "EMPTY":
        names = ("get-reused", "get-new", "write", "https-page", "https-new", "https-resume",
                 "cached", "asset", "slow")  # fmt: skip
        settings = "".join(f"traffic.{name} = 0\n" for name in names)
    project(f"[tool.harness]\n{settings}", tmp_path)
    assert main(["compare-swaps", *options]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert len(error.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["pyproject.toml"]


def test_without_an_engine_nothing_is_left(tmp_path, monkeypatch, capsys):
    def silent():
        raise docker.errors.DockerException("Error while fetching server API version")

    monkeypatch.setattr(docker, "from_env", silent)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    assert main(["compare-swaps", "--strategies=drain,recreate"]) == 2
    assert capsys.readouterr().err.startswith("harness: engine: no Docker engine answers")
    assert list(tmp_path.iterdir()) == []


def test_every_strategy_there_is_runs_by_default():
    plan = planned(asked({}), None, None)
    assert plan.strategies == tuple(STRATEGIES)
    assert (plan.rounds, plan.swaps, plan.rate_hz) == (5, SHORT["swaps"], 300.0)


def test_runs_are_short_unless_somebody_says_otherwise(tmp_path):
    project("[tool.harness]\nsteady_s = 7.0\ncalibrate = true\n", tmp_path)
    settings = asked({"swaps": "4"})
    assert (settings.steady_s, settings.calibrate) == (7.0, True)
    assert settings.swaps == 4
    assert settings.warmup_s == SHORT["warmup_s"]


def test_a_strategy_named_twice_runs_once():
    assert planned(asked({}), "drain, rolling,drain", "2").strategies == ("drain", "rolling")


@pytest.mark.parametrize("name", ["magic", "Drain"])
def test_an_unknown_strategy_is_refused_with_those_that_there_are(name):
    with pytest.raises(NotJudgedError, match=r"choose one of: .*scale-then-stop"):
        planned(asked({}), f"drain,{name}", None)


def carried_out(monkeypatch, verdicts):
    """Without an engine: each run of a strategy is judged as it is told."""
    monkeypatch.setattr(command, "_refuse_silent_engine", lambda: None)

    def run(todo):
        found = verdicts[todo.scenario.swap]
        if isinstance(found, Exception):
            raise found
        result = ran(verdict=found, failed=9 if found is Verdict.failed else 0)
        (todo.folder / "result.json").write_text(dump(result))
        return Judged(result=result, folder=todo.folder)

    monkeypatch.setattr(command, "carry_out_run", run)
    return main(["compare-swaps", "--strategies=drain,recreate", "--rounds=1", "--seed=5"])


def test_a_comparison_that_was_made_exits_0_whatever_the_strategies_did(
    monkeypatch, capsys, tmp_path
):
    assert carried_out(monkeypatch, {"drain": Verdict.passed, "recreate": Verdict.failed}) == 0
    out = capsys.readouterr().out
    assert "2 runs, seed 5: some 1 min" in out
    assert "drain drops nothing in 2 swaps" in out
    [folder] = (tmp_path / "reports" / "compare-swaps").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        "plan.json", "runs.jsonl", "compare.json", "index.html", "index.md",
    }  # fmt: skip


@pytest.mark.parametrize("end", [Verdict.inconclusive, NotJudgedError("the old release is silent")])
def test_one_of_which_no_run_counts_was_not_compared(end, monkeypatch, capsys):
    assert carried_out(monkeypatch, {"drain": Verdict.passed, "recreate": end}) == 2
    printed = capsys.readouterr()
    assert "no run counts of recreate" in printed.err
    assert "recreate: nothing can be said, none of 1 run counts" in printed.out


def test_a_comparison_goes_on_where_nobody_reads_what_it_prints(monkeypatch, capsys, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert carried_out(monkeypatch, {"drain": Verdict.passed, "recreate": Verdict.failed}) == 0
    [line] = capsys.readouterr().err.splitlines()
    assert line == "harness: standard output: Broken pipe: what follows is not shown"
    [folder] = (tmp_path / "reports" / "compare-swaps").iterdir()
    assert len((folder / "runs.jsonl").read_text().splitlines()) == 2
