import re
from dataclasses import replace

import pytest
from outcomes import HOSTILE, failed, hostile, inconclusive, passed

from harness.report.markdown import MOST_BYTES, escaped, summary


@pytest.mark.parametrize("make", [passed, failed, inconclusive])
def test_the_summary_is_the_golden_one(make, golden):
    golden(f"summary-{make.__name__}.md", summary(make()))


def test_hostile_text_stays_text():
    text = summary(hostile())
    assert "<script" not in text
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "\n## no" not in text
    assert set(re.findall(r"</?[a-z]+>", text)) <= {
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
    }


def test_hostile_text_adds_no_column():
    result = replace(hostile(), findings=hostile().findings[:3])
    rows = [line for line in summary(result).splitlines() if line.startswith("|")]
    bars = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
    assert bars == {4, 9, 10}


def test_the_summary_is_less_than_64_kib_and_says_where_it_was_cut():
    text = summary(hostile())
    assert len(text.encode()) < MOST_BYTES
    assert text.endswith("…the rest is in result.json\n")


def test_escaping_makes_one_bounded_line():
    assert escaped("a|b<c>`d`\\[e]\n&*") == (
        "a\\|b&lt;c&gt;\\`d\\`\\\\\\[e\\]\N{REPLACEMENT CHARACTER}&amp;\\*"
    )
    assert len(escaped("|" * 99_999, 50)) < 101
    assert "\n" not in escaped(HOSTILE)
