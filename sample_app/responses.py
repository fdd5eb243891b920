"""The website's kinds of answers."""

from collections.abc import Callable, Iterator

from flask import Response


class Text(Response):
    default_mimetype = "text/plain"


class Switched(Text):
    """After a WebSocket: its connection is over, and there is nothing left to write on it."""

    def __call__(self, _environ: object, start_response: Callable[..., object]) -> "Switched":
        start_response("101 Switching Protocols", [])  # for the access log
        return self

    def __iter__(self) -> Iterator[bytes]:
        # gunicorn's workers end a connection so, without a word on it.
        raise StopIteration
