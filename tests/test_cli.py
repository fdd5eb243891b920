"""The command: one message for what goes wrong on purpose, and the exit codes."""

import argparse
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import docker
import docker.errors
import pytest

from harness import __version__, cli
from harness.config import Settings
from harness.limits import TWINS
from harness.model.errors import (
    HarnessError,
    Interrupted,
    MissingEvidenceError,
    NotJudgedError,
    ReleaseError,
)
from harness.model.finding import Finding, Verdict
from harness.model.result import Requests, Result
from harness.verify import Judged

NOWHERE = "unix:///nonexistent/docker.sock"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    """The command writes to the folder that it is called in, and takes over signals."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", NOWHERE)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture
def no_engine(monkeypatch):
    """As docker-py says it, without the socket that it leaves to the collector."""

    def silent():
        raise docker.errors.DockerException("Error while fetching server API version")

    monkeypatch.setattr(docker, "from_env", silent)


def run(*arguments):
    """Exit code of the command, of argparse's own exits too."""
    try:
        return cli.main(arguments)
    except SystemExit as ending:
        return ending.code


def files_below(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def judged(verdict, **more):
    result = Result(
        schema=1,
        harness=__version__,
        run="r1",
        scenario="drain",
        verdict=verdict,
        sentence=f"a sentence that says {verdict.value}",
        findings=(Finding(check="c", verdict=verdict, message="found"),),
        requests=Requests(planned=1, sent=1, ok=1, failed=0, unknown=0, by_outcome={"ok": 1}),
        latency_ms={},
        outages=(),
        marks=(),
        environment={},
        drop_bound=None,
    )
    return Judged(result=result, folder=Path("reports/drain/r1"), **more)


@pytest.mark.parametrize(
    "command", [[], ["verify"], ["bench"], ["compare-swaps"], ["report"], ["clean"]]
)
def test_help_renders(command, capsys):
    assert run(*command, "--help") == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: harness{''.join(' ' + word for word in command)}")


def test_help_names_exit_codes_and_each_setting_with_its_default(capsys):
    run("verify", "--help")
    text = " ".join(capsys.readouterr().out.split())
    for code in ("0 pass", "1 fail", "2 nothing was judged", "3 inconclusive", "130 Ctrl-C"):
        assert code in text
    for name, field in Settings.model_fields.items():
        if name not in {"images", "plugins", "traffic"}:
            no = "no-" if field.default is True else ""
            said = {"streams": "stream"}.get(name, name.replace("_", "-"))
            assert f"--{no}{said} " in text
            if name.endswith("_s"):
                assert f"--{name.replace('_', '-').removesuffix('-s')} " in text
            assert field.description in text
    assert "requests a second, in all (default 300.0)" in text
    assert "--path auto|edge|published" in text


def test_version_is_the_packages(capsys):
    assert run("--version") == 0
    assert capsys.readouterr().out.strip() == __version__


@pytest.mark.parametrize(
    "arguments",
    [[], ["deploy"], ["report"], ["report", "a", "b"], ["verify", "--rats", "1"], ["clean", "x"]],
)
def test_wrong_usage_exits_2(arguments, capsys):
    assert run(*arguments) == 2
    assert "usage: harness" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rate", "0"], "rate = '0'"),
        (["--rate", "-5"], "rate = '-5'"),
        (["--rate", "fast"], "rate = 'fast'"),
        (["--edge-port", "70000"], "edge_port = '70000'"),
        (
            ["--swap", "bluegreen"],
            "unknown strategy 'bluegreen'; choose one of: drain, rolling, blue-green",
        ),
        (["--swap", "canary", "--algorithm", "source"], "'source' takes no other ones while it"),
        (["--batch", "2"], "batch = 2 is of swap rolling, and swap is drain"),
        (["--algorithm", "fastest"], "algorithm: 'fastest' is not one of HAProxy's; choose"),
        (["--reports", "taken"], "reports: cannot write to taken"),
    ],
)
def test_a_wrong_setting_exits_2_with_one_line_and_leaves_nothing(
    tmp_path, capsys, arguments, said
):
    (tmp_path / "taken").write_text("a file")
    assert run("verify", *arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("harness: ")
    assert said in line
    assert files_below(tmp_path) == ["taken"]


def test_a_wrong_file_exits_2(tmp_path, capsys):
    (tmp_path / "pyproject.toml").write_text("[tool]\nharness = 3\n")
    assert run("verify") == 2
    assert "must be a table" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["verify", "clean"])
def test_without_an_engine_there_is_one_line_with_the_remedy_and_no_folder(
    tmp_path, capsys, no_engine, monkeypatch, command
):
    monkeypatch.delenv("DOCKER_HOST")
    assert run(command) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line == (
        "harness: engine: no Docker engine answers; run `make setup`, or start Docker "
        "(`systemctl start docker`, or Docker Desktop)"
    )
    assert not list(tmp_path.glob("reports/*"))


