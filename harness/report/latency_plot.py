"""Latency over time by stream: bins for the many, single requests for the failed and the slow."""

from math import ceil, floor, log10
from typing import Final

import numpy as np
import pandas as pd
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, NumeralTickFormatter, Range1d
from bokeh.models.renderers import DataRenderer
from bokeh.plotting import figure

from harness.analysis.requests import OK
from harness.analysis.series import Numbers, binned, edges, seconds, slowest, spread, with_waits
from harness.report.drawing import TEXT, TIME, Frame, Key, Plot, new_figure, request_source
from harness.report.figures import milliseconds, printable
from harness.report.palette import CONTROL, FAILED, stream_colours
from harness.report.strip import draw_strip

__all__ = ["latency_plot", "ticks"]

_SLOWEST: Final = 150
_FAILURES: Final = 1_500
_MOST_TICKS: Final = 8
_OF_CONTROL: Final = (
    " Dotted is the control, a stub that the swap does not touch: thick the median, thin the "
    "maximum. Where it rises with the others the machine hiccuped."
)
_REQUEST: Final = [
    ("request", "#@seq @stream"),
    ("ended", "@outcome after @ms{0,0.0} ms"),
    ("due", "@at{+0.000} s"),
    ("answered by", "@release @instance"),
]
_BIN: Final = [
    ("stream", "@stream: @n samples about @at{+0.0} s"),
    ("p50", "@p50{0,0.0} ms"),
    ("max", "@most{0,0.0} ms"),
]


def latency_plot(frame: Frame) -> Plot:
    history = frame.history
    rows = history.requests
    good, bad = rows[rows["state"] == OK], with_waits(history)
    present = set(rows["stream"].unique())
    streams = [one for one in history.record.scenario.traffic.stream_names() if one in present]
    bins = edges(0, frame.stop_s)
    control = _control(frame)
    shown = [good["latency_ms"], bad["waited_ms"], control["latency_ms"]]
    plot = _figure(frame, np.concatenate(shown))
    keys: list[Key] = []
    lines: list[DataRenderer] = []
    points: list[DataRenderer] = []
    for index, (name, colour) in enumerate(stream_colours(streams).items()):
        mine = good[good["stream"] == name]
        key = Key(name=f"stream-{index}", label=printable(name, TEXT), colour=colour)
        source = _bins(seconds(history, mine["due_ns"]), mine, bins, key.label)
        lines.append(_lines(plot, source, key))
        slow = request_source(history, slowest(mine, _SLOWEST), "latency_ms")
        points.append(
            plot.scatter("at", "ms", source=slow, color=colour, size=4, alpha=0.7, name=key.name)
        )
        keys.append(key)
    if len(control):
        key = Key(name="control", label="control", colour=CONTROL)
        source = _bins(seconds(history, control["due_ns"]), control, bins, key.label)
        lines.append(_control_lines(plot, source, key))
        keys.append(key)
    if len(bad):
        key = Key(name="failed", label="failed", colour=FAILED)
        failures = request_source(history, spread(bad, _FAILURES), "waited_ms")
        points.append(
            plot.scatter("at", "ms", source=failures, marker="x", color=FAILED, size=7,
                         line_width=1.5, name=key.name)
        )  # fmt: skip
        keys.append(key)
    plot.add_tools(
        HoverTool(renderers=points, tooltips=_REQUEST, visible=False),
        HoverTool(renderers=lines, tooltips=_BIN, visible=False),
    )
    return Plot(
        name="latency",
        title="Latency in ms, by stream",
        said=_said(good, bad),
        note=_note(bins, len(streams), len(points) - bool(len(bad)), len(bad))
        + (_OF_CONTROL if len(control) else ""),
        drawn=plot,
        keys=tuple(keys),
    )


