"""Certificates rolled out to NGINX: as files that it reads at each handshake, or by a reload."""

from dataclasses import dataclass
from typing import Final

from nginxes import ReplacesNginx, end_kept, keep_again, reload
from replacing import EDGE

from harness.model.errors import MissingEvidenceError
from harness.stack import edge
from harness.stack.certificate import number_of
from harness.stack.variation import Variation
from harness.swap.strategy import Steps
from harness.target import Proxies, Stage
from harness.timeline import wait_until

__all__ = ["READ_EACH_TIME", "RollsOut"]

_PATIENCE_S: Final = 5.0
READ_EACH_TIME: Final = Variation(
    name="NGINX reads its certificate at each handshake",
    edge={
        "worker_processes auto;": "worker_processes auto;\nuser nobody nogroup;",
        "ssl_certificate /tmp/tls/certificate.pem;": """\
map $ssl_server_name $certified_at {
    default /tmp/tls/now;
}
ssl_certificate $certified_at/certificate.pem;""",
        "ssl_certificate_key /tmp/tls/key.pem;": "ssl_certificate_key $certified_at/key.pem;",
    },
    edge_shell=f"""\
mkdir /tmp/tls/first
mv /tmp/tls/*.pem /tmp/tls/first
ln -s first /tmp/tls/now
chown -R nobody: /tmp/tls
{edge.SERVE}""",
)
"""A name that holds a variable: NGINX then reads the files anew, as the user of its workers, who
must be able to. Which folder they are in is changed in one moment.
"""

_AS_FILES: Final = """\
folder="/tmp/tls/$1"
mkdir "$folder" || exit 1
printf %s "$2" > "$folder/certificate.pem"
printf %s "$3" > "$folder/key.pem"
chown -R nobody: "$folder"
ln -s "$1" /tmp/tls/next && mv -T /tmp/tls/next /tmp/tls/now
"""
_IN_PLACE: Final = """\
printf %s "$1" > /tmp/tls/certificate.new && printf %s "$2" > /tmp/tls/key.new || exit 1
mv /tmp/tls/key.new /tmp/tls/key.pem && mv /tmp/tls/certificate.new /tmp/tls/certificate.pem
"""


@dataclass(frozen=True, kw_only=True)
class RollsOut(ReplacesNginx):
    """A certificate of that kind (harness.target.Proxies.issue) in place of the one before."""

    name: str = "a certificate rolled out, then drain"
    kind: str = "renewed"
    reloads: bool = False
    """Whether NGINX has to be reloaded to read it."""

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> str:
        del stage
        chain, key = proxies.issue(self.kind)
        former = ""
        if self.reloads:
            end_kept(proxies, steps)
        with steps.step("renew", EDGE):
            if self.reloads:
                proxies.run(EDGE.name, _IN_PLACE, chain, key)
                former = reload(proxies)
            else:
                proxies.run(EDGE.name, _AS_FILES, f"of-swap-{steps.swap}", chain, key)
            await_shown(proxies, chain, steps)
        if self.reloads:
            keep_again(proxies)
        return former


def await_shown(proxies: Proxies, chain: str, steps: Steps) -> None:
    """Returns once who connects is shown that very certificate; MissingEvidenceError where not."""
    wanted = number_of(chain)
    if not wait_until(
        lambda: number_of(proxies.shown()) == wanted, clock=steps.clock, timeout_s=_PATIENCE_S
    ):
        raise MissingEvidenceError(
            f"edge: it still shows certificate {number_of(proxies.shown()):x}, and not {wanted:x}, "
            "which was rolled out"
        )
