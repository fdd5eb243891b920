"""Releases that are at fault: the sample website's image with a line more."""

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import docker

from harness.stack import images
from harness.stack.images import _sample_app

BROKEN = {
    "exits": 'ENTRYPOINT ["/bin/sh", "-c", "echo my last words; exit 7"]',
    "cannot start": 'ENTRYPOINT ["/no/such/program"]',
    "is never ready": 'ENTRYPOINT ["/bin/sh", "-c", "echo I only wait; exec sleep 600"]',
}
"""By what becomes of it."""

ANSWERS_500 = "RUN sed -i 's/return hello$/return (\"broken\", 500)/' /srv/sample_app/website.py"
"""Is ready, and fails whoever asks for the home page."""


@contextmanager
def built(engine: docker.DockerClient, lines: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Tags by the same names, of release v2; removed at the end."""
    base = images.base_image(engine)
    website = images.built(engine, "website", _sample_app(), base, RELEASE="v2")
    tags = {}
    try:
        for what, line in lines.items():
            tag = f"harness-test-{what.replace(' ', '-')}:{id(tags):x}"
            recipe = io.BytesIO(f"FROM {website}\n{line}\n".encode())
            engine.images.build(fileobj=recipe, tag=tag, rm=True, forcerm=True)
            tags[what] = tag
        yield tags
    finally:
        for tag in tags.values():
            engine.images.remove(tag, force=True)
