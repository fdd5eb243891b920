"""What all plots of `report.html` share: their look, and the time axis that some have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd
from bokeh.models import (
    BoxZoomTool,
    ColumnDataSource,
    PanTool,
    Range1d,
    ResetTool,
    WheelZoomTool,
)
from bokeh.plotting import figure

from harness.analysis.history import History
from harness.analysis.phases import SECOND_NS
from harness.analysis.series import seconds
from harness.report.figures import printable
from harness.report.strip import Strip, strip

__all__ = ["TEXT", "TIME", "Frame", "Key", "Plot", "new_figure", "request_source"]

TEXT: Final = 60
"""Most characters of a name in a plot."""
TIME: Final = "seconds since the schedule began"
_JUDGED: Final = {"warmup", "steady", "swap", "after"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An entry of a legend: it shows and hides the glyphs of that name."""

    name: str
    label: str
    colour: str
    dash: str = "solid"
    """Of a line: `solid`, `dashed`, `dotted` or `dotdash`, which its swatch shows too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A figure, and what it says in words."""

    name: str
    title: str
    said: str
    drawn: figure
    keys: tuple[Key, ...] = ()
    note: str = ""
    """How to read it."""


class Frame:
    """What the plots over time have in common: their span, their x range, what was going on."""

    def __init__(self, history: History) -> None:
        ends = [(phase.end_ns - history.start_ns) / SECOND_NS
                for phase in history.phases if phase.name in _JUDGED]  # fmt: skip
        due = seconds(history, history.requests["due_ns"])
        self.history = history
        sent = history.record.sent
        stop_ns = max(sent.stop_ns, history.start_ns) if sent else history.start_ns
        self.stop_s = max(float(due.max(initial=1.0)), (stop_ns - history.start_ns) / SECOND_NS)
        """When the schedule ended."""
        self.end_s = max([self.stop_s, *ends])
        self.x_range = Range1d(start=0, end=self.end_s, bounds=(0, self.end_s), min_interval=0.01)
        self.strip: Strip = strip(history, self.end_s)

    def room(self, top: float) -> float:
        """The upper end of a linear axis whose data reaches to `top`: the strip's room above."""
        return top / (1 - self.strip.share)


def new_figure(*, height: int, x_label: str, **options: Any) -> figure:
    """No tool is active that would take a finger's drag from the page; page.js gives the mouse
    its zoom.
    """
    plot = figure(
        height=height,
        sizing_mode="stretch_width",
        tools=[
            PanTool(dimensions="width"),
            BoxZoomTool(dimensions="width"),
            WheelZoomTool(dimensions="width"),
            ResetTool(),
        ],
        active_drag=None,
        active_scroll=None,
        toolbar_location="above",
        background_fill_color=None,
        border_fill_color=None,
        outline_line_color="#c9ced6",
        min_border_left=58,
        min_border_right=12,
        x_axis_label=x_label,
        **options,
    )
    plot.toolbar.logo = None
    for axis in plot.axis:
        axis.axis_line_color = axis.major_tick_line_color = "#aab1bc"
        axis.minor_tick_line_color = None
        axis.major_label_text_color = axis.axis_label_text_color = "#4a515c"
        axis.axis_label_text_font_style = "normal"
        axis.axis_label_text_font_size = axis.major_label_text_font_size = "12px"
    plot.grid.grid_line_color = "#dde1e7"
    return plot


def request_source(history: History, rows: pd.DataFrame, column: str) -> ColumnDataSource:
    """Requests as points: `at` in seconds, `ms` from that column, and what a pointer shows."""
    return ColumnDataSource(
        {
            "at": seconds(history, rows["due_ns"]),
            "ms": rows[column].to_numpy().astype(np.float32),
            "seq": rows["seq"].to_numpy().astype(np.int32),
            **{name: _shown(rows[name]) for name in ("stream", "outcome", "release", "instance")},
        }
    )


def _shown(names: pd.Series) -> Sequence[str]:
    return [printable(str(name), TEXT) for name in names]
