"""A sender that asks a FakeTarget, on paper, and writes a request log as the real one does."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from fakes.clock import FakeTime
from fakes.target import FakeTarget
from fakes.trouble import Trouble
from harness.model.arrivals import Arrival, arrivals_until
from harness.model.errors import NotJudgedError
from harness.model.outcome import Cache, Handshake, Outcome
from harness.model.row import PROBE_STREAM, Sample, pack_name, pack_sample
from harness.model.scenario import Scenario, Sent
from harness.model.traffic import Stream, Tls
from harness.model.visit import Until
from harness.target import Endpoint

MS = 1_000_000
LAG_NS, FAST_NS, SLOW_NS = 100_000, 2 * MS, 1_200 * MS
PROBES = 2

Spoil = Callable[[list[Sample]], list[Sample]]


class FakeSender:
    """Implements Sender. At `finish`, or at `close` where that comes first, every arrival that
    was due by then is a row of `requests.bin`, answered by whom the target served it with.

    `spoil` may change the samples before they are written. `errors` is what it will own up to.
    """

    def __init__(self, clock: FakeTime, target: FakeTarget, trouble: Trouble) -> None:
        self.spoil: Spoil = lambda samples: samples
        self.errors: tuple[str, ...] = ()
        self.is_silent = False
        """No probe is ever answered."""
        self.closes = 0
        self.told: list[str] = []
        """What it heard of visits."""
        self.is_open = False
        self._clock = clock
        self._target = target
        self._trouble = trouble
        self._run = ""
        self._scenario: Scenario | None = None
        self._log: Path | None = None
        self._sent = Sent(ended="ended early")
        self._probes: list[Sample] = []
        self._copies = False

    def start(self, run: str, scenario: Scenario, endpoint: Endpoint, folder: Path) -> None:
        with self._trouble.around("sender.start") as within:
            self.is_open = True
            within()
            self._run, self._scenario = run, scenario
            self._log = folder / "requests.bin"
            self._log.touch(exist_ok=False)

    def probe(self, timeout_s: float) -> None:
        with self._trouble.around("sender.probe") as within:
            for number in range(PROBES):
                now = self._clock.now_ns()
                outcome = Outcome.ok if number == PROBES - 1 else Outcome.refused
                if self.is_silent:
                    outcome = Outcome.refused
                self._probes.append(
                    Sample(number, PROBE_STREAM, now, now, now, now + MS, outcome, 200, 1)
                )
                self._clock.sleep(0.02)
            within()
            self._sent = replace(self._sent, probes=PROBES)
            if self.is_silent:
                raise NotJudgedError(f"target: no right answer within {timeout_s:g} s")

    def go(self, start_ns: int) -> None:
        with self._trouble.around("sender.go"):
            self._sent = replace(self._sent, start_ns=start_ns)

    def hold(self) -> None:
        self.told.append("hold")

    def let_go(self, until: Until) -> None:
        self.told.append(f"let go {until.value}")

    def check(self) -> None:
        with self._trouble.around("sender.check"):
            pass

    def finish(self, stop_ns: int, finish_s: float) -> None:
        with self._trouble.around("sender.finish") as within:
            self._clock.sleep((stop_ns - self._clock.now_ns()) / 1e9)
            self._clock.sleep(min(finish_s, SLOW_NS / 1e9))
            within()
            self._write(stop_ns)
            self._sent = replace(self._sent, stop_ns=stop_ns, ended="finished", errors=self.errors)

    def sent(self) -> Sent:
        if self._sent.stop_ns:
            return self._sent
        return replace(self._sent, stop_ns=self._clock.now_ns())

    def close(self) -> None:
        self.closes += 1
        with self._trouble.around("sender.close"):
            if self.is_open and not self._sent.stop_ns and self._sent.start_ns:
                self._write(self._clock.now_ns())
            self.is_open = False

    def _write(self, stop_ns: int) -> None:
        if self._scenario is None or self._log is None:
            return
        plan = arrivals_until(
            stop_ns,
            self._scenario.traffic,
            start_ns=self._sent.start_ns,
            seed=self._scenario.seed,
            first_seq=len(self._probes),
        )
        samples = self.spoil([*self._probes, *(self._answered(arrival) for arrival in plan)])
        self._log.write_bytes(packed(samples))

    def _answered(self, arrival: Arrival) -> Sample:
        assert self._scenario is not None
        stream = self._scenario.traffic.streams[arrival.stream]
        sent_ns = arrival.due_ns + LAG_NS
        end_ns = arrival.due_ns + (SLOW_NS if stream.slow else FAST_NS)
        sample = Sample(
            *arrival, sent_ns=sent_ns, first_byte_ns=end_ns, finished_ns=end_ns, connection=1
        )
        serving = self._target.serving_at(arrival.due_ns)
        if not serving:
            return sample._replace(outcome=Outcome.wrong_status, status=503)
        who = serving[arrival.seq % len(serving)]
        if stream.write:
            self._target.apply(f"{self._run}-{arrival.seq}")
        release = self._target.mislabelled.get(who.release, who.release)
        return sample._replace(
            outcome=Outcome.ok,
            status=200,
            bytes=5,
            release=release,
            instance=who.name,
            cache=self._cache(stream),
            handshake=Handshake.plain if stream.tls is Tls.off else Handshake.full,
        )

    def _cache(self, stream: Stream) -> Cache:
        """Every second answer of a stream that may be cached is a copy."""
        self._copies ^= bool(stream.cached_s)
        return Cache.hit if stream.cached_s and self._copies else Cache.miss


def packed(samples: list[Sample]) -> bytes:
    """A request log: names before their first use, then their samples."""
    numbers: dict[str, int] = {}
    rows: list[bytes] = []
    for sample in samples:
        for name in (sample.release, sample.instance):
            if name not in numbers:
                numbers[name] = len(numbers)
                rows.append(pack_name(numbers[name], name))
        rows.append(pack_sample(sample, numbers[sample.release], numbers[sample.instance]))
    return b"".join(rows)
