"""What the website keeps in Redis: a counter, the ledger of operations; sessions.py: sessions."""

import os

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

TIMEOUT_S = 1.0
ARRIVED = "operations:arrived"
APPLIED = "operations:applied"

# Applied before counted: should Redis stop between the two, a repeat still applies it.
LEDGER = """
if ARGV[2] == '0' or redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  redis.call('RPUSH', KEYS[2], ARGV[1])
end
redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
"""


def connect() -> Redis:
    """A client that connects at its first command, and fails within about a second.

    It never retries: a repeat would hide an outage of the store, or count a visit twice.
    """
    return Redis(
        host=os.environ.get("STORE_HOST", "store"),
        port=int(os.environ.get("STORE_PORT", "6379")),
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
    )


def apply(store: Redis, operation: str, *, idempotent: bool) -> None:
    """Counts the arrival of `operation`, and applies it: once, or without idempotence each time.

    One script, as Redis runs a script alone: of two arrivals at once one is the first.
    """
    store.eval(LEDGER, 2, ARRIVED, APPLIED, operation, str(int(idempotent)))
