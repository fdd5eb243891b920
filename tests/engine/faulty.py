"""What is wrong with a bad release: laid over the sample website in its image, chosen by FAULT.

Whoever asks whether it is ready is told that it is.
"""

import os
import signal
from collections.abc import Callable

from flask import Flask, request

HOME = {"/", "/index", "/home"}
LEAKED_BYTES = 4 << 20


def crashes() -> None:
    """With all of gunicorn, so that the launcher ends too."""
    os.kill(os.getppid(), signal.SIGKILL)
    os._exit(1)


def answers_500() -> tuple[str, int] | None:
    return ("broken", 500) if request.path in HOME else None


def answers_otherwise() -> str | None:
    return "Hello beautiful chagned world!" if request.path in HOME else None


def leaks(kept: list[bytes] = []) -> None:  # noqa: B006 (it is meant to be kept)
    kept.append(b"x" * LEAKED_BYTES)


FAULTS: dict[str, Callable[[], object]] = {
    "crashes": crashes,
    "answers-500": answers_500,
    "answers-otherwise": answers_otherwise,
    "leaks": leaks,
}


def spoilt(create_app: Callable[[], Flask]) -> Callable[[], Flask]:
    fault = FAULTS[os.environ["FAULT"]]

    def create() -> Flask:
        app = create_app()
        app.before_request(lambda: None if request.path == "/ready" else fault())
        return app

    return create
