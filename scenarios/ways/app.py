"""A small app of nobody's framework: asyncio and HTTP/1.1, its release in a header.

Told to stop it listens to no one new, finishes what it has begun, and closes in order.
"""

import asyncio
import signal
import sys


async def main(port: int, release: str) -> None:
    over = asyncio.Event()
    busy: set[asyncio.StreamWriter] = set()
    idle: set[asyncio.StreamWriter] = set()
    text = f"Release {release}\n".encode()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                idle.add(writer)
                head = await reader.readuntil(b"\r\n\r\n")
                idle.discard(writer)
                busy.add(writer)
                is_last = over.is_set() or b"\nconnection: close" in head.lower()
                last = b"Connection: close\r\n" if is_last else b""
                writer.write(
                    b"HTTP/1.1 200 OK\r\nX-Version: %b\r\nContent-Length: %d\r\n%b\r\n%b"
                    % (release.encode(), len(text), last, text)
                )
                await writer.drain()
                busy.discard(writer)
                if is_last:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            idle.discard(writer)
            busy.discard(writer)
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port, backlog=512)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    await over.wait()
    server.close()
    while busy:  # noqa: ASYNC110 (an app of a few lines)
        await asyncio.sleep(0.01)
    for writer in list(idle):
        writer.close()
    await asyncio.sleep(0.1)


asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
