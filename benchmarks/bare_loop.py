"""A bare loop: sleeps until due, notes when it woke. `START_NS RATE SECONDS FILE`.

What the machine itself gives at that rate. Nothing of ours is imported.
"""

import struct
import sys
import time
from pathlib import Path


def main() -> None:
    start_ns, rate_hz, for_s = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    woke_ns = []
    for k in range(int(rate_hz * for_s)):
        due_ns = start_ns + int(k * 1e9 / rate_hz)
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            time.sleep(left_ns / 1e9)
        woke_ns.append(time.monotonic_ns())
    Path(sys.argv[4]).write_bytes(struct.pack(f"<{len(woke_ns)}q", *woke_ns))


if __name__ == "__main__":
    main()
