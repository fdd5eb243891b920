"""The access log's line, from what gunicorn hands over. Some of it newer gunicorns refuse."""

import json
from datetime import timedelta
from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from sample_app.access_log import as_json


@given(st.text(), st.text(), st.text())
def test_a_line_is_one_line_of_json_whatever_was_asked(request_id, method, path):
    line = as_json(
        SimpleNamespace(status="200 OK"),
        SimpleNamespace(headers=[("HOST", "h"), ("X-REQUEST-ID", request_id)]),
        {"REQUEST_METHOD": method, "RAW_URI": path},
        timedelta(seconds=1, microseconds=5),
    )
    assert line.isascii()
    assert line.isprintable()
    read = json.loads(line)
    assert (read["request"], read["method"]) == (request_id, method)
    assert read["path"] == path.split("?")[0]
    assert (read["status"], read["duration_us"]) == (200, 1_000_005)


def test_a_request_without_an_id_has_an_empty_one():
    resp, req = SimpleNamespace(status=404), SimpleNamespace(headers=[])
    line = as_json(resp, req, {"REQUEST_METHOD": "GET", "RAW_URI": "/"}, timedelta(0))
    assert json.loads(line)["request"] == ""
