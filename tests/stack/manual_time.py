"""A clock that only moves when somebody sleeps: waits of minutes pass at once."""


class ManualTime:
    """Implements harness.timeline.Timekeeper."""

    def __init__(self, now_ns: int = 1_000_000_000_000) -> None:
        self.at_ns = now_ns
        self.slept_s = 0.0

    def now_ns(self) -> int:
        return self.at_ns

    def wall_ns(self) -> int:
        return 1_700_000_000_000_000_000 + self.at_ns

    def sleep(self, seconds: float) -> None:
        self.slept_s += seconds
        self.at_ns += int(seconds * 1e9)
