"""The page that shows the arms."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from arms import arm

from harness.catalogue.folder import Kept
from harness.catalogue.model import Arm, Kind, Mechanism, mechanisms
from harness.catalogue.page import catalogue_html, catalogue_markdown, write_catalogue
from harness.model.finding import Verdict


def page_of(*arms: Arm) -> str:
    return catalogue_html(mechanisms(), Kept(arms=arms))


def text_of(*arms: Arm) -> str:
    return catalogue_markdown(mechanisms(), Kept(arms=arms))


BOTH = (arm(), arm(1, Kind.avoids))


def test_the_page_counts_a_mechanism_only_where_both_arms_ended_as_they_must() -> None:
    assert "1 of 33 mechanisms are shown" in page_of(*BOTH)
    refusal = (BOTH[0], arm(1, Kind.refuses, verdict=Verdict.failed))
    assert "1 of 33 mechanisms are shown" in page_of(*refusal)
    assert "fail</b>, the swap alone" in page_of(*refusal)
    assert "unexpected" not in text_of(*refusal)
    wrong = replace(BOTH[1], unmet="it had to be judged <pass>", verdict=Verdict.inconclusive)
    page = page_of(BOTH[0], wrong)
    assert "0 of 33 mechanisms are shown" in page
    assert "1 arm ended unexpectedly" in page
    assert "<b>unexpected</b>: it had to be judged &lt;pass&gt;" in page
    assert "(unexpected: it had to be judged <pass>)" in text_of(BOTH[0], wrong)


def test_of_more_than_two_arms_each_must_have_ended_as_it_must() -> None:
    third = replace(BOTH[1], test="test_third")
    assert "1 of 33 mechanisms are shown" in page_of(*BOTH, third)
    assert "0 of 33 mechanisms are shown" in page_of(*BOTH, replace(third, unmet="it failed"))


@pytest.mark.parametrize(
    ("alone", "lacking"),
    [(BOTH[0], "its twin was not run"), (BOTH[1], "the arm that drops was not run")],
)
def test_a_mechanism_with_one_arm_is_counted_and_says_which_was_not_run(
    alone: Arm, lacking: str
) -> None:
    counts = "0 of 33 mechanisms are shown, both arms of each; of 1 one arm alone was run."
    page, text = page_of(alone), text_of(alone)
    assert counts in page
    assert counts in text
    assert f"Not shown: {lacking}." in page
    assert f"* 1. the stop signal before the balancer lets go: Not shown: {lacking}." in text
    assert "was not run" not in page_of(*BOTH)
    assert "* 1." not in text_of(*BOTH)


def test_each_arm_has_its_time_and_the_harness_where_that_is_not_one_for_all() -> None:
    later = replace(BOTH[1], run="20260304T050607Z-abcd")
    page = page_of(BOTH[0], later)
    assert "<td>2026-01-02 03:04</td>" in page
    assert "<td>2026-03-04 05:06</td>" in page
    assert "All arms were run by harness 0.1.0 at 0a1b2c3d." in page
    other = page_of(BOTH[0], replace(later, git_head="ffff0000-dirty"))
    assert "<td>2026-01-02 03:04, 0.1.0 at 0a1b2c3d</td>" in other
    assert "<td>2026-03-04 05:06, 0.1.0 at ffff0000-dirty</td>" in other
    assert "All arms" not in other
    text = text_of(BOTH[0], replace(later, harness="0.2.0", git_head=""))
    assert "| 2026-01-02 03:04, 0.1.0 at 0a1b2c3d |" in text
    assert "| 2026-03-04 05:06, 0.2.0 |" in text


def test_a_run_that_was_named_otherwise_has_its_name_for_a_time() -> None:
    assert "<td>my&lt;run</td>" in page_of(arm(run="my<run"))


def test_an_arm_of_which_most_is_put_down_to_another_cause_says_why() -> None:
    assert "(not most: they wait &lt;behind&gt;)" in page_of(arm(not_most="they wait <behind>"))
    assert "(not most" not in page_of(arm())


def test_the_page_names_what_is_left_out() -> None:
    kept = Kept(arms=BOTH, left_out=("a<b.json: damaged",))
    assert "<li>a&lt;b.json: damaged</li>" in catalogue_html(mechanisms(), kept)
    assert "* Left out: a<b.json: damaged." in catalogue_markdown(mechanisms(), kept)
    assert "Left out" not in page_of(*BOTH)


def test_the_page_links_runs_and_escapes_what_it_is_told(tmp_path: Path) -> None:
    known = with_one_not_shown()
    write_catalogue(known, Kept(arms=(arm(what="a<b"),)), tmp_path / "catalogue")
    page = (tmp_path / "catalogue" / "index.html").read_text("utf-8")
    assert 'href="../test_1/20260102T030405Z-abcd/report.html"' in page
    assert "a&lt;b" in page
    assert "24 requests failed: &lt;refused&gt;" in page
    assert "Not shown: 3 of &lt;3&gt; tries." in page
    assert not re.search(r"(src|href)=\"(https?:)?//", page)


def with_one_not_shown() -> tuple[Mechanism, ...]:
    known = mechanisms()
    return (*known[:5], replace(known[5], not_shown="3 of <3> tries"), *known[6:])


def test_the_text_has_a_row_an_arm_and_names_what_is_not_shown() -> None:
    known = with_one_not_shown()
    text = catalogue_markdown(known, Kept(arms=(arm(added_p99_ms=None, what="a|b"),)))
    assert (
        "| 1 | the stop signal before the balancer lets go | a/b (drops) "
        "| 2026-01-02 03:04 | ✗ fail | 24 | 3,900 | 2 | 1,222 | - |"
    ) in text
    assert "* 6. the wrong stop signal: Not shown: 3 of <3> tries." in text
