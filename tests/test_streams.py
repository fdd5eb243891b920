"""Streams as they are said in settings and on the command line, and what is wrong with them."""

import argparse
import re
from pathlib import Path

import pytest

from harness.config import Settings, load
from harness.model.errors import NotJudgedError
from harness.model.traffic import Connection, Tls
from harness.options import add_settings, given_settings
from harness.streams import StreamSettings
from harness.verify import default_traffic

AT = {"url": "http://shop.test/", "deploy": "true"}
TABLES = """
[tool.harness]
url = "http://shop.test/"
deploy = "make deploy"

[[tool.harness.streams]]
name = "home"

[[tool.harness.streams]]
name = "order"
url = "https://api.test:8443/orders/{operation}"
method = "POST"
headers = { Authorization = "Bearer x" }
json = { items = [1, 2], id = "{operation}" }
expect_status = 201
expect_headers = { X-Kind = "order" }
expect_json = { app.status = "ok", "app.tries" = 1 }
release = "json:app.version"
weight = 0.5
connection = "new"
tls = "full"
timeout_s = 3
write = true
slow = true
cached_s = 0
"""
LINE = (
    "order POST https://api.test:8443/orders/{operation} headers.Authorization='Bearer x' "
    'json={"items":[1,2],"id":"{operation}"} expect_status=201 expect_headers.X-Kind=order '
    "expect_json.app.status=ok expect_json.app.tries=1 release=json:app.version weight=0.5 "
    "connection=new tls=full timeout_s=3 write=true slow=true cached_s=0"
)


def refusal(streams, **more):
    with pytest.raises(NotJudgedError) as caught:
        load({**AT, "streams": streams, **more})
    return str(caught.value).splitlines()


def test_streams_are_tables_of_the_settings_file(tmp_path):
    (tmp_path / "pyproject.toml").write_text(TABLES)
    home, order = load(folder=tmp_path).streams
    assert (home.name, home.url, home.method, home.weight) == ("home", "", "GET", 1.0)
    assert (home.connection, home.expect_status) == (Connection.reuse, None)
    assert order.json_body == {"items": [1, 2], "id": "{operation}"}
    assert order.expect_json == {"app.status": "ok", "app.tries": 1}
    assert (order.connection, order.tls) == (Connection.new, Tls.full)
    assert (order.write, order.slow, order.cached_s, order.timeout_s) == (True, True, 0, 3)


def test_a_line_says_the_same_as_a_table(tmp_path):
    (tmp_path / "pyproject.toml").write_text(TABLES)
    from_file = load(folder=tmp_path)
    said = load({"streams": ["home GET http://shop.test/", LINE]}, folder=tmp_path)
    assert said.streams[1] == from_file.streams[1]


def test_streams_survive_being_said_again():
    """The plugin does it for each run that changes a setting."""
    once = load({**AT, "streams": [LINE, {"name": "b", "body": "x", "method": "GET"}]})
    again = load(once.model_dump(exclude_unset=True))
    assert again.streams == once.streams


