"""HTML from text that is not trusted: escaped, on one line, and bounded in bytes."""

from collections.abc import Container, Iterable, Sequence
from html import escape

from harness.model.finding import Verdict
from harness.report.figures import SIGNS, printable

__all__ = ["bounded", "safe", "sign", "table"]


def safe(text: str, most: int = 1_000) -> str:
    """The text as HTML that means itself, in an attribute too."""
    return escape(printable(text, most))


def bounded(parts: Iterable[str], most_bytes: int, rest: str) -> str:
    """The parts joined, as far as they fit, then `rest` with the count of those left out."""
    kept: list[str] = []
    held = left = 0
    for part in parts:
        held += len(part.encode())
        if left or held > most_bytes:
            left += 1
        else:
            kept.append(part)
    return "".join(kept) + (rest.format(left) if left else "")


def sign(verdict: Verdict) -> str:
    """`✓ pass`, in its colour; the sign alone tells it too."""
    return f'<b class="sign {verdict.name}">{SIGNS[verdict]} {verdict}</b>'


def table(
    label: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Container[int] = (),
    kind: str = "",
) -> str:
    """A table in a box of its own, which scrolls sideways, by keyboard too. Cells are HTML;
    `numbers` are the columns that are aligned to the right, `kind` is a class of page.css.
    """

    def cells(tag: str, row: Sequence[str]) -> str:
        return "".join(
            f"<{tag} class=n>{cell}</{tag[:2]}>"
            if index in numbers
            else f"<{tag}>{cell}</{tag[:2]}>"
            for index, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>\n" for row in rows)
    return (
        f'<div class="{f"scroll {kind}".strip()}" tabindex="0" role="region" '
        f'aria-label="{safe(label, 200)}">'
        f"<table><thead><tr>{cells('th scope=col', head)}</tr></thead>\n"
        f"<tbody>\n{body}</tbody></table></div>\n"
    )
