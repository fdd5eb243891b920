"""The trivial website that all are measured against: the host's NGINX, on loopback, on one core."""

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import trustme

__all__ = ["BODY", "CLIENT_CORE", "NAME", "SERVER_CORE", "Site", "on_core", "serving"]

BODY = "Hello beautiful world!"
NAME = "localhost"
SERVER_CORE, CLIENT_CORE = 0, 1
_READY_S = 10.0

# Keep-alive without end, no log, no file: what is left is the client's cost. Its folders are its
# own, as a user who is not root may not write into Debian's.
_CONFIGURATION = """
daemon off;
worker_processes 1;
error_log {folder}/error.log warn;
pid {folder}/nginx.pid;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    default_type text/plain;
    keepalive_timeout 75s;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    ssl_certificate {folder}/site.pem;
    ssl_certificate_key {folder}/site.pem;
    ssl_session_cache shared:sessions:10m;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        listen 127.0.0.1:{tls_port} ssl backlog=4096;
        location / {{
            add_header X-Release v1;
            add_header X-Instance trivial-1;
            return 200 "{body}";
        }}
    }}
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where it listens, and whom to trust there."""

    port: int
    tls_port: int
    ca: str
    """The certificate authority's certificate, in PEM."""
    pid: int


def on_core(core: int) -> list[str]:
    """Words before a command that keep it on one core."""
    return ["taskset", "--cpu-list", str(core)]


@contextlib.contextmanager
def serving() -> Iterator[Site]:
    """The website, until the block is left. RuntimeError where NGINX does not start."""
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    port, tls_port = _free_ports()
    authority = trustme.CA()
    with tempfile.TemporaryDirectory(prefix="harness-benchmark-") as name:
        folder = Path(name)
        # NGINX's worker, which is another user where this one is root, reads nothing in it.
        pem = authority.issue_cert(NAME).private_key_and_cert_chain_pem
        (folder / "site.pem").touch(0o600)
        (folder / "site.pem").write_bytes(pem.bytes())
        configuration = folder / "nginx.conf"
        configuration.write_text(
            _CONFIGURATION.format(folder=folder, port=port, tls_port=tls_port, body=BODY)
        )
        process = subprocess.Popen(
            [*on_core(SERVER_CORE), nginx, "-p", name, "-c", str(configuration)],
            stderr=subprocess.DEVNULL,
        )
        try:
            _await(port, process, folder / "error.log")
            yield Site(
                port=port,
                tls_port=tls_port,
                ca=authority.cert_pem.bytes().decode(),
                pid=process.pid,
            )
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(_READY_S)


def _await(port: int, process: subprocess.Popen[bytes], errors: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            said = errors.read_text() if errors.exists() else "nothing"
            raise RuntimeError(f"NGINX does not answer; it said: {said}")
        time.sleep(0.02)


def _free_ports() -> tuple[int, int]:
    """Two ports on which nobody listens; another process may take one before NGINX does."""
    with (
        socket.create_server(("127.0.0.1", 0)) as first,
        socket.create_server(("127.0.0.1", 0)) as second,
    ):
        return first.getsockname()[1], second.getsockname()[1]
