"""Two runs that were compared, printed."""

from collections.abc import Iterator
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.model.past import ALL, Past
from harness.past.judge import P99, Compared, Number
from harness.past.wording import interval, name_of, shift, signed, title, value
from harness.report.figures import printable

__all__ = ["compared_text"]

_SAID: Final = {"more": "more", "less": "less", "": "not shown"}


def compared_text(found: Compared) -> Group:
    """What to print. Everything is literal text."""
    return Group(*_parts(found))


def _parts(found: Compared) -> Iterator[RenderableType]:
    if found.unlike:
        yield _text("NOT COMPARABLE, and compared all the same (--force):", "bold yellow")
        for each in found.unlike:
            yield _text(f"  {each}", "yellow")
    for name, past in (("A", found.before), ("B", found.after)):
        yield _text(f"{name}: {_run(past)}")
    yield _text(_summary(found), "bold")
    yield _changes(found)
    yield _once(found)
    for note in _notes(found):
        yield _text(note, "dim")


def _run(past: Past) -> str:
    verdict = past.verdict.value if past.verdict else "not judged"
    return f"{name_of(past.scenario, past.run, past.git)} {verdict}"


def _summary(found: Compared) -> str:
    """`B against A: p99 in the swaps +12.0 ms (3.1 to 20.9); nothing else is shown to differ`."""
    shown = [one for one in found.lines if one.shown]
    if not shown:
        return "B against A: no change is shown"
    told = "; ".join(f"{title(one)} {shift(one)} ({interval(one)})" for one in shown[:6])
    more = f"; and {len(shown) - 6} more" if len(shown) > 6 else ""
    return f"B against A: {told}{more}"


def _changes(found: Compared) -> Table:
    table = _table("changes, each with its interval (right together with 95 %)")
    for name in ("A", "B", "B - A", "from", "to"):
        table.add_column(name, justify="right")
    table.add_column("shown")
    for line in found.lines:
        if line.why and line.stream != ALL:
            continue
        cells = [value(one, line.unit) for one in (line.before, line.after)]
        if line.low is None or line.high is None:
            table.add_row(_text(title(line), most=60), *cells, "", "", "", _text(line.why, "dim"))
            continue
        cells += [signed(one, line.unit) for one in (line.change, line.low, line.high)]
        style = {"more": "red", "less": "green"}.get(line.shown, "")
        table.add_row(_text(title(line), most=60), *cells, _text(_SAID[line.shown], style))
    return table


def _once(found: Compared) -> Table:
    table = _table("counted or measured once a run: no interval")
    for name in ("A", "B"):
        table.add_column(name, justify="right")
    for number in found.numbers:
        table.add_row(number.figure, *_pair(number))
    return table


def _notes(found: Compared) -> Iterator[str]:
    untold = [one for one in found.lines if one.why and one.stream != ALL]
    if untold:
        told = "; ".join(f"{title(one)} ({one.why})" for one in untold[:4])
        more = f"; and {len(untold) - 4} more" if len(untold) > 4 else ""
        yield f"not compared: {told}{more}"
    lengths = sorted({
        length for one in found.lines if one.figure == P99 for length in one.block_s if length
    })  # fmt: skip
    if lengths:
        told = " to ".join(f"{one:.2g}" for one in (lengths[:1] + lengths[1:][-1:]))
        yield (
            f"p99: of requests that succeeded; intervals by a bootstrap over blocks of {told} s, "
            "as requests of one second share its fate"
        )
    yield (
        "failed share: reckoned as if requests failed one by one; they fail in bursts, so a share "
        "that differs says that these runs did, not that the next ones will"
    )
    yield (
        "an interval knows what varied within the two runs, not what differs from one day or one "
        "swap to the next: several swaps a run (--swaps) and several runs tell more"
    )


def _pair(number: Number) -> tuple[str, str]:
    return value(number.before, number.unit), value(number.after, number.unit)


def _table(name: str) -> Table:
    table = Table(box=box.SIMPLE, title=name, title_justify="left", padding=(0, 1, 0, 0))
    table.add_column("figure", overflow="fold")
    return table


def _text(text: str, style: str = "", most: int = 1_000) -> Text:
    return Text(printable(text, most), style=style)
