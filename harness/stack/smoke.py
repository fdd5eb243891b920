"""The smoke question: what a new instance is asked before any visitor is sent to it.

HAProxy itself asks, from its own network: checks of servers of their own, in a pool that nobody is
sent to, one for each release, as each says something else.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from harness.model.traffic import Stream, Tls, Traffic
from harness.stack.balancer import Balancer
from harness.stack.runtime_api import RuntimeApi
from harness.timeline import Timekeeper

__all__ = ["Answer", "Question", "Smoke", "question_of", "question_of_page", "smoke_pools"]

_RIGHT: Final = "right"
_WRONG: Final = "wrong"
"""Two servers, as HAProxy dates no check: one is put down and comes up by a right answer, the other
is put up and goes down by a wrong one, so that either was given since it was asked."""
_ANSWERED: Final = "L7STS"
"""What HAProxy calls a whole answer that is not as it must be; of texts too, as it is told to."""
_LONGEST: Final = 500
"""Of what is looked for: a line of HAProxy's configuration has 2,048 bytes."""
_ANY: Final = "*"
_SAYS_NOTHING: Final = {"user-agent"}
_EDGES_OWN: Final = "/assets/"


class Answer(Enum):
    """What came of a question."""

    none = "none"
    right = "right"
    wrong = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A GET, and what its answer must be: that status and, where `bodies` are known, that very text
    by release; else one that holds `text`.
    """

    path: str
    bodies: Mapping[str, str] = field(default_factory=dict)
    """`*` is any release that is not named."""
    status: int = 200
    text: str = ""

    def is_for(self, release: str) -> bool:
        """Whether it is known what an instance of that release must say."""
        return not self.bodies or self._body(release) is not None

    def pattern(self, release: str) -> str:
        """Of the whole answer's text, as HAProxy takes it; empty: any will do."""
        body = self._body(release)
        return f"^{_as_pattern(body)}$" if body is not None else _as_pattern(self.text)

    def wanted(self, release: str) -> str:
        """The right answer, in words."""
        body = self._body(release)
        if body is not None:
            return repr(body)
        return f"status {self.status}" + (f" and {self.text!r} in it" if self.text else "")

    def _body(self, release: str) -> str | None:
        return self.bodies.get(release, self.bodies.get(_ANY))


def question_of(traffic: Traffic) -> Question | None:
    """What the traffic's visitors ask first that can be asked by a check: a page that is no secret,
    no write, not slow, and short. None where there is no such stream, and where visitors send what
    a check does not: without it the website may answer otherwise.
    """
    if {name.lower() for name in traffic.headers} - _SAYS_NOTHING:
        return None
    for stream in traffic.streams:
        if stream.expect_body and _is_plain(stream):
            return Question(path=stream.path, bodies=dict(stream.expect_body))
    return None


def question_of_page(traffic: Traffic) -> Question | None:
    """The same of pages whose whole text is not known: a status, and a text where one is expected
    that can be said.
    """
    if {name.lower() for name in traffic.headers} - _SAYS_NOTHING:
        return None
    for stream in traffic.streams:
        if stream.expect_body is None and _is_asked_plainly(stream):
            text = stream.expect_text if _can_be_said(stream.expect_text) else ""
            return Question(path=stream.path, status=stream.expect_status, text=text)
    return None


def _is_plain(stream: Stream) -> bool:
    bodies = list((stream.expect_body or {}).values())
    return (
        # HAProxy finds no text in a body that is empty.
        all(bodies)
        # What the edge serves by itself is not the website's to answer.
        and not stream.path.startswith(_EDGES_OWN)
        and stream.expect_status == 200
        and _is_asked_plainly(stream)
        and all(map(_can_be_said, bodies))
    )


def _is_asked_plainly(stream: Stream) -> bool:
    return (
        stream.method == "GET"
        and stream.tls is Tls.off
        and not (stream.slow or stream.visit or stream.headers or stream.expect_headers)
        and _can_be_said(stream.path)
    )


def _can_be_said(text: str) -> bool:
    """Within single quotes in HAProxy's configuration, where nothing is special but their end;
    and it differs from request to request where it holds a gap.
    """
    return (
        text.isascii() and text.isprintable() and not set(text) & set("'{") and len(text) < _LONGEST
    )


def smoke_pools(
    question: Question | None, releases: tuple[str, ...], port: int, *, try_s: float
) -> str:
    """HAProxy's pools for it; empty where nothing is asked. An answer may take `try_s`."""
    if question is None:
        return ""
    return "".join(
        f"""\
backend {_pool(releases, release)}
    timeout check {int(try_s * 1000)}ms
    option httpchk
    http-check send meth GET uri '{question.path}' ver HTTP/1.1 hdr Host localhost
    http-check expect status {question.status}
{_text_line(question.pattern(release))}\
    server {_RIGHT} 0.0.0.0:{port} check inter 50ms fall 1 rise 1 disabled
    server {_WRONG} 0.0.0.0:{port} check inter 50ms fall 1 rise 1 disabled
"""
        for release in releases
        if question.is_for(release)
    )


def _text_line(pattern: str) -> str:
    return f"    http-check expect error-status L7STS rstring '{pattern}'\n" if pattern else ""


def _pool(releases: tuple[str, ...], release: str) -> str:
    return f"smoke-{releases.index(release) + 1}"


def _as_pattern(text: str) -> str:
    return re.sub(r"([\\.\[\](){}*+?|^$])", r"\\\1", text)


def _status(row: Mapping[str, str]) -> str:
    """Of a server's last check, in HAProxy's words."""
    return row.get("check_status", "").lstrip("* ")


def _is_down(row: Mapping[str, str]) -> bool:
    return row.get("status", "").startswith("DOWN")


def _is_wrong(row: Mapping[str, str]) -> bool:
    return _is_down(row) and _status(row) == _ANSWERED


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
        return release in self._releases and self._question.is_for(release)

    def ask(self, release: str, where: str) -> None:
        """HAProxy asks it again and again from now on; `answer` tells what comes."""
        for server in (_RIGHT, _WRONG):
            self._balancer(release).offer(server, where, self._port)
        self._of(release).change(_WRONG, "health up")

    def answer(self, release: str) -> Answer:
        """The first since it is asked. A connection that cannot be made, breaks or keeps silent is
        none: it may be the instance's first moment.
        """
        if self._balancer(release).answers(_RIGHT):
            return Answer.right
        return Answer.wrong if _is_wrong(self._row(release)) else Answer.none

    def told(self, release: str) -> str:
        """What came of the last question, without a full stop."""
        row = self._row(release)
        code = row.get("check_code") or ""
        expected = f"expected {self._question.wanted(release)}"
        if not _is_wrong(row):
            # What is up was not checked since it was asked: what it shows is older than that.
            came = row.get("check_desc") or "nothing came"
            why = f"{_status(row)}: {came}" if _is_down(row) else "nothing came"
            return f"GET {self._question.path} was not answered ({why}); {expected}"
        is_as_wanted = code in {"", "0", str(self._question.status)}
        said = "another text" if is_as_wanted else f"status {code}"
        return f"GET {self._question.path} was answered with {said}; {expected}"

    def done(self, release: str) -> None:
        """Nothing more is asked."""
        for server in (_RIGHT, _WRONG):
            self._balancer(release).forget(server)

    def _row(self, release: str) -> dict[str, str]:
        return self._of(release).rows().get(_WRONG, {})

    def _balancer(self, release: str) -> Balancer:
        return Balancer(self._of(release), self._clock)

    def _of(self, release: str) -> RuntimeApi:
        return self._api.of(_pool(self._releases, release))
