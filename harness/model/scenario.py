"""The plan of a run, and what is known of a run beside its samples, marks and logs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from decimal import Decimal

from harness.model.closed import ClosedLoop
from harness.model.traffic import Traffic

__all__ = ["COPY_GRAIN_S", "Clock", "Limits", "Record", "Scenario", "Sent", "Timing"]

COPY_GRAIN_S = 1.0
"""HTTP reckons a copy's age in whole seconds (RFC 9111, 1.2.2): one may live a second longer."""

_SETTINGS = {
    "latency_factor": "p99_factor",
    "latency_margin_ms": "p99_margin_ms",
    "unobserved_release": "allow_unobserved_release",
}
"""Limits that settings have another name for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long each phase lasts, in seconds."""

    warmup_s: float = 2.0
    steady_s: float = 10.0
    settle_s: float = 2.0
    """After a swap's last step: still judged with the swap, as effects lag behind causes."""
    between_s: float = 0.5
    """Between two swaps."""
    after_s: float = 4.0
    """After the last swap; Scenario.tail_s says how much it takes."""
    hard_stop_s: float = 0.0
    """For how long a proxy that a swap reloads keeps its old process, which then cuts what is left
    there; 0: none is reloaded."""
    jitter_s: float = 0.0
    """Each step of a swap begins later by a random time of at most so long, drawn by the seed of
    the swap."""
    finish_s: float = 12.0
    """Bound on the wait for requests in flight at the end."""
    probe_s: float = 15.0
    """Before the schedule begins: an answer must be right within it."""
    probe_every_s: float = 0.02
    """From the end of a probe to the next one."""
    probe_answer_s: float = 1.0
    """Bound on the wait for a probe's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the judgement allows. Sources: design.md, 4 and 6.

    Of a run that was made before a limit was known, that limit is the default.
    """

    latency_factor: float = 3.0
    """0: no limit is drawn from the steady state."""
    latency_margin_ms: float = 100.0
    """A stream fails above the larger of factor x steady p99 and steady p99 + margin."""
    steal_share: float = 0.05
    late_ms: float = 250.0
    sent_share: float = 0.99
    """Rate held: in each second at least this share of due requests sent at most late_ms late."""
    unobserved_release: bool = False
    """Whether a run passes in which no answer tells its release."""
    resolve_ms: float = 0.0
    """The longest outage that may have gone unseen in a swap; 0: none is asked for."""
    reconnect_ms: float = 2_000.0
    """From the orderly end of a visit's connection to the right answer on a new one."""
    near_misses: int = -1
    """Most requests that may have succeeded only because a proxy tried again; -1: any number."""
    failed_share: float = 0.0
    """Of all requests of the run, 0 to 1: how many may fail."""
    p99_ms: float = 0.0
    """A stream fails above it too; 0: none is set."""
    max_ms: float = 0.0
    """No answer in a swap may take longer; 0: none is set."""
    max_factor: float = 0.0
    """No answer in a swap may take longer than so many times the steady p99; 0: none is set."""
    outage_ms: float = 0.0
    """No outage may last longer, and one so long must have been sure to be seen; 0: none is set."""
    lost_writes: int = 0
    """Most acknowledged writes that may not be in the store."""
    doubled_writes: int = 0
    """Most writes that may have been applied more than once."""

    def changed(self) -> dict[str, int | float | bool]:
        """Those that are not the defaults, by the names that settings have for them."""
        return {
            _SETTINGS.get(one.name, one.name): getattr(self, one.name)
            for one in fields(self)
            if getattr(self, one.name) != one.default
        }

    def failures_of(self, sent: int) -> int:
        """How many of so many requests may fail: 5 of 5,890 at 0.001. No share is rounded up."""
        return int(Decimal(str(self.failed_share)) * sent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A target, traffic, a swap and limits, under a name."""

    name: str
    target: str
    swap: str
    swaps: int
    releases: tuple[str, str]
    """Names of the old and the new release. Swap 1 goes old to new, swap 2 back, and so on.
    Both empty: not known beforehand, told by the answers."""
    traffic: Traffic
    timing: Timing = field(default_factory=Timing)
    limits: Limits = field(default_factory=Limits)
    seed: int = 0
    calibrated: bool = False
    """Whether the run begins with a calibration, without which it is then no evidence."""
    keeps_store: bool = True
    """Whether the target has a store that is read, to tell what became of writes."""
    control: bool = False
    """Whether a stub that the swap does not touch is asked beside the run."""
    closed_loop: ClosedLoop | None = None
    """A locustfile's users, who send in place of the traffic's streams. None: the schedule."""
    baseline: str = ""
    """The run that this one is held against, whose `Past` is in baseline.json; empty: none."""
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """What else was set (balance algorithm, replicas, …), for the reader."""

    def tail_s(self) -> tuple[float, str]:
        """How long the load must go on after the last swap for all to show that it may still break,
        and what takes so long.

        Requests in flight are not among it: each is waited for at the end, up to `finish_s`.
        """
        timing = self.timing
        needs = [(timing.settle_s, "what a swap does is judged until then")]
        if timing.hard_stop_s:
            needs.append((timing.hard_stop_s + 1.0, "a proxy's hard stop, and a second to see it"))
        needs += [
            (
                stream.cached_s + COPY_GRAIN_S + 2 / stream.rate_hz,
                f"a copy of {stream.name}'s may live so long, and two requests must come after it",
            )
            for stream in self.traffic.streams
            if stream.cached_s
        ]
        return max(needs, key=lambda need: need[0])

    def seed_of(self, swap: int) -> int:
        """Of the swap with that number, counted from 1: `--seed` of a run that is to begin with the
        same timing.
        """
        return self.seed + swap - 1

    def releases_of(self, swap: int) -> tuple[str, str]:
        """(old, new) of the swap with that number, counted from 1."""
        old, new = self.releases
        return (old, new) if swap % 2 else (new, old)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The same moment on both clocks."""

    monotonic_ns: int
    wall_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What the sender says it did; the judge holds the request log against it.

    Requests 0 to probes-1 are probes; the rest is `arrivals_until(stop_ns, traffic,
    start_ns=start_ns, seed=seed, first_seq=probes)`.
    """

    probes: int = 0
    start_ns: int = 0
    """0: the schedule never began."""
    stop_ns: int = 0
    ended: str = "finished"
    """`finished`, or how the sender ended instead."""
    errors: tuple[str, ...] = ()
    """What went wrong in the sender or its recorder: each makes the run inconclusive."""
    closed_idle: int = 0
    """Pooled connections that the server had closed before they were used again: no failure."""
    unasked: int = 0
    """Pooled connections over which the server said something that nobody had asked for."""
    unasked_text: str = ""
    """What the first of those began with: untrusted."""
    started: int = 0
    """In a closed loop: how many requests were begun, seqs `probes` and up."""
    left_out: int = 0
    """In a closed loop: requests that their pacing asked for while users waited; never begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """`scenario.json`: the plan, the environment, the clocks."""

    schema: int = 2
    run: str
    scenario: Scenario
    environment: Mapping[str, str | int | float | bool]
    path: str = "edge"
    """The measured path: `edge` (the edge's own address), `published` (a loopback port through
    the engine's userland proxy) or `direct` (a URL's own address)."""
    clocks: tuple[Clock, ...] = ()
    """At the start and, once complete, at the end."""
    sent: Sent | None = None
    """None until the run is complete."""
