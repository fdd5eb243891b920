"""Limits that are not the defaults stand near the verdict, in each report."""

import io
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from outcomes import calibrated_history, passed
from rich.console import Console

from harness.checks.verdict import judge
from harness.model.scenario import Limits
from harness.report.html import html
from harness.report.junit import junit
from harness.report.markdown import summary
from harness.report.terminal import verdict_text

SET = {"failed_share": 0.001, "p99_ms": 250.0, "unobserved_release": True}
LINE = "limits that were set: allow_unobserved_release true, failed_share 0.001, p99_ms 250"


def limited():
    history = calibrated_history()
    scenario = replace(history.record.scenario, limits=Limits(**SET))
    return replace(history, record=replace(history.record, scenario=scenario))


def printed(result):
    file = io.StringIO()
    Console(file=file, width=200).print(verdict_text(result, "reports/drain/1"))
    return file.getvalue()


def properties(result):
    found = ET.fromstring(junit(result).encode()).iter("property")
    return {one.get("name"): one.get("value") for one in found}


def test_each_report_shows_them():
    history = limited()
    result = judge(history)
    assert LINE in printed(result)
    assert LINE in summary(result)
    assert LINE in html(history, result).split("Findings")[0]
    assert properties(result)["limits.failed_share"] == "0.001"
    assert properties(result)["limits.p99_ms"] == "250.0"


@pytest.mark.parametrize("write", [printed, summary, junit])
def test_defaults_are_not_shown(write):
    text = write(passed())
    assert "limits that were set" not in text
    assert "limits." not in text
