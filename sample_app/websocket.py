"""A WebSocket's server side (RFC 6455), as far as an echo needs it: short, whole frames."""

import base64
import hashlib
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator, Mapping

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
GOING_AWAY, TOO_BIG = 1001, 1009
LONGEST = 125
POLL_S = 0.05
FAREWELL_S = 1.0
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accepted(key: str) -> str:
    """What answers a client's key (RFC 6455, 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _MAGIC).digest()).decode()  # noqa: S324 (the protocol's own)


def serve(
    sock: socket.socket,
    key: str,
    headers: Mapping[str, str],
    answer: Callable[[str], str],
    told_to_stop: Callable[[], bool],
) -> None:
    """Answers each text until the client closes, or until the website is told to stop."""
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accepted(key)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    sock.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
    heard = bytearray()
    leaves_at: float | None = None
    while leaves_at is None or time.monotonic() < leaves_at:
        if leaves_at is None and told_to_stop():
            sock.sendall(frame(CLOSE, struct.pack("!H", GOING_AWAY)))
            leaves_at = time.monotonic() + FAREWELL_S
        if not select.select([sock], [], [], POLL_S)[0]:
            continue
        data = sock.recv(65_536)
        if not data:
            return
        heard += data
        for opcode, payload in frames(heard):
            if opcode == CLOSE:
                if leaves_at is None:
                    sock.sendall(frame(CLOSE, payload[:2]))
                return
            if leaves_at is None and opcode == PING:
                sock.sendall(frame(PONG, payload))
            elif leaves_at is None and opcode == TEXT:
                sock.sendall(frame(TEXT, answer(payload.decode()).encode()))


def frame(opcode: int, payload: bytes) -> bytes:
    """One whole frame of a server, which does not mask."""
    if len(payload) > LONGEST:
        raise ValueError(f"a frame of {len(payload)} bytes: {LONGEST} are possible here")
    return bytes([0x80 | opcode, len(payload)]) + payload


def frames(heard: bytearray) -> Iterator[tuple[int, bytes]]:
    """(opcode, payload) of each whole frame of a client's in `heard`, taken out of it.

    One that is longer than here is possible ends the conversation, as a close of the client's.
    """
    while len(heard) >= 2:
        size = heard[1] & 0x7F
        if size > LONGEST:
            yield CLOSE, struct.pack("!H", TOO_BIG)
            return
        end = 6 + size
        if len(heard) < end:
            return
        mask, masked = heard[2:6], heard[6:end]
        opcode = heard[0] & 0x0F
        del heard[:end]
        yield opcode, bytes(byte ^ mask[at % 4] for at, byte in enumerate(masked))
