"""The request log: every sample as a row on disk, soon, and aligned whatever happens."""

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

import gevent

from harness.model.row import ROW_BYTES, ROW_SAMPLE, Sample, pack_name, pack_sample

__all__ = ["OVERFLOW_NAME", "Recorder"]

OVERFLOW_NAME: Final = "…overflow"
_MAX_NAMES: Final = 65_535
_BACKLOG_BYTES: Final = 4 * 1024 * 1024
_MAX_ERRORS: Final = 8


class Recorder:
    """Appends rows to a new file at `path`. Raises FileExistsError where there is one already.

    `record` only buffers; `flush` writes, and whoever drives the recorder calls it at least
    every 50 ms, or spawns `run`. Nothing here raises into the sender once it is open.

    Where a write fails, the rows wait for the next flush, in a backlog of `backlog_bytes`;
    samples beyond that are lost, and counted. The file always ends at a row's border, or in a
    part of a row that the next write completes, so rows written later can be read.

    Names (releases and instances) are numbered from 0, which is the empty name, in rows of
    their own that precede their first use. Numbers end at 65,535, which is `…overflow` and
    stands for every name beyond.
    """

    def __init__(
        self,
        path: Path,
        *,
        backlog_bytes: int = _BACKLOG_BYTES,
        write: Callable[[int, bytes], int] = os.write,
        truncate: Callable[[int, int], None] = os.ftruncate,
    ) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o644)
        self._open = True
        self._backlog_bytes = backlog_bytes
        self._write = write
        self._truncate = truncate
        self._buffer = bytearray()
        self._size = 0
        self._numbers: dict[str, int] = {}
        self._overflowed = False
        self._errors: dict[str, None] = {}
        self.recorded = 0
        """Samples taken in, lost ones not included."""
        self.lost = 0
        """Samples that are not in the file and never will be."""

    @property
    def errors(self) -> tuple[str, ...]:
        """What went wrong, each once, the first eight."""
        return tuple(self._errors)

    def record(self, sample: Sample) -> None:
        """Take a sample in, to be written by the next flush."""
        # Before any name gets a number: a name row that is in the backlog is never dropped.
        if not self._open or len(self._buffer) > self._backlog_bytes:
            self.lost += 1
            return
        try:
            row = pack_sample(sample, self._number(sample.release), self._number(sample.instance))
        except struct.error as error:
            self.lost += 1
            self._note(f"sample {sample.seq} does not fit a row: {error}")
            return
        self._buffer += row
        self.recorded += 1

    def flush(self) -> None:
        """Write what is buffered, in one call to the kernel where it takes it at once."""
        buffer, wrote = self._buffer, 0
        try:
            while self._open and wrote < len(buffer):
                n = self._write(self._fd, bytes(buffer[wrote:]) if wrote else bytes(buffer))
                if n <= 0:
                    raise OSError(0, "the kernel took no bytes")  # noqa: TRY301 (one way out)
                wrote += n
        except OSError as error:
            self._note(f"request log: {error}")
            wrote = self._back_to_border(wrote)
        self._size += wrote
        del buffer[:wrote]

    def run(self, period_s: float = 0.025) -> None:
        """Flush for ever: the body of a greenlet, to be killed before `close`.

        The period is half of the 50 ms within which a row is due on disk, as a busy loop
        wakes it late.
        """
        while True:
            gevent.sleep(period_s)
            self.flush()

    def close(self) -> None:
        """Write what is left, count what cannot be as lost, and close. May be called again."""
        if not self._open:
            return
        self.flush()
        self._open = False
        self.lost += self._samples_left()
        self._buffer.clear()
        try:
            os.close(self._fd)
        except OSError as error:
            self._note(f"request log: {error}")

    def _back_to_border(self, wrote: int) -> int:
        """How much of what was written stays, once a row that is there in part is cut off."""
        over = (self._size + wrote) % ROW_BYTES
        if not over:
            return wrote
        try:
            self._truncate(self._fd, self._size + wrote - over)
        except OSError as error:
            self._note(f"request log: {error}")
            return wrote  # the next write completes the row
        return wrote - over

    def _number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is not None:
            return number
        number = len(self._numbers) + ("" not in self._numbers) if name else 0
        if number < _MAX_NAMES:
            self._numbers[name] = number
            self._buffer += pack_name(number, name)
            return number
        if not self._overflowed:
            self._overflowed = True
            self._buffer += pack_name(_MAX_NAMES, OVERFLOW_NAME)
        return _MAX_NAMES

    def _samples_left(self) -> int:
        """Samples in the buffer; a row of which a part is in the file counts as one."""
        rest = -self._size % ROW_BYTES
        return bool(rest) + self._buffer[rest::ROW_BYTES].count(ROW_SAMPLE)

    def _note(self, text: str) -> None:
        if len(self._errors) < _MAX_ERRORS:
            self._errors[text] = None
