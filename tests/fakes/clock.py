"""A clock that moves when somebody waits for it."""

SECOND_NS = 1_000_000_000


class FakeTime:
    """Implements Timekeeper: `sleep` advances it, at once; looking at it takes a microsecond."""

    def __init__(self) -> None:
        self._now_ns = 5_000 * SECOND_NS

    def now_ns(self) -> int:
        self._now_ns += 1_000
        return self._now_ns

    def wall_ns(self) -> int:
        return self._now_ns + 1_700_000_000 * SECOND_NS

    def sleep(self, seconds: float) -> None:
        self._now_ns += round(max(0.0, seconds) * 1e9)
