"""Mechanisms, and the scenarios that name them."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from harness.catalogue.model import Kind, mechanisms

ROOT = Path(__file__).parents[2]


def test_mechanisms_have_33_numbers_each_with_what_avoids_it() -> None:
    known = mechanisms()
    assert [each.number for each in known] == list(range(1, 34))
    assert all(each.title and each.symptom and each.avoided_by for each in known)


def test_a_mechanism_has_both_arms_or_says_why_not() -> None:
    """The scenarios name their mechanism by number and kind."""
    text = "".join(
        path.read_text() for path in (ROOT / "scenarios" / "catalogue").glob("test_*.py")
    )
    shown = {
        kind: {int(number) for number in re.findall(rf"shows\(\s*(\d+),\s*Kind\.{kind}\b", text)}
        for kind in Kind
    }
    assert not shown[Kind.avoids] & shown[Kind.refuses]
    assert shown[Kind.drops] == shown[Kind.avoids] | shown[Kind.refuses]
    for each in mechanisms():
        assert (each.number in shown[Kind.drops]) is (not each.not_shown), each.title


AVOIDED_BY = {4: {"stop_timeout_s"}, 23: {"drain_timeout_s"}}
"""Mechanisms of which the twin differs by a figure."""


def figures() -> Iterator[tuple[int, dict[str, float]]]:
    """(mechanism, the figures that its run is asked for with) of each arm."""
    for path in (ROOT / "scenarios" / "catalogue").glob("test_*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "shows":
                yield (
                    ast.literal_eval(call.args[0]),
                    {
                        str(each.arg): each.value.value
                        for each in call.keywords
                        if isinstance(each.value, ast.Constant)
                        and isinstance(each.value.value, int | float)
                    },
                )


def test_a_twin_differs_by_no_figure_but_the_one_that_avoids_the_mechanism() -> None:
    arms = defaultdict(list)
    for number, asked in figures():
        arms[number].append(asked)
    for number, (one, other) in arms.items():
        differs = {name for name, _ in one.items() ^ other.items()}
        assert differs == AVOIDED_BY.get(number, set()), number
