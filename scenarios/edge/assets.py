"""What NGINX serves by itself, changed under it: compressed files, and those of the old release."""

from dataclasses import dataclass

from replacing import EDGE, ReplacesPart

from harness.mix import asset
from harness.swap.drain import Drain
from harness.swap.strategy import Steps, unable
from harness.target import Proxies, Stage, TouchesProxies

__all__ = ["CompressesAnew", "RemovesOldAssets"]

_COMPRESSED = """\
{as_what} > "$1.new" && [ -s "$1.new" ] && mv "$1.new" "$1.gz"
"""
"""Put in its place whole, as NGINX may be reading the one that is there."""
_REMOVED = 'rm "$1" "$1.gz" && ! [ -e "$1" ]'


def _path(release: str) -> str:
    """Of its stylesheet, in the edge's container."""
    return f"/srv{asset(release)[0]}"


@dataclass(frozen=True, kw_only=True)
class CompressesAnew(ReplacesPart):
    """The old release's stylesheet gets another compressed file beside it; `as_what` is the shell's
    command that writes it, of the file $1.
    """

    as_what: str = 'gzip -c "$1"'
    name: str = "an asset compressed anew, then drain"

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> None:
        del stage
        with steps.step("compress", EDGE):
            proxies.run(EDGE.name, _COMPRESSED.format(as_what=self.as_what), _path(steps.old))


class RemovesOldAssets:
    """`drain`, and once the old release is gone its assets are too. Their names are in pages that
    visitors have before them, and in caches.
    """

    name = "drain, then the old assets removed"
    discovery = "slots"

    def replace(self, stage: Stage, steps: Steps) -> None:
        if not isinstance(stage, TouchesProxies):
            raise unable("reach its proxies")
        Drain().replace(stage, steps)
        with steps.step("remove", EDGE):
            stage.proxies().run(EDGE.name, _REMOVED, _path(steps.old))
