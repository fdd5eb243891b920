"""What is drawn of a comparison: three figures by strategy, with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bokeh.models import ColumnDataSource, FactorRange, HoverTool
from bokeh.models.annotations import Whisker

from harness.compare.result import CompareResult, Mean, Row
from harness.report.drawing import TEXT, Plot, new_figure
from harness.report.figures import printable
from harness.report.palette import FAILED, MUTED, SERIES

__all__ = ["compare_plots"]

_ROW_PX: Final = 34
_AROUND_PX: Final = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class _Drawn:
    """A figure of CompareResult's rows."""

    name: str
    title: str
    unit: str
    times: float = 1.0
    colour: str = SERIES[0]


_DRAWN: Final = (
    _Drawn(name="failed_share", title="Requests that failed, in %", unit="%", times=100.0,
           colour=FAILED),
    _Drawn(name="added_p99_ms", title="Added p99, in ms", unit="ms"),
    _Drawn(name="outage_ms", title="Outage of a swap, in ms", unit="ms", colour=SERIES[1]),
    _Drawn(name="swap_s", title="Length of a swap, in s", unit="s", colour=SERIES[2]),
)  # fmt: skip


def compare_plots(result: CompareResult) -> tuple[Plot, ...]:
    """A plot a figure that any strategy has: strategies one below the other, the best above."""
    drawn = (_plot(one, [row for row in result.rows if _has(row, one)]) for one in _DRAWN)
    return tuple(plot for plot in drawn if plot is not None)


def _has(row: Row, what: _Drawn) -> bool:
    return row.figures[what.name].middle is not None


def _plot(what: _Drawn, rows: Sequence[Row]) -> Plot | None:
    if not rows:
        return None
    names = [printable(row.strategy, TEXT) for row in rows]
    plot = new_figure(
        height=_AROUND_PX + _ROW_PX * len(names),
        x_label=f"{what.unit}, with the 95 % interval",
        y_range=FactorRange(factors=names[::-1]),
    )
    plot.ygrid.grid_line_color = None
    means = [row.figures[what.name] for row in rows]
    source = ColumnDataSource(
        {
            "at": names,
            "middle": [_scaled(one.middle, what) for one in means],
            "low": [_scaled(_end(one.low, one), what) for one in means],
            "high": [_scaled(_end(one.high, one), what) for one in means],
            "told": [_told(one, what) for one in means],
        }
    )
    plot.add_layout(
        Whisker(base="at", lower="low", upper="high", source=source, dimension="width",
                line_color=MUTED, line_width=2)
    )  # fmt: skip
    # Of what an interval reaches to, the axis shows all.
    plot.segment(x0="low", x1="high", y0="at", y1="at", source=source, line_color=MUTED)
    dots = plot.scatter("middle", "at", source=source, size=10, color=what.colour)
    plot.add_tools(HoverTool(renderers=[dots], tooltips=[("@at", "@told")]))
    return Plot(
        name=what.name.replace("_", "-"),
        title=what.title,
        said=_said(what, rows),
        drawn=plot,
        note="" if any(one.high is not None for one in means) else "Too few rounds for intervals.",
    )


def _scaled(value: float | None, what: _Drawn) -> float:
    return round((value or 0.0) * what.times, 6)


def _end(value: float | None, found: Mean) -> float | None:
    """Where there is no interval the line has no length."""
    return found.middle if value is None else value


def _told(found: Mean, what: _Drawn) -> str:
    middle = f"{_scaled(found.middle, what):,.4g} {what.unit}"
    if found.low is None or found.high is None:
        return middle
    return f"{middle} ({_scaled(found.low, what):,.4g} to {_scaled(found.high, what):,.4g})"


def _said(what: _Drawn, rows: Sequence[Row]) -> str:
    """The least and the most, for who does not see the plot."""
    ordered = sorted(rows, key=lambda row: row.figures[what.name].middle or 0.0)
    least, most = ordered[0], ordered[-1]
    told = f"{least.strategy}, {_told(least.figures[what.name], what)}"
    if least is most:
        return f"{told}."
    return f"Least: {told}. Most: {most.strategy}, {_told(most.figures[what.name], what)}."
