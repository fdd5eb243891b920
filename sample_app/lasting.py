"""Routes whose requests last: downloads, uploads, server-sent events, a WebSocket."""

import hashlib
import re
import time
from collections.abc import Callable, Iterator

from flask import Flask, Response, request

from sample_app import content, websocket
from sample_app.responses import Switched

LONGEST_MS = 60_000
LARGEST = 16 << 20
PIECE_MS = 50
# NGINX passes such an answer on as it comes, and keeps none of it back.
AS_IT_COMES = {"X-Accel-Buffering": "no"}


def add_routes(
    app: Flask, *, release: str, instance: str, told_to_stop: Callable[[], bool]
) -> None:
    """`/download`, `/upload`, `/events` and `/websocket`."""

    @app.get("/download")
    def download() -> Response | tuple[str, int]:
        size, ms = number("bytes", LARGEST), number("ms", LONGEST_MS)
        if size is None or ms is None:
            return f"bytes must be up to {LARGEST}, ms up to {LONGEST_MS}", 400
        body = f"{release} begins\n{content.made(size)}{release} ends\n".encode()
        headers = {"Content-Length": str(len(body)), **AS_IT_COMES}
        return Response(paced(body, ms), mimetype="text/plain", headers=headers)

    @app.post("/upload")
    def upload() -> str:
        body = request.get_data()
        return f"received {len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()}"

    @app.get("/events")
    def events() -> Response | tuple[str, int]:
        every_ms = number("every_ms", LONGEST_MS)
        last = request.headers.get("Last-Event-ID", "0")
        if not every_ms or not re.fullmatch("[0-9]{1,9}", last):
            return f"every_ms must be from 1 to {LONGEST_MS}, Last-Event-ID a number", 400
        said = said_by(int(last), every_ms)
        headers = {"Cache-Control": "no-store", **AS_IT_COMES}
        return Response(said, mimetype="text/event-stream", headers=headers)

    def said_by(last: int, every_ms: int) -> Iterator[bytes]:
        # Ends by itself where the website is told to stop: whoever listens comes again elsewhere.
        while not told_to_stop():
            last += 1
            yield f"id: {last}\ndata: {release} {instance} {last}\n\n".encode()
            time.sleep(every_ms / 1000)

    @app.route("/websocket", websocket=True)
    def talk() -> Response | tuple[str, int]:
        key = request.headers.get("Sec-WebSocket-Key", "")
        sock = request.environ.get("gunicorn.socket")
        if not key or sock is None:
            return "a WebSocket needs a key, and gunicorn", 400
        names = {"X-Release": release, "X-Instance": instance}
        websocket.serve(sock, key, names, lambda text: f"{release} {instance} {text}", told_to_stop)
        return Switched()


def number(name: str, most: int) -> int | None:
    """A whole number in the query, from 0 to `most`."""
    text = request.args.get(name, "")
    return int(text) if re.fullmatch("[0-9]{1,8}", text) and int(text) <= most else None


def paced(body: bytes, over_ms: int) -> Iterator[bytes]:
    """`body` evenly over so long: it is this website that is slow, whoever stands before it."""
    pieces = max(1, over_ms // PIECE_MS)
    size = max(1, -(-len(body) // pieces))
    began = time.monotonic()
    for number, at in enumerate(range(0, len(body), size), 1):
        time.sleep(max(0.0, began + over_ms * number / pieces / 1000 - time.monotonic()))
        yield body[at : at + size]
