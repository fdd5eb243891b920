"""The arms' files: one a scenario, in `arms/` beside the catalogue's page."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from pydantic import TypeAdapter

from harness.catalogue.model import Arm, Kind, Mechanism

__all__ = ["Kept", "forget_arm", "read_arms", "scenarios_in", "write_arm"]

_ARMS: Final = "arms"
_FILE: Final = TypeAdapter(Arm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What earlier scenarios left."""

    arms: tuple[Arm, ...] = ()
    """In the order of the catalogue."""
    left_out: tuple[str, ...] = ()
    """Files that say nothing of today's catalogue, each with the reason."""


def write_arm(arm: Arm, folder: Path) -> None:
    """Beside those of other scenarios; an earlier one of the same scenario is replaced, whole or
    not at all.
    """
    path = _path(arm.test, folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(_FILE.dump_json(arm, indent=1) + b"\n")
    partial.replace(path)


def forget_arm(test: str, folder: Path) -> None:
    """What an earlier run of this scenario left, so that none is taken for the next one's."""
    _path(test, folder).unlink(missing_ok=True)


def read_arms(folder: Path, known: Iterable[Mechanism], scenarios: Collection[str]) -> Kept:
    """Those that were written there, of known mechanisms and of scenarios that are still there."""
    numbers = {each.number for each in known}
    found, left_out = [], []
    for path in sorted((folder / _ARMS).glob("*.json")):
        try:
            arm = _FILE.validate_json(path.read_bytes())
        except (OSError, ValueError):
            left_out.append(f"{path.name}: damaged, or of another version of the harness")
            continue
        if arm.mechanism not in numbers or arm.test.partition("[")[0] not in scenarios:
            left_out.append(f"{path.name}: its scenario, run as {arm.run}, is no more")
        else:
            found.append(arm)
    order = list(Kind)
    found.sort(key=lambda arm: (arm.mechanism, order.index(arm.kind), arm.test))
    return Kept(arms=tuple(found), left_out=tuple(left_out))


def scenarios_in(folder: Path) -> frozenset[str]:
    """The names of all there, whichever of them are run now."""
    return frozenset(
        line.removeprefix("def ").partition("(")[0]
        for path in folder.glob("test_*.py")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("def test_")
    )


def _path(test: str, folder: Path) -> Path:
    return folder / _ARMS / f"{quote(test, safe='[]')}.json"
