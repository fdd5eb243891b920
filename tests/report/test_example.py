"""The committed example is a real run; judging it again, months later, says the same."""

from pathlib import Path

from harness.analysis.history import load as load_history
from harness.checks.verdict import judge
from harness.model.finding import Verdict
from harness.report.result_json import load

EXAMPLE = Path(__file__).parents[2] / "reports" / "example"


def test_the_example_is_judged_as_it_was():
    written = load((EXAMPLE / "result.json").read_text(encoding="utf-8"))
    again = judge(load_history(EXAMPLE))
    assert again.verdict is written.verdict is Verdict.passed
    assert again.requests == written.requests
    assert [f.message for f in again.findings] == [f.message for f in written.findings]
