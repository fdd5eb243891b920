"""The dispatcher: holds the schedule, starts each request when it is due, and accounts for all."""

import time
from pathlib import Path
from typing import Any

import gevent
from gevent.event import Event
from locust.env import Environment

from harness.model.arrivals import Arrival, arrivals
from harness.model.outcome import Outcome
from harness.model.row import PROBE_STREAM, Sample
from harness.model.traffic import Stream
from harness.traffic.alarm import Alarm
from harness.traffic.client import Client, Unfinished
from harness.traffic.details import Details, Visits
from harness.traffic.holding import Holding
from harness.traffic.joining import join
from harness.traffic.orders import Brief, Order, Said
from harness.traffic.probing import as_probe, questions, where
from harness.traffic.recorder import Recorder
from harness.traffic.tls import Trust

__all__ = ["MAX_IN_FLIGHT", "Dispatcher", "RequestFailedError"]

MAX_IN_FLIGHT = 8_000
"""Beyond it a due request is not sent, and recorded as such: descriptors are finite."""

_NAP_NS = 20_000_000
_TICK_NS = 200_000
"""Between two wakes that begin requests: above 5,000/s some begin together, a little late, as each
wake costs a fifth of what a request does."""
_MOST_AT_ONCE = 16
"""Requests that are begun before those in flight get their turn."""
_FLUSH_EVERY = 10_000
_SECOND_NS = 1_000_000_000


