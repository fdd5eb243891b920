"""`junit.xml`: a test case a check, for what reads test reports."""

import json
from typing import Final
from xml.etree import ElementTree as ET

from harness.model.finding import Finding, Verdict
from harness.model.result import Result
from harness.report.figures import requests_line

__all__ = ["junit"]

_MOST_TEXT: Final = 8_000


def junit(result: Result) -> str:
    """The result as JUnit XML: a failure for fail, an error for inconclusive; no test is skipped.

    Text that XML 1.0 cannot carry (control characters, lone surrogates) is replaced.
    """
    verdicts = [finding.verdict for finding in result.findings]
    suite = ET.Element(
        "testsuite",
        {
            "name": _safe(result.scenario, 200),
            "tests": str(len(verdicts)),
            "failures": str(verdicts.count(Verdict.failed)),
            "errors": str(verdicts.count(Verdict.inconclusive)),
            "skipped": "0",
        },
    )
    properties = ET.SubElement(suite, "properties")
    for key, value in (("run", result.run), ("harness", result.harness)):
        ET.SubElement(properties, "property", {"name": key, "value": _safe(value, 200)})
    for key, limit in result.limits.items():
        told = {"name": f"limits.{_safe(key, 100)}", "value": _safe(str(limit), 200)}
        ET.SubElement(properties, "property", told)
    for finding in result.findings:
        _case(suite, result, finding)
    ET.SubElement(suite, "system-out").text = _safe(f"{result.sentence}\n{requests_line(result)}")
    suites = ET.Element("testsuites")
    suites.append(suite)
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'


def _case(suite: ET.Element, result: Result, finding: Finding) -> None:
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "classname": f"harness.{_safe(result.scenario, 200)}",
            "name": _safe(finding.check, 100),
        },
    )
    if finding.verdict is Verdict.passed:
        ET.SubElement(case, "system-out").text = _safe(finding.message)
        return
    tag = "failure" if finding.verdict is Verdict.failed else "error"
    problem = ET.SubElement(
        case,
        tag,
        {"message": _safe(finding.message, 2_000), "type": finding.verdict.value},
    )
    problem.text = _safe(json.dumps(finding.evidence, indent=1, ensure_ascii=False, default=str))


def _safe(text: str, most: int = _MOST_TEXT) -> str:
    """Only what XML 1.0 may hold, bounded. Source: W3C, XML 1.0, production 2 (Char)."""
    kept = "".join(char if _is_char(ord(char)) else "\N{REPLACEMENT CHARACTER}" for char in text)
    return kept if len(kept) <= most else f"{kept[: most - 1]}…"


def _is_char(code: int) -> bool:
    return (
        code in {0x9, 0xA}
        or 0x20 <= code < 0x7F
        or 0xA0 <= code <= 0xD7FF
        or 0xE000 <= code <= 0xFFFD
        or 0x10000 <= code <= 0x10FFFF
    )
