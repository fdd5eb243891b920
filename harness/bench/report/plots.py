"""The plots of `bench.html`: percentile curves, requests by server, a heat map. Bounded."""

from itertools import cycle
from math import log10
from typing import Any, Final

from bokeh.models import (
    CategoricalAxis,
    ColumnDataSource,
    FactorRange,
    FixedTicker,
    HoverTool,
    LinearColorMapper,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.models.renderers import DataRenderer

from harness.bench.report.cells import title_of
from harness.bench.result import BenchResult, Case
from harness.bench.wording import load_text
from harness.report.drawing import TEXT, Key, Plot, new_figure
from harness.report.figures import printable
from harness.report.palette import SERIES

__all__ = ["case_plots", "heat_map"]

_DASHES: Final = ("solid", "dashed", "dotted", "dotdash")
_HEAT: Final = ("#f7fbff", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6")
"""None so dark that black text is not read on it."""
_LEAST: Final = 0.5
"""The share where a curve begins."""
_NINES: Final = {0.5: "50", 0.9: "90", 0.99: "99", 0.999: "99.9", 0.9999: "99.99"}


def heat_map(result: BenchResult) -> Plot:
    """p99 of each algorithm and workload, in multiples of the workload's best."""
    columns = [printable(f"{case.workload}{load_text(case.load)}", TEXT) for case in result.cases]
    names = list(dict.fromkeys(one.algorithm for case in result.cases for one in case.algorithms))
    rows: dict[str, list[Any]] = {"case": [], "algorithm": [], "times": [], "shown": [], "log": []}
    for column, case in zip(columns, result.cases, strict=True):
        p99 = {one.algorithm: one.latency_ms["p99"].middle for one in case.algorithms}
        known = [value for value in p99.values() if value is not None]
        for name, value in p99.items():
            if value is None or len(known) < 2:
                continue
            times = value / min(known)
            rows["case"].append(column)
            rows["algorithm"].append(name)
            rows["times"].append(round(times, 3))
            rows["shown"].append(f"{times:.1f}" if times < 100 else f"{times:.0f}")
            rows["log"].append(round(min(log10(times), 1.0), 4))
    plot = new_figure(
        height=110 + 24 * len(names),
        x_label="workload",
        x_range=FactorRange(factors=list(dict.fromkeys(columns))),
        y_range=FactorRange(factors=names[::-1]),
    )
    plot.xaxis.major_label_orientation = 0.5
    source = ColumnDataSource({name: list(column) for name, column in rows.items()})
    colours = LinearColorMapper(palette=list(_HEAT), low=0, high=1)
    drawn = plot.rect(
        "case", "algorithm", 1, 1, source=source, line_color="white",
        fill_color={"field": "log", "transform": colours},
    )  # fmt: skip
    plot.text("case", "algorithm", "shown", source=source, text_align="center",
              text_baseline="middle", text_font_size="12px")  # fmt: skip
    told = [("", "@algorithm, @case: @times times the best")]
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=told))
    worst = max(zip(rows["times"], rows["algorithm"], rows["case"], strict=True), default=None)
    said = (
        f"Farthest from the best: {worst[1]}, {worst[2]}, {worst[0]:.1f} times."
        if worst
        else "No two p99 of a workload are resolved."
    )
    return Plot(
        name="heat",
        title="p99 in multiples of the workload's best",
        said=said,
        drawn=plot,
        note="The darkest is ten times or more. What has no field is not resolved, or alone.",
    )


def case_plots(case: Case, number: int) -> tuple[Plot, Plot]:
    """Percentile curves, and requests by server."""
    return _curves(case, number), _servers(case, number)


