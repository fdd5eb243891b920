"""The files of a bench folder, written and read."""

import json
import os
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import TypeAdapter, ValidationError

from harness.bench.model import SAMPLE_COLUMNS, Bench, Cell, Round
from harness.model.errors import NotJudgedError

__all__ = [
    "read_bench",
    "read_rounds",
    "read_samples",
    "round_folder",
    "write_bench",
    "write_round",
]

PLAN: Final = "plan.json"
ROUND: Final = "round.json"
SAMPLES: Final = "samples.parquet"
_SCHEMA: Final = 1
_BENCH: Final = TypeAdapter(Bench)
_ROUND: Final = TypeAdapter(Round)


def round_folder(folder: Path, cell: Cell) -> Path:
    return folder / "rounds" / cell.name


def write_bench(folder: Path, bench: Bench) -> None:
    _replace(folder / PLAN, _BENCH.dump_json(bench, indent=2))


def read_bench(folder: Path) -> Bench:
    """NotJudgedError where the folder is not a bench's, or not of this schema."""
    bench: Bench = _read(folder / PLAN, _BENCH)
    return bench


def write_round(folder: Path, done: Round, samples: pd.DataFrame) -> None:
    """The samples first: a round that has its `round.json` is whole."""
    place = round_folder(folder, done.cell)
    partial = place / f"{SAMPLES}.partial"
    pq.write_table(
        pa.Table.from_pandas(samples[list(SAMPLE_COLUMNS)], preserve_index=False),
        partial,
        compression="zstd",
    )
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(place / SAMPLES)
    _replace(place / ROUND, _ROUND.dump_json(done, indent=2))


def read_rounds(folder: Path) -> tuple[Round, ...]:
    """Those that are done, in the order in which they were planned."""
    rounds: list[Round] = [_read(path, _ROUND) for path in (folder / "rounds").glob(f"*/{ROUND}")]
    return tuple(sorted(rounds, key=lambda done: done.index))


def read_samples(folder: Path, cell: Cell) -> pd.DataFrame:
    """Of a round that is done: a row a request, columns `SAMPLE_COLUMNS`, in the order of seq."""
    path = round_folder(folder, cell) / SAMPLES
    try:
        table = pq.read_table(path)
        samples = table.to_pandas()
        return samples[list(SAMPLE_COLUMNS)]
    except (OSError, ValueError, KeyError) as error:
        raise NotJudgedError(
            f"{path}: expected the samples of a round, observed: {error}; remove its folder and go "
            f"on by `harness bench --resume {folder}`"
        ) from error


def _read(path: Path, adapter: TypeAdapter[Any]) -> Any:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotJudgedError(
            f"{path}: expected a folder that `harness bench` left, observed: "
            f"{error.strerror or error}; name one, reports/bench/<UTC time>/"
        ) from error
    try:
        schema = json.loads(data).get("schema")
        if schema != _SCHEMA:
            raise NotJudgedError(
                f"{path}: expected schema {_SCHEMA}, observed {schema!r}; use the release of "
                "harness that wrote it"
            )
        return adapter.validate_json(data)
    except (ValidationError, ValueError, AttributeError) as error:
        raise NotJudgedError(
            f"{path}: the file was damaged ({str(error).splitlines()[0]}); remove it, or run again"
        ) from error


def _replace(path: Path, data: bytes) -> None:
    """Whole or not at all, whatever happens meanwhile."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(data + b"\n")
    partial.replace(path)