class Dispatcher:
    """Holds the schedule: starts each request when it is due, whatever became of the others."""

    def __init__(self, brief: Brief, environment: Environment) -> None:
        self._brief = brief
        self._traffic = brief.traffic
        self._environment = environment
        self._details = Details(Path(brief.details))
        self._visits = Visits(Path(brief.visits)) if brief.visits else None
        self.holding = Holding()
        self._recorder = Recorder(Path(brief.log))
        is_secure = brief.tls_port or any(place.tls_name for place in brief.places.values())
        self._client = Client(
            host=brief.host,
            port=brief.port,
            authority=brief.authority,
            tls_port=brief.tls_port,
            trust=Trust(brief.tls_name, brief.ca) if is_secure else None,
            places=brief.places,
            run=brief.run,
            traffic=brief.traffic,
            detail=self._details.add,
            visited=self._visits.add if self._visits is not None else lambda _: None,
            holding=self.holding,
            seed=brief.seed,
        )
        self._in_flight: dict[Any, Arrival] = {}
        self._idle: list[Any] = []
        self._is_ending = False
        self._at_once = 0
        self._woke_ns = 0
        self._alarm = Alarm()
        self._hub = gevent.get_hub()
        self._loop = self._hub.loop
        self._stop_ns = 0
        self._finish_s = 0.0
        self._probes = 0
        self._flushing = gevent.spawn(self._recorder.run)
        # Locust's own listeners keep statistics that nobody reads here; only others count.
        self._own_listeners = 0
        self.is_finished = False
        self.over = Event()
        """Set when the schedule is finished, or when there is nobody left to work for."""

    def count_own_listeners(self) -> None:
        """Call once Locust has registered its own; whoever comes by plugin comes after."""
        self._own_listeners = len(self._environment.events.request._handlers)  # noqa: SLF001 (it has no public count)

    def record(self, sample: Sample) -> None:
        """Of a request that somebody else has sent."""
        self._recorder.record(sample)

    def explain(self, seq: int, outcome: Outcome, text: str) -> None:
        self._details.add(seq, outcome, text)

    def probe(self, order: Order) -> Said:
        """Asks each question until its answer is right; each try is a sample of its own."""
        asked = questions(self._traffic)
        for question in asked:
            last = self._probe(question, order)
            if last.outcome is not Outcome.ok:
                text = f"{last.outcome.name}, status {last.status}: {self._details.last}"
                return Said(
                    say="silent",
                    probes=self._probes,
                    text=f"{where(question)}: {text}" if len(asked) > 1 else text,
                    outcome=last.outcome,
                    status=last.status,
                )
        return Said(say="answering", probes=self._probes)

    def _probe(self, question: Stream, order: Order) -> Sample:
        """The last sample: of the first answer that was right, or once its time was over."""
        stream = as_probe(question, every_s=order.every_s, answer_s=order.answer_s)
        deadline_ns = time.monotonic_ns() + int(order.timeout_s * _SECOND_NS)
        while True:
            arrival = Arrival(self._probes, PROBE_STREAM, time.monotonic_ns())
            self._probes += 1
            sample = self._client.send(arrival, stream)
            self._recorder.record(sample)
            if sample.outcome is Outcome.ok or time.monotonic_ns() > deadline_ns:
                return sample
            gevent.sleep(order.every_s)

    def stop(self, stop_ns: int, finish_s: float) -> None:
        """No arrival is due from `stop_ns` on; what is in flight may take `finish_s` more."""
        self._stop_ns, self._finish_s = stop_ns, finish_s

    def drive(self, start_ns: int) -> None:
        """The whole schedule, to its end."""
        plan = arrivals(
            self._traffic, start_ns=start_ns, seed=self._brief.seed, first_seq=self._probes
        )
        for arrival in plan:
            if self._is_out_of_time():
                if self._stop_ns and arrival.due_ns >= self._stop_ns:
                    break
                self._leave_unsent(arrival, "still unsent when the run's time was over")
                continue
            if not self._await_due(arrival.due_ns):
                break
            if len(self._in_flight) >= MAX_IN_FLIGHT:
                self._leave_unsent(arrival, f"{MAX_IN_FLIGHT} requests in flight already")
                continue
            self._start(arrival)
        self._finish()

    def _is_out_of_time(self) -> bool:
        """A sender that is hopelessly behind must end too, and account for what it never sent."""
        over_ns = self._stop_ns + int(self._finish_s * _SECOND_NS)
        return bool(self._stop_ns) and time.monotonic_ns() > over_ns

    def _leave_unsent(self, arrival: Arrival, why: str) -> None:
        self._recorder.record(Sample(*arrival))
        self._details.add(arrival.seq, Outcome.not_sent, why)
        if arrival.seq % _FLUSH_EVERY == 0:
            # These come faster than the recorder's own rhythm would write them.
            self._recorder.flush()

    def _await_due(self, due_ns: int) -> bool:
        """False once the schedule has ended before `due_ns`."""
        while not (self._stop_ns and due_ns >= self._stop_ns):
            now_ns = time.monotonic_ns()
            if due_ns <= now_ns and self._at_once < _MOST_AT_ONCE:
                self._at_once += 1
                return True
            # Behind, too: what is in flight must still get its turn. Naps are short, so that a
            # stop is heard.
            self._at_once = 0
            if due_ns > now_ns:
                due_or_nap_ns = min(due_ns, now_ns + _NAP_NS)
                self._alarm.wait(max(due_or_nap_ns, self._woke_ns + _TICK_NS))
                self._woke_ns = time.monotonic_ns()
            else:
                self._alarm.wait(due_ns)
        return False

    def _start(self, arrival: Arrival) -> None:
        """In a greenlet that has landed its last request, if there is one: making one is dear."""
        if self._idle:
            greenlet = self._idle.pop()
            self._loop.run_callback(greenlet.switch, arrival)
        else:
            greenlet = gevent.spawn(self._work, arrival)
            greenlet.rawlink(self._landed)
        self._in_flight[greenlet] = arrival

    def _work(self, arrival: Arrival) -> None:
        """One request after another, until the schedule is over."""
        greenlet = gevent.getcurrent()
        while True:
            self._send(arrival)
            if self._is_ending:
                return
            self._idle.append(greenlet)
            arrival = self._hub.switch()

    def _send(self, arrival: Arrival) -> None:
        sample = self._client.send(arrival)
        self._recorder.record(sample)
        # From here on the request has its sample, whatever a listener does.
        self._in_flight.pop(gevent.getcurrent(), None)
        if len(self._environment.events.request._handlers) > self._own_listeners:  # noqa: SLF001 (as above)
            self._fire(sample)

    def _fire(self, sample: Sample) -> None:
        stream = self._traffic.streams[sample.stream]
        is_ok = sample.outcome is Outcome.ok
        self._environment.events.request.fire(  # type: ignore[no-untyped-call]  # Locust's own
            request_type=stream.method,
            name=stream.name,
            response_time=(sample.finished_ns - sample.due_ns) / 1e6,
            response_length=sample.bytes,
            exception=None if is_ok else RequestFailedError(sample.outcome.name),
            context={"seq": sample.seq, "release": sample.release, "instance": sample.instance},
        )

    def _landed(self, greenlet: "gevent.Greenlet[..., None]") -> None:
        arrival = self._in_flight.pop(greenlet, None)
        if arrival is not None and not greenlet.successful():
            # A defect of our own: said, never blamed on the target. It has its one sample too.
            self._recorder.record(Sample(*arrival))
            self._details.errors[f"sender: request {arrival.seq} raised {greenlet.exception!r}"] = 1

    def _finish(self) -> None:
        """In flight is finished, not dropped; what is left at the bound is a failure."""
        self._is_ending = True
        self.holding.end()
        join(list(self._in_flight), self._finish_s)
        left = dict(self._in_flight)
        gevent.killall(list(left), exception=Unfinished, timeout=5)
        for greenlet, arrival in left.items():
            if not greenlet.dead:
                self._details.errors[f"sender: request {arrival.seq} did not end"] = 1
        self.is_finished = True
        self.over.set()

    def close(self) -> Said:
        """Everything on disk; what went wrong on the way."""
        self._flushing.kill()
        self._alarm.close()
        self._client.close()
        self._recorder.close()
        self._details.close()
        errors = [*self._recorder.errors, *self._details.errors]
        if self._visits is not None:
            errors += self._visits.close()
        if self._recorder.lost:
            errors.append(f"recorder: {self._recorder.lost} samples were lost")
        return Said(
            say="done",
            probes=self._probes,
            errors=tuple(errors[:20]),
            closed_idle=self._client.closed_idle,
            unasked=self._client.unasked,
            unasked_text=self._client.unasked_text,
        )


class RequestFailedError(Exception):
    """What listeners to Locust's `request` event get for a request that failed."""
