"""Texts that both sides compute."""

import pytest

from harness.model.made import expanded, made
from sample_app import content


@pytest.mark.parametrize("size", [0, 1, 16, 17, 100_000])
def test_both_sides_make_the_same_text_of_that_size(size):
    assert made(size) == content.made(size)
    assert len(made(size)) == size


def test_no_line_is_like_another():
    lines = made(160_000).splitlines()
    assert len(set(lines)) == len(lines) == 10_000


def test_a_gap_is_filled_and_other_braces_stay():
    assert expanded("a {made 16} {operation} {made}") == f"a {made(16)} {{operation}} {{made}}"
