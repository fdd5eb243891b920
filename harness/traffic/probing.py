"""What is asked before the load begins: a right answer to each question, or nothing is judged."""

from dataclasses import replace

from harness.model.traffic import PROBE, Connection, Stream, Tls, Traffic

__all__ = ["as_probe", "patience_s", "questions", "where"]


def questions(traffic: Traffic) -> tuple[Stream, ...]:
    """A stream for each question, in the order of the traffic; the health path before all.

    Those that name an origin are all asked, but for those that differ in connection and rate alone.
    Of the others one stands for all: the first that can be asked at any time, else the first.
    """
    own = [stream for stream in traffic.streams if not stream.origin]
    plain = [s for s in own if s.method == "GET" and not (s.body or s.visit or s.upload_s)]
    asked: dict[str, Stream] = {}
    for stream in traffic.streams:
        if stream.origin:
            asked.setdefault(repr(_alike(stream)), stream)
    return (*_health(traffic), *(plain or own)[:1], *asked.values())


def _health(traffic: Traffic) -> tuple[Stream, ...]:
    if not traffic.health:
        return ()
    first = traffic.streams[0]
    return (
        Stream(
            name="health", path=traffic.health, rate_hz=1.0, tls=first.tls, headers=first.headers
        ),
    )


def as_probe(stream: Stream, *, every_s: float, answer_s: float) -> Stream:
    """The question as it is asked: once a connection, and at once."""
    probe = replace(
        stream,
        name=PROBE,
        rate_hz=1 / every_s,
        connection=Connection.new,
        visit=None,
        upload_s=0.0,
        timeout_s=patience_s(stream, answer_s),
    )
    # What the target's own store would remember is not asked.
    return probe if stream.origin else replace(probe, method="GET", body="", write=False)


def patience_s(stream: Stream, answer_s: float) -> float:
    """How long an answer is waited for: what is slow on purpose has its own time."""
    return max(answer_s, stream.timeout_s) if stream.slow else answer_s


def where(stream: Stream) -> str:
    """`stream 'order', POST https://shop.test/orders`."""
    return f"stream {stream.name!r}, {stream.method} {stream.origin}{stream.path}"


def _alike(stream: Stream) -> Stream:
    return replace(
        stream,
        name="",
        rate_hz=0.0,
        connection=Connection.new,
        tls=Tls.off,
        timeout_s=0.0,
        cached_s=None,
        slow=False,
    )
