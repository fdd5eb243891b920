"""The store: Redis, and what it says of the writes that reached the website."""

import re
from typing import Final

from docker.models.containers import Container

from harness.model.errors import MissingEvidenceError
from harness.model.operations import Operations
from harness.stack.containers import run_in

__all__ = ["ENTRY", "operations"]

# No snapshots: a fork in mid-run would be a disturbance of our own. One run, one store.
ENTRY = (
    "redis-server", "--bind", "0.0.0.0", "--protected-mode", "no",  # noqa: S104 (the run's network)
    "--save", "", "--appendonly", "no",
)  # fmt: skip

# Redis' client ends with 0 where Redis answers by an error; its `-e` is younger than some images.
_REFUSAL: Final = re.compile(r"[A-Z]+ |Error|Could not|\(error\)")


def operations(container: Container) -> Operations:
    """Reads the sample website's ledger. MissingEvidenceError where Redis does not answer."""
    applied: dict[str, int] = {}
    for operation in _ask(container, "LRANGE", "operations:applied", "0", "-1"):
        applied[operation] = applied.get(operation, 0) + 1
    flat = _ask(container, "HGETALL", "operations:arrived")
    arrived = {flat[i]: int(flat[i + 1]) for i in range(0, len(flat) - 1, 2)}
    return Operations(applied=applied, arrived=arrived)


def _ask(container: Container, *command: str) -> list[str]:
    """The answer's lines. Operation ids hold neither line ends nor spaces: we made them."""
    code, text = run_in(container, ["redis-cli", *command])
    if code != 0 or _REFUSAL.match(text):
        raise MissingEvidenceError(f"store: Redis did not answer {command[0]}: {text[:200]}")
    return [line for line in text.splitlines() if line]
