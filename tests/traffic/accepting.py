"""A server on loopback with a plain thread for each connection, so that a client in this thread's
gevent hub can talk to it.
"""

import contextlib
import errno
import socket
import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self, TypeVar

__all__ = ["Serving", "turn"]

B = TypeVar("B")


class Serving(ABC):
    """Accepts from its making to its end. `connections` counts them as they come."""

    def __init__(self) -> None:
        self.connections = 0
        self.served = 0
        """Requests for which all has been done that is to be done."""
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        self._socks: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]

    def begin(self) -> None:
        """To be called last as it is made."""
        self._threads[0].start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.refuse()
        for sock in self._socks:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)

    def refuse(self) -> None:
        """From now on; connections that exist go on."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(5)

    @abstractmethod
    def serve(self, sock: socket.socket, number: int) -> None:
        """One connection to its end; an OSError is the client's, as it wished."""

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError as error:
                # A test may take this process's descriptors away for a moment.
                if error.errno == errno.EMFILE and not self.stopping.wait(0.01):
                    continue
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            number = self.connections
            self.connections += 1
            self._socks = [known for known in self._socks if known.fileno() >= 0]
            self._socks.append(sock)
            thread = threading.Thread(target=self._serve, args=(sock, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError), sock:
            self.serve(sock, number)


def turn(script: B | Sequence[B], index: int) -> B:
    """That request's behaviour: the one of all, or the n-th of a list, its last for all later."""
    if not isinstance(script, Sequence):
        return script
    return script[min(index, len(script) - 1)]