def _figure(frame: Frame, values: Numbers) -> figure:
    low = max(float(values.min(initial=10)) * 0.7, 0.01)
    high = max(float(values.max(initial=0)) * 1.3, low * 10)
    top = low * (high / low) ** (1 / (1 - frame.strip.share))
    plot = new_figure(
        height=420,
        x_label=TIME,
        x_range=frame.x_range,
        y_range=Range1d(start=low, end=top),
        y_axis_type="log",
    )
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0[.]00")
    # None beside the strip above the data, where no latency is.
    plot.yaxis.ticker = FixedTicker(ticks=ticks(low, high))
    draw_strip(plot, frame.strip)
    return plot


def ticks(low: float, high: float) -> list[float]:
    """1, 2, 5, 10, … from `low` to `high`, above 0; where they are many the powers of ten alone."""
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    for steps in ((1, 2, 5), (1,)):
        found = [step * 10.0**decade for decade in decades for step in steps]
        found = [tick for tick in found if low <= tick <= high]
        if len(found) <= _MOST_TICKS:
            break
    return found


def _bins(due_s: Numbers, rows: pd.DataFrame, bins: Numbers, stream: str) -> ColumnDataSource:
    found = binned(due_s, rows["latency_ms"].to_numpy(), bins)
    return ColumnDataSource(
        {
            "at": found.at_s,
            "n": found.count.astype(np.int32),
            "p50": found.p50.astype(np.float32),
            "p99": found.p99.astype(np.float32),
            "most": found.most.astype(np.float32),
            "stream": [stream] * len(found.at_s),
        }
    )


def _lines(plot: figure, source: ColumnDataSource, key: Key) -> DataRenderer:
    """The median's line, which a pointer asks; the rest goes with it."""
    plot.line("at", "most", source=source, color=key.colour, alpha=0.45, name=key.name)
    if not np.isnan(source.data["p99"]).all():
        plot.line("at", "p99", source=source, color=key.colour, line_dash="5 3", name=key.name)
    return plot.line("at", "p50", source=source, color=key.colour, line_width=2.4, name=key.name)


def _control(frame: Frame) -> pd.DataFrame:
    """The control's answers while the run's schedule went on."""
    found = frame.history.control
    if found is None:
        return pd.DataFrame({"due_ns": [], "latency_ms": []})
    rows = found.requests[found.requests["state"] == OK]
    due_s = seconds(frame.history, rows["due_ns"])
    return rows[(due_s >= 0) & (due_s <= frame.stop_s)]


def _control_lines(plot: figure, source: ColumnDataSource, key: Key) -> DataRenderer:
    plot.line("at", "most", source=source, color=key.colour, line_dash="1 3", name=key.name)
    return plot.line(
        "at", "p50", source=source, color=key.colour, line_width=2.4, line_dash="2 4", name=key.name
    )


def _said(good: pd.DataFrame, bad: pd.DataFrame) -> str:
    judged = good[~good["slow_stream"]]
    failed = f"{len(bad):,} failed" if len(bad) else "none failed"
    if not len(judged):
        return f"No request was answered right; {failed}."
    latency = judged["latency_ms"].to_numpy()
    worst = judged.iloc[int(latency.argmax())]
    return (
        f"Half of {len(judged):,} answers came within "
        f"{milliseconds(float(np.sort(latency)[(len(latency) - 1) // 2]))} ms, the slowest took "
        f"{milliseconds(float(latency.max()))} ms (#{worst['seq']}, "
        f"{printable(str(worst['stream']), TEXT)}), streams that are slow on purpose apart; "
        f"{failed}."
    )


def _note(bins: Numbers, streams: int, drawn: int, failures: int) -> str:
    said = (
        "Log scale, from due to the last byte. Lines are by bins of "
        f"{bins[1] - bins[0]:g} s: thick the median, thin the maximum, dashed p99 where a bin "
        f"resolves it. Dots are the {_SLOWEST} slowest requests of each stream, crosses are failed "
        "requests at the time they took to fail."
    )
    if failures > _FAILURES:
        said += f" Of {failures:,} failed requests {_FAILURES:,} are drawn, evenly spread."
    if streams > drawn:
        said += f" {drawn} of {streams} streams are drawn."
    return said
