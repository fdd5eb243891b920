import json
from dataclasses import replace

import jsonschema
import pytest
from outcomes import failed, inconclusive, passed

from harness.report.result_json import SCHEMA_FILE, dump, load, schema, schema_text

RESULTS = pytest.mark.parametrize("result", [passed(), failed(), inconclusive()])


def test_the_committed_schema_is_the_generated_one():
    """If not: python -m harness.report.result_json."""
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()


@RESULTS
def test_what_is_dumped_loads_as_it_was(result):
    assert dump(load(dump(result))) == dump(result)
    assert load(dump(result)).requests == result.requests


@RESULTS
def test_what_is_dumped_fits_the_schema(result):
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(json.loads(dump(result)), schema())


@RESULTS
def test_nothing_dumped_is_outside_of_json(result):
    json.loads(dump(result), parse_constant=pytest.fail)


def test_what_is_no_result_is_refused():
    with pytest.raises(ValueError, match="verdict"):
        load(dump(passed()).replace('"verdict": "pass"', '"verdict": "maybe"'))


def test_evidence_that_json_has_no_form_for_is_still_written():
    """A check may be anybody's; a report that cannot be written would hide its verdict."""
    result = passed()
    odd = {"a": float("nan"), "b": "\ud800", "c": object, "d": (1, {2})}
    finding = replace(result.findings[0], evidence=odd)
    back = load(dump(replace(result, findings=(finding,))))
    assert back.findings[0].evidence == {
        "a": None,
        "b": "?",
        "c": "<class 'object'>",
        "d": [1, [2]],
    }
