import re
from dataclasses import replace

import pytest
from outcomes import failed, hostile, passed

from harness.report.html import GENERATOR
from harness.report.index import index
from harness.report.result_json import dump
from harness.report.write import relist, write_index


def ran(reports, scenario, run, result=None, *, page=True):
    folder = reports / scenario / run
    folder.mkdir(parents=True)
    (folder / "scenario.json").write_text("{}")
    if result is not None:
        (folder / "result.json").write_text(dump(replace(result, scenario=scenario, run=run)))
    if page:
        (folder / "report.html").write_text("")
    return folder


@pytest.fixture
def reports(tmp_path):
    ran(tmp_path, "drain", "20260102T030405Z-aaaa", passed())
    ran(tmp_path, "recreate", "20260102T030406Z-bbbb", failed())
    ran(tmp_path, "drain", "20260101T000000Z-cccc", passed(), page=False)
    (tmp_path / "latest").symlink_to("drain/20260102T030405Z-aaaa")
    return tmp_path


def rows(page):
    return [re.sub(r"<[^>]*>", " ", row) for row in re.findall(r"<tr>(.*)</tr>", page)][1:]


def test_runs_are_listed_newest_first_with_their_figures(reports):
    listed = [row.split() for row in rows(index(reports))]
    assert [row[3] for row in listed] == [
        "20260102T030406Z-bbbb", "20260102T030405Z-aaaa", "20260101T000000Z-cccc",
    ]  # fmt: skip
    assert listed[0][:3] == ["2026-01-02", "03:04:06", "UTC"]
    assert listed[0][4:] == ["recreate", "✗", "fail", "30", "0", "5.0", "700.0", "1", "x", "drain"]
    assert listed[1][4:] == ["drain", "✓", "pass", "0", "0", "5.0", "5.0", "1", "x", "drain"]


def test_a_run_is_linked_to_its_report_where_it_has_one(reports):
    assert re.findall(r'href="([^"]*)"', index(reports)) == [
        "recreate/20260102T030406Z-bbbb/report.html",
        "drain/20260102T030405Z-aaaa/report.html",
    ]


def test_pages_that_rest_on_many_runs_are_listed_before_them(reports):
    assert "<ul>" not in index(reports)
    for page in (
        "catalogue/index.html",
        "compare-swaps/20260102T030405Z-abcd/index.html",
        "compare-swaps/20260103T030405Z-abcd/index.html",
        "bench/20260102T030405Z-abcd/bench.html",
    ):
        (reports / page).parent.mkdir(parents=True)
        (reports / page).touch()
    relist(reports / "bench" / "20260102T030405Z-abcd", "bench")
    listed = (reports / "index.html").read_text()
    assert re.findall(r'href="([^"]*)"', listed)[:4] == [
        "catalogue/index.html",
        "compare-swaps/20260103T030405Z-abcd/index.html",
        "compare-swaps/20260102T030405Z-abcd/index.html",
        "bench/20260102T030405Z-abcd/bench.html",
    ]
    assert "swap strategies side by side, <time>2026-01-03 03:04:05 UTC</time>" in listed


def test_a_page_that_lies_elsewhere_is_listed_nowhere(reports):
    (reports / "mine").mkdir()
    relist(reports / "mine" / "20260102T030405Z-abcd", "bench")
    assert not (reports / "index.html").exists()


def test_somebody_elses_page_is_let_be(reports):
    (reports / "index.html").write_text("mine")
    relist(reports / "bench" / "20260102T030405Z-abcd", "bench")
    assert (reports / "index.html").read_text() == "mine"


@pytest.mark.parametrize("content", ["", "{", "{}", '{"schema": 1}', "\x00"])
def test_a_result_that_cannot_be_read_is_named(reports, content):
    (reports / "drain" / "20260102T030405Z-aaaa" / "result.json").write_text(content)
    listed = rows(index(reports))
    assert len(listed) == 3
    assert "20260102T030405Z-aaaa" in listed[1]
    assert "result.json cannot be read: " in listed[1]


def test_a_run_that_was_not_judged_is_named(reports):
    ran(reports, "drain", "20260103T000000Z-dddd")
    assert "not judged" in rows(index(reports))[0]


def test_an_empty_folder_has_a_page_too(tmp_path):
    assert "None yet." in index(tmp_path)


def test_hostile_names_stay_text(tmp_path):
    ran(tmp_path, "<img src=x>'\"", "<b>&", hostile())
    page = index(tmp_path)
    assert "<img" not in page
    assert "<b>&" not in page
    assert 'href="%3Cimg%20src%3Dx%3E%27%22/%3Cb%3E%26/report.html"' in page


def test_the_index_of_a_runs_reports_folder_is_written(reports):
    result = replace(passed(), scenario="drain", run="20260102T030405Z-aaaa")
    write_index(result, reports / "latest")
    assert GENERATOR in (reports / "index.html").read_text(encoding="utf-8")
    write_index(result, reports / "drain" / "20260102T030405Z-aaaa")
    assert len(list(reports.iterdir())) == 4


@pytest.mark.parametrize(
    "changed", [{"scenario": "other"}, {"run": "20260102T030405Z-ffff"}], ids=["moved", "renamed"]
)
def test_a_copy_of_a_run_elsewhere_gets_no_index_beside_it(reports, changed):
    result = replace(passed(), scenario="drain", run="20260102T030405Z-aaaa")
    write_index(replace(result, **changed), reports / "drain" / "20260102T030405Z-aaaa")
    assert not (reports / "index.html").exists()


def test_a_page_of_somebody_else_is_left_alone(reports):
    (reports / "index.html").write_text("mine")
    result = replace(passed(), scenario="drain", run="20260102T030405Z-aaaa")
    write_index(result, reports / "drain" / "20260102T030405Z-aaaa")
    assert (reports / "index.html").read_text() == "mine"
