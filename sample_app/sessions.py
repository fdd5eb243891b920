"""Sessions: kept in Redis, where every instance finds them, whatever its release.

What a website should not do, for who wants to see what it costs. SESSIONS=memory keeps them in
this process alone. NEW_FORMAT=v2 lets the release of that name write what a session holds as JSON,
which it reads beside the old format; no other release can, but with EXPANDED=1.
"""

import json
import os
import secrets
from typing import Protocol

SESSION_S = 3600


class Keeps(Protocol):
    """What is needed of a Redis client."""

    def get(self, name: str) -> bytes | None: ...

    def set(self, name: str, value: str, *, ex: int) -> object: ...


class Memory:
    """Keeps them for as long as this process lives."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        return self._kept.get(name)

    def set(self, name: str, value: str, *, ex: int) -> None:  # noqa: ARG002 (as Redis takes it)
        self._kept[name] = value.encode()


class Sessions:
    """Those of one release."""

    def __init__(self, store: Keeps, release: str) -> None:
        self._store = Memory() if os.environ.get("SESSIONS") == "memory" else store
        self._writes_json = release == os.environ.get("NEW_FORMAT")
        self._reads_json = self._writes_json or os.environ.get("EXPANDED") == "1"

    def log_in(self, user: str, holds: str) -> str:
        """A new session's token. What it holds is written with it, or it is not there at all."""
        token = secrets.token_urlsafe(24)
        text = json.dumps([user, holds]) if self._writes_json else f"{user} {holds}"
        self._store.set(f"session:{token}", text, ex=SESSION_S)
        return token

    def find(self, token: str) -> tuple[str, str] | None:
        """(user, what the session holds); None where there is no such session."""
        found = self._store.get(f"session:{token}")
        if found is None:
            return None
        text = found.decode()
        if self._reads_json and text.startswith("["):
            user, holds = json.loads(text)
        else:
            user, _, holds = text.partition(" ")
        return user, holds