def test_the_real_command_without_an_engine_ends_without_a_traceback(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", "verify"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert f"no Docker engine answers at DOCKER_HOST={NOWHERE}" in line
    # Where starting takes over two seconds, the live line has told so: nothing was sent, or judged.
    assert all(re.fullmatch(r" *\d+\.\d s  (up|down)", line) for line in done.stdout.splitlines())
    assert files_below(tmp_path) == []


def test_a_socket_that_refuses_this_user_is_one_line(capsys, monkeypatch):
    def refuses():
        raise docker.errors.DockerException("PermissionError(13, 'Permission denied')")

    monkeypatch.setattr(docker, "from_env", refuses)
    assert run("clean") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "permission denied" in line
    assert "`docker` group" in line


def test_a_run_that_left_a_log_keeps_its_folder_and_names_it(tmp_path, capsys, monkeypatch):
    def fails(run_id, scenario, parts, folder):
        (folder / "logs").mkdir()
        (folder / "logs" / "balancer.printed.txt").write_text("[ALERT]")
        raise NotJudgedError("balancer: HAProxy did not start")

    monkeypatch.setattr("harness.verify.execute", fails)
    assert run("verify") == 2
    known, said = capsys.readouterr().err.splitlines()
    assert said == "harness: balancer: HAProxy did not start"
    folder = Path(known.removeprefix("harness: what is known of this run: "))
    assert files_below(folder) == ["logs/balancer.printed.txt"]
    assert not (tmp_path / "reports" / "latest").exists()


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotJudgedError("x"), 2),
        (MissingEvidenceError("x"), 3),
        (ReleaseError("x"), 2),
        (HarnessError("x"), 2),
        (Interrupted("x"), 130),
        (KeyboardInterrupt(), 130),
        (PermissionError(13, "Permission denied", "/x"), 2),
    ],
)
def test_each_kind_of_error_has_its_exit_code_and_one_line(monkeypatch, capsys, error, code):
    def fails(*_):
        raise error

    monkeypatch.setattr(cli, "judge_folder", fails)
    assert run("report", "folder") == code
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("harness: ")


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.touch()])
def test_a_folder_that_is_no_runs_exits_2(tmp_path, capsys, make):
    make(tmp_path / "odd")
    assert run("report", "odd") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "expected a run folder with a scenario.json in it" in line


def test_a_damaged_run_exits_2(tmp_path, capsys):
    (tmp_path / "scenario.json").write_text('{"schema": 99}')
    assert run("report", str(tmp_path)) == 2
    assert "expected schema 2, observed 99" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.passed, 0), (Verdict.failed, 1), (Verdict.inconclusive, 3)]
)
@pytest.mark.parametrize("command", ["verify", "report"])
def test_the_verdict_is_printed_and_is_the_exit_code(monkeypatch, capsys, command, verdict, code):
    monkeypatch.setattr(cli, "judge_folder", lambda _: judged(verdict))
    monkeypatch.setattr(cli, "carry_out", lambda _: judged(verdict))
    assert run(*(["report", "x"] if command == "report" else ["verify"])) == code
    assert f"a sentence that says {verdict.value}" in capsys.readouterr().out


def closed_pipe(_):
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "w", encoding="utf-8")


def full_disk(_):
    return Path("/dev/full").open("w", encoding="utf-8")


PRINTED_ON = {
    "a closed pipe": closed_pipe,
    "a full disk": full_disk,
    "ascii": lambda folder: (folder / "out").open("w", encoding="ascii"),
    "latin-1": lambda folder: (folder / "out").open("w", encoding="latin-1"),
}


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.passed, 0), (Verdict.failed, 1), (Verdict.inconclusive, 3)]
)
@pytest.mark.parametrize("kind", PRINTED_ON)
def test_the_exit_code_is_the_verdicts_whatever_becomes_of_the_printing(
    tmp_path, monkeypatch, kind, verdict, code
):
    monkeypatch.setattr(cli, "judge_folder", lambda _: judged(verdict))
    with PRINTED_ON[kind](tmp_path) as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert run("report", "x") == code
    if (tmp_path / "out").exists():
        shown = (tmp_path / "out").read_text(kind)
        assert f"drain: a sentence that says {verdict.value}" in shown


@pytest.mark.parametrize(
    ("verdict", "code"), [(Verdict.passed, 3), (Verdict.failed, 1), (Verdict.inconclusive, 3)]
)
def test_a_pass_that_nobody_can_look_up_later_is_none(monkeypatch, capsys, verdict, code):
    monkeypatch.setattr(cli, "judge_folder", lambda _: judged(verdict, unwritten="disk full"))
    assert run("report", "x") == code
    assert "disk full; free some space and run `harness report" in capsys.readouterr().err


