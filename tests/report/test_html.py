import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from outcomes import MARKUP, calibrated_history, failed_history, hostile, hostile_history
from synthetic import START, S, at, clean

from harness.checks.verdict import judge
from harness.model.outcome import Outcome
from harness.report.html import html
from harness.report.plots import plots

MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def failed_page():
    history = failed_history()
    return html(history, judge(history))


class Reader(HTMLParser):
    """The page's text outside of scripts and styles, its tags and attributes, and its scripts."""

    def __init__(self, page):
        super().__init__()
        self.scripts, self.attributes, self.tags = [], [], []
        self._parts, self._within = [], ""
        self.feed(page)
        self.text = " ".join(" ".join(self._parts).split())

    def handle_starttag(self, tag, attributes):
        self._within = tag
        self.tags.append(tag)
        self.attributes += attributes

    def handle_endtag(self, tag):
        self._within = ""

    def handle_data(self, data):
        if self._within == "script":
            self.scripts.append(data)
        elif self._within not in {"style", "title"}:
            self._parts.append(data)


def drawn(page):
    """What the plots are made of, as the browser reads it."""
    [text] = re.findall(r"const docs_json = '(.*)';\n", page)
    return json.loads(unescape(text.replace("\\\\", "\\")))


def test_the_verdict_comes_before_all_else(failed_page):
    text = Reader(failed_page).text
    order = ["✗ fail", "no_failed_request", "Over time", "Percentiles", "Outages and failures",
             "Environment"]  # fmt: skip
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert text.index("30 of 5,400 requests failed") < text.index("Over time")


def test_what_did_not_pass_is_on_top_with_its_examples(failed_page):
    findings = Reader(failed_page).text.split("Findings")[1].split("Over time")[0]
    assert findings.count("✗ fail") == 2
    assert findings.index("✓ pass") > findings.rindex("✗ fail")
    assert "<h1>503 | `no` server</h1>" in findings


def test_nothing_is_asked_of_the_network(failed_page):
    reader = Reader(failed_page)
    linked = [value for name, value in reader.attributes if name in {"src", "href", "action"}]
    assert linked == []
    assert "link" not in reader.tags
    assert "@import" not in failed_page
    policies = [value for name, value in reader.attributes if name == "content"]
    assert policies[0].startswith("default-src 'none'; ")


def test_only_the_librarys_core_is_inlined(failed_page):
    for component in ("bokeh-widgets", "bokeh-tables", "bokeh-mathjax", "bokeh-gl"):
        assert f'"{component}"' not in failed_page
    assert len(failed_page.encode()) < 1_600_000


def test_every_plot_is_in_the_page_with_its_data(failed_page):
    names = {entry["name"] for entry in _glyphs(drawn(failed_page))}
    assert names >= {
        "stream-0", "stream-3", "failed", "release-0", "release-1", "steal", "pressure",
        "phase-0", "phase-1", "phase-2",
    }  # fmt: skip
    for plot in ("latency", "rates", "machine", "curves"):
        assert f'id="plot-{plot}"' in failed_page
        assert f'id="{plot}-said"' in failed_page


def _glyphs(node):
    if isinstance(node, dict):
        if node.get("name") == "GlyphRenderer" and "name" in node["attributes"]:
            yield node["attributes"]
        for value in node.values():
            yield from _glyphs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _glyphs(value)


def test_each_failed_request_is_drawn_where_they_are_few(failed_page):
    assert failures(failed_page)["outcome"] == ["wrong_status"] * 30


def failures(page):
    """The points of the failed requests in the plot of latency."""
    first = next(one for one in _glyphs(drawn(page)) if one["name"] == "failed")
    return dict(first["data_source"]["attributes"]["data"]["entries"])


def test_a_plot_says_in_words_what_it_shows():
    latency, rates, machine, curves = (plot.said for plot in plots(failed_history()))
    assert latency.endswith("30 failed.")
    assert "slowest took 700.0 ms" in latency
    assert "v1 answered requests due from +0.00 s" in rates
    assert "a second failed, at +12.5" in rates
    assert machine == "Steal at most 1.0 % in a second, CPU pressure at most 1 %."
    assert "steady 5.0 ms at 99.66 %" in curves


def test_what_happened_around_an_outage_is_told(failed_page):
    text = Reader(failed_page).text.split("Outages and failures")[1]
    assert "The step that had begun last: stop website-1 , begun at +12.600 s." in text
    assert "+12.600 s step stop website-1 begins" in text
    assert "+12.100 s step drain website-1 begins" in text
    assert "wrong_status" in text
    assert "<h1>503 | `no` server</h1>" in text
    assert "start v2" not in text.split("Latency")[0]
    assert "and 26 more failed requests" in text


def test_a_mark_more_than_a_second_away_is_not_around():
    draft = clean()
    draft.fail(draft.seqs(since=5, until=5.1), Outcome.reset)
    history = draft.history()
    text = Reader(html(history, judge(history))).text.split("Around")[1]
    text = text.split(" Latency ")[0]
    assert "No step of a swap had begun." in text
    assert "begins" not in text


