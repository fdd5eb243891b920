"""The plots of `bench.html`: percentile curves, requests by server, p99 past this machine."""

from collections.abc import Sequence
from math import log10
from typing import Final

from bokeh.models import (
    CategoricalAxis,
    ColumnDataSource,
    FactorRange,
    FixedTicker,
    HoverTool,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.models.renderers import DataRenderer

from harness.bench.report.beside import arms, balancers_text
from harness.bench.report.cells import title_of
from harness.bench.result import AlgorithmResult, Case, Past, PastFigures
from harness.report.drawing import TEXT, Key, Plot, new_figure
from harness.report.figures import printable
from harness.report.palette import SERIES

__all__ = ["case_plots", "past_plot"]

_DASHES: Final = ("solid", "dashed", "dotted", "dotdash")
_SHAPES: Final = ("circle", "square", "triangle", "diamond", "inverted_triangle", "plus")
_SLANTED: Final = 6
"""Algorithms at most whose names stand aslant; more stand upright."""
_LEAST: Final = 0.5
"""The share where a curve begins."""
_NINES: Final = {0.5: "50", 0.9: "90", 0.99: "99", 0.999: "99.9", 0.9999: "99.99"}


def case_plots(case: Case, number: int) -> tuple[Plot, ...]:
    """Percentile curves, and requests by server; neither where it would be empty."""
    has_curves = any(share >= _LEAST for one in case.algorithms for share, _ in one.curve)
    has_bars = any(any(one.server_requests.values()) for one in case.algorithms)
    return (
        *((_curves(case, number),) if has_curves else ()),
        *((_servers(case, number),) if has_bars else ()),
    )


def _curves(case: Case, number: int) -> Plot:
    """Over the number of nines, so that the tail has as much room as the bulk."""
    plot = new_figure(height=360, x_label="percentile", y_axis_type="log")
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0[.]0")
    keys: list[Key] = []
    lines: list[DataRenderer] = []
    for key, one in _styled(case, number):
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
            plot.line("at", "ms", source=source, color=key.colour, line_dash=key.dash, line_width=2,
                      name=key.name)
        )  # fmt: skip
        keys.append(key)
    plot.xaxis.ticker = FixedTicker(ticks=[_place(share) for share in _NINES])
    plot.xaxis.major_label_overrides = {_place(share): name for share, name in _NINES.items()}
    plot.add_tools(HoverTool(renderers=lines, tooltips=[("", "@name: p@share @ms{0,0.0} ms")]))
    return Plot(
        name=f"curves-{number}",
        title="Percentiles in ms, by algorithm",
        said=f"{printable(title_of(case))}. {_slowest(case)}",
        note="All rounds together, from the median on, as far as ten answers lie beyond.",
        drawn=plot,
        keys=tuple(keys),
    )


def _slowest(case: Case) -> str:
    """Whose p99 is highest; none is higher than what failed requests reach."""
    unbounded = [one.algorithm for one in case.algorithms if "p99" in one.unbounded]
    if unbounded:
        return f"Failed requests reach p99 of: {', '.join(unbounded)}."
    p99, name = max(
        ((one.latency_ms["p99"].middle or 0.0, one.algorithm) for one in case.algorithms),
        default=(0.0, ""),
    )
    return f"Highest p99: {name}, {p99:,.1f} ms." if p99 else "No p99 is resolved."


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
        height=300 if len(algorithms) <= _SLANTED else 380,
        x_label="algorithm, and its servers from first to last",
        x_range=FactorRange(
            factors=[(algorithm, server) for algorithm in algorithms for server in servers]
        ),
        y_range=Range1d(start=0, end=most * 1.05),
    )
    for axis in plot.xaxis:
        if isinstance(axis, CategoricalAxis):
            axis.major_label_text_font_size = "0px"
            axis.group_label_orientation = 0.6 if len(algorithms) <= _SLANTED else "vertical"
    plot.xgrid.grid_line_color = None
    rows = [
        ((one.algorithm, server), round(count / one.rounds, 1), key.colour)
        for key, one in _styled(case, number)
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
        note=f"Each algorithm's bars are, from left to right, {printable(servers[0], TEXT)} to "
        f"{printable(servers[-1], TEXT)}.",
        drawn=plot,
    )


