"""Printing that ends nothing: whoever stops reading takes no run and no exit code away."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, Final, TextIO, cast

__all__ = ["unfailing"]

_OUT: Final = "standard output"


@contextmanager
def unfailing() -> Iterator[None]:
    """Within it neither standard output nor standard error raises where it cannot be written to: a
    closed pipe, a full disk. The first time that is said on standard error. Signs that its encoding
    does not have are printed as `?`.
    """
    out, err = sys.stdout, sys.stderr
    with (
        redirect_stdout(_guarded(out, _OUT)),
        redirect_stderr(_guarded(err, "")),
    ):
        try:
            yield
        finally:
            # What is still held back would fail at Python's own end, which then exits with 120.
            print(end="", flush=True)


def _guarded(stream: TextIO, name: str) -> TextIO:
    # None where it was closed before the start; Python prints nothing then.
    return cast("TextIO", _Guarded(stream, name) if stream is not None else None)


class _Guarded:
    """A stream that takes what it is given, all else as of the one behind it."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._is_lost = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        if not self._is_lost:
            try:
                self._write(text)
            except OSError as error:
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        if not self._is_lost:
            try:
                self._stream.flush()
            except OSError as error:
                self._lose(error)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
        except UnicodeEncodeError as error:
            self._stream.write(text.encode(error.encoding, "replace").decode(error.encoding))

    def _lose(self, error: OSError) -> None:
        """What the stream still holds goes nowhere, or Python would try it again at its end."""
        self._is_lost = True
        with suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            try:
                os.dup2(nowhere, self._stream.fileno())
            finally:
                os.close(nowhere)
        if self._name:
            print(
                f"harness: {self._name}: {error.strerror or error}: what follows is not shown",
                file=sys.stderr,
            )
