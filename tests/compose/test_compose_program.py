"""`docker compose` as a program: what it lacks, what it complains of, and how it is told."""

import pytest
from projects import PROXIED

from harness.model.errors import NotJudgedError
from harness.stack.compose.program import Program, RefusedError, SilentProgramError, files_of


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "shop" / "compose.yaml"
    path.parent.mkdir()
    path.write_text("services: {}\n")
    return path


def refusal(ask):
    with pytest.raises(NotJudgedError) as caught:
        ask()
    return str(caught.value)


def test_no_docker_command_is_said(file, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(Program([file], "p").version) == (
        "compose: there is no `docker` command on PATH; install Docker"
    )


def test_a_docker_command_without_compose_is_said(file, docker):
    docker(version=(1, "", "docker: 'compose' is not a docker command.\nSee 'docker --help'\n"))
    said = refusal(Program([file], "p").version)
    assert said.startswith("compose: `docker compose` does not work here (docker: 'compose' is not")
    assert "install Compose v2" in said


@pytest.mark.parametrize("version", ["1.29.2", "2.24.3", "v2.3.3"])
def test_one_that_is_too_old_is_said(file, docker, version):
    docker(version=f"{version}\n")
    assert refusal(Program([file], "p").version) == (
        f"compose: `docker compose` is {version}; it must be 2.24.4 or later: update it"
    )


@pytest.mark.parametrize("version", ["2.24.4", "v2.26.1-4", "2.39.0-desktop.1", "5.0.0"])
def test_a_newer_one_will_do(file, docker, version):
    docker(version=f"{version}\n")
    assert Program([file], "p").version() == version


def test_the_files_are_asked_in_their_folder_under_the_name_of_the_run(file, docker):
    calls = docker(config=PROXIED)
    assert Program([file], "harness-x").config() == PROXIED
    assert calls.read_text() == (
        f"{file.parent} compose --ansi never --progress quiet -p harness-x -f {file} "
        "config --format json\n"
    )


def test_a_file_that_does_not_parse_is_refused_in_composes_own_words(file, docker):
    warning = 'time="2026-01-01T00:00:00Z" level=warning msg="`version` is obsolete"\n'
    docker(config=(15, "", f"{warning}yaml: line 1: did not find expected node content\n"))
    assert refusal(Program([file], "p").config) == (
        "compose: compose.yaml cannot be read: yaml: line 1: did not find expected node content; "
        "correct it (`docker compose config` says the same)"
    )


def test_a_failure_without_a_word_has_its_exit_code(file, docker):
    docker(up=(7, "", ""))
    with pytest.raises(RefusedError, match="exit code 7"):
        Program([file], "p").tell("up", "-d", timeout_s=30)


def test_one_that_only_warned_has_its_warnings(file, docker):
    docker(up=(7, "", 'time="x" level=warning msg="odd"\n'))
    with pytest.raises(RefusedError, match="odd"):
        Program([file], "p").tell("up", "-d", timeout_s=30)


def test_one_that_hangs_is_ended(file, docker, tmp_path):
    docker()
    (tmp_path / "bin" / "docker").write_text("#!/bin/sh\nexec sleep 60\n")
    with pytest.raises(SilentProgramError, match=r"it did not end within 0\.2 s"):
        Program([file], "p").tell("up", timeout_s=0.2)


def test_bringing_up_is_testcontainers_own(file, docker):
    calls = docker(up="")
    Program([file], "p").bring_up(timeout_s=30)
    assert calls.read_text().endswith(f"-p p -f {file} up --detach\n")


def test_any_compose_command_acts_on_the_same_project(file, tmp_path):
    other = tmp_path / "o.yaml"
    assert Program([file, other], "p").environment() == {
        "COMPOSE_PROJECT_NAME": "p",
        "COMPOSE_FILE": f"{file}:{other}",
        "COMPOSE_PATH_SEPARATOR": ":",
    }
    odd = tmp_path / "a:b.yaml"
    assert Program([file, odd], "p").environment()["COMPOSE_FILE"] == f"{file};{odd}"


def test_files_are_named_as_in_compose_file(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "more.yaml").touch()
    assert files_of("shop/compose.yaml:more.yaml") == (file, tmp_path / "more.yaml")


def test_a_file_that_is_not_there_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert refusal(lambda: files_of("compose.yml")) == (
        f"compose: compose.yml is no file (looked for in {tmp_path}); correct --compose"
    )
    assert refusal(lambda: files_of(":")).startswith("compose: names no file")
