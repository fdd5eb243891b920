"""A settings file to begin with: it loads, and so does each line that is set in it."""

import os
import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import cli
from harness.config import Settings, load
from harness.init.found import Found, look
from harness.init.template import GROUPS, rendered
from harness.model.errors import NotJudgedError
from harness.toml_text import key_of, value_text

ALL = Found(
    compose="compose.yaml",
    services=("web", "worker"),
    dockerfile="Dockerfile",
    port=8080,
    health="/healthz",
)
SETTING = re.compile(r"#(?! )(.+)")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def docker(folder, monkeypatch, script):
    """A `docker` that is found before any other."""
    path = folder / "bin" / "docker"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")


def settings_lines(text):
    return [match[1] for line in text.splitlines() if (match := SETTING.fullmatch(line))]


@pytest.mark.parametrize("found", [Found(), ALL])
def test_it_loads_as_it_is_and_sets_nothing(folder, found):
    (folder / "harness.toml").write_text(rendered(found))
    settings = load(folder=folder)
    assert settings.model_fields_set == set()


@pytest.mark.parametrize("found", [Found(), ALL])
def test_each_line_is_a_setting_once_its_sign_is_taken_away(folder, found):
    lines = settings_lines(rendered(found))
    for line in lines:
        (folder / "harness.toml").write_text(line)
        assert len(load(folder=folder).model_fields_set) == 1, line


def test_every_setting_is_there_once():
    keys = [line.split(" = ")[0] for line in settings_lines(rendered(Found()))]
    assert sorted(keys) == sorted(map(key_of, Settings.model_fields))


def test_every_setting_that_has_a_default_stands_with_it_or_with_an_example():
    """Where the default is nothing, an empty text or table tells nobody what could stand there."""
    for line in settings_lines(rendered(ALL)):
        value = line.split(" = ", 1)[1].split("  #")[0].strip()
        assert value not in {"{}", "[]"}, line


def test_no_group_names_a_setting_twice():
    names = [name for group in GROUPS for name in group.names]
    assert len(names) == len(set(names))


def test_prose_is_told_from_settings_by_a_blank():
    for line in rendered(ALL).splitlines():
        assert not line or line.startswith("# ") or SETTING.fullmatch(line)


def test_without_a_pyproject_it_writes_a_file_of_its_own(folder, capsys):
    assert cli.main(["init"]) == 0
    assert capsys.readouterr().out.startswith("harness.toml written")
    assert (folder / "harness.toml").read_text() == rendered(Found())
    assert [each.name for each in folder.iterdir()] == ["harness.toml"]


