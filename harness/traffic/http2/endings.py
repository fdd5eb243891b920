"""How requests over HTTP/2 end by what their connection, or their stream of it, came to."""

from collections.abc import Callable
from dataclasses import dataclass

from h2.errors import ErrorCodes
from h2.events import StreamReset

from harness.model.outcome import Outcome
from harness.traffic.flight import Flight
from harness.traffic.http2.exchange import Exchange

__all__ = ["Ending", "Tally", "broken_by", "named", "told", "was_reset"]

Ending = Callable[[Flight], tuple[Outcome, str]]
"""What a request under way ends as, and why."""


@dataclass(slots=True)
class Tally:
    """What servers did to a stream's connections while no request was under way on them."""

    closed_idle: int = 0
    """They ended them, which is no failure of any request."""
    unasked: int = 0
    """They said what nobody had asked for."""
    unasked_text: str = ""
    """What the first of those was: untrusted."""

    def count(self, number: int, unasked: str) -> None:
        """The idle connection of that number has ended, for `unasked` where that is not empty."""
        if not unasked:
            self.closed_idle += 1
            return
        self.unasked += 1
        self.unasked_text = self.unasked_text or f"connection {number}: {unasked}"


def told(outcome: Outcome, text: str) -> Ending:
    return lambda _flight: (outcome, text)


def broken_by(error: OSError) -> Ending:
    return lambda flight: flight.broken(error)


def was_reset(exchange: Exchange, event: StreamReset) -> tuple[Outcome, str]:
    """`refused_stream` where the server says that it has not touched the request, else `reset`."""
    code, stage = named(event.error_code), exchange.flight.stage()
    if not event.remote_reset:
        return Outcome.malformed, f"no HTTP/2 ({code}) while {stage}"
    if event.error_code == ErrorCodes.REFUSED_STREAM and not exchange.answer.started:
        return Outcome.refused_stream, f"the server refused the stream ({code}) while {stage}"
    return Outcome.reset, f"the server reset the stream ({code}) while {stage}"


def named(code: ErrorCodes | int) -> str:
    """An error's name as the RFC has it (9113, 7), or its number."""
    try:
        return ErrorCodes(code).name
    except ValueError:
        return f"error {code}"
