"""What a comparison looks like: printed, as Markdown, as a page, as JSON."""

import io
import json
import re
from dataclasses import replace

import jsonschema
import pytest
from comparisons import changed, compared, ran, rolled_back, usual
from rich.console import Console

from harness.compare.report.cells import HEAD, cells
from harness.compare.report.compare_json import SCHEMA_FILE, dump, load, schema, schema_text
from harness.compare.report.html import compare_html
from harness.compare.report.markdown import compare_markdown
from harness.compare.report.plots import compare_plots
from harness.compare.report.terminal import compare_text
from harness.model.finding import Verdict

HOSTILE = "<script>alert(1)</script>|`[red]x[/red]\x1b[2J\n## no"


def printed(result, width=80):
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=False, color_system=None)
    console.print(compare_text(result))
    return "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())


def hostile():
    return compared({"drain": [ran(), HOSTILE], "rolling": [ran(failed=3, doubt=HOSTILE), ran()]})


def nothing():
    return compared({"drain": ["died"], "recreate": ["died too"]})


@pytest.mark.parametrize("width", [80, 160])
def test_the_printed_comparison_is_the_golden_one(width, golden):
    golden(f"compare-terminal-{width}.txt", printed(usual(), width))


def test_the_markdown_is_the_golden_one(golden):
    golden("index.md", compare_markdown(usual()))


@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_no_line_of_the_printed_table_is_cut_or_wrapped(width):
    lines = printed(usual(), width).splitlines()
    assert all(len(line) <= width for line in lines)
    rows = [line for line in lines if re.match(r"(drain|rolling|recreate|scale-then-stop) ", line)]
    assert len(rows) == 4


def test_lost_writes_have_their_column_however_narrow_the_terminal():
    def head(result):
        return next(line for line in printed(result, 60).splitlines() if line[:8] == "strategy")

    assert "lost / doubled" in head(usual())
    assert "lost / doubled" not in head(hostile())


def unsure():
    """A store that was never read, one that was read once, and a swap that failed."""
    unread = changed(ran(failed=3), "writes", Verdict.inconclusive)
    return compared({"a": [unread, unread], "b": [unread, ran()], "c": [rolled_back(), ran()]})


def test_what_is_not_known_of_writes_is_no_zero():
    writes, swaps = HEAD.index("lost / doubled"), HEAD.index("swaps")
    shown = {line[0]: (line[writes], line[swaps]) for line in cells(unsure())}
    assert shown == {
        "a": ("not known", "4"),
        "b": ("0 / 0 of 500 + ?", "4"),
        "c": ("0 / 0 of 1,000", "2, 1 failed"),
    }
    assert "not known" in printed(unsure(), 40)


@pytest.mark.parametrize("make", [usual, hostile, nothing, unsure])
def test_json_loads_as_it_was_and_fits_the_schema(make):
    result = make()
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(dump(result)), schema())
    assert dump(load(dump(result))) == dump(result)


def test_the_committed_schema_is_the_generated_one():
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("make", [usual, hostile, nothing])
def test_the_page_has_every_row_and_run_and_fetches_nothing(make):
    result = make()
    page = compare_html(result)
    assert page.count("<tr><td>") >= len(result.rows) + len(result.runs)
    own = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert re.findall(r'(?:src|href)="(?:https?:)?//', own) == []
    assert len(page.encode()) < 2_000_000
    for line in result.runs:
        if line.verdict:
            assert f'<a href="{line.folder}/report.html">' in page
    assert all(name in page for name in HEAD)


def test_what_a_run_said_is_neither_html_nor_markdown_nor_an_escape_sequence():
    result = hostile()
    page = compare_html(result)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\n## no" not in compare_markdown(result)
    assert "\x1b" not in printed(result) + compare_markdown(result) + page


def test_each_plot_says_the_least_and_the_most():
    said = {plot.name: plot.said for plot in compare_plots(usual())}
    assert said["failed-share"].startswith(
        "Least: drain, 0 % (0 to 0.02496). Most: recreate, 10.04"
    )
    assert set(said) == {"failed-share", "added-p99-ms", "outage-ms", "swap-s"}
    assert compare_plots(nothing()) == ()
    assert "there is nothing to draw" in compare_html(nothing())


def test_an_interval_that_is_drawn_is_the_tables():
    result = usual()
    drawn = next(plot for plot in compare_plots(result) if plot.name == "added-p99-ms").drawn
    source = drawn.renderers[0].data_source.data
    by_name = {row.strategy: row.figures["added_p99_ms"] for row in result.rows}
    for name, middle, low, high in zip(*(source[key] for key in ("at", "middle", "low", "high")),
                                       strict=True):  # fmt: skip
        found = by_name[name]
        assert middle == pytest.approx(found.middle, abs=1e-5)
        ends = (found.middle if end is None else end for end in (found.low, found.high))
        assert (low, high) == pytest.approx(tuple(ends), abs=1e-5)
    assert "recreate" not in source["at"], "no p99 of it is resolved"


def test_one_run_that_does_not_count_is_one():
    assert "; 1 run does not count." in printed(replace(hostile(), rows=hostile().rows))
