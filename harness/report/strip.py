"""What was going on, drawn into a plot over time: phases as shade, the swap's steps as bars."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from bokeh.models import ColumnDataSource, HoverTool, LinearScale, Range1d
from bokeh.models.annotations import BoxAnnotation
from bokeh.plotting import figure

from harness.analysis.history import History
from harness.analysis.phases import SECOND_NS
from harness.report.figures import printable
from harness.report.palette import MUTED

__all__ = ["Strip", "draw_strip", "strip"]

_LABELLED: Final = 12
_MOST: Final = 300
_ROW: Final = 0.062
_SHADES: Final = {"warmup": ("#808080", 0.10), "swap": ("#f0c000", 0.16)}
_STEPS: Final = "#59616e"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    name: str
    begin_s: float
    end_s: float
    row: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Bars and shades of a run, and how much of a plot's height they take at its top."""

    bars: tuple[_Bar, ...]
    shades: tuple[tuple[str, float, float], ...]
    """(phase, from, to)."""
    end_s: float

    @property
    def share(self) -> float:
        return min(_ROW * (2.5 + max((bar.row for bar in self.bars), default=-1)), 0.6)


def strip(history: History, end_s: float) -> Strip:
    """Of a run from 0 to `end_s` seconds. The steps are a row each; where they are more than
    twelve, the swaps alone are drawn, all in one row.
    """

    def at(moment_ns: int) -> float:
        return (moment_ns - history.start_ns) / SECOND_NS

    bars = []
    if len(history.steps) <= _LABELLED:
        rows: Counter[int] = Counter()
        for step in history.steps:
            name = printable(step.name, 40)
            begin, end = at(step.begin_ns), at(step.end_ns)
            bars.append(_Bar(name=name, begin_s=begin, end_s=end, row=rows[step.swap], label=name))
            rows[step.swap] += 1
    else:
        swaps = [phase for phase in history.phases if phase.name == "swap"]
        for phase in swaps[:_MOST]:
            begin, end = at(phase.begin_ns), at(phase.end_ns)
            label = phase.label if len(swaps) <= _LABELLED else ""
            bars.append(_Bar(name=phase.label, begin_s=begin, end_s=end, row=0, label=label))
    shades = [(phase.name, at(phase.begin_ns), at(phase.end_ns)) for phase in history.phases]
    inside = [
        (name, max(since, 0.0), min(until, end_s))
        for name, since, until in shades
        if since < end_s and until > 0
    ]
    return Strip(bars=tuple(bars), shades=tuple(inside[:_MOST]), end_s=end_s)


def draw_strip(plot: figure, found: Strip, *, labels: bool = True) -> None:
    """Draws it: a scale of its own from 0 (below) to 1 (above) keeps it in place."""
    plot.extra_y_ranges["strip"] = Range1d(start=0, end=1)
    plot.extra_y_scales["strip"] = LinearScale()
    for name, since, until in found.shades:
        if name in _SHADES:
            colour, alpha = _SHADES[name]
            plot.add_layout(
                BoxAnnotation(left=since, right=until, fill_color=colour, fill_alpha=alpha,
                              level="image", line_color=None)
            )  # fmt: skip
    if not labels:
        return
    _phase_names(plot, found)
    if found.bars:
        _steps(plot, found)


def _phase_names(plot: figure, found: Strip) -> None:
    wide = [
        (name, since) for name, since, until in found.shades if until - since >= 0.14 * found.end_s
    ]
    plot.text(
        x=[since for _, since in wide],
        y=[1 - _ROW * 0.75] * len(wide),
        text=[name for name, _ in wide],
        y_range_name="strip",
        text_font_size="11px",
        text_color=MUTED,
        text_baseline="middle",
        x_offset=5,
    )


def _steps(plot: figure, found: Strip) -> None:
    source = ColumnDataSource(
        {
            "name": [bar.name for bar in found.bars],
            "begin": [bar.begin_s for bar in found.bars],
            "end": [bar.end_s for bar in found.bars],
            "took": [bar.end_s - bar.begin_s for bar in found.bars],
            "y": [_height(bar) for bar in found.bars],
        }
    )
    plot.vspan(x="begin", source=source, line_color=_STEPS, line_alpha=0.45, line_dash="2 3")
    drawn = plot.hbar(
        left="begin", right="end", y="y", height=_ROW * 0.3, source=source,
        y_range_name="strip", fill_color=_STEPS, line_color=_STEPS, name="steps",
    )  # fmt: skip
    hover = [("step", "@name"), ("began", "@begin{+0.000} s"), ("took", "@took{0.000} s")]
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=hover, visible=False))
    for align, offset, bars in _sides(found):
        plot.text(
            x=[bar.end_s if align == "left" else bar.begin_s for bar in bars],
            y=[_height(bar) for bar in bars],
            text=[bar.label for bar in bars],
            y_range_name="strip",
            text_font_size="11px",
            text_color=_STEPS,
            text_baseline="middle",
            text_align=align,
            x_offset=offset,
        )


def _sides(found: Strip) -> Iterator[tuple[str, int, list[_Bar]]]:
    """Labels stand where there is room: to the right of a bar, or to the left of a late one."""
    turn = 0.62 * found.end_s
    yield "left", 5, [bar for bar in found.bars if bar.end_s <= turn and bar.label]
    yield "right", -5, [bar for bar in found.bars if bar.end_s > turn and bar.label]


def _height(bar: _Bar) -> float:
    return 1 - _ROW * (bar.row + 1.7)
