"""`report.html`: a run as one page that opens offline, asks nothing of the network, and is bounded.

The plots' library (Bokeh) is inlined from its own package, its core alone. A policy in the page
forbids it every request. All text that a server or a user chose is escaped and cut.
"""

from functools import cache
from importlib.resources import files
from typing import Final

from bokeh.embed import components
from bokeh.resources import Resources

from harness.analysis.history import History
from harness.model.result import Result
from harness.report.around import outages
from harness.report.drawing import Key, Plot
from harness.report.figures import SIGNS
from harness.report.markup import safe
from harness.report.plots import plots
from harness.report.sections import (
    calibration,
    causes,
    environment,
    findings,
    latency,
    resolution,
    verdict,
)

__all__ = ["GENERATOR", "figure_html", "head", "html", "library", "packaged", "section"]

GENERATOR: Final = '<meta name="generator" content="zero-downtime-harness">'
_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
)


def html(history: History, result: Result) -> str:
    """The page. The verdict first, then what carries it."""
    drawn = plots(history)
    script, places = components({plot.name: plot.drawn for plot in drawn}, wrap_script=False)
    shown = {plot.name: figure_html(plot, places[plot.name]) for plot in drawn}
    title = f"{SIGNS[result.verdict]} {result.verdict}: {result.scenario} {result.run}"
    return (
        f"{head(title)}<body>\n"
        f"<header>\n{verdict(history, result)}</header>\n<main>\n"
        f"{section('Findings', findings(result))}"
        f"{section('Over time', shown['latency'] + shown['rates'] + shown['machine'])}"
        f"{section('Percentiles', shown['curves'])}"
        f"{section('Outages and failures', outages(history, result))}"
        f"{section('Causes', causes(result))}"
        f"{section('Resolving power', resolution(result))}"
        f"{section('Latency', latency(result))}"
        f"{section('Calibration', calibration(result))}"
        f"{section('Environment', environment(result))}"
        "</main>\n<footer>Drawn from the run's folder; <code>result.json</code> there holds the "
        "same for machines.</footer>\n"
        f"<script>{library()}</script>\n<script>{script}</script>\n"
        f"<script>{packaged('page.js')}</script>\n</body>\n</html>\n"
    )


def head(title: str) -> str:
    """Up to the body: what this page and the index have in common."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n{GENERATOR}\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{safe(title, 300)}</title>\n<style>{packaged('page.css')}</style>\n</head>\n"
    )


def section(title: str, content: str) -> str:
    name = title.lower().replace(" ", "-")
    return (
        f'<section aria-labelledby="{name}">\n<h2 id="{name}">{title}</h2>\n{content}</section>\n'
    )


def figure_html(plot: Plot, place: str) -> str:
    keys = "".join(_key(key) for key in plot.keys)
    note = f"<p>{safe(plot.note)}</p>" if plot.note else ""
    return (
        f'<figure aria-labelledby="{plot.name}-said">\n<h3>{plot.title}</h3>\n'
        f'<figcaption><p class="said" id="{plot.name}-said">{safe(plot.said)}</p>{note}'
        "</figcaption>\n"
        f'<div class="keys" role="group" aria-label="Shown in {plot.title}">{keys}</div>\n'
        f'<div class="plot" id="plot-{plot.name}">{place}</div>\n</figure>\n'
    )


def _key(key: Key) -> str:
    return (
        f'<label><input type="checkbox" checked disabled data-glyphs="{key.name}">'
        f'<i class="{key.dash}" style="color:{key.colour}"></i>{safe(key.label, 80)}</label>'
    )


@cache
def library() -> str:
    """Bokeh's core: no widgets, no tables, no TeX, which would be fetched where it is needed."""
    return "\n".join(Resources(mode="inline", components=["bokeh"], log_level="warn").js_raw)


@cache
def packaged(name: str) -> str:
    return files("harness.report").joinpath(name).read_text(encoding="utf-8")
