"""One connection that speaks HTTP/2, and the requests that are under way on it."""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import gevent
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    Event,
    InformationalResponseReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import H2Error, NoSuchStreamError
from h2.settings import SettingCodes, Settings

from harness.model.outcome import Outcome
from harness.traffic.answer import MAX_HEAD_BYTES, MalformedError
from harness.traffic.channel import Channel
from harness.traffic.http2.endings import Ending, Tally, broken_by, named, told, was_reset
from harness.traffic.http2.exchange import Exchange
from harness.traffic.http2.frames import Frames, GoAway, answered_stream
from harness.traffic.http2.outgoing import Outgoing
from harness.traffic.tls import Secured

__all__ = ["Session"]

_READ_BYTES: Final = 65_536
_MOST_READS: Final = 16
"""In one look, so that a server which never stops leaves time for others."""
_LONG_NS: Final = 3_600_000_000_000
_FIRST_ROOM: Final = 100
"""Requests at a time until the server says how many: it should allow no fewer (RFC 9113, 6.5.2)."""
_EXCERPT: Final = 60


class Session:
    """An established connection. Any number of greenlets may ask on it at once.

    What comes is read by a greenlet of its own (`reading`, which closes the socket in the end), and
    before each request by who is about to ask. None of its methods lets others go on meanwhile.
    """

    def __init__(
        self,
        channel: Channel,
        secured: Secured,
        number: int,
        *,
        tally: Tally,
        clock_ns: Callable[[], int],
    ) -> None:
        """The handshake is made, and both sides have agreed to HTTP/2."""
        self.number = number
        """As connection.Connection's."""
        self.secured = secured
        self.uses = 0
        """Requests that were begun on it."""
        self.is_over = False
        self.is_leaving = False
        """Takes no more requests, and is closed after its last."""
        self._channel = channel
        self._tally = tally
        self._clock_ns = clock_ns
        self._idle_ns = clock_ns()
        self._frames = Frames()
        self._outgoing = Outgoing(channel, secured, clock_ns)
        self._exchanges: dict[int, Exchange] = {}
        self._given_up: set[int] = set()
        """Streams that the server may still be answering on, for nobody."""
        self._room = _FIRST_ROOM
        self._ending = told(Outcome.unfinished, "the connection was closed from here")
        self._goaway = ""
        self._h2 = _client()
        self._flush()
        self._hear(None)
        self.reading = gevent.spawn(self._read)

    @property
    def has_room(self) -> bool:
        """Whether one more request may be begun on it."""
        is_open = not (self.is_over or self.is_leaving)
        return is_open and self._h2.open_outbound_streams < self._room

    def is_stale(self, now_ns: int, max_idle_ns: int) -> bool:
        """Whether nothing was asked on it for longer than that."""
        return not self._exchanges and now_ns - self._idle_ns > max_idle_ns

    def next_number(self) -> int:
        """Of the next request's stream."""
        return self._h2.get_next_available_stream_id()

    def begin(self, exchange: Exchange, fields: list[tuple[bytes, bytes]]) -> None:
        """Sends the request, its body as far as the server's windows let it; `exchange.number` is
        the next one's. It has ended already where the connection has, or the server is leaving.
        """
        self.uses += 1
        if self.is_over or self.is_leaving:
            exchange.is_closed = True
            number, flight = exchange.number, exchange.flight
            exchange.end(self._refused(number) if self.is_leaving else self._ending(flight))
            return
        self._exchanges[exchange.number] = exchange
        self._h2.send_headers(exchange.number, fields, end_stream=not exchange.unsent)
        self._send(exchange)
        self._flush()

    def let_go(self, exchange: Exchange) -> None:
        """Nobody waits for it any more; the server is told where it has not ended."""
        self._idle_ns = self._clock_ns()
        self._exchanges.pop(exchange.number, None)
        if not exchange.is_closed:
            self._given_up.add(exchange.number)
        if not (exchange.is_closed or self.is_over):
            # Where the server has ended it meanwhile there is nothing left to say.
            with suppress(NoSuchStreamError):
                self._h2.reset_stream(exchange.number, ErrorCodes.CANCEL)
            self._flush()
        self._close_if_done()

    def look(self) -> None:
        """Takes in what has come by now."""
        for _ in range(_MOST_READS):
            if self.is_over:
                return
            try:
                data = self._channel.recv(_READ_BYTES)
            except BlockingIOError:
                return
            except OSError as error:
                self._end(broken_by(error))
                return
            self._hear(data)

    def retire(self) -> None:
        """Closes it, in order, once nothing is under way on it."""
        self.is_leaving = True
        self._close_if_done()

    # What comes.

    def _read(self) -> None:
        try:
            while not self.is_over:
                self._channel.await_readable(self._clock_ns() + _LONG_NS, self._clock_ns)
                self.look()
        finally:
            self._outgoing.stop()
            self.secured.close()

    def _hear(self, data: bytes | None) -> None:
        """What came of the server's records; b"" is the stream's end, None what came before."""
        now_ns = self._clock_ns()
        try:
            for talk in self.secured.opened(data):
                if not talk:
                    self._end(self._cut())
                for frame in self._frames.feed(talk):
                    self._take(frame, now_ns)
                    if self.is_over:
                        return
        except ssl.SSLEOFError:
            self._end(self._cut(" without a word of TLS"))
        except ssl.SSLError as error:
            self._end(broken_by(error))
        except (H2Error, MalformedError) as error:
            why = f"{type(error).__name__}: {error}"
            self._end(told(Outcome.malformed, why), unasked=why)
        except Exception as error:  # noqa: BLE001 (raised again where each request is waited for)
            for exchange in self._exchanges.values():
                exchange.defect = error
            self._end(told(Outcome.malformed, repr(error)))
        # What h2 says to it: of settings, windows, pings, and of what it takes for an error.
        self._flush()

    def _take(self, frame: bytes | GoAway, now_ns: int) -> None:
        if isinstance(frame, GoAway):
            self._leave(frame)
            return
        number = answered_stream(frame)
        # h2 passes over DATA on a stream that has ended, and who reads a whole answer must not.
        if number and number not in self._exchanges and number not in self._given_up:
            raise MalformedError(f"more of an answer on stream {number}, which is over")
        for event in self._h2.receive_data(frame):
            self._happened(event, now_ns)

    def _happened(self, event: Event, now_ns: int) -> None:
        match event:
            case ResponseReceived() | InformationalResponseReceived():
                self._answered(event, now_ns)
            case DataReceived():
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                if exchange := self._exchanges.get(event.stream_id):
                    exchange.answer.take(event.data)
            case StreamEnded():
                if exchange := self._exchanges.pop(event.stream_id, None):
                    exchange.finish()
            case StreamReset():
                if exchange := self._exchanges.pop(event.stream_id, None):
                    exchange.is_closed = True
                    exchange.end(was_reset(exchange, event))
            case RemoteSettingsChanged():
                self._room = self._h2.remote_settings.max_concurrent_streams
                self._send_more()
            case WindowUpdated():
                self._send_more()

    def _answered(
        self, event: ResponseReceived | InformationalResponseReceived, now_ns: int
    ) -> None:
        exchange = self._exchanges.get(event.stream_id or 0)
        if exchange is None:
            return
        exchange.flight.first_byte_ns = exchange.flight.first_byte_ns or now_ns
        try:
            exchange.answer.begin(event.headers or ())
        except MalformedError as error:
            # That answer alone is none: who waits for it tells the server.
            self._given_up.add(exchange.number)
            del self._exchanges[exchange.number]
            exchange.end((Outcome.malformed, str(error)))

    def _leave(self, goaway: GoAway) -> None:
        """The server finishes: what it has not taken it never will, and the rest is waited for."""
        more = f", {goaway.text[:_EXCERPT]!r}" if goaway.text else ""
        self._goaway = f"GOAWAY ({named(goaway.code)}, last stream {goaway.last}{more})"
        self.is_leaving = True
        if not self._exchanges:
            self._tally.closed_idle += 1
        for number, exchange in list(self._exchanges.items()):
            if number > goaway.last and not exchange.answer.started:
                self._given_up.add(number)
                del self._exchanges[number]
                exchange.is_closed = True
                exchange.end(self._refused(number))
        self._close_if_done()

    def _refused(self, number: int) -> tuple[Outcome, str]:
        how = self._goaway or "the connection was about to be closed"
        return Outcome.refused_stream, f"stream {number} was not processed: {how}"

    # What is sent.

    def _send(self, exchange: Exchange) -> None:
        """Of its body what the windows let through."""
        while exchange.unsent:
            most = min(
                self._h2.local_flow_control_window(exchange.number),
                self._h2.max_outbound_frame_size,
            )
            if most <= 0:
                return
            part, exchange.unsent = exchange.unsent[:most], exchange.unsent[most:]
            self._h2.send_data(exchange.number, part, end_stream=not exchange.unsent)
        exchange.flight.sent = True

    def _send_more(self) -> None:
        for exchange in self._exchanges.values():
            if exchange.unsent:
                self._send(exchange)

    def _flush(self) -> None:
        self._outgoing.put(self._h2.data_to_send())

    # How it ends.

    def _end(self, ending: Ending, *, unasked: str = "") -> None:
        """By the server, or for what it said: whatever is under way ends so."""
        if self.is_over:
            return
        self.is_over, self._ending = True, ending
        if not self._exchanges and (unasked or not self.is_leaving):
            self._tally.count(self.number, unasked)
        for exchange in self._exchanges.values():
            exchange.is_closed = True
            exchange.end(ending(exchange.flight))
        self._exchanges.clear()
        self._wake()

    def _cut(self, how: str = "") -> Ending:
        """Where writing failed, that is why: the end is only its echo."""
        if self._outgoing.error is not None:
            return broken_by(self._outgoing.error)
        how += f" after {self._goaway}" if self._goaway else ""
        return lambda flight: flight.cut(how)

    def _close_if_done(self) -> None:
        if self.is_leaving and not (self._exchanges or self.is_over):
            self.is_over = True
            self._h2.close_connection()
            self._flush()
            self._wake()

    def _wake(self) -> None:
        """Whoever reads: a socket that is shut is readable."""
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RD)


def _client() -> H2Connection:
    made = H2Connection(H2Configuration(client_side=True, header_encoding=None))
    made.local_settings = Settings(
        client=True,
        initial_values={
            # Nothing comes that was not asked for.
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.MAX_CONCURRENT_STREAMS: _FIRST_ROOM,
            SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEAD_BYTES,
        },
    )
    made.initiate_connection()
    return made