def test_settings_reach_the_plan(monkeypatch):
    seen = []

    def carry_out(todo):
        seen.append(todo)
        return judged(Verdict.passed)

    monkeypatch.setattr(cli, "carry_out", carry_out)
    run("verify", "--rate", "40", "--swaps=3", "--seed", "5", "--reports", "elsewhere")
    [todo] = seen
    assert todo.scenario.traffic.rate_hz == pytest.approx(40)
    assert (todo.scenario.swaps, todo.scenario.seed) == (3, 5)
    assert todo.folder.parent == Path("elsewhere/drain")
    assert todo.parts.environment["seed"] == 5


@pytest.mark.parametrize("ending", ["", "-s"])
def test_seconds_may_be_said_or_left_out(monkeypatch, ending):
    seen = []
    monkeypatch.setattr(cli, "carry_out", lambda todo: seen.append(todo) or judged(Verdict.passed))
    run("verify", f"--steady{ending}", "7", f"--drain-timeout{ending}=9")
    assert seen[0].scenario.timing.steady_s == 7
    assert seen[0].scenario.settings["drain_timeout_s"] == 9


AT_A_URL = ("--url", "https://127.0.0.1:8443/shop?q=1", "--deploy", "true")


def test_a_url_and_its_deploy_reach_the_plan_and_no_engine_is_asked(monkeypatch):
    seen = []
    monkeypatch.setattr(cli, "carry_out", lambda todo: seen.append(todo) or judged(Verdict.passed))
    run("verify", *AT_A_URL, "--release", "json:v", "--allow-unobserved-release", "--rate=30")
    [todo] = seen
    scenario = todo.scenario
    assert (scenario.name, scenario.target, scenario.swap) == ("deploy", "url", "deploy")
    assert scenario.releases == ("", "")
    assert scenario.traffic.release_from == "json:v"
    assert scenario.limits.unobserved_release
    assert {stream.path for stream in scenario.traffic.streams} == {"/shop?q=1"}
    assert todo.parts.environment["url"] == AT_A_URL[1]
    assert todo.parts.environment["deploy"] == "true"
    assert todo.folder.parent == Path("reports/deploy")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--url", "http://a.test/"), "settings: url needs deploy"),
        (("--deploy", "true"), "settings: deploy is of another target"),
        ((*AT_A_URL, "--replicas", "2"), "settings: replicas is the bundled stack's"),
        ((*AT_A_URL, "--release", "cookie"), "settings: release = 'cookie' (what of an answer"),
        ((*AT_A_URL, "--ca", "none.pem"), "ca: none.pem: No such file or directory"),
        (("--url", "ftp://a.test/", "--deploy", "true"), "must begin with http:// or https://"),
        (("--url", "http://a.test/", "--deploy", "no-such x"), "deploy: command not found"),
    ],
)
def test_a_url_that_cannot_be_verified_exits_2_with_one_line_and_leaves_nothing(
    tmp_path, capsys, arguments, said
):
    assert run("verify", *arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_interrupts_once_and_never_the_removal(capsys, number):
    cli._end_in_order()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), number)
    for again in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), again)
    assert capsys.readouterr().err.count("removing what was started, a moment") == 2


def test_clean_says_what_it_removed_and_what_it_kept(monkeypatch, capsys):
    client = SimpleNamespace(close=lambda: None)
    asked = []

    def sweep(_, *, everything):
        asked.append(everything)
        refused = ("volume d: in use",) if everything else ()
        removed = ("container a", "network b")
        return SimpleNamespace(removed=removed, kept=("container c",), refused=refused)

    monkeypatch.setattr("harness.stack.engine.connect", lambda: client)
    monkeypatch.setattr("harness.stack.engine.sweep", sweep)
    assert run("clean") == 0
    assert capsys.readouterr().out.splitlines() == [
        "removed container a",
        "removed network b",
        "2 objects of dead runs removed, 1 of living runs kept",
    ]
    assert run("clean", "--all") == 2
    assert capsys.readouterr().err == "harness: the engine would not remove volume d: in use\n"
    assert asked == [False, True]


def test_options_are_the_settings_and_nothing_else():
    parser = argparse.ArgumentParser()
    cli.add_settings(parser, prefix="--")
    options = set(re.findall(r"--(?:no-)?([a-z0-9-]+)", parser.format_usage())) - {"help"}
    assert {name.replace("-", "_") for name in options} == (
        set(Settings.model_fields) - {"images", "plugins", "streams", "traffic"}
        | {"stream"}
        | set(TWINS)
    )


def test_pages_and_variables_may_be_said_more_than_once():
    parser = argparse.ArgumentParser()
    cli.add_settings(parser, prefix="--")
    options = parser.parse_args(
        ["--page", "/", "--page", "/items", "--env", "A=1", "--app-env", "B=2"]
    )
    assert cli.given_settings(options) == {"page": ["/", "/items"], "app_env": ["A=1", "B=2"]}
