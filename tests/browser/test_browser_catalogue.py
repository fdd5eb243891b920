"""The catalogue's page in a browser: every mechanism, each arm with the way to its run."""

import json
from dataclasses import replace

import pytest
from looks import assert_quiet

from harness.catalogue.folder import Kept
from harness.catalogue.model import Arm, Kind, mechanisms
from harness.catalogue.page import write_catalogue
from harness.model.finding import Verdict

pytestmark = pytest.mark.browser

MARKUP = "</script><img src=x onerror=hit()>'\"<!-- " + "x" * 400
HOSTILE = "hostile"


def arms():
    """Both of every second mechanism; one of them is hostile."""
    made = [
        Arm(
            mechanism=each.number, kind=kind, test=f"test_{each.number}_{kind}",
            what="told to stop before it was drained", unmet="", failed=1_024,
            verdict=Verdict.failed if kind is Kind.drops else Verdict.passed,
            requests=123_900, slow=2,
            outage_ms=12_222.5, added_p99_ms=None,
            cause="24 requests failed: website-1 refused connections (SC)",
            folder=f"../test_{each.number}_{kind}/20260102T030405Z-abcd",
            not_most="", run="20260102T030405Z-abcd", harness="0.1.0",
            git_head="0a1b2c3d" if kind.is_twin else "0a1b2c3d-dirty",
        )
        for each in mechanisms()[::2]
        for kind in Kind
    ]  # fmt: skip
    return [
        replace(made[0], what=MARKUP, cause=MARKUP, unmet=MARKUP, run=MARKUP, not_most=MARKUP),
        *made[1:],
    ]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports") / "catalogue"
    folder.mkdir()
    write_catalogue(mechanisms(), Kept(arms=tuple(arms()), left_out=(MARKUP,)), folder)
    for arm in arms():
        run = folder / arm.folder
        run.mkdir(parents=True)
        (run / "report.html").write_text("<!DOCTYPE html><title>a run</title>")
    return folder


def test_it_opens_without_an_error_and_asks_nothing_of_the_network(opened, pages):
    assert_quiet(opened("index"), pages / "index.html")


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(opened, width):
    assert opened("index", width=width).value("document.scrollingElement.scrollWidth") <= width


def test_every_mechanism_is_seen_shown_or_with_the_reason(opened):
    seen = json.loads(
        opened("index", width=390).value(
            """JSON.stringify(Object.fromEntries([...document.querySelectorAll("h3")].map(one => {
              const told = [];
              for (let next = one.nextElementSibling; next && next.tagName !== "H3";
                   next = next.nextElementSibling) told.push(next.innerText);
              return [one.innerText, one.offsetHeight > 0 && told.join(" ").length > 80];
            })))"""
        )
    )
    assert seen == {f"{each.number}. {each.title}": True for each in mechanisms()}


def test_each_arm_leads_to_its_run(opened, tab):
    links = json.loads(
        opened("index").value(
            "JSON.stringify([...document.querySelectorAll('td a')].map(a => a.href))"
        )
    )
    assert len(links) == len(arms())
    for link in (links[0], links[-1]):
        tab.call("Page.navigate", url=link)
        tab.until("document.readyState === 'complete' && document.title === 'a run'")


def test_on_a_phone_a_table_scrolls_below_its_first_column(opened):
    tab = opened("index", width=390)
    moved = tab.value(
        """(() => {
          const box = document.querySelector("section .scroll");
          const [first, second] = box.querySelectorAll("tbody td");
          const left = (one) => Math.round(one.getBoundingClientRect().left);
          const before = [left(first), left(second)];
          box.scrollLeft = 150;
          return [left(first) - before[0], left(second) - before[1], first.offsetWidth];
        })()"""
    )
    assert moved[:2] == [0, -150]
    assert 60 < moved[2] < 390 / 2
