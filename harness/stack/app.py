"""What runs in the website's place: the sample website, or an image of a user's own.

The sample website names itself in its answers, logs each request, has assets for the edge, and
lingers as long as its mode needs. An image of a user's own does nothing of that: the balancer names
it by the address that it was reached at, and what is said of it rests on the proxies' logs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.stack.runtime_api import INSTANCE_MAP, RELEASE_MAP

__all__ = ["OWN_EDGE", "SAMPLE", "App", "named_lines", "pool_lines"]

_NAMES: Final = (("X-Instance", INSTANCE_MAP), ("X-Release", RELEASE_MAP))

OWN_EDGE: Final[Mapping[str, str]] = {
    # No copies: they would be answered while the app is away. What headers it sends is not known,
    # so they get more room than NGINX gives them by itself; of copies none but it could tell.
    "proxy_cache pages;": "",
    "add_header X-Cache $upstream_cache_status always;": "",
    "proxy_read_timeout 60s;": (
        "proxy_read_timeout 60s;\nproxy_hide_header X-Cache;\n"
        "proxy_buffer_size 32k;\nproxy_buffers 8 32k;"
    ),
    # It has its own /assets/.
    "root /srv;": "proxy_pass http://balancer;",
    "gzip_static on;": "",
    'add_header Cache-Control "public, max-age=31536000, immutable";': "",
}
"""Lines of nginx.conf that stand otherwise before an image of a user's own (stack.variation)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Where it listens and how it is asked whether it is ready."""

    port: int = 8000
    health: str = "/ready"
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of its containers; of the sample website it is a variation's."""
    is_sample: bool = True

    @property
    def ready_status(self) -> str:
        """Of an answer that says so, in words."""
        return "200" if self.is_sample else "200 to 299"

    def is_ready(self, status_line: str) -> bool:
        """Whether the first line of an answer says so."""
        version, _, rest = status_line.partition(" ")
        status = rest[:3]
        is_right = status == "200" if self.is_sample else status[:1] == "2" and status.isdigit()
        return version.startswith("HTTP/1.") and is_right


SAMPLE: Final = App()


def pool_lines(app: App, *, is_reloaded: bool) -> str:
    """What a pool's section of HAProxy's configuration says of the website in it.

    An own image is asked as a visitor asks, with a Host header. No connection to it is kept:
    for how long its server keeps idle ones is not known (gunicorn 2 s, Node 5 s), and a request
    that is sent as it closes one would be lost by this stack. Its name and its release are set by
    the address that the answer came from, whatever it says itself.
    """
    if app.is_sample:
        return f"    option httpchk GET {app.health}\n    http-check expect status 200\n"
    told = "".join(
        f"    http-response set-header {name} %[bc_dst,map({path})]\n" for name, path in _NAMES
    )
    if is_reloaded:
        # A new process would not know what a map was given at run time: the servers' names do.
        told = (
            "    http-response del-header X-Release\n"
            "    http-response set-header X-Instance %[srv_name]\n"
        )
    return f"""\
    option httpchk
    http-check send meth GET uri '{app.health}' ver HTTP/1.1 hdr Host localhost
    http-check expect rstatus ^2
    option http-server-close
{told}"""


def named_lines(releases: Mapping[str, str]) -> str:
    """The same by server, where the configuration is written anew: `releases` by instance."""
    return "\n".join(
        f"    http-response set-header X-Release {release} if {{ srv_name -m str {name} }}"
        for name, release in releases.items()
    )
