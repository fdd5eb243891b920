"""The action: its file is what the platform takes, and its steps do what they say."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # bokeh's own dependency

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"]}
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")
"""As the platform calls it for `shell: bash`."""


def test_it_is_a_composite_action_whose_texts_are_texts():
    assert ACTION["runs"]["using"] == "composite"
    assert ACTION["name"]
    assert ACTION["description"]
    for one in (*ACTION["inputs"].values(), *ACTION["outputs"].values()):
        assert one["description"]
    for one in ACTION["inputs"].values():
        assert isinstance(one["default"], str)


def test_each_step_either_uses_an_action_of_the_platform_or_runs_in_bash():
    for step in STEPS.values():
        if "uses" in step:
            action, _, ref = step["uses"].partition("@")
            assert (action.partition("/")[0], bool(ref)) == ("actions", True)
        else:
            assert step["shell"] == "bash"


def test_no_input_is_put_into_the_text_of_a_script():
    for step in STEPS.values():
        assert "${{" not in step.get("run", "")


def test_what_the_outputs_and_conditions_name_is_there():
    verify = STEPS["Verify"]
    assert verify["id"] == "verify"
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.verify.outputs.{name} }}}}"
        assert f'"{name}=$' in verify["run"]
    assert STEPS["Report"]["if"].startswith("always()")
    named = [value for step in STEPS.values() for value in step.get("env", {}).values()]
    for value in named:
        for name in shlex.split(value.strip("${} ").replace("||", " ")):
            if name.startswith("inputs."):
                assert name.removeprefix("inputs.") in ACTION["inputs"]


@pytest.mark.parametrize("name", [name for name, step in STEPS.items() if "run" in step])
def test_scripts_are_bash(name):
    done = subprocess.run(
        ["bash", "-n"], input=STEPS[name]["run"], text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


class Step:
    """The step Verify, in a folder of its own."""

    def __init__(self, folder, harness):
        self.folder = folder
        bin_ = folder / "temp" / "harness" / "bin"
        bin_.mkdir(parents=True)
        for name, text in (("python", f'exec {sys.executable} "$@"'), ("harness", harness)):
            (bin_ / name).write_text(f"#!/bin/sh\n{text}\n")
            (bin_ / name).chmod(0o755)
        self.outputs = folder / "outputs"

    def run(self, arguments, reports="reports"):
        """Its exit code, its outputs, and what it printed."""
        self.outputs.write_text("")
        done = subprocess.run(
            [*BASH, "-c", STEPS["Verify"]["run"]],
            env=os.environ
            | {
                "RUNNER_TEMP": str(self.folder / "temp"),
                "GITHUB_OUTPUT": str(self.outputs),
                "HARNESS_ARGUMENTS": arguments,
                "HARNESS_REPORTS": reports,
                "PYTHONPATH": str(ROOT),
            },
            cwd=self.folder,
            text=True,
            capture_output=True,
            check=False,
            timeout=300,
        )
        told = dict(line.split("=", 1) for line in self.outputs.read_text().splitlines())
        return done.returncode, told, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(0, "pass"), (1, "fail"), (2, "not judged"), (3, "inconclusive"), (130, "interrupted")],
)
@pytest.mark.parametrize("is_absolute", [False, True])
def test_the_exit_code_is_passed_on_and_named(tmp_path, code, verdict, is_absolute):
    """A run that an earlier step left is not taken for this one's."""
    reports = str(tmp_path / "kept") if is_absolute else "kept"
    old = tmp_path / "kept" / "zebra" / "r9"
    old.mkdir(parents=True)
    os.utime(old, (1, 1))
    step = Step(tmp_path, f'mkdir -p "$3/drain/r1" && exit {code}')
    found, told, _ = step.run("", reports)
    assert found == code
    assert told == {"verdict": verdict, "report": str(tmp_path / "kept" / "drain" / "r1")}


def test_arguments_are_words_as_on_a_command_line_over_many_lines(tmp_path):
    step = Step(tmp_path, 'printf "<%s>" "$@"')
    text = (
        "--rate 50\n  --deploy 'kubectl  set image; echo \"$HOME\" `id`'\n--expect-text \"a b\" ''"
    )
    _, told, printed = step.run(text)
    assert printed == (
        "<verify><--reports><reports><--rate><50><--deploy>"
        '<kubectl  set image; echo "$HOME" `id`><--expect-text><a b><>'
    )
    assert told == {"verdict": "pass", "report": ""}


def test_a_quote_that_is_not_closed_is_no_verdict(tmp_path):
    code, _, printed = Step(tmp_path, "exit 0").run("--deploy 'make")
    assert code == 2
    assert "harness: arguments: a quote is not closed" in printed


@pytest.fixture
def shop(tmp_path):
    """A website that Python brings along; its address."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "index.html").write_text("Welcome to v1")
    server = subprocess.Popen(
        [
            *(sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1"),
            *("--protocol", "HTTP/1.1", "--directory", "shop"),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.stdout is not None
    port = server.stdout.readline().split(" port ")[1].split()[0]
    yield f"http://127.0.0.1:{port}/"
    server.kill()
    server.wait()
    server.stdout.close()


def test_a_deploy_that_drops_requests_turns_the_step_red_and_leaves_a_report(tmp_path, shop):
    step = Step(tmp_path, f'exec {sys.executable} -m harness.cli "$@"')
    code, told, printed = step.run(
        f"""--url {shop} --rate 40 --expect-text Welcome --release body --no-calibrate
        --warmup 0.2 --steady 1 --after 3
        --deploy 'rm shop/index.html; sleep 0.5; echo "Welcome to v2" > shop/index.html'"""
    )
    assert (code, told["verdict"]) == (1, "fail"), printed
    folder = Path(told["report"])
    assert folder.parent == tmp_path / "reports" / "deploy"
    assert {"report.html", "junit.xml", "summary.md", "result.json"} <= {
        each.name for each in folder.iterdir()
    }


def test_a_wrong_setting_is_not_judged_and_leaves_nothing_to_upload(tmp_path):
    step = Step(tmp_path, f'exec {sys.executable} -m harness.cli "$@"')
    code, told, printed = step.run("--rate fast")
    assert (code, told) == (2, {"verdict": "not judged", "report": ""})
    assert "rate = 'fast'" in printed
