"""The request log, decoded: rows to a table of samples, and the table as parquet.

A log is read as far as it is whole: each 64-byte row carries its own checksum, so a damaged row
costs itself and no other. What was lost is counted, never passed over.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.model.outcome import Cache, Handshake, Outcome
from harness.model.row import NAME_BYTES, PROBE_STREAM, ROW_BYTES, ROW_NAME, ROW_SAMPLE
from harness.model.traffic import PROBE

__all__ = ["COLUMNS", "OUTCOMES", "Decoded", "decode", "read_parquet", "write_parquet"]

OUTCOMES: Final = tuple(outcome.name for outcome in Outcome)
_ENUMS: Final = {
    "outcome": OUTCOMES,
    "cache": tuple(cache.name for cache in Cache),
    "handshake": tuple(handshake.name for handshake in Handshake),
}
INTEGERS: Final = (
    "seq",
    "due_ns",
    "sent_ns",
    "first_byte_ns",
    "finished_ns",
    "status",
    "bytes",
    "connection",
    "reuse",
    "again",
)
CATEGORIES: Final = ("stream", "outcome", "release", "instance", "cache", "handshake")
COLUMNS: Final = INTEGERS + CATEGORIES

_DAMAGED_KEY = b"harness.damaged"
# The layout of harness.model.row, for numpy; a test packs rows there and reads them here.
_ROW = np.dtype(
    [
        ("kind", "u1"),
        ("outcome", "u1"),
        ("status", "<u2"),
        ("seq", "<u4"),
        ("due_ns", "<i8"),
        ("sent_ns", "<i8"),
        ("first_byte_ns", "<i8"),
        ("finished_ns", "<i8"),
        ("bytes", "<u4"),
        ("connection", "<u4"),
        ("release", "<u2"),
        ("instance", "<u2"),
        ("reuse", "<u2"),
        ("stream", "u1"),
        ("cache", "u1"),
        ("handshake", "u1"),
        ("again", "u1"),
        ("spare", "V2"),
        ("crc", "<u4"),
    ]
)
assert _ROW.itemsize == ROW_BYTES  # noqa: S101 (the two layouts, checked at import)
_NAME_OFFSET = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """Samples (columns COLUMNS, times in monotonic ns) and how many rows were damaged."""

    samples: pd.DataFrame
    damaged: int


def decode(data: bytes, streams: Sequence[str]) -> Decoded:
    """The samples of a request log; `streams` are the traffic's stream names by index.

    Damaged are: a row whose checksum is wrong, a cut tail, a row of a kind, an outcome or the like
    that is not known, a number that was given two names. A number whose name row was lost resolves
    to `?<number>`; number 0 without a name is the empty name; a stream that the traffic does
    not have is `#<index>`. Raises nothing.
    """
    whole, tail = divmod(len(data), ROW_BYTES)
    rows = np.frombuffer(data, dtype=_ROW, count=whole)
    view = memoryview(data)
    sums = np.fromiter(
        (
            zlib.crc32(view[at : at + ROW_BYTES - 4])
            for at in range(0, whole * ROW_BYTES, ROW_BYTES)
        ),
        dtype=np.uint32,
        count=whole,
    )
    sound = sums == rows["crc"]
    naming = sound & (rows["kind"] == ROW_NAME)
    sampling = sound & (rows["kind"] == ROW_SAMPLE)
    for column, names_of in _ENUMS.items():
        sampling &= rows[column] < len(names_of)
    names, conflicts = _names(data, np.flatnonzero(naming))
    damaged = whole - int(naming.sum()) - int(sampling.sum()) + conflicts + (1 if tail else 0)
    taken = rows[sampling]
    used = set(np.unique(np.concatenate([taken["release"], taken["instance"]])).tolist())
    unnamed = used - set(names)
    samples = pd.DataFrame({name: taken[name].astype(np.int64) for name in INTEGERS})
    labels = dict(enumerate(streams)) | {PROBE_STREAM: PROBE}
    samples["stream"] = _labelled(taken["stream"], labels, "#", (*streams, PROBE))
    for column, names_of in _ENUMS.items():
        samples[column] = pd.Categorical.from_codes(
            taken[column].astype(np.int8), categories=pd.Index(names_of, dtype="str")
        )
    for column in ("release", "instance"):
        samples[column] = _labelled(taken[column], names, "?")
    # A name row that was lost is one of the damaged rows already, as a rule.
    return Decoded(samples=samples, damaged=max(damaged, len(unnamed)))


def _names(data: bytes, rows: npt.NDArray[np.intp]) -> tuple[dict[int, str], int]:
    names: dict[int, str] = {}
    conflicts = 0
    for row in rows.tolist():
        start = row * ROW_BYTES
        number = int.from_bytes(data[start + 2 : start + 4], "little")
        raw = data[start + _NAME_OFFSET : start + _NAME_OFFSET + NAME_BYTES]
        name = raw.rstrip(b"\0").decode("utf-8", "replace")
        if names.setdefault(number, name) != name:
            conflicts += 1
    names.setdefault(0, "")
    return names, conflicts


def _labelled(
    numbers: npt.NDArray[np.integer],
    labels: Mapping[int, str],
    unknown: str,
    known: Iterable[str] = (),
) -> pd.Categorical:
    used, inverse = np.unique(numbers, return_inverse=True)
    texts = [labels.get(number, f"{unknown}{number}") for number in used.tolist()]
    categories = list(dict.fromkeys([*known, *sorted(texts)]))
    codes = np.array([categories.index(text) for text in texts], dtype=np.int32)
    return pd.Categorical.from_codes(
        codes[inverse] if len(codes) else np.array([], dtype=np.int32),
        categories=pd.Index(categories, dtype="str"),
    )


def write_parquet(path: Path, decoded: Decoded) -> None:
    """Writes the samples (zstd); the count of damaged rows goes into the schema's metadata."""
    table = pa.Table.from_pandas(decoded.samples, preserve_index=False)
    metadata = dict(table.schema.metadata or {}) | {_DAMAGED_KEY: str(decoded.damaged).encode()}
    pq.write_table(
        table.replace_schema_metadata(metadata),
        path,
        compression="zstd",
        use_dictionary=list(CATEGORIES),  # type: ignore[arg-type] # the stubs know bool only
        column_encoding=dict.fromkeys(INTEGERS, "DELTA_BINARY_PACKED"),
    )


def read_parquet(path: Path) -> Decoded:
    """What `write_parquet` wrote. Raises OSError or ValueError where it cannot be read whole."""
    table = pq.read_table(path)
    damaged = (table.schema.metadata or {}).get(_DAMAGED_KEY)
    if damaged is None or set(COLUMNS) - set(table.column_names) - {"again"}:
        raise ValueError(f"{path.name} is not a request log that this harness wrote")
    # What was written before it was told had no client that asked again.
    samples = table.to_pandas().reindex(columns=list(COLUMNS), fill_value=0)
    return Decoded(samples=samples, damaged=int(damaged))
