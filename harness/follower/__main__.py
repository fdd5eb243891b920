"""`python3 -m harness.follower`: follows until it is stopped."""

import os
import sys
import time
from datetime import UTC, datetime

from harness.follower.engine import UnheardError
from harness.follower.follow import started
from harness.follower.model import FollowerError

_AGAIN_S = 0.5


def _say(line: str) -> None:
    at = datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3]
    print(f"{at} {line}", flush=True)


def main() -> int:
    """2 where it was set up wrongly; it ends with nothing else."""
    told = ""
    while True:
        try:
            started(os.environ, _say).run()
        except FollowerError as error:
            print(f"follower: {error}", file=sys.stderr)
            return 2
        except UnheardError as error:
            if str(error) != told:
                _say(f"{error}; it is asked again")
            told = str(error)
            time.sleep(_AGAIN_S)


if __name__ == "__main__":
    sys.exit(main())
