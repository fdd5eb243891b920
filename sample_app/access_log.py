"""The access log: a JSON object a line."""

import json
import os
import socket
import time
from datetime import timedelta
from typing import Any

from gunicorn.glogging import Logger

_WHO = {
    "instance": os.environ.get("INSTANCE") or socket.gethostname(),
    "release": os.environ.get("RELEASE", "v1"),
}


def as_json(resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> str:
    """The line of a request that ends now; it is one line of ASCII whatever was asked."""
    line = {
        "at_ns": time.time_ns(),
        "request": dict(req.headers).get("X-REQUEST-ID", ""),
        "method": environ["REQUEST_METHOD"],
        "path": environ["RAW_URI"].partition("?")[0],
        "status": int(str(resp.status).split()[0]),
        "duration_us": request_time // timedelta(microseconds=1),
        # What of it was waited for, and whom it lacked.
        "store_us": environ.get("sample_app.store_us", 0),
        "lacks": environ.get("sample_app.lacks", ""),
    }
    return json.dumps(line | _WHO)


class JsonAccessLogger(Logger):
    """gunicorn's own lines are a format string's, which escapes for no JSON parser."""

    def access(self, resp: Any, req: Any, environ: dict[str, Any], request_time: timedelta) -> None:
        # Called once the last byte was handed to the kernel.
        if self.cfg.accesslog is not None:
            self.access_log.info(as_json(resp, req, environ, request_time))
