"""Paths into JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.model.json_path import NOT_FOUND, found_at, keys_of, same, shown

DOCUMENT = {"app": {"versions": ["v1", {"name": "v2"}], "": "none", "0": "zero"}, "up": None}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("app.versions.0", "v1"),
        ("app.versions.1.name", "v2"),
        ("app.versions.-1.name", "v2"),
        ("app.0", "zero"),
        ("app.", "none"),
        ("up", None),
        ("app.versions.2", NOT_FOUND),
        ("app.versions.first", NOT_FOUND),
        ("app.versions.0.0", NOT_FOUND),
        ("up.0", NOT_FOUND),
        ("", NOT_FOUND),
    ],
)
def test_a_path_leads_to_a_value_or_to_none(path, value):
    assert found_at(DOCUMENT, keys_of(path)) is value or found_at(DOCUMENT, keys_of(path)) == value


@pytest.mark.parametrize(
    ("one", "other", "are_same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (True, True, True),
        ("1", 1, False),
        (None, False, False),
        (NOT_FOUND, "", False),
    ],
)
def test_values_are_the_same_as_json_has_it(one, other, are_same):
    assert same(one, other) is are_same


def test_what_was_found_is_shown_in_ascii():
    assert shown("né\ud800") == '"n\\u00e9\\ud800"'
    assert shown(NOT_FOUND) == "nothing"
    assert shown(None) == "null"


@given(st.recursive(st.none() | st.text() | st.integers(), st.lists), st.text())
def test_any_path_into_any_json_is_safe(value, path):
    found = found_at(json.loads(json.dumps(value)), keys_of(path))
    assert found is NOT_FOUND or shown(found) != "nothing"
