"""The control's stub: the edge's NGINX, answering by itself, in the run's network."""

import threading
from collections.abc import Callable
from importlib.resources import files
from typing import Final

from harness.model.errors import MissingEvidenceError
from harness.target import Endpoint

__all__ = ["SHELL", "Stub", "environment"]

SHELL: Final = """\
printf %s "$NGINX_CONF" > /tmp/nginx.conf
exec nginx -c /tmp/nginx.conf -g 'daemon off;'
"""


def environment() -> dict[str, str]:
    """What SHELL needs."""
    return {"NGINX_CONF": files("harness.stack").joinpath("control.conf").read_text("utf-8")}


_SETTLED_S: Final = 30.0


class Stub:
    """Comes up in a thread, beside the rest of the stack, which never waits for it."""

    def __init__(self, bring_up: Callable[[], Endpoint]) -> None:
        """`bring_up` starts it and returns once it listens."""
        self._bring_up = bring_up
        self._endpoint: Endpoint | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="control-stub", daemon=True)
        self._thread.start()

    def endpoint(self) -> Endpoint | None:
        """None: not up yet. MissingEvidenceError where it did not come up."""
        if self._error is not None:
            raise MissingEvidenceError(
                f"control: its stub did not come up: {self._error}"
            ) from self._error
        return self._endpoint

    def settled(self) -> None:
        """Returns once it is up, or is not going to be; after 30 s in any case."""
        self._thread.join(_SETTLED_S)

    def _run(self) -> None:
        try:
            self._endpoint = self._bring_up()
        except Exception as error:  # noqa: BLE001 (told to whoever asks where it is)
            self._error = error
