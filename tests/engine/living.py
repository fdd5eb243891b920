"""A stack that stays up until its standard input ends: somebody else's run.

`python living.py FOLDER` prints the run, the host and the port, then waits.
"""

import sys
from pathlib import Path

from harness.config import Settings
from harness.kept import new_run
from harness.timeline import SystemTime, Timeline
from harness.ways.bundled import new_stack


def main() -> None:
    run = new_run()
    stack = new_stack(run, Settings())
    timeline = Timeline(Path(sys.argv[1]) / "marks.jsonl", SystemTime())
    try:
        endpoint = stack.up(timeline)
        print(run, endpoint.host, endpoint.port, flush=True)
        sys.stdin.read()
    finally:
        stack.down()
        timeline.close()


if __name__ == "__main__":
    main()
