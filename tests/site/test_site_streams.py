"""Streams of settings made into traffic, several URLs, and the target that both are of."""

from types import SimpleNamespace

import pytest

from harness.config import load
from harness.model.errors import NotJudgedError
from harness.model.outcome import Outcome
from harness.model.traffic import Connection, Stream, Tls, Traffic
from harness.site import UrlTarget, address_of
from harness.site_mix import site_mix
from harness.verify import default_traffic, prepared

AT = {"url": "https://shop.test:8443/shop?q=1", "deploy": "true", "rate": 90}


def traffic(*streams, **more):
    return default_traffic(load({**AT, "streams": streams, **more}))


def refusal(*streams, **more):
    with pytest.raises(NotJudgedError) as caught:
        traffic(*streams, **more)
    return str(caught.value).splitlines()


def test_streams_share_the_rate_by_weight():
    made = traffic("a GET / weight=2", "b GET /", "c GET / weight=0.5 connection=new", rate=70)
    assert {s.name: round(s.rate_hz, 9) for s in made.streams} == {"a": 40, "b": 20, "c": 10}
    assert [s.connection for s in made.streams] == [Connection.reuse] * 2 + [Connection.new]


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("", "https://shop.test:8443", "/shop?q=1"),
        ("/", "https://shop.test:8443", "/"),
        ("/a/{operation}?b=%20", "https://shop.test:8443", "/a/{operation}?b=%20"),
        ("http://Api.test", "http://api.test", "/"),
        ("http://api.test:443/x", "http://api.test:443", "/x"),
        ("https://[::1]:443/{operation}", "https://[::1]", "/{operation}"),
    ],
)
def test_a_stream_is_of_the_origin_that_it_names_or_of_the_first_url(url, origin, path):
    [stream] = traffic({"name": "a", "url": url}).streams
    assert (stream.origin, stream.path) == (origin, path)


def test_what_a_stream_leaves_unsaid_is_as_the_settings_have_it():
    more = {"expect_status": 204, "expect_text": "shop", "timeout_s": 4, "release": "body"}
    made = traffic("a GET /", "b GET / expect_status=200 expect_text= timeout_s=2", **more)
    a, b = made.streams
    assert (a.expect_status, a.expect_text, a.timeout_s) == (204, "shop", 4)
    assert (b.expect_status, b.expect_text, b.timeout_s) == (200, "", 2)
    assert made.release_from == "body"
    [head] = traffic("a HEAD /", **more).streams
    assert head.expect_text == ""


def test_a_release_is_told_stream_by_stream():
    made = traffic("a GET /", "b GET / release=json:v", "c GET / release=", release="body")
    assert [made.release_source(stream)[0] for stream in made.streams] == ["body", "json", ""]
    assert made.silent_streams() == ("c",)
    assert made.tells_release
    assert not traffic("a GET /").tells_release


@pytest.mark.parametrize("release", ["body", "json:v"])
def test_an_answer_to_head_tells_no_release_by_a_body(release):
    assert traffic("a GET /", "b HEAD /", release=release).silent_streams() == ("b",)
    assert traffic("a GET /", "b HEAD /", release="header:X-V").silent_streams() == ()
    assert traffic("b HEAD / release=header:X-V", release=release).tells_release


def test_json_is_sent_as_json_with_its_content_type_unless_that_is_said():
    a, b, c = traffic(
        'a POST / json={"id":"{operation}"}',
        "b POST / json=[] headers.content-type=text/json headers.user-agent=me",
        "c POST / body=x",
    ).streams
    assert (a.body, a.headers["Content-Type"]) == ('{"id": "{operation}"}', "application/json")
    assert b.headers == {"content-type": "text/json", "user-agent": "me"}
    assert (c.body, "Content-Type" in c.headers) == ("x", False)
    assert a.headers["User-Agent"] == "zero-downtime-harness"


def test_over_tls_new_connections_shake_hands_in_full_and_kept_ones_resume():
    made = traffic(
        "a GET /",
        "b GET / connection=new",
        "c GET / connection=new tls=resume",
        "d GET / tls=full",
        "e GET http://shop.test/",
    )
    assert [s.tls for s in made.streams] == [Tls.resume, Tls.full, Tls.resume, Tls.full, Tls.off]


@pytest.mark.parametrize(
    ("streams", "said"),
    [
        (["a GET /", "a GET /b"], "'a': 2 streams have this name; names must differ"),
        (["a GET shop"], "'a': url: 'shop' is neither a URL nor a path: begin with http://"),
        (["a GET /#top"], "'a': url: '/#top' is neither a URL nor a path"),
        (["a GET /{name}"], "'a': url: '/{name}' is neither a URL nor a path"),
        (["a GET /bücher"], "percent-encode what a URL does not hold"),
        (["a GET ftp://a.test/"], "'a': url: 'ftp://a.test/' must begin with http:// or"),
        (["a GET http://"], "'a': url: 'http://' has no host"),
        (["a GET http://{operation}.test/"], "has {operation} elsewhere than in its path"),
        (["a GET http://b.test/ tls=full"], "tls = 'full' is for an https URL, and this one is of"),
        (["a GET / headers.Host=b"], "'a': header 'Host' is the client's own to send; leave it"),
        (["a GET / headers.X-Request-Id=1"], "'a': header 'X-Request-Id' is the client's own"),
        ([f"a{n} GET /" for n in range(256)], "256 streams; at most 255 are possible"),
    ],
)
def test_a_stream_that_cannot_be_sent_is_one_line_with_the_remedy(streams, said):
    [line] = refusal(*streams)
    assert line.startswith("settings: ")
    assert said in line


