"""What was made is undone in reverse, whatever happens."""

from collections.abc import Callable

from harness.stack.engine import absent_is_fine

__all__ = ["Undo"]


class Undo:
    """A list of what to undo, kept as things are made. Idempotent."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def add(self, step: Callable[[], object]) -> None:
        self._steps.append(step)

    def run(self) -> None:
        """An error in one removal stops none of the others; the first is raised at the end."""
        first: BaseException | None = None
        while self._steps:
            try:
                with absent_is_fine():
                    self._steps[-1]()
            except KeyboardInterrupt as error:
                # It may have been stopped half way: once more.
                first = first or error
                continue
            except Exception as error:  # noqa: BLE001 (all must run; the first is raised below)
                first = first or error
            self._steps.pop()
        if first is not None:
            raise first
