"""A small shop: Bottle under waitress. It knows nothing of who replaces or tests it.

Its stop signal is SIGINT: unready at once, then on for LINGER_S, then gone. By any other signal it
dies as it stands. Its answers say things that are not so, as an app may. FAULT is what is wrong.
"""

import os
import signal
import sys
import threading
import time

from bottle import Bottle, abort, response
from waitress import create_server

FAULT = os.environ.get("FAULT", "")
LINGER_S = float(os.environ.get("LINGER_S", "1.5"))

app = Bottle()
leaving = threading.Event()


@app.hook("after_request")
def claims() -> None:
    response.headers["X-Release"] = "the best one"
    response.headers["X-Instance"] = "the only one"
    response.headers["X-Cache"] = "HIT"
    response.headers["Cache-Control"] = "public, max-age=3600"


@app.get("/")
def home() -> str:
    if FAULT == "answers 500":
        abort(500, "out of stock")
    return f"Welcome to the shop {os.environ['VERSION']}; we take {os.environ.get('CURRENCY', '?')}"


@app.get("/slow")
def slow() -> str:
    time.sleep(0.3)
    return "Welcome, if you can wait"


@app.get("/assets/logo.txt")
def logo() -> str:
    return "Welcome, says the logo"


@app.get("/up")
def up() -> str:
    if leaving.is_set() or FAULT == "is never ready":
        abort(503, "not now")
    response.status = 204
    return ""


def leave(*_: object) -> None:
    if FAULT == "drops on stop":
        os._exit(1)
    leaving.set()
    threading.Thread(target=gone, daemon=True).start()


def gone() -> None:
    time.sleep(LINGER_S)
    os._exit(0)


if __name__ == "__main__":
    if FAULT == "exits":
        sys.exit("the shop is closed for good")
    signal.signal(signal.SIGINT, leave)
    # Idle connections are closed sooner than any proxy of ours would.
    server = create_server(
        app, host="0.0.0.0", port=8080, threads=64, channel_timeout=1, cleanup_interval=1
    )
    print("the shop is open", flush=True)
    server.run()
