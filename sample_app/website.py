"""The sample website: what the harness replaces under load.

Settings, all from the environment: RELEASE, INSTANCE, IDEMPOTENT, STORE_HOST, STORE_PORT,
STORE_WAIT_S (for how long it waits for a store that is away), STALE_S (for how long copies may
serve beyond their time), and DRAIN_FD, which the launcher sets. What it does wrong only where it is
told to: NEVER_READY=v2 lets the release of that name never become ready, FAREWELL=0 tells no
listener that the website is about to stop; cold.py and sessions.py have more.
"""

import os
import re
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask, Response, request
from redis import Redis, RedisError

from sample_app import content, lasting
from sample_app.cold import Cold
from sample_app.responses import Text
from sample_app.sessions import Sessions
from sample_app.store import apply, connect

LONGEST_MS = 60_000
LARGEST_BODY = 1 << 20
CACHED_S = 1
_WORD = re.compile("[!-~]{1,128}")


def create_app(
    store: Redis | None = None, *, told_to_stop: Callable[[], bool] | None = None
) -> Flask:
    """The website of one release; `store` and `told_to_stop` are replaced in tests."""
    app = Flask(__name__, static_folder=None)
    app.response_class = Text
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    idempotent = os.environ.get("IDEMPOTENT", "1") != "0"
    store = store or connect(idempotent=idempotent)
    told_to_stop = launcher_was_told_to_stop if told_to_stop is None else told_to_stop
    release = os.environ.get("RELEASE", "v1")
    instance = os.environ.get("INSTANCE") or socket.gethostname()
    hello = content.greeting(release)
    can_be_ready = os.environ.get("NEVER_READY") != release
    page = content.page(release)
    sessions, cold = Sessions(store, release), Cold()

    @app.before_request
    def read_body() -> None:
        # Closing a connection on unread bytes is a reset, which can overtake the answer.
        request.get_data()
        if request.path != "/ready":
            cold.load()

    @app.after_request
    def say_who_answered(response: Response) -> Response:
        response.headers["X-Release"] = release
        response.headers["X-Instance"] = instance
        return response

    @app.errorhandler(RedisError)
    def store_unavailable(_error: RedisError) -> tuple[str, int]:
        request.environ["sample_app.lacks"] = "store"
        return "store unavailable", 503

    @app.get("/")
    @app.get("/index")
    @app.get("/home")
    def home() -> str:
        return hello

    @app.get("/page")
    def whole_page() -> Response:
        return Text(page, mimetype="text/html")

    @app.get("/assets/<name>")
    def own_asset(name: str) -> Response | tuple[str, int]:
        # For who has no server before the website that has the assets of all releases.
        if name != content.stylesheet_name(release):
            return "no such asset of this release", 404
        return Text(content.stylesheet(release), mimetype="text/css")

    @app.get("/cached")
    def cached() -> Response:
        # For caches before the website; a visitor's own browser asks again.
        return Text(hello, headers={"Cache-Control": may_be_kept()})

    @app.get("/ready")
    def ready() -> tuple[str, int]:
        if told_to_stop():
            return "draining", 503
        return ("ready", 200) if can_be_ready else ("not ready", 503)

    @app.get("/slow")
    def slow() -> str | tuple[str, int]:
        ms = request.args.get("ms", "")
        if not re.fullmatch("[0-9]{1,5}", ms) or int(ms) > LONGEST_MS:
            return f"ms must be a whole number from 0 to {LONGEST_MS}", 400
        time.sleep(int(ms) / 1000)
        return f"waited {int(ms)} ms"

    @app.get("/visits")
    def visits() -> str:
        with timed_store():
            return f"visit {store.incr('visits')}"

    @app.post("/operations")
    def operations() -> str | tuple[str, int]:
        operation = request.headers.get("X-Operation-Id", "")
        if not _WORD.fullmatch(operation):
            return "X-Operation-Id must be 1 to 128 printable ASCII characters, no space", 400
        with timed_store():
            apply(store, operation, idempotent=idempotent)
        return f"operation {operation} applied"

    @app.post("/login")
    def login() -> Response | tuple[str, int]:
        user, _, holds = request.get_data(as_text=True).partition(" ")
        if not _WORD.fullmatch(user) or not _WORD.fullmatch(holds):
            return "the body must be two words: who logs in, and what the session is to hold", 400
        with timed_store():
            token = sessions.log_in(user, holds)
        cookie = f"session={token}; Path=/; HttpOnly; SameSite=Lax"
        return Text(f"welcome {user}", headers={"Set-Cookie": cookie})

    @app.get("/account")
    def account() -> str:
        # As websites do: who is not logged in is shown a page too, with status 200.
        with timed_store():
            found = sessions.find(request.cookies.get("session", ""))
        return f"user {found[0]} holds {found[1]}" if found else "nobody is logged in"

    lasting.add_routes(
        app,
        release=release,
        instance=instance,
        told_to_stop=told_to_stop if os.environ.get("FAREWELL") != "0" else lambda: False,
    )
    return app


def may_be_kept() -> str:
    """By caches before the website, for CACHED_S; then for STALE_S more (RFC 5861), while a new
    copy is fetched, or where the website does not answer or answers by an error.
    """
    stale_s = int(os.environ.get("STALE_S", "0"))
    then = f", stale-while-revalidate={stale_s}, stale-if-error={stale_s}" if stale_s else ""
    return f"public, s-maxage={CACHED_S}, max-age=0{then}"


@contextmanager
def timed_store() -> Iterator[None]:
    """Leaves for the access log how long the request waited for the store."""
    begin_ns = time.monotonic_ns()
    try:
        yield
    finally:
        request.environ["sample_app.store_us"] = (time.monotonic_ns() - begin_ns) // 1000


def launcher_was_told_to_stop() -> bool:
    """True once the launcher closed its end of the pipe DRAIN_FD, or died; False without one."""
    fd = os.environ.get("DRAIN_FD")
    return fd is not None and bool(select.select([int(fd)], [], [], 0)[0])
