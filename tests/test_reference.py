"""The reference: made from the code, and never behind it."""

import re
from pathlib import Path

import pytest

from harness import cli, reference
from harness.config import Settings
from harness.exits import EXITS
from harness.toml_text import key_of

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("name", reference.pages())
def test_a_page_is_what_the_code_says(name):
    """Where it is stale, `python -m harness.reference` writes it anew."""
    assert (DOCS / name).read_text("utf-8") == reference.pages()[name]


def rows(name):
    found = {}
    for line in reference.pages()[name].splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells and cells[0] not in {"key", "code"} and not cells[0].startswith("-"):
            found.setdefault(cells[0].strip("`"), cells)
    return found


def test_each_setting_has_a_row_of_its_own():
    found = rows("settings.md")
    assert list(found) == [key_of(name) for name in Settings.model_fields]
    assert {len(cells) for cells in found.values()} == {5}
    assert found["rate"][1:] == [
        "`300.0`",
        "number, ≥ 10, ≤ 100,000",
        "requests a second, in all",
        "`--rate`",
    ]
    assert found["calibrate"][4] == "`--no-calibrate`"
    assert found["path"][2] == "`auto` `edge` `published`"
    assert found["images"][4] == "in a file only"


def test_each_exit_code_has_a_row_and_is_in_the_commands_help(capsys):
    found = rows("exit-codes.md")
    assert {str(one.code) for one in EXITS} <= set(found)
    with pytest.raises(SystemExit):
        cli.main(["verify", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    for one in EXITS:
        assert re.search(rf"\b{one.code} \w", told), one


def test_every_command_but_those_of_a_run_says_what_its_codes_mean():
    [commands] = [
        action.choices for action in cli._parser()._actions if hasattr(action.choices, "keys")
    ]
    text = reference.pages()["exit-codes.md"]
    for command in commands:
        assert f"`harness {command}`" in text


@pytest.fixture
def docs(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "_DOCS", tmp_path)
    return tmp_path


def test_it_writes_what_is_stale_and_checks_without_writing(docs, capsys):
    assert reference.main(["--check"]) == 1
    assert capsys.readouterr().err.count("is stale: run `python -m harness.reference`") == 2
    assert not list(docs.iterdir())
    assert reference.main([]) == 0
    assert {each.name: each.read_text("utf-8") for each in docs.iterdir()} == reference.pages()
    assert reference.main(["--check"]) == 0
    assert reference.main([]) == 0
    assert capsys.readouterr().out.count("written") == 2


def test_where_there_is_no_checkout_it_says_so(docs, capsys):
    docs.rmdir()
    assert reference.main([]) == 2
    assert "run it in a checkout" in capsys.readouterr().err
