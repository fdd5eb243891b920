"""The plots of `report.html`. Bounded: however many samples there are, so many points are drawn."""

from typing import Final

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, NumeralTickFormatter, Range1d
from bokeh.plotting import figure

from harness.analysis.history import History
from harness.analysis.latency import ALL_STREAMS
from harness.analysis.phases import within
from harness.analysis.requests import OK
from harness.analysis.series import Numbers, Rates, curve, edges, machine, rates, seconds
from harness.report.drawing import TEXT, TIME, Frame, Key, Plot, new_figure
from harness.report.figures import milliseconds, printable
from harness.report.latency_plot import latency_plot
from harness.report.palette import FAILED, MUTED, PHASES, release_colours
from harness.report.strip import draw_strip

__all__ = ["plots"]

_RELEASES: Final = 8
_NINES: Final = {0.0: "0", 0.5: "50", 0.9: "90", 0.99: "99", 0.999: "99.9", 0.9999: "99.99",
                 0.99999: "99.999", 0.999999: "99.9999"}  # fmt: skip


def plots(history: History) -> tuple[Plot, ...]:
    """Latency, requests a second and the machine on one time axis; then percentile curves."""
    frame = Frame(history)
    return (latency_plot(frame), _rates(frame), _machine(frame), _curves(history))


def _rates(frame: Frame) -> Plot:
    found = rates(frame.history, edges(0, frame.stop_s))
    colours = release_colours(found.answered)
    layers = [
        (Key(name=f"release-{index}", label=printable(name, TEXT) or "release not told",
             colour=colours[name]), rate)
        for index, (name, rate) in enumerate(list(found.answered.items())[:_RELEASES])
    ]  # fmt: skip
    others = list(found.answered.values())[_RELEASES:]
    for name, label, colour, parts in (
        ("release-others", f"{len(others)} more releases", MUTED, others),
        ("not-sent", "not sent", "#b9bec7", [found.not_sent]),
        ("failed", "failed", FAILED, [found.failed]),
    ):
        rate = np.sum(parts, axis=0) if parts else np.zeros(1)
        if rate.any():
            layers.append((Key(name=name, label=label, colour=colour), rate))
    total = sum((rate for _, rate in layers), np.zeros(len(found.edges) - 1))
    plot = new_figure(
        height=320,
        x_label=TIME,
        x_range=frame.x_range,
        y_range=Range1d(start=0, end=frame.room(float(total.max(initial=1)) * 1.05)),
    )
    draw_strip(plot, frame.strip)
    base = np.zeros_like(total)
    for key, rate in layers:
        _layer(plot, key, found.edges, base, rate)
        base = base + rate
    return Plot(
        name="rates",
        title="Requests a second, by release",
        said=_rates_said(frame.history, found),
        note=f"Bins of {found.edges[1] - found.edges[0]:g} s, by the moment a request was due; "
        "stacked by the release that answered.",
        drawn=plot,
        keys=tuple(key for key, _ in layers),
    )


def _layer(plot: figure, key: Key, bins: Numbers, base: Numbers, rate: Numbers) -> None:
    some = rate > 0
    source = ColumnDataSource(
        {
            "left": bins[:-1][some],
            "right": bins[1:][some],
            "bottom": base[some].astype(np.float32),
            "top": (base + rate)[some].astype(np.float32),
            "rate": rate[some].astype(np.float32),
            "what": [key.label] * int(some.sum()),
        }
    )
    drawn = plot.quad(
        left="left", right="right", bottom="bottom", top="top", source=source,
        fill_color=key.colour, line_color=key.colour, line_width=0.5,
        name=key.name,
    )  # fmt: skip
    hover = [("what", "@what"), ("a second", "@rate{0,0.0}"), ("from", "@left{+0.00} s")]
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=hover, visible=False))


def _rates_said(history: History, found: Rates) -> str:
    good = history.requests[history.requests["state"] == OK]
    said = []
    for name in list(found.answered)[:4]:
        due = seconds(history, good.loc[good["release"] == name, "due_ns"])
        who = printable(name, TEXT) or "a release that was not told"
        said.append(f"{who} answered requests due from {due[0]:+.2f} s to {due[-1]:+.2f} s")
    if found.failed.any():
        worst = int(found.failed.argmax())
        said.append(
            f"at worst {found.failed[worst]:,.0f} a second failed, at {found.edges[worst]:+.2f} s"
        )
    return f"{'; '.join(said)}." if said else "No request was answered."


