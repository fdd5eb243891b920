"""The edge: NGINX with a certificate of the run's own, and the assets that releases publish."""

import hashlib
import io
import tarfile
from collections.abc import Mapping, MutableMapping
from importlib.resources import files
from types import MappingProxyType

import docker
import docker.errors
from docker.models.containers import Container

from harness.model.errors import NotJudgedError
from harness.stack.certificate import NAME, Certificate
from harness.stack.engine import absent_is_fine
from harness.stack.owner import LABEL
from harness.stack.variation import varied

__all__ = [
    "ASSETS",
    "NAME",
    "PORT",
    "SERVE",
    "SHELL",
    "TLS_PORT",
    "Certificate",
    "environment",
    "publish",
]

PORT, TLS_PORT = 80, 443
ASSETS = "/srv/assets"
"""Where a release's image holds what the edge is to serve, and where the edge serves it from."""

SHELL = f"""\
mkdir -p {ASSETS} /tmp/tls && chmod 700 /tmp/tls
printf %s "$TLS_CERTIFICATE" > /tmp/tls/certificate.pem
printf %s "$TLS_KEY" > /tmp/tls/key.pem
printf %s "$NGINX_CONF" > /tmp/nginx.conf
unset TLS_KEY
"""
SERVE = "exec nginx -c /tmp/nginx.conf -g 'daemon off;'\n"
"""Follows on SHELL."""


def environment(
    certificate: Certificate, changes: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str]:
    """What SHELL needs; `changes` as of variation.varied."""
    plain = files("harness.stack").joinpath("nginx.conf").read_text("utf-8")
    return {
        "NGINX_CONF": varied("nginx.conf", plain, changes),
        "TLS_CERTIFICATE": certificate.chain,
        "TLS_KEY": certificate.key,
    }


def publish(
    client: docker.DockerClient,
    image: str,
    edge: Container,
    labels: Mapping[str, str],
    published: MutableMapping[str, str],
) -> bool:
    """Copies the image's assets beside those that the edge has; False where it holds none.

    `published` is what the edge has, a digest by name, and is added to: a file is written over by
    no file like it, as NGINX might be reading it (1 of 57,473 requests came out short by that).
    By a container that is made and never started: it costs the serving ones no CPU.
    """
    named = {**labels, f"{LABEL}.instance": "assets"}
    holder = client.containers.create(image, labels=named, network_mode="none")
    try:
        archive, _ = holder.get_archive(ASSETS)
        new, digests = _not_among(published, b"".join(archive))
        is_put = not digests or edge.put_archive(ASSETS.rpartition("/")[0], new)
    except docker.errors.NotFound:
        return False
    finally:
        with absent_is_fine():
            holder.remove(force=True, v=True)
    if not is_put:
        raise NotJudgedError(f"edge: the engine did not take in the assets of {image}")
    published.update(digests)
    return True


def _not_among(published: Mapping[str, str], archive: bytes) -> tuple[bytes, dict[str, str]]:
    """The archive without the files that are published, and the digests of those it has then."""
    digests: dict[str, str] = {}
    kept = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as whole,
        tarfile.open(fileobj=kept, mode="w") as tar,
    ):
        for member in whole:
            file = whole.extractfile(member)
            if file is None:
                tar.addfile(member)
                continue
            content = file.read()
            digest = hashlib.sha256(content).hexdigest()
            if published.get(member.name) != digest:
                digests[member.name] = digest
                tar.addfile(member, io.BytesIO(content))
    return kept.getvalue(), digests