@pytest.mark.parametrize(
    ("words", "key", "value"),
    [
        ("expect_text='Welcome to the shop'", "expect_text", "Welcome to the shop"),
        ('expect_text="it\'s"', "expect_text", "it's"),
        ("expect_text=a'b", "expect_text", "a'b"),
        ("expect_text=a=b", "expect_text", "a=b"),
        ("expect_text=", "expect_text", ""),
        ("expect_text=1", "expect_text", "1"),
        ("expect_json.v=1.10", "expect_json", {"v": 1.1}),
        ('expect_json.v="1.10"', "expect_json", {"v": "1.10"}),
        ("expect_json.v='two words'", "expect_json", {"v": "two words"}),
        ("expect_json.v=true", "expect_json", {"v": True}),
        ("expect_json.v=v1", "expect_json", {"v": "v1"}),
        ("json='{\"a\": [1, 2]}' method=PUT", None, None),
        ("json='[1, 2]'", "json_body", [1, 2]),
        ("headers.X-A=1  headers.X-B=2 ", "headers", {"X-A": "1", "X-B": "2"}),
    ],
)
def test_values_of_a_line(words, key, value):
    if key is None:
        assert refusal([f"a POST / {words}"]) == [
            "settings: stream 'a': method is said twice; leave one out"
        ]
        return
    [stream] = load({**AT, "streams": [f"a POST / {words}"]}).streams
    assert getattr(stream, key) == value


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        ({"name": "a", "wieght": 2}, "no such key 'wieght'; did you mean 'weight'?"),
        ({"name": "a", "jsn": {}}, "no such key 'jsn'; did you mean 'json'?"),
        ({"name": "a", "zzz": 1}, "no such key 'zzz'; known are: name, url, method"),
        ({"name": "a", "weight": 0}, "weight = 0: Input should be greater than 0"),
        ({"name": "a", "weight": -1}, "weight = -1: Input should be greater than 0"),
        ({"name": "a", "weight": "inf"}, "weight = 'inf': Input should be less than"),
        ({"name": "a", "method": "get"}, "method = 'get': it is no method; did you mean 'GET'?"),
        ({"name": "a", "method": "PSOT"}, "it is no method; did you mean 'POST'?"),
        ({"name": "a", "method": "FROB"}, "it is no method; say one of: GET, HEAD, POST"),
        ({"name": "a", "method": "CONNECT"}, "it is no method"),
        ({"name": "a", "body": "x"}, "a body needs a method; say method = 'POST', or 'GET'"),
        ({"name": "a", "json": {}}, "a body needs a method"),
        ({"name": "a", "method": "HEAD", "body": "x"}, "HEAD has no body; leave it out"),
        ({"name": "a", "method": "POST", "body": "x", "json": {}}, "body and json are two bodies"),
        ({"name": "a", "method": "POST", "json": 5}, "json = 5: must be a table or a list"),
        ({"name": "a", "method": "HEAD", "expect_text": "x"}, "an answer to HEAD has no body"),
        ({"name": "a", "method": "HEAD", "release": "json:v"}, "release = 'json:v' is of one: say"),
        ({"name": "a", "headers": {"A b": "c"}}, "header 'A b': 'c' is not valid HTTP"),
        ({"name": "a", "headers": {"A": "b\r\nC: d"}}, "is not valid HTTP"),
        ({"name": "a", "headers": {"A": 1}}, "headers.A = 1: Input should be a valid string"),
        ({"name": "a", "headers": {"A": "1", "a": "2"}}, "the header 'A' is named twice"),
        ({"name": "a", "expect_headers": {"A": "…"}}, "header 'A': '…' is not valid HTTP"),
        ({"name": "a", "expect_json": {"a..b": 1}}, "'a..b' is no path; say keys and indices"),
        ({"name": "a", "expect_json": {"": 1}}, "'' is no path"),
        ({"name": "a", "expect_json": {"a": [1]}}, "a = [1]: must be text, a number, true or"),
        ({"name": "a", "expect_json": {"a": {}}}, "a = {}: must be text"),
        ({"name": "a", "expect_json": {"a": 1, "a.b": 2}}, "'a.b' lies below 'a', which has a"),
        ({"name": "a", "expect_status": 101}, "expect_status = 101: Input should be greater"),
        ({"name": "a", "connection": "old"}, "connection = 'old': Input should be 'reuse' or"),
        ({"name": "a", "tls": "off"}, "tls = 'off': say resume or full, or an http:// URL"),
        ({"name": "a", "timeout_s": 0}, "timeout_s = 0: Input should be greater than 0"),
        ({"name": "a", "release": "cookie"}, "release = 'cookie': release: 'cookie' tells no"),
        ({"name": "a", "cached_s": -1}, "cached_s = -1: Input should be greater than or equal"),
        ({"name": "all"}, "name = 'all': all and probe are the harness's own; choose another"),
        ({"name": ""}, "name = '': must be 1 to 60 characters"),
        ({"name": "a\n"}, "must be 1 to 60 characters"),
        ({"name": "x" * 61}, "must be 1 to 60 characters"),
        ({"url": "/"}, "it has no name; give it one"),
        (5, "must be a table, or a line"),
        ("", "say NAME METHOD URL [KEY=VALUE …]"),
        ("a GET", "say NAME METHOD URL [KEY=VALUE …], such as 'order POST /orders json={}"),
        ("a=b GET /", "say NAME METHOD URL"),
        ("a GET / weight", "'weight' is no KEY=VALUE; quote a value with blanks in it"),
        ("a GET / weight=2 wieght=3", "no such key 'wieght'; did you mean 'weight'?"),
        ("a GET / weight=2 weight=3", "weight is said twice; leave one out"),
        ("a GET / expect_text='x", '"expect_text=\'x" is no KEY=VALUE'),
        ("a GET / url=/b", "url is said twice; leave one out"),
        ("a GET / weight.x=1", "no such key 'weight.x'; did you mean 'weight'?"),
        ("a POST / json={", "json = '{': must be a table or a list"),
    ],
)
def test_what_is_wrong_with_a_stream_is_one_line_that_names_it(stream, said):
    [line] = refusal([stream])
    assert line.startswith("settings: stream ")
    assert said in line


def test_each_mistake_of_each_stream_has_a_line_beside_those_of_other_settings():
    lines = refusal([{"name": "a", "weight": 0, "x": 1}, {"name": "b", "tls": "off"}], rate=1)
    assert len(lines) == 4
    assert sum(line.startswith("settings: stream 'a': ") for line in lines) == 2
    assert sum(line.startswith("settings: rate = 1 ") for line in lines) == 1


