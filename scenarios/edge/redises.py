"""Redis replaced: by itself, restarted, or by its replica, promoted; and how either goes wrong.

The store's address is held (stack.variation): each Redis runs in the network of a container that
does nothing else, and new connections are led from its port to one of two.
"""

from dataclasses import dataclass

from replacing import STORE, ReplacesPart

from harness.model.errors import MissingEvidenceError
from harness.swap.strategy import Steps
from harness.target import Instance, Proxies, Stage

__all__ = ["ADDRESS", "DiesBeforePromotion", "HandsOver", "PromotesAtOnce", "RestartsStore"]

ADDRESS = "store-address"

_RUN_ID = r"""redis-cli -p "$PORT" INFO server | sed -n 's/^run_id:\([0-9a-f]*\).*/\1/p'"""
"""Redis draws it anew with each start."""
_ANSWERS = f"""\
for _ in $(seq 500); do
    [ "$(redis-cli -p "$PORT" PING 2>/dev/null)" = PONG ] && break
    sleep 0.02
done
{_RUN_ID}
"""
_FOLLOWS = """\
for _ in $(seq 500); do
    redis-cli -p "$PORT" INFO replication 2>/dev/null | grep -q '^master_link_status:up' && exit 0
    sleep 0.02
done
redis-cli -p "$PORT" INFO replication
exit 1
"""
_HANDS_OVER = """\
said=$(redis-cli -p "$PORT" FAILOVER TIMEOUT 5000)
[ "$said" = OK ] || { echo "$said"; exit 1; }
for _ in $(seq 300); do
    [ "$(redis-cli -p "$1" ROLE | head -n 1)" = master ] && exit 0
    sleep 0.02
done
redis-cli -p "$PORT" INFO replication
exit 1
"""
_PROMOTES = """\
redis-cli -p "$PORT" REPLICAOF NO ONE
[ "$(redis-cli -p "$PORT" ROLE | head -n 1)" = master ]
"""
_LOSES_ITS_LINK = """\
redis-cli -p "$PORT" REPLICAOF 127.0.0.1 1
redis-cli -p "$PORT" INFO replication | grep -q '^master_link_status:down'
"""
_LEADS = """\
nft -f - <<END || exit 1
table ip harness_store
delete table ip harness_store
table ip harness_store {
    chain arriving {
        type nat hook prerouting priority -100;
        tcp dport 6379 tcp flags & (syn|ack) == syn redirect to :$1
    }
}
END
nft list table ip harness_store | grep -q "redirect to :$1"
"""
"""All at once; who is connected stays with whom it is connected to."""
_IS_REACHED = """\
for _ in $(seq 500); do
    redis-cli -p "$PORT" CLIENT LIST TYPE normal | grep -v ' addr=127[.]' | grep -q ' addr=' &&
        exit 0
    sleep 0.02
done
echo "nobody but its own client is connected to it"
exit 1
"""


@dataclass(frozen=True, kw_only=True)
class RestartsStore(ReplacesPart):
    """By its own stop signal, on which it finishes what it writes; then started again."""

    name: str = "the store restarted, then drain"

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> None:
        del stage
        before = proxies.run(STORE.name, _RUN_ID).strip()
        with steps.step("stop", STORE):
            proxies.stop(STORE.name)
        with steps.step("start", STORE):
            proxies.start(STORE.name)
            now = proxies.run(STORE.name, _ANSWERS).strip()
        if not before or not now or now == before:
            raise MissingEvidenceError(
                f"store: no other Redis answered after its restart, but run {now!r} after "
                f"{before!r}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A store, and its replica, which has all that it has."""

    old: Instance
    new: Instance
    port: str
    """Of the new one."""


@dataclass(frozen=True, kw_only=True)
class HandsOver(ReplacesPart):
    """FAILOVER: the old one lets writes wait, until its replica has all, which then leads; it is a
    replica itself from then on, and stopped once new connections are led to the other.
    """

    name: str = "the store's replica promoted by FAILOVER, then drain"

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> None:
        del stage
        pair = replica(proxies, steps)
        with steps.step("promote", pair.new):
            proxies.run(pair.old.name, _HANDS_OVER, pair.port)
        lead(proxies, steps, pair)
        stop(proxies, steps, pair.old)
        reached(proxies, pair)


@dataclass(frozen=True, kw_only=True)
class PromotesAtOnce(ReplacesPart):
    """The replica is promoted while the old one goes on taking writes, from all who are connected
    to it: for as long as it takes until somebody stops it.
    """

    name: str = "the store's replica promoted beside it, then drain"
    for_s: float = 1.0

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> None:
        del stage
        pair = replica(proxies, steps)
        with steps.step("promote", pair.new):
            proxies.run(pair.new.name, _PROMOTES)
        lead(proxies, steps, pair)
        steps.clock.sleep(self.for_s)
        stop(proxies, steps, pair.old)
        reached(proxies, pair)


@dataclass(frozen=True, kw_only=True)
class DiesBeforePromotion(ReplacesPart):
    """The old one ends while its replica has heard nothing of it for a while, and that is promoted
    as it is.
    """

    name: str = "the store gone before its replica had all, then drain"
    behind_s: float = 1.0

    def replace_part(self, stage: Stage, proxies: Proxies, steps: Steps) -> None:
        del stage
        pair = replica(proxies, steps)
        with steps.step("cut", pair.new):
            proxies.run(pair.new.name, _LOSES_ITS_LINK)
            steps.clock.sleep(self.behind_s)
        stop(proxies, steps, pair.old)
        with steps.step("promote", pair.new):
            proxies.run(pair.new.name, _PROMOTES)
        lead(proxies, steps, pair)
        reached(proxies, pair)


def replica(proxies: Proxies, steps: Steps) -> Pair:
    """Of the present store, beside it; returns once it has all that there is."""
    with steps.step("start", STORE):
        name = proxies.another(STORE.name)
        proxies.run(name, _FOLLOWS)
    number = int(name.rpartition("-")[2])
    former = STORE.name if number == 2 else f"{STORE.name}-{number - 1}"
    return Pair(
        old=Instance(name=former, release=""),
        new=Instance(name=name, release=""),
        port=proxies.run(name, 'printf %s "$PORT"'),
    )


def lead(proxies: Proxies, steps: Steps, pair: Pair) -> None:
    """New connections to the new one."""
    with steps.step("lead", pair.new):
        proxies.run(ADDRESS, _LEADS, pair.port)


def stop(proxies: Proxies, steps: Steps, old: Instance) -> None:
    with steps.step("stop", old):
        proxies.stop(old.name)


def reached(proxies: Proxies, pair: Pair) -> None:
    """MissingEvidenceError where the website is not connected to the new one."""
    proxies.run(pair.new.name, _IS_REACHED)
