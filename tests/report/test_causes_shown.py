"""Causes and resolving power, as people see them: what happened, then what to change."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

from outcomes import failed, passed
from rich.console import Console

from harness.model.result import Attribution, NearMisses
from harness.report.markdown import summary
from harness.report.sections import causes, resolution
from harness.report.terminal import verdict_text

ONE = Attribution(
    cause="no_server", component="balancer", instance="", swap=1, step="stop website-1", failed=14,
    slow=0, first_s=12.038, last_s=12.092, examples=(3, 4), remedy="admit the new one <first>",
    sentence="14 requests failed: HAProxy had <no> server, from 38 to 92 ms after `stop` began",
)  # fmt: skip


def printed(result):
    console = Console(file=StringIO(), width=300)
    console.print(verdict_text(result, Path("reports/x")))
    return console.file.getvalue()


def test_a_cause_is_said_with_its_remedy_in_every_report():
    result = replace(failed(), attributions=(ONE,))
    page = causes(result)
    assert "14 requests failed: HAProxy had &lt;no&gt; server" in page
    assert "(+12.038 to +12.092 s)" in page
    assert "Remedy: admit the new one &lt;first&gt;." in page
    assert "<no>" not in page
    assert "- 14 requests failed: HAProxy had &lt;no&gt; server" in summary(result)
    assert "Remedy: admit the new one &lt;first&gt;" in summary(result)
    assert f"cause: {ONE.sentence}" in printed(result)
    assert f"remedy: {ONE.remedy}" in printed(result)


def test_many_causes_are_bounded_and_the_rest_is_counted():
    result = replace(failed(), attributions=(ONE,) * 30)
    assert causes(result).count("<li>") == 20
    assert "10 more are in result.json" in causes(result)
    assert printed(result).count("cause: 14 requests failed") == 5
    assert "25 more causes are in result.json" in printed(result)
    assert "20 more causes are in result.json" in summary(result)


def test_without_a_cause_there_is_nothing_to_say():
    assert "None: nothing failed, was slow or had to be tried again" in causes(passed())
    assert "### Causes" not in summary(passed())
    assert "cause:" not in printed(passed())


def test_near_misses_are_told_with_what_they_cost():
    saved = NearMisses(count=9, by_balancer=7, by_edge=2, cost_ms=251.4, most_ms=280.0)
    page = causes(replace(passed(), near_misses=saved))
    assert "9 requests succeeded only because a proxy tried again (HAProxy 7, NGINX 2)" in page
    assert "251.4 ms, at most 280.0 ms" in page


def test_resolving_power_is_a_table_and_what_is_not_certain_a_hyphen():
    page = resolution(replace(passed(), certain_outage_ms={"all": 6.94, "<b>": None}))
    assert "<td>all</td><td class=n>6.9</td>" in page
    assert "<td>&lt;b&gt;</td><td class=n>-</td>" in page
    assert "there was nothing to resolve" in resolution(replace(passed(), certain_outage_ms={}))
