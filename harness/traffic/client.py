"""The strict client, of HTTP/1.1 and where a stream asks of HTTP/2: one request, one attempt, one
sample.

Imported by the child process only: it waits through gevent.
"""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from harness.model.arrivals import Arrival
from harness.model.outcome import Handshake, Outcome
from harness.model.place import Place
from harness.model.row import Sample
from harness.model.traffic import Stream, Tls, Traffic
from harness.model.visit import Visited
from harness.traffic.answer import MalformedError
from harness.traffic.connection import Connection, Plain, Pool, establish, new_socket, resolve
from harness.traffic.expected import cache_of, instance_of
from harness.traffic.flight import Flight, Unfinished
from harness.traffic.holding import Holding
from harness.traffic.prepared import Prepared, Reached
from harness.traffic.tls import Trust
from harness.traffic.upload import upload
from harness.traffic.visiting import Visiting
from harness.traffic.visits import carry_out, later

if TYPE_CHECKING:
    from harness.traffic.http2.endings import Tally

__all__ = ["DETAIL_CHARS", "Client", "Unfinished"]

DETAIL_CHARS: Final = 300


class Client:
    """Sends the requests of a traffic to one address, and those of streams that name an origin to
    that one's of `places`.

    `authority` is the Host header. Every request carries `X-Request-Id: <run>-<seq>`, writes
    carry the same as `X-Operation-Id`. `clock_ns` is monotonic. `detail` gets one bounded line
    on every request that is not ok, `visited` what became of every visit; neither may raise.
    `holding` says which visits go on. Streams over TLS go to `tls_port`, and `trust` says
    whose certificate is expected there; it is the trust for other names, too. What streams draw for
    a request is drawn by `seed`. Raises OSError for a host that cannot be resolved, ValueError for
    a stream that HTTP forbids, or that has no port (0 is none) or no place.

    Any number of greenlets may send at once.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        authority: str,
        run: str,
        traffic: Traffic,
        tls_port: int = 0,
        trust: Trust | None = None,
        places: Mapping[str, Place] | None = None,
        clock_ns: Callable[[], int] = time.monotonic_ns,
        detail: Callable[[int, Outcome, str], None] = lambda _seq, _outcome, _text: None,
        visited: Callable[[Visited], None] = lambda _visited: None,
        holding: Holding | None = None,
        max_idle_s: float = 20.0,
        seed: int = 0,
    ) -> None:
        self.opened = 0
        """Connections that were established."""
        plain = Reached(authority, *resolve(host, port), None) if port else None
        secure = Reached(authority, *resolve(host, tls_port), trust) if tls_port and trust else None
        self._reached: dict[tuple[str, bool], Reached | None] = {
            ("", False): plain,
            ("", True): secure,
        }
        for origin, place in (places or {}).items():
            is_secure = bool(place.tls_name)
            self._reached[origin, is_secure] = Reached(
                place.authority,
                *resolve(place.host, place.port),
                trust.of(place.tls_name) if trust is not None and is_secure else None,
            )
        self._run = run
        self._headers = traffic.headers
        self._traffic = traffic
        self._clock_ns = clock_ns
        self._detail = detail
        self._visited = visited
        self._holding = Holding(clock_ns) if holding is None else holding
        self._max_idle_s = max_idle_s
        self._seed = seed
        self._streams = [self._prepare(stream) for stream in traffic.streams]
        self._prefix = f"{run}-".encode("ascii")
        # By identity: a stream holds a mapping and has no hash. The stream is kept with it, so
        # that its identity is not given to another.
        self._others: dict[int, tuple[Stream, Prepared]] = {}

    @property
    def closed_idle(self) -> int:
        """Pooled connections that the server ended, or wrote to, before they were used again.

        They are discarded, which is no failure of any request.
        """
        return sum(tally.closed_idle for tally in self._tallies())

    @property
    def unasked(self) -> int:
        """Pooled connections over which something came that nobody asked for.

        They are discarded; what came is no request's answer, or a second one.
        """
        return sum(tally.unasked for tally in self._tallies())

    @property
    def unasked_text(self) -> str:
        """What the first of a stream's began with: untrusted."""
        return next((tally.unasked_text for tally in self._tallies() if tally.unasked), "")

    def send(self, arrival: Arrival, stream: Stream | None = None) -> Sample:
        """Send one request once (but where the stream `asks_again`), and return how it ended.

        Blocks the calling greenlet until then, at most the stream's timeout from the moment of
        sending. Raises nothing for whatever the network, the server or a lack of descriptors
        and ports does. `stream` overrides the traffic's (a probe, whose index is in no
        traffic): pass the same object each time.

        The outcomes where more than one could be meant:
        - an interim answer (100, 103) is a beginning of the answer: what follows it is
          `truncated` or `read_timeout`, not `closed_before_answer` or `answer_timeout`;
        - a connection that breaks while the request is written is `reset`, even where the
          server may have answered early: the peer did refuse the request;
        - the deadline met while the request is written is `answer_timeout`;
        - a status is compared only once the answer is whole, so a 503 cut short is
          `truncated`; the sample carries the status in any case.
        """
        prepared = self._streams[arrival.stream] if stream is None else self._other(stream)
        flight = Flight(prepared, b"%b%d" % (self._prefix, arrival.seq))
        visiting = None
        if prepared.visit is not None:
            visiting = Visiting(self, flight, arrival.seq, self._holding, self._clock_ns)
        try:
            outcome, text = self._exchange(flight, arrival.seq, visiting)
        except Unfinished:
            outcome, text = Outcome.unfinished, f"given up while {flight.stage()}"
        except BaseException:
            flight.close()
            raise
        finished_ns = self._clock_ns()
        answer, connection = flight.answer, flight.connection
        number, reuse, handshake = 0, 0, Handshake.plain
        if connection is not None:
            number, reuse = connection.number, connection.uses
            handshake = connection.handshake
            connection.uses += 1
            if prepared.tls is Tls.resume and answer.complete and connection.uses == 1:
                # By now the server has given its tickets.
                prepared.session = connection.wire.session
        if connection and answer.complete and answer.reusable and prepared.pool is not None:
            prepared.pool.put(connection, finished_ns)
        else:
            flight.close()
        release, instance, size, cache = (
            prepared.expected.release(answer),
            instance_of(answer),
            answer.size,
            cache_of(answer),
        )
        if visiting is not None:
            self._visited(visiting.account)
            size = visiting.size
            if outcome is Outcome.ok:
                # Where it began: what came later is held against that.
                release, instance, cache = visiting.release, visiting.instance, visiting.cache
        if outcome is not Outcome.ok:
            self._detail(arrival.seq, outcome, text[:DETAIL_CHARS])
        return Sample(
            arrival.seq,
            arrival.stream,
            arrival.due_ns,
            flight.sent_ns,
            flight.first_byte_ns,
            finished_ns,
            outcome,
            answer.status,
            size,
            release,
            instance,
            number,
            reuse,
            cache,
            handshake,
            flight.again,
        )

    def close(self) -> None:
        """Close the idle connections; requests under way keep theirs."""
        for prepared in self._all():
            if prepared.pool is not None:
                prepared.pool.close()
            if prepared.http2 is not None:
                prepared.http2.close()

    def _exchange(self, flight: Flight, seq: int, visiting: Visiting | None) -> tuple[Outcome, str]:
        try:
            if visiting is not None:
                return carry_out(visiting)
            if flight.prepared.http2 is not None:
                return flight.prepared.http2.ask(flight, seq)
            connection = self.connect(flight)
            request = flight.prepared.request(flight.identity, seq)
            return self._ask(flight, connection, request)
        except MalformedError as error:
            flight.answer.complete = False
            return Outcome.malformed, str(error)
        except OSError as error:
            return flight.broken(error)

    def _ask(self, flight: Flight, connection: Connection, request: bytes) -> tuple[Outcome, str]:
        over_ns = flight.prepared.upload_ns
        if not over_ns:
            connection.wire.transmit(request, flight.deadline_ns, self._clock_ns)
        elif not upload(connection.wire, request, over_ns, flight.deadline_ns, self._clock_ns):
            outcome, text = self.read(flight, connection)
            flight.answer.reusable = False
            if outcome is Outcome.ok:
                outcome, text = Outcome.malformed, "an answer came before the request was whole"
            return outcome, text
        flight.sent = True
        return self.read(flight, connection)

    def connect(self, flight: Flight) -> Connection:
        """One from the stream's pool, or a new one. Raises OSError."""
        prepared = flight.prepared
        connection = prepared.pool.take(self._clock_ns()) if prepared.pool is not None else None
        if connection is not None:
            flight.connection = connection
            flight.established = True
            flight.sent_ns = self._clock_ns()
            flight.deadline_ns = flight.sent_ns + prepared.timeout_ns
            return connection
        reached = prepared.reached
        sock = flight.sock = new_socket(reached.family)
        flight.sent_ns = self._clock_ns()
        flight.deadline_ns = flight.sent_ns + prepared.timeout_ns
        if reached.trust is None:
            establish(sock, reached.address, flight.deadline_ns, self._clock_ns)
            flight.established = True
            connection = Connection(Plain(sock), self.opened + 1)
        else:
            establish(sock, reached.address, flight.deadline_ns, self._clock_ns)
            flight.established = True
            secured = reached.trust.secure(sock, prepared.session)
            secured.shake_hands(flight.deadline_ns, self._clock_ns)
            connection = Connection(secured, self.opened + 1, secured.handshake)
        self.opened += 1
        flight.connection = connection
        return connection

    def read(self, flight: Flight, connection: Connection) -> tuple[Outcome, str]:
        """The answer to its end, and how it ends. Raises OSError, MalformedError; at the deadline
        TimeoutError, as Flight.look_late has it.
        """
        answer = flight.answer
        while True:
            data = connection.wire.receive(flight.deadline_ns, self._clock_ns)
            now_ns = self._clock_ns()
            if data and not flight.first_byte_ns:
                flight.first_byte_ns = now_ns
            is_whole = answer.feed(data) if data else answer.end()
            if data and now_ns >= flight.deadline_ns:
                flight.look_late(now_ns, connection.wire.heard_ns, is_whole)
            if is_whole:
                return flight.prepared.expected.judge(answer, flight.identity)
            if not data:
                return flight.cut()

    def _prepare(self, stream: Stream) -> Prepared:
        is_secure = stream.tls is not Tls.off
        reached = self._reached.get((stream.origin, is_secure))
        if reached is None or (is_secure and reached.trust is None):
            whither = f" to {stream.origin}" if stream.origin else ""
            raise ValueError(
                f"stream {stream.name!r} is {'over' if is_secure else 'without'} TLS{whither}, and "
                "the target has no port for it"
            )
        prepared = Prepared(
            stream,
            reached=reached,
            run=self._run,
            headers=self._headers,
            max_idle_s=self._max_idle_s,
            release_from=self._traffic.release_source(stream),
            seed=self._seed,
        )
        if stream.http2:
            prepared.speak_http2(self._count, self._clock_ns)
        if stream.visit is not None:
            prepared.then = self._prepare(later(stream))
        return prepared

    def _other(self, stream: Stream) -> Prepared:
        known = self._others.get(id(stream))
        if known is None:
            known = self._others[id(stream)] = (stream, self._prepare(stream))
        return known[1]

    def _count(self) -> int:
        self.opened += 1
        return self.opened

    def _tallies(self) -> "list[Pool | Tally]":
        return [tally for prepared in self._all() for tally in prepared.tallies()]

    def _all(self) -> list[Prepared]:
        return [*self._streams, *(prepared for _, prepared in self._others.values())]