def test_streams_that_are_no_list_are_refused():
    [line] = refusal("a GET /")
    assert line.startswith("settings: streams = 'a GET /' ('NAME METHOD URL")


@pytest.mark.parametrize(
    ("said", "urls"),
    [
        ("http://a.test/", ("http://a.test/",)),
        (["http://a.test/", "http://b.test/"], ("http://a.test/", "http://b.test/")),
        ("", ()),
        ([], ()),
    ],
)
def test_a_url_is_one_or_several(said, urls):
    assert load({"url": said}).url == urls


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (["http://a.test/"] * 2, "'http://a.test/' is named twice; leave one out"),
        (["http://a.test/", ""], "one is empty"),
        (5, "valid tuple"),
        ([5], "valid string"),
    ],
)
def test_urls_that_are_none_are_refused(said, why):
    with pytest.raises(NotJudgedError, match=why):
        load({"url": said})


def test_on_the_command_line_both_are_said_as_often_as_wanted():
    parser = argparse.ArgumentParser()
    add_settings(parser, prefix="--")
    options = parser.parse_args(
        ["--url", "http://a.test/", "--url", "http://b.test/", "--stream", "a GET /"]
    )
    settings = load(given_settings(options))
    assert settings.url == ("http://a.test/", "http://b.test/")
    assert [stream.name for stream in settings.streams] == ["a"]
    assert given_settings(parser.parse_args([])) == {}


def contradiction(**given):
    with pytest.raises(NotJudgedError) as caught:
        Settings(**given).refuse_contradictions()
    return str(caught.value).splitlines()


def test_streams_alone_name_a_target():
    streams = ["a GET http://shop.test/"]
    Settings(streams=streams, deploy="true").refuse_contradictions()
    assert contradiction(streams=streams, deploy="true", traffic={"page": 1}, mix="heavy") == [
        "settings: mix is the bundled stack's; leave it out where url names the target",
        "settings: traffic is the bundled stack's; leave it out where url names the target",
    ]


def test_streams_of_no_target_are_refused():
    assert contradiction(streams=["a GET /"]) == [
        "settings: streams is of another target than the bundled stack; name its url too"
    ]


def test_several_urls_beside_streams_are_refused():
    urls = ["http://a.test/", "http://b.test/"]
    [line] = contradiction(url=urls, deploy="true", streams=["a GET /"])
    assert line.startswith("settings: url names several, and streams say all that is sent: ")


def test_an_authority_is_for_any_url_over_tls():
    streams = ["a GET /", "b GET HTTPS://api.test/"]
    Settings(**AT, streams=streams, ca="ca.pem").refuse_contradictions()
    assert contradiction(**AT, streams=streams[:1], ca="ca.pem") == [
        "settings: ca is for an https URL; leave it out"
    ]


DOCS = (Path(__file__).parent.parent / "docs" / "streams.md").read_text()


def test_the_document_has_every_key_and_no_other():
    keys = re.findall(r"^\| `(\w+)` \|", DOCS, re.MULTILINE)
    assert keys == [field.alias or name for name, field in StreamSettings.model_fields.items()]


def test_what_the_document_shows_can_be_said(tmp_path):
    [toml] = re.findall(r"```toml\n(.*?)```", DOCS, re.DOTALL)
    (tmp_path / "pyproject.toml").write_text(toml)
    settings = load(folder=tmp_path)
    settings.refuse_contradictions()
    made = default_traffic(settings)
    assert [round(each.rate_hz / 300 * 7.5, 9) for each in made.streams] == [4, 0.5, 1, 2]
    lines = [line for _, line in re.findall(r"""--stream (['"])(.*?)\1""", DOCS)]
    assert len(lines) == 3
    assert default_traffic(load({**AT, "streams": lines})).stream_names() == tuple(
        stream.name for stream in settings.streams[:3]
    )


def test_the_python_that_the_document_shows_runs(pytester, monkeypatch):
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    [python] = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    pytester.makepyfile(python)
    pytester.makeconftest(
        """
        import pytest
        from types import SimpleNamespace

        @pytest.fixture(autouse=True)
        def planned(monkeypatch):
            passed = SimpleNamespace(assert_passed=lambda: None)
            monkeypatch.setattr("harness.verify.carry_out", lambda todo: passed)
            monkeypatch.setattr("harness.ways.at_url.check_command", lambda command: None)
        """
    )
    result = pytester.runpytest_inprocess("-p", "no:locust", "--strict-markers")
    result.assert_outcomes(passed=2)


def test_help_names_every_key():
    named = Settings.model_fields["streams"].description.partition("keys: ")[2].split(", ")
    known = {field.alias or name for name, field in StreamSettings.model_fields.items()}
    assert {key.partition(".")[0] for key in named} == known - {"name", "method", "url"}
