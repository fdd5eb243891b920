"""A locustfile, imported. `python -m harness.traffic.closed.loaded FILE` tells what is in it."""

# First: importing locust patches the standard library, which must not be in use by then.
import locust  # isort: skip
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

from locust.util.load_locustfile import load_locustfile

__all__ = ["users_of"]


def users_of(path: Path) -> tuple[list[type[locust.User]], list[str]]:
    """Its users' classes, and the names of its load shapes, which are not used. Raises what
    importing it raises, and ValueError where it has no user.
    """
    classes, shapes = load_locustfile(str(path.resolve()))
    found = [kind for kind in classes.values() if kind.weight > 0 or kind.fixed_count > 0]
    if not found:
        raise ValueError("it has no User class that is not abstract")
    for kind in found:
        if not kind.tasks and kind.run is locust.User.run:
            raise ValueError(f"its {kind.__name__} has no task")
    return found, [type(shape).__name__ for shape in shapes]


def _look(path: Path) -> dict[str, Any]:
    try:
        kinds, shapes = users_of(path)
    except SystemExit as error:
        return {"error": f"it ended the process: SystemExit({error.code!r})"}
    except BaseException as error:  # noqa: BLE001 (whatever a file raises, it is said)
        where = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).resolve() == path.resolve()
        ]
        line = f" (line {where[-1].lineno})" if where else ""
        return {"error": f"{type(error).__name__}: {error}{line}"}
    return {"users": [kind.__name__ for kind in kinds], "shapes": shapes}


if __name__ == "__main__":
    # What the file prints must not be taken for the answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    os.write(answer, json.dumps(_look(Path(sys.argv[1]))).encode() + b"\n")
    os._exit(0)