def _curves(case: Case, number: int) -> Plot:
    """Over the number of nines, so that the tail has as much room as the bulk."""
    plot = new_figure(height=360, x_label="percentile", y_axis_type="log")
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0[.]0")
    keys: list[Key] = []
    lines: list[DataRenderer] = []
    for key, dash, one in _styled(case, number):
        points = [(share, ms) for share, ms in one.curve if share >= _LEAST]
        source = ColumnDataSource(
            {
                "at": [_place(share) for share, _ in points],
                "ms": [ms for _, ms in points],
                "share": [f"{share * 100:g}" for share, _ in points],
                "name": [key.label] * len(points),
            }
        )
        lines.append(
            plot.line("at", "ms", source=source, color=key.colour, line_dash=dash, line_width=2,
                      name=key.name)
        )  # fmt: skip
        keys.append(key)
    plot.xaxis.ticker = FixedTicker(ticks=[_place(share) for share in _NINES])
    plot.xaxis.major_label_overrides = {_place(share): name for share, name in _NINES.items()}
    plot.add_tools(HoverTool(renderers=lines, tooltips=[("", "@name: p@share @ms{0,0.0} ms")]))
    slowest = max(
        ((one.latency_ms["p99"].middle or 0.0, one.algorithm) for one in case.algorithms),
        default=(0.0, ""),
    )
    return Plot(
        name=f"curves-{number}",
        title="Percentiles in ms, by algorithm",
        said=f"{printable(title_of(case))}. Highest p99: {slowest[1]}, {slowest[0]:,.1f} ms."
        if slowest[0]
        else f"{printable(title_of(case))}. No p99 is resolved.",
        note="All rounds together, from the median on, as far as ten answers lie beyond.",
        drawn=plot,
        keys=tuple(keys),
    )


def _place(share: float) -> float:
    """0 at the median, and 1 more for each tenth part of what lies beyond."""
    return round(log10(1 - _LEAST) - log10(1 - share), 4)


def _servers(case: Case, number: int) -> Plot:
    servers = list(dict.fromkeys(name for one in case.algorithms for name in one.server_requests))
    algorithms = [one.algorithm for one in case.algorithms]
    most = max(
        (max(one.server_requests.values(), default=0) / one.rounds for one in case.algorithms),
        default=1,
    )
    plot = new_figure(
        height=300,
        x_label="algorithm, and its servers in their order",
        x_range=FactorRange(
            factors=[(algorithm, server) for algorithm in algorithms for server in servers]
        ),
        y_range=Range1d(start=0, end=most * 1.05),
    )
    for axis in plot.xaxis:
        if isinstance(axis, CategoricalAxis):
            axis.major_label_text_font_size = "0px"
            axis.group_label_orientation = 0.6
    plot.xgrid.grid_line_color = None
    rows = [
        ((one.algorithm, server), round(count / one.rounds, 1), key.colour)
        for key, _, one in _styled(case, number)
        for server, count in one.server_requests.items()
    ]
    source = ColumnDataSource(
        {name: [row[place] for row in rows] for place, name in enumerate(("at", "count", "colour"))}
    )
    bars = plot.vbar("at", top="count", width=0.85, source=source, color="colour")
    plot.add_tools(HoverTool(renderers=[bars], tooltips=[("@at", "@count requests a round")]))
    fair = [(one.fairness, one.algorithm) for one in case.algorithms if one.fairness is not None]
    least = min(fair, default=None)
    return Plot(
        name=f"servers-{number}",
        title="Requests by server, mean of a round",
        said=f"Least evenly spread: {least[1]}, Jain's index {least[0]:.3f}."
        if least
        else "No server answered.",
        drawn=plot,
    )


def _styled(case: Case, number: int) -> list[tuple[Key, str, Any]]:
    """A colour each, and a dash where the colours begin again."""
    colours = cycle(SERIES)
    return [
        (
            Key(
                name=f"case-{number}-{index}",
                label=printable(one.algorithm, TEXT),
                colour=next(colours),
            ),
            _DASHES[index // len(SERIES) % len(_DASHES)],
            one,
        )
        for index, one in enumerate(case.algorithms)
    ]
