"""URLs: what can be asked, and what is refused with the remedy."""

import socket
from types import SimpleNamespace

import pytest
import trustme

from harness.mix import default_mix
from harness.model.errors import NotJudgedError
from harness.model.outcome import Outcome
from harness.model.place import Place
from harness.model.traffic import Connection, Tls
from harness.site import Address, UrlTarget, address_of, trusted
from harness.site_mix import site_mix
from harness.target import Endpoint, KnowsRemedies


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("http://shop.test", "shop.test", 80, "/", "shop.test"),
        ("https://shop.test/", "shop.test", 443, "/", "shop.test"),
        ("HTTPS://Shop.Test:443/a", "shop.test", 443, "/a", "shop.test"),
        ("http://shop.test:443/a", "shop.test", 443, "/a", "shop.test:443"),
        ("http://shop.test?q=1&r=%20", "shop.test", 80, "/?q=1&r=%20", "shop.test"),
        ("http://127.0.0.1:8000/a/b?c", "127.0.0.1", 8000, "/a/b?c", "127.0.0.1:8000"),
        ("http://[::1]:8000/", "::1", 8000, "/", "[::1]:8000"),
        ("https://[::1]/", "::1", 443, "/", "[::1]"),
        ("http://bücher.test/", "xn--bcher-kva.test", 80, "/", "xn--bcher-kva.test"),
    ],
)
def test_a_url_is_taken_apart(url, host, port, path, authority):
    found = address_of(url)
    scheme = url.partition(":")[0].lower()
    assert found == Address(scheme=scheme, host=host, port=port, path=path)
    assert found.authority == authority


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("shop.test", "must begin with http:// or https://"),
        ("ftp://shop.test/", "must begin with http:// or https://"),
        ("http://", "has no host"),
        ("http:///path", "has no host"),
        ("http://me:secret@shop.test/", "names a user, which is not sent; leave it out"),
        ("http://shop.test/#top", "has a fragment"),
        ("http://shop.test/#", "has a fragment"),
        ("http://shop.test:0/", "has no port that can be asked"),
        ("http://shop.test:http/", "is no URL"),
        ("http://shop.test:70000/", "is no URL"),
        ("http://[::1/", "is no URL"),
        ("http://a b/", "has a host that is no name"),
        ("http://a..b/", "has a host that is no name"),
        ("http://shop.test/a b", "percent-encode them"),
        ("http://shop.test/bücher", "percent-encode them"),
        ("http://shop.test/{operation}", "percent-encode them"),
    ],
)
def test_what_cannot_be_asked_is_refused(url, said):
    with pytest.raises(NotJudgedError) as caught:
        address_of(url)
    assert str(caught.value).startswith(f"url: {url!r} ")
    assert said in str(caught.value)


def up(url, ca=""):
    return UrlTarget(address_of(url), ca=ca).up(SimpleNamespace())


def test_a_plain_url_has_one_port_and_the_measured_path_is_direct():
    assert up("http://127.0.0.1:8000/a") == Endpoint(
        host="127.0.0.1",
        port=8000,
        authority="127.0.0.1:8000",
        path="direct",
        tls_port=0,
        tls_name="127.0.0.1",
        ca="",
        places={
            "http://127.0.0.1:8000": Place(
                host="127.0.0.1", port=8000, authority="127.0.0.1:8000", tls_name=""
            )
        },
    )


def test_a_url_over_tls_has_its_port_for_tls_alone_and_the_name_to_verify():
    assert up("https://[::1]:8443/", "PEM") == Endpoint(
        host="::1",
        port=0,
        authority="[::1]:8443",
        path="direct",
        tls_port=8443,
        tls_name="::1",
        ca="PEM",
        places={
            "https://[::1]:8443": Place(
                host="::1", port=8443, authority="[::1]:8443", tls_name="::1"
            )
        },
    )


def test_of_several_addresses_the_one_where_somebody_listens_is_asked(monkeypatch):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    places = [(0, 0, 0, "", (host, port)) for host in ("127.0.0.9", "127.0.0.9", "127.0.0.1")]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: places)
    connect = socket.create_connection

    def create_connection(address, timeout):
        if address[0] == "127.0.0.9":
            raise ConnectionRefusedError
        monkeypatch.undo()
        return connect(address, timeout)

    monkeypatch.setattr("socket.create_connection", create_connection)
    endpoint = up(f"http://localhost:{port}/")
    assert (endpoint.host, endpoint.authority) == ("127.0.0.1", f"localhost:{port}")
    listener.close()


def test_where_nobody_listens_the_first_address_is_left_to_the_probe(monkeypatch):
    def refuses(*_):
        raise ConnectionRefusedError

    places = [(0, 0, 0, "", (host, 80)) for host in ("127.0.0.9", "127.0.0.1")]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: places)
    monkeypatch.setattr("socket.create_connection", refuses)
    assert up("http://shop.test/").host == "127.0.0.9"


def test_a_name_without_an_address_is_not_judged(monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr("socket.getaddrinfo", unknown)
    with pytest.raises(NotJudgedError) as caught:
        up("http://shop.test/")
    assert str(caught.value) == (
        "url: no address is known of 'shop.test' (Name or service not known); "
        "check the URL and the network"
    )


def test_taking_it_down_does_nothing_and_any_time():
    UrlTarget(address_of("http://shop.test/")).down()


def test_every_way_to_fail_has_a_remedy():
    target = UrlTarget(address_of("http://shop.test/"))
    assert isinstance(target, KnowsRemedies)
    for outcome in Outcome:
        assert target.remedy(outcome, 0)
    assert "--expect-status 308" in target.remedy(Outcome.wrong_status, 308)
    assert "redirects" not in target.remedy(Outcome.wrong_status, 404)
    assert "--ca" in target.remedy(Outcome.untrusted, 0)


def test_certificates_to_trust_are_read_from_a_file_in_pem(tmp_path):
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    assert trusted(str(path)) == path.read_text()
    assert trusted("") == ""


@pytest.mark.parametrize("content", [b"", b"no PEM", b"\xff\xfe", None])
def test_a_file_that_holds_no_certificate_is_refused(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(NotJudgedError) as caught:
        trusted(str(path))
    assert str(caught.value).startswith(f"ca: {path}")


def test_two_thirds_of_the_requests_are_on_reused_connections():
    mix = site_mix(
        [address_of("https://shop.test/a?b")],
        300,
        expect_status=404,
        expect_text="lost",
        release_from="body",
        timeout_s=4,
    )
    reused, new = mix.streams
    assert (reused.name, reused.rate_hz, reused.connection) == ("get-reused", 200, Connection.reuse)
    assert (new.name, new.rate_hz, new.connection) == ("get-new", 100, Connection.new)
    assert (reused.tls, new.tls) == (Tls.resume, Tls.full)
    assert mix.release_from == "body"
    assert mix.headers == default_mix(300).headers
    assert {stream.origin for stream in mix.streams} == {"https://shop.test"}
    for stream in mix.streams:
        assert (stream.path, stream.method, stream.timeout_s) == ("/a?b", "GET", 4)
        assert (stream.expect_status, stream.expect_text) == (404, "lost")
        assert stream.cached_s is None


def test_a_plain_url_is_asked_plainly():
    mix = site_mix([address_of("http://shop.test/")], 30)
    assert {stream.tls for stream in mix.streams} == {Tls.off}
    assert mix.release_from == ""