def past_plot(past: Past) -> Plot:
    """p99 over servers, in groups by balancers; a line is broken between groups."""
    groups = {arm: f"{balancers_text(arm[0], is_together=arm[1])}" for arm in arms(past)}
    sizes = [f"{size}" for size in dict.fromkeys(one.servers for one in past.figures)]
    factors = [(group, size) for group in groups.values() for size in sizes]
    plot = new_figure(
        height=380, x_label="servers, behind how many balancers", y_axis_type="log",
        x_range=FactorRange(factors=factors),
    )  # fmt: skip
    plot.yaxis.axis_label = "p99 in service times"
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0[.]0")
    for axis in plot.xaxis:
        if isinstance(axis, CategoricalAxis):
            axis.major_label_orientation = "vertical"
            axis.major_label_text_font_size = axis.group_text_font_size = "10px"
    keys: list[Key] = []
    dots: list[DataRenderer] = []
    names = dict.fromkeys(one.algorithm for one in past.figures)
    for index, (name, key) in enumerate(zip(names, _keys(tuple(names), "past"), strict=True)):
        shape = _SHAPES[index % len(_SHAPES)]
        for arm, group in groups.items():
            own = [
                one
                for one in past.figures
                if one.algorithm == name and (one.balancers, one.is_together) == arm
            ]
            source = _past_source(own, group)
            plot.line("at", "p99", source=source, color=key.colour, line_dash=key.dash,
                      line_width=2, name=key.name)  # fmt: skip
            dots.append(
                plot.scatter("at", "p99", source=source, color=key.colour, size=7, marker=shape,
                             name=key.name)
            )  # fmt: skip
        keys.append(key)
    told = [("", "@name, @at: p99 @p99{0,0.0} service times (@low{0,0.0} to @high{0,0.0})")]
    plot.add_tools(HoverTool(renderers=dots, tooltips=told))
    return Plot(
        name="past",
        title="p99 in service times, simulated",
        said=_highest(past),
        note="A group is a number of balancers, within it servers become more to the right. Lines "
        "that lie on each other are told apart by switching one off.",
        drawn=plot,
        keys=tuple(keys),
    )


def _highest(past: Past) -> str:
    highest = max(past.figures, key=lambda one: one.times["p99"].middle or 0.0)
    p99 = highest.times["p99"].middle
    if p99 is None:
        return "No p99 is resolved."
    behind = balancers_text(highest.balancers, is_together=highest.is_together)
    return (
        f"Highest: {printable(highest.algorithm, TEXT)}, {highest.servers:,} servers, balancers: "
        f"{behind}; {p99:,.1f} service times."
    )


def _past_source(own: Sequence[PastFigures], group: str) -> ColumnDataSource:
    p99 = [one.times["p99"] for one in own]
    return ColumnDataSource(
        {
            "at": [(group, f"{one.servers}") for one in own],
            "p99": [found.middle for found in p99],
            "low": [found.low for found in p99],
            "high": [found.high for found in p99],
            "name": [printable(one.algorithm, TEXT) for one in own],
        }
    )


def _styled(case: Case, number: int) -> list[tuple[Key, AlgorithmResult]]:
    keys = _keys([one.algorithm for one in case.algorithms], f"case-{number}")
    return list(zip(keys, case.algorithms, strict=True))


def _keys(names: Sequence[str], group: str) -> list[Key]:
    """A colour each, and a dash where the colours begin again."""
    return [
        Key(
            name=f"{group}-{index}",
            label=printable(name, TEXT),
            colour=SERIES[index % len(SERIES)],
            dash=_DASHES[index // len(SERIES) % len(_DASHES)],
        )
        for index, name in enumerate(names)
    ]
