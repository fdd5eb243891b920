"""The files of a run folder, read one by one; what cannot be read is named, not skipped."""

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from harness.analysis.requestlog import Decoded, decode, read_parquet, write_parquet
from harness.model.closed import Named
from harness.model.errors import NotJudgedError
from harness.model.operations import Operations
from harness.model.past import SCHEMA as PAST_SCHEMA
from harness.model.past import Past
from harness.model.scenario import Record
from harness.model.traffic import RESERVED, Stream

__all__ = [
    "BASELINE",
    "Explanation",
    "MachineSecond",
    "RunFolderError",
    "convert",
    "read_baseline",
    "read_lines",
    "read_operations",
    "read_record",
    "read_samples",
]

SCHEMA: Final = 2
LOG: Final = "requests.bin"
NAMES: Final = "streams.jsonl"
TABLE: Final = "requests.parquet"
BASELINE: Final = "baseline.json"
T = TypeVar("T")


class RunFolderError(NotJudgedError):
    """The folder is not a run's, or not of this schema. Says expected, observed and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineSecond:
    """How starved the machine was in the second that ended at `at_ns` (monotonic).

    None is not measured. Shares are 0 to 1; `cpu_pressure` is the kernel's avg10 in percent.
    """

    at_ns: int
    steal_share: float | None = None
    cpu_pressure: float | None = None
    load1: float | None = None

    def __post_init__(self) -> None:
        if self.steal_share is not None and not math.isfinite(self.steal_share):
            raise ValueError("steal_share is not a number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What the sender wrote down of one failed sample. The text is the server's: untrusted."""

    seq: int
    outcome: str | int = ""
    text: str = ""


def read_record(folder: Path) -> Record:
    """`scenario.json`. Raises RunFolderError where there is none of this schema."""
    path = folder / "scenario.json"
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RunFolderError(
            f"{folder}: expected a run folder with a scenario.json in it, observed: "
            f"{error.strerror or error}; name a folder that a run has left, "
            "reports/<scenario>/<UTC time>/"
        ) from error
    try:
        schema = json.loads(data)["schema"]
    except (ValueError, KeyError, TypeError) as error:
        raise RunFolderError(
            f"{path}: expected a JSON object with the key `schema`, observed "
            f"{len(data)} bytes without it; the file was damaged or is not a run's: run again"
        ) from error
    if schema != SCHEMA:
        raise RunFolderError(
            f"{path}: expected schema {SCHEMA}, observed {schema!r}; judge it with the release of "
            "harness that wrote it, or run again"
        )
    try:
        record = TypeAdapter(Record).validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise RunFolderError(
            f"{path}: expected a run's record of schema {SCHEMA}, observed {error.error_count()} "
            f"errors, the first at `{where}`: {first['msg']}; the file was damaged: run again"
        ) from error
    return record if record.scenario.closed_loop is None else _named(folder, record)


def _named(folder: Path, record: Record) -> Record:
    """With the names that a closed loop's requests had as its streams."""
    damage: list[str] = []
    names = read_lines(folder / NAMES, Named, damage)
    if damage:
        raise RunFolderError(
            f"{folder / NAMES}: expected a name a line, observed another at {damage[0]}; the file "
            "was damaged: run again"
        )
    if not names:
        return record
    given = record.scenario.traffic
    streams = tuple(
        Stream(name=name, method=named.method or "GET", path="/", rate_hz=1.0)
        for named, name in zip(names, _apart(names), strict=True)
    )
    traffic = replace(given, streams=streams)
    return replace(record, scenario=replace(record.scenario, traffic=traffic))


def _apart(names: Sequence[Named]) -> list[str]:
    """Their names, none of them twice: names that were cut may have become alike."""
    taken: set[str] = set(RESERVED)
    found = []
    for number, named in enumerate(names):
        plain = named.name or "unnamed"
        name = f"{plain} ({number})" if plain in taken else plain
        taken.add(name)
        found.append(name)
    return found


def read_samples(folder: Path, record: Record) -> Decoded:
    """The samples, from the table or, where there is none, from the raw log.

    A run that died before its first request has neither: no samples, which no check passes.
    """
    table, log = folder / TABLE, folder / LOG
    streams = record.scenario.traffic.stream_names()
    if table.exists():
        try:
            return read_parquet(table)
        except (OSError, ValueError, KeyError) as error:
            if not log.exists():
                raise RunFolderError(
                    f"{table}: expected a table of samples, observed: {error}; "
                    "the file was damaged and its raw log is gone: run again"
                ) from error
    return decode(log.read_bytes() if log.exists() else b"", streams)


def convert(folder: Path) -> None:
    """Turns `requests.bin` into `requests.parquet`; a no-op where there is no raw log.

    The raw log is deleted only after the table was written, forced to disk and read back with
    the same count of samples and of damaged rows, and never where it holds damaged rows: then
    it is evidence. Raises OSError where the disk refuses, or gives back another table than was
    written: the log is kept then, and can be judged from.
    """
    log, table = folder / LOG, folder / TABLE
    if not log.exists():
        return
    decoded = decode(log.read_bytes(), read_record(folder).scenario.traffic.stream_names())
    partial = folder / f"{TABLE}.partial"
    try:
        write_parquet(partial, decoded)
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        _verify(partial, decoded)
        partial.replace(table)
    finally:
        partial.unlink(missing_ok=True)
    if not decoded.damaged:
        log.unlink()


def _verify(path: Path, decoded: Decoded) -> None:
    try:
        back = read_parquet(path)
    except ValueError as error:
        raise OSError(f"{path}: written, and not readable: {error}; check the disk") from error
    if len(back.samples) != len(decoded.samples) or back.damaged != decoded.damaged:
        raise OSError(
            f"{path}: expected {len(decoded.samples)} samples, observed {len(back.samples)} on "
            "reading back; check the disk"
        )


def read_lines(path: Path, kind: type[T], damage: list[str]) -> tuple[T, ...]:
    """The values of a file with one JSON value a line; none where there is no file.

    A line that cannot be read is named in `damage` (at most 20 a file) and left out.
    """
    if not path.exists():
        return ()
    adapter = TypeAdapter(kind)
    values: list[T] = []
    bad = 0
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            values.append(adapter.validate_json(line))
        except ValidationError:
            bad += 1
            if bad <= 20:
                damage.append(f"{path.name}:{number}")
    return tuple(values)


def read_operations(path: Path, damage: list[str]) -> Operations | None:
    """What the store says; None where it could not be read. A damaged file is named too."""
    if not path.exists():
        return None
    try:
        return TypeAdapter(Operations).validate_json(path.read_bytes())
    except ValidationError:
        damage.append(path.name)
        return None


def read_baseline(path: Path) -> Past | None:
    """What the run is held against; None where it is gone or damaged: the check `baseline` says so,
    and the run's own record is whole without it.
    """
    try:
        past = TypeAdapter(Past).validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    return past if past.schema == PAST_SCHEMA else None
