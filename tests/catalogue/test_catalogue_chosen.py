"""What `make test` runs of the catalogue: each mechanism of it whole."""

import ast
from collections.abc import Iterator
from pathlib import Path

from harness.catalogue.model import Kind

ROOT = Path(__file__).parents[2]
CATALOGUE = ROOT / "scenarios" / "catalogue"


def chosen() -> Iterator[tuple[int, str]]:
    """(mechanism, kind) of each arm that is marked, as its call of `shows` says."""
    for path in CATALOGUE.glob("test_*.py"):
        for test in ast.parse(path.read_text("utf-8")).body:
            if isinstance(test, ast.FunctionDef) and "pytest.mark.chosen" in map(
                ast.unparse, test.decorator_list
            ):
                yield next(
                    (ast.literal_eval(call.args[0]), ast.unparse(call.args[1]))
                    for call in ast.walk(test)
                    if isinstance(call, ast.Call) and ast.unparse(call.func) == "shows"
                )


def test_each_mechanism_that_is_chosen_has_both_its_arms() -> None:
    found = sorted(chosen())
    numbers = sorted({number for number, _ in found})
    assert len(numbers) == 3
    both = (Kind.avoids, Kind.drops)
    assert found == [(number, f"Kind.{kind.name}") for number in numbers for kind in both]


def test_they_are_what_the_makefile_asks_for() -> None:
    lines = (ROOT / "Makefile").read_text("utf-8").splitlines()
    left_out = "faults or catalogue or strategies or ways or by_hand or follower or swarm or edge"
    asked = f"chosen or not ({left_out})"
    assert f"\t@.venv/bin/pytest scenarios -m '{asked}'" in lines
