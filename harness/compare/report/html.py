"""`index.html` of a comparison: one page that opens offline, with the looks of `report.html`."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

from bokeh.embed import components

from harness.compare.report.cells import HEAD, NOTE, RUNS_HEAD, about, cells, run_cells
from harness.compare.report.plots import compare_plots
from harness.compare.result import CompareResult, RunLine
from harness.model.finding import Verdict
from harness.report.html import figure_html, head, library, packaged, section
from harness.report.markup import safe, sign, table

__all__ = ["compare_html"]

_MOST_RUNS: Final = 500


def compare_html(result: CompareResult) -> str:
    """The sentences first, then the table, what is drawn of it, and the runs with their links."""
    drawn = compare_plots(result)
    script, places = (
        components({plot.name: plot.drawn for plot in drawn}, wrap_script=False)
        if drawn
        else ("", {})
    )
    figures = "".join(figure_html(plot, places[plot.name]) for plot in drawn)
    said = "".join(f"<li>{safe(row.sentence, 2_000)}</li>\n" for row in result.rows)
    rows = [[safe(cell, 80) for cell in row] for row in cells(result)]
    side_by_side = table("Strategies side by side", HEAD, rows, numbers=range(1, len(HEAD)))
    scripts = (
        f"<script>{library()}</script>\n<script>{script}</script>\n"
        f"<script>{packaged('page.js')}</script>\n"
        if drawn
        else ""
    )
    return (
        f"{head(f'Swap strategies side by side {result.run}')}<body>\n<header>\n"
        f"<h1><b>Swap strategies side by side</b> {safe(result.run, 100)}</h1>\n"
        f'<p>{safe(about(result))}.</p>\n<ul class="causes">\n{said}</ul>\n</header>\n<main>\n'
        f"{section('Side by side', side_by_side + _note(NOTE))}"
        f"{section('Figures', figures or '<p>No run counts: there is nothing to draw.</p>')}"
        f"{section('Runs', _runs(result.runs))}"
        f"{section('Environment', _environment(result))}"
        "</main>\n<footer>Drawn from the runs&#x27; results; <code>compare.json</code> here holds "
        f"the same for machines.</footer>\n{scripts}</body>\n</html>\n"
    )


def _note(text: str) -> str:
    return f'<p class="soft">{safe(text, 2_000)}</p>\n'


def _runs(runs: tuple[RunLine, ...]) -> str:
    more = (
        f"<p>{len(runs) - _MOST_RUNS:,} more are in compare.json</p>\n"
        if len(runs) > _MOST_RUNS
        else ""
    )
    return table("Runs", RUNS_HEAD, _run_rows(runs[:_MOST_RUNS])) + more


def _run_rows(runs: Iterable[RunLine]) -> Iterable[list[str]]:
    for line in runs:
        number, strategy, verdict, counts, why = (safe(cell, 300) for cell in run_cells(line))
        shown = sign(Verdict(line.verdict)) if line.verdict else verdict
        linked = f'<a href="{quote(f"{line.folder}/report.html")}">{number}</a>'
        yield [linked if line.verdict else number, strategy, shown, counts, why]


def _environment(result: CompareResult) -> str:
    known = [("run", result.run), ("judged by", f"harness {result.harness}")]
    known += [(key, str(value)) for key, value in list(result.environment.items())[:60]]
    rows = [(safe(key, 100), f"<code>{safe(value, 300)}</code>") for key, value in known]
    shown = table("Environment", ("what", "value"), rows)
    return f"<details><summary>Versions</summary>\n{shown}</details>\n"
