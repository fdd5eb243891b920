from xml.etree import ElementTree as ET

import pytest
from outcomes import failed, hostile, inconclusive, passed

from harness.model.finding import Verdict
from harness.report.junit import junit


@pytest.mark.parametrize("make", [passed, failed, inconclusive])
def test_every_check_is_a_case_and_nothing_is_skipped(make):
    result = make()
    [suite] = ET.fromstring(junit(result).encode())
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [f.check for f in result.findings]
    verdicts = [finding.verdict for finding in result.findings]
    assert suite.get("tests") == str(len(verdicts))
    assert suite.get("failures") == str(verdicts.count(Verdict.failed))
    assert suite.get("errors") == str(verdicts.count(Verdict.inconclusive))
    assert suite.get("skipped") == "0"
    for case, finding in zip(cases, result.findings, strict=True):
        children = {child.tag for child in case}
        expected = {
            Verdict.passed: "system-out",
            Verdict.failed: "failure",
            Verdict.inconclusive: "error",
        }
        assert children == {expected[finding.verdict]}


def test_a_failure_carries_its_message():
    [suite] = ET.fromstring(junit(failed()).encode())
    failure = suite.find("testcase/failure")
    assert failure.get("message") == failed().findings[0].message
    assert '"failed": 30' in failure.text


def test_any_control_character_is_safe():
    text = junit(hostile())
    root = ET.fromstring(text.encode())
    assert "\x1b" not in text
    assert "<script>" not in text
    assert len(root[0].findall("testcase")) == 60
    assert len(text) < 2_000_000


def test_each_character_alone_is_safe():
    """XML 1.0 refuses most control characters, escaped or not."""
    result = passed()
    for code in [*range(0xA1), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF, 0x1F600]:
        changed = type(result)(
            **{name: getattr(result, name) for name in result.__slots__}
            | {"sentence": f"a{chr(code)}b"}
        )
        ET.fromstring(junit(changed).encode())
