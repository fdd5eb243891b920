"""The smoke question: what a new instance is asked before any visitor is sent to it.

HAProxy itself asks, from its own network: a check of a server of its own, in a pool that nobody is
sent to, one for each release, as each says something else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from harness.model.traffic import Stream, Tls, Traffic
from harness.stack.balancer import Balancer
from harness.stack.runtime_api import RuntimeApi
from harness.timeline import Timekeeper

__all__ = ["Question", "Smoke", "question_of", "smoke_pools"]

_SERVER: Final = "smoke"
_LONGEST: Final = 500
"""Of what is looked for: a line of HAProxy's configuration has 2,048 bytes."""
_ANY: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A GET, and what its answer must be: status 200 and that very text, by release."""

    path: str
    bodies: Mapping[str, str]
    """`*` is any release that is not named."""

    def body(self, release: str) -> str | None:
        return self.bodies.get(release, self.bodies.get(_ANY))


def question_of(traffic: Traffic) -> Question | None:
    """What the traffic's visitors ask first that can be asked by a check: a page that is no secret,
    no write, not slow, and short. None where there is no such stream.
    """
    for stream in traffic.streams:
        if stream.expect_body and _is_plain(stream):
            return Question(path=stream.path, bodies=dict(stream.expect_body))
    return None


def _is_plain(stream: Stream) -> bool:
    texts = [stream.path, *(stream.expect_body or {}).values()]
    return (
        stream.method == "GET"
        and stream.expect_status == 200
        and stream.tls is Tls.off
        and not (stream.slow or stream.visit or stream.headers or stream.expect_headers)
        and all(_can_be_said(text) for text in texts)
    )


def _can_be_said(text: str) -> bool:
    """Within single quotes in HAProxy's configuration, where nothing is special but their end;
    and it differs from request to request where it holds a gap.
    """
    return (
        text.isascii() and text.isprintable() and not set(text) & set("'{") and len(text) < _LONGEST
    )


def smoke_pools(question: Question | None, releases: tuple[str, ...], port: int) -> str:
    """HAProxy's pools for it; empty where nothing is asked."""
    if question is None:
        return ""
    return "".join(
        f"""\
backend {_pool(releases, release)}
    option httpchk
    http-check send meth GET uri '{question.path}' ver HTTP/1.1 hdr Host localhost
    http-check expect status 200
    http-check expect rstring '^{_as_pattern(body)}$'
    server {_SERVER} 0.0.0.0:{port} check inter 50ms fall 1 rise 1 disabled
"""
        for release in releases
        if (body := question.body(release)) is not None
    )


def _pool(releases: tuple[str, ...], release: str) -> str:
    return f"smoke-{releases.index(release) + 1}"


def _as_pattern(text: str) -> str:
    return re.sub(r"([\\.\[\](){}*+?|^$])", r"\\\1", text)


class Smoke:
    """Puts the question, of one run's stack."""

    def __init__(
        self,
        api: RuntimeApi,
        clock: Timekeeper,
        *,
        question: Question,
        releases: tuple[str, ...],
        port: int,
    ) -> None:
        self._api = api
        self._clock = clock
        self._question = question
        self._releases = releases
        self._port = port

    def knows(self, release: str) -> bool:
        return release in self._releases and self._question.body(release) is not None

    def ask(self, release: str, where: str) -> None:
        """HAProxy asks it again and again from now on; `was_answered` can become true."""
        self._balancer(release).offer(_SERVER, where, self._port)

    def was_answered(self, release: str) -> bool:
        """Whether one answer since was right."""
        return self._balancer(release).answers(_SERVER)

    def wrong(self, release: str) -> str:
        """What is wrong with the last answer, without a full stop."""
        row = self._of(release).rows().get(_SERVER, {})
        status, code = row.get("check_status", "").lstrip("* "), row.get("check_code") or ""
        expected = f"expected {self._question.body(release)!r}"
        if code and code != "200":
            return f"GET {self._question.path} was answered with status {code}; {expected}"
        if status == "L7RSP":
            return f"GET {self._question.path} was answered with another text; {expected}"
        told = row.get("last_chk") or row.get("check_desc") or "nothing"
        return f"GET {self._question.path} was not answered ({status}: {told}); {expected}"

    def done(self, release: str) -> None:
        """Nothing more is asked."""
        self._balancer(release).forget(_SERVER)

    def _balancer(self, release: str) -> Balancer:
        return Balancer(self._of(release), self._clock)

    def _of(self, release: str) -> RuntimeApi:
        return self._api.of(_pool(self._releases, release))