def test_a_path_without_a_url_before_it_is_refused():
    with pytest.raises(NotJudgedError) as caught:
        default_traffic(load({"streams": ["a GET http://a.test/", "b GET /b", {"name": "c"}]}))
    lines = str(caught.value).splitlines()
    assert [line[:40] for line in lines] == [
        "settings: stream 'b': url: '/b' is no wh",
        "settings: stream 'c': url: '' is no whol",
    ]
    assert lines[0].endswith("write it whole, or name that with --url")


def test_several_urls_share_the_rate_and_are_told_apart_by_their_paths():
    urls = ["https://shop.test/", "https://shop.test/shop/items?q=1", "http://api.test:81/health"]
    made = default_traffic(load({"url": urls, "rate": 90}))
    assert [(s.name, round(s.rate_hz, 9), s.origin, s.path, s.tls) for s in made.streams] == [
        ("root-reused", 20, "https://shop.test", "/", Tls.resume),
        ("root-new", 10, "https://shop.test", "/", Tls.full),
        ("shop-items-reused", 20, "https://shop.test", "/shop/items?q=1", Tls.resume),
        ("shop-items-new", 10, "https://shop.test", "/shop/items?q=1", Tls.full),
        ("health-reused", 20, "http://api.test:81", "/health", Tls.off),
        ("health-new", 10, "http://api.test:81", "/health", Tls.off),
    ]


@pytest.mark.parametrize(
    ("urls", "names"),
    [
        (["http://a.test/"], ["get"]),
        (["http://a.test/", "http://b.test/"], ["a.test/root", "b.test/root"]),
        (["http://a.test/x?1", "http://a.test/x?2"], ["x-1", "x-2"]),
        (["http://a.test/", "http://a.test:81/"], ["a.test/root", "a.test-81/root"]),
        (["http://a.test/", "https://a.test/"], ["root-1", "root-2"]),
        (["http://a.test/" + "x" * 40, "http://a.test/y"], ["x" * 24, "y"]),
    ],
)
def test_names_are_short_and_unique(urls, names):
    made = site_mix([address_of(url) for url in urls], 30)
    assert [name.removesuffix("-reused") for name in made.stream_names()[::2]] == names
    assert len(set(made.stream_names())) == 2 * len(urls)


def planned(**given):
    return prepared("r1", load({"deploy": "true", **given}))


def test_the_plan_records_the_origins_and_that_no_store_is_read():
    scenario, parts = planned(url=["http://a.test/", "http://b.test:81/x"])
    assert {stream.origin for stream in scenario.traffic.streams} == {
        "http://a.test",
        "http://b.test:81",
    }
    assert not scenario.keeps_store
    assert parts.environment["url"] == "http://a.test/ http://b.test:81/x"
    _, parts = planned(url="http://a.test/", streams=["a GET /", "b GET http://b.test/"])
    assert parts.environment["url"] == "http://a.test http://b.test"
    _, parts = planned(url="http://a.test/", streams=["b GET http://b.test/"])
    assert parts.environment["url"] == "http://b.test"


@pytest.mark.parametrize(
    ("given", "thin_hz"),
    [
        ({"url": ["http://a.test/", "http://b.test/"], "rate": 10, "steady_s": 0.5}, "1.67"),
        ({"url": "http://a.test/", "streams": ["a GET /", "b GET / weight=0.0005"]}, "0.15"),
    ],
)
def test_a_stream_that_no_phase_may_see_is_refused(given, thin_hz):
    with pytest.raises(NotJudgedError, match=f"is asked {thin_hz} times a second, which may be"):
        planned(**given)


def test_traffic_of_ones_own_may_name_origins_too():
    own = Traffic(
        streams=(
            Stream(name="a", path="/", rate_hz=9, origin="http://b.test:81"),
            Stream(name="b", path="/", rate_hz=9),
        )
    )
    settings = load({"deploy": "true", "url": "http://a.test/x"})
    _, parts = prepared("r1", settings, traffic=own)
    assert [address.origin for address in parts.target._addresses] == [
        "http://a.test",
        "http://b.test:81",
    ]
    with pytest.raises(NotJudgedError, match=r"stream 'a' is sent to http://b\.test:81, which"):
        prepared("r1", load(), traffic=own)
    settings = load({"deploy": "true", "streams": ["a GET http://a.test/"]})
    with pytest.raises(NotJudgedError, match="a stream has no origin, and there is no url"):
        prepared("r1", settings, traffic=own)


def test_each_name_is_looked_up_once_and_each_origin_has_its_place(monkeypatch):
    asked = []

    def getaddrinfo(host, port, **_):
        asked.append(host)
        return [(0, 0, 0, "", (f"192.0.2.{len(asked)}", port))]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    urls = ["https://a.test/", "http://a.test:81/", "http://b.test/"]
    endpoint = UrlTarget(*map(address_of, urls), ca="PEM").up(SimpleNamespace())
    assert asked == ["a.test", "b.test"]
    assert {o: (p.host, p.port, p.authority, p.tls_name) for o, p in endpoint.places.items()} == {
        "https://a.test": ("192.0.2.1", 443, "a.test", "a.test"),
        "http://a.test:81": ("192.0.2.1", 81, "a.test:81", ""),
        "http://b.test": ("192.0.2.2", 80, "b.test", ""),
    }
    assert (endpoint.host, endpoint.port, endpoint.tls_port) == ("192.0.2.1", 0, 443)


def test_remedies_speak_of_streams_where_those_were_said():
    target = UrlTarget(address_of("http://shop.test/"), has_streams=True)
    assert target.remedy(Outcome.wrong_status, 404) == (
        "correct the URL, or say expect_status = 404 there"
    )
    assert "expect_json" in target.remedy(Outcome.wrong_body, 200)
    assert "expect_headers" in target.remedy(Outcome.wrong_header, 200)
