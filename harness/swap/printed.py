"""What a command prints, kept on disk up to a bound, and read on beyond it."""

import contextlib
import os
import threading
from pathlib import Path
from typing import Final

__all__ = ["Printed"]

_MOST_BYTES: Final = 4 * 1024 * 1024
_TAIL_BYTES: Final = 2_000
_TAIL_LINES: Final = 3
_LINE_CHARS: Final = 120
_READ_BYTES: Final = 65_536
_SETTLE_S: Final = 1.0
_CUT: Final = b"\n(cut here: what follows was read and not kept)\n"


class Printed:
    """Reads a pipe to its end in a thread of its own, for as long as anybody writes to it.

    So whoever prints is never blocked, and none that a command leaves behind in the background,
    such as the new release itself, is killed for writing to a pipe that nobody reads.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_end, self.write_end = os.pipe()
        self._tail = b""
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, name="printed", daemon=True)

    def follow(self) -> None:
        """Begins to read, once; the write end is the children's alone from then on."""
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1
            self._thread.start()

    def tail(self) -> str:
        """The last lines as one, for a message; empty where nothing was printed.

        Waits for the pipe's end, though not long: somebody in the background may hold it open.
        """
        self._thread.join(_SETTLE_S)
        with self._lock:
            text = self._tail.decode("utf-8", "replace").strip()
        lines = [
            "".join(char for char in line if char.isprintable())[-_LINE_CHARS:].strip()
            for line in text.splitlines()[-_TAIL_LINES:]
        ]
        told = " / ".join(line for line in lines if line)
        return f"; it printed last: {told}" if told else ""

    def _read(self) -> None:
        log = _Bounded(self._path)
        while data := os.read(self._read_end, _READ_BYTES):
            with self._lock:
                self._tail = (self._tail + data)[-_TAIL_BYTES:]
            log.add(data)
        os.close(self._read_end)
        log.close()


class _Bounded:
    """A file that takes so many bytes. A disk that refuses them stops nobody: it is no evidence."""

    def __init__(self, path: Path) -> None:
        self._room = _MOST_BYTES
        self._file = -1
        with contextlib.suppress(OSError):
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)

    def add(self, data: bytes) -> None:
        if self._file < 0 or not self._room:
            return
        kept = data[: self._room]
        self._room -= len(kept)
        with contextlib.suppress(OSError):
            os.write(self._file, kept if self._room else kept + _CUT)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