def test_hostile_names_stay_text():
    history = hostile_history()
    page = html(history, judge(history))
    reader = Reader(page)
    assert "img" not in reader.tags
    assert "\u2028" not in page
    # The library, the plots, the page's own: none was ended early by a name.
    assert len(reader.scripts) == 3
    assert page.count("</script>") == 3
    shown = [text for text in _strings(drawn(page)) if "onerror" in text]
    assert shown
    assert max(len(text) for text in shown) <= 60


def _strings(node):
    if isinstance(node, dict):
        for value in node.values():
            yield from _strings(value)
    elif isinstance(node, list):
        for value in node:
            yield from _strings(value)
    elif isinstance(node, str):
        yield node


@pytest.mark.parametrize("history", [hostile_history, failed_history])
def test_the_page_of_a_hostile_result_is_bounded(history):
    page = html(history(), hostile())
    assert len(page.encode()) < MOST_BYTES
    assert "are in result.json" in page
    assert MARKUP not in page


def many(count):
    """A run of so many requests, one in a hundred failed."""
    draft = clean()
    draft.sent(stop_ns=at(count / 300))
    due = START + np.arange(count) * S // 300
    draft.samples = pd.DataFrame(
        {
            "seq": np.arange(count) + 3,
            "stream": np.resize(["get-reused", "get-new", "write", "slow"], count),
            "due_ns": due,
            "sent_ns": due + 100_000,
            "first_byte_ns": due + 1_000_000,
            "finished_ns": due + 2_000_000 + np.arange(count) * 7_919 % 90_000_000,
            "outcome": np.where(np.arange(count) % 100, "ok", "reset"),
            "status": 200,
            "bytes": 12,
            "release": "v1",
            "instance": "website-1",
            "connection": 1,
            "reuse": 0,
            "cache": "untold",
            "handshake": "plain",
        }
    )
    draft.machine = [
        replace(draft.machine[0], at_ns=at(second)) for second in range(count // 300 * 20)
    ]
    return draft.history()


def test_many_samples_make_the_page_no_larger():
    history = many(200_000)
    page = html(history, judge(history))
    assert len(page.encode()) < MOST_BYTES
    assert "Of 2,000 failed requests 1,500 are drawn" in page
    assert len(failures(page)["seq"]["array"]["data"]) < 1_500 * 4 * 1.4
    assert failures(page)["outcome"] == ["reset"] * 1_500


@pytest.mark.parametrize("lack", ["samples", "marks", "machine", "sent", "answers", "everything"])
def test_a_run_that_lacks_something_is_drawn_all_the_same(lack):
    draft = clean()
    if lack in {"samples", "everything"}:
        draft.samples = draft.samples.iloc[:0]
    if lack in {"marks", "everything"}:
        draft.marks = []
    if lack in {"machine", "everything"}:
        draft.machine = []
    if lack in {"sent", "everything"}:
        draft.record = replace(draft.record, sent=None, clocks=())
    if lack == "answers":
        draft.fail(draft.seqs(), Outcome.refused, finished_ns=0)
    history = draft.history()
    page = html(history, judge(history))
    assert not re.search(r"\b(nan|inf)\b", Reader(page).text, re.IGNORECASE)
    assert len(page.encode()) < MOST_BYTES


def test_many_swaps_are_drawn_as_swaps():
    history = clean(20).history()
    latency = plots(history)[0].drawn
    [steps] = latency.select({"name": "steps"})
    assert steps.data_source.data["name"] == [f"swap {number}" for number in range(1, 21)]


def test_what_was_put_in_before_the_run_stands_beside_what_was_found():
    history = calibrated_history()
    text = Reader(html(history, judge(history))).text
    assert "2 of 2 outages of 222 ms found and rightly named, lengths at most 11 ms" in text
    assert "+0.650 503 2 222.2 wrong_status 219.7 1.0 -2.5 229.0 found" in text
    assert "left out: 5 intervals of reset, stall: no room in 3.7 s" in text


def test_a_run_that_was_not_calibrated_says_so(failed_page):
    assert "Not calibrated: what outages this run would notice" in Reader(failed_page).text


def test_the_controls_curve_is_drawn_beside_the_runs_and_is_in_the_legend(failed_page):
    curves = [one for one in _glyphs(drawn(failed_page)) if one["name"] == "control"]
    assert len(curves) == 2
    reader = Reader(failed_page)
    assert ("data-glyphs", "control") in reader.attributes
    assert "Dotted is the control, a stub that the swap does not touch" in reader.text
    assert "control: 900 requests beside the run, 0 failed" in reader.text
    assert "kept waiting 1 time, longest for 700 ms at +5.000 s" in reader.text
    assert len(failed_page.encode()) < MOST_BYTES


def test_without_a_control_there_is_no_curve_of_it():
    history = clean().history()
    page = html(history, judge(history))
    assert not [one for one in _glyphs(drawn(page)) if one["name"] == "control"]
    assert "Dotted is the control" not in page
