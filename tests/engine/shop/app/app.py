"""A shop's website. On SIGTERM it turns unready, serves on for a while, and ends.

FAULT: `exits` ends at once, `unready` is never healthy, `refuses` answers its page with 500.
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import bottle

LINGER_S = float(os.environ.get("LINGER_S", "1.5"))
FAULT = os.environ.get("FAULT", "")
leaving = threading.Event()


@bottle.get("/")
def page():
    if FAULT == "refuses":
        bottle.abort(500, "broken")
    bottle.response.set_header("X-Version", os.environ["RELEASE"])
    return "Welcome to the shop\n"


@bottle.get("/health")
def health():
    if leaving.is_set() or FAULT == "unready":
        bottle.abort(503, "not now")
    return "ok\n"


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = False
    request_queue_size = 128


class Handler(WSGIRequestHandler):
    def log_message(self, *args):
        pass


def leave(*_):
    leaving.set()

    def end():
        time.sleep(LINGER_S)
        server.shutdown()

    threading.Thread(target=end).start()


if FAULT == "exits":
    print("no such table: goods", flush=True)
    sys.exit(3)
server = Server(("0.0.0.0", 8000), Handler)
server.set_app(bottle.default_app())
signal.signal(signal.SIGTERM, leave)
print("serving", flush=True)
if FAULT != "unready":
    Path("/run/ready").touch()
server.serve_forever()
server.server_close()
