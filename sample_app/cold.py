"""What a website loads before it can answer: at once here, as there is nothing to load.

COLD_MS=600 lets it take so long. It is done by the first request that comes, and all that come
meanwhile wait for it too; with WARM_UP=1 before the website listens.
"""

import os
import threading
import time


class Cold:
    """Loaded once."""

    def __init__(self) -> None:
        self._takes_s = int(os.environ.get("COLD_MS", "0")) / 1000
        self._is_loaded = not self._takes_s
        self._loading = threading.Lock()
        if os.environ.get("WARM_UP") == "1":
            self.load()

    def load(self) -> None:
        """Returns once it is loaded."""
        if self._is_loaded:
            return
        with self._loading:
            if not self._is_loaded:
                time.sleep(self._takes_s)
                self._is_loaded = True
