"""Whatever a scenario is called, its runs lie in one folder among the reports."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import load
from harness.kept import point_latest, scenario_name
from harness.model.errors import NotJudgedError
from harness.report.index import reports_folder
from harness.verify import plan

AT_A_URL = {"url": "http://127.0.0.1:9/", "deploy": "true"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("drain", "drain"),
        ("test_swap[drain-3 replicas]", "test_swap[drain-3 replicas]"),
        ("größe", "größe"),
        ("test_x[/home]", "test_x[-home]"),
        ("test_x[a\\b]", "test_x[a-b]"),
        ("../../x", "x"),
        (".hidden", "hidden"),
        ("a\x1b[31m\nb\0c\udc80", "a-[31m-b-c-"),
    ],
)
def test_a_name_becomes_that_of_a_folder(name, shown):
    assert scenario_name(name) == shown


@pytest.mark.parametrize("name", ["..", ".", "/", " ", "latest", "Latest", "index.html"])
def test_a_name_that_none_can_have_is_refused(name):
    with pytest.raises(NotJudgedError, match=r"^name: .* choose another name$"):
        scenario_name(name)


def test_long_names_are_cut_and_stay_apart():
    one, other = (scenario_name(f"test_{'ß' * 300}{end}") for end in "ab")
    assert one != other
    assert one.startswith("test_ßßß")
    assert max(len(one.encode()), len(other.encode())) <= 209


@given(st.text(min_size=1))
def test_no_name_leaves_the_reports_folder(name):
    try:
        shown = scenario_name(name)
    except NotJudgedError:
        return
    assert "/" not in shown
    assert shown not in {".", "..", "latest"}
    assert len(shown.encode()) <= 209
    assert scenario_name(shown) == shown or len(shown.encode()) > 200


@pytest.mark.parametrize("settings", [{}, AT_A_URL])
@pytest.mark.parametrize("name", ["test_x[/home]", "../../outside", f"test_{'x' * 300}"])
def test_a_run_of_any_name_lies_where_the_index_and_latest_find_it(tmp_path, settings, name):
    reports = tmp_path / "reports"
    todo = plan(load({**settings, "reports": reports}, folder=tmp_path), name=name)
    assert todo.folder.parent.parent == reports
    assert todo.folder.parent.name == todo.scenario.name
    assert reports_folder(todo.folder, todo.scenario.name, todo.run) == reports
    point_latest(todo.folder)
    assert (reports / "latest").resolve() == todo.folder
    assert {path.name for path in tmp_path.iterdir()} == {"reports"}