@pytest.mark.parametrize(
    "before",
    [
        b"",
        b'[project]\nname = "shop"\n',
        b'[project]\nname = "shop"  # no end of line',
        b'[project]\r\nname = "shop"\r\n',
        '[tool.other]\nname = "Gr\u00fc\u00df"\n\n\n'.encode(),
        b"[[tool.other.list]]\nx = 1\n",
    ],
)
def test_into_a_pyproject_it_is_appended_and_all_else_keeps_its_bytes(folder, before):
    project = folder / "pyproject.toml"
    project.write_bytes(before)
    assert cli.main(["init"]) == 0
    after = project.read_bytes()
    assert after.startswith(before)
    assert b"\n[tool.harness]" in b"\n" + after
    assert tomllib.loads(after.decode())["tool"]["harness"] == {}
    old = tomllib.loads(before.decode())
    assert {**old, "tool": {**old.get("tool", {}), "harness": {}}} == tomllib.loads(after.decode())
    if b"\r\n" in before:
        assert after.count(b"\n") == after.count(b"\r\n")
    assert load(folder=folder).model_fields_set == set()
    assert not (folder / "harness.toml").exists()


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("[tool.harness]\nrate = 50\n", "init: pyproject.toml has [tool.harness] already"),
        ("[tool]\nharness = 3\n", "init: pyproject.toml has [tool.harness] already"),
        ("tool = {other = 1}\n", "init: pyproject.toml cannot take [tool.harness] at its end"),
        ("tool = 3\n", "init: pyproject.toml cannot take [tool.harness] at its end"),
        ("[tool.harness\n", "pyproject.toml is not valid TOML"),
    ],
)
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_pyproject_that_cannot_take_it_stays_as_it_is(folder, capsys, before, said, force):
    (folder / "pyproject.toml").write_text(before)
    assert cli.main(["init", *force]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert said in line
    assert (folder / "pyproject.toml").read_text() == before
    assert [each.name for each in folder.iterdir()] == ["pyproject.toml"]


@pytest.mark.parametrize("project", [None, "[project]\nname = 'shop'\n"])
def test_a_file_of_its_own_is_written_over_only_by_force(folder, capsys, project):
    """Never into pyproject.toml beside it: two places in one folder are refused when they load."""
    if project:
        (folder / "pyproject.toml").write_text(project)
    (folder / "harness.toml").write_text("rate = 50\n")
    assert cli.main(["init"]) == 2
    assert "harness.toml is there already; write over it with --force" in capsys.readouterr().err
    assert load(folder=folder).rate == 50
    assert cli.main(["init", "--force"]) == 0
    assert load(folder=folder).rate == 300
    if project:
        assert (folder / "pyproject.toml").read_text() == project


@pytest.mark.parametrize("has_project", [False, True])
def test_to_look_at_it_nothing_is_written(folder, capsys, has_project):
    if has_project:
        (folder / "pyproject.toml").write_text("[tool.harness]\nrate = 50\n")
    before = {each.name: each.read_bytes() for each in folder.iterdir()}
    assert cli.main(["init", "--stdout"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("[tool.harness]\n" if has_project else "# Settings of the")
    tomllib.loads(text)
    assert {each.name: each.read_bytes() for each in folder.iterdir()} == before


def test_a_folder_that_cannot_be_written_is_one_message(folder, capsys):
    (folder / "harness.toml").mkdir()
    assert cli.main(["init"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "harness.toml: Is a directory" in line


def test_an_empty_folder_says_nothing(folder):
    assert look(folder) == Found()


def test_a_dockerfile_tells_its_port_and_its_health_check(folder):
    (folder / "Dockerfile").write_text(
        "FROM base\nexpose  8080/tcp 9090\nEXPOSE 7\n# EXPOSE 1\n"
        "HEALTHCHECK --interval=5s --timeout=2s \\\n"
        '  CMD curl --fail "http://localhost:8080/healthz?deep=1" || exit 1\n'
    )
    found = look(folder)
    assert (found.dockerfile, found.port) == ("Dockerfile", 8080)
    assert found.health == "/healthz?deep=1"
    assert "# Found Dockerfile; it says port 8080, health check /healthz?deep=1.\n" in rendered(
        found
    )


@pytest.mark.parametrize(
    "text",
    ["FROM base\n", "EXPOSE $PORT\nHEALTHCHECK NONE\n", "EXPOSE 70000\n", "# EXPOSE 80\n"],
)
def test_a_dockerfile_that_does_not_tell_is_found_all_the_same(folder, text):
    (folder / "Dockerfile").write_text(text)
    assert look(folder) == Found(dockerfile="Dockerfile")
    assert "# Found Dockerfile.\n" in rendered(look(folder))


def test_a_compose_file_is_found_with_its_services(folder, monkeypatch):
    docker(folder, monkeypatch, '[ "$*" = "compose --file compose.yml config --services" ] && '
           "printf 'worker\\nweb\\n'")  # fmt: skip
    (folder / "compose.yml").touch()
    (folder / "docker-compose.yml").touch()
    found = look(folder)
    assert (found.compose, found.services) == ("compose.yml", ("web", "worker"))
    assert "# Found compose.yml; its services: web, worker.\n" in rendered(found)


@pytest.mark.parametrize(
    "script", ["echo web; exit 1", "true", "echo 'Usage: docker [OPTIONS]'", "printf 'a\\033[2J'"]
)
def test_services_that_are_not_listed_are_not_guessed(folder, monkeypatch, script):
    docker(folder, monkeypatch, script)
    (folder / "compose.yaml").write_text("services:\n  web:\n    image: x\n")
    found = look(folder)
    assert (found.compose, found.services) == ("compose.yaml", None)
    assert "`docker compose config --services` lists them" in rendered(found)


TEXTS = st.text(st.characters(codec="utf-8"))
SINGLE = st.booleans() | st.integers(-(2**60), 2**60) | TEXTS | st.floats(allow_nan=False)
VALUES = st.recursive(
    SINGLE, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8
)


@given(VALUES)
def test_a_value_is_read_back_as_it_was(value):
    assert tomllib.loads(f"x = {value_text(value)}  # said")["x"] == value


def test_what_toml_has_no_value_of_is_refused():
    with pytest.raises(TypeError, match="no value in TOML"):
        value_text(None)


def test_a_wrong_edit_of_it_names_the_nearest_key(folder):
    (folder / "harness.toml").write_text(rendered(Found()).replace("#rate =", "rat ="))
    with pytest.raises(NotJudgedError, match="did you mean 'rate'"):
        load(folder=folder)
