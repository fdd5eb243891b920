"""Whose an object of the engine is: what a dead run left is told from what a living one owns."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LABEL", "Owner"]

LABEL = "zero-downtime-harness"
"""Prefix of every label of ours; the bare label holds the run's id."""

FOREIGN_AGE_S = 24 * 3600
"""Objects of a process namespace that we cannot look into are left alone for so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """A process: its number alone is reused, with its start time and boot it is unique."""

    pid: int
    started: str
    """Clock ticks after boot (field 22 of /proc/PID/stat); empty where there is no /proc."""
    boot: str
    namespace: str

    @classmethod
    def this_process(cls) -> "Owner":
        return cls(
            pid=os.getpid(), started=_started(os.getpid()), boot=_boot(), namespace=_namespace()
        )

    def labels(self, run: str, created_s: int) -> dict[str, str]:
        """Labels for an object that this owner makes for `run`."""
        return {
            LABEL: run,
            f"{LABEL}.pid": str(self.pid),
            f"{LABEL}.started": self.started,
            f"{LABEL}.boot": self.boot,
            f"{LABEL}.namespace": self.namespace,
            f"{LABEL}.created": str(created_s),
        }

    @classmethod
    def of(cls, labels: Mapping[str, str]) -> "Owner":
        """The owner that labels name."""
        pid = labels.get(f"{LABEL}.pid", "0")
        return cls(
            pid=int(pid) if pid.isdigit() else 0,
            started=labels.get(f"{LABEL}.started", ""),
            boot=labels.get(f"{LABEL}.boot", ""),
            namespace=labels.get(f"{LABEL}.namespace", ""),
        )

    def is_visible(self) -> bool:
        """Whether its life can be told from here: the same boot, the same process namespace."""
        return (self.boot, self.namespace) == (_boot(), _namespace())

    def is_alive(self) -> bool:
        """Whether that very process still runs. Only meaningful where it is visible."""
        if self.started:
            return _started(self.pid) == self.started
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def is_abandoned(labels: Mapping[str, str], now_s: float, *, everything: bool = False) -> bool:
    """Whether the object with these labels may be removed.

    Its owner is dead; or cannot be seen from here and the object is older than a day, or
    `everything` is asked for. What a living, visible owner has is never abandoned.
    """
    owner = Owner.of(labels)
    if owner.is_visible():
        return not owner.is_alive()
    created = labels.get(f"{LABEL}.created", "")
    age_s = now_s - int(created) if created.isdigit() else FOREIGN_AGE_S + 1
    return everything or age_s > FOREIGN_AGE_S


def _started(pid: int) -> str:
    """Empty where no such process exists."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    # The name is in brackets and may hold blanks and brackets: fields count from the last one.
    fields = text.rpartition(")")[2].split()
    is_dead = fields[0] in {"Z", "X"}
    return "" if is_dead else fields[19]


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
