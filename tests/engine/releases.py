"""Releases that are at fault: the sample website's image with a line or two more."""

import io
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import docker

from harness.stack import images
from harness.stack.images import _sample_app

_LAUNCHER = "/usr/bin/python3 /srv/sample_app/launcher.py"

BROKEN = {
    "exits": 'ENTRYPOINT ["/bin/sh", "-c", "echo my last words; exit 7"]',
    "cannot start": 'ENTRYPOINT ["/no/such/program"]',
    "is never ready": 'ENTRYPOINT ["/bin/sh", "-c", "echo I only wait; exec sleep 600"]',
}
"""By what becomes of it."""


def _faulty(fault: str) -> str:
    """The website with faulty.py laid over it."""
    return (
        f"ENV FAULT={fault}\nCOPY faulty.py /srv/sample_app/\n"
        "RUN echo 'from sample_app import faulty; create_app = faulty.spoilt(create_app)'"
        " >> /srv/sample_app/website.py"
    )


ANSWERS_500 = _faulty("answers-500")
"""Is ready, and fails whoever asks for the home page."""

BAD = {
    "is never ready": BROKEN["is never ready"],
    "exits": BROKEN["exits"],
    "crashes under its first request": _faulty("crashes"),
    "answers 500": ANSWERS_500,
    "answers another text": _faulty("answers-otherwise"),
    "is ready after 30 s": f'ENTRYPOINT ["/bin/sh", "-c", "sleep 30; exec {_LAUNCHER}"]',
    "leaks until it is killed": _faulty("leaks"),
    "ignores the stop signal": (
        f'ENTRYPOINT ["/bin/sh", "-c", "trap \'\' TERM; {_LAUNCHER} & while :; do sleep 600; done"]'
    ),
    "hangs in the stop signal": f'ENTRYPOINT ["/bin/sh", "-c", "LINGER_S=600 exec {_LAUNCHER}"]',
}
"""The nine bad releases."""


@contextmanager
def built(engine: docker.DockerClient, lines: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Tags by the same names, of release v2; removed at the end."""
    base = images.base_image(engine)
    website = images.built(engine, "website", _sample_app(), base, RELEASE="v2")
    tags = {}
    try:
        for what, line in lines.items():
            tag = f"harness-test-{what.replace(' ', '-')}:{id(tags):x}"
            context = _context(f"FROM {website}\n{line}\n")
            engine.images.build(
                fileobj=context, custom_context=True, tag=tag, rm=True, forcerm=True
            )
            tags[what] = tag
        yield tags
    finally:
        for tag in tags.values():
            engine.images.remove(tag, force=True)


def _context(recipe: str) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        member = tarfile.TarInfo("Dockerfile")
        member.size = len(recipe.encode())
        tar.addfile(member, io.BytesIO(recipe.encode()))
        tar.add(Path(__file__).with_name("faulty.py"), "faulty.py")
    buffer.seek(0)
    return buffer