def _machine(frame: Frame) -> Plot:
    rows = machine(frame.history)
    allowed = frame.history.record.scenario.limits.steal_share * 100
    top = max(float(rows[["steal", "pressure"]].max().max(skipna=True) or 0), allowed * 2, 10.0)
    plot = new_figure(
        height=210,
        x_label=TIME,
        x_range=frame.x_range,
        y_range=Range1d(start=0, end=top * 1.08 if np.isfinite(top) else 10),
    )
    draw_strip(plot, frame.strip, labels=False)
    keys = (
        Key(name="steal", label="steal", colour="#aa3377"),
        Key(name="pressure", label="CPU pressure (10 s mean)", colour="#4a7a96"),
    )
    source = ColumnDataSource({name: rows[name].to_numpy() for name in rows.columns})
    plot.hspan(y=[allowed], line_color="#aa3377", line_dash="4 4", line_alpha=0.7)
    for key, dash in zip(keys, ("solid", "6 3"), strict=True):
        drawn = plot.step("at_s", key.name, source=source, color=key.colour, line_width=2,
                          line_dash=dash, mode="before", name=key.name)  # fmt: skip
        hover = [(key.label, f"@{key.name}{{0.0}} %"), ("second before", "@at_s{+0.0} s")]
        plot.add_tools(HoverTool(renderers=[drawn], tooltips=hover, visible=False))
    seen = rows[(rows["at_s"] >= 0) & (rows["at_s"] <= frame.end_s + 1)]
    steal, pressure = seen["steal"].max(), seen["pressure"].max()
    said = (
        f"Steal at most {steal:.1f} % in a second, CPU pressure at most {pressure:.0f} %."
        if len(seen) and np.isfinite([steal, pressure]).all()
        else "Steal or CPU pressure was not measured."
    )
    note = f"Above {allowed:g} % steal in the swap (dashed) a latency fail becomes inconclusive."
    return Plot(
        name="machine", title="The machine, in percent", said=said, note=note, drawn=plot, keys=keys
    )


def _curves(history: History) -> Plot:
    rows = history.requests
    good = rows[(rows["state"] == OK) & ~rows["slow_stream"]]
    parts = {
        "steady": good[good["phase"] == "steady"],
        "swap window": good[within(good["due_ns"], history.windows)],
        "after": good[(good["phase"] == "after") & ~within(good["due_ns"], history.windows)],
    }
    curves = {name: curve(part["latency_ms"].to_numpy()) for name, part in parts.items()}
    far = max((share[-1] for share, _ in curves.values() if len(share)), default=0.9)
    values = np.concatenate([ms for _, ms in curves.values()])
    limit = history.limits.get(ALL_STREAMS)
    tops = [float(values.max(initial=1)), limit.limit_ms if limit else 0.0]
    plot = new_figure(
        height=400,
        x_label="percent of requests not slower, in nines",
        x_range=Range1d(start=0, end=_nines(far) * 1.03),
        y_range=Range1d(start=max(float(values.min(initial=1)) * 0.8, 0.01), end=max(tops) * 1.3),
        y_axis_type="log",
    )
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0[.]00")
    plot.xaxis.ticker = FixedTicker(ticks=[_nines(share) for share in _NINES])
    plot.xaxis.major_label_overrides = {_nines(share): text for share, text in _NINES.items()}
    allowed = [limit.limit_ms] if limit else []
    plot.hspan(y=allowed, line_color=MUTED, line_dash="4 4")
    keys, said = [], []
    for index, (name, (share, ms)) in enumerate(curves.items()):
        if not len(share):
            said.append(f"{name}: too few samples")
            continue
        key = Key(name=f"phase-{index}", label=name, colour=PHASES[name])
        _curve(plot, key, share, ms)
        keys.append(key)
        said.append(f"{name} {milliseconds(float(ms[-1]))} ms at {share[-1] * 100:.4g} %")
    note = "All streams that are not slow on purpose. Each curve ends where 10 samples lie beyond."
    if limit:
        note += f" Dashed: the limit, {milliseconds(limit.limit_ms)} ms."
    return Plot(name="curves", title="Percentiles in ms, by phase", drawn=plot, keys=tuple(keys),
                said=f"Each curve's end: {', '.join(said)}.", note=note)  # fmt: skip


def _curve(plot: figure, key: Key, share: Numbers, ms: Numbers) -> None:
    source = ColumnDataSource(
        {"nines": -np.log10(1 - share), "ms": ms.astype(np.float32), "percent": share * 100}
    )
    drawn = plot.line("nines", "ms", source=source, color=key.colour, line_width=2.4, name=key.name)
    hover = [(key.label, "@percent{0.0[000]} % within @ms{0,0.0} ms")]
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=hover, visible=False))


def _nines(share: float) -> float:
    return float(-np.log10(1 - share))
