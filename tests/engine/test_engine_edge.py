"""NGINX's four jobs on a real engine: TLS, compression, a cache, static files."""

import gzip
import http.client
import io
import socket
import ssl
import tarfile
import time
from collections.abc import Iterator

import docker
import pytest
from running import eventually
from stacks import Up, brought_up

from harness.stack.edge import ASSETS
from sample_app import content

pytestmark = pytest.mark.engine

V1, V2 = (f"/assets/{content.stylesheet_name(release)}" for release in ("v1", "v2"))
GZIP = {"Accept-Encoding": "gzip"}


@pytest.fixture(scope="module")
def up(engine: docker.DockerClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    with brought_up(engine, tmp_path_factory.mktemp("edge")) as found:
        yield found


def ask(up: Up, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes, dict]:
    """(status, body as it came, headers by lower-case name), nothing decoded."""
    connection = http.client.HTTPConnection(up.endpoint.host, up.endpoint.port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": "localhost"} | (headers or {}))
        answer = connection.getresponse()
        body = answer.read()
        return answer.status, body, {name.lower(): value for name, value in answer.getheaders()}
    finally:
        connection.close()


def over_tls(up: Up, context: ssl.SSLContext, name: str, session=None) -> ssl.SSLSocket:
    """A connection on which one request was answered."""
    plain = socket.create_connection((up.endpoint.host, up.endpoint.tls_port), timeout=10)
    secured = context.wrap_socket(plain, server_hostname=name, session=session)
    secured.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    answer = http.client.HTTPResponse(secured)
    answer.begin()
    assert (answer.status, answer.read()) == (200, b"Hello beautiful world!")
    return secured


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_ends_at_the_edge_and_its_sessions_can_be_resumed(up: Up, version):
    context = ssl.create_default_context(cadata=up.endpoint.ca)
    context.minimum_version = context.maximum_version = version
    with over_tls(up, context, up.endpoint.tls_name) as first:
        assert not first.session_reused
        assert first.version() == {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}[version.name]
        session = first.session
    with over_tls(up, context, up.endpoint.tls_name, session) as second:
        assert second.session_reused


def test_the_certificate_verifies_by_the_runs_own_authority_alone(up: Up):
    with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
        over_tls(up, ssl.create_default_context(), "localhost")
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        over_tls(up, ssl.create_default_context(cadata=up.endpoint.ca), "other.test")


def test_a_page_is_compressed_and_is_to_the_byte_the_plain_one(up: Up):
    _, plain, plain_headers = ask(up, "/page")
    _, packed, packed_headers = ask(up, "/page", GZIP)
    assert plain.decode() == content.page("v1")
    assert "content-encoding" not in plain_headers
    assert packed_headers["content-encoding"] == "gzip"
    assert packed_headers["vary"] == plain_headers["vary"] == "Accept-Encoding"
    assert gzip.decompress(packed) == plain
    assert len(packed) < len(plain) / 3


def test_what_is_too_short_to_gain_is_not_compressed(up: Up):
    _, body, headers = ask(up, "/", GZIP)
    assert (body, headers.get("content-encoding")) == (b"Hello beautiful world!", None)


def test_a_copy_is_served_of_what_may_be_kept_for_as_long_as_it_may(up: Up):
    def cache() -> str:
        status, body, headers = ask(up, "/cached?of=its-own")
        assert (status, body) == (200, b"Hello beautiful world!")
        assert headers["x-release"] == "v1"
        return headers["x-cache"]

    def filed() -> None:
        # NGINX files a copy after it has passed the answer on: of 12,000 requests that came right
        # after another 2 % found none yet, and each next one, 0.3 to 3.4 ms later, did.
        eventually(lambda: cache() == "HIT", "a copy", 0.5)

    assert cache() == "MISS"
    filed()
    begun = time.monotonic()
    eventually(lambda: cache() == "EXPIRED", "the copy's end", 5)
    assert time.monotonic() - begun < 3
    filed()


def test_of_what_says_nothing_of_caches_no_copy_is_kept(up: Up):
    for path in ("/", "/page", "/slow?ms=0"):
        assert [ask(up, path)[2]["x-cache"] for _ in range(3)] == ["MISS"] * 3


def test_an_asset_is_served_as_it_was_compressed_beforehand(engine, up: Up):
    image = engine.containers.get(f"harness-{up.run}-website-1")
    archive = b"".join(image.get_archive(f"{ASSETS}{V1.removeprefix('/assets')}.gz")[0])
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        stored = tar.extractfile(tar.next()).read()
    status, packed, headers = ask(up, V1, GZIP)
    assert (status, headers["content-encoding"]) == (200, "gzip")
    assert packed == stored
    assert headers["content-type"] == "text/css"
    assert "immutable" in headers["cache-control"]
    status, plain, headers = ask(up, V1)
    assert (status, headers.get("content-encoding")) == (200, None)
    assert plain.decode() == content.stylesheet("v1") == gzip.decompress(packed).decode()


def test_the_new_releases_assets_are_published_beside_the_old_ones(engine, up: Up):
    assert ask(up, V2)[0] == 404
    up.stack.stage().publish("v2")
    for path, release in ((V1, "v1"), (V2, "v2")):
        status, body, _ = ask(up, path)
        assert (status, body.decode()) == (200, content.stylesheet(release))
    names = [container.name for container in engine.containers.list(all=True)]
    assert len([name for name in names if up.run in name]) == 4, "nothing is left of the copying"
