"""Listening to server-sent events: each must be the next one, of the release that began it."""

from typing import Final

import gevent

from harness.model.outcome import Outcome
from harness.traffic.connection import Connection
from harness.traffic.expected import instance_of
from harness.traffic.visiting import Ended, Visiting

__all__ = ["listen"]

_BLANK: Final = b"\n\n"
_AGAIN_S: Final = 0.1
"""Between two looks for a stream that ended before an event came."""


def listen(v: Visiting) -> None:
    """Until the visit is let go. A stream that the website ends in order is asked for again, from
    the last event on; what comes then must follow on what came before.
    """
    last, closed_ns = 0, 0
    while True:
        prepared = v.then if v.account.asked else v.first
        request = prepared.request(v.flight.identity, v.account.seq)
        connection = v.send(prepared, request.replace(b"{last}", b"%d" % last))
        before = last
        while event := _next(v, connection):
            last = _followed(v, event, last)
            if last == before + 1:
                v.answered(connection)
            else:
                v.count_answer()
            if closed_ns:
                v.reconnected(closed_ns)
                closed_ns = 0
            if not v.goes_on():
                return
        if not closed_ns:
            closed_ns = v.clock_ns()
            v.note(closed=v.account.closed + 1)
        elif v.clock_ns() - closed_ns > prepared.timeout_ns:
            raise Ended(Outcome.answer_timeout, "no event came again after the stream had ended")
        if last == before:
            gevent.sleep(_AGAIN_S)
        v.flight.close()
        v.flight.leave()


def _next(v: Visiting, connection: Connection) -> bytes:
    """An event without its blank line; empty at the stream's orderly end."""
    flight, answer = v.flight, v.flight.answer
    flight.deadline_ns = v.clock_ns() + flight.prepared.timeout_ns
    is_other = False
    while is_other or _BLANK not in answer.body:
        if answer.complete:
            break
        data = connection.wire.receive(flight.deadline_ns, v.clock_ns)
        if data and not flight.first_byte_ns:
            flight.first_byte_ns = v.clock_ns()
        if not data and not answer.end():
            raise Ended(*flight.cut())
        if data:
            size = answer.size
            answer.feed(data)
            v.size += answer.size - size
        is_other = answer.status not in {0, 200}
    if is_other:
        raise Ended(*flight.prepared.expected.judge(answer, flight.identity))
    event, blank, rest = bytes(answer.body).partition(_BLANK)
    if event and not blank:
        raise Ended(Outcome.truncated, f"the stream ended within an event: {event[:60]!r}")
    answer.body[:] = rest
    return event


def _followed(v: Visiting, event: bytes, last: int) -> int:
    """The event's number, which follows on `last`."""
    answer = v.flight.answer
    who = f"{v.flight.prepared.expected.release(answer)} {instance_of(answer)}"
    expected = f"id: {last + 1}\ndata: {who} {last + 1}".encode()
    if event != expected:
        raise Ended(
            Outcome.wrong_body, f"expected event {expected[:120]!r}, observed {event[:120]!r}"
        )
    return last + 1
