"""What a variation makes of a configuration."""

import pytest

from harness.model.errors import NotJudgedError
from harness.stack import edge
from harness.stack.balancer import configuration
from harness.stack.variation import varied

TEXT = "defaults\n    retries 3\n    option redispatch 1\nbackend website\n    retries 3\n"


def test_a_line_is_changed_wherever_it_stands_and_keeps_its_indentation() -> None:
    assert varied("x.cfg", TEXT, {"retries 3": "retries 0\nretry-on none"}) == (
        "defaults\n    retries 0\n    retry-on none\n    option redispatch 1\n"
        "backend website\n    retries 0\n    retry-on none\n"
    )


def test_a_line_is_taken_away() -> None:
    assert "redispatch" not in varied("x.cfg", TEXT, {"option redispatch 1": ""})


def test_without_changes_a_configuration_is_as_it_was() -> None:
    plain = configuration(algorithm="roundrobin", servers="    server slot1 0.0.0.0:8000")
    assert varied("haproxy.cfg", plain, {}) == plain


@pytest.mark.parametrize("line", ["retries", "    retries 3", "retries 30", ""])
def test_a_line_that_is_not_there_is_refused(line: str) -> None:
    with pytest.raises(NotJudgedError, match=r"variation: x\.cfg has no line"):
        varied("x.cfg", TEXT, {line: "retries 0"})


def test_the_edges_configuration_is_varied_too() -> None:
    made = edge.environment(edge.Certificate.made(), {"keepalive 128;": "keepalive 1;"})
    assert "        keepalive 1;\n" in made["NGINX_CONF"]
    assert "keepalive 128;" not in made["NGINX_CONF"]
