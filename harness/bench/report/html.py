"""`bench.html`: one page that opens offline, under 2 MB, with the looks of `report.html`."""

from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Final

from bokeh.embed import components

from harness.bench.report.beside import (
    BESIDE_HEAD,
    BESIDE_NOTE,
    beside,
    past_about,
    past_head,
    past_rows,
    past_why,
)
from harness.bench.report.cells import HEAD, NOTE, about, cells, limit_line, title_of
from harness.bench.report.heat import heat_map
from harness.bench.report.plots import case_plots, past_plot
from harness.bench.report.swapped import swap_line
from harness.bench.result import BenchResult, Case, Past
from harness.report.html import figure_html, head, library, packaged, section
from harness.report.markup import bounded, safe, table

__all__ = ["bench_html"]

_CURVES: Final = 80
"""Most algorithms that are drawn, all cases together; each takes some 4 kB."""
_MOST_BYTES: Final = 130_000
_LEFT_OUT: Final = 50
_ROWS: Final = 200


def bench_html(result: BenchResult) -> str:
    """The sentences first, then all workloads at a glance, then each."""
    curves = accumulate(len(case.algorithms) for case in result.cases)
    most = sum(1 for each in curves if each <= _CURVES)
    drawn = [case_plots(case, number) for number, case in enumerate(result.cases[:most])]
    past = [past_plot(result.past)] if result.past else []
    every = [*past, *(plot for own in drawn for plot in own)]
    script, places = (
        components({plot.name: plot.drawn for plot in every}, wrap_script=False)
        if every
        else ("", {})
    )
    shown = {plot.name: figure_html(plot, places[plot.name]) for plot in every}
    tables = bounded(
        (_table(case) for case in result.cases),
        _MOST_BYTES,
        "<p>{} more tables are in bench.csv.</p>\n",
    )
    figures = "".join(
        f"<h3>{safe(title_of(case), 300)}</h3>\n"
        + ("".join(shown[plot.name] for plot in own) or "<p>Nothing of it can be drawn.</p>\n")
        for case, own in zip(result.cases, drawn, strict=False)
    )
    if len(result.cases) > most:
        figures += (
            f"<p>{len(result.cases) - most} more workloads and loads are in the tables alone.</p>\n"
        )
    return (
        f"{head(f'Benchmark {result.run}')}<body>\n<header>\n"
        f"<h1><b>Balancing algorithms compared</b> {safe(result.run, 100)}</h1>\n"
        f"<p>{safe(about(result))}.</p>\n{_sentences(result)}</header>\n<main>\n"
        f"{section('At a glance', heat_map(result))}"
        f"{section('Workloads', tables + _note(NOTE))}"
        f"{section('Figures', figures)}"
        f"{section('Simulated beside measured', _beside(result))}"
        f"{section('Past this machine', _past(result.past, shown))}"
        f"{section('No evidence', ''.join(_left_out(result)))}"
        f"{section('Environment', _environment(result))}"
        "</main>\n<footer>Drawn from the bench's folder; <code>bench.json</code> there holds the "
        "same for machines.</footer>\n"
        f"<script>{library()}</script>\n<script>{script}</script>\n"
        f"<script>{packaged('page.js')}</script>\n</body>\n</html>\n"
    )


def _sentences(result: BenchResult) -> str:
    items = bounded(
        (f"<li>{safe(case.sentence, 2_000)}</li>\n" for case in result.cases),
        _MOST_BYTES,
        "<li>{} more are in bench.md</li>\n",
    )
    return f'<ul class="causes">\n{items}</ul>\n' if items else ""


def _table(case: Case) -> str:
    rows = [[safe(cell, 80) for cell in row] for row in cells(case)]
    below = filter(None, (limit_line(case), swap_line(case)))
    return (
        f"<h3>{safe(title_of(case), 300)}</h3>\n"
        + table(title_of(case), HEAD, rows, numbers=range(1, len(HEAD)))
        + "".join(_note(f"{line}.") for line in below)
    )


def _beside(result: BenchResult) -> str:
    rows = [[safe(cell, 300) for cell in row] for row in beside(result)]
    if not rows:
        return "<p>No algorithm of this benchmark is simulated.</p>\n"
    left = f"<p>{len(rows) - _ROWS} more are in bench.md</p>\n" if len(rows) > _ROWS else ""
    shown = table("Simulated beside measured", BESIDE_HEAD, rows[:_ROWS], numbers=range(2, 8))
    return shown + left + _note(BESIDE_NOTE)


def _past(past: Past | None, shown: Mapping[str, str]) -> str:
    if past is None:
        return "<p>Nothing of this benchmark can be simulated there.</p>\n"
    said = "".join(f"<li>{safe(text)}</li>\n" for text in past.sentences)
    heads = [safe(name, 80) for name in past_head(past)]
    tables = {
        figure: table(
            f"{figure} in service times",
            heads,
            [[safe(cell, 80) for cell in row] for row in past_rows(past, figure)],
            numbers=(0, *range(2, len(heads))),
        )
        for figure in ("p99", "p50", "mean")
    }
    folded = "".join(
        f"<details><summary>{figure} in service times</summary>\n{tables[figure]}</details>\n"
        for figure in ("p99", "p50", "mean")
    )
    return (
        f'<ul class="causes">\n{said}</ul>\n{_note(past_why(past))}{shown["past"]}{folded}'
        f"{_note(past_about(past))}"
    )


def _note(text: str) -> str:
    return f'<p class="soft">{safe(text)}</p>\n'


def _left_out(result: BenchResult) -> Iterator[str]:
    if not result.left_out:
        yield "<p>None: every round that is done counts.</p>\n"
        return
    yield '<ul class="plain">\n'
    yield from (f"<li>{safe(text, 300)}</li>\n" for text in result.left_out[:_LEFT_OUT])
    if len(result.left_out) > _LEFT_OUT:
        yield f"<li>{len(result.left_out) - _LEFT_OUT:,} more are in bench.json</li>\n"
    yield "</ul>\n"


def _environment(result: BenchResult) -> str:
    known = [("run", result.run), ("judged by", f"harness {result.harness}")]
    known += [(key, str(value)) for key, value in list(result.environment.items())[:60]]
    rows = [(safe(key, 100), f"<code>{safe(value, 300)}</code>") for key, value in known]
    shown = table("Environment", ("what", "value"), rows)
    return f"<details><summary>Versions</summary>\n{shown}</details>\n"
