"""Each request of a locustfile's users becomes one sample, whatever became of it."""

import functools
import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import gevent
import requests
from gevent import GreenletExit
from locust import clients
from locust.contrib import fasthttp
from locust.exception import InterruptTaskSet, RescheduleTask, StopTest, StopUser

from harness.model.outcome import Cache, Outcome
from harness.model.row import Sample
from harness.traffic.closed.endings import ending_of
from harness.traffic.closed.names import Names
from harness.traffic.closed.pace import Pace
from harness.traffic.expected import cache_told

__all__ = ["Watch"]

_KEY: Final = "zero-downtime-harness"
"""In a request's context, where Locust's event gives it back."""
_ORDERLY: Final = (InterruptTaskSet, RescheduleTask, StopTest, StopUser)
_MOST_NAME: Final = 200


@dataclass(slots=True, eq=False)
class _Begun:
    """A request under way."""

    seq: int
    due_ns: int
    sent_ns: int
    user: int
    method: str
    name: str
    finished_ns: int = 0
    response: Any = None
    broke: BaseException | None = None
    """What its client raised, beside what the locustfile may say of it."""


class Watch:
    """Wraps the clients of HttpUser and FastHttpUser, and listens to `request` for all others.

    `record` gets a sample for each request, `explain` why it failed. A request that was begun and
    never reported is looked for at the end.
    """

    def __init__(
        self,
        *,
        run: str,
        release_from: tuple[str, str],
        names: Names,
        pace: Pace,
        record: Callable[[Sample], None],
        explain: Callable[[int, Outcome, str], None],
        note: Callable[[str], None],
    ) -> None:
        """`note` is told of what makes the run's evidence incomplete."""
        self._run = run
        self._release_from = release_from
        self._names = names
        self._pace = pace
        self._record = record
        self._explain = explain
        self._note = note
        self._begun: dict[int, _Begun] = {}
        self._users: dict[int, int] = {}
        self._next = 0
        self.first = 0
        self.is_over = False
        """From then on no request is begun."""

    @property
    def started(self) -> int:
        """How many requests were begun, probes left out."""
        return self._next - self.first

    @property
    def in_flight(self) -> int:
        return sum(1 for begun in self._begun.values() if not begun.finished_ns)

    def begin_at(self, seq: int) -> None:
        """The sequence number of the first request."""
        self.first = self._next = seq

    def watch(self) -> None:
        """To be called once, before a locustfile is imported."""
        for kind in (clients.HttpSession, fasthttp.FastHttpSession):
            kind.request = self._wrapped(kind.request)  # type: ignore[method-assign]
        for response in (clients.ResponseContextManager, fasthttp.ResponseContextManager):
            leave = response.__exit__
            response.__exit__ = self._leaving(leave)  # type: ignore[method-assign]
        read = fasthttp.FastResponse.iter_content

        @functools.wraps(read)
        def whole(answer: Any, *given: Any, **named: Any) -> Any:
            yield from read(answer, *given, **named)  # type: ignore[no-untyped-call]
            # Its own end is silent, whether the answer was whole or not.
            if answer._response is not None and not answer._response.message_complete:  # noqa: SLF001 (no public one)
                self._note("an answer that the locustfile read as a stream ended early")

        fasthttp.FastResponse.iter_content = whole  # type: ignore[method-assign, assignment]

    def _wrapped(self, request: Any) -> Any:
        signature = inspect.signature(request)

        @functools.wraps(request)
        def watched(session: Any, *given: Any, **named: Any) -> Any:
            if self.is_over:
                raise StopUser
            bound = signature.bind(session, *given, **named)
            said = bound.arguments
            name = said.get("name") or session.request_name or said["url"]
            begun = self._begin(_text(said["method"]), _text(name))
            said["context"] = {**(said.get("context") or {}), _KEY: begun.seq}
            place = said if "headers" in signature.parameters else said.setdefault("kwargs", {})
            place["headers"] = self._identified(place.get("headers"), begun.seq)
            try:
                response = request(*bound.args, **bound.kwargs)
            except GreenletExit:
                self._end(begun, Outcome.unfinished, "in flight at the end of the run")
                raise
            except BaseException as error:
                # Nobody reports it: most of these are of a URL or an option that cannot be.
                if begun.seq in self._begun:
                    self._end(begun, *ending_of(error))
                raise
            if begun.seq in self._begun:
                begun.finished_ns = time.monotonic_ns()
                begun.response = response
                begun.broke = response.request_meta.get("exception")
            return response

        return watched

    def _begin(self, method: str, name: str) -> _Begun:
        now_ns = time.monotonic_ns()
        seq, self._next = self._next, self._next + 1
        begun = self._begun[seq] = _Begun(
            seq, self._pace.due_ns(now_ns), now_ns, self._user(), method, name
        )
        return begun

    def _identified(self, headers: Any, seq: int) -> dict[Any, Any]:
        """With a request id, by which logs tell it; one of the locustfile's own stays."""
        own = dict(headers or {})
        if not any(_text(name).lower() == "x-request-id" for name in own):
            own["X-Request-Id"] = f"{self._run}-{seq}"
        return own

    def _user(self) -> int:
        return self._users.setdefault(id(gevent.getcurrent()), len(self._users) + 1)

    def _leaving(self, leave: Any) -> Any:
        """`with client.get(…, catch_response=True)`: Locust tells none where the block raises."""

        @functools.wraps(leave)
        def left(response: Any, kind: Any, error: Any, trace: Any) -> Any:
            seq = response.request_meta.get("context", {}).get(_KEY)
            swallowed = leave(response, kind, error, trace)
            begun = self._begun.get(seq)
            if begun is not None and error is not None and not isinstance(error, _ORDERLY):
                if isinstance(error, GreenletExit):
                    # Cut by the run's end while it was judged: how it ended is known.
                    self._judge(begun, None, response)
                else:
                    told = f"the locustfile raised while it judged the answer: {error!r}"
                    self._end(begun, Outcome.rejected, told)
            return swallowed

        return left

    def on_request(
        self,
        *,
        request_type: str = "",
        name: str = "",
        response_time: float = 0.0,
        response_length: int = 0,
        exception: BaseException | None = None,
        context: Any = None,
        response: Any = None,
        **_: object,
    ) -> None:
        """Listens to Locust's `request`. Raises nothing: Locust would swallow it."""
        try:
            seq = context.get(_KEY) if isinstance(context, dict) else None
            begun = self._begun.get(seq) if seq is not None else None
            if begun is None:
                if seq is not None:
                    self._note(f"request {seq} was reported twice")
                    return
                # Of a client that is none of Locust's: known only now that it is over.
                begun = self._begin(_text(request_type), _text(name))
                begun.sent_ns -= int(float(response_time or 0.0) * 1e6)
                begun.due_ns = min(begun.due_ns, begun.sent_ns)
            # The locustfile may have renamed it meanwhile.
            begun.name = _text(name) or begun.name
            self._judge(begun, exception, response, size=response_length)
        except Exception as error:  # noqa: BLE001 (see above)
            self._note(f"a defect of the watch on requests: {error!r}")

    def _judge(
        self, begun: _Begun, exception: BaseException | None, response: Any, size: Any = 0
    ) -> None:
        outcome, text = Outcome.ok, ""
        if exception is not None:
            outcome, text = ending_of(exception)
        elif (broke := begun.broke or getattr(response, "error", None)) is not None:
            # A locustfile may call a status a success; that an answer never came, or in part, is
            # none.
            ended, told = ending_of(broke)
            if ended is not Outcome.wrong_status:
                outcome, text = ended, f"called a success by the locustfile: {told}"
        self._end(begun, outcome, text, response=response, size=size)

    def _end(
        self, begun: _Begun, outcome: Outcome, text: str, *, response: Any = None, size: Any = 0
    ) -> None:
        self._begun.pop(begun.seq, None)
        finished_ns = begun.finished_ns or time.monotonic_ns()
        response = response if response is not None else begun.response
        status, release, instance, cache = self._told(response)
        first_ns = _first_byte(response, begun.sent_ns, finished_ns) if status else 0
        if outcome is not Outcome.ok:
            self._explain(begun.seq, outcome, text)
        self._record(
            Sample(
                begun.seq,
                self._names.number(begun.method, begun.name),
                begun.due_ns,
                begun.sent_ns,
                # Of a client that tells no more than its end: that end.
                first_ns or (finished_ns if outcome is Outcome.ok else 0),
                finished_ns,
                outcome,
                status,
                size if isinstance(size, int) and size > 0 else 0,
                release,
                instance,
                begun.user,
                0,
                cache,
            )
        )

    def _told(self, response: Any) -> tuple[int, str, str, Cache]:
        """Status, release, instance and cache, as far as the answer tells them."""
        headers = getattr(response, "headers", None)
        status = getattr(response, "status_code", 0)
        if not headers or not isinstance(status, int) or not status:
            return status if isinstance(status, int) else 0, "", "", Cache.untold
        kind, name = self._release_from
        release = ""
        try:
            if kind == "header":
                release = headers.get(name) or ""
            elif kind == "body":
                release = (response.text or "").strip()
            elif kind == "json":
                release = _at(response.json(), name)
        except Exception:  # noqa: BLE001 (an answer that tells no release)
            release = ""
        instance = headers.get("X-Instance") or ""
        copied = cache_told(str(headers.get("X-Cache") or "").encode("latin-1", "replace"))
        return status, str(release)[:_MOST_NAME], str(instance)[:_MOST_NAME], copied

    def close(self) -> None:
        """What was begun and never reported."""
        for begun in list(self._begun.values()):
            if not begun.finished_ns:
                self._end(begun, Outcome.unfinished, "in flight at the end of the run")
                continue
            # `catch_response=True` and no `with`: the locustfile never said what it thinks of it.
            self._note(
                f"{begun.method} {begun.name}: asked with catch_response, and never judged, as "
                "it is not in a `with`"
            )
            self._judge(begun, None, begun.response)


def _text(value: Any) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return text[:_MOST_NAME]


def _first_byte(response: Any, sent_ns: int, finished_ns: int) -> int:
    """When the headers were there, where the client tells."""
    elapsed = response.elapsed if isinstance(response, requests.Response) else None
    if elapsed is None:
        return 0
    return min(sent_ns + int(elapsed.total_seconds() * 1e9), finished_ns)


def _at(value: Any, path: str) -> str:
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return "" if value is None else str(value)
